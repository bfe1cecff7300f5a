/*
 * The mount table of this process (/proc/self/mountinfo, proc(5)), and what it
 * tells about a directory: how the kernel's own lists name it, and by which
 * other paths it can be reached.
 *
 *	struct mounts *m = mounts_read();
 *	mounts_places(m, dirfd, each, ctx);
 *	if (mounts_changed(m)) ... read a new one
 *	mounts_free(m);
 */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mounts;

/* Which directory this is, and in which mount. */
struct mounts_id {
	dev_t dev; /* as stat(2) has it */
	uint64_t ino;
	uint64_t mnt; /* 0 where the kernel does not tell (before 5.8) */
};

/* Takes any descriptor, O_PATH too. Returns 0, or -1 with errno of
 * statx(2). */
int mounts_identify(int fd, struct mounts_id *id);

/* Is it the same directory, perhaps in another mount? Also in the same mount?
 */
bool mounts_same_dir(const struct mounts_id *a, const struct mounts_id *b);
bool mounts_same_place(const struct mounts_id *a, const struct mounts_id *b);

/* How /proc/locks and /proc/PID/fdinfo name the inode behind fd: the device is
 * that of the super block, which on btrfs differs from stat's, and the inode
 * number is the kernel's, which on overlayfs may. Falls back on stat's where
 * /proc tells nothing. Returns 0, or -1 with errno of fstat(2). */
int mounts_kernel_id(int fd, dev_t *dev, uint64_t *ino);

/* NULL with errno where there is no table to be read. Owned by the caller. */
struct mounts *mounts_read(void);
void mounts_free(struct mounts *m);

/* Has anything been mounted or unmounted since the table was read or since the
 * last call? One poll(2), whatever the table's size. */
bool mounts_changed(const struct mounts *m);

/* Calls each for every other path by which the open directory fd can be
 * reached from here because its file system is mounted more than once (bind
 * mounts). The paths are computed, not tried: one may be hidden by another
 * mount, or be outdated by a rename, so open it and compare. A return other
 * than 0 ends the search and is returned; else 0. Nothing is found for a
 * directory that has been removed. */
int mounts_places(const struct mounts *m, int fd,
    int (*each)(void *ctx, const char *path), void *ctx);

#endif
