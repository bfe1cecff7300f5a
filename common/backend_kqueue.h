/*
 * The back end for kqueue(2): FreeBSD, NetBSD, OpenBSD, macOS. Every note is
 * a hint that something has changed, and the disk is asked what.
 *
 * It calls the kernel through one table of functions, so that a test can put
 * a fake below it, with another `open` in its struct backend_ops:
 *
 *	b = backend_kqueue_open(&calls, 2000);
 */
#ifndef BACKEND_KQUEUE_H
#define BACKEND_KQUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct backend;
struct event_stat;
struct kevent;

/* As the system calls of these names: -1 with errno. */
struct kqueue_calls {
	int (*kqueue)(void);
	int (*kevent)(int kq, const struct kevent *changes, int nchanges,
	    struct kevent *events, int nevents, const struct timespec *timeout);
	int (*openat)(int dirfd, const char *name, int flags);
	int (*close)(int fd);
	/* stat_at() of statat.h, no link followed; an empty name asks for
	 * dirfd itself. */
	int (*stat)(int dirfd, const char *name, struct event_stat *st);
	/* How many descriptors this process may have, raised as far as it
	 * may. */
	size_t (*limit)(void);
};

/* Borrows calls; poll_ms as in backend_ops.open. NULL with errno. */
struct backend *backend_kqueue_open(const struct kqueue_calls *calls,
    int64_t poll_ms);

#endif
