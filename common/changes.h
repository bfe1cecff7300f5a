/*
 * A change to the index together with the events that tell it, so that the
 * stream and the index never part: what comes, changes and goes. (What moves:
 * moves.h.)
 *
 * The callers (hints, sync) say what happened; the kernel's words and the
 * listing of a disk are their business.
 *
 * A directory's entry is told before what is below it where it appears, and
 * after where it goes. Functions that tell more than one event walk trees of
 * any depth without recursion.
 */
#ifndef CHANGES_H
#define CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"
#include "net.h"

struct core;
struct dir;
struct entry;
struct event_stat;

/* What to say about a file's being complete where it appears. */
enum completeness {
	COMPLETE_NOT, /* not yet: its being closed will be told */
	COMPLETE_ASK, /* when the kernel lets us see that nobody writes it */
	COMPLETE_FOUND, /* unless the kernel lets us see that somebody does */
	COMPLETE_LATER, /* the same, after it has been left alone for a while */
	COMPLETE_SURE /* moved or linked in: it is */
};

/* One event about a name in d as it stands in the index; st may be NULL.
 * Nothing where the filter, the set or a silent root are against it. */
void change_tell(struct core *c, enum event_kind kind, struct dir *d,
    const char *name, enum event_type type, const struct event_stat *st);

/* A note about a root (lost, found), or about nothing in particular (quiet,
 * ready, ...; a NULL path). */
void change_note(struct core *c, enum event_kind kind, const char *path);

/* Tells what settle has held, with the stat of e, which is in d, as it is by
 * now; e may be NULL. */
void change_settled(struct core *c, struct event *ev, struct dir *d,
    const struct entry *e);

/* Calls each for all that is in d: see net.h. */
int change_list(struct core *c, struct dir *d, net_each each, void *arg);

/* Tells that e, which is in d already, has appeared, with all below it. */
void change_appeared(struct core *c, struct dir *d, struct entry *e,
    enum completeness how);

/* The same of what is no directory, and was just seen as st. */
void change_made(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st, enum completeness how);

/* Tells `exists` for everything below a top, oldest modification first.
 * Returns 0, or -1 with ENOMEM. */
int change_exists(struct core *c, struct dir *const *tops, size_t ntops);

/* For --rescan: takes down what the files below a top look like, where that is
 * so new that the first comparison could take it for a change. */
void change_meet(struct core *c, struct dir *top);

/* Has this version of a file in d been told, so that it is no news to
 * --rescan? */
bool change_known(struct core *c, const struct dir *d, const char *name,
    const struct event_stat *st);

/* Tells that e is gone, what is below it first, and takes it out of the
 * index: e is freed. */
void change_gone(struct core *c, struct dir *d, struct entry *e);
/* The same for all that is in d. */
void change_gone_below(struct core *c, struct dir *d);

/* Takes e out of the index without a word: it is freed. */
void change_drop(struct core *c, struct dir *d, struct entry *e);

/* The directory d is not what it was: what is known to be in it is told as
 * gone, and nothing is known of it any more. */
void change_unknown(struct core *c, struct dir *d);

/* The directory d, which is without content, is watched no longer; it may be
 * entered anew. */
void change_leave(struct core *c, struct dir *d);

/* A file's content under this name is whole: tells `complete`, as far as how
 * says. st may be NULL. Where nobody tells that a file was closed, it is looked
 * at later again if it is not whole yet (ENTRY_OPEN). */
void change_complete(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st, enum completeness how);

/* Is nobody going to tell that a file in d was closed? */
bool change_closes_untold(const struct dir *d);

/* May the content of the directory e in d be known: is it entered by the
 * user's choices? */
bool change_enters(struct core *c, struct dir *d, const struct entry *e);

#endif
