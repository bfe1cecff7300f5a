#include "misspelt.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int
misspelt_clip(size_t len)
{
	return len < 64 ? (int)len : 64;
}

/* Deletions, insertions and replacements that lead from a to b, where a has
 * a_len bytes; SIZE_MAX for what is too long to be a slip. */
static size_t
edit_distance(const char *a, size_t a_len, const char *b)
{
	size_t row[32];
	size_t b_len = strlen(b);
	size_t i, j, diagonal, above;

	if (b_len >= sizeof(row) / sizeof(row[0]) || a_len > 64)
		return SIZE_MAX;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			above = row[j];
			if (a[i - 1] != b[j - 1])
				diagonal++;
			if (above + 1 < diagonal)
				diagonal = above + 1;
			if (row[j - 1] + 1 < diagonal)
				diagonal = row[j - 1] + 1;
			row[j] = diagonal;
			diagonal = above;
		}
	}
	return row[b_len];
}

bool
misspelt_nearer(const char *a, size_t a_len, const char *b, size_t *best)
{
	size_t distance = edit_distance(a, a_len, b);

	if (distance >= *best || distance > (strlen(b) + 1) / 3)
		return false;
	*best = distance;
	return true;
}

static void
unknown_long(const struct option *longs, const char *arg, char *msg,
    size_t msg_size)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");
	size_t best = SIZE_MAX;
	size_t prefixes = 0;
	const struct option *l;
	const char *near = NULL;

	for (l = longs; l->name != NULL; l++) {
		if (strncmp(l->name, name, len) == 0)
			prefixes++;
		if (misspelt_nearer(name, len, l->name, &best))
			near = l->name;
	}
	if (prefixes > 1)
		(void)snprintf(msg, msg_size,
		    "--%.*s: could be more than one option", misspelt_clip(len),
		    name);
	else if (near != NULL)
		(void)snprintf(msg, msg_size,
		    "--%.*s: unknown option; did you mean --%s?",
		    misspelt_clip(len), name, near);
	else
		(void)snprintf(msg, msg_size,
		    "--%.*s: unknown option; --help lists them",
		    misspelt_clip(len), name);
}

static const char *
long_name(const struct option *longs, int val)
{
	const struct option *l;

	for (l = longs; l->name != NULL; l++)
		if (l->val == val)
			return l->name;
	return NULL;
}

void
misspelt_option(const struct option *longs, int c, const char *arg, char *msg,
    size_t msg_size)
{
	if (c == ':' && strncmp(arg, "--", 2) == 0)
		(void)snprintf(msg, msg_size, "%s: needs an argument", arg);
	else if (c == ':')
		(void)snprintf(msg, msg_size, "-%c: needs an argument", optopt);
	else if (optopt == 0)
		unknown_long(longs, arg, msg, msg_size);
	else if (strncmp(arg, "--", 2) == 0 && long_name(longs, optopt) != NULL)
		(void)snprintf(msg, msg_size, "--%s: takes no argument",
		    long_name(longs, optopt));
	else
		(void)snprintf(msg, msg_size,
		    "-%c: unknown option; --help lists them", optopt);
}
