/*
 * Compares what is on the disk with the index and tells the difference: the
 * one way in which a first scan, a new directory, a name in doubt, an
 * overflow and a returned root are handled.
 *
 * What the kernel has queued about the very names that are compared would be
 * told twice, or contradict what is told. So a listing is taken after the
 * directory is watched, and then all the kernel has is taken in: a name with
 * hints pending is left to them, since they tell its whole story from the
 * listing on. That is exact, because the kernel queues a change of a directory
 * while it still holds the lock under which it is listed.
 */
#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "changes.h"

struct core;
struct dir;
struct entry;
struct event_stat;

/* A name has appeared in d, with what is below it; what stood there in the
 * index makes way. */
void sync_created(struct core *c, struct dir *d, const char *name,
    const struct event_stat *st, bool link, enum completeness how);

/* Will the kernel still tell of this name in d? */
bool sync_pending(struct core *c, struct dir *d, const char *name);

/* Compares one name in d. Returns false where that is put off, because more is
 * pending about the name: then it is in doubt. */
bool sync_name(struct core *c, struct dir *d, const char *name,
    enum completeness how);

/* Enters the top of a tree that has not been entered, and what is below it,
 * and tells it as created (nothing, while its scope is silent). Returns 0, or
 * -1 with errno when the top itself cannot be listed. */
int sync_enter(struct core *c, struct dir *top, enum completeness how);

/* Compares directories that have been entered before. With deep also those
 * below them. since: the last moment (CLOCK_REALTIME) at which the index is
 * known to have been the truth; files whose change time is not older are told
 * as modified, and what vanished and appeared is joined to a rename where it
 * was born before then. NULL: only names are compared. */
void sync_compare(struct core *c, struct dir *const *dirs, size_t ndirs,
    bool deep, const struct timespec *since);

#endif
