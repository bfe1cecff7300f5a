#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "grow.h"
#include "things.h"

/* How far the telling of a thing has come. */
enum { NEW, BUSY, DONE };

struct net {
	struct things *all;
	struct group *g;
	const struct net_output *out;
	struct thing **stack; /* each waits for the one above it */
	size_t n;
	size_t cap;
	struct buf old;
	struct buf new;
	struct buf place;
	bool visiting;
	bool failed;
};

static bool
is_made(const struct thing *t)
{
	return !thing_is(t, THING_TOLD) && thing_is(t, THING_NOW);
}

static bool
is_gone(const struct thing *t)
{
	return thing_is(t, THING_TOLD) && !thing_is(t, THING_NOW);
}

static bool
is_moved(const struct thing *t)
{
	return thing_is(t, THING_TOLD) && thing_is(t, THING_NOW) &&
	    !thing_is_settled(t);
}

static void
add(struct net *net, struct thing *t)
{
	t->group = net->g;
	TAILQ_INSERT_TAIL(&net->g->members, t, next);
	net->g->n++;
}

static void
remove_member(struct thing *t)
{
	TAILQ_REMOVE(&t->group->members, t, next);
	t->group->n--;
}

static void
set_root(const struct thing *t, enum thing_when when, const char **root,
    bool *is_name)
{
	const struct thing *top = thing_root(t, when);

	*root = top->at[when].name;
	*is_name = top->root_is_name;
}

/* Tells something of t, which is told to be where it is now; the old name, of
 * a rename, is in ev and in net->old. */
static void
tell(struct net *net, const struct thing *t, struct event *ev)
{
	const char *root = NULL;
	bool is_name;

	if (!t->named || !(net->out->kinds & EVENT_BIT(ev->kind)))
		return;
	ev->type = t->type;
	ev->synthetic = !t->real;
	set_root(t, THING_TOLD, &ev->root, &ev->root_is_name);
	thing_path(t, THING_TOLD, &net->new);
	buf_clear(&net->place);
	if (thing_is(t, THING_NOW)) {
		set_root(t, THING_NOW, &root, &is_name);
		thing_path(t, THING_NOW, &net->place);
	}
	if (net->old.failed || net->new.failed || net->place.failed) {
		net->failed = true;
		return;
	}
	ev->name = net->new.data;
	if (ev->old_root != NULL)
		ev->old_name = net->old.data;
	net->out->tell(net->out->ctx, ev, root,
	    root == NULL ? NULL : net->place.data);
}

static void
settle(struct net *net, struct thing *t)
{
	if (thing_settle(net->all, t) == -1)
		net->failed = true;
}

/* Tells that a thing is now where it is. What stood there is gone, but for
 * something that it replaces. */
static void
tell_placed(struct net *net, struct thing *t)
{
	struct event ev = {.kind = EVENT_CREATED};
	struct thing *y;

	if (is_gone(t)) {
		ev.kind = EVENT_DELETED;
		tell(net, t, &ev);
	} else if (is_moved(t)) {
		ev.kind = EVENT_RENAMED;
		set_root(t, THING_TOLD, &ev.old_root, &ev.old_root_is_name);
		thing_path(t, THING_TOLD, &net->old);
		y = thing_find(net->all, THING_TOLD, t->at[THING_NOW].parent,
		    t->at[THING_NOW].name);
		if (y != NULL) {
			ev.replaced = y->named;
			thing_take(net->all, y, THING_TOLD);
			y->state = DONE;
		}
	}
	settle(net, t);
	if (ev.kind != EVENT_DELETED && !net->failed)
		tell(net, t, &ev);
	t->state = DONE;
}

static void
tell_exchanged(struct net *net, struct thing *t, struct thing *other)
{
	struct event ev = {.kind = EVENT_RENAMED, .exchanged = true};

	set_root(t, THING_TOLD, &ev.old_root, &ev.old_root_is_name);
	thing_path(t, THING_TOLD, &net->old);
	thing_swap(net->all, t, other, THING_TOLD);
	tell(net, t, &ev);
	t->state = DONE;
}

/* A file that was made takes the name of another one: told as modified. What
 * had the name is the new one, under whatever name it has now. */
static void
save(struct net *net, struct thing *t)
{
	struct thing *y;
	unsigned kinds;
	bool flag;

	while (is_made(t) && t->named && t->type == EVENT_FILE) {
		y = thing_find(net->all, THING_TOLD, t->at[THING_NOW].parent,
		    t->at[THING_NOW].name);
		/* A backup is made by renaming, and the new file as well; a
		 * log that is rotated has no successor renamed to it. */
		if (y == NULL || y->group != net->g || !y->named ||
		    y->type != EVENT_FILE || y->state == DONE ||
		    (thing_is(y, THING_NOW) && !t->renamed))
			return;
		thing_swap(net->all, t, y, THING_NOW);
		kinds = t->kinds | EVENT_BIT(EVENT_MODIFIED);
		t->kinds = y->kinds;
		y->kinds = kinds;
		flag = t->real;
		t->real = y->real;
		y->real = flag;
		flag = t->renamed;
		t->renamed = y->renamed;
		y->renamed = flag;
	}
}

