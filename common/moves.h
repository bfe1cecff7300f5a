/*
 * A move in the index together with the events that tell it: `renamed`, or,
 * where the filter or the set of events hide one of its names, what there is
 * left to tell; and singly what is below a directory, where that does not go
 * without saying.
 */
#ifndef MOVES_H
#define MOVES_H

#include <stdbool.h>

struct core;
struct dir;
struct entry;
struct event_stat;

/* e is at another name now. What stood there is gone, unless it is a
 * directory that still holds something, which the caller has to take care of.
 * st is that of the new name, or NULL. Returns the entry as it is now, or
 * NULL (out of memory; then both names are in doubt). Directories that the
 * filter now enters or leaves are in doubt as well. */
struct entry *moves_renamed(struct core *c, struct dir *from, struct entry *e,
    struct dir *to, const char *name, const struct event_stat *st);

/* Does a directory that moves from one to the other keep all that is known to
 * be in it, whatever the user's choices? */
bool moves_keep_below(const struct core *c, const struct dir *from,
    const struct dir *to);

/* Two entries have swapped their names. */
void moves_exchanged(struct core *c, struct dir *da, struct entry *a,
    struct dir *db, struct entry *b);

#endif
