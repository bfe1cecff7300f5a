#include "why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int
why_set(struct why *w, const char *error, const char *fmt, ...)
{
	va_list ap;

	w->error = error;
	va_start(ap, fmt);
	(void)vsnprintf(w->message, sizeof(w->message), fmt, ap);
	va_end(ap);
	errno = EINVAL;
	return -1;
}
