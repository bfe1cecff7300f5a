#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat_write.h"

/* openat2 answers EAGAIN where something moved under its feet. */
#define BENEATH_TRIES 32

void
beneath_init(struct beneath *b, int rootfd, unsigned flags)
{
	b->rootfd = rootfd;
	b->mounts = (flags & BENEATH_MOUNTS) != 0;
	b->walk = (flags & BENEATH_WALK) != 0;
}

const char *
beneath_why_not(const char *path, size_t len)
{
	const char *p, *end = path + len, *slash;
	size_t n;

	if (len == 0)
		return "the path is empty";
	if (memchr(path, '\0', len) != NULL)
		return "the path has a NUL in it";
	if (path[0] == '/')
		return "the path is absolute";
	if (path[len - 1] == '/')
		return "the path ends in a slash";
	if (len >= PATH_MAX)
		return "the path is too long";
	for (p = path; p < end; p += n + 1) {
		slash = memchr(p, '/', (size_t)(end - p));
		n = (size_t)((slash != NULL ? slash : end) - p);
		if (n == 0)
			return "the path has an empty component";
		if (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')))
			return "the path has a component \".\" or \"..\"";
		if (n > NAME_MAX)
			return "a name in the path is too long";
	}
	return NULL;
}

/* openat(2) of a single name, which O_NOFOLLOW makes safe, that stays on the
 * mount with the given id (NULL: any). */
static int
beneath_step(int dirfd, const char *name, int flags, mode_t mode,
    const uint64_t *mount)
{
	struct stat st;
	uint64_t id;
	int fd, saved;

	/* What O_CREAT with O_EXCL makes cannot be a mount point. All else
	 * is looked at before it is opened. */
	if (mount != NULL && (flags & O_EXCL) == 0) {
		if (compat_mount_id(dirfd, name, &id) == 0) {
			if (id != *mount) {
				errno = EXDEV;
				return -1;
			}
		} else if (errno != ENOENT || !(flags & O_CREAT)) {
			return -1;
		}
	}
	fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd == -1 && (errno == ENOTDIR || compat_says_link(errno))) {
		/* O_DIRECTORY speaks before O_NOFOLLOW does. */
		saved = errno;
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode))
			saved = ELOOP;
		errno = saved;
	}
	return fd;
}

static int
beneath_walk(const struct beneath *b, int dirfd, const char *path, int flags,
    mode_t mode)
{
	char name[NAME_MAX + 1];
	const char *slash;
	uint64_t id, *mount = NULL;
	int at = dirfd, next, saved;
	size_t n;

	if (!b->mounts) {
		if (compat_mount_id(dirfd, "", &id) == -1)
			return -1;
		mount = &id;
	}
	for (;;) {
		slash = strchr(path, '/');
		n = slash != NULL ? (size_t)(slash - path) : strlen(path);
		if (n > NAME_MAX) {
			errno = ENAMETOOLONG;
			next = -1;
			break;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		if (slash == NULL) {
			next = beneath_step(at, name, flags, mode, mount);
			break;
		}
		next = beneath_step(at, name, COMPAT_O_PATH | O_DIRECTORY, 0,
		    mount);
		if (next == -1)
			break;
		if (at != dirfd)
			(void)close(at);
		at = next;
		path = slash + 1;
	}
	saved = errno;
	if (at != dirfd)
		(void)close(at);
	errno = saved;
	return next;
}

/* Where O_DIRECTORY has said ENOTDIR: is it a symbolic link? */
static int
beneath_why_notdir(const struct beneath *b, int dirfd, const char *path)
{
	struct stat st;
	int fd, error = ENOTDIR;

	fd = compat_open_beneath(dirfd, path,
	    COMPAT_O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, b->mounts);
	if (fd == -1)
		return error;
	if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		error = ELOOP;
	(void)close(fd);
	return error;
}

int
beneath_open(struct beneath *b, int dirfd, const char *path, int flags,
    mode_t mode)
{
	int fd, tries;

	if (b->walk)
		return beneath_walk(b, dirfd, path, flags, mode);
	for (tries = 0; tries < BENEATH_TRIES; tries++) {
		fd = compat_open_beneath(dirfd, path,
		    flags | O_NOFOLLOW | O_CLOEXEC, mode, b->mounts);
		if (fd != -1 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd == -1 && errno == ENOTDIR && (flags & O_DIRECTORY) != 0)
		errno = beneath_why_notdir(b, dirfd, path);
	if (fd != -1 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
		return fd;
	/* A sandbox that does not know openat2 says EPERM, and so do files
	 * that may not be opened: only a walk that succeeds tells which. */
	if (errno == ENOSYS) {
		b->walk = true;
		return beneath_walk(b, dirfd, path, flags, mode);
	}
	if (errno == EAGAIN)
		return beneath_walk(b, dirfd, path, flags, mode);
	fd = beneath_walk(b, dirfd, path, flags, mode);
	if (fd != -1)
		b->walk = true;
	return fd;
}

/* Is that a regular file? errno: what else it is. */
static bool
is_regular(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return true;
	errno = S_ISLNK(st->st_mode) ? ELOOP :
	    S_ISDIR(st->st_mode)     ? EISDIR :
				       EINVAL;
	return false;
}

/* Opens the regular file that *st was seen of. Should it be another one by now
 * it has not been waited for, and has to be looked at again: EAGAIN. */
static int
open_seen(struct beneath *b, int dirfd, const char *path, int flags,
    const struct stat *st)
{
	struct stat now;
	int fd;

	fd = beneath_open(b, dirfd, path, flags | O_NONBLOCK | O_NOCTTY, 0);
	if (fd != -1 &&
	    (fstat(fd, &now) == -1 || now.st_dev != st->st_dev ||
		now.st_ino != st->st_ino)) {
		(void)close(fd);
		fd = -1;
		errno = EAGAIN;
	}
	return fd;
}

/* Where there is no O_PATH: looks at the name in its directory first. */
static int
open_by_name(struct beneath *b, int dirfd, const char *path, int flags,
    struct stat *st)
{
	char in[PATH_MAX];
	const char *name = strrchr(path, '/');
	int at = dirfd, fd = -1, saved;

	if (name == NULL) {
		name = path;
	} else {
		(void)snprintf(in, sizeof(in), "%.*s", (int)(name - path),
		    path);
		name++;
		at = beneath_open(b, dirfd, in, COMPAT_O_PATH | O_DIRECTORY, 0);
		if (at == -1)
			return -1;
	}
	if (fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) == 0 && is_regular(st))
		fd = open_seen(b, at, name, flags, st);
	saved = errno;
	if (at != dirfd)
		(void)close(at);
	errno = saved;
	return fd;
}

int
beneath_open_regular(struct beneath *b, int dirfd, const char *path, int flags,
    struct stat *st)
{
	char name[COMPAT_FDNAME_SIZE];
	int pathfd, fd = -1, saved;

	if (!COMPAT_HAS_PATH)
		return open_by_name(b, dirfd, path, flags, st);
	pathfd = beneath_open(b, dirfd, path, COMPAT_O_PATH, 0);
	if (pathfd == -1)
		return -1;
	if (fstat(pathfd, st) == -1 || !is_regular(st))
		goto out;
	fd = open(compat_fdname(name, pathfd), flags | O_CLOEXEC | O_NOCTTY);
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		/* No /proc: by name once more. */
		fd = open_seen(b, dirfd, path, flags, st);
out:
	saved = errno;
	(void)close(pathfd);
	errno = saved;
	return fd;
}
