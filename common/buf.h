/*
 * A growing run of bytes: what a line is put together in before it is written.
 *
 *	struct buf b = BUF_INIT;
 *	buf_add(&b, "a", 1);
 *	json_text(&b, name, strlen(name));
 *	if (b.failed) ... out of memory, said once at the end
 *	buf_free(&b);
 *
 * The error is sticky: after a failed allocation every further addition is
 * ignored and .failed stays true until buf_clear() or buf_free().
 */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* owned; not NUL-terminated */
	size_t len; /* bytes used */
	size_t cap; /* bytes allocated */
	bool failed; /* out of memory since the last buf_clear() */
};

#define BUF_INIT                  \
	{                         \
		NULL, 0, 0, false \
	}

/* Room for n more bytes; returns where they go, or NULL and sets .failed.
 * The caller adds what it used to .len. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);

/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *b);
void buf_free(struct buf *b);

#endif
