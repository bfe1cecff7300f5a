#include "changes.h"

#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "filter.h"
#include "grow.h"
#include "owed.h"
#include "seen.h"
#include "settle.h"
#include "tell.h"
#include "tree.h"
#include "writers.h"

static const char *
name_of(struct core *c, const struct dir *d, const char *name)
{
	tree_name(d, name, strlen(name), &c->name);
	return c->name.failed ? NULL : c->name.data;
}

bool
change_known(struct core *c, const struct dir *d, const char *name,
    const struct event_stat *st)
{
	if (c->seen == NULL || !seen_has(c->seen, d->dev, d->ino, name, st))
		return false;
	tell_met(c, EVENT_EXISTS, d, name, st); /* and for the next one, too */
	return true;
}

void
change_tell(struct core *c, enum event_kind kind, struct dir *d,
    const char *name, enum event_type type, const struct event_stat *st)
{
	tell_met(c, kind, d, name, st);
	if (!tell_wants(c, kind))
		return;
	name = name_of(c, d, name);
	if (name == NULL)
		c->resync = true;
	else
		tell_named(c, kind, core_scope(d), name, type, st);
}

void
change_note(struct core *c, enum event_kind kind, const char *path)
{
	struct event ev = {.kind = kind, .root = path};

	if (!(c->cfg->opt->events & EVENT_BIT(kind)))
		return;
	/* What comes before it in the stream has happened before it. */
	if (c->settle != NULL && settle_all(c->settle) == -1)
		c->failed = true;
	tell_at_once(c, &ev);
}

void
change_settled(struct core *c, struct event *ev, struct dir *d,
    const struct entry *e)
{
	struct event_stat st;

	if (e != NULL && e->type == (uint8_t)ev->type)
		ev->st = tell_look(c, d, e, &st);
	tell_at_once(c, ev);
}

int
change_list(struct core *c, struct dir *d, net_each each, void *arg)
{
	const struct scope *s = core_scope(d);
	struct entry *e;
	uint32_t pos = 0;
	const char *name;

	while ((e = tree_next(d, &pos)) != NULL) {
		name = name_of(c, d, e->name);
		if (name == NULL ||
		    each(arg, e->name, e->type,
			tell_shows(c, s, name, e->type)) == -1)
			return -1;
	}
	return 0;
}

bool
change_closes_untold(const struct dir *d)
{
	return d->mark != NULL &&
	    (d->mark->side->ops->tells & BACKEND_CLOSED) == 0;
}

static bool
is_complete(struct core *c, struct dir *d, const struct entry *e,
    const struct event_stat *st, enum completeness how)
{
	bool left_alone = how == COMPLETE_LATER;
	int fd, written;

	if (how == COMPLETE_SURE || (st != NULL && st->nlink > 1))
		return true;
	if (how == COMPLETE_NOT || c->closes)
		return false;
	if (change_closes_untold(d))
		how = left_alone ? COMPLETE_FOUND : COMPLETE_ASK;
	/* An empty file that was just made is about to be written. */
	if (how == COMPLETE_ASK && st != NULL && st->size == 0)
		return false;
	/* Asking opens the file, which is not to be told as somebody's. */
	fd = tell_wants(c, EVENT_OPENED) ? -1 : core_dirfd(c, d);
	written = fd == -1 ? -1 : writers_at(fd, e->name);
	/* What was found by looking may have been found while it was made. */
	if (written == -1)
		return core_exact(d) ? how == COMPLETE_FOUND : left_alone;
	if (written == 1)
		return false;
	/* Nobody writes it, so if it was closed just now that has been
	 * queued, and will be told by itself. */
	return core_fill(c) != 1 || !core_closing(c, d, e->name, e->len);
}

void
change_complete(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st, enum completeness how)
{
	const struct scope *s = core_scope(d);
	struct event_stat own;

	if (!tell_wants(c, EVENT_COMPLETE) || e->type != EVENT_FILE ||
	    s->silent)
		return;
	if (is_complete(c, d, e, st, how)) {
		e->flags &= (uint8_t) ~(ENTRY_OPEN | ENTRY_CLOSED);
		if (st == NULL)
			st = tell_look(c, d, e, &own);
		change_tell(c, EVENT_COMPLETE, d, e->name, e->type, st);
	} else if (d->mark != NULL && !core_exact(d) &&
	    !(e->flags & ENTRY_OPEN)) {
		e->flags |= ENTRY_OPEN;
		core_later(c, d, e->name);
	}
}

/* seen: what is there, where that is known; else it is looked at. */
static void
appeared(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *seen, enum completeness how)
{
	struct event_stat st;

	if (core_scope(d)->silent)
		return;
	if (seen == NULL)
		seen = tell_look(c, d, e, &st);
	change_tell(c, EVENT_CREATED, d, e->name, e->type, seen);
	/* Where nobody tells that it was made, nobody tells that it was
	 * written since. */
	if (seen != NULL && seen->size > 0 && e->type == EVENT_FILE &&
	    (d->flags & DIR_STATS) && !tell_wants(c, EVENT_CREATED))
		change_tell(c, EVENT_MODIFIED, d, e->name, e->type, seen);
	if (seen != NULL)
		change_complete(c, d, e, seen, how);
}

