#include "core.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim.h"
#include "compat.h"
#include "grow.h"
#include "monotonic.h"
#include "pool.h"
#include "remote.h"
#include "statat.h"
#include "tree.h"

/* As far as a file's time is behind the clock at the most, where it has no
 * clock that says so: ten times a second are the fewest ticks there are. */
#define TICK_MAX 100000000

struct timespec
core_moment(void)
{
	struct timespec now, tick;

	(void)clock_gettime(COMPAT_CLOCK_FILES, &now);
	(void)clock_getres(COMPAT_CLOCK_FILES, &tick);
	now.tv_nsec -=
	    COMPAT_CLOCK_FILES == CLOCK_REALTIME ? TICK_MAX : tick.tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_nsec += 1000000000;
		now.tv_sec--;
	}
	return now;
}

const struct scope *
core_scope(const struct dir *d)
{
	return tree_owner(d);
}

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

/* The place of d itself is in doubt. */
static void
doubt_place(struct core *c, struct dir *d)
{
	if (d->self != NULL)
		core_doubt(c, d->parent, d->self->name);
	else
		core_suspect(c, tree_owner(d));
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
		if (d->self != NULL && lost != NULL)
			lost(c, d);
		doubt_place(c, d);
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

/* The next hint of one side that is not a doubt already. Returns 1, or 0 when
 * there is none. */
static int
next_of(struct core *c, const struct side *side, struct hint *h)
{
	struct mark *m;

	while (side->ops->next(side->b, h) == 1) {
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

void
core_found(struct core *c, const struct dir *d)
{
	(void)c;
	if (d->mark != NULL && d->mark->side->ops->found != NULL)
		d->mark->side->ops->found(d->mark->side->b,
		    id_on_side(d->mark));
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

/* What is told, with --settle, of something that may have been written. */
#define WRITTEN                                                   \
	(EVENT_BIT(EVENT_CREATED) | EVENT_BIT(EVENT_RENAMED) |    \
	    EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_COMPLETE) | \
	    EVENT_BIT(EVENT_ATTRIB))

unsigned
core_interest(const struct core *c)
{
	static const struct {
		unsigned events;
		unsigned interest;
	} table[] = {
	    {EVENT_BIT(EVENT_MODIFIED) | EVENT_BIT(EVENT_QUIET),
		BACKEND_MODIFIED},
	    {EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_COMPLETE),
		BACKEND_CLOSED},
	    {EVENT_BIT(EVENT_ATTRIB), BACKEND_ATTRIB},
	    {EVENT_BIT(EVENT_OPENED), BACKEND_OPENED},
	    {EVENT_BIT(EVENT_ACCESSED), BACKEND_ACCESSED},
	};
	unsigned interest = BACKEND_NAMES;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (c->cfg->opt->events & table[i].events)
			interest |= table[i].interest;
	/* What is being written is not quiet. */
	if (c->settle != NULL && (c->cfg->opt->events & WRITTEN))
		interest |= BACKEND_MODIFIED;
	/* What was being written is told again when it is closed (owed.h). */
	if (c->cfg->opt->content && (interest & BACKEND_MODIFIED))
		interest |= BACKEND_CLOSED;
	return interest;
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

struct claim
core_claim(const struct core *c, size_t levels)
{
	const struct watch_options *opt = c->cfg->opt;
	struct claim claim = {.kind = CLAIM_FLAT};

	if (opt->depth == SIZE_MAX || opt->depth > levels + 1) {
		claim.kind = CLAIM_TREE;
		claim.token = c->token;
		claim.one_fs = opt->one_file_system;
		claim.depth = opt->depth - levels > CLAIM_DEPTH_MAX ?
		    CLAIM_DEPTH_MAX :
		    (unsigned)(opt->depth - levels);
	}
	return claim;
}

void
core_claim_link(struct core *c, struct dir *d, int fd)
{
	/* A link in the root itself goes deepest, and any may be moved there
	 * without another look at what it leads to. */
	const struct claim claim = core_claim(c, 1);

	if (!c->cfg->opt->claim || c->unlinked ||
	    claims_link(&c->links, d, fd, &claim) == 0 || errno == EACCES ||
	    errno == ENOTSUP)
		return;
	core_note_dir(c, NOTE_UNTAKEN, d, errno);
	c->unlinked = true;
}

static void
forget_doubts(struct doubts *l, const struct dir *d)
{
	struct doubt *p;
	size_t i;

	for (i = 0; i < l->n; i++) {
		p = &l->item[i];
		if (p->dir != d)
			continue;
		free(p->name);
		p->name = NULL;
		p->dir = NULL;
	}
	while (l->n > 0 && l->item[l->n - 1].dir == NULL)
		l->n--;
}

static void
forget_dir(struct core *c, struct dir *d)
{
	size_t i;

	core_detach(c, d);
	if (d->flags & DIR_LINK)
		claims_unlink(&c->links, d);
	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir != d)
			continue;
		(void)close(c->fds[i].fd);
		c->fds[i].dir = NULL;
	}
	forget_doubts(&c->doubts, d);
	forget_doubts(&c->later, d);
	forget_doubts(&c->retries, d);
}

void
core_forget_below(struct core *c, struct dir *d, bool self)
{
	struct walk w = WALK(d);
	struct entry *e;

	while ((e = tree_walk(&w)) != NULL)
		if (e->type == EVENT_DIR)
			forget_dir(c, e->dir);
	if (self)
		forget_dir(c, d);
}

void
core_forget(struct core *c, struct entry *e)
{
	if (e->type == EVENT_DIR)
		core_forget_below(c, e->dir, true);
}

/* Opens a path that may be longer than the kernel takes at once. */
static int
open_long(char *path, size_t len, int flags)
{
	int at = AT_FDCWD, next, error;
	char *cut;

	while (len >= PATH_MAX) {
		cut = memrchr(path, '/', PATH_MAX - 1);
		if (cut == NULL || cut == path) {
			errno = ENAMETOOLONG;
			next = -1;
		} else {
			*cut = '\0';
			next = openat(at, path,
			    COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
			*cut = '/';
		}
		error = errno;
		if (at != AT_FDCWD)
			(void)close(at);
		errno = error;
		if (next == -1)
			return -1;
		at = next;
		len -= (size_t)(cut + 1 - path);
		path = cut + 1;
	}
	next = openat(at, path, flags);
	error = errno;
	if (at != AT_FDCWD)
		(void)close(at);
	errno = error;
	return next;
}

/* Closes fd and fails with ESTALE when it is not of the directory d. */
static int
identify(const struct dir *d, int fd)
{
	struct stat st;
	int error = ESTALE;

	if (fd == -1 || d->ino == 0)
		return fd;
	if (fstat(fd, &st) == -1)
		error = errno;
	else if (st.st_ino == d->ino && (d->dev == 0 || st.st_dev == d->dev))
		return fd;
	(void)close(fd);
	errno = error;
	return -1;
}

/* How many descriptors are kept at least: those in use at the moment. */
#define KEEP_MIN 2

/* Out of descriptors: gives back the one that was not used for longest.
 * Returns whether there was one to spare. */
static bool
spare_fd(struct core *c)
{
	size_t i, n = 0, oldest = CORE_FDS;

	if (errno != EMFILE && errno != ENFILE)
		return false;
	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == NULL)
			continue;
		n++;
		if (oldest == CORE_FDS || c->fds[i].used < c->fds[oldest].used)
			oldest = i;
	}
	if (n <= KEEP_MIN)
		return false;
	(void)close(c->fds[oldest].fd);
	c->fds[oldest].dir = NULL;
	return true;
}

