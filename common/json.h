/*
 * Writing JSON (RFC 8259) a piece at a time into a buf. Reading it is
 * jansson's work; writing a line an event is ours, because the order of keys
 * and the treatment of bytes that are not UTF-8 are part of the interface.
 *
 *	json_open(&b);				{
 *	json_key(&b, "event");			"event":
 *	json_cstring(&b, "created");		"created"
 *	json_key(&b, "size");			,"size":
 *	json_uint(&b, 12);			12
 *	json_close(&b);				}
 *
 * No name here is one of jansson's (json_string is), since both are linked.
 *
 * Errors stick in the buf (buf.h). The comma before a key is written where
 * the byte before it is not '{'.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"

void json_open(struct buf *b);
void json_close(struct buf *b);

/* In line, so that the length of a key is known where it is written. */
static inline void
json_key(struct buf *b, const char *key)
{
	size_t len = strlen(key);
	char *p = buf_reserve(b, len + 4);

	if (p == NULL)
		return;
	if (b->len > 0 && p[-1] != '{')
		*p++ = ',';
	*p++ = '"';
	memcpy(p, key, len);
	p += len;
	*p++ = '"';
	*p++ = ':';
	b->len = (size_t)(p - b->data);
}

/* A string of len bytes, in quotes. Escapes what RFC 8259 section 7 demands
 * (and U+007F, so that no terminal is surprised). Each maximal ill-formed
 * part of UTF-8 becomes one U+FFFD (Unicode 15, section 3.9, "substitution of
 * maximal subparts"); then false is returned, else true. */
bool json_text(struct buf *b, const char *s, size_t len);
bool json_cstring(struct buf *b, const char *s);

/* The same without the quotes, for a string put together from pieces. What is
 * joined by ASCII comes out as if it had been one piece. */
bool json_chars(struct buf *b, const char *s, size_t len);

void json_uint(struct buf *b, uint64_t n);
void json_int(struct buf *b, int64_t n);
void json_bool(struct buf *b, bool yes);

/* len bytes as base64 in quotes (RFC 4648 section 4, with padding). */
void json_base64(struct buf *b, const void *data, size_t len);

/* How many bytes from s on are ASCII and stand for themselves in a string of
 * JSON, U+007F left out. */
size_t json_plain(const char *s, size_t len);

/* Are these bytes well-formed UTF-8 (RFC 3629)? */
bool json_is_utf8(const char *s, size_t len);

#endif
