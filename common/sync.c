#include "sync.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"
#include "compat.h"
#include "core.h"
#include "dirents.h"
#include "finds.h"
#include "grow.h"
#include "looks.h"
#include "owed.h"
#include "statat.h"
#include "tree.h"

struct sync {
	struct core *c;
	bool deep;
	bool found; /* a change that the index had not */
	const struct timespec *since;
	struct finds finds;
	struct dir *entering; /* told already, though not entered */

	struct dir **work; /* directories to be listed */
	size_t nwork;
	size_t cap_work;

	/* Many of them are listed ahead. */
	struct ahead *ahead;
	bool alone; /* that cannot be */
	uint64_t before; /* the position before that */
	uint64_t after; /* and when nothing older is of interest any more */
	bool filled; /* what has come until then is pending */
};

/* With fewer directories to be listed it is not worth it. */
#define AHEAD_LEAST 16
/* So many parents are opened at the most for what is looked at together. */
#define AHEAD_PARENTS (CORE_FDS / 2)

static void
start(struct sync *s, struct core *c, enum completeness how)
{
	memset(s, 0, sizeof(*s));
	s->c = c;
	s->finds.c = c;
	s->finds.how = how;
	c->pass++;
}

static void
finish(struct sync *s)
{
	if (s->finds.n > 0 || s->finds.nlossy > 0)
		(void)clock_gettime(CLOCK_REALTIME, &s->c->now);
	finds_tell(&s->finds, s->since);
	free(s->work);
}

/* Is d to be listed in this pass, or has it been? Listed twice, what is new in
 * it would be found twice. */
static bool
is_met(const struct sync *s, const struct dir *d)
{
	const struct mark *m = d->mark;

	return (d->flags & DIR_QUEUED) ||
	    ((d->flags & DIR_ENTERED) && (d->flags & DIR_STATS) && m != NULL &&
		m->pass == s->c->pass && m->places->next_place == NULL);
}

static void
push_work(struct sync *s, struct dir *d)
{
	struct dir **p;

	if (is_met(s, d))
		return;
	p = grow(s->work, &s->cap_work, s->nwork, sizeof(struct dir *));
	if (p == NULL) {
		s->c->resync = true;
		return;
	}
	s->work = p;
	s->work[s->nwork++] = d;
	d->flags |= DIR_QUEUED;
}

/* The place of d itself is in doubt. */
static void
doubt_place(struct core *c, struct dir *d)
{
	if (d->self != NULL)
		core_doubt(c, d->parent, d->self->name);
	else
		core_suspect(c, tree_owner(d));
}

static struct entry *
entry_of(const struct core *c, const char *name, const struct event_stat *st,
    bool link)
{
	struct entry *e;
	enum event_type type = event_type_of(st->mode);

	e = tree_new(c->pool, name, strlen(name), type, st->ino);
	if (e == NULL || type != EVENT_DIR)
		return e;
	e->dir->dev = st->dev;
	if (link)
		e->dir->flags |= DIR_LINK;
	return e;
}

/* A listing under way. */
struct listing {
	struct core *c;
	int fd;
	struct dir *into;
};

/* In a listing: its change time is older than sync.since. */
#define ENTRY_CALM ENTRY_SEEN

/* One line of a listing, as cheaply as it can be had. NULL with ENOENT for a
 * name that is gone again. */
static struct entry *
entry_listed(const struct listing *l, const struct dirent_line *line)
{
	struct event_stat st;
	struct pool *pool = l->c->pool;
	size_t len = strlen(line->name);
	bool link;

	switch (line->type) {
	case DT_REG:
		return tree_new(pool, line->name, len, EVENT_FILE, line->ino);
	case DT_DIR:
		/* A mount point's own number is known when it is opened. */
		return tree_new(pool, line->name, len, EVENT_DIR, 0);
	case DT_LNK:
		if (l->c->cfg->opt->follow)
			break;
		return tree_new(pool, line->name, len, EVENT_SYMLINK,
		    line->ino);
	case DT_UNKNOWN:
		break;
	default:
		return tree_new(pool, line->name, len, EVENT_OTHER, line->ino);
	}
	if (looks_classify(l->c, l->fd, line->name, &st, &link) == -1) {
		errno = ENOENT;
		return NULL;
	}
	return entry_of(l->c, line->name, &st, link);
}

