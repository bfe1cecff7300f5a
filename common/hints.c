#include "hints.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "core.h"
#include "looks.h"
#include "moves.h"
#include "owed.h"
#include "sync.h"
#include "tree.h"

/* A hint with names of its own: those of a back end do not outlive the next
 * time it is filled, which a look at the disk does. */
struct told {
	enum hint_kind kind;
	bool isdir;
	bool moved;
	char name[NAME_MAX + 1];
	char to_name[NAME_MAX + 1];
};

static struct entry *
find(const struct dir *d, const char *name)
{
	return tree_find(d, name, strlen(name));
}

/* What the kernel calls a directory: a link that is entered is none. */
static bool
is_kernel_dir(const struct entry *e)
{
	return e->type == EVENT_DIR && !(e->dir->flags & DIR_LINK);
}

static bool
is_known(const struct entry *e)
{
	return (e->type == EVENT_DIR ? e->dir->ino : e->ino) != 0;
}

static void
get_to_know(struct entry *e, const struct event_stat *st)
{
	if (e->type != EVENT_DIR) {
		e->ino = st->ino;
	} else {
		e->dir->dev = st->dev;
		e->dir->ino = st->ino;
	}
}

static bool
concerns(const struct dir *d, const char *name)
{
	const char *only = core_scope(d)->only;

	return only == NULL || strcmp(only, name) == 0;
}

static bool
looks_like(struct core *c, struct dir *d, const char *name,
    const struct entry *e)
{
	struct event_stat st;
	bool link;
	int fd;

	fd = core_dirfd(c, d);
	return fd != -1 && is_known(e) &&
	    looks_classify(c, fd, name, &st, &link) == 0 && looks_same(e, &st);
}

/* Where a hint that is still to come takes this name; see backend.h. */
static bool
leaving(struct core *c, const struct dir *d, const char *name, int *to_id,
    char *to_name, bool *isdir)
{
	const struct side *side;
	size_t len = strlen(name);
	int goes;

	if (!core_exact(d))
		return false;
	side = d->mark->side;
	goes = side->ops->leaving(side->b, d->mark->id, name, len, to_id,
	    to_name, isdir);
	/* A file that comes and goes is told from what is pending, without a
	 * system call. */
	if (goes == -1 && core_fill(c) != -1)
		goes = side->ops->leaving(side->b, d->mark->id, name, len,
		    to_id, to_name, isdir);
	return goes == 1;
}

/* Of what kind is something that has left its name before it could be looked
 * at? If it was renamed, it can be seen at the new name. */
static enum event_type
type_of_gone(struct core *c, const struct dir *d, const char *name)
{
	struct event_stat st;
	const struct mark *to;
	char to_name[NAME_MAX + 1];
	bool link, isdir;
	int to_id, fd;

	if (!leaving(c, d, name, &to_id, to_name, &isdir))
		return EVENT_FILE;
	to = core_find_mark(c, to_id);
	if (to == NULL || to->places == NULL)
		return EVENT_FILE;
	fd = core_dirfd(c, to->places);
	if (fd == -1 || looks_classify(c, fd, to_name, &st, &link) == -1 ||
	    S_ISDIR(st.mode))
		return EVENT_FILE;
	return event_type_of(st.mode);
}

/* Will more be told of this name? Then what is there now is not what the hint
 * at hand is about, or there is nothing, and a look would be for nothing. */
static bool
is_passing(const struct dir *d, const char *name)
{
	return core_exact(d) &&
	    d->mark->side->ops->awaits(d->mark->side->b, d->mark->id, name,
		strlen(name));
}

/* The same, after a look at it: also of what the kernel has said since. */
static bool
is_pending(struct core *c, struct dir *d, int fd, const char *name)
{
	if (core_exact(d))
		looks_wait(fd);
	return sync_pending(c, d, name);
}

/* What the index has under this name is newer than what was told of it: a file
 * was looked at under its name before the hint came that it was made. */
