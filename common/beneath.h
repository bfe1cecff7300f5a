/*
 * What lies below a directory descriptor, and nothing else.
 *
 *	struct beneath b;
 *	beneath_init(&b, rootfd, 0);
 *	why = beneath_why_not(path, len);	by its spelling
 *	fd = beneath_open(&b, rootfd, path, O_RDONLY | O_DIRECTORY, 0);
 *
 * No symbolic link is followed, anywhere in a path, and no mount point is
 * crossed (unless BENEATH_MOUNTS). openat2(2) does it where there is one;
 * where there is none, or a sandbox forbids it (ENOSYS, EPERM), the path is
 * walked component by component with O_NOFOLLOW.
 */
#ifndef BENEATH_H
#define BENEATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stat;

#define BENEATH_MOUNTS 1u /* mount points may be crossed */
#define BENEATH_WALK   2u /* never ask openat2 */

struct beneath {
	int rootfd; /* borrowed */
	bool mounts;
	bool walk;
};

void beneath_init(struct beneath *b, int rootfd, unsigned flags);

/* Why this path is refused by its spelling: absolute, empty, a component that
 * is empty, "." or "..", a slash at its end, a NUL, a name or path that is too
 * long. NULL: it is fine. Makes no system call. */
const char *beneath_why_not(const char *path, size_t len);

/* Opens a path that beneath_why_not() let through, below dirfd, which is
 * rootfd or was opened by this function. Flags and mode as in open(2);
 * O_CLOEXEC and O_NOFOLLOW are added. Returns a descriptor, or -1 with errno
 * as open(2) and: ELOOP for a symbolic link, EXDEV for a mount point. With
 * O_PATH the last component may be a symbolic link: then it is what is
 * opened. */
int beneath_open(struct beneath *b, int dirfd, const char *path, int flags,
    mode_t mode);

/* Opens what exists, if it is a regular file: looks at it first, where there
 * is O_PATH through that, so that no FIFO or device is ever opened. *st is what
 * it is, set also when it is not regular; then -1 and errno EINVAL (a symbolic
 * link: ELOOP, a directory: EISDIR). EAGAIN: it has just become another. */
int beneath_open_regular(struct beneath *b, int dirfd, const char *path,
    int flags, struct stat *st);

#endif