static int
take_line(void *ctx, const struct dirent_line *line)
{
	const struct listing *l = ctx;
	struct entry *e;

	if (tree_find(l->into, line->name, strlen(line->name)) != NULL)
		return 0;
	e = entry_listed(l, line);
	if (e == NULL)
		return errno == ENOENT ? 0 : -1;
	if (line->old)
		e->flags |= ENTRY_CALM;
	if (tree_link(l->into, e) == 0)
		return 0;
	tree_free(e);
	return -1;
}

/* Lists the directory fd into `into`, which is empty. got: what was read of it
 * ahead, or NULL. Returns 0, or -1 with errno. */
static int
list(struct core *c, int fd, const struct ahead_dir *got, const char *only,
    struct dir *into)
{
	struct listing l = {.c = c, .fd = fd, .into = into};
	struct event_stat st;
	struct entry *e;
	bool link;

	if (got != NULL)
		return ahead_lines(got, take_line, &l);
	if (only == NULL)
		return dirents_each(fd, take_line, &l);
	if (looks_classify(c, fd, only, &st, &link) == -1)
		return errno == ENOENT ? 0 : -1;
	e = entry_of(c, only, &st, link);
	return e == NULL ? -1 : tree_link(into, e);
}

/* A listing and the index, for a name that the kernel will still tell of. */
struct pending {
	struct core *c;
	struct dir *listed;
	struct dir *known;
};

static void
leave_to_hints(void *ctx, const char *name, size_t len)
{
	struct pending *p = ctx;
	struct entry *e;

	e = tree_find(p->listed, name, len);
	if (e != NULL) {
		tree_unlink(p->listed, e);
		tree_free(e);
	}
	e = p->known == NULL ? NULL : tree_find(p->known, name, len);
	if (e != NULL) {
		e->flags |= ENTRY_SEEN;
		core_doubt(p->c, p->known, e->name);
	}
}

/* The same name in the same directory, reached by another way. */
static bool
is_alias(const struct dir *a, const struct dir *b)
{
	return a->parent->mark != NULL && a->parent->mark == b->parent->mark &&
	    strcmp(a->self->name, b->self->name) == 0;
}

/* Is d told? What was found in this pass is in no directory yet. */
static bool
is_told(const struct dir *d)
{
	for (; d->self != NULL; d = d->parent)
		if (tree_find(d->parent, d->self->name, d->self->len) !=
		    d->self)
			return false;
	return true;
}

/* The place among those of m, open as own, that does not lead to its directory
 * any more. It is of the same root: each root is told by itself where a
 * directory has gone to, and one that covers both names must find it where it
 * was. (What is polled is known by its numbers, and a new directory may have
 * those of one that is gone.) */
static struct dir *
stale_place(struct core *c, const struct mark *m, const struct dir *d, int own)
{
	struct dir *q;
	struct event_stat st;
	int fd;

	for (q = m->places; q != NULL; q = q->next_place) {
		if (q == d || q->self == NULL || tree_below(d, q) ||
		    tree_owner(q) != tree_owner(d) || is_alias(q, d) ||
		    (q->self->flags & ENTRY_MOVING))
			continue;
		fd = core_open(c, q, COMPAT_O_PATH);
		if (fd != -1)
			(void)close(fd);
		else if (is_told(q) &&
		    (core_exact(q) ||
			(stat_at(own, "", false, &st) == 0 &&
			    !looks_reborn(q->born, &st))))
			return q;
	}
	return NULL;
}

