/*
 * Base64 (RFC 4648 section 4), exactly: padding is there, the bits behind the
 * last byte are zero, nothing else stands between the digits. So each sequence
 * of bytes has one spelling only.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>

/* The bytes that len digits decode to, at most. */
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3)

/* Decodes len digits to out, which has room for BASE64_DECODED_MAX(len), and
 * may be the same memory. Returns 0 and the number of bytes in *out_len, or -1
 * (errno is not set). */
int base64_decode(const char *s, size_t len, char *out, size_t *out_len);

#endif
