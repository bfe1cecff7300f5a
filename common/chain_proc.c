#include "chain.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monotonic.h"

/* How far up the parents of a process are followed. */
#define PARENTS_MAX 64

/* A shell's child holds its ends of all that the shell has open until it runs
 * its program. So in our first second (the pipeline may just be starting) a way
 * that leads through such a process is looked at again and again. */
#define STARTING_US  1000000
#define STARTING_GAP 10 /* ms */
#define FORK_NO_EXEC 0x40 /* PF_FORKNOEXEC in the kernel's sched.h */

struct chain {
	int sock;
	pid_t helper;
};

/* A pipe or FIFO. */
struct pipe_id {
	dev_t dev;
	ino_t ino;
};

/* One process' end of a pipe. */
struct end {
	pid_t pid;
	struct pipe_id pipe;
	bool reads;
	bool writes;
	bool feeds; /* its process does */
	bool wanted; /* its pipe leads to us */
	bool shared; /* its pipe carries no stream */
};

struct ends {
	struct end *v;
	size_t n;
	size_t cap;
	bool hidden; /* a process of our group could not be looked at */
};

/* What is on our stdin. */
struct stdin_id {
	pid_t self;
	pid_t group;
	bool is_pipe;
	bool is_socket;
	struct pipe_id pipe;
};

