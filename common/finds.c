#include "finds.h"

#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "grow.h"
#include "looks.h"
#include "moves.h"
#include "statat.h"
#include "tree.h"

/* How far renames that depend on one another are followed. */
#define CHAIN_MAX 256

/* A name that the disk has and the index has not. */
struct found {
	struct dir *parent;
	struct entry *e; /* in no directory yet; NULL for a known directory */
	char *name; /* of a known directory, where it is now */
	struct dir
	    *from_dir; /* where it was, when it is known to be a rename */
	struct entry *from;
	bool done;
	bool busy;
	bool lost; /* abandon_below(): goes with its directory */
};

static struct found *
push_found(struct finds *s, struct dir *parent, struct entry *e)
{
	struct found *p;

	p = grow(s->found, &s->cap, s->n, sizeof(*p));
	if (p == NULL) {
		s->c->resync = true;
		tree_free(e);
		return NULL;
	}
	s->found = p;
	p = &s->found[s->n++];
	memset(p, 0, sizeof(*p));
	p->parent = parent;
	p->e = e;
	if (e != NULL && e->type == EVENT_DIR)
		e->dir->parent = parent;
	return p;
}

static const char *
name_found(const struct found *f)
{
	return f->e != NULL ? f->e->name : f->name;
}

int
finds_add(struct finds *s, struct dir *parent, struct entry *e)
{
	return push_found(s, parent, e) == NULL ? -1 : 0;
}

void
finds_take_over(struct finds *s, struct entry *e, struct dir *parent,
    struct dir *was, bool told)
{
	struct found *f = NULL;
	size_t i;

	for (i = s->n; i > 0 && f == NULL; i--)
		if (s->found[i - 1].e == e)
			f = &s->found[i - 1];
	if (f == NULL) {
		if (!told)
			tree_unlink(parent, e);
		f = push_found(s, parent, NULL);
	}
	if (f != NULL) {
		f->e = NULL;
		f->name = strdup(e->name);
		f->from = was->self;
		f->from_dir = was->parent;
		was->self->flags |= ENTRY_MOVING;
		if (f->name == NULL) {
			f->done = true;
			s->c->resync = true;
		}
	}
	if (!told) {
		core_forget(s->c, e);
		tree_free(e);
	}
}

void
finds_lossy(struct finds *s, struct dir *d)
{
	struct dir **p;

	p = grow(s->lossy, &s->cap_lossy, s->nlossy, sizeof(struct dir *));
	if (p == NULL) {
		s->c->resync = true;
		return;
	}
	s->lossy = p;
	s->lossy[s->nlossy++] = d;
}

/* What has vanished and what has appeared, joined where it is the same file:
 * the same inode number, and born before the name was last seen, since numbers
 * are used again at once. (Directories that are watched are joined by their
 * marks.) */
struct vanished {
	uint64_t ino;
	struct dir *dir;
	struct entry *e;
};

