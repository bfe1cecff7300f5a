/*
 * What to say to words on a command line that are not known: for both
 * programs, so that they speak alike.
 *
 *	opterr = 0, and a colon first in getopt_long(3)'s letters
 *	case '?': case ':':
 *		misspelt_option(longs, c, argv[optind - 1], msg, size);
 */
#ifndef MISSPELT_H
#define MISSPELT_H

#include <stdbool.h>
#include <stddef.h>

struct option;

/* What getopt_long(3) did not like (c is what it returned, ':' or '?', arg
 * where it stands), without a newline: "--existng: unknown option; did you
 * mean --existing?". Reads optopt. */
void misspelt_option(const struct option *longs, int c, const char *arg,
    char *msg, size_t msg_size);

/* Is b near enough to a, which has a_len bytes, for "did you mean"? *best
 * holds the distance of the nearest so far, SIZE_MAX at first. */
bool misspelt_nearer(const char *a, size_t a_len, const char *b, size_t *best);

/* How much of a word of len bytes a message shows (for %.*s), so that what
 * follows it is never cut off. */
int misspelt_clip(size_t len);

#endif
