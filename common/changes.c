#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "filter.h"
#include "grow.h"
#include "monotonic.h"
#include "owed.h"
#include "seen.h"
#include "settle.h"
#include "statat.h"
#include "tree.h"
#include "writers.h"

static bool
wants(const struct core *c, enum event_kind kind)
{
	unsigned set = c->cfg->opt->events;

	/* `quiet` follows whatever would be told by default, and a net effect
	 * comes of that too. */
	if ((set & EVENT_BIT(EVENT_QUIET)) || c->settle != NULL)
		set |= EVENT_DEFAULT;
	return (set & EVENT_BIT(kind)) != 0;
}

static bool
is_pruned(const struct scope *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->npruned; i++)
		if (strcmp(s->pruned[i], name) == 0)
			return true;
	return false;
}

/* Is this name, below the top of the scope, told at all? */
static bool
shows(const struct core *c, const struct scope *s, const char *name,
    enum event_type type)
{
	if (s->silent || (s->only != NULL && strcmp(s->only, name) != 0))
		return false;
	if (s->npruned > 0 && is_pruned(s, name))
		return false;
	return filter_shows(c->cfg->opt->filter, name, type);
}

static void
pass(struct core *c, struct event *ev)
{
	if (!(c->cfg->opt->events & EVENT_BIT(ev->kind)))
		return;
	ev->time = c->now;
	c->nevents++;
	c->cfg->event(c->cfg->ctx, ev);
}

static void
hand_on(struct core *c, struct event *ev)
{
	c->stirred = true;
	ev->synthetic = c->synthetic;
	if (c->settle == NULL || ev->kind == EVENT_EXISTS)
		pass(c, ev);
	else if (settle_event(c->settle, ev, monotonic_ms()) == -1)
		c->failed = true;
}

/* Tells something that is known to be shown. */
static void
tell_shown(struct core *c, enum event_kind kind, const struct scope *s,
    const char *name, enum event_type type, const struct event_stat *st)
{
	struct event ev = {
	    .kind = kind,
	    .type = type,
	    .root = s->path,
	    .root_is_name = s->only != NULL,
	    .name = name,
	};

	if (st != NULL && event_type_of(st->mode) == type)
		ev.st = st;
	if (wants(c, kind))
		hand_on(c, &ev);
}

static void
tell(struct core *c, enum event_kind kind, const struct scope *s,
    const char *name, enum event_type type, const struct event_stat *st)
{
	if (wants(c, kind) && shows(c, s, name, type))
		tell_shown(c, kind, s, name, type, st);
}
static const char *
name_of(struct core *c, const struct dir *d, const char *name)
{
	tree_name(d, name, strlen(name), &c->name);
	return c->name.failed ? NULL : c->name.data;
}

static bool
is_older(const struct timespec *ts, const struct timespec *than)
{
	return ts->tv_sec < than->tv_sec ||
	    (ts->tv_sec == than->tv_sec && ts->tv_nsec < than->tv_nsec);
}

/* Has the content been told, or is it that of the last comparison? */
static bool
knows_content(const struct core *c, const struct dir *d, const char *name,
    const struct event_stat *st)
{
	return is_older(&st->mtime, &c->compared) ||
	    seen_content(c->seen, d->dev, d->ino, name, st);
}

/* For --rescan: something is told of a file that looks like this, which says
 * what its content is, or only that its inode has changed. */
static void
meet(struct core *c, enum event_kind kind, const struct dir *d,
    const char *name, const struct event_stat *st)
{
	if (c->seen == NULL || st == NULL || !S_ISREG(st->mode) ||
	    is_older(&st->ctime, &c->compared) || kind == EVENT_OPENED ||
	    kind == EVENT_ACCESSED)
		return;
	if (kind != EVENT_ATTRIB || knows_content(c, d, name, st))
		seen_add(c->seen, d->dev, d->ino, name, st);
}

/* The same of one that has been renamed. */
static void
meet_moved(struct core *c, const struct dir *from, const char *name,
    struct dir *to, const char *new_name)
{
	struct event_stat st;
	int fd;

	if (c->seen == NULL)
		return;
	fd = core_dirfd(c, to);
	if (fd != -1 && stat_at(fd, new_name, false, &st) == 0 &&
	    S_ISREG(st.mode) && knows_content(c, from, name, &st))
		seen_add(c->seen, to->dev, to->ino, new_name, &st);
}