int
core_open(struct core *c, const struct dir *d, int flags)
{
	const char *base = core_scope(d)->dir_path;
	struct buf name = BUF_INIT, path = BUF_INIT;
	int fd = -1;

	flags |= O_DIRECTORY | O_CLOEXEC;
	if (d->self != NULL && !(d->flags & DIR_LINK))
		flags |= O_NOFOLLOW;
	tree_name(d, NULL, 0, &name);
	buf_adds(&path, base);
	if (name.len > 0 && path.len > 0 && path.data[path.len - 1] != '/')
		buf_addc(&path, '/');
	buf_add(&path, name.data, name.len);
	buf_addc(&path, '\0');
	if (name.failed || path.failed)
		errno = ENOMEM;
	else
		do
			fd = open_long(path.data, path.len - 1, flags);
		while (fd == -1 && spare_fd(c));
	fd = identify(d, fd);
	buf_free(&name);
	buf_free(&path);
	return fd;
}

int
core_kept_fd(struct core *c, const struct dir *d)
{
	size_t i;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == d) {
			c->fds[i].used = ++c->fd_clock;
			return c->fds[i].fd;
		}
	}
	return -1;
}

int
core_open_near(struct core *c, struct dir *d, int flags)
{
	int parent = -1, fd;

	if (d->self != NULL)
		parent = core_kept_fd(c, d->parent);
	if (parent == -1)
		return core_open(c, d, flags);
	flags |= O_DIRECTORY | O_CLOEXEC;
	if (!(d->flags & DIR_LINK))
		flags |= O_NOFOLLOW;
	do
		fd = openat(parent, d->self->name, flags);
	while (fd == -1 && spare_fd(c));
	return identify(d, fd);
}

