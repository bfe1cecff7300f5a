#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "buf.h"
#include "census.h"
#include "content.h"
#include "core.h"
#include "emit.h"
#include "event.h"
#include "lines.h"
#include "monotonic.h"
#include "notes.h"
#include "output.h"
#include "plain.h"
#include "progress.h"
#include "signals.h"
#include "terminal.h"
#include "watch.h"
#include "watch_options.h"

/* How long nothing has to happen for --once's burst to be over. */
#define ONCE_MS 50
/* How often what is still pending at the end is taken up: enough for a full
 * queue of the kernel's, however fast others go on. */
#define END_RUNS 16
/* How long directories that are not watched are counted for a person. */
#define CENSUS_MS 200
/* How often signals are looked for while a scan goes on. */
#define SIGNALS_MS 50
/* How many roots a line for people names. */
#define ROOTS_SHOWN 3
/* The longest path that is taken from stdin, in bytes. */
#define ROOT_MAX 65536

enum {
	FD_SIGNALS,
	FD_STDOUT,
	FD_STDIN,
	FD_WATCH,
	FD_ALL = FD_WATCH + WATCH_NFDS
};

struct session {
	const struct stream_config *cfg;
	const struct watch_options *opt; /* cfg's */
	struct watch *watch;
	struct emit emit;
	struct output out;
	struct content content; /* of the event at hand */
	struct lines *roots; /* of the operand -; NULL at its end */
	char *limited; /* where the watches ran out, not told yet */
	int limited_by; /* ENOSPC, EMFILE */
	struct progress progress;
	int64_t signals_at; /* when they were looked for during a scan */
	bool ending; /* asked to, or the reader has gone */
	bool hurry; /* asked twice: not even what is collected is written */
	enum stream_end end;
	bool told; /* an event, since --once waits for the first */
	bool told_now; /* one since told_at was set */
	bool ready;
	int64_t told_at; /* when the last one was (monotonic_ms()) */
};

/* What ends all: errno, with its subject. */
static void
fail(struct session *s, const char *subject)
{
	say(s->cfg->say, "%s: %s", subject, strerror(errno));
	s->end = STREAM_FAILED;
	s->ending = s->hurry = true;
}

static void
print_counters(struct session *s)
{
	struct watch_counters n;

	watch_counters(s->watch, &n);
	progress_hide(&s->progress);
	say(s->cfg->say,
	    "%ju %s, %ju %s, %ju %s, %ju %s, %ju %s, %ju %s, %ju %s, %ju %s",
	    (uintmax_t)n.roots, say_plural(n.roots, "root", "roots"),
	    (uintmax_t)n.directories,
	    say_plural(n.directories, "directory", "directories"),
	    (uintmax_t)n.entries, say_plural(n.entries, "entry", "entries"),
	    (uintmax_t)n.watches, say_plural(n.watches, "watch", "watches"),
	    (uintmax_t)n.hints, say_plural(n.hints, "hint", "hints"),
	    (uintmax_t)n.events, say_plural(n.events, "event", "events"),
	    (uintmax_t)n.looks, say_plural(n.looks, "look", "looks"),
	    (uintmax_t)n.overflows,
	    say_plural(n.overflows, "overflow", "overflows"));
}

static void
take_signals(struct session *s)
{
	int sig;

	while ((sig = signals_read(s->cfg->signals)) != 0) {
		if (sig == SIGUSR1 || sig == SIGNALS_INFO) {
			print_counters(s);
			continue;
		}
		s->hurry = s->ending;
		s->ending = true;
	}
}

/* Writes what is collected; waits for the reader if need be, hearing signals
 * meanwhile. The reader's going away is an end like any other. */
static void
flush(struct session *s)
{
	struct pollfd fds[2] = {
	    {.fd = s->cfg->signals, .events = POLLIN},
	    {.fd = output_fd(&s->out), .events = POLLOUT},
	};
	int64_t since;
	int done;

	progress_hide(&s->progress); /* stdout may be the same terminal */
	while (!s->hurry && (done = output_flush(&s->out)) != 1) {
		if (done == -1) {
			if (errno != EPIPE)
				fail(s, "stdout");
			s->ending = s->hurry = true;
			return;
		}
		since = monotonic_ms();
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			fail(s, "poll");
		watch_waited(s->watch, monotonic_ms() - since);
		take_signals(s);
	}
}

static void
on_event(void *ctx, const struct event *ev)
{
	struct session *s = ctx;
	struct event with = *ev;

	if (s->hurry)
		return;
	if (s->opt->content)
		watch_content(s->watch, &with, &s->content);
	if (!emit_event(&s->emit, &with, &s->out.buf))
		return;
	if (ev->kind != EVENT_READY)
		s->told = s->told_now = true;
	if (!output_room(&s->out))
		flush(s);
}

