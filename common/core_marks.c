#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "looks.h"
#include "monotonic.h"
#include "pool.h"
#include "remote.h"
#include "tree.h"

/* Marks, in a hash table with chains; ids are small numbers in a row. */

static struct mark **
mark_slot(const struct core *c, int id)
{
	return &c->marks[(unsigned)id & (c->cap_marks - 1)];
}

static int
grow_marks(struct core *c)
{
	struct core bigger = *c;
	struct mark *m, *next, **slot;
	size_t i;

	if (c->nmarks < c->cap_marks)
		return 0;
	bigger.cap_marks = c->cap_marks == 0 ? 64 : c->cap_marks * 2;
	bigger.marks = calloc(bigger.cap_marks, sizeof(struct mark *));
	if (bigger.marks == NULL)
		return -1;
	for (i = 0; i < c->cap_marks; i++) {
		for (m = c->marks[i]; m != NULL; m = next) {
			next = m->chain;
			slot = mark_slot(&bigger, m->id);
			m->chain = *slot;
			*slot = m;
		}
	}
	free(c->marks);
	c->marks = bigger.marks;
	c->cap_marks = bigger.cap_marks;
	return 0;
}

struct mark *
core_find_mark(const struct core *c, int id)
{
	struct mark *m;

	if (c->cap_marks == 0 || id == -1)
		return NULL;
	for (m = *mark_slot(c, id); m != NULL; m = m->chain)
		if (m->id == id)
			return m;
	return NULL;
}

/* The ids of the second side are negative here: from -2 downwards. */
static int
turned(int id)
{
	return -2 - id;
}

static int
id_on_side(const struct mark *m)
{
	return m->id < 0 ? turned(m->id) : m->id;
}

/* What kind of file system that tells nothing the directory is on, or NULL.
 * Answered once for each device, until a burst is over. */
static const char *
kind_of(struct core *c, int dirfd, uint64_t dev)
{
	if (c->kind_dev != dev) {
		c->kind = remote_kind(dirfd);
		c->kind_dev = dev;
	}
	return c->kind;
}

/* Has one of the sides watch the directory. Returns its id here, or -1 with
 * errno. */
static int
add_to_side(struct core *c, int dirfd, uint64_t dev, unsigned interest,
    const struct side **side, int *why)
{
	int id = -1;

	*why = 0;
	*side = &c->side[0];
	if (c->nsides == 1 || kind_of(c, dirfd, dev) == NULL) {
		id = (*side)->ops->add((*side)->b, dirfd, interest);
		if (id != -1 || c->nsides == 1)
			return id;
		*why = errno;
	}
	*side = &c->side[1];
	id = (*side)->ops->add((*side)->b, dirfd, interest);
	return id == -1 ? -1 : turned(id);
}

/* The mark of that id, or a new one. */
static struct mark *
mark_of(struct core *c, const struct side *side, int id, unsigned interest)
{
	struct mark *m = core_find_mark(c, id), **slot;

	if (m == NULL) {
		m = grow_marks(c) == -1 ? NULL :
					  pool_alloc(c->pool, sizeof(*m));
		if (m == NULL) {
			side->ops->remove(side->b, id < 0 ? turned(id) : id);
			return NULL;
		}
		m->side = side;
		m->id = id;
		slot = mark_slot(c, id);
		m->chain = *slot;
		*slot = m;
		c->nmarks++;
	}
	m->interest |= (uint8_t)interest;
	return m;
}

struct mark *
core_mark(struct core *c, int dirfd, uint64_t dev, unsigned interest)
{
	const struct side *side;
	struct mark *m;
	int id, why;

	id = add_to_side(c, dirfd, dev, interest, &side, &why);
	if (id == -1)
		return NULL;
	m = mark_of(c, side, id, interest);
	if (m != NULL)
		m->why = (uint8_t)why;
	return m;
}

struct mark *
core_mark_as(struct core *c, int id, unsigned interest)
{
	return mark_of(c, &c->side[0], id, interest);
}

static void
drop_mark(struct core *c, struct mark *m)
{
	struct mark **at;

	for (at = mark_slot(c, m->id); *at != m; at = &(*at)->chain)
		;
	*at = m->chain;
	c->nmarks--;
}

void
core_unmark(struct core *c, struct mark *m)
{
	if (m->places != NULL || m->posts != NULL)
		return;
	drop_mark(c, m);
	if (!c->closing)
		m->side->ops->remove(m->side->b, id_on_side(m));
	pool_free(m, sizeof(*m));
}