static void
told_before(struct core *c, struct dir *d, const char *name)
{
	struct entry *e = find(d, name);
	bool was = c->synthetic;

	c->synthetic = true;
	if (e != NULL && e->type == EVENT_FILE) {
		change_tell(c, EVENT_MODIFIED, d, name, e->type, NULL);
		owed_again(c, d, e);
	}
	c->synthetic = was;
}

static void
on_created(struct core *c, struct dir *d, const char *name, bool isdir,
    bool moved)
{
	enum completeness how = moved ? COMPLETE_SURE : COMPLETE_ASK;
	enum event_type type;
	struct scope *scope = tree_owner(d);
	struct event_stat st;
	struct entry *e;
	bool link, seen, passing, barred;
	int fd;

	if (scope->npruned > 0)
		core_suspect(c, scope); /* a pruned directory gets its claim */
	if (find(d, name) != NULL) {
		if (sync_name(c, d, name, how))
			told_before(c, d, name);
		return;
	}
	passing = is_passing(d, name);
	fd = passing ? -1 : core_dirfd(c, d);
	errno = 0;
	seen = fd != -1 && looks_classify(c, fd, name, &st, &link) == 0;
	barred = fd == -1 || errno == EACCES || errno == EPERM;
	/* Another directory may be there by now, which is known already. */
	if (seen && isdir && !link && is_pending(c, d, fd, name)) {
		passing = true;
		core_doubt(c, d, name);
	} else if (seen && (link || S_ISDIR(st.mode) == isdir)) {
		sync_created(c, d, name, &st, link, how);
		return;
	}
	/* It is gone again, or it moved on: what became of it will be told. */
	type = isdir ? EVENT_DIR : type_of_gone(c, d, name);
	e = tree_new(c->pool, name, strlen(name), type, 0);
	if (e == NULL || tree_link(d, e) == -1) {
		tree_free(e);
		c->resync = true;
		return;
	}
	change_tell(c, EVENT_CREATED, d, name, type, NULL);
	if (barred && !passing)
		core_doubt(c, d, name);
}

static void
on_deleted(struct core *c, struct dir *d, const char *name, bool isdir,
    bool moved)
{
	struct event_stat st;
	struct entry *e;
	bool link;
	int fd;

	e = find(d, name);
	if (moved) {
		/* Something swapped with a thing outside comes before the
		 * other goes, by what the kernel says; and what a listing
		 * has found since is not what went. */
		fd = core_dirfd(c, d);
		if (fd == -1 || looks_classify(c, fd, name, &st, &link) == 0)
			core_doubt(c, d, name);
		if (fd != -1 && e != NULL && looks_like(c, d, name, e) &&
		    !is_pending(c, d, fd, name)) {
			told_before(c, d, name);
			return;
		}
	}
	if (e == NULL || is_kernel_dir(e) != isdir)
		(void)sync_name(c, d, name, COMPLETE_FOUND);
	else
		change_gone(c, d, e);
}

static bool
is_one(const struct entry *a, const struct entry *b)
{
	if (a->type != b->type || !is_known(a) || !is_known(b))
		return false;
	if (a->type == EVENT_DIR)
		return a->dir->ino == b->dir->ino && a->dir->dev == b->dir->dev;
	return a->ino == b->ino;
}

/* Is the next thing that happens to the new name that it goes back to where it
 * came from? */
static bool
goes_back(struct core *c, const struct dir *from, const struct dir *to,
    const struct told *t, bool *isdir)
{
	char back[NAME_MAX + 1];
	int id;

	return from->mark != NULL &&
	    leaving(c, to, t->to_name, &id, back, isdir) &&
	    id == from->mark->id && strcmp(back, t->name) == 0;
}

/*
 * The kernel says the same of RENAME_EXCHANGE as of two renames, there and
 * back. What tells them apart is y, which stood at the new name: after an
 * exchange it is at the old one, after two renames it is gone.
 */
static bool
is_exchange(struct core *c, struct dir *from, const struct entry *e,
    struct dir *to, const struct entry *y, const struct told *t)
{
	bool isdir, holds;

