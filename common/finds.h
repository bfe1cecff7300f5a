/*
 * What a comparison has found to be new and to be gone, and its telling in an
 * order in which every step is possible: a rename when it can be one, first
 * what has to make room, last what is gone.
 *
 *	struct finds f = {.c = c, .how = how};
 *	finds_add(&f, dir, entry);		new: not yet in the index
 *	finds_take_over(&f, entry, dir, was);	known, and now here
 *	finds_lossy(&f, dir);			has entries with ENTRY_GONE
 *	finds_tell(&f, since);			and frees what it holds
 *
 * Until finds_tell() the index stands as it was told.
 */
#ifndef FINDS_H
#define FINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "changes.h"

struct core;
struct dir;
struct entry;
struct found;

struct finds {
	struct core *c;
	enum completeness how; /* of what is new */
	bool deep; /* what moved is compared where it is then */
	bool content; /* with its content */
	struct found *found;
	size_t n;
	size_t cap;
	struct dir **lossy;
	size_t nlossy;
	size_t cap_lossy;
};

/* e, which is in no directory, is new in parent; what is below it, too. Takes
 * e over. Returns 0, or -1 when out of memory: then everything will be
 * compared, and e is freed. */
int finds_add(struct finds *f, struct dir *parent, struct entry *e);

/* What was taken for the new entry e, in parent or added before, is the
 * directory that the index has at `was`: it has been renamed, and the kernel
 * has not got to that yet. e is freed, unless told is set: then it has been
 * told under that name, and makes way. */
void finds_take_over(struct finds *f, struct entry *e, struct dir *parent,
    struct dir *was, bool told);

/* Some entries of d are gone (ENTRY_GONE). */
void finds_lossy(struct finds *f, struct dir *d);

/* Tells it all. since: as for sync_compare(); where it is given, a file that
 * vanished and one that appeared are told as a rename when they are one. */
void finds_tell(struct finds *f, const struct timespec *since);

#endif
