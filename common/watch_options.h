/*
 * The command line of fswatch-events(1), read into one struct.
 *
 *	struct watch_options o;
 *	struct watch_config cfg;
 *
 *	watch_options_parse(&o, argc, argv);
 *	watch_options_config(&o, &cfg);
 *	... from here on both are const
 *	watch_options_free(&o);
 *
 * This module belongs to the program and may speak for it:
 * watch_options_parse() prints and exits. watch_options_read() does the work
 * and says nothing.
 */
#ifndef WATCH_OPTIONS_H
#define WATCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emit.h"

struct filter;
struct watch_config;

#define WATCH_OPTIONS_MSG 512 /* bytes that hold any message */

struct watch_options {
	/* What to watch. The strings are argv's own. */
	const char **paths; /* operands in their order, without "-" */
	size_t npaths;
	bool roots_from_stdin; /* the operand "-" */
	const char **prune; /* --prune, in their order */
	size_t nprune;
	size_t depth; /* levels: 1 without -r, SIZE_MAX with it alone */
	bool follow; /* -L */
	bool one_file_system;
	bool wait; /* -w */
	bool claim; /* not --no-claim */
	int64_t poll_ms; /* --poll, in milliseconds, more than 0 */

	/* Which events. --existing has put EVENT_EXISTS into the set. The
	 * filter knows -i, -x, --no-junk, -t and the depth. */
	unsigned events; /* bits of EVENT_BIT, never empty */
	bool existing;
	struct filter *filter;

	/* How they are told. Colours and width are those of the terminal that
	 * is stdout; there are none where it is not, and no colours where
	 * NO_COLOR is set and not empty or TERM is unset or "dumb". */
	struct emit emit;
	bool quiet; /* -q, unless -v came after it */
	bool verbose; /* -v, unless -q came after it */

	/* When to end. */
	bool once; /* -1 */
	int64_t timeout_ms; /* --timeout, -1 for none */

	/* Nothing else counts when one of these is set. */
	bool help;
	bool version;
};

/* Fills in *o. On wrong usage prints one line to stderr and exits with 2; for
 * --help and --version prints to stdout and exits with 0 (1 where that cannot
 * be written). */
void watch_options_parse(struct watch_options *o, int argc, char *argv[]);

/* Fills in *o. Returns 0, or -1 with one line without a newline in msg, its
 * subject first; then *o holds nothing. Uses getopt_long(3), so argv may be
 * reordered; --help and --version end the reading. */
int watch_options_read(struct watch_options *o, int argc, char *argv[],
    char *msg, size_t msg_size);

/* What the watching side has to know, without ctx and the functions. cfg
 * borrows from o. */
void watch_options_config(const struct watch_options *o,
    struct watch_config *cfg);

/* Frees what reading allocated, the filter too. *o may be all zero. */
void watch_options_free(struct watch_options *o);

/* The text of --help. */
const char *watch_options_help(void);

#endif
