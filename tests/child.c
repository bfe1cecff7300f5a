#include "child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keep.h"

#define CHILD_SECONDS 20

static void
child_find(const char *name, char path[PATH_MAX])
{
	const char *bin = getenv("FSPIPE_BIN");

	(void)snprintf(path, PATH_MAX, "%s/%s", bin != NULL ? bin : ".", name);
	if (access(path, X_OK) == -1)
		(void)snprintf(path, PATH_MAX, "%s", name);
}

void
child_start(struct child *c, const char *const argv[])
{
	int in[2], out[2], err[2];
	char path[PATH_MAX];
	unsigned long number;

	memset(c, 0, sizeof(*c));
	child_find(argv[0], path);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	number = keep_number();
	c->keep_in = c->keep_out = -1;
	if (strcmp(argv[0], "fswrite") == 0) {
		c->keep_in = keep_open("commands", number);
		c->keep_out = keep_open("answers", number);
	}
	c->pid = fork();
	ck_assert_int_ne(c->pid, -1);
	if (c->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		(void)execvp(path, (char *const *)argv);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(err[1]);
	c->in = in[1];
	c->out = out[0];
	c->err_fd = err[0];
	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_ne(fcntl(c->in, F_SETFL, O_NONBLOCK), -1);
}

/* Reads what there is of stderr. */
static void
child_read_err(struct child *c)
{
	ssize_t n;

	ck_assert_uint_lt(c->nerr, sizeof(c->err) - 1);
	n = read(c->err_fd, c->err + c->nerr, sizeof(c->err) - 1 - c->nerr);
	if (n > 0)
		c->nerr += (size_t)n;
	else {
		(void)close(c->err_fd);
		c->err_fd = -1;
	}
}

/* Waits for something to happen on stdin (events POLLOUT), stdout or stderr;
 * takes stderr. Returns the revents of stdin or stdout that were asked for. */
static short
child_poll(struct child *c, bool in, bool out, time_t deadline)
{
	struct pollfd p[] = {
	    {.fd = in ? c->in : -1, .events = POLLOUT},
	    {.fd = out ? c->out : -1, .events = POLLIN},
	    {.fd = c->err_fd, .events = POLLIN},
	};

	ck_assert_msg(time(NULL) <= deadline, "waited for too long; stderr: %s",
	    c->err);
	if (poll(p, 3, 1000) == -1)
		ck_assert_int_eq(errno, EINTR);
	if (p[2].fd != -1 && p[2].revents != 0)
		child_read_err(c);
	return p[0].revents | p[1].revents;
}

void
child_say_bytes(struct child *c, const void *data, size_t n)
{
	time_t deadline = time(NULL) + CHILD_SECONDS;
	const char *p = data;
	ssize_t done;

	while (n > 0) {
		done = write(c->in, p, n);
		/* It has ended early; its status tells why. */
		if (done == -1 && errno == EPIPE)
			return;
		if (done == -1) {
			ck_assert_int_eq(errno, EAGAIN);
			(void)child_poll(c, true, false, deadline);
			continue;
		}
		keep(c->keep_in, p, (size_t)done);
		p += done;
		n -= (size_t)done;
	}
}

void
child_say(struct child *c, const char *s)
{
	child_say_bytes(c, s, strlen(s));
}

void
child_end_input(struct child *c)
{
	if (c->in != -1)
		(void)close(c->in);
	c->in = -1;
}

const char *
child_line(struct child *c)
{
	time_t deadline = time(NULL) + CHILD_SECONDS;
	char *nl;
	size_t len;
	ssize_t n;

	for (;;) {
		nl = memchr(c->pending, '\n', c->npending);
		if (nl != NULL)
			break;
		if (child_poll(c, false, true, deadline) == 0)
			continue;
		ck_assert_uint_lt(c->npending, sizeof(c->pending));
		n = read(c->out, c->pending + c->npending,
		    sizeof(c->pending) - c->npending);
		if (n <= 0)
			return NULL;
		keep(c->keep_out, c->pending + c->npending, (size_t)n);
		c->npending += (size_t)n;
	}
	len = (size_t)(nl - c->pending);
	memcpy(c->line, c->pending, len);
	c->line[len] = '\0';
	c->npending -= len + 1;
	memmove(c->pending, nl + 1, c->npending);
	return c->line;
}

void
child_until_err(struct child *c, const char *text)
{
	time_t deadline = time(NULL) + CHILD_SECONDS;

	while (strstr(c->err, text) == NULL) {
		ck_assert_msg(c->err_fd != -1, "no \"%s\" in stderr: %s", text,
		    c->err);
		(void)child_poll(c, false, false, deadline);
	}
}

int
child_wait(struct child *c)
{
	time_t deadline = time(NULL) + CHILD_SECONDS;
	char drop[4096];
	ssize_t n;
	int status;

	child_end_input(c);
	while (c->out != -1) {
		if (child_poll(c, false, true, deadline) == 0)
			continue;
		n = read(c->out, drop, sizeof(drop));
		if (n > 0) {
			keep(c->keep_out, drop, (size_t)n);
		} else {
			(void)close(c->out);
			c->out = -1;
		}
	}
	while (c->err_fd != -1)
		(void)child_poll(c, false, false, deadline);
	ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
	if (c->keep_in != -1)
		(void)close(c->keep_in);
	if (c->keep_out != -1)
		(void)close(c->keep_out);
	c->keep_in = c->keep_out = -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int
child_run(struct child *c, const char *const argv[], const char *input)
{
	child_start(c, argv);
	child_say(c, input);
	return child_wait(c);
}