bool
change_known(struct core *c, const struct dir *d, const char *name,
    const struct event_stat *st)
{
	if (c->seen == NULL || !seen_has(c->seen, d->dev, d->ino, name, st))
		return false;
	meet(c, EVENT_EXISTS, d, name, st); /* and for the next one, too */
	return true;
}

void
change_tell(struct core *c, enum event_kind kind, struct dir *d,
    const char *name, enum event_type type, const struct event_stat *st)
{
	meet(c, kind, d, name, st);
	if (!wants(c, kind))
		return;
	name = name_of(c, d, name);
	if (name == NULL)
		c->resync = true;
	else
		tell(c, kind, core_scope(d), name, type, st);
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
	pass(c, &ev);
}

/* What is there under the name of an entry, if it is of the entry's kind. */
static const struct event_stat *
look_at(struct core *c, struct dir *d, const struct entry *e,
    struct event_stat *st)
{
	bool follow;
	int fd;

	fd = core_dirfd(c, d);
	if (fd == -1)
		return NULL;
	follow = e->type == EVENT_DIR && (e->dir->flags & DIR_LINK);
	if (stat_at(fd, e->name, follow, st) == -1)
		return NULL;
	return event_type_of(st->mode) == (enum event_type)e->type ? st : NULL;
}

void
change_settled(struct core *c, struct event *ev, struct dir *d,
    const struct entry *e)
{
	struct event_stat st;

	if (e != NULL && e->type == (uint8_t)ev->type)
		ev->st = look_at(c, d, e, &st);
	pass(c, ev);
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
		    each(arg, e->name, e->type, shows(c, s, name, e->type)) ==
			-1)
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
	int fd, written;

	if (how == COMPLETE_SURE || (st != NULL && st->nlink > 1))
		return true;
	if (how == COMPLETE_NOT)
		return false;
	if (change_closes_untold(d))
		how = how == COMPLETE_LATER ? COMPLETE_FOUND : COMPLETE_ASK;
	/* An empty file that was just made is about to be written. */
	if (how == COMPLETE_ASK && st != NULL && st->size == 0)
		return false;
	/* Asking opens the file, which is not to be told as somebody's. */
	fd = wants(c, EVENT_OPENED) ? -1 : core_dirfd(c, d);
	written = fd == -1 ? -1 : writers_at(fd, e->name);
	if (written == -1)
		return how == COMPLETE_FOUND;
	if (written == 1)
		return false;
	/* Nobody writes it, so if it was closed just now that has been
	 * queued, and will be told by itself. */
	if (!core_exact(d) || core_fill(c) != 1)
		return true;
	return !d->mark->side->ops->closing(d->mark->side->b, d->mark->id,
	    e->name, e->len);
}

