#include "sync.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "ahead.h"
#include "core.h"
#include "finds.h"
#include "listing.h"
#include "looks.h"
#include "owed.h"
#include "statat.h"
#include "tree.h"
#include "worklist.h"

struct sync {
	struct core *c;
	bool deep;
	bool found; /* a change that the index had not */
	const struct timespec *since;
	struct finds finds;
	struct worklist work;
	struct dir *entering; /* told already, though not entered */
};

static void
start(struct sync *s, struct core *c, enum completeness how,
    const struct timespec *since)
{
	memset(s, 0, sizeof(*s));
	s->c = c;
	s->finds.c = c;
	s->finds.how = how;
	s->since = since;
	worklist_open(&s->work, c, since);
	c->pass++;
}

static void
finish(struct sync *s)
{
	if (s->finds.n > 0 || s->finds.nlossy > 0)
		(void)clock_gettime(CLOCK_REALTIME, &s->c->now);
	finds_tell(&s->finds, s->since);
	worklist_close(&s->work);
}

/* May the content of a file in d that looks like this have changed since then,
 * without that having been told? */
static bool
is_news(const struct sync *s, const struct dir *d, const struct entry *e,
    const struct event_stat *st)
{
	if (st->ctime.tv_sec < s->since->tv_sec ||
	    (st->ctime.tv_sec == s->since->tv_sec &&
		st->ctime.tv_nsec < s->since->tv_nsec))
		return false;
	return !change_known(s->c, d, e->name, st);
}

/* A listing and the index, for a name that the kernel will still tell of. */
struct pending {
	const struct sync *s;
	int fd; /* of both */
	struct dir *listed;
	struct dir *known;
};

static void
leave_to_hints(void *ctx, const char *name, size_t len)
{
	struct pending *p = ctx;
	const struct sync *s = p->s;
	struct event_stat st;
	struct entry *e;

	e = tree_find(p->listed, name, len);
	if (e != NULL) {
		tree_unlink(p->listed, e);
		tree_free(e);
	}
	e = p->known == NULL ? NULL : tree_find(p->known, name, len);
	if (e == NULL)
		return;
	e->flags |= ENTRY_SEEN;
	core_doubt(s->c, p->known, e->name);
	/* They do not tell what has been lost before. */
	if (e->type == EVENT_DIR && s->deep)
		core_doubt_below(s->c, e->dir, s->since != NULL);
	else if (e->type == EVENT_FILE &&
	    ((e->flags & ENTRY_STIRRED) ||
		(s->since != NULL &&
		    (stat_at(p->fd, e->name, false, &st) == -1 ||
			is_news(s, p->known, e, &st)))))
		owed_unheard(e);
}

/* A directory's content is to be listed, or else it is looked at once, so that
 * it is known again. */
