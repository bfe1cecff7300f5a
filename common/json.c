#include "json.h"

#include <string.h>

#include "buf.h"
#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Eight bytes at once, the first of them the lowest: one instruction where the
 * machine has them so. */
static uint64_t
load_word(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
	    (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

#define BYTES(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bit of the lowest byte that does not stand for itself in a string,
 * and of all before it none; what is above it may be anything. A subtraction
 * borrows only from a byte above one that is found. */
static uint64_t
special_bytes(uint64_t w)
{
	return (w | (w - BYTES(0x20)) | ((w ^ BYTES('"')) - BYTES(1)) |
		   ((w ^ BYTES('\\')) - BYTES(1)) |
		   ((w ^ BYTES(0x7f)) - BYTES(1))) &
	    BYTES(0x80);
}

/* The number of the lowest byte whose high bit is set: shifted by so many
 * bytes, the constant has it on top. */
static size_t
lowest_byte(uint64_t high)
{
	return (
	    size_t)(((high & (0 - high)) >> 7) * UINT64_C(0x0001020304050607) >>
	    56);
}

size_t
json_plain(const char *s, size_t len)
{
	size_t i = 0;
	uint64_t special;

	for (; len - i >= sizeof(special); i += sizeof(special)) {
		special = special_bytes(load_word(s + i));
		if (special != 0)
			return i + lowest_byte(special);
	}
	for (; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			break;
	}
	return i;
}

static void
add_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char esc[6] = {'\\', 'u', '0', '0', 0, 0};
	size_t len = 2;

	switch (c) {
	case '"':
	case '\\':
		esc[1] = (char)c;
		break;
	case '\b':
		esc[1] = 'b';
		break;
	case '\f':
		esc[1] = 'f';
		break;
	case '\n':
		esc[1] = 'n';
		break;
	case '\r':
		esc[1] = 'r';
		break;
	case '\t':
		esc[1] = 't';
		break;
	default:
		esc[4] = hex[c >> 4];
		esc[5] = hex[c & 0xf];
		len = sizeof(esc);
	}
	buf_add(b, esc, len);
}

void
json_open(struct buf *b)
{
	buf_addc(b, '{');
}

void
json_close(struct buf *b)
{
	buf_addc(b, '}');
}

bool
json_chars(struct buf *b, const char *s, size_t len)
{
	bool good = true;
	uint32_t c;
	size_t n;

	while (len > 0) {
		n = json_plain(s, len);
		if (n > 0) {
			buf_add(b, s, n);
		} else {
			n = utf8_next(s, len, &c);
			if (c == UTF8_BAD) {
				good = false;
				buf_adds(b, REPLACEMENT);
			} else if (c < 0x80) {
				add_escape(b, (unsigned char)c);
			} else {
				buf_add(b, s, n);
			}
		}
		s += n;
		len -= n;
	}
	return good;
}

bool
json_text(struct buf *b, const char *s, size_t len)
{
	bool good;

	buf_addc(b, '"');
	good = json_chars(b, s, len);
	buf_addc(b, '"');
	return good;
}

bool
json_cstring(struct buf *b, const char *s)
{
	return json_text(b, s, strlen(s));
}

void
json_uint(struct buf *b, uint64_t n)
{
	char digits[20]; /* UINT64_MAX has as many */
	char *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
json_int(struct buf *b, int64_t n)
{
	if (n < 0) {
		buf_addc(b, '-');
		json_uint(b, 0 - (uint64_t)n);
	} else {
		json_uint(b, (uint64_t)n);
	}
}

void
json_bool(struct buf *b, bool yes)
{
	buf_adds(b, yes ? "true" : "false");
}

void
json_base64(struct buf *b, const void *data, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = data;
	char *p;

	if (len > SIZE_MAX / 2) {
		(void)buf_reserve(b, SIZE_MAX); /* sticks as an error */
		return;
	}
	p = buf_reserve(b, (len + 2) / 3 * 4 + 2);
	if (p == NULL)
		return;
	*p++ = '"';
	for (; len >= 3; len -= 3, s += 3) {
		*p++ = alphabet[s[0] >> 2];
		*p++ = alphabet[(s[0] & 0x03) << 4 | s[1] >> 4];
		*p++ = alphabet[(s[1] & 0x0f) << 2 | s[2] >> 6];
		*p++ = alphabet[s[2] & 0x3f];
	}
	if (len == 2) {
		*p++ = alphabet[s[0] >> 2];
		*p++ = alphabet[(s[0] & 0x03) << 4 | s[1] >> 4];
		*p++ = alphabet[(s[1] & 0x0f) << 2];
		*p++ = '=';
	} else if (len == 1) {
		*p++ = alphabet[s[0] >> 2];
		*p++ = alphabet[(s[0] & 0x03) << 4];
		*p++ = '=';
		*p++ = '=';
	}
	*p++ = '"';
	b->len = (size_t)(p - b->data);
}

bool
json_is_utf8(const char *s, size_t len)
{
	uint32_t c;
	size_t n;

	while (len > 0) {
		n = utf8_next(s, len, &c);
		if (c == UTF8_BAD)
			return false;
		s += n;
		len -= n;
	}
	return true;
}
