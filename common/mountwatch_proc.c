#include "mountwatch.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mounts.h"

struct mountwatch {
	struct mounts *seen;
	bool learned; /* it has been read */
};

struct mountwatch *
mountwatch_open(void)
{
	struct mountwatch *m;

	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->seen = mounts_open();
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
mountwatch_learn(struct mountwatch *m)
{
	if (m->learned)
		return 0;
	if (mounts_load(m->seen) == -1)
		return -1;
	/* Which of the two has been read is not known. */
	if (mounts_changed(m->seen))
		return mountwatch_read(m, NULL, NULL);
	m->learned = true;
	return 0;
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
	bool known = m->learned;

	if (now == NULL)
		return -1;
	if (known)
		mounts_compare(m->seen, now, each, ctx);
	mounts_free(m->seen);
	m->seen = now;
	m->learned = true;
	return known ? 0 : 1;
}