static void
on_note(void *ctx, enum watch_note note, const char *path, int error)
{
	struct session *s = ctx;
	struct buf text = BUF_INIT;

	if (s->opt->verbosity < 0 ||
	    (s->opt->verbosity == 0 && !note_is_warning(note) &&
		note != NOTE_WAITING))
		return;
	/* How many are needed is known when all has been listed. */
	if (note == NOTE_LIMIT && (error == ENOSPC || error == EMFILE) &&
	    s->limited == NULL && (s->limited = strdup(path)) != NULL) {
		s->limited_by = error;
		return;
	}
	note_text(&text, note, path, error);
	progress_hide(&s->progress);
	if (!text.failed)
		s->cfg->say(text.data);
	buf_free(&text);
}

/* Tells what on_note() has put off. */
static void
tell_limited(struct session *s)
{
	struct buf text = BUF_INIT;
	struct watch_counters n;

	if (s->limited == NULL)
		return;
	watch_counters(s->watch, &n);
	note_missing(&text, s->limited, s->limited_by, n.missing);
	if (!text.failed)
		s->cfg->say(text.data);
	buf_free(&text);
	free(s->limited);
	s->limited = NULL;
}

/* A clock is not read for nothing before each event. */
static void
begin_progress(struct session *s)
{
	if (s->progress.fd != -1)
		progress_begin(&s->progress, monotonic_ms());
}

/* A scan or comparison goes on. Who wants us to end does not want to wait for
 * one that nothing depends on yet. */
static bool
on_progress(void *ctx, uint64_t directories, uint64_t names)
{
	struct session *s = ctx;
	int64_t now = monotonic_ms();

	progress_step(&s->progress, now, directories, names);
	if (now - s->signals_at >= SIGNALS_MS) {
		s->signals_at = now;
		take_signals(s);
	}
	return !s->hurry && (s->ready || !s->ending);
}

static void
add_root(struct session *s, const char *path)
{
	struct buf name = BUF_INIT;

	if (watch_add(s->watch, path) == 0)
		return;
	s->end = STREAM_FAILED;
	progress_hide(&s->progress);
	plain_add(&name, path);
	buf_addc(&name, '\0');
	say(s->cfg->say, "%s: %s%s", name.failed ? "a path" : name.data,
	    strerror(errno), errno == ENOENT ? " (-w waits for it)" : "");
	buf_free(&name);
}

/* At a terminal, without -r: what is watched, and what is not. */
static void
tell_flat(const struct session *s)
{
	int64_t until = monotonic_ms() + CENSUS_MS;
	struct buf text = BUF_INIT;
	size_t i, below = 0;
	bool all = true;
	char count[96];

	if (!s->opt->flat || s->opt->verbosity < 0 || s->opt->nroots == 0 ||
	    !isatty(STDERR_FILENO))
		return;
	for (i = 0; i < s->opt->nroots && all; i++)
		below += census(s->opt->roots[i], s->opt->filter, until, &all);
	buf_adds(&text, "watching");
	for (i = 0; i < s->opt->nroots && i < ROOTS_SHOWN; i++) {
		buf_addc(&text, ' ');
		plain_add(&text, s->opt->roots[i]);
	}
	if (i < s->opt->nroots)
		buf_adds(&text, " ...");
	if (below > 0) {
		(void)snprintf(count, sizeof(count),
		    ", but not the %zu%s %s below (-r watches all)", below,
		    all ? "" : " or more",
		    say_plural(all ? below : 0, "directory", "directories"));
		buf_adds(&text, count);
	}
	buf_addc(&text, '\0');
	if (!text.failed)
		s->cfg->say(text.data);
	buf_free(&text);
}

/* No watch at all: says which limit that was, and how to raise it. */
static void
no_watch(struct session *s)
{
	struct buf text = BUF_INIT;

	note_text(&text, NOTE_NO_BACKEND, s->opt->backend->name, errno);
	say(s->cfg->say, "%s", text.failed ? strerror(errno) : text.data);
	buf_free(&text);
	s->end = STREAM_FAILED;
}

static void
ready(struct session *s)
{
	if (!s->ending && watch_ready(s->watch) == -1)
		fail(s, "watching");
	progress_end(&s->progress);
	tell_limited(s);
	if (s->ending)
		return;
	s->told_at = monotonic_ms();
	s->ready = true;
	if (s->opt->verbosity > 0)
		print_counters(s);
}

/* Roots from stdin, as they come; at its end watching goes on. */
static void
read_roots(struct session *s)
{
	struct line line;
	ssize_t n = lines_fill(s->roots);
	char *path;
	bool added = n == 0 && !s->ready;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		fail(s, "stdin");
		return;
	}
	begin_progress(s);
	while (lines_next(s->roots, &line)) {
		if (line.too_long)
			say(s->cfg->say, "stdin: line %ju: too long for a path",
			    (uintmax_t)line.number);
		if (line.too_long || line.len == 0)
			continue;
		path = strndup(line.data, line.len);
		if (path == NULL) {
			fail(s, "stdin");
			break;
		}
		add_root(s, path);
		added = true;
		free(path);
	}
	if (added)
		ready(s);
	progress_end(&s->progress);
	if (n == 0) {
		lines_free(s->roots);
		s->roots = NULL;
	}
}

/* How long to wait, in milliseconds (-1: for ever); and the ends that come by
 * time passing. */
