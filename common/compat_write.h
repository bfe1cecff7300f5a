/*
 * What the writing side uses where a kernel and its headers have it, as
 * functions that fail with ENOSYS where they do not, and where FSP_PORTABLE
 * (make PORTABLE=1) tries the alternatives. It asks for features, never for a
 * system's name.
 */
#ifndef COMPAT_WRITE_H
#define COMPAT_WRITE_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compat.h"

#if defined(SYS_openat2) && __has_include(<linux/openat2.h>) && \
    !defined(FSP_PORTABLE)
#include <linux/openat2.h>
/* openat2(2) with the four RESOLVE_ flags that keep a path below dirfd;
 * cross: mount points may be crossed. */
static inline int
compat_open_beneath(int dirfd, const char *path, int flags, mode_t mode,
    int cross)
{
	struct open_how how;

	memset(&how, 0, sizeof(how));
	how.flags = (uint64_t)(unsigned)flags;
	how.mode = (flags & O_CREAT) != 0 ? mode : 0;
	how.resolve =
	    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	if (!cross)
		how.resolve |= RESOLVE_NO_XDEV;
	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}
#else
static inline int
compat_open_beneath(int dirfd, const char *path, int flags, mode_t mode,
    int cross)
{
	(void)dirfd;
	(void)path;
	(void)flags;
	(void)mode;
	(void)cross;
	errno = ENOSYS;
	return -1;
}
#endif

/* Which mount a name is on, or, with an empty one, dirfd itself; no link is
 * followed. Bind mounts of one file system differ only where statx(2) tells
 * its mount id (Linux 5.8). */
#if defined(STATX_MNT_ID) && !defined(FSP_PORTABLE)
static inline int
compat_mount_id(int dirfd, const char *name, uint64_t *id)
{
	struct statx stx;

	if (statx(dirfd, name,
		AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		STATX_MNT_ID, &stx) == -1)
		return -1;
	if ((stx.stx_mask & STATX_MNT_ID) != 0)
		*id = stx.stx_mnt_id;
	else
		*id = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor;
	return 0;
}
#else
static inline int
compat_mount_id(int dirfd, const char *name, uint64_t *id)
{
	struct stat st;

	if (name[0] == '\0' ? fstat(dirfd, &st) :
			      fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -1;
	*id = (uint64_t)st.st_dev;
	return 0;
}
#endif

/* renameat2(2) with RENAME_NOREPLACE. */
#if defined(RENAME_NOREPLACE) && !defined(FSP_PORTABLE)
static inline int
compat_rename_new(int olddir, const char *old, int newdir, const char *new)
{
	return renameat2(olddir, old, newdir, new, RENAME_NOREPLACE);
}
#else
static inline int
compat_rename_new(int olddir, const char *old, int newdir, const char *new)
{
	(void)olddir;
	(void)old;
	(void)newdir;
	(void)new;
	errno = ENOSYS;
	return -1;
}
#endif

/* renameat2(2) with RENAME_EXCHANGE. */
#if defined(RENAME_EXCHANGE) && !defined(FSP_PORTABLE)
static inline int
compat_exchange(int olddir, const char *old, int newdir, const char *new)
{
	return renameat2(olddir, old, newdir, new, RENAME_EXCHANGE);
}
#else
static inline int
compat_exchange(int olddir, const char *old, int newdir, const char *new)
{
	(void)olddir;
	(void)old;
	(void)newdir;
	(void)new;
	errno = ENOSYS;
	return -1;
}
#endif

/* open(2) with O_TMPFILE, for writing, in the open directory dirfd. */
#if defined(O_TMPFILE) && !defined(FSP_PORTABLE)
static inline int
compat_open_unnamed(int dirfd, mode_t mode)
{
	return openat(dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
}
#else
static inline int
compat_open_unnamed(int dirfd, mode_t mode)
{
	(void)dirfd;
	(void)mode;
	errno = ENOSYS;
	return -1;
}
#endif

/* linkat(2) with AT_EMPTY_PATH: a name for an open file. */
#if defined(AT_EMPTY_PATH) && !defined(FSP_PORTABLE)
static inline int
compat_link_fd(int fd, int dirfd, const char *name)
{
	return linkat(fd, "", dirfd, name, AT_EMPTY_PATH);
}
#else
static inline int
compat_link_fd(int fd, int dirfd, const char *name)
{
	(void)fd;
	(void)dirfd;
	(void)name;
	errno = ENOSYS;
	return -1;
}
#endif

/* fdatasync(2), where there is one; and past a disk's own cache, where that is
 * asked for in another way, as far as the file system knows it. */
static inline int
compat_fdatasync(int fd)
{
#if defined(F_FULLFSYNC)
	if (fcntl(fd, F_FULLFSYNC) != -1)
		return 0;
	return errno == ENOTSUP || errno == ENOTTY || errno == EINVAL ?
	    fsync(fd) :
	    -1;
#elif defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO > 0
	return fdatasync(fd);
#else
	return fsync(fd);
#endif
}

/* Lets a pipe hold at least n bytes, where that can be had (pipe(7)). */
static inline void
compat_widen_pipe(int fd, int n)
{
#if defined(F_SETPIPE_SZ) && !defined(FSP_PORTABLE)
	int is = fcntl(fd, F_GETPIPE_SZ);

	if (is != -1 && is < n)
		(void)fcntl(fd, F_SETPIPE_SZ, n);
#else
	(void)fd;
	(void)n;
#endif
}

/* The name under which open(2) and linkat(2) reach an open descriptor. */
#define COMPAT_FDNAME_SIZE 32
static inline const char *
compat_fdname(char name[COMPAT_FDNAME_SIZE], int fd)
{
	(void)snprintf(name, COMPAT_FDNAME_SIZE, "/proc/self/fd/%d", fd);
	return name;
}

#endif
