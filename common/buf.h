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
#include <string.h>

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

/* The same as buf_reserve(), where there is no room yet. */
char *buf_grow(struct buf *b, size_t n);

/* Room for n more bytes; returns where they go, or NULL and sets .failed.
 * The caller adds what it used to .len. In line, as is what builds on it,
 * since every piece of every line goes through here. */
static inline char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->failed || b->data == NULL || n > b->cap - b->len)
		return buf_grow(b, n);
	return b->data + b->len;
}

static inline void
buf_add(struct buf *b, const void *data, size_t len)
{
	char *p = buf_reserve(b, len);

	if (p == NULL || len == 0)
		return;
	memcpy(p, data, len);
	b->len += len;
}

static inline void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_addc(struct buf *b, char c)
{
	char *p = buf_reserve(b, 1);

	if (p == NULL)
		return;
	*p = c;
	b->len++;
}

/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *b);
void buf_free(struct buf *b);

#endif
