/*
 * --sync: what has been written reaches the disk before it is acknowledged,
 * and is synced once for all that arrived together (group commit).
 *
 *	struct durable d = {.wanted = true, .handles = t};
 *	durable_due(&d, h);		its content, or its names, have changed
 *	durable_fd(&d, fd);		a file without a handle: now
 *	durable_commit(&d);		all that is due
 *	if (d.error != 0) ...
 *
 * After a failed sync the kernel has forgotten what it could not write, and
 * the next one would report success: so there is no second try, and .error
 * stays.
 */
#ifndef DURABLE_H
#define DURABLE_H

#include <stdbool.h>
#include <stdint.h>

struct handle;
struct handles;

struct durable {
	bool wanted; /* else all of this does nothing, but durable_fd */
	struct handles *handles; /* borrowed */
	int error; /* errno of the first sync that failed, for good */
	uint64_t syncs; /* calls of fsync(2) and fdatasync(2) */
};

/* This file was written, or a name was made, changed or removed in this
 * directory. */
void durable_due(struct durable *d, struct handle *h);

/* fdatasync(2), now. Returns 0, or -1 with errno, which stays in .error. */
int durable_fd(struct durable *d, int fd);

/* Syncs one that is due, if it is; before it is closed. */
void durable_handle(struct durable *d, struct handle *h);

/* Syncs all that is due and empties the handles' list of dues. */
void durable_commit(struct durable *d);

#endif
