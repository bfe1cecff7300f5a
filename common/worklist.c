#include "worklist.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"
#include "core.h"
#include "grow.h"
#include "tree.h"

/* With fewer directories to be listed it is not worth it. */
#define AHEAD_LEAST 16
/* So many parents are opened at the most for what is looked at together. */
#define AHEAD_PARENTS (CORE_FDS / 2)

void
worklist_open(struct worklist *w, struct core *c, const struct timespec *since)
{
	memset(w, 0, sizeof(*w));
	w->c = c;
	w->since = since;
}

void
worklist_close(struct worklist *w)
{
	ahead_free(w->ahead);
	free(w->dirs);
}

/* Is d to be listed in this pass, or has it been? Listed twice, what is new in
 * it would be found twice. */
static bool
is_met(const struct worklist *w, const struct dir *d)
{
	const struct mark *m = d->mark;

	return (d->flags & DIR_QUEUED) ||
	    ((d->flags & DIR_ENTERED) && (d->flags & DIR_STATS) && m != NULL &&
		m->pass == w->c->pass && m->places->next_place == NULL);
}

void
worklist_add(struct worklist *w, struct dir *d)
{
	struct dir **p;

	if (is_met(w, d))
		return;
	p = grow(w->dirs, &w->cap, w->n, sizeof(struct dir *));
	if (p == NULL) {
		w->c->resync = true;
		return;
	}
	w->dirs = p;
	w->dirs[w->n++] = d;
	d->flags |= DIR_QUEUED;
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
look_ahead(struct worklist *w)
{
	struct core *c = w->c;
	const struct side *side = &c->side[0];
	struct dir *d;
	size_t n, opened = 0;
	bool plain;
	int at;

	if (w->n < AHEAD_LEAST || w->alone || c->cfg->opt->follow)
		return;
	if (w->ahead == NULL) {
		w->ahead =
		    ahead_new(side->ops, side->b, core_interest(c), w->since);
		w->alone = w->ahead == NULL;
		if (w->alone)
			return;
	}
	w->before = side->ops->position(side->b);
	(void)core_fill(c);
	for (n = 0; n < AHEAD_MAX && w->n > 0; n++) {
		d = w->dirs[w->n - 1];
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
			core_forget_queued(c, d);
		ahead_add(w->ahead, d, at, plain ? d->self->name : NULL,
		    c->kind_dev, d->ino);
		w->n--;
	}
	w->after = side->ops->position(side->b);
	ahead_run(w->ahead);
	w->filled = core_fill(c) != 0;
}

struct dir *
worklist_next(struct worklist *w, struct ahead_dir **got)
{
	struct dir *d;

	*got = w->ahead == NULL ? NULL : ahead_next(w->ahead);
	if (*got == NULL) {
		look_ahead(w);
		*got = w->ahead == NULL ? NULL : ahead_next(w->ahead);
	}
	if (*got != NULL) {
		d = (*got)->dir;
		if ((*got)->fd == -1)
			*got = NULL;
		return d;
	}
	return w->n > 0 ? w->dirs[--w->n] : NULL;
}

void
worklist_skip(const struct worklist *w, const struct ahead_dir *got)
{
	const struct side *side = &w->c->side[0];

	(void)close(got->fd);
	if (core_find_mark(w->c, got->id) == NULL)
		side->ops->remove(side->b, got->id);
}