void
change_made(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st, enum completeness how)
{
	appeared(c, d, e, st, how);
}

void
change_appeared(struct core *c, struct dir *d, struct entry *e,
    enum completeness how)
{
	struct walk w;
	struct entry *below;
	bool was = c->synthetic;

	appeared(c, d, e, NULL, how);
	if (e->type != EVENT_DIR)
		return;
	c->synthetic = true; /* what is below was found by listing */
	w = (struct walk)WALK(e->dir);
	while ((below = tree_walk(&w)) != NULL)
		appeared(c, w.in, below, NULL, how);
	c->synthetic = was;
}

/* Everything below some directories, parents first. */
struct listing {
	struct listed {
		struct dir *dir;
		struct entry *e;
		struct timespec mtime;
	} * item;
	size_t n;
	size_t cap;
};

static int
list_add(struct listing *l, struct dir *d, struct entry *e)
{
	struct listed *p;

	p = grow(l->item, &l->cap, l->n, sizeof(*p));
	if (p == NULL)
		return -1;
	l->item = p;
	memset(&l->item[l->n], 0, sizeof(*l->item));
	l->item[l->n].dir = d;
	l->item[l->n].e = e;
	l->n++;
	return 0;
}

static int
list_below(struct listing *l, struct dir *d)
{
	struct walk w = WALK(d);
	struct entry *e;

	while ((e = tree_walk(&w)) != NULL)
		if (list_add(l, w.in, e) == -1)
			return -1;
	return 0;
}

static int
by_mtime(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->mtime.tv_sec != y->mtime.tv_sec)
		return x->mtime.tv_sec < y->mtime.tv_sec ? -1 : 1;
	if (x->mtime.tv_nsec != y->mtime.tv_nsec)
		return x->mtime.tv_nsec < y->mtime.tv_nsec ? -1 : 1;
	return strcmp(x->e->name, y->e->name);
}

int
change_exists(struct core *c, struct dir *const *tops, size_t ntops)
{
	struct listing l = {0};
	struct event_stat st;
	const struct event_stat *seen;
	size_t i;
	int ret = -1;

	for (i = 0; i < ntops; i++)
		if (list_below(&l, tops[i]) == -1)
			goto out;
	for (i = 0; i < l.n; i++)
		if (tell_look(c, l.item[i].dir, l.item[i].e, &st) != NULL)
			l.item[i].mtime = st.mtime;
	if (l.n > 0)
		qsort(l.item, l.n, sizeof(*l.item), by_mtime);
	for (i = 0; i < l.n; i++) {
		seen = tell_look(c, l.item[i].dir, l.item[i].e, &st);
		change_tell(c, EVENT_EXISTS, l.item[i].dir, l.item[i].e->name,
		    l.item[i].e->type, seen);
	}
	ret = 0;
out:
	free(l.item);
	return ret;
}

void
change_meet(struct core *c, struct dir *top)
{
	struct walk w = WALK(top);
	struct event_stat st;
	struct entry *e;

	while (c->seen != NULL && (e = tree_walk(&w)) != NULL)
		if (e->type == EVENT_FILE && tell_look(c, w.in, e, &st) != NULL)
			tell_met(c, EVENT_EXISTS, w.in, e->name, &st);
}

static void
tell_gone_below(struct core *c, struct dir *d)
{
	struct listing l = {0};
	size_t i;

	if (core_scope(d)->silent || !tell_wants(c, EVENT_DELETED))
		return;
	if (list_below(&l, d) == -1)
		c->resync = true;
	for (i = l.n; i > 0; i--)
		change_tell(c, EVENT_DELETED, l.item[i - 1].dir,
		    l.item[i - 1].e->name, l.item[i - 1].e->type, NULL);
	free(l.item);
}

void
change_gone_below(struct core *c, struct dir *d)
{
	tell_gone_below(c, d);
	core_forget_below(c, d, false);
	tree_free_below(d);
}

void
change_drop(struct core *c, struct dir *d, struct entry *e)
{
	core_forget(c, e);
	tree_unlink(d, e);
	tree_free(e);
}

void
change_gone(struct core *c, struct dir *d, struct entry *e)
{
	if (e->type == EVENT_DIR)
		tell_gone_below(c, e->dir);
	change_tell(c, EVENT_DELETED, d, e->name, e->type, NULL);
	change_drop(c, d, e);
}

bool
change_enters(struct core *c, struct dir *d, const struct entry *e)
{
	const struct scope *s = core_scope(d);
	const char *name;

	if (c->cfg->opt->depth <= 1 || s->only != NULL)
		return false;
	name = name_of(c, d, e->name);
	if (name == NULL)
		return true;
	if (s->npruned > 0 && tell_pruned(s, name))
		return false;
	return filter_enters(c->cfg->opt->filter, name, tree_level(d));
}

void
change_leave(struct core *c, struct dir *d)
{
	core_detach(c, d);
	d->flags &= ~DIR_ENTERED;
}

void
change_unknown(struct core *c, struct dir *d)
{
	change_gone_below(c, d);
	change_leave(c, d);
	core_forget_fds(c, d);
	d->dev = 0;
	d->ino = 0;
}
