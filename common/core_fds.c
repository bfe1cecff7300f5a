#include "core.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "mounts.h"
#include "tree.h"

/* Opens a path that may be longer than the kernel takes at once. */
static int
open_long(char *path, size_t len, int flags)
{
	int at = AT_FDCWD, next, error;
	char *cut;

	while (len >= PATH_MAX) {
		cut = compat_memrchr(path, '/', PATH_MAX - 1);
		if (cut == NULL || cut == path) {
			errno = ENAMETOOLONG;
			next = -1;
		} else {
			*cut = '\0';
			next = openat(at, path,
			    COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
			*cut = '/';
		}
		error = errno;
		if (at != AT_FDCWD)
			(void)close(at);
		errno = error;
		if (next == -1)
			return -1;
		at = next;
		len -= (size_t)(cut + 1 - path);
		path = cut + 1;
	}
	next = openat(at, path, flags);
	error = errno;
	if (at != AT_FDCWD)
		(void)close(at);
	errno = error;
	return next;
}

/* Closes fd and fails with ESTALE when it is not of the directory d. */
static int
identify(const struct dir *d, int fd)
{
	struct stat st;
	int error = ESTALE;

	if (fd == -1 || d->ino == 0)
		return fd;
	if (fstat(fd, &st) == -1)
		error = errno;
	else if (st.st_ino == d->ino && (d->dev == 0 || st.st_dev == d->dev))
		return fd;
	(void)close(fd);
	errno = error;
	return -1;
}

/* How many descriptors are kept at least: those in use at the moment. */
#define KEEP_MIN 2

/* Out of descriptors: gives back the one that was not used for longest.
 * Returns whether there was one to spare. */
static bool
spare_fd(struct core *c)
{
	size_t i, n = 0, oldest = CORE_FDS;

	if (errno != EMFILE && errno != ENFILE)
		return false;
	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == NULL)
			continue;
		n++;
		if (oldest == CORE_FDS || c->fds[i].used < c->fds[oldest].used)
			oldest = i;
	}
	if (n <= KEEP_MIN)
		return false;
	(void)close(c->fds[oldest].fd);
	c->fds[oldest].dir = NULL;
	return true;
}

int
core_open(struct core *c, const struct dir *d, int flags)
{
	const char *base = core_scope(d)->dir_path;
	struct buf name = BUF_INIT, path = BUF_INIT;
	int fd = -1;

	flags |= O_DIRECTORY | O_CLOEXEC;
	if (d->self != NULL && !(d->flags & DIR_LINK))
		flags |= O_NOFOLLOW;
	tree_name(d, NULL, 0, &name);
	buf_adds(&path, base);
	if (name.len > 0 && path.len > 0 && path.data[path.len - 1] != '/')
		buf_addc(&path, '/');
	buf_add(&path, name.data, name.len);
	buf_addc(&path, '\0');
	if (name.failed || path.failed)
		errno = ENOMEM;
	else
		do
			fd = open_long(path.data, path.len - 1, flags);
		while (fd == -1 && spare_fd(c));
	fd = identify(d, fd);
	buf_free(&name);
	buf_free(&path);
	return fd;
}

int
core_kept_fd(struct core *c, const struct dir *d)
{
	size_t i;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == d) {
			c->fds[i].used = ++c->fd_clock;
			return c->fds[i].fd;
		}
	}
	return -1;
}

int
core_open_near(struct core *c, struct dir *d, int flags)
{
	int parent = -1, fd;

	if (d->self != NULL)
		parent = core_kept_fd(c, d->parent);
	if (parent == -1)
		return core_open(c, d, flags);
	flags |= O_DIRECTORY | O_CLOEXEC;
	if (!(d->flags & DIR_LINK))
		flags |= O_NOFOLLOW;
	do
		fd = openat(parent, d->self->name, flags);
	while (fd == -1 && spare_fd(c));
	return identify(d, fd);
}

void
core_keep_fd(struct core *c, struct dir *d, int fd)
{
	size_t i, oldest = 0;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == NULL || c->fds[i].dir == d) {
			oldest = i;
			break;
		}
		if (c->fds[i].used < c->fds[oldest].used)
			oldest = i;
	}
	if (c->fds[oldest].dir != NULL)
		(void)close(c->fds[oldest].fd);
	c->fds[oldest].dir = d;
	c->fds[oldest].fd = fd;
	c->fds[oldest].stays = false;
	c->fds[oldest].used = ++c->fd_clock;
}

int
core_dirfd(struct core *c, struct dir *d)
{
	int fd;

	fd = core_kept_fd(c, d);
	if (fd != -1)
		return fd;
	fd = core_open_near(c, d, COMPAT_O_PATH);
	if (fd != -1)
		core_keep_fd(c, d, fd);
	return fd;
}

/* May fd, of d, stay open while all is quiet? Where the kernel does not tell
 * what becomes of d, opening it anew does. */
static bool
may_stay(const struct core *c, const struct dir *d, int fd)
{
	const struct scope *s = core_scope(d);
	struct mounts_id id;

	return c->sees_mounts && s->mount != 0 && core_exact(d) &&
	    mounts_identify(fd, &id) == 0 && id.mnt == s->mount;
}

void
core_rest_fds(struct core *c)
{
	size_t i;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == NULL ||
		    (c->fds[i].stays && core_exact(c->fds[i].dir)))
			continue;
		c->fds[i].stays = may_stay(c, c->fds[i].dir, c->fds[i].fd);
		if (c->fds[i].stays)
			continue;
		(void)close(c->fds[i].fd);
		c->fds[i].dir = NULL;
	}
	c->kind_dev = 0;
}

void
core_close_fds(struct core *c)
{
	size_t i;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir != NULL)
			(void)close(c->fds[i].fd);
		c->fds[i].dir = NULL;
	}
	c->kind_dev = 0;
}

void
core_forget_fds(struct core *c, const struct dir *d)
{
	size_t i;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir != d)
			continue;
		(void)close(c->fds[i].fd);
		c->fds[i].dir = NULL;
	}
}