static int
by_ino(const void *a, const void *b)
{
	const struct vanished *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

struct all_vanished {
	struct vanished *v;
	size_t n;
	size_t cap;
};

static int
add_vanished(struct all_vanished *all, struct dir *d, struct entry *e)
{
	uint64_t ino = e->type == EVENT_DIR ? e->dir->ino : e->ino;
	struct vanished *p;

	if (ino == 0 || (e->type == EVENT_DIR && !(d->flags & DIR_STATS)))
		return 0;
	p = grow(all->v, &all->cap, all->n, sizeof(*p));
	if (p == NULL)
		return -1;
	all->v = p;
	all->v[all->n++] = (struct vanished){.ino = ino, .dir = d, .e = e};
	return 0;
}

/* A directory is gone with what was in it, unless it has moved itself. */
static int
add_with_it(struct all_vanished *all, const struct entry *gone)
{
	struct walk w = WALK(gone->dir);
	struct entry *e;

	while ((e = tree_walk(&w)) != NULL) {
		if (e->type == EVENT_DIR && (e->flags & ENTRY_MOVING))
			w.into = NULL;
		else if (add_vanished(all, w.in, e) == -1)
			return -1;
	}
	return 0;
}

/* None when out of memory: then nothing is joined. */
static void
find_vanished(const struct finds *s, struct all_vanished *all)
{
	struct entry *e;
	size_t i;
	uint32_t pos;
	int rc = 0;

	memset(all, 0, sizeof(*all));
	for (i = 0; i < s->nlossy && s->n > 0 && rc == 0; i++) {
		for (pos = 0;
		     rc == 0 && (e = tree_next(s->lossy[i], &pos)) != NULL;) {
			if (!(e->flags & ENTRY_GONE) ||
			    (e->flags & ENTRY_MOVING))
				continue;
			rc = add_vanished(all, s->lossy[i], e);
			if (rc == 0 && e->type == EVENT_DIR)
				rc = add_with_it(all, e);
		}
	}
	if (rc == -1)
		all->n = 0;
	if (all->n > 0)
		qsort(all->v, all->n, sizeof(*all->v), by_ino);
}

static bool
born_before(const struct event_stat *st, const struct timespec *when)
{
	if (st->btime.tv_nsec == -1)
		return false;
	if (st->btime.tv_sec != when->tv_sec)
		return st->btime.tv_sec < when->tv_sec;
	return st->btime.tv_nsec < when->tv_nsec;
}

/* Is a file that was found the one that vanished, by what is known of it? */
static bool
looks_like(const struct entry_stat *was, const struct entry_stat *is)
{
	if (was->born != 0 && is->born != 0)
		return was->born == is->born;
	return was->mtime == is->mtime && was->size == is->size;
}

/* Two places of one watch, in two roots. (Within one root it has been asked
 * already whether the old place still leads to it, when the new one was
 * entered.) */
static bool
is_across(const struct found *f, const struct vanished *v)
{
	return f->e->dir->mark != NULL && f->e->dir->mark == v->e->dir->mark &&
	    tree_owner(f->parent) != tree_owner(v->dir);
}

/* Is f what v was? since: when the index was last the truth, or NULL. */
static bool
is_one(struct finds *s, const struct found *f, const struct vanished *v,
    const struct timespec *since)
{
	struct entry_stat *was = tree_stat(v->e), *is = tree_stat(f->e);
	struct event_stat st;
	int fd;

	if (v->e->type != f->e->type || (v->e->flags & ENTRY_MOVING))
		return false;
	if (was != NULL && was->attrs != 0 && is != NULL && is->attrs != 0)
		return looks_like(was, is);
	fd = core_dirfd(s->c, f->parent);
	if (fd == -1 || stat_at(fd, f->e->name, false, &st) == -1 ||
	    st.ino != v->ino)
		return false;
	if (f->e->type == EVENT_DIR)
		return (!(f->e->dir->flags & DIR_ENTERED) || is_across(f, v)) &&
		    v->e->dir->dev == st.dev &&
		    !looks_reborn(v->e->dir->born, &st);
	return since != NULL && born_before(&st, since);
}

static void
free_found(struct finds *s, struct found *f)
{
	if (f->e != NULL)
		core_forget(s->c, f->e);
	tree_free(f->e);
	f->e = NULL;
}

/* f has been entered, and is what the index has elsewhere with all below it:
 * that is kept, and compared where it is then. Returns false where that cannot
 * be. */
static bool
make_known(struct finds *s, struct found *f)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (&s->found[i] != f &&
		    tree_below(s->found[i].parent, f->e->dir))
			return false;
	f->name = strdup(f->e->name);
	if (f->name == NULL)
		return false;
	free_found(s, f);
	return true;
}

static void
join(struct finds *s, const struct timespec *since)
{
	struct all_vanished all;
	struct vanished *hit, key = {0};
	struct found *f;
	size_t i;

	find_vanished(s, &all);
	for (i = 0; all.n > 0 && i < s->n; i++) {
		f = &s->found[i];
		if (f->e == NULL)
			continue;
		key.ino = f->e->type == EVENT_DIR ? f->e->dir->ino : f->e->ino;
		hit = bsearch(&key, all.v, all.n, sizeof(*all.v), by_ino);
		if (hit == NULL || !is_one(s, f, hit, since) ||
		    (f->e->type == EVENT_DIR &&
			(f->e->dir->flags & DIR_ENTERED) && !make_known(s, f)))
			continue;
		f->from = hit->e;
		f->from_dir = hit->dir;
		f->from->flags |= ENTRY_MOVING;
	}
	free(all.v);
}

