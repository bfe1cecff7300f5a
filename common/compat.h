/*
 * What both programs use where a kernel and its headers have it, as functions
 * that fail with ENOTSUP where they do not. It asks for features, never for a
 * system's name.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* major, minor and makedev, where <sys/types.h> has them not. */
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

/* getentropy(3), where <unistd.h> has it not. */
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif

/* A descriptor that names a file without opening it. Where there is none the
 * file is opened without waiting for a FIFO's other end. (FSP_PORTABLE, of
 * make PORTABLE=1, tries the alternatives where they are not needed.) */
#if defined(O_PATH) && !defined(FSP_PORTABLE)
#define COMPAT_O_PATH	O_PATH
#define COMPAT_HAS_PATH true
#else
#define COMPAT_O_PATH	(O_RDONLY | O_NONBLOCK)
#define COMPAT_HAS_PATH false
#endif

/* Does open(2) with O_NOFOLLOW say by this errno that the name is a symbolic
 * link's? POSIX has ELOOP for that, some systems one of the others. */
static inline bool
compat_says_link(int error)
{
#if defined(EFTYPE)
	if (error == EFTYPE)
		return true;
#endif
	return error == ELOOP || error == EMLINK;
}

/* memrchr(3), which not every system has: the last c in n bytes, or NULL. */
static inline char *
compat_memrchr(const char *s, int c, size_t n)
{
	while (n > 0)
		if ((unsigned char)s[--n] == (unsigned char)c)
			return (char *)(uintptr_t)(s + n);
	return NULL;
}

/* The clock that file systems stamp files by, as far as there is such a one. */
#if defined(CLOCK_REALTIME_COARSE) && !defined(FSP_PORTABLE)
#define COMPAT_CLOCK_FILES CLOCK_REALTIME_COARSE
#else
#define COMPAT_CLOCK_FILES CLOCK_REALTIME
#endif

/* Locks of open file descriptions (F_OFD_SETLK and F_OFD_GETLK, fcntl(2)): set
 * or release one; find one that is in the way of *fl. A kernel that does not
 * know them says EINVAL, as it does for nothing else here. */
#if defined(F_OFD_SETLK) && defined(F_OFD_GETLK)
static inline int
compat_ofd(int fd, int cmd, struct flock *fl)
{
	if (fcntl(fd, cmd, fl) != -1)
		return 0;
	if (errno == EINVAL)
		errno = ENOTSUP;
	return -1;
}

static inline int
compat_ofd_set(int fd, struct flock *fl)
{
	return compat_ofd(fd, F_OFD_SETLK, fl);
}

static inline int
compat_ofd_get(int fd, struct flock *fl)
{
	return compat_ofd(fd, F_OFD_GETLK, fl);
}
#else
static inline int
compat_ofd_set(int fd, struct flock *fl)
{
	(void)fd;
	(void)fl;
	errno = ENOTSUP;
	return -1;
}

static inline int
compat_ofd_get(int fd, struct flock *fl)
{
	return compat_ofd_set(fd, fl);
}
#endif

#endif
