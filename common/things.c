#include "things.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

static int
compare_pointers(const void *a, const void *b)
{
	return (uintptr_t)a < (uintptr_t)b ? -1 : a != b;
}

static int
compare_places(const struct place *a, const struct place *b)
{
	if (a->when != b->when)
		return a->when < b->when ? -1 : 1;
	if (a->parent != b->parent)
		return compare_pointers(a->parent, b->parent);
	if (a->parent == NULL)
		return compare_pointers(a->name, b->name);
	return strcmp(a->name, b->name);
}

/* Not RB_GENERATE_STATIC: that asks for an __unused which is not everywhere. */
RB_GENERATE_INTERNAL(places, place, link, compare_places,
    static __attribute__((unused)))

static struct thing *
find(const struct things *all, const struct thing *parent, const char *name,
    enum thing_when when)
{
	struct place *p,
	    key = {
		.parent = (struct thing *)(uintptr_t)parent,
		.name = (char *)(uintptr_t)name,
		.when = when,
	    };

	p = RB_FIND(places, (struct places *)(uintptr_t)&all->places, &key);
	return p == NULL ? NULL : p->thing;
}

struct thing *
thing_find(const struct things *all, enum thing_when when,
    const struct thing *parent, const char *name)
{
	return find(all, parent, name, when);
}

struct thing *
thing_child(const struct things *all, enum thing_when when,
    const struct thing *parent)
{
	char none[] = "";
	struct place *p,
	    key = {
		.parent = (struct thing *)(uintptr_t)parent,
		.name = none,
		.when = when,
	    };

	p = RB_NFIND(places, (struct places *)(uintptr_t)&all->places, &key);
	return p != NULL && p->parent == parent && p->when == when ? p->thing :
								     NULL;
}

struct thing *
thing_next(const struct things *all, const struct thing *t,
    enum thing_when when)
{
	const struct place *p = &t->at[when], *next;

	(void)all;
	next = RB_NEXT(places, &all->places, (struct place *)(uintptr_t)p);
	return next != NULL && next->parent == p->parent && next->when == when ?
	    next->thing :
	    NULL;
}

/* Makes a place of t's of one that is described. */
static void
attach(struct things *all, struct thing *t, enum thing_when when,
    struct thing *parent, char *name)
{
	struct place *p = &t->at[when];

	p->thing = t;
	p->parent = parent;
	p->name = name;
	p->when = when;
	if (parent != NULL)
		parent->nchildren++;
	(void)RB_INSERT(places, &all->places, p);
}

/* The reverse. The name is handed back. */
static char *
detach(struct things *all, struct thing *t, enum thing_when when)
{
	struct place *p = &t->at[when];
	char *name = p->name;

	(void)RB_REMOVE(places, &all->places, p);
	if (p->parent != NULL)
		p->parent->nchildren--;
	p->thing = p->parent = NULL;
	p->name = NULL;
	return name;
}

struct thing *
things_new(struct things *all)
{
	struct thing *t = calloc(1, sizeof(*t));

	if (t != NULL)
		all->n++;
	return t;
}

struct thing *
things_top(struct things *all, const char *root, bool root_is_name)
{
	char *name = (char *)(uintptr_t)root;
	struct thing *t = find(all, NULL, root, THING_NOW);

	if (t != NULL)
		return t;
	t = things_new(all);
	if (t == NULL)
		return NULL;
	t->is_root = true;
	t->root_is_name = root_is_name;
	attach(all, t, THING_TOLD, NULL, name);
	attach(all, t, THING_NOW, NULL, name);
	return t;
}

int
thing_put(struct things *all, struct thing *t, enum thing_when when,
    struct thing *parent, const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return -1;
	attach(all, t, when, parent, copy);
	return 0;
}

static void
drop_place(struct things *all, struct thing *t, enum thing_when when)
{
	char *name;

	if (!thing_is(t, when))
		return;
	name = detach(all, t, when);
	if (!t->is_root)
		free(name);
}

void
things_prune(struct things *all, struct thing *t)
{
	struct thing *up;

	while (t != NULL && t->group == NULL && t->nchildren == 0 &&
	    thing_is_settled(t)) {
		up = t->at[THING_NOW].parent;
		drop_place(all, t, THING_TOLD);
		drop_place(all, t, THING_NOW);
		free(t);
		all->n--;
		t = up;
	}
}

void
thing_take(struct things *all, struct thing *t, enum thing_when when)
{
	struct thing *up = t->at[when].parent;

	drop_place(all, t, when);
	things_prune(all, up);
}

void
thing_swap(struct things *all, struct thing *a, struct thing *b,
    enum thing_when when)
{
	struct thing *in_a = a->at[when].parent, *in_b = b->at[when].parent;
	bool was_a = thing_is(a, when), was_b = thing_is(b, when);
	char *name_a = was_a ? detach(all, a, when) : NULL;
	char *name_b = was_b ? detach(all, b, when) : NULL;

	if (was_b)
		attach(all, a, when, in_b, name_b);
	if (was_a)
		attach(all, b, when, in_a, name_a);
}

void
thing_reparent(struct things *all, struct thing *t, enum thing_when when,
    struct thing *parent)
{
	attach(all, t, when, parent, detach(all, t, when));
}

int
thing_settle(struct things *all, struct thing *t)
{
	const struct place *now = &t->at[THING_NOW];

	if (thing_is_settled(t))
		return 0;
	thing_take(all, t, THING_TOLD);
	return now->thing == NULL ?
	    0 :
	    thing_put(all, t, THING_TOLD, now->parent, now->name);
}

bool
thing_is_settled(const struct thing *t)
{
	const struct place *told = &t->at[THING_TOLD];
	const struct place *now = &t->at[THING_NOW];

	if (told->thing == NULL || now->thing == NULL)
		return told->thing == now->thing;
	return told->parent == now->parent &&
	    strcmp(told->name, now->name) == 0;
}

bool
thing_below(const struct thing *t, const struct thing *above,
    enum thing_when when)
{
	for (; t != NULL; t = t->at[when].parent)
		if (t == above)
			return true;
	return false;
}

const struct thing *
thing_root(const struct thing *t, enum thing_when when)
{
	while (!t->is_root)
		t = t->at[when].parent;
	return t;
}

void
thing_path(const struct thing *t, enum thing_when when, struct buf *b)
{
	const struct thing *up;
	size_t len = 0, n;
	char *end;

	buf_clear(b);
	for (up = t; !up->is_root; up = up->at[when].parent)
		len += strlen(up->at[when].name) + 1;
	end = buf_reserve(b, len + 1);
	if (end == NULL)
		return;
	b->len = len == 0 ? 1 : len;
	end += b->len - 1;
	*end = '\0';
	for (up = t; !up->is_root; up = up->at[when].parent) {
		n = strlen(up->at[when].name);
		end -= n;
		memcpy(end, up->at[when].name, n);
		if (!up->at[when].parent->is_root)
			*--end = '/';
	}
}

void
things_free(struct things *all)
{
	struct place *p;
	struct thing *t;

	while ((p = RB_MIN(places, &all->places)) != NULL) {
		(void)RB_REMOVE(places, &all->places, p);
		t = p->thing;
		if (!t->is_root)
			free(p->name);
		p->thing = NULL;
		if (!thing_is(t, THING_TOLD) && !thing_is(t, THING_NOW))
			free(t);
	}
	all->n = 0;
}
