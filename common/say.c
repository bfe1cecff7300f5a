#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
say(say_to *to, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	to(n == -1 ? strerror(ENOMEM) : text);
	if (n != -1)
		free(text);
}

const char *
say_plural(uintmax_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}