	if (looks_like(c, from, t->name, y))
		return true;
	if (!goes_back(c, from, to, t, &isdir))
		return false;
	/* Nothing replaces a directory that holds something. */
	holds = y->type == EVENT_DIR && y->dir->count > 0 && is_known(e) &&
	    is_known(y) && !is_one(e, y);
	/* More may have happened since, which will be told; then both are
	 * looked at again. */
	core_doubt(c, from, t->name);
	core_doubt(c, to, t->to_name);
	/* What goes back is of another kind: it is y. Or what went is there
	 * still, and so has not gone back. */
	return holds || isdir != t->isdir || looks_like(c, to, t->to_name, e) ||
	    looks_like(c, to, t->to_name, y);
}

static void
skip_inverse(struct core *c, const struct dir *from, const struct dir *to,
    const struct told *t)
{
	if (from->mark == NULL || to->mark == NULL)
		return;
	c->inverse.id = to->mark->id;
	c->inverse.to_id = from->mark->id;
	memcpy(c->inverse.name, t->to_name, sizeof(t->to_name));
	memcpy(c->inverse.to_name, t->name, sizeof(t->name));
}

/* Is what the index has under this name what has come there since something
 * left it, and is told of later? */
static bool
is_newer(struct core *c, struct dir *d, const struct entry *e)
{
	return e->type != EVENT_DIR && looks_like(c, d, e->name, e) &&
	    is_pending(c, d, core_dirfd(c, d), e->name);
}

/* Is what a look has seen there what e became, and not what came after it? */
static bool
is_at_rest(struct core *c, struct dir *d, int fd, const char *name,
    const struct entry *e, const struct event_stat *st)
{
	return event_type_of(st->mode) == (enum event_type)e->type &&
	    core_exact(d) && !is_pending(c, d, fd, name);
}

static void
on_renamed(struct core *c, struct dir *from, struct dir *to,
    const struct told *t)
{
	struct event_stat st;
	struct entry *e, *y;
	bool seen, link, same = false;
	int fd;

	e = find(from, t->name);
	if (e == NULL || is_kernel_dir(e) != t->isdir) {
		/* If it was an exchange, something has come there, too, and
		 * what comes to the new name stays. */
		core_doubt(c, from, t->name);
		core_doubt(c, to, t->to_name);
		on_created(c, to, t->to_name, t->isdir, true);
		return;
	}
	if (e->type == EVENT_DIR && tree_below(to, e->dir)) {
		core_doubt(c, from, t->name);
		core_doubt(c, to, t->to_name);
		return;
	}
	y = find(to, t->to_name);
	if (y != NULL && y->type == EVENT_DIR && tree_below(from, y->dir)) {
		/* Nothing can replace what it is in: that is elsewhere now. */
		change_gone(c, from, e);
		core_doubt(c, to, t->to_name);
		return;
	}
	if (y != NULL && is_exchange(c, from, e, to, y, t)) {
		skip_inverse(c, from, to, t);
		/* Either may have been taken for the other before. */
		core_doubt(c, from, t->name);
		core_doubt(c, to, t->to_name);
		moves_exchanged(c, from, e, to, y);
		return;
	}
	fd = core_dirfd(c, to);
	seen = fd != -1 && looks_classify(c, fd, t->to_name, &st, &link) == 0;
	same = seen && looks_same(e, &st);
	if (same && !is_known(e))
		get_to_know(e, &st); /* not seen under its first name */
	if (seen && !same && is_newer(c, from, e) &&
	    is_at_rest(c, to, fd, t->to_name, e, &st)) {
		/* The index was told of what came to the old name since. */
		get_to_know(e, &st);
		same = true;
		core_doubt(c, from, t->name);
	}
	if (!same && looks_like(c, from, t->name, e)) {
		if (seen || !sync_pending(c, to, t->to_name)) {
			/* What the index has here is not what was renamed. */
			(void)sync_name(c, to, t->to_name, COMPLETE_SURE);
			return;
		}
		/* It has left the new name again, and come back. */
		core_doubt(c, from, t->name);
	}
	if (y != NULL && !is_known(y))
		core_doubt(c, from, t->name); /* it may be there now */
	(void)moves_renamed(c, from, e, to, t->to_name, same ? &st : NULL);
	if (!same)
		core_doubt(c, to, t->to_name);
}

