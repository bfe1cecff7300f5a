#include "mountwatch.h"

#include <errno.h>
#include <stddef.h>

/* No table that can be waited for: a mount is seen when something else has its
 * directory looked at. */
struct mountwatch *
mountwatch_open(void)
{
	errno = ENOTSUP;
	return NULL;
}

void
mountwatch_close(struct mountwatch *m)
{
	(void)m;
}

int
mountwatch_fd(const struct mountwatch *m)
{
	(void)m;
	return -1;
}

int
mountwatch_read(struct mountwatch *m, void (*each)(void *ctx, const char *path),
    void *ctx)
{
	(void)m;
	(void)each;
	(void)ctx;
	return 0;
}