struct splitting {
	struct net *net;
	struct thing *from;
	struct thing *to;
};

static int
split_child(void *arg, const char *name, enum event_type type, bool shown)
{
	struct splitting *s = arg;
	struct things *all = s->net->all;
	struct thing *t = thing_find(all, THING_NOW, s->from, name);

	if (!shown && type != EVENT_DIR)
		return 0;
	if (t == NULL) {
		t = things_new(all);
		if (t == NULL)
			return -1;
		if (thing_put(all, t, THING_TOLD, s->from, name) == -1 ||
		    thing_put(all, t, THING_NOW, s->from, name) == -1) {
			thing_take(all, t, THING_TOLD);
			things_prune(all, t);
			return -1;
		}
	}
	if (t->group == NULL)
		add(s->net, t);
	if (shown && !t->named) {
		t->named = true;
		t->type = (uint8_t)type;
		t->real = s->from->real;
	}
	return 0;
}

/* A thing that has moved is told as deleted and created: what it was keeps the
 * place where it was told to be, what it is now gets another thing. What is
 * directly in it moves from the one to the other. */
static void
split(struct net *net, struct thing *t)
{
	struct splitting s = {net, t, NULL};
	const char *root;
	struct thing *c;
	bool is_name;

	s.to = things_new(net->all);
	if (s.to == NULL) {
		net->failed = true;
		return;
	}
	add(net, s.to);
	if (t->type != EVENT_FILE) {
		set_root(t, THING_NOW, &root, &is_name);
		thing_path(t, THING_NOW, &net->place);
		if (net->place.failed ||
		    ((t->type == EVENT_DIR || !t->named) &&
			net->out->list(net->out->ctx, root, net->place.data,
			    split_child, &s) == -1))
			net->failed = true;
	}
	s.to->type = t->type;
	s.to->named = t->named;
	s.to->real = t->real;
	s.to->renamed = t->renamed;
	s.to->kinds = t->kinds;
	t->kinds = 0;
	if (t->type == EVENT_FILE)
		s.to->kinds |= EVENT_BIT(EVENT_COMPLETE);
	thing_swap(net->all, t, s.to, THING_NOW);
	while ((c = thing_child(net->all, THING_NOW, t)) != NULL) {
		/* It has moved by that: the walk has to come to it yet. */
		if (c->group != NULL && !net->visiting)
			remove_member(c);
		if (c->group == NULL || !net->visiting)
			add(net, c);
		if (c->state == DONE) /* it had gone ahead */
			c->state = NEW;
		thing_reparent(net->all, c, THING_NOW, s.to);
	}
}

static bool
is_unsettled(const struct net *net, const struct thing *t)
{
	return t->group == net->g && t->state != DONE && !thing_is_settled(t);
}

/* What has to be told before t. NULL: nothing; a busy one: it waits for t. */
static struct thing *
blocker(const struct net *net, const struct thing *t)
{
	const struct place *now = &t->at[THING_NOW];
	struct thing *up, *y, *busy = NULL;

	if (!thing_is(t, THING_NOW))
		return thing_child(net->all, THING_TOLD, t);
	for (up = now->parent; up != NULL; up = up->at[THING_NOW].parent) {
		if (!is_unsettled(net, up))
			continue;
		if (up->state != BUSY || !thing_is(up, THING_TOLD))
			return up;
		busy = up;
	}
	/* Into something that has yet to move itself: fine, unless that would
	 * be below t. */
	if (busy != NULL && thing_is(t, THING_TOLD) &&
	    thing_below(now->parent, t, THING_TOLD))
		return busy;
	y = thing_find(net->all, THING_TOLD, now->parent, now->name);
	if (y == t || y == NULL)
		return NULL;
	if (is_gone(y) && thing_is(t, THING_TOLD) && y->type != EVENT_DIR &&
	    t->type != EVENT_DIR && y->named && t->named)
		return NULL; /* it is replaced */
	return y;
}

static bool
can_exchange(const struct net *net, const struct thing *t,
    const struct thing *other)
{
	const struct place *now = &t->at[THING_NOW];

	return is_moved(t) && thing_is(other, THING_NOW) && t->named &&
	    other->named &&
	    thing_find(net->all, THING_TOLD, now->parent, now->name) == other &&
	    !thing_below(t, other, THING_TOLD) &&
	    !thing_below(other, t, THING_TOLD);
}