static void
retry_dir(struct core *c, struct dir *d)
{
	if (!(d->flags & (DIR_UNREADABLE | DIR_UNSEEN)))
		return;
	if (d->flags & DIR_ENTERED)
		core_doubt(c, d, NULL);
	else
		core_doubt(c, d->parent, d->self->name);
}

/* A directory's mode has changed: it may be readable now, or what is below it
 * reachable. */
static void
retry_barred(struct core *c, const struct entry *e)
{
	struct walk w = WALK(e->dir);
	const struct entry *below;

	if (!c->barred)
		return;
	retry_dir(c, e->dir);
	while ((below = tree_walk(&w)) != NULL)
		if (below->type == EVENT_DIR)
			retry_dir(c, below->dir);
}

static void
on_content(struct core *c, struct dir *d, const struct told *t)
{
	static const struct {
		enum hint_kind hint;
		enum event_kind event;
	} table[] = {
	    {HINT_MODIFIED, EVENT_MODIFIED},
	    {HINT_CLOSED, EVENT_CLOSED},
	    {HINT_ATTRIB, EVENT_ATTRIB},
	    {HINT_OPENED, EVENT_OPENED},
	    {HINT_ACCESSED, EVENT_ACCESSED},
	};
	struct event_stat st;
	struct entry *e;
	bool link, seen, same;
	size_t i = 0;
	int fd;

	if (!core_exact(d)) {
		c->closes = t->kind == HINT_CLOSED;
		(void)sync_name(c, d, t->name, COMPLETE_FOUND);
		c->closes = false;
	}
	e = find(d, t->name);
	if (e == NULL) {
		(void)sync_name(c, d, t->name, COMPLETE_FOUND);
		return;
	}
	if (e->type == EVENT_DIR && t->kind != HINT_ATTRIB)
		return;
	fd = t->kind != HINT_ATTRIB && is_passing(d, t->name) ?
	    -1 :
	    core_dirfd(c, d);
	seen = fd != -1 && looks_classify(c, fd, t->name, &st, &link) == 0;
	same = seen && looks_same(e, &st);
	if (same && e->type != EVENT_DIR)
		e->ino = st.ino;
	while (table[i].hint != t->kind)
		i++;
	change_tell(c, table[i].event, d, t->name, e->type, same ? &st : NULL);
	if (t->kind == HINT_CLOSED && same)
		change_complete(c, d, e, &st, COMPLETE_SURE);
	if (t->kind == HINT_CLOSED && same)
		owed_pay(c, d, e, 0);
	else if (t->kind == HINT_CLOSED)
		owed_closed(c, d, e);
	if (seen && !same)
		core_doubt(c, d, t->name);
	else if (t->kind == HINT_ATTRIB && e->type == EVENT_DIR)
		retry_barred(c, e);
}

/* The places of a mark, taken down before what is done at one of them may
 * change them. */
struct places {
	struct mark *mark;
	struct dir **dir;
	size_t n;
	struct dir *few[8];
};

static void
places_of(struct core *c, struct places *p, struct mark *m)
{
	struct dir *d;
	size_t n = 0;

	p->mark = m;
	p->n = 0;
	p->dir = p->few;
	if (m == NULL)
		return;
	for (d = m->places; d != NULL; d = d->next_place)
		n++;
	if (n > sizeof(p->few) / sizeof(p->few[0])) {
		p->dir = calloc(n, sizeof(struct dir *));
		if (p->dir == NULL) {
			c->resync = true;
			return;
		}
	}
	for (d = m->places; d != NULL; d = d->next_place)
		p->dir[p->n++] = d;
}

static void
places_free(struct places *p)
{
	if (p->dir != p->few)
		free(p->dir);
}

