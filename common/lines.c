#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat_write.h"

/* What is read at once: several times what a pipe holds by default (pipe(7): 64
 * KiB). */
#define LINES_READ ((size_t)256 * 1024)

struct lines {
	int fd;
	size_t max;
	char *data;
	size_t cap;
	size_t start; /* the first byte not handed out */
	size_t scan; /* no newline between start and here */
	size_t end;
	uint64_t number;
	bool eof;
	bool skipping; /* the rest of a line that was too long */
};

struct lines *
lines_new(int fd, size_t max)
{
	struct lines *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->fd = fd;
	/* Who feeds us has not to be woken as often, and what arrives together
	 * is more. */
	compat_widen_pipe(fd, (int)LINES_READ);
	l->max = max;
	l->cap = LINES_READ;
	l->data = malloc(l->cap);
	if (l->data == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
lines_free(struct lines *l)
{
	if (l == NULL)
		return;
	free(l->data);
	free(l);
}

/* Makes room behind end. lines_next() has seen to it that what is kept is no
 * longer than max, so the buffer stays below twice max. */
static int
lines_room(struct lines *l)
{
	size_t keep = l->end - l->start;
	size_t cap;
	char *p;

	if (l->start > 0 && l->cap - l->end < l->cap / 2) {
		memmove(l->data, l->data + l->start, keep);
		l->scan -= l->start;
		l->start = 0;
		l->end = keep;
	}
	if (l->end < l->cap)
		return 0;
	if (l->cap > SIZE_MAX / 2) {
		errno = ENOMEM;
		return -1;
	}
	cap = l->cap * 2;
	p = realloc(l->data, cap);
	if (p == NULL)
		return -1;
	l->data = p;
	l->cap = cap;
	return 0;
}

ssize_t
lines_fill(struct lines *l)
{
	size_t room;
	ssize_t n;

	if (l->eof)
		return 0;
	if (lines_room(l) == -1)
		return -1;
	/* A long line has made room for ten thousands of short ones: they are
	 * not to come all at once. */
	room = l->cap - l->end;
	n = read(l->fd, l->data + l->end,
	    room < LINES_READ ? room : LINES_READ);
	if (n > 0)
		l->end += (size_t)n;
	else if (n == 0)
		l->eof = true;
	return n;
}

/* Throws away up to the newline. Returns false when it has not come yet. */
static bool
lines_skip(struct lines *l)
{
	const char *nl;

	nl = memchr(l->data + l->start, '\n', l->end - l->start);
	if (nl == NULL) {
		l->start = l->scan = l->end = 0;
		return false;
	}
	l->start = l->scan = (size_t)(nl - l->data) + 1;
	l->skipping = false;
	return true;
}

bool
lines_next(struct lines *l, struct line *line)
{
	const char *nl;
	size_t len;

	if (l->skipping && !lines_skip(l))
		return false;
	nl = memchr(l->data + l->scan, '\n', l->end - l->scan);
	len =
	    nl != NULL ? (size_t)(nl - l->data) - l->start : l->end - l->start;
	if (nl == NULL) {
		l->scan = l->end;
		if (len <= l->max && !(l->eof && len > 0))
			return false;
	}
	line->number = ++l->number;
	line->len = len;
	line->too_long = len > l->max;
	line->data = line->too_long ? NULL : l->data + l->start;
	if (nl != NULL)
		l->start = l->scan = (size_t)(nl - l->data) + 1;
	else {
		l->skipping = line->too_long;
		l->start = l->scan = l->end;
	}
	return true;
}