static struct found *
mover_of(struct finds *s, const struct entry *e)
{
	size_t i;

	if (!(e->flags & ENTRY_MOVING))
		return NULL;
	for (i = 0; i < s->n; i++)
		if (s->found[i].from == e && !s->found[i].done)
			return &s->found[i];
	return NULL;
}

/* Where f came from is looked at again: no rename can tell what has become of
 * it. */
static void
doubt_from(struct finds *s, struct found *f)
{
	f->from->flags &= (uint8_t)~ENTRY_MOVING;
	core_doubt(s->c, f->from_dir, f->from->name);
}

/* Gives up on telling f: its names are looked at again. */
static void
give_up(struct finds *s, struct found *f)
{
	if (f->from != NULL)
		doubt_from(s, f);
	core_doubt(s->c, f->parent, name_found(f));
	free_found(s, f);
	f->done = true;
}

static void resolve(struct finds *s, struct found *f, int depth);

/* What was found in a directory that goes for good is not there any more. What
 * had moved there has gone from where it was. */
static void
abandon_below(struct finds *s, const struct dir *d)
{
	struct found *f;
	size_t i;

	/* None is freed before all are known: they may be in one another. */
	for (i = 0; i < s->n; i++) {
		f = &s->found[i];
		f->lost = !f->done && tree_below(f->parent, d);
	}
	for (i = 0; i < s->n; i++) {
		f = &s->found[i];
		if (!f->lost)
			continue;
		if (f->from != NULL)
			doubt_from(s, f);
		free_found(s, f);
		f->done = true;
	}
}

/* Before what is below d goes, or goes elsewhere: what has moved out of it is
 * told first; what else was found out there is left to another look, if there
 * is anything to look at then. */
static void
settle_below(struct finds *s, struct dir *d, int depth)
{
	struct entry *e;
	struct found *f;
	size_t i, kept = 0;
	uint32_t pos;

	for (i = 0; i < s->n; i++) {
		f = &s->found[i];
		if (!f->done && f->from != NULL && tree_below(f->from_dir, d))
			resolve(s, f, depth + 1);
	}
	for (i = 0; i < s->n; i++) {
		f = &s->found[i];
		if (!f->done && f->from != NULL && tree_below(f->from_dir, d))
			give_up(s, f);
	}
	abandon_below(s, d);
	for (i = 0; i < s->nlossy; i++) {
		if (!tree_below(s->lossy[i], d)) {
			s->lossy[kept++] = s->lossy[i];
			continue;
		}
		for (pos = 0; (e = tree_next(s->lossy[i], &pos)) != NULL;)
			e->flags &= (uint8_t)~ENTRY_SYNC;
	}
	s->nlossy = kept;
}

static void
rescue(struct finds *s, struct entry *e, int depth)
{
	if (e->type == EVENT_DIR)
		settle_below(s, e->dir, depth);
}

/* What has been seen of something that moves: before, and where it is now. */
struct sight {
	struct entry_stat was;
	struct entry_stat is;
};

static struct sight
sight_of(const struct found *f)
{
	const struct entry_stat *was = tree_stat(f->from);
	const struct entry_stat *is = f->e == NULL ? NULL : tree_stat(f->e);
	struct sight sight = {{0}, {0}};

	if (was != NULL)
		sight.was = *was;
	if (is != NULL)
		sight.is = *is;
	return sight;
}

/* e has moved to where it is now. What has changed in a directory can only be
 * seen there. */
static void
see_moved(struct finds *s, struct dir *d, struct entry *e,
    const struct sight *sight)
{
	if (e->type != EVENT_DIR)
		looks_moved(s->c, d, e, &sight->was, &sight->is);
	else if (s->deep || (e->dir->flags & DIR_STATS) ||
	    !moves_keep_below(s->c, d, d))
		core_doubt_below(s->c, e->dir, s->content);
}

