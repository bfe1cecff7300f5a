#include "settle.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "grow.h"
#include "things.h"

TAILQ_HEAD(groups, group);

struct settle {
	struct settle_config cfg;
	struct things all;
	struct groups active; /* the quietest first */
	struct groups since; /* what is held for longest first */
	struct thing **stack; /* of a walk */
	size_t n;
	size_t cap;
	int64_t now;
	uint64_t ngroups; /* that there have been */
};

struct settle *
settle_new(const struct settle_config *cfg)
{
	struct settle *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->cfg = *cfg;
	TAILQ_INIT(&s->active);
	TAILQ_INIT(&s->since);
	return s;
}

static void
drop_group(struct settle *s, struct group *g)
{
	TAILQ_REMOVE(&s->active, g, by_active);
	TAILQ_REMOVE(&s->since, g, by_since);
	free(g);
}

void
settle_free(struct settle *s)
{
	struct group *g;

	if (s == NULL)
		return;
	while ((g = TAILQ_FIRST(&s->active)) != NULL)
		drop_group(s, g);
	things_free(&s->all);
	free(s->stack);
	free(s);
}

/* Something happens to t: it is held from now on, and was not quiet. */
static int
hold(struct settle *s, struct thing *t)
{
	struct group *g = t->group;

	if (g != NULL) {
		TAILQ_REMOVE(&s->active, g, by_active);
	} else {
		g = calloc(1, sizeof(*g));
		if (g == NULL)
			return -1;
		TAILQ_INIT(&g->members);
		TAILQ_INSERT_TAIL(&g->members, t, next);
		g->n = 1;
		g->since = s->now;
		g->number = s->ngroups++;
		t->group = g;
		TAILQ_INSERT_TAIL(&s->since, g, by_since);
	}
	g->active = s->now;
	TAILQ_INSERT_TAIL(&s->active, g, by_active);
	return 0;
}

/* a and b, which are both held, are told together. One of them is active. */
static void
join(struct settle *s, struct thing *a, struct thing *b)
{
	struct group *g = a->group, *small = b->group;
	struct thing *t;

	if (g == small)
		return;
	if (small->n > g->n) {
		small = g;
		g = b->group;
	}
	TAILQ_FOREACH(t, &small->members, next)
		t->group = g;
	/* In the order in which it has begun. */
	if (small->number < g->number) {
		TAILQ_CONCAT(&small->members, &g->members, next);
		g->number = small->number;
		TAILQ_SWAP(&small->members, &g->members, thing, next);
	} else {
		TAILQ_CONCAT(&g->members, &small->members, next);
	}
	g->n += small->n;
	if (small->since < g->since) {
		g->since = small->since;
		TAILQ_REMOVE(&s->since, g, by_since);
		TAILQ_INSERT_BEFORE(small, g, by_since);
	}
	g->active = s->now;
	TAILQ_REMOVE(&s->active, g, by_active);
	TAILQ_INSERT_TAIL(&s->active, g, by_active);
	drop_group(s, small);
}

/* Joins t with what it is in and was shifted too. (What t was told to be in is
 * the same as long as it has not been shifted itself.) */
static void
join_above(struct settle *s, struct thing *t)
{
	struct thing *up;

	for (up = t->at[THING_NOW].parent; up != NULL;
	     up = up->at[THING_NOW].parent) {
		if (up->shifted) {
			join(s, t, up);
			return;
		}
	}
}

/* Joins t with what had the name that it has now. */
static void
join_name(struct settle *s, struct thing *t)
{
	const struct place *now = &t->at[THING_NOW];
	struct thing *y;

	y = thing_find(&s->all, THING_TOLD, now->parent, now->name);
	if (y != NULL && y != t && y->group != NULL)
		join(s, t, y);
}

static int
push(struct settle *s, struct thing *t)
{
	struct thing **p;

	p = grow(s->stack, &s->cap, s->n, sizeof(struct thing *));
	if (p == NULL)
		return -1;
	s->stack = p;
	s->stack[s->n++] = t;
	return 0;
}

/* Joins t with what is held below it. What has been shifted has seen to what
 * is below itself. */
static int
join_below(struct settle *s, struct thing *t)
{
	struct thing *in = t, *c;
	enum thing_when when;

	s->n = 0;
	for (;;) {
		for (when = THING_TOLD; when <= THING_NOW; when++) {
			for (c = thing_child(&s->all, when, in); c != NULL;
			     c = thing_next(&s->all, c, when)) {
				if (c->group != NULL)
					join(s, t, c);
				if (!c->shifted && c->nchildren > 0 &&
				    push(s, c) == -1)
					return -1;
			}
		}
		if (s->n == 0)
			return 0;
		in = s->stack[--s->n];
	}
}