void
change_complete(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st, enum completeness how)
{
	const struct scope *s = core_scope(d);
	struct event_stat own;

	if (!wants(c, EVENT_COMPLETE) || e->type != EVENT_FILE || s->silent)
		return;
	if (is_complete(c, d, e, st, how)) {
		e->flags &= (uint8_t) ~(ENTRY_OPEN | ENTRY_CLOSED);
		if (st == NULL)
			st = look_at(c, d, e, &own);
		change_tell(c, EVENT_COMPLETE, d, e->name, e->type, st);
	} else if (change_closes_untold(d) && !(e->flags & ENTRY_OPEN)) {
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
		seen = look_at(c, d, e, &st);
	change_tell(c, EVENT_CREATED, d, e->name, e->type, seen);
	/* Where nobody tells that it was made, nobody tells that it was
	 * written since. */
	if (seen != NULL && seen->size > 0 && e->type == EVENT_FILE &&
	    (d->flags & DIR_STATS) && !wants(c, EVENT_CREATED))
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
		bool was; /* change_moved: was told under its old name */
		bool is; /* is told under its new one */
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
		if (look_at(c, l.item[i].dir, l.item[i].e, &st) != NULL)
			l.item[i].mtime = st.mtime;
	if (l.n > 0)
		qsort(l.item, l.n, sizeof(*l.item), by_mtime);
	for (i = 0; i < l.n; i++) {
		seen = look_at(c, l.item[i].dir, l.item[i].e, &st);
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
		if (e->type == EVENT_FILE && look_at(c, w.in, e, &st) != NULL)
			meet(c, EVENT_EXISTS, w.in, e->name, &st);
}

static void
tell_gone_below(struct core *c, struct dir *d)
{
	struct listing l = {0};
	size_t i;

	if (core_scope(d)->silent || !wants(c, EVENT_DELETED))
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

/* Takes an entry out of the index without a word. */
static void
drop(struct core *c, struct dir *d, struct entry *e)
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
	drop(c, d, e);
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
	if (s->npruned > 0 && is_pruned(s, name))
		return false;
	return filter_enters(c->cfg->opt->filter, name, tree_level(d));
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

	hand_on(m->c, &ev);
}

/* Where `renamed` is not in the set a move is told as deleted, deepest first,
 * and created. */
static bool
tells_renamed(const struct core *c)
{
	return c->settle != NULL || wants(c, EVENT_RENAMED);
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
		at->was = shows(m->c, m->from, m->old.data, at->e->type);
		/* What is in a directory that is no longer entered is not
		 * known any more, whatever its own name says. */
		at->is = left == NULL &&
		    shows(m->c, m->to, m->new.data, at->e->type);
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
		tell(m->c, kind, m->to, m->new.data, at->e->type, st);
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
			st = look_at(m->c, at->dir, at->e, &own);
		tell_new(m, at, st, replaced && i == 0);
	}
	for (i = l->n; i > 0 && renames; i--)
		if (l->item[i - 1].was && !l->item[i - 1].is)
			tell_old(m, &l->item[i - 1]);
}

/* A directory without content, to be watched no longer or to be entered
 * anew. */
static void
leave_dir(struct core *c, struct dir *d)
{
	core_detach(c, d);
	d->flags &= ~DIR_ENTERED;
}

void
change_unknown(struct core *c, struct dir *d)
{
	change_gone_below(c, d);
	leave_dir(c, d);
	d->dev = 0;
	d->ino = 0;
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
		leave_dir(c, left);
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
	was = shows(c, m->from, m->old_name, type);
	is = shows(c, m->to, m->new_name, type);
	there = shows(c, m->to, m->new_name, y->type);
	if (was && is && tells_renamed(c))
		replaced = there;
	else
		/* A save by renaming: for whoever sees only the new name the
		 * file has new content. */
		replaced =
		    there && is && type == EVENT_FILE && y->type == EVENT_FILE;
	if (there && !replaced)
		tell(c, EVENT_DELETED, m->to, m->new_name, y->type, NULL);
	drop(c, d, y);
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
change_keeps_below(const struct core *c, const struct dir *from,
    const struct dir *to)
{
	const struct scope *a = core_scope(from), *b = core_scope(to);

	return tells_renamed(c) && b->npruned == 0 && a->silent == b->silent &&
	    !filter_by_name(c->cfg->opt->filter) &&
	    !filter_hides_dirs(c->cfg->opt->filter);
}

struct entry *
change_moved(struct core *c, struct dir *from, struct entry *e, struct dir *to,
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
	deep = moved->type == EVENT_DIR && !change_keeps_below(c, from, to);
	if (deep && list_below(&l, moved->dir) == -1)
		c->resync = true;
	if (judge_move(&m, &l) == -1)
		c->resync = true;
	else
		tell_move(&m, &l, st, replaced);
	if (moved->type == EVENT_FILE)
		meet_moved(c, from,
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
change_exchanged(struct core *c, struct dir *da, struct entry *a,
    struct dir *db, struct entry *b)
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
	simple = tells_renamed(c) && shows(c, m.from, na.data, ta) &&
	    shows(c, m.from, na.data, tb) && shows(c, m.to, nb.data, ta) &&
	    shows(c, m.to, nb.data, tb);
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
		tell_renamed(&m, &at, look_at(c, db, b, &st), false, true);
		meet_moved(c, da, a->name, db, b->name);
		meet_moved(c, db, b->name, da, a->name);
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
		leave_dir(c, a->dir);
	if (b->type == EVENT_DIR)
		leave_dir(c, b->dir);
	change_appeared(c, da, a, COMPLETE_SURE);
	change_appeared(c, db, b, COMPLETE_SURE);
	doubt_unentered(c, da, a);
	doubt_unentered(c, db, b);
out:
	buf_free(&na);
	buf_free(&nb);
}