static void
resolve_created(struct finds *s, struct found *f, struct entry *y)
{
	struct entry *e = f->e;
	struct event_stat st;
	int fd;

	if (y != NULL && y->type == EVENT_FILE && e->type == EVENT_FILE) {
		/* Another file under the same name: new content. */
		y->ino = e->ino;
		if (tree_stat(y) != NULL && tree_stat(e) != NULL)
			*tree_stat(y) = *tree_stat(e);
		y->flags &= (uint8_t)~ENTRY_SYNC;
		tree_free(e);
		fd = core_dirfd(s->c, f->parent);
		change_tell(s->c, EVENT_MODIFIED, f->parent, y->name, y->type,
		    fd != -1 && stat_at(fd, y->name, false, &st) == 0 ? &st :
									NULL);
		change_complete(s->c, f->parent, y, NULL, COMPLETE_FOUND);
		return;
	}
	if (y != NULL)
		change_gone(s->c, f->parent, y);
	if (tree_link(f->parent, e) == -1) {
		tree_free(e);
		s->c->resync = true;
		return;
	}
	change_appeared(s->c, f->parent, e, s->how);
}

static void
resolve_moved(struct finds *s, struct found *f)
{
	struct event_stat st;
	const char *name = name_found(f);
	struct sight sight = sight_of(f);
	struct entry *e;
	int fd;

	f->from->flags &= (uint8_t) ~(ENTRY_MOVING | ENTRY_GONE);
	fd = core_dirfd(s->c, f->parent);
	e = moves_renamed(s->c, f->from_dir, f->from, f->parent, name,
	    fd != -1 && stat_at(fd, name, false, &st) == 0 ? &st : NULL);
	if (e != NULL)
		see_moved(s, f->parent, e, &sight);
	free_found(s, f);
}

/* The thing found that f's new place is in, while that has not been told. */
static struct found *
untold_container(struct finds *s, const struct found *f)
{
	const struct dir *d, *loose = NULL;
	size_t i;

	for (d = f->parent; d->self != NULL; d = d->parent)
		if (tree_find(d->parent, d->self->name, d->self->len) !=
		    d->self)
			loose = d;
	for (i = 0; loose != NULL && i < s->n; i++)
		if (s->found[i].e == loose->self && &s->found[i] != f)
			return &s->found[i];
	return NULL;
}

/* What f's new place is in comes first. */
static void
enter_told(struct finds *s, struct found *f, int depth)
{
	struct found *in = untold_container(s, f);

	if (in == NULL)
		return;
	resolve(s, in, depth + 1);
	/* Or it went into what took its name. */
	if (!f->done && !in->done)
		give_up(s, f);
}

/* f went into something that was below it: that goes first. */
static void
leave_first(struct finds *s, struct found *f, int depth)
{
	struct found *mover = NULL;
	struct dir *up;

	if (!tree_below(f->parent, f->from->dir))
		return;
	for (up = f->parent; up != f->from->dir && mover == NULL;
	     up = up->parent)
		mover = mover_of(s, up->self);
	if (mover != NULL)
		resolve(s, mover, depth + 1);
	if (!f->done && tree_below(f->parent, f->from->dir))
		give_up(s, f);
}

/* What the index has at f's new place. */
static struct entry *
standing(const struct found *f)
{
	return tree_find(f->parent, name_found(f), strlen(name_found(f)));
}

/* f and other have changed places. */
static void
resolve_exchanged(struct finds *s, struct found *f, struct found *other,
    int depth)
{
	struct entry *x = f->from, *y = other->from;
	struct sight sight, sight_other;

	x->flags &= (uint8_t)~ENTRY_SYNC;
	y->flags &= (uint8_t)~ENTRY_SYNC;
	rescue(s, x, depth);
	rescue(s, y, depth);
	if (f->done || other->done)
		return;
	f->done = other->done = true;
	sight = sight_of(f);
	sight_other = sight_of(other);
	moves_exchanged(s->c, f->from_dir, x, f->parent, y);
	see_moved(s, f->parent, y, &sight);
	see_moved(s, f->from_dir, x, &sight_other);
	free_found(s, f);
	free_found(s, other);
}

/* A ring of renames is broken at the one that f waits for. */
static void
break_ring(struct finds *s, struct found *other)
{
	core_doubt(s->c, other->from_dir, other->from->name);
	other->from->flags &= (uint8_t)~ENTRY_SYNC;
	other->from = NULL;
	if (other->e == NULL) {
		core_doubt(s->c, other->parent, other->name);
		other->done = true;
	}
}

