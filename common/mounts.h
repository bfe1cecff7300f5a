/*
 * Which file systems are mounted where, and when that changes. A mount over a
 * watched directory tells inotify nothing; /proc/self/mountinfo (proc(5)) does.
 *
 *	m = mounts_open();		NULL where there is no such file
 *	poll(mounts_fd(m), POLLPRI)
 *	mounts_read(m, each, ctx);	what has come and gone since
 *	mounts_close(m);
 */
#ifndef MOUNTS_H
#define MOUNTS_H

struct mounts;

/* NULL with errno. */
struct mounts *mounts_open(void);
void mounts_close(struct mounts *m);

/* POLLPRI on this descriptor says that something has changed. */
int mounts_fd(const struct mounts *m);

/* Calls each with every mount point that has come or gone since the last
 * call. Returns 0, or -1 with errno. */
int mounts_read(struct mounts *m, void (*each)(void *ctx, const char *path),
    void *ctx);

#endif
