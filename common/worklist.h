/*
 * The directories that one pass is still to list. Where there are many, the
 * next of them are opened, watched and listed ahead (ahead.h).
 *
 *	worklist_open(&w, c, since);
 *	worklist_add(&w, d);
 *	while ((d = worklist_next(&w, &got)) != NULL)
 *		...			which may add others
 *	worklist_close(&w);
 */
#ifndef WORKLIST_H
#define WORKLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct ahead;
struct ahead_dir;
struct core;
struct dir;

struct worklist {
	struct core *c;
	const struct timespec *since; /* as for sync_compare() */
	struct dir **dirs;
	size_t n;
	size_t cap;

	struct ahead *ahead;
	bool alone; /* nothing can be had ahead */
	/* Of what was had ahead: the position before that, and when nothing
	 * older was of interest any more; and all that had come until it was
	 * had is pending. */
	uint64_t before;
	uint64_t after;
	bool filled;
};

/* Begins a pass. */
void worklist_open(struct worklist *w, struct core *c,
    const struct timespec *since);
void worklist_close(struct worklist *w);

/* d is to be listed, unless it is already, or has been in this pass. Out of
 * memory, core.resync is set. */
void worklist_add(struct worklist *w, struct dir *d);

/* The next directory, or NULL when all have been handed out. *got: what was had
 * of it ahead, whose descriptor and watch are the caller's, or NULL. */
struct dir *worklist_next(struct worklist *w, struct ahead_dir **got);

/* Nobody wants what was had ahead of that directory. */
void worklist_skip(const struct worklist *w, const struct ahead_dir *got);

#endif
