#include "mounts.h"

#include <sys/stat.h>

#include <errno.h>

int
mounts_identify(int fd, struct mounts_id *id)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	*id = (struct mounts_id){.dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

int
mounts_kernel_id(int fd, dev_t *dev, uint64_t *ino)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return 0;
}

bool
mounts_path(int fd, char *path, size_t size)
{
	(void)fd;
	(void)size;
	path[0] = '\0';
	return false;
}

struct mounts *
mounts_read(void)
{
	errno = ENOTSUP;
	return NULL;
}

/* There is none of them, so none of these is called. */
void
mounts_free(struct mounts *m)
{
	(void)m;
}

bool
mounts_changed(const struct mounts *m)
{
	(void)m;
	return false;
}

int
mounts_fd(const struct mounts *m)
{
	(void)m;
	return -1;
}

void
mounts_compare(const struct mounts *a, const struct mounts *b,
    void (*each)(void *ctx, const char *path), void *ctx)
{
	(void)a;
	(void)b;
	(void)each;
	(void)ctx;
}

int
mounts_places(const struct mounts *m, int fd,
    int (*each)(void *ctx, const char *path), void *ctx)
{
	(void)m;
	(void)fd;
	(void)each;
	(void)ctx;
	return 0;
}