/* t, which is held, is being made, removed or renamed. */
static int
shift(struct settle *s, struct thing *t)
{
	if (t->shifted)
		return 0;
	join_above(s, t);
	if (join_below(s, t) == -1)
		return -1;
	t->shifted = true;
	return 0;
}

/* A new thing that is now called name in parent. */
static struct thing *
make(struct settle *s, struct thing *parent, const char *name)
{
	struct thing *t = things_new(&s->all);

	if (t == NULL)
		return NULL;
	if (thing_put(&s->all, t, THING_NOW, parent, name) == -1)
		goto fail;
	/* Where nothing else was told to be, it was told before. */
	if (thing_is(parent, THING_TOLD) &&
	    thing_find(&s->all, THING_TOLD, parent, name) == NULL) {
		if (thing_put(&s->all, t, THING_TOLD, parent, name) == -1)
			goto fail;
		return t;
	}
	if (hold(s, t) == -1)
		goto fail;
	t->shifted = true;
	join_above(s, t);
	join_name(s, t);
	return t;
fail:
	thing_take(&s->all, t, THING_NOW);
	things_prune(&s->all, t);
	return NULL;
}

/* What is called name in parent now. */
static struct thing *
child(struct settle *s, struct thing *parent, const char *name)
{
	struct thing *t = thing_find(&s->all, THING_NOW, parent, name);

	return t != NULL ? t : make(s, parent, name);
}

/* What the last component of a name is in; that goes to leaf. */
static struct thing *
parent_of(struct settle *s, const char *root, bool root_is_name,
    const char *name, char leaf[NAME_MAX + 1])
{
	struct thing *t = things_top(&s->all, root, root_is_name);
	size_t len;

	for (; t != NULL; name += len + 1) {
		len = strcspn(name, "/");
		if (len > NAME_MAX) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		memcpy(leaf, name, len);
		leaf[len] = '\0';
		if (name[len] == '\0')
			break;
		t = child(s, t, leaf);
	}
	return t;
}

/* What an event is about. */
static struct thing *
thing_at(struct settle *s, const char *root, bool root_is_name,
    const char *name, enum event_type type)
{
	char leaf[NAME_MAX + 1];
	struct thing *t = parent_of(s, root, root_is_name, name, leaf);

	if (t != NULL)
		t = child(s, t, leaf);
	if (t == NULL || hold(s, t) == -1)
		return NULL;
	t->named = true;
	t->type = (uint8_t)type;
	return t;
}

/* t is nowhere now. What was never told is forgotten. */
static int
take(struct settle *s, struct thing *t)
{
	struct group *g;

	if (hold(s, t) == -1 || shift(s, t) == -1)
		return -1;
	thing_take(&s->all, t, THING_NOW);
	if (thing_is(t, THING_TOLD))
		return 0;
	g = t->group;
	TAILQ_REMOVE(&g->members, t, next);
	t->group = NULL;
	if (--g->n == 0)
		drop_group(s, g);
	things_prune(&s->all, t);
	return 0;
}

/* t and all below it is gone. */
static int
take_all(struct settle *s, struct thing *t)
{
	struct thing *at = t, *c, *up;
	bool last;

	for (;;) {
		c = thing_child(&s->all, THING_NOW, at);
		if (c != NULL) {
			at = c;
			continue;
		}
		up = at->at[THING_NOW].parent;
		last = at == t;
		up->nchildren++; /* it stays, though it may be empty now */
		if (take(s, at) == -1)
			return -1;
		up->nchildren--;
		if (last) {
			things_prune(&s->all, up);
			return 0;
		}
		at = up;
	}
}

static int
on_created(struct settle *s, const struct event *ev)
{
	char leaf[NAME_MAX + 1];
	struct thing *parent, *t;

	parent = parent_of(s, ev->root, ev->root_is_name, ev->name, leaf);
	if (parent == NULL)
		return -1;
	t = thing_find(&s->all, THING_NOW, parent, leaf);
	parent->nchildren++; /* it stays, whatever goes */
	/* A directory that is not shown has gone without a word. */
	if (t != NULL && take_all(s, t) == -1)
		return -1;
	parent->nchildren--;
	t = things_new(&s->all);
	if (t == NULL)
		return -1;
	if (thing_put(&s->all, t, THING_NOW, parent, leaf) == -1 ||
	    hold(s, t) == -1)
		return -1;
	t->named = t->shifted = true;
	t->type = (uint8_t)ev->type;
	t->real = !ev->synthetic;
	join_above(s, t);
	join_name(s, t);
	return 0;
}