/* Is this still a place of that mark? Either may be gone by now. */
static bool
is_place(const struct core *c, int id, const struct dir *d)
{
	const struct mark *m = core_find_mark(c, id);
	const struct dir *at;

	for (at = m == NULL ? NULL : m->places; at != NULL; at = at->next_place)
		if (at == d)
			return true;
	return false;
}

static void
at_one(struct core *c, struct dir *d, const struct told *t)
{
	if (!concerns(d, t->name))
		return;
	if (t->kind == HINT_CREATED)
		on_created(c, d, t->name, t->isdir, t->moved);
	else if (t->kind == HINT_DELETED)
		on_deleted(c, d, t->name, t->isdir, t->moved);
	else
		on_content(c, d, t);
}

/* How closely two directories are related: the levels they share, with a
 * bonus for being of one root; 0 for two roots. */
static size_t
kinship(const struct dir *a, const struct dir *b)
{
	size_t la = tree_level(a), lb = tree_level(b);

	if (tree_owner(a) != tree_owner(b))
		return 0;
	for (; la > lb; la--)
		a = a->parent;
	for (; lb > la; lb--)
		b = b->parent;
	for (; a != b; la--) {
		a = a->parent;
		b = b->parent;
	}
	return la;
}

/* A rename is told once for each root that covers it; where a directory has
 * several places, from each to the one nearest to it. What is left over came
 * from, or went, where it is not seen. */
static void
at_two(struct core *c, struct places *from, struct places *to, int id,
    int to_id, const struct told *t)
{
	struct told half = *t;
	size_t i, k, best, most, kin;
	bool any, across;

	for (i = 0; i < from->n; i++)
		if (!concerns(from->dir[i], t->name))
			from->dir[i] = NULL;
	for (k = 0; k < to->n; k++)
		if (!concerns(to->dir[k], t->to_name))
			to->dir[k] = NULL;
	/* First within each root, then from one to another. */
	for (across = false;; across = true) {
		for (i = 0; i < from->n; i++) {
			any = false;
			best = most = 0;
			for (k = 0; from->dir[i] != NULL && k < to->n; k++) {
				if (to->dir[k] == NULL)
					continue;
				kin = kinship(from->dir[i], to->dir[k]);
				if ((kin == 0 && !across) ||
				    (any && kin <= most))
					continue;
				any = true;
				best = k;
				most = kin;
			}
			if (!any)
				continue;
			if (is_place(c, id, from->dir[i]) &&
			    is_place(c, to_id, to->dir[best]))
				on_renamed(c, from->dir[i], to->dir[best], t);
			from->dir[i] = to->dir[best] = NULL;
		}
		if (across)
			break;
	}
	half.kind = HINT_DELETED;
	for (i = 0; i < from->n; i++)
		if (from->dir[i] != NULL && is_place(c, id, from->dir[i]))
			at_one(c, from->dir[i], &half);
	half.kind = HINT_CREATED;
	half.moved = true;
	memcpy(half.name, t->to_name, sizeof(half.name));
	for (k = 0; k < to->n; k++)
		if (to->dir[k] != NULL && is_place(c, to_id, to->dir[k]))
			at_one(c, to->dir[k], &half);
}

/* A name on the way to roots has changed. */
static void
alert(struct core *c, const struct mark *m, const char *name)
{
	struct post *p;

	for (p = m == NULL ? NULL : m->posts; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0)
			core_suspect(c, p->scope);
}

/* Is this the second half of an exchange that has been told? Anything else
 * that is told of its names says that it was none. */
static bool
is_inverse(struct core *c, const struct told *t, int id, int to_id)
{
	bool first, second;

	if (c->inverse.id == -1 ||
	    (t->kind != HINT_RENAMED && t->kind != HINT_CREATED &&
		t->kind != HINT_DELETED))
		return false;
	first = id == c->inverse.id && strcmp(t->name, c->inverse.name) == 0;
	second = to_id == c->inverse.to_id &&
	    strcmp(t->to_name, c->inverse.to_name) == 0;
	if (first || second ||
	    (id == c->inverse.to_id &&
		strcmp(t->name, c->inverse.to_name) == 0))
		c->inverse.id = -1;
	return first && second && t->kind == HINT_RENAMED;
}