static bool
same(const struct pipe_id *a, const struct pipe_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* What /proc/PID/stat says (proc(5)), which all may read. */
struct process {
	pid_t parent;
	pid_t group;
	unsigned flags;
};

/* The name in it may hold anything, also ")". */
static bool
read_process(pid_t pid, struct process *ret)
{
	char path[64], line[1024], *p;
	int parent, group;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	n = fread(line, 1, sizeof(line) - 1, f);
	(void)fclose(f);
	line[n] = '\0';
	p = strrchr(line, ')');
	if (p == NULL ||
	    sscanf(p, ") %*c %d %d %*d %*d %*d %u", &parent, &group,
		&ret->flags) != 3)
		return false;
	ret->parent = parent;
	ret->group = group;
	return true;
}

/* sudo(8) puts what it runs into a group of its own: so parents count too. */
static bool
in_group(pid_t pid, pid_t group)
{
	struct process p;
	int i;

	for (i = 0; i < PARENTS_MAX && pid > 1; i++) {
		if (!read_process(pid, &p))
			return i == 0 && getpgid(pid) == group;
		if (p.group == group)
			return true;
		pid = p.parent;
	}
	return false;
}

/* Which pipe is it that this link in /proc/PID/fd leads to? Nothing is opened,
 * and only what has a path of its own is looked at behind the link. */
static bool
identify(int fddir, const char *name, struct pipe_id *id)
{
	char text[PATH_MAX];
	struct stat st;
	ssize_t len;

	len = readlinkat(fddir, name, text, sizeof(text) - 1);
	if (len == -1)
		return false;
	text[len] = '\0';
	if (strncmp(text, "pipe:", 5) != 0 && text[0] != '/')
		return false;
	if (fstatat(fddir, name, &st, 0) == -1 || !S_ISFIFO(st.st_mode))
		return false;
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	return true;
}

static int
add(struct ends *e, const struct end *one)
{
	struct end *v;
	size_t cap;

	if (e->n == e->cap) {
		cap = e->cap == 0 ? 256 : e->cap * 2;
		v = reallocarray(e->v, cap, sizeof(*v));
		if (v == NULL)
			return -1;
		e->v = v;
		e->cap = cap;
	}
	e->v[e->n++] = *one;
	return 0;
}

/* Adds the pipes of one process. */
static int
look(struct ends *e, const struct stdin_id *in, pid_t pid)
{
	struct end one = {.pid = pid};
	struct dirent *entry;
	char path[64];
	struct stat st;
	int ret = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (d == NULL) {
		if ((errno == EACCES || errno == EPERM) &&
		    in_group(pid, in->group))
			e->hidden = true;
		return 0;
	}
	while (ret == 0 && (entry = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		/* The link's own mode tells how the file is open. */
		if (fstatat(dirfd(d), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == -1 ||
		    !identify(dirfd(d), entry->d_name, &one.pipe))
			continue;
		one.reads = (st.st_mode & S_IRUSR) != 0;
		one.writes = (st.st_mode & S_IWUSR) != 0;
		ret = add(e, &one);
	}
	(void)closedir(d);
	return ret;
}

static int
look_all(struct ends *e, const struct stdin_id *in, bool settled)
{
	struct dirent *entry;
	struct process p;
	int ret = 0;
	pid_t pid;
	DIR *d;

	d = opendir("/proc");
	if (d == NULL)
		return -1;
	while (ret == 0 && (entry = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (settled && read_process(pid, &p) &&
		    (p.flags & FORK_NO_EXEC) != 0)
			continue;
		if (pid != in->self && pid != getpid())
			ret = look(e, in, pid);
	}
	(void)closedir(d);
	return ret;
}

/* Does one process hold both ends of it? */
static bool
holds_both(const struct ends *e, const struct end *one)
{
	bool reads = false, writes = false;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (e->v[i].pid != one->pid || !same(&e->v[i].pipe, &one->pipe))
			continue;
		reads = reads || e->v[i].reads;
		writes = writes || e->v[i].writes;
	}
	return reads && writes;
}

/* make(1)'s job server and a pipe that a process keeps to wake itself: all who
 * hold it hold both ends. No stream goes through these, though they connect
 * everything below a make -j. (One process with both ends proves nothing: so
 * looks a shell's child on its way to exec.) */
static bool
is_stream(const struct ends *e, const struct pipe_id *pipe)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (same(&e->v[i].pipe, pipe) && !holds_both(e, &e->v[i]))
			return true;
	}
	return false;
}

/* All ends of this pipe lead to us, and so do those who write into it. */
static void
want(struct ends *e, const struct pipe_id *pipe)
{
	size_t i, j;

	for (i = 0; i < e->n; i++) {
		if (!same(&e->v[i].pipe, pipe))
			continue;
		e->v[i].wanted = true;
		for (j = 0; e->v[i].writes && j < e->n; j++) {
			if (e->v[j].pid == e->v[i].pid)
				e->v[j].feeds = true;
		}
	}
}

/* Goes up until nothing new is found. Returns false when a pipe that leads to
 * us has nobody to be seen at its other end. */
static bool
follow(struct ends *e, const struct stdin_id *in)
{
	bool whole = true, more = true;
	size_t i, j;

	want(e, &in->pipe);
	while (more) {
		more = false;
		for (i = 0; i < e->n; i++) {
			if (!e->v[i].feeds || !e->v[i].reads ||
			    e->v[i].wanted || e->v[i].shared)
				continue;
			if (!is_stream(e, &e->v[i].pipe)) {
				e->v[i].shared = true;
				continue;
			}
			want(e, &e->v[i].pipe);
			more = true;
		}
	}
	for (i = 0; i < e->n && whole; i++) {
		if (!e->v[i].feeds || !e->v[i].reads || e->v[i].shared)
			continue;
		for (j = 0; j < e->n; j++) {
			if (e->v[j].writes && e->v[j].wanted &&
			    same(&e->v[j].pipe, &e->v[i].pipe))
				break;
		}
		whole = j < e->n;
	}
	for (j = 0; j < e->n; j++) {
		if (e->v[j].writes && same(&e->v[j].pipe, &in->pipe))
			return whole;
	}
	return false;
}

/* settled: those who have yet to run a program do not count. */
static bool
feeds(const struct stdin_id *in, pid_t pid, bool settled)
{
	struct ends e = {0};
	bool yes = false, whole;
	char path[64];
	size_t i;

	if (in->is_socket) {
		yes = in_group(pid, in->group);
		goto out;
	}
	if (!in->is_pipe)
		goto out;
	if (look_all(&e, in, settled) == -1) {
		yes = in_group(pid, in->group);
		goto out;
	}
	whole = follow(&e, in);
	for (i = 0; i < e.n && !yes; i++)
		yes = e.v[i].pid == pid && e.v[i].feeds;
	if (yes)
		goto out;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((!whole && e.hidden) || access(path, R_OK) == -1)
		yes = in_group(pid, in->group);
out:
	free(e.v);
	return yes;
}

static _Noreturn void
serve(int sock, const struct stdin_id *in)
{
	int64_t began = monotonic_us();
	sigset_t all;
	pid_t pid;
	char yes;

	/* What ends the pipeline must not end the answers before the one who
	 * asks has ended; that closes the socket. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	/* Above all no end of a pipe may be kept open here. */
	if (dup2(sock, STDIN_FILENO) == -1)
		_exit(1);
	closefrom(STDIN_FILENO + 1);
	if (chdir("/") == -1)
		_exit(1);
	while (read(STDIN_FILENO, &pid, sizeof(pid)) == sizeof(pid)) {
		while ((yes = feeds(in, pid, false)) &&
		    monotonic_us() - began < STARTING_US &&
		    !feeds(in, pid, true))
			(void)poll(NULL, 0, STARTING_GAP);
		if (send(STDIN_FILENO, &yes, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	_exit(0);
}

struct chain *
chain_open(void)
{
	struct stdin_id in = {0};
	int sv[2] = {-1, -1};
	struct chain *c;
	struct stat st;

	c = malloc(sizeof(*c));
	if (c == NULL)
		return NULL;
	in.self = getpid();
	in.group = getpgrp();
	if (fstat(STDIN_FILENO, &st) == 0) {
		in.is_pipe = S_ISFIFO(st.st_mode);
		in.is_socket = S_ISSOCK(st.st_mode);
		in.pipe.dev = st.st_dev;
		in.pipe.ino = st.st_ino;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		goto fail;
	c->helper = fork();
	if (c->helper == -1)
		goto fail;
	if (c->helper == 0)
		serve(sv[1], &in);
	(void)close(sv[1]);
	c->sock = sv[0];
	return c;
fail:
	if (sv[0] != -1) {
		(void)close(sv[0]);
		(void)close(sv[1]);
	}
	free(c);
	return NULL;
}

int
chain_feeds(struct chain *c, pid_t pid)
{
	ssize_t n;
	char yes = 1;

	do {
		n = send(c->sock, &pid, sizeof(pid), MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	do {
		n = recv(c->sock, &yes, 1, 0);
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		errno = ESRCH;
	return n == 1 ? yes : -1;
}

void
chain_close(struct chain *c)
{
	if (c == NULL)
		return;
	(void)close(c->sock);
	while (waitpid(c->helper, NULL, 0) == -1 && errno == EINTR)
		;
	free(c);
}
