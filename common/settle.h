/*
 * --settle: holds what happens until it has been quiet for a while, then tells
 * the net effect. No I/O, and no clock: the caller says what time it is.
 *
 *	struct settle *s = settle_new(&cfg);
 *	settle_event(s, &ev, now);	... every one, as it happens
 *	settle_due(s)			when settle_run() has something to do
 *	settle_run(s, now, true);
 *	settle_all(s);			at the end
 *	settle_free(s);
 *
 * It has to be handed everything that is shown of created, modified, renamed,
 * deleted, and what else is wanted of closed, complete, attrib, opened and
 * accessed; what has no path (ready, lost) is none of its business. The stream
 * that it tells can be folded as the one that it is handed.
 *
 * What renames or ancestry join is told together: a thing that was made,
 * renamed or removed and all that is held below it; what takes a name and what
 * had it. All of such a group has to be quiet; net.h has the order in which
 * it is told. Memory is bounded by the tree as it was told and as it is: what
 * came and went meanwhile is forgotten at once.
 *
 * Times are milliseconds of a clock that does not go back.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"

struct event;
struct settle;

struct settle_config {
	int64_t quiet; /* so long nothing may happen */
	int64_t most; /* but no longer is anything held */
	struct net_output output;
};

/* cfg is copied. NULL with ENOMEM. */
struct settle *settle_new(const struct settle_config *cfg);
void settle_free(struct settle *s);

/* Takes an event in. Its root and old_root are borrowed for as long as there
 * is a settle; the same pointer is the same root. Returns 0, or -1 with
 * ENOMEM: then nothing right can be told any more. */
int settle_event(struct settle *s, const struct event *ev, int64_t now);

/* When something has to be told; -1: nothing is held. */
int64_t settle_due(const struct settle *s);

/* Tells what is due. Unless calm, more has happened that has not been handed
 * in yet: then only what has been held for as long as may be. Returns 0, or -1
 * with ENOMEM. */
int settle_run(struct settle *s, int64_t now, bool calm);

/* Tells all that is held. */
int settle_all(struct settle *s);

#endif
