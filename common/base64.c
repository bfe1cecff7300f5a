#include "base64.h"

#include <stdint.h>

/* The value of a digit, 64 for what is none. */
static unsigned
base64_digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - (unsigned)'A';
	if (c >= 'a' && c <= 'z')
		return c - (unsigned)'a' + 26;
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int
base64_decode(const char *s, size_t len, char *out, size_t *out_len)
{
	unsigned char table[256];
	uint32_t bits;
	size_t i, k, n = 0, pad = 0;
	unsigned d;

	if (len % 4 != 0)
		return -1;
	for (i = 0; i < sizeof(table); i++)
		table[i] = (unsigned char)base64_digit((unsigned char)i);
	if (len > 0 && s[len - 1] == '=')
		pad = s[len - 2] == '=' ? 2 : 1;
	for (i = 0; i < len; i += 4) {
		bits = 0;
		for (k = 0; k < 4; k++) {
			d = table[(unsigned char)s[i + k]];
			if (i + k >= len - pad)
				d = 0;
			if (d > 63)
				return -1;
			bits = bits << 6 | d;
		}
		if (i + 4 == len && pad > 0) {
			if ((bits & (pad == 1 ? 0xffu : 0xffffu)) != 0)
				return -1;
			out[n++] = (char)(bits >> 16);
			if (pad == 1)
				out[n++] = (char)(bits >> 8);
			continue;
		}
		out[n++] = (char)(bits >> 16);
		out[n++] = (char)(bits >> 8);
		out[n++] = (char)bits;
	}
	*out_len = n;
	return 0;
}