static void
enter_or_see(struct sync *s, int fd, struct dir *d, struct entry *e)
{
	struct event_stat st;
	bool link;

	if (change_enters(s->c, d, e)) {
		worklist_add(&s->work, e->dir);
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
	const struct entry_stat *es;
	struct event_stat st;
	bool isdir = e->type == EVENT_DIR;
	/* Its number may be that of another file that was here before. */
	bool stirred = (e->flags & ENTRY_STIRRED) != 0;

	e->flags |= ENTRY_SEEN;
	if (d->flags & (DIR_STATS | DIR_LOOK)) {
		/* Which may make another entry of one that is no directory. */
		es = tree_stat(e);
		if (((d->flags & DIR_LOOK) || (es != NULL && es->adrift)) &&
		    looks_compare(s->c, d, fd, e))
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
			worklist_add(&s->work, e->dir);
		return;
	}
	if (e->type != EVENT_FILE)
		return;
	if (!(s->since == NULL ? stirred : !calm) ||
	    stat_at(fd, e->name, false, &st) == -1 ||
	    (s->since != NULL && !is_news(s, d, e, &st))) {
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
		if (looks_classify(s->c, fd, t->name, &st, &link) == -1) {
			/* Not to be allowed to look is no sign of its being
			 * gone. */
			if (errno == EACCES || errno == EPERM) {
				e->flags |= ENTRY_SEEN;
				access_bar(s->c, d, DIR_UNSEEN);
			}
			return false;
		}
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
		} else {
			e->flags &= (uint8_t) ~(ENTRY_SEEN | ENTRY_GONE);
		}
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

/* d, which was entered, could not be opened. Where that is because it has left
 * its name it is compared where it is by then. */
static void
put_off(const struct sync *s, struct dir *d, int error)
{
	if (error != ENOENT && error != ENOTDIR && error != ESTALE)
		return;
	if (s->deep)
		core_doubt_below(s->c, d, s->since != NULL);
	else
		core_doubt(s->c, d, NULL);
	if (d->mark != NULL)
		d->mark->pass = s->c->pass; /* but not in this pass */
}

/* Lists one directory, and takes down what is new and what is gone. got: what
 * of that was done ahead, or NULL. Returns 0, or -1 with errno when it cannot
 * be listed. */
static int
survey(struct sync *s, struct dir *d, struct ahead_dir *got)
{
	struct core *c = s->c;
	struct pending p = {.s = s, .listed = d, .known = NULL};
	const char *only = core_scope(d)->only;
	bool known = (d->flags & DIR_ENTERED) != 0;
	const struct side *side = NULL; /* where it is exact */
	uint64_t position = 0;
	size_t nwork = s->work.n;
	struct dir *was;
	bool filled;
	int fd, error = 0;

	fd = got != NULL ? take_ahead(got) : access_open(c, d);
	if (fd == -1) {
		error = errno;
		if (known)
			put_off(s, d, error);
		errno = error;
		return -1;
	}
	if (got != NULL)
		position = known ? s->work.after : s->work.before;
	else if (c->side[0].ops->exact)
		position = c->side[0].ops->position(c->side[0].b);
	if (known) {
		if (got == NULL && core_exact(d)) {
			side = d->mark->side;
			(void)core_fill(c);
			core_forget_queued(c, d);
			position = side->ops->position(side->b);
		}
		p.known = d;
		p.listed = tree_top(c->pool, NULL);
		if (p.listed == NULL) {
			error = ENOMEM;
			goto out;
		}
	}
	was = access_watch(c, d, fd, got != NULL ? got->id : -1);
	if (was != NULL) {
		/* Which frees d. */
		finds_take_over(&s->finds, d->self, d->parent, was,
		    d == s->entering);
		(void)close(fd);
		return 0;
	}
	if (d->mark != NULL)
		d->mark->pass = c->pass;
	if (d->flags & DIR_LINK)
		core_claim_link(c, d, fd);
	if (listing_read(c, fd, got, only, p.listed) == -1)
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
		filled = got != NULL && got->whole ? s->work.filled :
						     core_fill(c) != 0;
		if (!filled)
			core_doubt(c, d, NULL);
		p.fd = fd;
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
	if (s->work.n > nwork)
		core_keep_fd(c, d, fd);
	else
		(void)close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

static void
survey_all(struct sync *s)
{
	const struct core *c = s->c;
	struct ahead_dir *got;
	struct dir *d;
	bool ends = false;

	while ((d = worklist_next(&s->work, &got)) != NULL) {
		d->flags &= ~DIR_QUEUED;
		if (ends && got != NULL)
			worklist_skip(&s->work, got);
		else if (!ends)
			(void)survey(s, d, got);
		ends = ends ||
		    (c->cfg->progress != NULL &&
			!c->cfg->progress(c->cfg->ctx, c->nlisted, c->nnames));
	}
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

	e = listing_entry(c, name, st, link);
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
	start(&s, c, how, NULL);
	if (finds_add(&s.finds, d, e) == 0 && e->type == EVENT_DIR &&
	    change_enters(c, d, e))
		worklist_add(&s.work, e->dir);
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

	start(&s, c, how, NULL);
	s.entering = e->dir;
	worklist_add(&s.work, e->dir);
	survey_all(&s);
	tell_entered(&s, e->dir);
	finish(&s);
}

/* A name that could not be looked at, with that errno. */
static void
on_unseen(struct core *c, struct dir *d, struct entry *e, int error)
{
	/* Not to be allowed to look is no sign of its being gone. */
	if (error == EACCES || error == EPERM)
		access_bar(c, d, DIR_UNSEEN);
	if (e == NULL || error != ENOENT)
		return;
	if (!(d->flags & DIR_STATS)) {
		change_gone(c, d, e);
		return;
	}
	/* Where no names are told, it may have gone elsewhere. */
	looks_adrift(e);
	core_doubt(c, d, NULL);
}

/* A name under which there is what the index has: e. */
static void
on_same(struct core *c, struct dir *d, const char *name, int fd,
    struct entry *e, const struct event_stat *st, enum completeness how)
{
	bool isdir = e->type == EVENT_DIR;

	if (isdir && !(e->dir->flags & DIR_ENTERED)) {
		if (change_enters(c, d, e))
			enter_told(c, d, name, how);
		return;
	}
	if (isdir && e->dir->mark == NULL) {
		sync_compare(c, &e->dir, 1, false, NULL);
		return;
	}
	if (d->flags & DIR_STATS) {
		/* Which may make another entry of one that is no directory. */
		(void)looks_compare(c, d, fd, e);
		e = tree_find(d, name, strlen(name));
	} else if (!isdir) {
		recognize(c, d, e, st);
	}
	if (!isdir && e != NULL)
		owed_pay(c, d, e, c->delay);
}

bool
sync_name(struct core *c, struct dir *d, const char *name,
    enum completeness how)
{
	struct event_stat st;
	struct entry *e;
	bool link, seen, same, was = c->synthetic;
	int fd, error;

	/* What is not entered is listed whole when it is. */
	if (!(d->flags & DIR_ENTERED))
		return true;
	c->nlooks++;
	fd = core_dirfd(c, d);
	if (fd == -1) {
		if (errno == EACCES || errno == EPERM) {
			access_bar(c, d, DIR_UNSEEN);
			return false;
		}
		/* d is not where it should be: first that, then this. */
		core_doubt_place(c, d);
		core_doubt(c, d, name);
		return false;
	}
	e = tree_find(d, name, strlen(name));
	seen = looks_classify(c, fd, name, &st, &link) == 0;
	error = errno;
	same = seen && e != NULL && looks_same(e, &st);
	if (!same && core_exact(d))
		looks_wait(fd);
	/* Only now: how it has come to that may be told. */
	if (sync_pending(c, d, name)) {
		/* Once that has been told there is a last look. */
		core_doubt(c, d, name);
		return false;
	}
	c->synthetic = true;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (!seen) {
		on_unseen(c, d, e, error);
	} else if (same) {
		on_same(c, d, name, fd, e, &st, how);
	} else {
		/* What was here may be elsewhere now; and where no names are
		 * told, what has come may be from elsewhere. */
		if (e != NULL)
			looks_adrift(e);
		if (d->flags & DIR_STATS)
			core_doubt(c, d, NULL);
		else
			sync_created(c, d, name, &st, link, how);
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
		worklist_add(&s->work, p->dir);
		p->dir = NULL;
	}
	return s->work.n > 0;
}

int
sync_enter(struct core *c, struct dir *top, enum completeness how)
{
	struct sync s;
	int error = 0;

	start(&s, c, how, NULL);
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

	start(&s, c, COMPLETE_FOUND, since);
	s.deep = s.finds.deep = deep;
	c->synthetic = true;
	for (i = ndirs; i > 0; i--)
		if (dirs[i - 1]->flags & DIR_ENTERED)
			worklist_add(&s.work, dirs[i - 1]);
	do
		survey_all(&s);
	while (s.found && more_work(&s));
	finish(&s);
	c->synthetic = was;
}