/* What stands at f's new place and has moved itself goes first. */
static void
make_way(struct finds *s, struct found *f, int depth)
{
	struct entry *y = standing(f);
	struct found *other;

	other = y == NULL || y == f->from ? NULL : mover_of(s, y);
	if (other == NULL)
		return;
	if (other->busy && f->from != NULL && other->parent == f->from_dir &&
	    strcmp(name_found(other), f->from->name) == 0) {
		resolve_exchanged(s, f, other, depth);
		return;
	}
	resolve(s, other, depth + 1);
	if (f->done)
		return;
	y = standing(f);
	other = y == NULL ? NULL : mover_of(s, y);
	if (other != NULL && other->busy)
		break_ring(s, other);
}

/* What is in what makes room for f is told first, or given up. */
static void
empty_place(struct finds *s, struct found *f, int depth)
{
	struct entry *y = standing(f);

	/* f itself was in it: no rename can tell that. */
	if (f->from != NULL && y != NULL && y->type == EVENT_DIR &&
	    tree_below(f->from_dir, y->dir)) {
		f->from->flags &= (uint8_t)~ENTRY_MOVING;
		f->from = NULL;
		if (f->e == NULL) {
			give_up(s, f);
			return;
		}
	}
	/* Filters may forget what is below it where it is now. */
	if (f->from != NULL && !moves_keep_below(s->c, f->from_dir, f->parent))
		rescue(s, f->from, depth);
	if (!f->done && y != NULL && y != f->from)
		rescue(s, y, depth);
}

/* Tells one thing found; first whatever has to be told before it. Each step may
 * come to tell f, or to give it up, by itself. */
static void
resolve(struct finds *s, struct found *f, int depth)
{
	struct entry *y;

	if (f->done || f->busy)
		return;
	if (depth > CHAIN_MAX) {
		give_up(s, f);
		return;
	}
	f->busy = true;
	if (f->from != NULL)
		enter_told(s, f, depth);
	if (!f->done && f->from != NULL && f->from->type == EVENT_DIR)
		leave_first(s, f, depth);
	if (!f->done)
		make_way(s, f, depth);
	/* What made way may have taken its new place below it. */
	if (!f->done && f->from != NULL && f->from->type == EVENT_DIR &&
	    tree_below(f->parent, f->from->dir))
		give_up(s, f);
	if (!f->done)
		empty_place(s, f, depth);
	if (f->done)
		return;
	y = standing(f);
	/* What it is in has moved, and it has come back to where it was. */
	if (f->from != NULL && f->from == y) {
		y->flags &= (uint8_t)~ENTRY_SYNC;
		give_up(s, f);
		return;
	}
	f->done = true;
	if (f->from != NULL)
		resolve_moved(s, f);
	else
		resolve_created(s, f, y);
}

/* Tells what is gone from one directory; NULL: that is gone itself. */
static void
tell_lost(struct finds *s, size_t at)
{
	struct dir *d = s->lossy[at];
	struct entry **all;
	uint32_t k, n = d == NULL ? 0 : d->count;
	size_t i;

	if (n == 0)
		return;
	all = tree_list(d);
	if (all == NULL)
		s->c->resync = true;
	for (k = 0; all != NULL && k < n; k++) {
		if (!(all[k]->flags & ENTRY_GONE))
			continue;
		for (i = at + 1; i < s->nlossy; i++)
			if (all[k]->type == EVENT_DIR && s->lossy[i] != NULL &&
			    tree_below(s->lossy[i], all[k]->dir))
				s->lossy[i] = NULL;
		change_gone(s->c, d, all[k]);
	}
	free(all);
}

void
finds_tell(struct finds *s, const struct timespec *since)
{
	size_t i;

	s->content = since != NULL;
	join(s, since);
	for (i = 0; i < s->n; i++)
		resolve(s, &s->found[i], 0);
	for (i = 0; i < s->nlossy; i++)
		tell_lost(s, i);
	for (i = 0; i < s->n; i++)
		free(s->found[i].name);
	free(s->found);
	free(s->lossy);
}
