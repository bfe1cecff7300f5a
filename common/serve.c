#include "serve.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "apply.h"
#include "beneath.h"
#include "buf.h"
#include "command.h"
#include "lines.h"
#include "loop.h"
#include "monotonic.h"
#include "say.h"
#include "signals.h"
#include "why.h"
#include "write_options.h"

/* A batch ends when stdin pauses, and at the latest here, so that under a
 * constant stream answers still come and syncs are shared. */
#define BATCH_BYTES ((size_t)8 * 1024 * 1024)
#define BATCH_US    100000

/* Descriptors for other things than open files and directories. */
#define OPEN_RESERVE 32
#define OPEN_MIN     4
#define OPEN_MAX_USE 1024

struct session {
	const struct serve_config *cfg;
	const struct write_options *o; /* cfg's */
	struct loop *loop; /* cfg's */
	int signals; /* cfg's */
	struct apply *apply;
	struct lines *lines;
	struct buf answers; /* --ack: lines that are not written yet */
	struct buf text; /* one message */
	int64_t worked; /* us with a batch, waiting for input left out */
	bool eof;
	unsigned asked_to_end; /* how often */
	bool took_rest; /* what had arrived when we were asked to */
	bool reopen;
	bool failed;
	bool refused; /* because of a loop */
	bool fatal; /* no more input is read */
};

static size_t
open_files_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur < OPEN_RESERVE + OPEN_MIN)
		return OPEN_MIN;
	if (rl.rlim_cur > OPEN_MAX_USE + OPEN_RESERVE)
		return OPEN_MAX_USE;
	return (size_t)rl.rlim_cur - OPEN_RESERVE;
}

/* What ends all: errno, with its subject. */
static void
fail(struct session *s, const char *subject)
{
	say(s->cfg->say, "%s: %s", subject, strerror(errno));
	s->failed = s->fatal = true;
}

static uintmax_t
per_second(uint64_t n, double seconds)
{
	return seconds > 0 ? (uintmax_t)((double)n / seconds + 0.5) : 0;
}

static void
tell_counts(const struct session *s)
{
	const struct apply_stats *n = apply_stats(s->apply);
	double took = (double)s->worked / 1e6;
	uintmax_t commands = per_second(n->commands, took);
	uintmax_t bytes = per_second(n->bytes, took);

	say(s->cfg->say,
	    "%ju %s, %ju failed, %ju %s, %.3f s, %ju %s/s, %ju %s/s; %ju %s, "
	    "%ju %s for appends, %ju %s, %ju %s",
	    (uintmax_t)n->commands,
	    say_plural(n->commands, "command", "commands"),
	    (uintmax_t)n->failed, (uintmax_t)n->bytes,
	    say_plural(n->bytes, "byte", "bytes"), took, commands,
	    say_plural(commands, "command", "commands"), bytes,
	    say_plural(bytes, "byte", "bytes"), (uintmax_t)n->batches,
	    say_plural(n->batches, "batch", "batches"), (uintmax_t)n->appends,
	    say_plural(n->appends, "write", "writes"), (uintmax_t)n->syncs,
	    say_plural(n->syncs, "sync", "syncs"), (uintmax_t)n->retries,
	    say_plural(n->retries, "retry", "retries"));
}

static void
take_signals(struct session *s)
{
	int sig;

	while ((sig = signals_read(s->signals)) != 0) {
		if (sig == SIGHUP)
			s->reopen = true;
		else if (sig == SIGUSR1 || sig == SIGNALS_INFO)
			tell_counts(s);
		else
			s->asked_to_end++;
	}
}

/* --- what apply asks for and tells --- */

static int
may_write(void *ctx, int dirfd, const char *name, bool *every_name, char *why,
    size_t why_size)
{
	struct session *s = ctx;
	struct loop_verdict v;
	char text[PATH_MAX + 256];

	switch (loop_check(s->loop, dirfd, name, &v)) {
	case LOOP_FREE:
		break;
	case LOOP_WARN:
		say(s->cfg->say, "%s: %s", s->o->dir,
		    loop_message(&v, text, sizeof(text)));
		break;
	case LOOP_COVERED:
		(void)loop_message(&v, why, why_size);
		return 1;
	default:
		return -1;
	}
	*every_name = v.every_name;
	return 0;
}

