/*
 * UTF-8 (RFC 3629) one character at a time, from bytes that may be anything.
 *
 *	for (i = 0; i < len; i += utf8_next(s + i, len - i, &c))
 *		if (c == UTF8_BAD) ...
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD UINT32_MAX

/* Decodes what stands at s, where len > 0 bytes are left. Returns how many
 * bytes it takes, and its code point in *ret; for what is not well-formed
 * UTF-8 *ret is UTF8_BAD and the bytes are a maximal subpart (Unicode 15,
 * section 3.9, table 3-7), which is replaced by one U+FFFD. */
size_t utf8_next(const char *s, size_t len, uint32_t *ret);

#endif