/* Breaks a ring, from `first` to the top of the stack. What waits only for a
 * directory to be in its place goes there at once; else something is split
 * that can be told as deleted and created, a file if there is one. Then all of
 * the stack has to be thought over. */
static void
break_ring(struct net *net, const struct thing *first)
{
	struct thing *best = NULL, *t;
	size_t i;

	for (i = net->n; i > 0; i--) {
		t = net->stack[i - 1];
		if (blocker(net, t) == NULL) {
			tell_placed(net, t);
			goto out;
		}
		if (is_moved(t) &&
		    (best == NULL ||
			(best->type == EVENT_DIR && t->type != EVENT_DIR)))
			best = t;
		if (t == first)
			break;
	}
	if (best == NULL)
		net->failed = true; /* cannot be: only moves make rings */
	else
		split(net, best);
out:
	while (net->n > 1)
		if (net->stack[--net->n]->state == BUSY)
			net->stack[net->n]->state = NEW;
}

static void
push(struct net *net, struct thing *t)
{
	struct thing **p;

	p = grow(net->stack, &net->cap, net->n, sizeof(struct thing *));
	if (p == NULL) {
		net->failed = true;
		return;
	}
	net->stack = p;
	net->stack[net->n++] = t;
}

/* Tells t and, before it, whatever has to be. */
static void
visit(struct net *net, struct thing *t)
{
	struct thing *before;

	push(net, t);
	while (net->n > 0 && !net->failed) {
		t = net->stack[net->n - 1];
		save(net, t);
		/* What is hidden cannot take along what is in it. */
		if (!t->named && is_moved(t))
			split(net, t);
		if (t->state == DONE || thing_is_settled(t)) {
			t->state = DONE;
			net->n--;
			continue;
		}
		t->state = BUSY;
		before = blocker(net, t);
		if (before == NULL) {
			tell_placed(net, t);
			net->n--;
		} else if (before->state != BUSY) {
			push(net, before);
		} else if (can_exchange(net, t, before)) {
			tell_exchanged(net, t, before);
			net->n--;
		} else {
			break_ring(net, before);
		}
	}
}

/* Tells what else has happened to a thing that is in place. */
static void
tell_content(struct net *net, const struct thing *t)
{
	static const struct {
		enum event_kind kind;
		bool old_only; /* a new thing's being created says it */
	} order[] = {
	    {EVENT_OPENED, false},
	    {EVENT_ACCESSED, false},
	    {EVENT_MODIFIED, true},
	    {EVENT_ATTRIB, true},
	    {EVENT_CLOSED, false},
	    {EVENT_COMPLETE, false},
	};
	struct event ev = {0};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(t->kinds & EVENT_BIT(order[i].kind)) ||
		    (order[i].old_only && !t->was))
			continue;
		/* Renamed there and back: nothing new to be had. */
		if (order[i].kind == EVENT_COMPLETE && t->was && t->renamed &&
		    !t->moved && !(t->kinds & EVENT_BIT(EVENT_MODIFIED)))
			continue;
		ev.kind = order[i].kind;
		tell(net, t, &ev);
	}
}

int
net_tell(struct things *all, struct group *g, const struct net_output *out)
{
	struct net net = {.all = all, .g = g, .out = out};
	bool renames = (out->kinds & EVENT_BIT(EVENT_RENAMED)) != 0;
	struct thing *t;

	/* The lists grow while things are split. */
	TAILQ_FOREACH(t, &g->members, next) {
		t->was = thing_is(t, THING_TOLD);
		t->moved = is_moved(t);
		t->state = NEW;
		if (!renames && is_moved(t) && !net.failed)
			split(&net, t);
	}
	TAILQ_FOREACH(t, &g->members, next)
		if (!net.failed)
			save(&net, t);
	net.visiting = true;
	TAILQ_FOREACH(t, &g->members, next)
		if (!net.failed)
			visit(&net, t);
	TAILQ_FOREACH(t, &g->members, next)
		if (thing_is(t, THING_NOW) && t->kinds != 0 && !net.failed)
			tell_content(&net, t);
	while ((t = TAILQ_FIRST(&g->members)) != NULL) {
		TAILQ_REMOVE(&g->members, t, next);
		settle(&net, t);
		t->group = NULL;
		t->kinds = 0;
		t->shifted = t->renamed = t->real = t->was = t->moved = false;
		things_prune(all, t);
	}
	g->n = 0;
	free(net.stack);
	buf_free(&net.old);
	buf_free(&net.new);
	buf_free(&net.place);
	if (net.failed)
		errno = ENOMEM;
	return net.failed ? -1 : 0;
}
