#include "moves.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "changes.h"
#include "core.h"
#include "filter.h"
#include "grow.h"
#include "owed.h"
#include "tell.h"
#include "tree.h"

/* The thing that moves, and what is below it, parents first. */
struct listing {
	struct listed {
		struct dir *dir;
		struct entry *e;
		bool was; /* told under its old name */
		bool is; /* told under its new one */
		bool along; /* moved along with a directory told as renamed */
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
	l->item[l->n++] = (struct listed){.dir = d, .e = e};
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

/* A move under way: names before and after. */
struct move {
	struct core *c;
	const struct scope *from;
	const struct scope *to;
	const char *old_name; /* of the thing that moved */
	const char *new_name;
	struct buf old; /* of something below it, put together */
	struct buf new;
	enum event_type other; /* of what it replaces or is exchanged with */
};

/* The names, before and after, of something that has moved along. */
static int
names_of(struct move *m, const struct listed *l)
{
	const char *rest;

	tree_name(l->dir, l->e->name, l->e->len, &m->new);
	buf_clear(&m->old);
	if (m->new.failed)
		return -1;
	rest = m->new.data + strlen(m->new_name);
	buf_adds(&m->old, m->old_name);
	buf_add(&m->old, rest, strlen(rest) + 1);
	return m->old.failed ? -1 : 0;
}

static void
tell_renamed(struct move *m, const struct listed *l,
    const struct event_stat *st, bool replaced, bool exchanged)
{
	struct event ev = {
	    .kind = EVENT_RENAMED,
	    .type = l->e->type,
	    .root = m->to->path,
	    .root_is_name = m->to->only != NULL,
	    .name = m->new.data,
	    .old_root = m->from->path,
	    .old_root_is_name = m->from->only != NULL,
	    .old_name = m->old.data,
	    .replaced = replaced,
	    .exchanged = exchanged,
	    .other_type = replaced || exchanged ? m->other : EVENT_NOTYPE,
	    .st = st,
	};

	tell_event(m->c, &ev);
}

/* Where `renamed` is not in the set a move is told as deleted, deepest first,
 * and created. */
static bool
tells_renamed(const struct core *c)
{
	return c->settle != NULL || tell_wants(c, EVENT_RENAMED);
}

/* Finds out what of a moved thing (item 0) and of what is below it was told
 * and is told, and what has moved along with a directory told as renamed. */
static int
judge_move(struct move *m, struct listing *l)
{
	struct dir *covered = NULL, *left = NULL;
	struct listed *at;
	size_t i;

	for (i = 0; i < l->n; i++) {
		at = &l->item[i];
		if (covered != NULL && !tree_below(at->dir, covered))
			covered = NULL;
		if (left != NULL && !tree_below(at->dir, left))
			left = NULL;
		if (names_of(m, at) == -1)
			return -1;
		at->was = tell_shows(m->c, m->from, m->old.data, at->e->type);
		/* What is in a directory that is no longer entered is not
		 * known any more, whatever its own name says. */
		at->is = left == NULL &&
		    tell_shows(m->c, m->to, m->new.data, at->e->type);
		at->along = covered != NULL;
		if (covered == NULL && at->was && at->is &&
		    at->e->type == EVENT_DIR && tells_renamed(m->c))
			covered = at->e->dir;
		if (left == NULL && at->e->type == EVENT_DIR &&
		    (at->e->dir->flags & DIR_ENTERED) &&
		    !change_enters(m->c, at->dir, at->e))
			left = at->e->dir;
	}
	return 0;
}

static void
tell_old(struct move *m, const struct listed *at)
{
	if (names_of(m, at) == -1)
		m->c->resync = true;
	else if (at->along)
		/* Where its directory, told as renamed, has taken it. */
		tell_shown(m->c, EVENT_DELETED, m->to, m->new.data, at->e->type,
		    NULL);
	else
		tell_shown(m->c, EVENT_DELETED, m->from, m->old.data,
		    at->e->type, NULL);
}

static void
tell_new(struct move *m, const struct listed *at, const struct event_stat *st,
    bool replaced)
{
	enum event_kind kind = replaced ? EVENT_MODIFIED : EVENT_CREATED;

	if (names_of(m, at) == -1)
		m->c->resync = true;
	else if (at->was && tells_renamed(m->c))
		tell_renamed(m, at, st, replaced, false);
	else
		tell_named(m->c, kind, m->to, m->new.data, at->e->type, st);
	change_complete(m->c, at->dir, at->e, st, COMPLETE_SURE);
}

/* Tells a move that judge_move() has judged. Where `renamed` is told, what is
 * hidden now goes last, since it may hold what has only moved; elsewhere all
 * goes before anything comes. */
static void
tell_move(struct move *m, struct listing *l, const struct event_stat *st,
    bool replaced)
{
	bool renames = tells_renamed(m->c);
	struct event_stat own;
	struct listed *at;
	size_t i;

	for (i = l->n; i > 0 && !renames; i--)
		if (l->item[i - 1].was)
			tell_old(m, &l->item[i - 1]);
	for (i = 0; i < l->n; i++) {
		at = &l->item[i];
		if (!at->is || (at->along && at->was))
			continue;
		if (i > 0)
			st = tell_look(m->c, at->dir, at->e, &own);
		tell_new(m, at, st, replaced && i == 0);
	}
	for (i = l->n; i > 0 && renames; i--)
		if (l->item[i - 1].was && !l->item[i - 1].is)
			tell_old(m, &l->item[i - 1]);
}

/* After a move has been told: directories that are no longer entered lose
 * their content, those that are now are looked at again. */
static void
reenter(struct core *c, struct listing *l)
{
	struct dir *left = NULL;
	struct listed *at;
	size_t i, n = 0;
	bool enters;

	for (i = 0; i < l->n; i++) {
		at = &l->item[i];
		if (at->e->type != EVENT_DIR ||
		    (left != NULL && tree_below(at->dir, left)))
			continue;
		enters = change_enters(c, at->dir, at->e);
		if (enters == ((at->e->dir->flags & DIR_ENTERED) != 0))
			continue;
		if (enters) {
			core_doubt(c, at->dir, at->e->name);
			continue;
		}
		left = at->e->dir;
		l->item[n++].e = at->e;
	}
	while (n > 0) {
		left = l->item[--n].e->dir;
		core_forget_below(c, left, false);
		tree_free_below(left);
		change_leave(c, left);
	}
}

/* What stood at the new name of something that moves makes room for it.
 * Returns whether the move is told as replacing it. */
static bool
make_room(struct core *c, struct move *m, struct dir *d, struct entry *y,
    enum event_type type)
{
	bool was, is, there, replaced;

