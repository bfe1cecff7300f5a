/*
 * When the mount table (mounts.h) changes. A mount over a watched directory
 * tells inotify nothing.
 *
 *	m = mountwatch_open();		NULL where there is no table
 *	poll(mountwatch_fd(m), POLLPRI)
 *	mountwatch_read(m, each, ctx);	what has come and gone since
 *	mountwatch_close(m);
 */
#ifndef MOUNTWATCH_H
#define MOUNTWATCH_H

struct mountwatch;

/* NULL with errno. */
struct mountwatch *mountwatch_open(void);
void mountwatch_close(struct mountwatch *m);

/* POLLPRI on this descriptor says that something has changed. It is another
 * one after each mountwatch_read. */
int mountwatch_fd(const struct mountwatch *m);

/* Calls each with every mount point that has come or gone since the last
 * call. Returns 0, or -1 with errno. */
int mountwatch_read(struct mountwatch *m,
    void (*each)(void *ctx, const char *path), void *ctx);

#endif
