#include "access.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "core.h"
#include "looks.h"
#include "statat.h"
#include "tree.h"

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

void
access_bar(struct core *c, struct dir *d, unsigned flag)
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

int
access_open(struct core *c, struct dir *d)
{
	struct stat st;
	int fd, error;

	fd = core_open_near(c, d, O_RDONLY | O_NONBLOCK);
	if (fd == -1) {
		error = errno;
		if (error == EACCES || error == EPERM) {
			if (!(d->flags & DIR_UNREADABLE) && d->self != NULL)
				core_note_dir(c, NOTE_UNREADABLE, d, error);
			access_bar(c, d, DIR_UNREADABLE);
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
			core_doubt_place(c, d);
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

struct dir *
access_watch(struct core *c, struct dir *d, int fd, int id)
{
	struct mark *m;
	struct dir *was;

	m = id != -1 ? core_mark_as(c, id, core_interest(c)) :
		       core_mark(c, fd, d->dev, core_interest(c));
	if (m == NULL) {
		limited(c, d, errno);
		core_detach(c, d);
		core_later(c, d, NULL);
		return NULL;
	}
	if (d->mark == m)
		return NULL;
	note_polled(c, d, m);
	was = d->self == NULL || (d->flags & DIR_ENTERED) ?
	    NULL :
	    stale_place(c, m, d, fd);
	if (was != NULL)
		return was;
	/* What has changed since the last look nobody else will tell. */
	if ((d->flags & DIR_ENTERED) && (d->flags & DIR_STATS))
		d->flags |= DIR_LOOK;
	core_detach(c, d);
	core_attach(m, d);
	return NULL;
}
