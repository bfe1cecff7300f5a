#include "plain.h"

#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "json.h"

void
plain_add(struct buf *b, const char *s)
{
	const char *hex = "0123456789abcdef";
	bool utf8 = json_is_utf8(s, strlen(s));
	unsigned char c, before = 0;
	bool bad;

	for (; *s != '\0'; s++, before = c) {
		c = (unsigned char)*s;
		bad = c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ||
		    (c == 0xc2 && (unsigned char)s[1] < 0xa0) ||
		    (before == 0xc2 && c < 0xa0);
		if (!bad) {
			buf_addc(b, (char)c);
			continue;
		}
		buf_adds(b, "\\x");
		buf_addc(b, hex[c >> 4]);
		buf_addc(b, hex[c & 0xf]);
	}
}