	if (y == NULL)
		return false;
	m->other = y->type;
	if (y->type == EVENT_DIR && y->dir->count > 0)
		change_gone_below(c, y->dir);
	was = tell_shows(c, m->from, m->old_name, type);
	is = tell_shows(c, m->to, m->new_name, type);
	there = tell_shows(c, m->to, m->new_name, y->type);
	if (was && is && tells_renamed(c))
		/* No rename puts a directory over a file, nor a file over a
		 * directory: between two looks more has happened. */
		replaced =
		    there && (type == EVENT_DIR) == (y->type == EVENT_DIR);
	else
		/* A save by renaming: for whoever sees only the new name the
		 * file has new content. */
		replaced =
		    there && is && type == EVENT_FILE && y->type == EVENT_FILE;
	if (there && !replaced)
		tell_named(c, EVENT_DELETED, m->to, m->new_name, y->type, NULL);
	change_drop(c, d, y);
	return replaced;
}

/* A directory has moved: a pruned one may be among what moved with it, or be
 * at its place now, and claims go by the path. */
static void
move_claims(struct core *c, struct dir *from, struct dir *to)
{
	struct scope *scopes[] = {tree_owner(from), tree_owner(to)};
	size_t i;

	for (i = 0; i < 2; i++)
		if (scopes[i]->npruned > 0)
			core_suspect(c, scopes[i]);
}

bool
moves_keep_below(const struct core *c, const struct dir *from,
    const struct dir *to)
{
	const struct scope *a = core_scope(from), *b = core_scope(to);

	return tells_renamed(c) && b->npruned == 0 && a->silent == b->silent &&
	    !filter_by_name(c->cfg->opt->filter) &&
	    !filter_hides_dirs(c->cfg->opt->filter);
}

struct entry *
moves_renamed(struct core *c, struct dir *from, struct entry *e, struct dir *to,
    const char *name, const struct event_stat *st)
{
	struct buf old = BUF_INIT, new = BUF_INIT;
	struct move m = {.c = c, .old = BUF_INIT, .new = BUF_INIT};
	struct listing l = {0};
	struct entry *moved = NULL;
	bool replaced, deep;

	tree_name(from, e->name, e->len, &old);
	tree_name(to, name, strlen(name), &new);
	if (old.failed || new.failed)
		goto out;
	m.from = core_scope(from);
	m.to = core_scope(to);
	m.old_name = old.data;
	m.new_name = new.data;
	replaced =
	    make_room(c, &m, to, tree_find(to, name, strlen(name)), e->type);
	moved = tree_move(from, e, to, name, strlen(name));
	if (moved == NULL || list_add(&l, to, moved) == -1)
		goto out;
	if (st != NULL &&
	    event_type_of(st->mode) != (enum event_type)moved->type)
		st = NULL;
	/* What is below moves with its directory, unless that is hidden or
	 * the names below it are judged by more than themselves. */
	deep = moved->type == EVENT_DIR && !moves_keep_below(c, from, to);
	if (deep && list_below(&l, moved->dir) == -1)
		c->resync = true;
	if (judge_move(&m, &l) == -1)
		c->resync = true;
	else
		tell_move(&m, &l, st, replaced);
	if (moved->type == EVENT_FILE)
		tell_met_moved(c, from,
		    strrchr(m.old_name, '/') == NULL ?
			m.old_name :
			strrchr(m.old_name, '/') + 1,
		    to, moved->name);
	owed_moved(c, to, moved);
	if (moved->type == EVENT_DIR) {
		move_claims(c, from, to);
		reenter(c, &l);
	}
out:
	if (moved == NULL)
		c->resync = true;
	free(l.item);
	buf_free(&old);
	buf_free(&new);
	buf_free(&m.old);
	buf_free(&m.new);
	return moved;
}

/* A directory that is to be entered is looked at where it is now. */
static void
doubt_unentered(struct core *c, struct dir *d, const struct entry *e)
{
	if (e->type == EVENT_DIR && !(e->dir->flags & DIR_ENTERED) &&
	    change_enters(c, d, e))
		core_doubt(c, d, e->name);
}

void
moves_exchanged(struct core *c, struct dir *da, struct entry *a, struct dir *db,
    struct entry *b)
{
	struct buf na = BUF_INIT, nb = BUF_INIT;
	struct move m = {.c = c, .from = core_scope(da), .to = core_scope(db)};
	struct listed at = {.dir = db, .e = b};
	struct event_stat st;
	enum event_type ta = a->type, tb = b->type;
	bool simple;