void
core_keep_fd(struct core *c, struct dir *d, int fd)
{
	size_t i, oldest = 0;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir == NULL || c->fds[i].dir == d) {
			oldest = i;
			break;
		}
		if (c->fds[i].used < c->fds[oldest].used)
			oldest = i;
	}
	if (c->fds[oldest].dir != NULL)
		(void)close(c->fds[oldest].fd);
	c->fds[oldest].dir = d;
	c->fds[oldest].fd = fd;
	c->fds[oldest].used = ++c->fd_clock;
}

int
core_dirfd(struct core *c, struct dir *d)
{
	int fd;

	fd = core_kept_fd(c, d);
	if (fd != -1)
		return fd;
	fd = core_open_near(c, d, COMPAT_O_PATH);
	if (fd != -1)
		core_keep_fd(c, d, fd);
	return fd;
}

void
core_close_fds(struct core *c)
{
	size_t i;

	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir != NULL)
			(void)close(c->fds[i].fd);
		c->fds[i].dir = NULL;
	}
	c->kind_dev = 0;
}

void
core_suspect(struct core *c, struct scope *s)
{
	s->suspect = true;
	c->suspects = true;
}

/* How many of the last doubts are compared: repeats come in runs. */
#define DOUBT_RUN 16

static struct doubt *
add_doubt(struct core *c, struct doubts *l, struct dir *d, const char *name)
{
	struct doubt *p;

	p = grow(l->item, &l->cap, l->n, sizeof(*p));
	if (p == NULL) {
		c->resync = true;
		return NULL;
	}
	l->item = p;
	p = &l->item[l->n];
	memset(p, 0, sizeof(*p));
	p->dir = d;
	p->name = name != NULL ? strdup(name) : NULL;
	if (name != NULL && p->name == NULL) {
		c->resync = true;
		return NULL;
	}
	l->n++;
	return p;
}