static void
stir(void *ctx, const char *name, size_t len)
{
	struct entry *e = tree_find(ctx, name, len);

	if (e != NULL)
		e->flags |= ENTRY_STIRRED;
}

void
core_forget_queued(struct core *c, struct dir *d)
{
	const struct mark *m = d->mark;

	if (m->places->next_place != NULL)
		return;
	m->side->ops->pending(m->side->b, m->id, 0, stir, d);
	m->side->ops->forget(m->side->b, m->id, NULL, 0);
	if (m->id == c->inverse.id || m->id == c->inverse.to_id)
		c->inverse.id = -1;
}

static void
detach(struct dir *d)
{
	d->next_place = NULL;
	d->mark = NULL;
	d->flags &= ~DIR_STATS;
}

void
core_gone(struct core *c, struct mark *m,
    void (*lost)(struct core *c, struct dir *d))
{
	struct dir *d;
	struct post *p;

	while ((d = m->places) != NULL) {
		m->places = d->next_place;
		detach(d);
		core_forget_fds(c, d);
		if (d->self != NULL && lost != NULL)
			lost(c, d);
		core_doubt_place(c, d);
	}
	while ((p = m->posts) != NULL) {
		m->posts = p->next;
		p->mark = NULL;
		core_suspect(c, p->scope);
	}
	drop_mark(c, m);
	pool_free(m, sizeof(*m));
}

int
core_open_sides(struct core *c, const struct backend_ops *first)
{
	const struct backend_ops *ops[] = {first, &backend_poll};
	size_t n = first == &backend_poll ? 1 : 2;
	int error;

	for (; c->nsides < n; c->nsides++) {
		c->side[c->nsides].ops = ops[c->nsides];
		c->side[c->nsides].b =
		    ops[c->nsides]->open(c->cfg->opt->poll_ms);
		if (c->side[c->nsides].b == NULL) {
			error = errno;
			core_close_sides(c);
			errno = error;
			return -1;
		}
	}
	return 0;
}

void
core_close_sides(struct core *c)
{
	while (c->nsides > 0) {
		c->nsides--;
		c->side[c->nsides].ops->close(c->side[c->nsides].b);
	}
}

bool
core_exact(const struct dir *d)
{
	return d->mark != NULL && d->mark->side->ops->exact;
}

int
core_fill(struct core *c)
{
	int ret = 1, filled;
	size_t i;

	for (i = 0; i < c->nsides; i++) {
		filled = c->side[i].ops->fill(c->side[i].b);
		if (filled == -1)
			return -1;
		if (filled == 0)
			ret = 0;
	}
	return ret;
}

/* The kernel has seen a file being written. Its times need not show it: they
 * are whole seconds on some file systems, and ticks of a clock on others. */
static void
take_written(const struct dir *d, const struct hint *h)
{
	struct entry *e = tree_find(d, h->name, h->name_len);
	struct entry_stat *es = e == NULL ? NULL : tree_stat(e);

	if (es != NULL)
		es->mtime = ENTRY_WRITTEN;
}

/* Something about the directory of a mark may have changed: puts that in
 * doubt. */
static void
take_change(struct core *c, const struct mark *m, const struct hint *h)
{
	struct dir *d;
	struct post *p;

	if (m == NULL)
		return;
	for (p = m->posts; p != NULL; p = p->next)
		if (h->name_len == 0 || strcmp(p->name, h->name) == 0)
			core_suspect(c, p->scope);
	for (d = m->places; d != NULL; d = d->next_place) {
		if (h->name_len > 0 && (h->what & BACKEND_MODIFIED))
			take_written(d, h);
		if (h->name_len > 0)
			core_doubt(c, d, h->name);
		else if (h->what & BACKEND_MODIFIED)
			core_doubt_look(c, d);
		else if (h->what & BACKEND_NAMES)
			core_doubt(c, d, NULL);
		if (h->name_len == 0 && (h->what & BACKEND_ATTRIB) &&
		    d->self != NULL)
			core_doubt(c, d->parent, d->self->name);
	}
}

/* Half of a rename is to be given up: whoever renames may have been held up in
 * the midst of it, with the lock that looks_wait() waits for. Returns whether
 * there is such a half. */
static bool
complete_half(struct core *c, const struct side *side)
{
	int id = side->ops->exact ? side->ops->half(side->b) : -1, fd = -1;
	const struct mark *m = id == -1 ? NULL : core_find_mark(c, id);

	if (m != NULL && m->places != NULL)
		fd = core_dirfd(c, m->places);
	if (fd != -1) {
		looks_wait(fd);
		(void)side->ops->fill(side->b);
	}
	return id != -1;
}

