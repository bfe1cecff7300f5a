/*
 * fswrite: commands on stdin, one JSON object a line, become files below one
 * directory. See fswrite(1).
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "command.h"
#include "loop.h"
#include "sandbox.h"
#include "serve.h"
#include "signals.h"
#include "stdfd.h"
#include "version.h"
#include "write_options.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LOOP = 3 };

static struct loop *
open_loop_check(const struct write_options *o, int rootfd)
{
	struct loop_options lo = {.chain = o->chain,
	    .watched = o->watched,
	    .nwatched = o->nwatched};
	struct loop_verdict v;
	struct loop *l;
	const char *bad;
	char text[PATH_MAX + 256];

	if (o->force)
		return NULL;
	l = loop_open(rootfd, &lo, &bad);
	if (l == NULL)
		err(EXIT_FAILED, "%s", bad != NULL ? bad : o->dir);
	switch (loop_check(l, rootfd, NULL, &v)) {
	case LOOP_FREE:
		break;
	case LOOP_WARN:
		warnx("%s: %s", o->dir, loop_message(&v, text, sizeof(text)));
		break;
	case LOOP_COVERED:
		errx(EXIT_LOOP, "%s: %s", o->dir,
		    loop_message(&v, text, sizeof(text)));
	default:
		err(EXIT_FAILED, "%s", o->dir);
	}
	if (o->verbose && !loop_sees_claims(l))
		warnx("no loop check here but --watched");
	return l;
}

static int
open_signals(void)
{
	static const int set[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1,
	    SIGNALS_INFO};
	int fd;

	fd = signals_open(set, sizeof(set) / sizeof(set[0]));
	if (fd == -1 || signals_ignore(SIGPIPE) == -1 ||
	    signals_ignore(SIGXFSZ) == -1)
		err(EXIT_FAILED, "signals");
	return fd;
}

/* Returns whether the kernel keeps us below the directory. */
static bool
wall_in(const struct write_options *o, int rootfd)
{
	if (sandbox_writer(rootfd,
		(o->ops & COMMAND_BIT(COMMAND_RENAME)) != 0) == 0)
		return true;
	if (o->verbose)
		warn("no Landlock, only the path check");
	return false;
}

static void
print_and_exit(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		err(EXIT_FAILED, "stdout");
	exit(EXIT_SUCCESS);
}

static void
print_version(void)
{
	struct buf b = BUF_INIT;

	version_write(&b);
	if (b.failed)
		err(EXIT_FAILED, "--version");
	print_and_exit(b.data);
}

static void
read_options(struct write_options *o, int argc, char **argv)
{
	char why[256];

	switch (write_options_parse(o, argc, argv, why, sizeof(why))) {
	case WRITE_OPTIONS_RUN:
		return;
	case WRITE_OPTIONS_HELP:
		print_and_exit(write_options_help());
		break;
	case WRITE_OPTIONS_VERSION:
		print_version();
		break;
	case WRITE_OPTIONS_BAD:
		errx(EXIT_USAGE, "%s", why);
	}
}

static void
no_directory(const struct write_options *o)
{
	errx(EXIT_FAILED, "%s: %s%s", o->dir, strerror(errno),
	    errno == ENOENT ? " (mkdir -p makes it)" : "");
}

static void
say_line(const char *text)
{
	warnx("%s", text);
}

int
main(int argc, char **argv)
{
	static const int status[] = {[SERVE_DONE] = EXIT_SUCCESS,
	    [SERVE_FAILED] = EXIT_FAILED,
	    [SERVE_LOOP] = EXIT_LOOP};
	struct write_options o;
	struct serve_config cfg = {.options = &o, .say = say_line};
	enum serve_end end;

	if (stdfd_fill() == -1)
		_exit(EXIT_FAILED);
	read_options(&o, argc, argv);
	cfg.rootfd = open(o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cfg.rootfd == -1)
		no_directory(&o);
	cfg.signals = open_signals();
	cfg.loop = open_loop_check(&o, cfg.rootfd);
	cfg.walled = wall_in(&o, cfg.rootfd);

	if (serve(&cfg, &end) == -1)
		err(EXIT_FAILED, "%s", o.dir);

	/* Signals are not given back: one that comes now changes nothing. */
	loop_close(cfg.loop);
	(void)close(cfg.rootfd);
	write_options_free(&o);
	return status[end];
}
