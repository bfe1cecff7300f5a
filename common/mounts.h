/*
 * The mount table of this process, and what it tells about a directory: how the
 * kernel's own lists name it, and by which other paths it can be reached.
 * mounts_proc.c reads /proc/self/mountinfo (proc(5)); in mounts_none.c there
 * is no table, and a directory has one path and the names of stat(2).
 *
 *	struct mounts *m = mounts_read();
 *	mounts_places(m, dirfd, each, ctx);
 *	if (mounts_changed(m)) ... read a new one
 *	mounts_free(m);
 */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mounts;

/* Which directory this is, and in which mount. */
struct mounts_id {
	dev_t dev; /* as stat(2) has it */
	uint64_t ino;
	uint64_t mnt; /* 0 where the kernel does not tell (Linux before 5.8) */
};

/* Takes any descriptor, O_PATH too. Returns 0, or -1 with errno of statx(2) or
 * fstat(2). */
int mounts_identify(int fd, struct mounts_id *id);

/* Is it the same directory, perhaps in another mount? Also in the same mount?
 */
static inline bool
mounts_same_dir(const struct mounts_id *a, const struct mounts_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

static inline bool
mounts_same_place(const struct mounts_id *a, const struct mounts_id *b)
{
	return mounts_same_dir(a, b) && a->mnt == b->mnt;
}

/* The path of an open directory as seen from here. False where it is not
 * known; path is "" then. */
bool mounts_path(int fd, char *path, size_t size);

/* How /proc/locks and /proc/PID/fdinfo name the inode behind fd: the device is
 * that of the super block, which on btrfs differs from stat's, and the inode
 * number is the kernel's, which on overlayfs may. Falls back on stat's where
 * /proc tells nothing. Returns 0, or -1 with errno of fstat(2). */
int mounts_kernel_id(int fd, dev_t *dev, uint64_t *ino);

/* NULL with errno where there is no table to be read (ENOTSUP: on this
 * system). Owned by the caller. */
struct mounts *mounts_read(void);
void mounts_free(struct mounts *m);

/* Has anything been mounted or unmounted since the table was read or since the
 * last call? One poll(2), whatever the table's size. */
bool mounts_changed(const struct mounts *m);

/* The same for a poll(2) of the caller's: POLLPRI on this descriptor. */
int mounts_fd(const struct mounts *m);

/* Calls each with every mount point that is in one table and not in the
 * other. */
void mounts_compare(const struct mounts *a, const struct mounts *b,
    void (*each)(void *ctx, const char *path), void *ctx);

/* Calls each for every other path by which the open directory fd can be
 * reached from here because its file system is mounted more than once (bind
 * mounts). The paths are computed, not tried: one may be hidden by another
 * mount, or be outdated by a rename, so open it and compare. A return other
 * than 0 ends the search and is returned; else 0. Nothing is found for a
 * directory that has been removed. */
int mounts_places(const struct mounts *m, int fd,
    int (*each)(void *ctx, const char *path), void *ctx);

#endif