/* The next hint of one side that is not a doubt already. Returns 1, or 0 when
 * there is none. */
static int
next_of(struct core *c, const struct side *side, struct hint *h)
{
	struct mark *m;

	while (side->ops->next(side->b, h) == 1 ||
	    (complete_half(c, side) && side->ops->next(side->b, h) == 1)) {
		if (side != &c->side[0])
			h->id = turned(h->id);
		if (side->ops->exact)
			return 1;
		m = core_find_mark(c, h->id);
		if (h->kind == HINT_CHANGED) {
			c->nhints++;
			take_change(c, m, h);
		} else if (h->kind == HINT_GONE) {
			c->nhints++;
			if (m != NULL)
				core_gone(c, m, NULL);
		} else {
			return 1;
		}
	}
	return 0;
}

int
core_next(struct core *c, struct hint *h)
{
	size_t i;

	if (c->kept.held) {
		c->kept.held = false;
		*h = c->kept.hint;
		return 1;
	}
	for (i = 0; i < c->nsides; i++)
		if (next_of(c, &c->side[i], h) == 1)
			return 1;
	return 0;
}

void
core_gather(struct core *c)
{
	struct hint *h = &c->kept.hint;
	const struct side *side;
	size_t i;

	for (i = 0; i < c->nsides && !c->kept.held; i++) {
		side = &c->side[i];
		if (side->ops->exact || side->ops->fill(side->b) == -1 ||
		    next_of(c, side, h) == 0)
			continue;
		/* One that is to be told by itself: in its turn. */
		c->kept.held = true;
		if (h->name_len >= sizeof(c->kept.name))
			h->name_len = sizeof(c->kept.name) - 1;
		memcpy(c->kept.name, h->name, h->name_len);
		c->kept.name[h->name_len] = '\0';
		h->name = c->kept.name;
	}
}

bool
core_closing(const struct core *c, const struct dir *d, const char *name,
    size_t len)
{
	const struct hint *h = &c->kept.hint;
	const struct side *side;

	if (d->mark == NULL)
		return false;
	if (c->kept.held && h->kind == HINT_CLOSED && h->id == d->mark->id &&
	    h->name_len == len && memcmp(h->name, name, len) == 0)
		return true;
	side = d->mark->side;
	return side->ops->closing != NULL &&
	    side->ops->closing(side->b, id_on_side(d->mark), name, len);
}

void
core_found(struct core *c, const struct dir *d)
{
	(void)c;
	if (d->mark != NULL && d->mark->side->ops->found != NULL)
		d->mark->side->ops->found(d->mark->side->b,
		    id_on_side(d->mark));
}

void
core_look_now(struct core *c)
{
	const struct side *side;
	size_t i;

	for (i = 0; i < c->nsides; i++) {
		side = &c->side[i];
		if (side->ops->look_now != NULL)
			side->ops->look_now(side->b);
	}
}

void
core_waited(struct core *c, int64_t ms)
{
	const struct side *side;
	size_t i;

	for (i = 0; i < c->nsides; i++) {
		side = &c->side[i];
		if (side->ops->waited != NULL)
			side->ops->waited(side->b, ms);
	}
}

bool
core_holds(const struct core *c)
{
	return c->side[0].ops->exact && c->side[0].ops->wait(c->side[0].b) >= 0;
}

int
core_wait(struct core *c)
{
	int wait = -1, ms;
	size_t i;

	if (c->kept.held)
		return 0;
	for (i = 0; i < c->nsides; i++) {
		ms = c->side[i].ops->wait(c->side[i].b);
		if (ms != -1)
			monotonic_sooner(&wait, ms);
	}
	if (c->later_at != 0)
		monotonic_sooner(&wait, c->later_at - monotonic_ms());
	for (i = 0; i < c->retries.n; i++)
		monotonic_sooner(&wait, c->retries.item[i].at - monotonic_ms());
	return wait;
}

void
core_attach(struct mark *m, struct dir *d)
{
	d->mark = m;
	d->next_place = m->places;
	m->places = d;
	if (!m->side->ops->exact)
		d->flags |= DIR_STATS;
}

void
core_detach(struct core *c, struct dir *d)
{
	struct mark *m = d->mark;
	struct dir **at;

	if (m == NULL)
		return;
	for (at = &m->places; *at != d; at = &(*at)->next_place)
		;
	*at = d->next_place;
	detach(d);
	core_unmark(c, m);
}