static struct doubt *
lately_doubted(const struct doubts *l, const struct dir *d, const char *name)
{
	struct doubt *p;
	size_t i;

	for (i = l->n; i > 0 && l->n - i < DOUBT_RUN; i--) {
		p = &l->item[i - 1];
		if (p->dir != d || p->deep ||
		    (name == NULL) != (p->name == NULL))
			continue;
		if (name == NULL || strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

void
core_doubt(struct core *c, struct dir *d, const char *name)
{
	if (lately_doubted(&c->doubts, d, name) == NULL)
		(void)add_doubt(c, &c->doubts, d, name);
}

void
core_doubt_look(struct core *c, struct dir *d)
{
	struct doubt *p = lately_doubted(&c->doubts, d, NULL);

	if (p == NULL)
		p = add_doubt(c, &c->doubts, d, NULL);
	if (p != NULL)
		p->look = true;
}

void
core_doubt_below(struct core *c, struct dir *d, bool content)
{
	struct doubt *p = add_doubt(c, &c->doubts, d, NULL);

	if (p != NULL) {
		p->deep = true;
		p->content = content;
	}
}

void
core_later(struct core *c, struct dir *d, const char *name)
{
	struct doubt *p = lately_doubted(&c->later, d, name);

	if (p != NULL)
		return;
	p = add_doubt(c, &c->later, d, name);
	if (p == NULL)
		return;
	p->at = monotonic_ms() + c->cfg->opt->poll_ms;
	if (c->later_at == 0)
		c->later_at = p->at;
}

void
core_retry(struct core *c, struct dir *d, const char *name, int delay)
{
	struct doubt *p = lately_doubted(&c->retries, d, name);

	if (p == NULL)
		p = add_doubt(c, &c->retries, d, name);
	if (p == NULL)
		return;
	p->delay = delay;
	p->at = monotonic_ms() + delay;
}

/* Doubts the retries whose time has come. There are few. */
static void
retry_now(struct core *c)
{
	struct doubts *l = &c->retries;
	struct doubt due;
	struct doubt *p;
	size_t i;

	for (i = l->n; i > 0; i--) {
		if (l->item[i - 1].at > monotonic_ms())
			continue;
		due = l->item[i - 1];
		l->item[i - 1] = l->item[--l->n];
		p = due.dir == NULL ?
		    NULL :
		    add_doubt(c, &c->doubts, due.dir, due.name);
		if (p != NULL)
			p->delay = due.delay;
		free(due.name);
	}
}

void
core_forget_doubts(struct doubts *l)
{
	while (l->n > 0)
		free(l->item[--l->n].name);
	free(l->item);
	memset(l, 0, sizeof(*l));
}

/* They are in the order of their times. */
void
core_now_later(struct core *c)
{
	struct doubts *l = &c->later;
	struct doubt *p;
	struct entry *e;
	int64_t now;
	size_t i;

	retry_now(c);
	if (c->later_at == 0)
		return;
	now = monotonic_ms();
	if (now < c->later_at)
		return;
	for (i = 0; i < l->n && l->item[i].at <= now; i++) {
		p = &l->item[i];
		if (p->dir == NULL)
			continue;
		core_doubt(c, p->dir, p->name);
		if (p->dir->self == NULL)
			core_suspect(c, tree_owner(p->dir));
		if (p->name == NULL)
			continue;
		e = tree_find(p->dir, p->name, strlen(p->name));
		if (e != NULL && (e->flags & ENTRY_OPEN))
			e->flags |= ENTRY_DUE;
		free(p->name);
	}
	l->n -= i;
	if (l->n > 0)
		memmove(l->item, l->item + i, l->n * sizeof(*l->item));
	c->later_at = l->n > 0 ? l->item[0].at : 0;
}

void
core_note(const struct core *c, enum watch_note note, const char *path,
    int error)
{
	c->cfg->note(c->cfg->ctx, note, path, error);
}

void
core_note_dir(struct core *c, enum watch_note note, const struct dir *d,
    int error)
{
	struct buf path = BUF_INIT, name = BUF_INIT;

	buf_adds(&path, core_scope(d)->dir_path);
	tree_name(d, NULL, 0, &name);
	if (name.len > 0 && path.len > 0 && path.data[path.len - 1] != '/')
		buf_addc(&path, '/');
	buf_add(&path, name.data, name.len);
	buf_addc(&path, '\0');
	if (!path.failed)
		core_note(c, note, path.data, error);
	buf_free(&path);
	buf_free(&name);
}
