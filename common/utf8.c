#include "utf8.h"

size_t
utf8_next(const char *s, size_t len, uint32_t *ret)
{
	unsigned char c = (unsigned char)s[0];
	unsigned char next;
	/* What the second byte may be: this shuts out overlong forms,
	 * surrogates and what is beyond U+10FFFF. */
	unsigned char low = 0x80, high = 0xbf;
	uint32_t cp;
	size_t i, need;

	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	*ret = UTF8_BAD;
	if (c >= 0xc2 && c <= 0xdf) {
		need = 2;
		cp = c & 0x1fU;
	} else if (c >= 0xe0 && c <= 0xef) {
		need = 3;
		cp = c & 0x0fU;
		if (c == 0xe0)
			low = 0xa0;
		else if (c == 0xed)
			high = 0x9f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		need = 4;
		cp = c & 0x07U;
		if (c == 0xf0)
			low = 0x90;
		else if (c == 0xf4)
			high = 0x8f;
	} else {
		return 1;
	}
	for (i = 1; i < need; i++) {
		if (i >= len)
			return i;
		next = (unsigned char)s[i];
		if (next < low || next > high)
			return i;
		cp = cp << 6 | (next & 0x3fU);
		low = 0x80;
		high = 0xbf;
	}
	*ret = cp;
	return need;
}
