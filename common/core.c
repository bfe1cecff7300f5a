#include "core.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "grow.h"
#include "statat.h"
#include "tree.h"

int64_t
core_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
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

	if (c->cap_marks == 0 || id < 0)
		return NULL;
	for (m = *mark_slot(c, id); m != NULL; m = m->chain)
		if (m->id == id)
			return m;
	return NULL;
}

struct mark *
core_mark(struct core *c, int dirfd, unsigned interest)
{
	struct mark *m, **slot;
	int id;

	if (grow_marks(c) == -1)
		return NULL;
	id = c->ops->add(c->b, dirfd, interest);
	if (id == -1)
		return NULL;
	m = core_find_mark(c, id);
	if (m == NULL) {
		m = calloc(1, sizeof(*m));
		if (m == NULL) {
			c->ops->remove(c->b, id);
			return NULL;
		}
		m->id = id;
		slot = mark_slot(c, id);
		m->chain = *slot;
		*slot = m;
		c->nmarks++;
	}
	m->interest |= interest;
	return m;
}

void
core_drop_mark(struct core *c, struct mark *m)
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
	core_drop_mark(c, m);
	if (!c->closing)
		c->ops->remove(c->b, m->id);
	free(m);
}

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
	d->next_place = NULL;
	d->mark = NULL;
	core_unmark(c, m);
}

static void
forget_dir(struct core *c, struct dir *d)
{
	size_t i;

	core_detach(c, d);
	for (i = 0; i < CORE_FDS; i++) {
		if (c->fds[i].dir != d)
			continue;
		(void)close(c->fds[i].fd);
		c->fds[i].dir = NULL;
	}
	for (i = 0; i < c->ndoubts; i++) {
		if (c->doubts[i].dir != d)
			continue;
		free(c->doubts[i].name);
		c->doubts[i].name = NULL;
		c->doubts[i].dir = NULL;
	}
	for (i = c->nlater; i > 0; i--) {
		if (c->later[i - 1].dir != d)
			continue;
		free(c->later[i - 1].name);
		c->later[i - 1] = c->later[--c->nlater];
	}
	while (c->ndoubts > 0 && c->doubts[c->ndoubts - 1].dir == NULL)
		c->ndoubts--;
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
			next =
			    openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
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

static int
kept_fd(struct core *c, const struct dir *d)
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
		parent = kept_fd(c, d->parent);
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

	fd = kept_fd(c, d);
	if (fd != -1)
		return fd;
	fd = core_open_near(c, d, O_PATH);
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
}

void
core_suspect(struct core *c, struct scope *s)
{
	s->suspect = true;
	c->suspects = true;
}

/* How many of the last doubts are compared: repeats come in runs. */
#define DOUBT_RUN 16

static void
add_doubt(struct core *c, struct dir *d, const char *name, bool deep,
    bool content)
{
	struct doubt *p;

	p = grow(c->doubts, &c->cap_doubts, c->ndoubts, sizeof(*p));
	if (p == NULL) {
		c->resync = true;
		return;
	}
	c->doubts = p;
	p = &c->doubts[c->ndoubts];
	p->dir = d;
	p->deep = deep;
	p->content = content;
	p->delay = 0;
	p->due = 0;
	p->name = name != NULL ? strdup(name) : NULL;
	if (name != NULL && p->name == NULL)
		c->resync = true;
	else
		c->ndoubts++;
}

void
core_doubt(struct core *c, struct dir *d, const char *name)
{
	const struct doubt *p;
	size_t i;

	for (i = c->ndoubts; i > 0 && c->ndoubts - i < DOUBT_RUN; i--) {
		p = &c->doubts[i - 1];
		if (p->dir != d || (name == NULL) != (p->name == NULL))
			continue;
		if (name == NULL || strcmp(p->name, name) == 0)
			return;
	}
	add_doubt(c, d, name, false, false);
}

void
core_doubt_later(struct core *c, struct dir *d, const char *name, int delay)
{
	struct doubt *p;
	size_t i;

	for (i = 0; i < c->nlater; i++)
		if (c->later[i].dir == d && strcmp(c->later[i].name, name) == 0)
			return;
	p = grow(c->later, &c->cap_later, c->nlater, sizeof(*p));
	if (p == NULL) {
		c->resync = true;
		return;
	}
	c->later = p;
	p = &c->later[c->nlater];
	memset(p, 0, sizeof(*p));
	p->dir = d;
	p->name = strdup(name);
	p->delay = delay;
	p->due = core_now_ms() + delay;
	if (p->name == NULL)
		c->resync = true;
	else
		c->nlater++;
}

int
core_ripen(struct core *c)
{
	int64_t now, left, least = -1;
	size_t i;

	if (c->nlater == 0)
		return -1;
	now = core_now_ms();
	for (i = c->nlater; i > 0; i--) {
		left = c->later[i - 1].due - now;
		if (left > 0) {
			if (least == -1 || left < least)
				least = left;
			continue;
		}
		core_doubt(c, c->later[i - 1].dir, c->later[i - 1].name);
		if (c->ndoubts > 0)
			c->doubts[c->ndoubts - 1].delay = c->later[i - 1].delay;
		free(c->later[i - 1].name);
		c->later[i - 1] = c->later[--c->nlater];
	}
	return (int)least;
}

void
core_free_doubts(struct core *c)
{
	while (c->ndoubts > 0)
		free(c->doubts[--c->ndoubts].name);
	while (c->nlater > 0)
		free(c->later[--c->nlater].name);
	free(c->doubts);
	free(c->later);
	c->doubts = c->later = NULL;
	c->cap_doubts = c->cap_later = 0;
}

void
core_doubt_below(struct core *c, struct dir *d, bool content)
{
	add_doubt(c, d, NULL, true, content);
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