/* --retry-delay. Who wants us to end does not want to wait. */
static int
wait_to_retry(void *ctx)
{
	struct session *s = ctx;
	struct pollfd p = {.fd = s->signals, .events = POLLIN};
	int64_t end, left;

	end = monotonic_us() + (int64_t)(s->o->retry_delay * 1e6);
	while ((left = end - monotonic_us()) > 0 && s->asked_to_end == 0) {
		if (poll(&p, 1, (int)(left / 1000) + 1) == -1 && errno != EINTR)
			return -1;
		take_signals(s);
	}
	return s->asked_to_end == 0 ? 0 : -1;
}

static void
take_answer(void *ctx, const struct answer *an)
{
	struct session *s = ctx;

	if (!an->ok) {
		s->failed = true;
		if (strcmp(an->error, "loop") == 0)
			s->refused = true;
	}
	if (s->o->ack)
		answer_emit(an, &s->answers);
	if ((!an->ok && !s->o->quiet) || s->o->verbose) {
		buf_clear(&s->text);
		answer_describe(an, &s->text);
		if (!s->text.failed)
			say(s->cfg->say, "%.*s", (int)s->text.len,
			    s->text.data);
	}
}

/* --- answers out --- */

/* Writes what --ack has to say. Only as much at once as a pipe takes without
 * waiting, so that a reader who does not read can not keep us from ending. */
static int
write_answers(struct session *s)
{
	struct pollfd p[] = {
	    {.fd = STDOUT_FILENO, .events = POLLOUT},
	    {.fd = s->signals, .events = POLLIN},
	};
	size_t off = 0, n;
	ssize_t done;

	if (s->answers.failed) {
		errno = ENOMEM;
		return -1;
	}
	while (off < s->answers.len) {
		if (poll(p, 2, -1) == -1) {
			if (errno != EINTR)
				return -1;
			p[0].revents = 0;
			p[1].revents = POLLIN;
		}
		if (p[1].revents != 0)
			take_signals(s);
		if (s->asked_to_end > 1) {
			errno = EINTR;
			return -1;
		}
		if (p[0].revents == 0)
			continue;
		n = s->answers.len - off;
		done = write(STDOUT_FILENO, s->answers.data + off,
		    n < PIPE_BUF ? n : PIPE_BUF);
		if (done == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (done > 0)
			off += (size_t)done;
	}
	buf_clear(&s->answers);
	return 0;
}

/* --- commands in --- */

static void
take_line(struct session *s, const struct line *line)
{
	struct command c = {.op = COMMAND_NOPS};
	struct why bad;
	char subject[32];
	int rc;

	if (!line->too_long && command_is_blank(line->data, line->len))
		return;
	if (line->too_long) {
		bad.error = "too-long";
		(void)snprintf(bad.message, sizeof(bad.message),
		    "longer than %zu %s (--max-line)", s->o->max_line,
		    say_plural(s->o->max_line, "byte", "bytes"));
		rc = -1;
	} else
		rc = command_parse(&c, line->data, line->len, &bad);
	if (rc == 0)
		rc = apply_command(s->apply, line->number, &c);
	else
		rc = apply_refuse(s->apply, line->number, &c, &bad);
	if (rc == -1) {
		(void)snprintf(subject, sizeof(subject), "line %" PRIu64,
		    line->number);
		fail(s, subject);
	}
	command_free(&c);
}

/* Reads once and takes the lines that are whole. Returns the bytes read. */
static size_t
take_input(struct session *s)
{
	struct line line;
	ssize_t n;

	n = lines_fill(s->lines);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1) {
		fail(s, "stdin");
		return 0;
	}
	if (n == 0)
		s->eof = true;
	while (!s->fatal && !apply_stopped(s->apply) &&
	    lines_next(s->lines, &line))
		take_line(s, &line);
	return (size_t)n;
}

/* Waits until there is input, at most timeout milliseconds (-1: no limit).
 * Returns false when there is none, or something else came first. */
