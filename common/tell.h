/*
 * Whether something is told, by the filter and the set of events, and the way
 * of what is: with --settle it is held, with --rescan what it says is
 * remembered. For changes and moves, which know what has happened to the
 * index.
 *
 *	if (tell_shows(c, scope, "a/b", EVENT_FILE))
 *		tell_shown(c, EVENT_CREATED, scope, "a/b", EVENT_FILE, &st);
 *
 * Names are those below the top of a scope.
 */
#ifndef TELL_H
#define TELL_H

#include <stdbool.h>

#include "event.h"

struct core;
struct dir;
struct entry;
struct event_stat;
struct scope;

/* Is anything made of events of this kind? */
bool tell_wants(const struct core *c, enum event_kind kind);

/* Is the name that of a directory that is left out (--prune)? */
bool tell_pruned(const struct scope *s, const char *name);

/* Is this name told at all? */
bool tell_shows(const struct core *c, const struct scope *s, const char *name,
    enum event_type type);

/* Tells something that is known to be shown; st may be NULL, or of something
 * of another type, which is not passed on. */
void tell_shown(struct core *c, enum event_kind kind, const struct scope *s,
    const char *name, enum event_type type, const struct event_stat *st);

/* The same where it is wanted and shown. */
void tell_named(struct core *c, enum event_kind kind, const struct scope *s,
    const char *name, enum event_type type, const struct event_stat *st);

/* An event that is wanted and shown: to settle, if that holds it. Borrowed. */
void tell_event(struct core *c, struct event *ev);

/* An event that is not held (any more), if it is in the set. Borrowed. */
void tell_at_once(struct core *c, struct event *ev);

/* For --rescan: something is told of a file in d that looks like this, which
 * says what its content is, or only that its inode has changed. */
void tell_met(struct core *c, enum event_kind kind, const struct dir *d,
    const char *name, const struct event_stat *st);

/* The same of one that has been renamed. */
void tell_met_moved(struct core *c, const struct dir *from, const char *name,
    struct dir *to, const char *new_name);

/* What is there under the name of an entry of d, in *st, if it is of the
 * entry's kind; else NULL. */
const struct event_stat *tell_look(struct core *c, struct dir *d,
    const struct entry *e, struct event_stat *st);

#endif