static bool
is_loop(const struct core *c, const struct dir *d)
{
	const struct dir *up;

	if (!c->cfg->opt->follow)
		return false;
	for (up = d->parent; up != NULL; up = up->parent)
		if (up->ino == d->ino && up->dev == d->dev)
			return true;
	return false;
}

/* d, or something in it, may not be looked at (flag). That ends with a change
 * of the mode of d or of a directory above it, which shows in its parent. */
static void
bar(struct core *c, struct dir *d, unsigned flag)
{
	struct dir *up;
	struct mark *m;
	int fd;

	if (d->flags & flag)
		return;
	d->flags |= flag;
	c->barred = true;
	for (up = d->parent; up != NULL; up = up->parent) {
		fd = core_dirfd(c, up);
		m = fd == -1 ? NULL : core_mark(c, fd, up->dev, BACKEND_ATTRIB);
		/* Where the watch on it has just ended it is a new one, of
		 * nobody. */
		if (m != NULL)
			core_unmark(c, m);
	}
}

/* A limit was met at d: that is said once. */
static void
limited(struct core *c, const struct dir *d, int error)
{
	if (!c->limited)
		core_note_dir(c, NOTE_LIMIT, d, error);
	c->limited = true;
}

/* Opens d to be listed. -1: it cannot be, and what follows from that has been
 * seen to. */