static int
time_left(struct session *s)
{
	int64_t left, now;
	int timeout = watch_timeout(s->watch);

	if (!(s->opt->once && s->told) &&
	    (s->opt->timeout_ms < 0 || watch_holds(s->watch)))
		return timeout;
	now = monotonic_ms();
	if (s->told_now)
		s->told_at = now;
	s->told_now = false;
	if (s->opt->once && s->told) {
		left = s->told_at + ONCE_MS - now;
	} else {
		left = s->told_at + s->opt->timeout_ms - now;
		if (left <= 0)
			s->end = STREAM_TIMEOUT;
	}
	if (left <= 0) {
		s->ending = true;
		return 0;
	}
	return timeout == -1 || left < timeout ? (int)left : timeout;
}

static void
serve(struct session *s)
{
	struct pollfd fds[FD_ALL];
	size_t n;
	int timeout;

	while (!s->ending && !watch_ended(s->watch)) {
		timeout = time_left(s);
		fds[FD_SIGNALS] = (struct pollfd){s->cfg->signals, POLLIN, 0};
		fds[FD_STDOUT] = (struct pollfd){output_fd(&s->out), 0, 0};
		fds[FD_STDIN] =
		    (struct pollfd){s->roots == NULL ? -1 : STDIN_FILENO,
			POLLIN, 0};
		n = FD_WATCH + watch_pollfds(s->watch, &fds[FD_WATCH]);
		if (s->ending)
			break;
		if (poll(fds, n, timeout) == -1) {
			if (errno != EINTR)
				fail(s, "poll");
			continue;
		}
		if (fds[FD_SIGNALS].revents != 0)
			take_signals(s);
		if (fds[FD_STDOUT].revents & (POLLERR | POLLHUP))
			s->ending = s->hurry = true;
		if (fds[FD_STDIN].revents != 0)
			read_roots(s);
		/* A person may have changed it meanwhile. */
		if (s->emit.format == EMIT_PRETTY)
			s->emit.width = terminal_width(STDOUT_FILENO);
		begin_progress(s);
		if (watch_run(s->watch, &fds[FD_WATCH]) == -1)
			fail(s, "watching");
		progress_end(&s->progress);
		tell_limited(s);
		flush(s);
	}
}

/* What had happened before the end was asked for is told, too. */
static void
finish(struct session *s)
{
	struct pollfd fds[WATCH_NFDS];
	/* Not when nothing has been told for long enough: that was it. */
	bool look = s->end == STREAM_ENDED;
	size_t n;
	int i;

	if (look)
		watch_look_now(s->watch);
	/* While the reader was waited for nothing was heard of the kernel. */
	for (i = 0; i < END_RUNS && !s->hurry &&
	     (look || watch_pairs(s->watch) || watch_timeout(s->watch) == 0);
	     i++) {
		look = false;
		n = watch_pollfds(s->watch, fds);
		if (watch_pairs(s->watch))
			(void)poll(fds, n, watch_timeout(s->watch));
		if (watch_run(s->watch, fds) == -1)
			break;
		flush(s);
	}
	if (!s->hurry && watch_finish(s->watch) == -1)
		fail(s, "watching");
	flush(s);
}

enum stream_end
stream(const struct stream_config *cfg)
{
	const struct watch_options *opt = cfg->options;
	struct session s = {.cfg = cfg, .opt = opt};
	struct watch_config wcfg = {.opt = opt,
	    .ctx = &s,
	    .event = on_event,
	    .note = on_note,
	    .progress = on_progress};
	size_t i;

	s.told_at = monotonic_ms();
	s.progress = (struct progress)PROGRESS(
	    opt->verbosity >= 0 && terminal_moves(STDERR_FILENO) ?
		STDERR_FILENO :
		-1);

	s.emit.format = opt->format;
	s.emit.stat = opt->stat;
	s.emit.base64 = opt->base64;
	s.emit.color = terminal_colors(STDOUT_FILENO);
	s.emit.width = terminal_width(STDOUT_FILENO);
	s.watch = watch_open(&wcfg);
	if (s.watch == NULL) {
		no_watch(&s);
		return s.end;
	}
	output_open(&s.out, STDOUT_FILENO);
	if (opt->roots_from_stdin &&
	    (s.roots = lines_new(STDIN_FILENO, ROOT_MAX)) == NULL)
		fail(&s, "stdin");

	begin_progress(&s);
	for (i = 0; i < opt->nroots && !s.ending; i++)
		add_root(&s, opt->roots[i]);
	if (s.end == STREAM_ENDED && opt->nroots > 0)
		ready(&s);
	progress_end(&s.progress);
	flush(&s);
	if (s.end == STREAM_ENDED) {
		tell_flat(&s);
		serve(&s);
		if (s.ready)
			finish(&s);
	}

	free(s.limited);
	watch_close(s.watch);
	content_free(&s.content);
	lines_free(s.roots);
	if (output_close(&s.out) == -1 && s.end == STREAM_ENDED && !s.hurry)
		fail(&s, "stdout");
	return s.end;
}
