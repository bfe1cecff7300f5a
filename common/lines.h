/*
 * Lines of bounded length from a descriptor, whole lines only.
 *
 *	struct lines *l = lines_new(STDIN_FILENO, 16 << 20);
 *	while (lines_fill(l) > 0)
 *		while (lines_next(l, &line))
 *			... line.data, line.len, line.number
 *	lines_free(l);
 *
 * lines_fill() is one read(2), so that whoever calls it decides when to wait.
 * Memory is bounded: a line longer than the limit is told once, as soon as it
 * is known to be too long, and what is left of it is thrown away as it comes.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lines;

struct line {
	const char *data; /* borrowed until lines_fill(); NULL if too_long */
	size_t len; /* bytes, without the newline */
	uint64_t number; /* counted from 1; every line counts, blank ones too */
	bool too_long;
};

/* max: bytes of a line, without its newline; at least 1. Borrows fd; where it
 * is a pipe, lets it hold as much as is read at once. NULL and ENOMEM on
 * failure. */
struct lines *lines_new(int fd, size_t max);
void lines_free(struct lines *l);

/* Reads once, up to 256 KiB. Returns the number of bytes read, 0 at the end of
 * the input (from then on), -1 with errno as read(2), or ENOMEM. Ends the life
 * of all lines handed out. */
ssize_t lines_fill(struct lines *l);

/* The next whole line of what has been read. At the end of the input that is
 * also what stands behind the last newline. Returns false when another
 * lines_fill() is needed. */
bool lines_next(struct lines *l, struct line *line);

#endif
