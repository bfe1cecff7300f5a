#include "mountwatch.h"

#include <stdlib.h>

#include "mounts.h"

struct mountwatch {
	struct mounts *seen;
};

struct mountwatch *
mountwatch_open(void)
{
	struct mountwatch *m;

	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->seen = mounts_read();
	if (m->seen != NULL)
		return m;
	mountwatch_close(m);
	return NULL;
}

void
mountwatch_close(struct mountwatch *m)
{
	if (m == NULL)
		return;
	mounts_free(m->seen);
	free(m);
}

int
mountwatch_fd(const struct mountwatch *m)
{
	return mounts_fd(m->seen);
}

int
mountwatch_read(struct mountwatch *m, void (*each)(void *ctx, const char *path),
    void *ctx)
{
	struct mounts *now = mounts_read();

	if (now == NULL)
		return -1;
	mounts_compare(m->seen, now, each, ctx);
	mounts_free(m->seen);
	m->seen = now;
	return 0;
}
