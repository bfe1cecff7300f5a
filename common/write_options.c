#include "write_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "misspelt.h"

#define MAX_LINE     ((size_t)16 * 1024 * 1024)
#define MAX_MAX_LINE ((long long)1 << 30)
#define MAX_RETRIES  1000000
#define MAX_DELAY    86400.0

enum {
	OPT_ACK = 256,
	OPT_SYNC,
	OPT_STOP_ON_ERROR,
	OPT_RETRY,
	OPT_RETRY_DELAY,
	OPT_OPS,
	OPT_MAX_LINE,
	OPT_WATCHED,
	OPT_CHAIN,
	OPT_FORCE,
	OPT_ALLOW_MOUNTS
};

static const struct option options[] = {
    {"ack", no_argument, NULL, OPT_ACK},
    {"sync", no_argument, NULL, OPT_SYNC},
    {"stop-on-error", no_argument, NULL, OPT_STOP_ON_ERROR},
    {"retry", required_argument, NULL, OPT_RETRY},
    {"retry-delay", required_argument, NULL, OPT_RETRY_DELAY},
    {"ops", required_argument, NULL, OPT_OPS},
    {"max-line", required_argument, NULL, OPT_MAX_LINE},
    {"watched", required_argument, NULL, OPT_WATCHED},
    {"chain", no_argument, NULL, OPT_CHAIN},
    {"force", no_argument, NULL, OPT_FORCE},
    {"allow-mounts", no_argument, NULL, OPT_ALLOW_MOUNTS},
    {"dry-run", no_argument, NULL, 'n'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char help[] = "\
usage: fswrite [options] directory\n\
Reads commands from standard input, one JSON object a line, and applies them\n\
below the directory, which has to exist. Their op is write, append, overwrite,\n\
delete, mkdir or rename (with old_path).\n\
\n\
How commands are applied:\n\
      --sync             on the disk before it is acknowledged\n\
      --stop-on-error    stop at the first failure\n\
      --retry N          try N times again on what may pass\n\
      --retry-delay SECONDS\n\
                         wait between tries (1)\n\
      --max-line BYTES   report and skip longer lines (16777216)\n\
  -n, --dry-run          check everything, change nothing\n\
What may be written:\n\
      --ops LIST         allow only these operations\n\
      --allow-mounts     enter file systems mounted below the directory\n\
Loops (where a watcher looks, nothing is written):\n\
      --chain            only watchers that feed fswrite count\n\
      --force            none counts\n\
      --watched DIR      DIR counts as watched, too\n\
What is told:\n\
      --ack              answer each command with a line on standard output\n\
  -q, --quiet            say nothing about commands that fail\n\
  -v, --verbose          say what is done, and count it at the end\n\
  -h, --help; -V, --version\n\
Examples:\n\
  echo '{\"op\":\"write\",\"path\":\"a/b\",\"content\":\"hello\"}' | fswrite --ack .\n\
  jq --unbuffered -Rc '{op:\"append\",path:\"log\",content:(.+\"\\n\")}' | fswrite .\n\
";

const char *
write_options_help(void)
{
	return help;
}

static int
options_number(const char *s, long long min, long long max, long long *n)
{
	char *end;

	errno = 0;
	*n = strtoll(s, &end, 10);
	if (end == s || *end != '\0' || errno != 0 || *n < min || *n > max)
		return -1;
	return 0;
}

static int
options_seconds(const char *s, double *d)
{
	char *end;

	errno = 0;
	*d = strtod(s, &end);
	if (end == s || *end != '\0' || errno != 0 || !isfinite(*d) || *d < 0 ||
	    *d > MAX_DELAY)
		return -1;
	return 0;
}

static int
options_watched(struct write_options *o, const char *dir)
{
	const char **p;

	p = reallocarray(o->watched, o->nwatched + 1, sizeof(*p));
	if (p == NULL)
		return -1;
	o->watched = p;
	o->watched[o->nwatched++] = dir;
	return 0;
}

static void
options_wrong_op(const char *word, size_t len, char *why, size_t why_size)
{
	const char *guess = command_guess(word, len);
	size_t i, used;

	if (guess != NULL) {
		(void)snprintf(why, why_size,
		    "--ops %.*s: no such operation; did you mean %s?",
		    misspelt_clip(len), word, guess);
		return;
	}
	(void)snprintf(why, why_size,
	    "--ops %.*s: no such operation; there are", misspelt_clip(len),
	    word);
	for (i = 0; i < COMMAND_NOPS; i++) {
		used = strlen(why);
		(void)snprintf(why + used, why_size - used, "%s %s",
		    i + 1 == COMMAND_NOPS ? " and" :
			i > 0		  ? "," :
					    "",
		    command_op_name((enum command_op)i));
	}
}

enum write_options_result
write_options_parse(struct write_options *o, int argc, char **argv, char *why,
    size_t why_size)
{
	const char *bad;
	size_t bad_len;
	long long n;
	int ch;

	memset(o, 0, sizeof(*o));
	o->ops = COMMAND_ALL;
	o->max_line = MAX_LINE;
	o->retry_delay = 1;
	why[0] = '\0';
	opterr = 0;
	optind = 0; /* start anew, whoever used it before */
	while ((ch = getopt_long(argc, argv, ":nqvhV", options, NULL)) != -1) {
		switch (ch) {
		case OPT_ACK:
			o->ack = true;
			break;
		case OPT_SYNC:
			o->sync = true;
			break;
		case OPT_STOP_ON_ERROR:
			o->stop_on_error = true;
			break;
		case OPT_RETRY:
			if (options_number(optarg, 0, MAX_RETRIES, &n) == -1) {
				(void)snprintf(why, why_size,
				    "--retry %s: not a number of tries",
				    optarg);
				return WRITE_OPTIONS_BAD;
			}
			o->retries = (unsigned)n;
			break;
		case OPT_RETRY_DELAY:
			if (options_seconds(optarg, &o->retry_delay) == -1) {
				(void)snprintf(why, why_size,
				    "--retry-delay %s: not a number of seconds",
				    optarg);
				return WRITE_OPTIONS_BAD;
			}
			break;
		case OPT_OPS:
			if (command_parse_ops(optarg, &o->ops, &bad,
				&bad_len) == -1) {
				options_wrong_op(bad, bad_len, why, why_size);
				return WRITE_OPTIONS_BAD;
			}
			break;
		case OPT_MAX_LINE:
			if (options_number(optarg, 1, MAX_MAX_LINE, &n) == -1) {
				(void)snprintf(why, why_size,
				    "--max-line %s: not from 1 to %lld", optarg,
				    MAX_MAX_LINE);
				return WRITE_OPTIONS_BAD;
			}
			o->max_line = (size_t)n;
			break;
		case OPT_WATCHED:
			if (options_watched(o, optarg) == -1) {
				(void)snprintf(why, why_size, "--watched: %s",
				    strerror(errno));
				return WRITE_OPTIONS_BAD;
			}
			break;
		case OPT_CHAIN:
			o->chain = true;
			break;
		case OPT_FORCE:
			o->force = true;
			break;
		case OPT_ALLOW_MOUNTS:
			o->mounts = true;
			break;
		case 'n':
			o->dry_run = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			return WRITE_OPTIONS_HELP;
		case 'V':
			return WRITE_OPTIONS_VERSION;
		default:
			misspelt_option(options, ch, argv[optind - 1], why,
			    why_size);
			return WRITE_OPTIONS_BAD;
		}
	}
	if (argc - optind != 1) {
		(void)snprintf(why, why_size, "%s",
		    argc == optind ? "no directory given; --help tells more" :
				     "more than one directory given");
		return WRITE_OPTIONS_BAD;
	}
	o->dir = argv[optind];
	return WRITE_OPTIONS_RUN;
}

void
write_options_free(struct write_options *o)
{
	free(o->watched);
	o->watched = NULL;
	o->nwatched = 0;
}
