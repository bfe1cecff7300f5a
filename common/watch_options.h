/*
 * The command line of fswatch-events(1), read into one struct. It says
 * nothing itself: what is wrong comes back as text for the program to print.
 *
 *	struct watch_options o;
 *	char msg[WATCH_OPTIONS_MSG];
 *
 *	if (watch_options_parse(&o, argc, argv, msg, sizeof(msg)) == -1)
 *		errx(2, "%s", msg);
 *	if (o.help)
 *		... watch_options_help()
 *	... from here on it is const
 *	watch_options_free(&o);
 */
#ifndef WATCH_OPTIONS_H
#define WATCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emit.h"

struct backend_ops;
struct filter;

#define WATCH_OPTIONS_MSG 512 /* bytes that hold any message */

struct watch_options {
	/* What to watch. The strings are argv's own. */
	const char **roots; /* operands in their order, without "-" */
	size_t nroots;
	bool roots_from_stdin; /* the operand "-" */
	const char **prune; /* --prune, in their order */
	size_t nprune;
	size_t depth; /* levels: 1 without -r, SIZE_MAX with it alone */
	bool flat; /* neither -r nor --depth: the person may not know them */
	bool follow; /* -L */
	bool one_file_system;
	bool wait; /* -w */
	bool claim; /* not --no-claim */
	const struct backend_ops *backend; /* --backend, or the best */
	bool backend_given;
	int64_t poll_ms; /* --poll, in milliseconds, more than 0 */

	/* Which events. --existing has put EVENT_EXISTS into the set, and what
	 * the back end cannot tell is not in it. The
	 * filter knows -i, -x, --no-junk, -t and the depth. */
	unsigned events; /* bits of EVENT_BIT, never empty */
	bool existing;
	struct filter *filter;
	int64_t settle_ms; /* --settle, 0 for none */
	int64_t settle_max_ms; /* its maximum, not less */
	int64_t rescan_ms; /* --rescan, 0 for none */

	/* How they are told. */
	enum emit_format format; /* -0, -p */
	bool stat;
	bool content; /* -c */
	size_t content_limit; /* bytes */
	bool base64; /* --encoding base64 */
	int verbosity; /* -1 after -q, 0, or how many -v */

	/* When to end. */
	bool once; /* -1 */
	int64_t timeout_ms; /* --timeout, -1 for none */

	/* Nothing else counts when one of these is set. */
	bool help;
	bool version;
};

/* Fills in *o. Returns 0, or -1 with one line without a newline in msg, its
 * subject first; then *o holds nothing. Where memory is short msg is empty, and
 * errno ENOMEM. Uses getopt_long(3), so argv may be
 * reordered; what --help and --version follow or precede is read up to them
 * and no operand is asked for. */
int watch_options_parse(struct watch_options *o, int argc, char *argv[],
    char *msg, size_t msg_size);

/* Can this back end tell all the events that are asked for? */
bool watch_options_told(const struct watch_options *o,
    const struct backend_ops *ops);

/* Frees what parsing allocated, the filter too. *o may be all zero. */
void watch_options_free(struct watch_options *o);

/* The text of --help. */
const char *watch_options_help(void);

#endif
