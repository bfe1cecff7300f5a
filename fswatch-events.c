/*
 * fswatch-events: what happens in the file system, as newline-delimited JSON
 * on stdout. See fswatch-events(1).
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h"
#include "emit.h"
#include "event.h"
#include "lines.h"
#include "notes.h"
#include "output.h"
#include "signals.h"
#include "stdfd.h"
#include "terminal.h"
#include "watch.h"
#include "watch_options.h"

/* How long nothing has to happen for --once's burst to be over. */
#define ONCE_MS 50
/* How often what is still pending at the end is taken up: enough for a full
 * queue of the kernel's, however fast others go on. */
#define END_RUNS 16
/* The longest path that is taken from stdin, in bytes. */
#define ROOT_MAX 65536

enum { EXIT_ENDED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TIMEOUT = 3 };

enum {
	FD_SIGNALS,
	FD_STDOUT,
	FD_STDIN,
	FD_WATCH,
	FD_ALL = FD_WATCH + WATCH_NFDS
};

struct program {
	const struct watch_options *opt;
	struct watch *watch;
	struct emit emit;
	struct output out;
	struct lines *roots; /* of the operand -; NULL at its end */
	int signals;
	bool ending; /* asked to, or the reader has gone */
	bool hurry; /* asked twice: not even what is collected is written */
	int status;
	bool ready;
	bool told; /* an event, since --once waits for the first */
	int64_t told_at; /* when the last one was (core_now_ms()) */
};

static void
print_counters(const struct program *p)
{
	struct watch_counters n;

	watch_counters(p->watch, &n);
	warnx("%ju roots, %ju directories, %ju entries, %ju watches, "
	      "%ju hints, %ju events, %ju looks, %ju overflows",
	    (uintmax_t)n.roots, (uintmax_t)n.directories, (uintmax_t)n.entries,
	    (uintmax_t)n.watches, (uintmax_t)n.hints, (uintmax_t)n.events,
	    (uintmax_t)n.looks, (uintmax_t)n.overflows);
}

static void
take_signals(struct program *p)
{
	int sig;

	while ((sig = signals_read(p->signals)) != 0) {
		if (sig == SIGUSR1) {
			print_counters(p);
			continue;
		}
		p->hurry = p->ending;
		p->ending = true;
	}
}

/* Writes what is collected; waits for the reader if need be, hearing signals
 * meanwhile. The reader's going away is an end like any other. */
static void
flush(struct program *p)
{
	struct pollfd fds[2] = {
	    {.fd = p->signals, .events = POLLIN},
	    {.fd = output_fd(&p->out), .events = POLLOUT},
	};
	int done;

	while (!p->hurry && (done = output_flush(&p->out)) != 1) {
		if (done == -1) {
			if (errno != EPIPE) {
				warn("stdout");
				p->status = EXIT_FAILED;
			}
			p->ending = p->hurry = true;
			return;
		}
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			err(EXIT_FAILED, "poll");
		take_signals(p);
	}
}

static void
on_event(void *ctx, const struct event *ev)
{
	struct program *p = ctx;

	if (p->hurry || !emit_event(&p->emit, ev, &p->out.buf))
		return;
	if (ev->kind != EVENT_READY) {
		p->told = true;
		p->told_at = core_now_ms();
	}
	if (!output_room(&p->out))
		flush(p);
}

static void
on_note(void *ctx, enum watch_note note, const char *path, int error)
{
	const struct program *p = ctx;
	struct buf text = BUF_INIT;

	if (p->opt->verbosity < 0 ||
	    (p->opt->verbosity == 0 && !note_is_warning(note) &&
		note != NOTE_WAITING))
		return;
	note_text(&text, note, path, error);
	if (!text.failed)
		warnx("%s", text.data);
	buf_free(&text);
}

static void
add_root(struct program *p, const char *path)
{
	if (watch_add(p->watch, path) == 0)
		return;
	warn("%s", path);
	p->status = EXIT_FAILED;
}

/* No watch at all: says which limit that was, and how to raise it. */
static void
no_watch(const struct program *p)
{
	struct buf text = BUF_INIT;

	note_text(&text, NOTE_NO_BACKEND, p->opt->backend->name, errno);
	errx(EXIT_FAILED, "%s", text.failed ? strerror(errno) : text.data);
}

static void
ready(struct program *p)
{
	if (watch_ready(p->watch) == -1)
		err(EXIT_FAILED, "watching");
	p->told_at = core_now_ms();
	p->ready = true;
	if (p->opt->verbosity > 0)
		print_counters(p);
}

/* Roots from stdin, as they come; at its end watching goes on. */
static void
read_roots(struct program *p)
{
	struct line line;
	ssize_t n = lines_fill(p->roots);
	char *path;
	bool added = n <= 0 && !p->ready;

	if (n == -1)
		warn("stdin");
	while (lines_next(p->roots, &line)) {
		if (line.too_long)
			warnx("stdin: line %ju: too long for a path",
			    (uintmax_t)line.number);
		if (line.too_long || line.len == 0)
			continue;
		path = strndup(line.data, line.len);
		if (path == NULL)
			err(EXIT_FAILED, "stdin");
		add_root(p, path);
		added = true;
		free(path);
	}
	if (added)
		ready(p);
	if (n <= 0) {
		lines_free(p->roots);
		p->roots = NULL;
	}
}