static int
open_listed(struct sync *s, struct dir *d)
{
	struct core *c = s->c;
	struct stat st;
	int fd, error;

	fd = core_open_near(c, d, O_RDONLY | O_NONBLOCK);
	if (fd == -1) {
		error = errno;
		if (error == EACCES || error == EPERM) {
			if (!(d->flags & DIR_UNREADABLE) && d->self != NULL)
				core_note_dir(c, NOTE_UNREADABLE, d, error);
			bar(c, d, DIR_UNREADABLE);
			/* But not where each tells of itself only. */
			if (d->self != NULL && !core_exact(d->parent))
				core_later(c, d->parent, d->self->name);
		} else if (error == EMFILE || error == ENFILE ||
		    error == ENOMEM) {
			if (d->self != NULL)
				limited(c, d, error);
			core_later(c, d->self != NULL ? d->parent : d,
			    d->self != NULL ? d->self->name : NULL);
		} else {
			doubt_place(c, d);
		}
		errno = error;
		return -1;
	}
	if (fstat(fd, &st) == -1)
		goto out;
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	d->flags &= ~DIR_UNREADABLE;
	if (c->cfg->opt->one_file_system && d->self != NULL &&
	    st.st_dev != core_scope(d)->dev) {
		errno = EXDEV;
		goto out;
	}
	if (is_loop(c, d)) {
		if (!(d->flags & DIR_LOOP))
			core_note_dir(c, NOTE_LOOP, d, 0);
		d->flags |= DIR_LOOP;
		errno = ELOOP;
		goto out;
	}
	return fd;
out:
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

/* d is polled: says so where there is something to be done about it. */
static void
note_polled(struct core *c, const struct dir *d, const struct mark *m)
{
	const struct dir *up = d->parent;

	if (m->side == &c->side[0])
		return;
	if (m->why == EMFILE || m->why == ENFILE || m->why == ENOSPC ||
	    m->why == ENOMEM)
		limited(c, d, m->why);
	else if (up == NULL || !(up->flags & DIR_STATS))
		core_note_dir(c,
		    watch_options_told(c->cfg->opt, m->side->ops) ?
			NOTE_POLLED :
			NOTE_POLLED_LESS,
		    d, m->why);
}

/* Has d, open as fd, watched, unless it is already, as id. Returns false when d
 * turned out to be a directory that the index has elsewhere; then it is freed.
 */
static bool
watch_dir(struct sync *s, struct dir *d, int fd, int id)
{
	struct core *c = s->c;
	struct mark *m;
	struct dir *was;

	m = id != -1 ? core_mark_as(c, id, core_interest(c)) :
		       core_mark(c, fd, d->dev, core_interest(c));
	if (m == NULL) {
		limited(c, d, errno);
		core_detach(c, d);
		core_later(c, d, NULL);
		return true;
	}
	if (d->mark == m)
		return true;
	note_polled(c, d, m);
	was = d->self == NULL || (d->flags & DIR_ENTERED) ?
	    NULL :
	    stale_place(c, m, d, fd);
	if (was != NULL) {
		finds_take_over(&s->finds, d->self, d->parent, was,
		    d == s->entering);
		return false;
	}
	/* What has changed since the last look nobody else will tell. */
	if ((d->flags & DIR_ENTERED) && (d->flags & DIR_STATS))
		d->flags |= DIR_LOOK;
	core_detach(c, d);
	core_attach(m, d);
	return true;
}

/* A directory's content is to be listed, or else it is looked at once, so that
 * it is known again. */
static void
enter_or_see(struct sync *s, int fd, struct dir *d, struct entry *e)
{
	struct event_stat st;
	bool link;

	if (change_enters(s->c, d, e)) {
		push_work(s, e->dir);
	} else if (e->dir->ino == 0 &&
	    looks_classify(s->c, fd, e->name, &st, &link) == 0 &&
	    S_ISDIR(st.mode)) {
		e->dir->dev = st.dev;
		e->dir->ino = st.ino;
	}
}

static void
enter_children(struct sync *s, int fd, struct dir *d)
{
	struct entry *e;
	uint32_t pos = 0;

	if (d->flags & DIR_STATS)
		while ((e = tree_next(d, &pos)) != NULL)
			(void)looks_take(s->c, d, fd, e, true);
	pos = 0;
	while ((e = tree_next(d, &pos)) != NULL)
		if (e->type == EVENT_DIR)
			enter_or_see(s, fd, d, e);
}

/* A name that was not known to be this very file: what was told of it may have
 * been of another one. */
static void
recognize(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st)
{
	bool known = e->ino != 0;

	e->ino = st->ino; /* first: content is told of what is known only */
	if (!known && e->type == EVENT_FILE) {
		change_tell(c, EVENT_MODIFIED, d, e->name, e->type, st);
		change_complete(c, d, e, st, COMPLETE_FOUND);
	}
}

/* A name that both the disk and the index have, as the same thing. calm: it
 * has not changed since the last comparison. */
static void
compare_same(struct sync *s, int fd, struct dir *d, struct entry *e, bool calm)
{
	struct event_stat st;
	bool isdir = e->type == EVENT_DIR;

	e->flags |= ENTRY_SEEN;
	if (d->flags & (DIR_STATS | DIR_LOOK)) {
		/* Which may make another entry of one that is no directory. */
		if ((d->flags & DIR_LOOK) && looks_compare(s->c, d, fd, e))
			s->found = true;
		if (!isdir)
			return;
	}
	if (isdir) {
		/* One that has been told, and is not entered (it could not
		 * be read): what is in it is told when it is. */
		if (!(e->dir->flags & DIR_ENTERED) && change_enters(s->c, d, e))
			core_doubt(s->c, d, e->name);
		else if ((e->dir->flags & DIR_ENTERED) && s->deep)
			push_work(s, e->dir);
		return;
	}
	if (e->type != EVENT_FILE)
		return;
	if (s->since == NULL || calm ||
	    stat_at(fd, e->name, false, &st) == -1 ||
	    st.ctime.tv_sec < s->since->tv_sec ||
	    (st.ctime.tv_sec == s->since->tv_sec &&
		st.ctime.tv_nsec < s->since->tv_nsec) ||
	    change_known(s->c, d, e->name, &st)) {
		owed_pay(s->c, d, e, 0);
		return;
	}
	change_tell(s->c, EVENT_MODIFIED, d, e->name, e->type, &st);
	change_complete(s->c, d, e, &st, COMPLETE_FOUND);
}

/* Compares one line of a listing with the index. Returns whether t has been
 * taken as something found. */
static bool
compare_one(struct sync *s, int fd, struct dir *d, struct entry *t)
{
	struct event_stat st;
	struct entry *e;
	bool link;

	e = tree_find(d, t->name, t->len);
	if (e != NULL && e->type == t->type && e->type != EVENT_DIR &&
	    e->ino == t->ino) {
		compare_same(s, fd, d, e, (t->flags & ENTRY_CALM) != 0);
		return false;
	}
	t->flags &= (uint8_t)~ENTRY_CALM;
	if (e != NULL) {
		/* The number in a listing is not always the file's own
		 * (mount points, overlays): ask. */
		if (looks_classify(s->c, fd, t->name, &st, &link) == -1)
			return false;
		if (looks_same(e, &st)) {
			if (e->type != EVENT_DIR)
				recognize(s->c, d, e, &st);
			compare_same(s, fd, d, e, false);
			return false;
		}
	}
	t = looks_take(s->c, d, fd, t, false);
	s->found = true;
	if (t->type == EVENT_DIR && core_scope(d)->npruned > 0)
		core_suspect(s->c, tree_owner(d)); /* one gets its claim */
	if (finds_add(&s->finds, d, t) == 0 && t->type == EVENT_DIR)
		enter_or_see(s, fd, d, t);
	return true;
}

/* Compares what d was listed as with what the index has of it. The listing
 * is empty afterwards. */
static void
compare(struct sync *s, int fd, struct dir *d, struct dir *listed)
{
	struct entry *e, **all;
	uint32_t pos, i, n = listed->count;
	bool lossy = false, found = s->found;

	s->found = false;
	if (s->deep && (d->flags & DIR_STATS))
		d->flags |= DIR_LOOK;
	all = tree_list(listed);
	if (all == NULL && n > 0) {
		s->c->resync = true;
		return;
	}
	tree_clear(listed);
	for (i = 0; i < n; i++)
		if (!compare_one(s, fd, d, all[i]))
			tree_free(all[i]);
	free(all);
	for (pos = 0; (e = tree_next(d, &pos)) != NULL;) {
		if (!(e->flags & ENTRY_SEEN)) {
			e->flags |= ENTRY_GONE;
			lossy = true;
		}
		e->flags &= (uint8_t)~ENTRY_SEEN;
	}
	if (lossy)
		finds_lossy(&s->finds, d);
	d->flags &= ~DIR_LOOK;
	if (lossy || s->found)
		core_found(s->c, d);
	s->found = s->found || found || lossy;
}

/* Takes what was had ahead: its descriptor. */
static int
take_ahead(struct ahead_dir *got)
{
	struct dir *d = got->dir;

	d->dev = d->parent->dev;
	d->ino = got->ino;
	d->flags &= ~DIR_UNREADABLE;
	return got->fd;
}

/* What is queued about the names in d is older than its listing will be. */
static void
forget_queued(const struct dir *d)
{
	const struct side *side = d->mark->side;

	if (d->mark->places->next_place == NULL)
		side->ops->forget(side->b, d->mark->id, NULL, 0);
}

/* Lists one directory, and takes down what is new and what is gone. got: what
 * of that was done ahead, or NULL. Returns 0, or -1 with errno when it cannot
 * be listed. */
static int
survey(struct sync *s, struct dir *d, struct ahead_dir *got)
{
	struct core *c = s->c;
	struct pending p = {.c = c, .listed = d, .known = NULL};
	const char *only = core_scope(d)->only;
	bool known = (d->flags & DIR_ENTERED) != 0;
	const struct side *side = NULL; /* where it is exact */
	uint64_t position = 0;
	size_t nwork = s->nwork;
	bool filled;
	int fd, error = 0;

	fd = got != NULL ? take_ahead(got) : open_listed(s, d);
	if (fd == -1)
		return -1;
	if (got != NULL)
		position = known ? s->after : s->before;
	else if (c->side[0].ops->exact)
		position = c->side[0].ops->position(c->side[0].b);
	if (known) {
		if (got == NULL && core_exact(d)) {
			side = d->mark->side;
			(void)core_fill(c);
			forget_queued(d);
			position = side->ops->position(side->b);
		}
		p.known = d;
		p.listed = tree_top(c->pool, NULL);
		if (p.listed == NULL) {
			error = ENOMEM;
			goto out;
		}
	}
	if (!watch_dir(s, d, fd, got != NULL ? got->id : -1)) {
		(void)close(fd);
		return 0;
	}
	if (d->mark != NULL)
		d->mark->pass = c->pass;
	if (d->flags & DIR_LINK)
		core_claim_link(c, d, fd);
	if (list(c, fd, got, only, p.listed) == -1)
		error = errno;
	c->nlisted++;
	c->nnames += p.listed->count;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (error == ENOMEM)
		c->resync = true;
	else if (error != 0 && error != ENOENT)
		core_later(c, d, NULL); /* half a listing (EIO) */
	if (core_exact(d)) {
		side = d->mark->side;
		filled =
		    got != NULL && got->whole ? s->filled : core_fill(c) != 0;
		if (!filled)
			core_doubt(c, d, NULL);
		side->ops->pending(side->b, d->mark->id, position,
		    leave_to_hints, &p);
	}
	d->flags |= DIR_ENTERED;
	d->flags &= ~DIR_UNSEEN;
	if (known && error == 0)
		compare(s, fd, d, p.listed);
	else if (!known)
		enter_children(s, fd, d);
out:
	if (known)
		tree_free_top(p.listed);
	/* Its children are next: they are opened by way of it. */
	if (s->nwork > nwork)
		core_keep_fd(c, d, fd);
	else
		(void)close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Can the directory be had ahead? It is an ordinary one, and what it is on is
 * known. */
static bool
is_plain(const struct core *c, const struct dir *d)
{
	return d->self != NULL && !(d->flags & DIR_LINK) &&
	    d->parent->dev == c->kind_dev && c->kind_dev != 0 &&
	    c->kind == NULL && (d->mark == NULL || core_exact(d));
}

/* Has many of those that are to be listed opened, watched and listed. */
static void
look_ahead(struct sync *s)
{
	struct core *c = s->c;
	const struct side *side = &c->side[0];
	struct dir *d;
	size_t n, opened = 0;
	bool plain;
	int at;

	if (s->nwork < AHEAD_LEAST || s->alone || c->cfg->opt->follow)
		return;
	if (s->ahead == NULL) {
		s->ahead =
		    ahead_new(side->ops, side->b, core_interest(c), s->since);
		s->alone = s->ahead == NULL;
		if (s->alone)
			return;
	}
	s->before = side->ops->position(side->b);
	(void)core_fill(c);
	for (n = 0; n < AHEAD_MAX && s->nwork > 0; n++) {
		d = s->work[s->nwork - 1];
		plain = is_plain(c, d);
		at = plain ? core_kept_fd(c, d->parent) : -1;
		if (plain && at == -1) {
			/* One that the others need must not give way. */
			if (++opened > AHEAD_PARENTS)
				break;
			at = core_dirfd(c, d->parent);
		}
		plain = plain && at != -1;
		if (plain && (d->flags & DIR_ENTERED) && core_exact(d))
			forget_queued(d);
		ahead_add(s->ahead, d, at, plain ? d->self->name : NULL,
		    c->kind_dev, d->ino);
		s->nwork--;
	}
	s->after = side->ops->position(side->b);
	ahead_run(s->ahead);
	s->filled = core_fill(c) != 0;
}

/* The next directory to be listed, or NULL. *got: had ahead, or NULL. */
static struct dir *
next_work(struct sync *s, struct ahead_dir **got)
{
	struct dir *d;

	*got = s->ahead == NULL ? NULL : ahead_next(s->ahead);
	if (*got == NULL) {
		look_ahead(s);
		*got = s->ahead == NULL ? NULL : ahead_next(s->ahead);
	}
	if (*got != NULL) {
		d = (*got)->dir;
		if ((*got)->fd == -1)
			*got = NULL;
		return d;
	}
	return s->nwork > 0 ? s->work[--s->nwork] : NULL;
}

/* Nobody wants what was had ahead of that directory. */
static void
leave_ahead(struct core *c, const struct ahead_dir *got)
{
	const struct side *side = &c->side[0];

	(void)close(got->fd);
	if (core_find_mark(c, got->id) == NULL)
		side->ops->remove(side->b, got->id);
}

static void
survey_all(struct sync *s)
{
	const struct core *c = s->c;
	struct ahead_dir *got;
	struct dir *d;
	bool ends = false;

	while ((d = next_work(s, &got)) != NULL) {
		d->flags &= ~DIR_QUEUED;
		if (ends && got != NULL)
			leave_ahead(s->c, got);
		else if (!ends)
			(void)survey(s, d, got);
		ends = ends ||
		    (c->cfg->progress != NULL &&
			!c->cfg->progress(c->cfg->ctx, c->nlisted, c->nnames));
	}
	ahead_free(s->ahead);
	s->ahead = NULL;
}

/* Tells what a survey found in a directory that had not been entered. */
static void
tell_entered(struct sync *s, struct dir *d)
{
	struct entry **all;
	uint32_t i, n = d->count;

	if (core_scope(d)->silent)
		return;
	all = tree_list(d);
	if (all == NULL && n > 0)
		s->c->resync = true;
	/* It has been looked at since it was listed. */
	(void)clock_gettime(CLOCK_REALTIME, &s->c->now);
	for (i = 0; all != NULL && i < n; i++)
		change_appeared(s->c, d, all[i], s->finds.how);
	free(all);
}

bool
sync_pending(struct core *c, struct dir *d, const char *name)
{
	if (!core_exact(d))
		return false;
	/* Or is there more to come than can be taken in? */
	return core_fill(c) == 0 ||
	    d->mark->side->ops->awaits(d->mark->side->b, d->mark->id, name,
		strlen(name));
}

void
sync_created(struct core *c, struct dir *d, const char *name,
    const struct event_stat *st, bool link, enum completeness how)
{
	struct sync s;
	struct entry *e;

	e = entry_of(c, name, st, link);
	if (e == NULL) {
		c->resync = true;
		return;
	}
	if (e->type != EVENT_DIR && tree_find(d, name, e->len) == NULL) {
		/* Nothing makes way, nothing is below: told as it is. */
		if (tree_link(d, e) == 0) {
			change_made(c, d, e, st, how);
		} else {
			tree_free(e);
			c->resync = true;
		}
		return;
	}
	start(&s, c, how);
	if (finds_add(&s.finds, d, e) == 0 && e->type == EVENT_DIR &&
	    change_enters(c, d, e))
		push_work(&s, e->dir);
	survey_all(&s);
	finish(&s);
}

/* Enters a directory that has been told already. */
static void
enter_told(struct core *c, struct dir *d, const char *name,
    enum completeness how)
{
	struct entry *e = tree_find(d, name, strlen(name));
	struct sync s;

	start(&s, c, how);
	s.entering = e->dir;
	push_work(&s, e->dir);
	survey_all(&s);
	tell_entered(&s, e->dir);
	finish(&s);
}

bool
sync_name(struct core *c, struct dir *d, const char *name,
    enum completeness how)
{
	struct event_stat st;
	struct entry *e;
	bool link, was = c->synthetic;
	int fd;

	/* What is not entered is listed whole when it is. */
	if (!(d->flags & DIR_ENTERED))
		return true;
	c->nlooks++;
	fd = core_dirfd(c, d);
	if (fd == -1) {
		if (errno == EACCES || errno == EPERM) {
			bar(c, d, DIR_UNSEEN);
			return false;
		}
		/* d is not where it should be: first that, then this. */
		doubt_place(c, d);
		core_doubt(c, d, name);
		return false;
	}
	if (sync_pending(c, d, name)) {
		/* Once they have been told there is a last look. */
		core_doubt(c, d, name);
		return false;
	}
	c->synthetic = true;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	e = tree_find(d, name, strlen(name));
	if (looks_classify(c, fd, name, &st, &link) == -1) {
		if (d->flags & DIR_STATS) {
			if (e != NULL && errno == ENOENT)
				core_doubt(c, d, NULL);
			e = NULL;
		}
		/* Not to be allowed to look is no sign of its being gone. */
		if (errno == EACCES || errno == EPERM)
			bar(c, d, DIR_UNSEEN);
		else if (e != NULL && errno == ENOENT)
			change_gone(c, d, e);
	} else if (e == NULL || !looks_same(e, &st)) {
		/* Where no names are told, what has come may have gone
		 * elsewhere. */
		if (d->flags & DIR_STATS)
			core_doubt(c, d, NULL);
		else
			sync_created(c, d, name, &st, link, how);
	} else if ((d->flags & DIR_STATS) && e->type != EVENT_DIR) {
		(void)looks_compare(c, d, fd, e);
		e = tree_find(d, name, strlen(name));
		if (e != NULL)
			owed_pay(c, d, e, c->delay);
	} else if (e->type != EVENT_DIR) {
		recognize(c, d, e, &st);
		owed_pay(c, d, e, c->delay);
	} else if (!(e->dir->flags & DIR_ENTERED)) {
		if (change_enters(c, d, e))
			enter_told(c, d, name, how);
	} else if (e->dir->mark == NULL) {
		sync_compare(c, &e->dir, 1, false, NULL);
	} else if (d->flags & DIR_STATS) {
		(void)looks_compare(c, d, fd, e);
	}
	c->synthetic = was;
	return true;
}

/* What has been said meanwhile by those who only say where to look: it may be
 * the other end of a move. */
static bool
more_work(struct sync *s)
{
	struct core *c = s->c;
	struct doubt *p;
	size_t i;

	core_gather(c);
	for (i = 0; i < c->doubts.n; i++) {
		p = &c->doubts.item[i];
		if (p->dir == NULL || p->name != NULL || p->deep ||
		    !(p->dir->flags & DIR_STATS) ||
		    p->dir->mark->pass == c->pass)
			continue;
		if (p->look)
			p->dir->flags |= DIR_LOOK;
		push_work(s, p->dir);
		p->dir = NULL;
	}
	return s->nwork > 0;
}

int
sync_enter(struct core *c, struct dir *top, enum completeness how)
{
	struct sync s;
	int error = 0;

	start(&s, c, how);
	if (survey(&s, top, NULL) == -1)
		error = errno;
	survey_all(&s);
	tell_entered(&s, top);
	finish(&s);
	errno = error;
	return error == 0 ? 0 : -1;
}

void
sync_compare(struct core *c, struct dir *const *dirs, size_t ndirs, bool deep,
    const struct timespec *since)
{
	struct sync s;
	bool was = c->synthetic;
	size_t i;

	start(&s, c, COMPLETE_FOUND);
	s.deep = s.finds.deep = deep;
	s.since = since;
	c->synthetic = true;
	for (i = ndirs; i > 0; i--)
		if (dirs[i - 1]->flags & DIR_ENTERED)
			push_work(&s, dirs[i - 1]);
	do
		survey_all(&s);
	while (s.found && more_work(&s));
	finish(&s);
	c->synthetic = was;
}
