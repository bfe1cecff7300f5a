/*
 * fswatch-events: what happens in the file system, as newline-delimited JSON
 * on stdout. See fswatch-events(1).
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "signals.h"
#include "stdfd.h"
#include "stream.h"
#include "version.h"
#include "watch_options.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TIMEOUT = 3 };

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

	version_watch(&b);
	if (b.failed)
		err(EXIT_FAILED, "--version");
	print_and_exit(b.data);
}

static void
read_options(struct watch_options *opt, int argc, char *argv[])
{
	char msg[WATCH_OPTIONS_MSG];

	if (watch_options_parse(opt, argc, argv, msg, sizeof(msg)) == -1) {
		if (*msg == '\0')
			err(EXIT_FAILED, "options");
		errx(EXIT_USAGE, "%s", msg);
	}
	if (opt->help)
		print_and_exit(watch_options_help());
	if (opt->version)
		print_version();
}

static int
open_signals(void)
{
	static const int set[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1,
	    SIGNALS_INFO};
	int fd;

	fd = signals_open(set, sizeof(set) / sizeof(set[0]));
	if (fd == -1 || signals_ignore(SIGPIPE) == -1 ||
	    signals_ignore(SIGIO) == -1)
		err(EXIT_FAILED, "signals");
	return fd;
}

static void
say_line(const char *text)
{
	warnx("%s", text);
}

int
main(int argc, char *argv[])
{
	static const int status[] = {[STREAM_ENDED] = EXIT_SUCCESS,
	    [STREAM_FAILED] = EXIT_FAILED,
	    [STREAM_TIMEOUT] = EXIT_TIMEOUT};
	struct watch_options opt;
	struct stream_config cfg = {.options = &opt, .say = say_line};
	enum stream_end end;

	if (stdfd_fill() == -1)
		_exit(EXIT_FAILED);
	read_options(&opt, argc, argv);
	cfg.signals = open_signals();

	end = stream(&cfg);

	/* Signals are not given back: one that comes now changes nothing. */
	watch_options_free(&opt);
	return status[end];
}