/* How long to wait, in milliseconds (-1: for ever); and the ends that come by
 * time passing. */
static int
time_left(struct program *p)
{
	int64_t left, now;
	int timeout = watch_timeout(p->watch);

	if (!(p->opt->once && p->told) && p->opt->timeout_ms < 0)
		return timeout;
	now = core_now_ms();
	if (p->opt->once && p->told) {
		left = p->told_at + ONCE_MS - now;
	} else {
		left = p->told_at + p->opt->timeout_ms - now;
		if (left <= 0)
			p->status = EXIT_TIMEOUT;
	}
	if (left <= 0) {
		p->ending = true;
		return 0;
	}
	return timeout == -1 || left < timeout ? (int)left : timeout;
}

static void
serve(struct program *p)
{
	struct pollfd fds[FD_ALL];
	size_t n;
	int timeout;

	while (!p->ending) {
		timeout = time_left(p);
		fds[FD_SIGNALS] = (struct pollfd){p->signals, POLLIN, 0};
		fds[FD_STDOUT] = (struct pollfd){output_fd(&p->out), 0, 0};
		fds[FD_STDIN] =
		    (struct pollfd){p->roots == NULL ? -1 : STDIN_FILENO,
			POLLIN, 0};
		n = FD_WATCH + watch_pollfds(p->watch, &fds[FD_WATCH]);
		if (p->ending || poll(fds, n, timeout) == -1) {
			if (!p->ending && errno != EINTR)
				err(EXIT_FAILED, "poll");
			continue;
		}
		if (fds[FD_SIGNALS].revents != 0)
			take_signals(p);
		if (fds[FD_STDOUT].revents & (POLLERR | POLLHUP))
			p->ending = p->hurry = true;
		if (fds[FD_STDIN].revents != 0)
			read_roots(p);
		if (watch_run(p->watch, &fds[FD_WATCH]) == -1)
			err(EXIT_FAILED, "watching");
		flush(p);
		if (watch_ended(p->watch))
			break;
	}
	/* What had happened before the end was asked for is told, too. */
	for (n = 0; n < END_RUNS && !p->hurry && watch_timeout(p->watch) == 0;
	     n++) {
		(void)watch_pollfds(p->watch, &fds[FD_WATCH]);
		if (watch_run(p->watch, &fds[FD_WATCH]) == -1)
			break;
		flush(p);
	}
	flush(p);
}

static void
print_and_exit(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		err(EXIT_FAILED, "stdout");
	exit(EXIT_ENDED);
}

static void
read_options(struct watch_options *opt, int argc, char *argv[])
{
	char msg[WATCH_OPTIONS_MSG];

	if (watch_options_parse(opt, argc, argv, msg, sizeof(msg)) == -1)
		errx(EXIT_USAGE, "%s", msg);
	if (opt->help)
		print_and_exit(watch_options_help());
	if (opt->version)
		print_and_exit("fswatch-events " FSPIPE_VERSION "\n");
}

int
main(int argc, char *argv[])
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct watch_options opt;
	struct watch_config cfg = {.event = on_event, .note = on_note};
	struct program p = {.opt = &opt};
	size_t i;

	if (stdfd_fill() == -1)
		_exit(EXIT_FAILED);
	read_options(&opt, argc, argv);
	p.emit.format = opt.format;
	p.emit.stat = opt.stat;
	p.emit.color = terminal_colors(STDOUT_FILENO);
	p.emit.width = terminal_width(STDOUT_FILENO);
	p.signals = signals_open(ends, sizeof(ends) / sizeof(ends[0]));
	if (p.signals == -1 || signals_ignore(SIGPIPE) == -1 ||
	    signals_ignore(SIGIO) == -1)
		err(EXIT_FAILED, "signals");
	output_open(&p.out, STDOUT_FILENO);
	cfg.ctx = &p;
	cfg.opt = &opt;
	p.watch = watch_open(&cfg);
	if (p.watch == NULL)
		no_watch(&p);
	if (opt.roots_from_stdin)
		p.roots = lines_new(STDIN_FILENO, ROOT_MAX);

	for (i = 0; i < opt.nroots; i++)
		add_root(&p, opt.roots[i]);
	if (p.status == EXIT_ENDED) {
		if (opt.nroots > 0)
			ready(&p);
		flush(&p);
		serve(&p);
	}

	watch_close(p.watch);
	lines_free(p.roots);
	signals_close(p.signals);
	watch_options_free(&opt);
	if (output_close(&p.out) == -1 && p.status == EXIT_ENDED && !p.hurry)
		err(EXIT_FAILED, "stdout");
	return p.status;
}