static int
on_deleted(struct settle *s, const struct event *ev)
{
	struct thing *t;

	t = thing_at(s, ev->root, ev->root_is_name, ev->name, ev->type);
	if (t == NULL)
		return -1;
	t->real = t->real || !ev->synthetic;
	return take_all(s, t);
}

static int
on_exchanged(struct settle *s, const struct event *ev)
{
	struct thing *a, *b;

	a = thing_at(s, ev->old_root, ev->old_root_is_name, ev->old_name,
	    ev->type);
	b = thing_at(s, ev->root, ev->root_is_name, ev->name, ev->other_type);
	if (a == NULL || b == NULL || shift(s, a) == -1 || shift(s, b) == -1)
		return -1;
	if (thing_below(a, b, THING_NOW) || thing_below(b, a, THING_NOW))
		return 0;
	join(s, a, b);
	thing_swap(&s->all, a, b, THING_NOW);
	a->real = a->real || !ev->synthetic;
	b->real = b->real || !ev->synthetic;
	a->renamed = b->renamed = true;
	join_above(s, a);
	join_above(s, b);
	join_name(s, a);
	join_name(s, b);
	return 0;
}

static int
on_renamed(struct settle *s, const struct event *ev)
{
	char leaf[NAME_MAX + 1];
	struct thing *t, *parent, *y;

	t = thing_at(s, ev->old_root, ev->old_root_is_name, ev->old_name,
	    ev->type);
	if (t == NULL || shift(s, t) == -1)
		return -1;
	t->real = t->real || !ev->synthetic;
	parent = parent_of(s, ev->root, ev->root_is_name, ev->name, leaf);
	if (parent == NULL)
		return -1;
	y = thing_find(&s->all, THING_NOW, parent, leaf);
	if (y == t || thing_below(parent, t, THING_NOW))
		return 0;
	if (ev->replaced)
		y = thing_at(s, ev->root, ev->root_is_name, ev->name,
		    ev->other_type);
	if (y == NULL && ev->replaced)
		return -1;
	if (ev->replaced)
		y->real = y->real || !ev->synthetic;
	parent->nchildren++; /* it stays, whatever goes */
	if (y != NULL && take_all(s, y) == -1)
		return -1;
	thing_take(&s->all, t, THING_NOW);
	parent->nchildren--;
	if (thing_put(&s->all, t, THING_NOW, parent, leaf) == -1)
		return -1;
	t->renamed = true;
	join_above(s, t);
	join_name(s, t);
	return 0;
}

static int
on_content(struct settle *s, const struct event *ev)
{
	struct thing *t;

	t = thing_at(s, ev->root, ev->root_is_name, ev->name, ev->type);
	if (t == NULL)
		return -1;
	join_above(s, t);
	t->real = t->real || !ev->synthetic;
	t->kinds |= EVENT_BIT(ev->kind);
	/* It is being written again. What was found by comparing has been
	 * judged by itself. */
	if (ev->kind == EVENT_MODIFIED && !ev->synthetic)
		t->kinds &= ~EVENT_BIT(EVENT_COMPLETE);
	return 0;
}

int
settle_event(struct settle *s, const struct event *ev, int64_t now)
{
	s->now = now;
	switch (ev->kind) {
	case EVENT_CREATED:
		return on_created(s, ev);
	case EVENT_DELETED:
		return on_deleted(s, ev);
	case EVENT_RENAMED:
		return ev->exchanged ? on_exchanged(s, ev) : on_renamed(s, ev);
	default:
		return on_content(s, ev);
	}
}

int64_t
settle_due(const struct settle *s)
{
	const struct group *a = TAILQ_FIRST(&s->active);
	const struct group *b = TAILQ_FIRST(&s->since);
	int64_t quiet, most;

	if (a == NULL)
		return -1;
	quiet = a->active + s->cfg.quiet;
	most = b->since + s->cfg.most;
	return quiet < most ? quiet : most;
}

static int
release(struct settle *s, struct group *g)
{
	int ret = net_tell(&s->all, g, &s->cfg.output);

	drop_group(s, g);
	return ret;
}

int
settle_run(struct settle *s, int64_t now, bool calm)
{
	struct group *a, *b;

	s->now = now;
	while ((a = TAILQ_FIRST(&s->active)) != NULL) {
		b = TAILQ_FIRST(&s->since);
		if (!calm || now - a->active < s->cfg.quiet)
			a = now - b->since >= s->cfg.most ? b : NULL;
		if (a == NULL)
			break;
		if (release(s, a) == -1)
			return -1;
	}
	return 0;
}

int
settle_all(struct settle *s)
{
	struct group *g;

	while ((g = TAILQ_FIRST(&s->since)) != NULL)
		if (release(s, g) == -1)
			return -1;
	return 0;
}
