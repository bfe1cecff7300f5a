#include "ahead.h"

#include <sys/types.h>

/* Nothing can be had ahead. */
struct ahead *
ahead_new(const struct backend_ops *ops, struct backend *b, unsigned interest,
    const struct timespec *since)
{
	(void)ops;
	(void)b;
	(void)interest;
	(void)since;
	return NULL;
}

void
ahead_free(struct ahead *a)
{
	(void)a;
}

void
ahead_add(struct ahead *a, struct dir *dir, int at, const char *path,
    uint64_t dev, uint64_t ino)
{
	(void)a;
	(void)dir;
	(void)at;
	(void)path;
	(void)dev;
	(void)ino;
}

void
ahead_run(struct ahead *a)
{
	(void)a;
}

struct ahead_dir *
ahead_next(struct ahead *a)
{
	(void)a;
	return NULL;
}

int
ahead_lines(const struct ahead_dir *got,
    int (*each)(void *ctx, const struct dirent_line *line), void *ctx)
{
	return dirents_each(got->fd, each, ctx);
}
