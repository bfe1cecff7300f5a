/*
 * What settle holds: two sparse trees over the same things. A thing has a
 * place (a thing above it, and a name in that) where it was last told to be,
 * and one where it is now; it lacks the one when it was created since, and the
 * other when it is gone. Because a place is relative to a thing, what is below
 * a directory goes along with it, told or not.
 *
 * There are things only for what is held, and for the directories on the way
 * to that. All else is where it was told to be.
 *
 *	struct thing *top = things_top(&all, "inbox", false);
 *	t = things_new(&all);
 *	thing_put(&all, t, THING_NOW, top, "a");
 *	thing_find(&all, THING_NOW, top, "a")		t
 *	thing_path(t, THING_NOW, &buf)			"a"
 *	thing_settle(&all, t)				told where it is now
 *	things_prune(&all, t)				freed with its way
 */
#ifndef THINGS_H
#define THINGS_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct buf;

enum thing_when { THING_TOLD, THING_NOW };

struct place {
	RB_ENTRY(place) link;
	struct thing *thing; /* whose it is; NULL: it has none */
	struct thing *parent; /* NULL for a top */
	char *name;
	enum thing_when when;
};

struct thing {
	struct place at[2];
	size_t nchildren; /* in either tree */

	struct group *group; /* NULL: nothing has happened to it */
	TAILQ_ENTRY(thing) next; /* of the group */

	unsigned kinds; /* EVENT_BIT of what has happened to it */
	uint8_t type; /* enum event_type, once it is named */
	uint8_t state; /* net.c */
	bool is_root; /* a top: its name is the root's path, and borrowed */
	bool root_is_name;
	bool named; /* by an event: else it is hidden, or only on the way */
	bool shifted; /* made, removed or renamed */
	bool renamed; /* to the name it has now */
	bool real; /* the kernel told of it */
	bool was; /* net.c: it had been told before */
	bool moved; /* net.c: under another name */
};

/* Things that are told together. */
struct group {
	TAILQ_HEAD(members, thing) members;
	size_t n;
	TAILQ_ENTRY(group) by_active;
	TAILQ_ENTRY(group) by_since;
	uint64_t number; /* in the order in which they began */
	int64_t active; /* something happened last */
	int64_t since; /* the first thing is held since */
};

RB_HEAD(places, place);

struct things {
	struct places places;
	size_t n;
};

#define THINGS_INIT                  \
	{                            \
		RB_INITIALIZER(0), 0 \
	}

/* The top of a root's trees, made where it is not there. root is borrowed for
 * as long as there are things; the same pointer is the same root. NULL with
 * ENOMEM. */
struct thing *things_top(struct things *all, const char *root,
    bool root_is_name);

/* A thing without a place. NULL with ENOMEM. */
struct thing *things_new(struct things *all);

/* Frees a thing that nothing holds (no group) and nothing is in, if it has no
 * place, or the same in both trees; then what led to it, likewise. */
void things_prune(struct things *all, struct thing *t);

/* Frees all that have a place. */
void things_free(struct things *all);

static inline bool
thing_is(const struct thing *t, enum thing_when when)
{
	return t->at[when].thing != NULL;
}

/* What has this name in parent, or NULL. */
struct thing *thing_find(const struct things *all, enum thing_when when,
    const struct thing *parent, const char *name);

/* The first of what is in parent, or NULL. */
struct thing *thing_child(const struct things *all, enum thing_when when,
    const struct thing *parent);
/* What comes behind t, in the same parent, or NULL. */
struct thing *thing_next(const struct things *all, const struct thing *t,
    enum thing_when when);

/* Gives t, which has none, a place that is free. Returns 0, or -1 with
 * ENOMEM. */
int thing_put(struct things *all, struct thing *t, enum thing_when when,
    struct thing *parent, const char *name);

/* Takes its place from t, if it has one; what led only there is freed. */
void thing_take(struct things *all, struct thing *t, enum thing_when when);

/* a and b, one of which may have none, swap their places in one tree. */
void thing_swap(struct things *all, struct thing *a, struct thing *b,
    enum thing_when when);

/* Moves t to another parent, under the same name, which is free. */
void thing_reparent(struct things *all, struct thing *t, enum thing_when when,
    struct thing *parent);

/* It is told where it is now, if anywhere; nothing else may be told to be
 * there. Returns 0, or -1 with ENOMEM. */
int thing_settle(struct things *all, struct thing *t);

/* Is it told to be where it is, in what it is in? */
bool thing_is_settled(const struct thing *t);

/* Is t, in that tree, `above` or below it? */
bool thing_below(const struct thing *t, const struct thing *above,
    enum thing_when when);

/* The top that t is in. */
const struct thing *thing_root(const struct thing *t, enum thing_when when);

/* Sets b to the name of t below its root, NUL-terminated. */
void thing_path(const struct thing *t, enum thing_when when, struct buf *b);

#endif