	tree_name(da, a->name, a->len, &na);
	tree_name(db, b->name, b->len, &nb);
	if (na.failed || nb.failed) {
		c->resync = true;
		goto out;
	}
	simple = tells_renamed(c) && tell_shows(c, m.from, na.data, ta) &&
	    tell_shows(c, m.from, na.data, tb) &&
	    tell_shows(c, m.to, nb.data, ta) &&
	    tell_shows(c, m.to, nb.data, tb);
	if (ta == EVENT_DIR || tb == EVENT_DIR) {
		move_claims(c, da, db);
		simple = simple && !filter_by_name(c->cfg->opt->filter) &&
		    m.from->npruned == 0 && m.to->npruned == 0;
	}
	if (simple) {
		tree_exchange(da, a, db, b);
		owed_moved(c, da, a);
		owed_moved(c, db, b);
		m.old = na;
		m.new = nb;
		m.other = tb;
		tell_renamed(&m, &at, tell_look(c, db, b, &st), false, true);
		tell_met_moved(c, da, a->name, db, b->name);
		tell_met_moved(c, db, b->name, da, a->name);
		change_complete(c, da, a, NULL, COMPLETE_SURE);
		change_complete(c, db, b, NULL, COMPLETE_SURE);
		doubt_unentered(c, da, a);
		doubt_unentered(c, db, b);
		goto out;
	}
	/* One is hidden under one of the names, or something below is: tell
	 * both as gone and come. */
	if (ta == EVENT_DIR)
		change_gone_below(c, a->dir);
	if (tb == EVENT_DIR)
		change_gone_below(c, b->dir);
	change_tell(c, EVENT_DELETED, da, a->name, ta, NULL);
	change_tell(c, EVENT_DELETED, db, b->name, tb, NULL);
	tree_exchange(da, a, db, b);
	if (a->type == EVENT_DIR)
		change_leave(c, a->dir);
	if (b->type == EVENT_DIR)
		change_leave(c, b->dir);
	change_appeared(c, da, a, COMPLETE_SURE);
	change_appeared(c, db, b, COMPLETE_SURE);
	doubt_unentered(c, da, a);
	doubt_unentered(c, db, b);
out:
	buf_free(&na);
	buf_free(&nb);
}