static bool
wait_for_input(struct session *s, int timeout)
{
	struct pollfd p[] = {
	    {.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = s->signals, .events = POLLIN},
	    {.fd = s->o->ack ? STDOUT_FILENO : -1, .events = 0},
	};

	if (poll(p, 3, timeout) == -1) {
		if (errno != EINTR)
			fail(s, "poll");
		p[0].revents = 0;
		p[1].revents = POLLIN;
		p[2].revents = 0;
	}
	if (p[1].revents != 0)
		take_signals(s);
	if ((p[2].revents & (POLLERR | POLLNVAL)) != 0) {
		/* What can not be acknowledged is not begun. */
		say(s->cfg->say, "stdout: nobody reads the answers any more");
		s->failed = s->fatal = true;
		return false;
	}
	return p[0].revents != 0;
}

/* Asked to end: what has arrived by now is taken. Of a file or terminal that
 * is what has been read. */
static void
take_the_rest(struct session *s)
{
	struct stat st;
	size_t done = 0;
	int there = 0;

	if (fstat(STDIN_FILENO, &st) == -1 ||
	    !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) ||
	    ioctl(STDIN_FILENO, FIONREAD, &there) == -1)
		return;
	while (done < (size_t)there && !s->eof && !s->fatal &&
	    !apply_stopped(s->apply) && wait_for_input(s, 0))
		done += take_input(s);
}

/* Takes what has arrived, applies it and answers. ready: there is input to be
 * read. */
static void
take_batch(struct session *s, bool ready)
{
	int64_t begin = monotonic_us();
	size_t bytes = 0;

	loop_batch(s->loop);
	while (ready) {
		bytes += take_input(s);
		ready = !s->eof && !s->fatal && s->asked_to_end == 0 &&
		    !apply_stopped(s->apply) && bytes < BATCH_BYTES &&
		    monotonic_us() - begin < BATCH_US && wait_for_input(s, 0);
	}
	if (s->asked_to_end > 0) {
		take_the_rest(s);
		s->took_rest = true;
	}
	if (apply_commit(s->apply) == -1)
		fail(s,
		    "sync; nothing since the last good one is "
		    "acknowledged");
	if (s->o->ack && write_answers(s) == -1)
		fail(s, "stdout");
	s->worked += monotonic_us() - begin;
}

static enum serve_end
run(struct session *s)
{
	bool ready;

	while (
	    !s->eof && !s->fatal && !s->took_rest && !apply_stopped(s->apply)) {
		/* We may have been asked to end while we were answering. */
		ready = s->asked_to_end == 0 && wait_for_input(s, -1);
		if (!s->fatal && (ready || s->asked_to_end > 0))
			take_batch(s, ready);
		if (s->reopen) {
			apply_reopen(s->apply);
			s->reopen = false;
		}
	}
	if (s->o->verbose)
		tell_counts(s);
	if (close(STDOUT_FILENO) == -1 && s->o->ack)
		fail(s, "stdout");
	return s->refused ? SERVE_LOOP : s->failed ? SERVE_FAILED : SERVE_DONE;
}

int
serve(const struct serve_config *cfg, enum serve_end *ret_end)
{
	const struct write_options *o = cfg->options;
	struct session s = {.cfg = cfg,
	    .o = o,
	    .loop = cfg->loop,
	    .signals = cfg->signals};
	struct apply_options ao = {.ops = o->ops,
	    .below = o->mounts ? BENEATH_MOUNTS : 0,
	    .sync = o->sync,
	    .stop_on_error = o->stop_on_error,
	    .dry_run = o->dry_run,
	    .walled = cfg->walled,
	    .retries = o->retries,
	    .max_open = open_files_limit(),
	    .may = may_write,
	    .pause = wait_to_retry,
	    .answered = take_answer,
	    .ctx = &s};
	int ret = -1;

	s.apply = apply_open(cfg->rootfd, &ao);
	if (s.apply == NULL)
		goto out;
	s.lines = lines_new(STDIN_FILENO, o->max_line);
	if (s.lines == NULL)
		goto out;
	*ret_end = run(&s);
	ret = 0;
out:
	lines_free(s.lines);
	apply_close(s.apply);
	buf_free(&s.answers);
	buf_free(&s.text);
	return ret;
}