void
hints_handle(struct core *c, const struct hint *h,
    void (*check_roots)(void *ctx), void *ctx)
{
	struct told t; /* not cleared: its names are long */
	struct mark *m = core_find_mark(c, h->id), *to;
	struct places from, at;
	int id = h->id, to_id = h->to_id;
	size_t i;

	c->nhints++;
	c->now = h->time;
	if (h->kind == HINT_OVERFLOW) {
		c->noverflows++;
		c->resync = true;
		c->inverse.id = -1;
		return;
	}
	if (h->kind == HINT_GONE) {
		/* Something of its name may be there all the same. */
		if (m != NULL)
			core_gone(c, m, change_unknown);
		return;
	}
	if (h->name_len > NAME_MAX || h->to_len > NAME_MAX)
		return;
	t.kind = h->kind;
	t.isdir = h->isdir;
	t.moved = h->moved;
	memcpy(t.name, h->name, h->name_len + 1);
	t.to_name[0] = '\0';
	if (h->to_len > 0)
		memcpy(t.to_name, h->to_name, h->to_len + 1);

	if (is_inverse(c, &t, id, to_id))
		return;
	if (h->kind == HINT_CREATED) {
		alert(c, m, t.name);
		if (c->suspects)
			check_roots(ctx);
		m = core_find_mark(c, id);
	}
	places_of(c, &at, m);
	if (h->kind == HINT_RENAMED) {
		to = core_find_mark(c, to_id);
		alert(c, to, t.to_name);
		if (c->suspects)
			check_roots(ctx);
		places_free(&at);
		places_of(c, &from, core_find_mark(c, id));
		places_of(c, &at, core_find_mark(c, to_id));
		at_two(c, &from, &at, id, to_id, &t);
		places_free(&from);
	} else {
		for (i = 0; i < at.n; i++)
			if (is_place(c, id, at.dir[i]))
				at_one(c, at.dir[i], &t);
	}
	places_free(&at);
	if (t.kind == HINT_DELETED || t.kind == HINT_RENAMED)
		alert(c, core_find_mark(c, id), t.name);
}

/* All directories in doubt as such are compared in one go, since what has
 * vanished from one may have appeared in the other. */
static void
compare_doubted(struct core *c, struct doubt *all, size_t n)
{
	struct dir **dirs;
	size_t i, ndirs = 0;

	dirs = calloc(n, sizeof(struct dir *));
	if (dirs == NULL) {
		c->resync = true;
		return;
	}
	for (i = 0; i < n; i++) {
		if (all[i].dir == NULL || all[i].name != NULL || all[i].deep)
			continue;
		if (all[i].look)
			all[i].dir->flags |= DIR_LOOK;
		dirs[ndirs++] = all[i].dir;
		all[i].dir = NULL;
	}
	if (ndirs > 0)
		sync_compare(c, dirs, ndirs, false, NULL);
	free(dirs);
}

void
hints_doubts(struct core *c)
{
	struct doubts *l = &c->doubts;
	struct doubt doubt;
	size_t i, n = l->n, kept = 0;

	if (n > 0)
		compare_doubted(c, l->item, n);
	/* What comes to be doubted meanwhile has to wait for the hints that
	 * have come meanwhile. */
	for (i = 0; i < n && i < l->n && !c->resync; i++) {
		doubt = l->item[i];
		if (doubt.dir == NULL || (doubt.name == NULL && !doubt.deep))
			continue; /* a new one: the next time */
		l->item[i].dir = NULL;
		l->item[i].name = NULL;
		c->delay = doubt.delay;
		if (doubt.name != NULL)
			(void)sync_name(c, doubt.dir, doubt.name,
			    COMPLETE_FOUND);
		else
			sync_compare(c, &doubt.dir, 1, true,
			    doubt.content ? &c->since : NULL);
		free(doubt.name);
	}
	c->delay = 0;
	for (i = 0; i < l->n; i++)
		if (l->item[i].dir != NULL)
			l->item[kept++] = l->item[i];
	l->n = kept;
}
