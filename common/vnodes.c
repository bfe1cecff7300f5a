#include "vnodes.h"

#include <stdlib.h>
#include <string.h>

void
vnodes_init(struct vnodes *all)
{
	memset(all, 0, sizeof(*all));
	LIST_INIT(&all->files);
	TAILQ_INIT(&all->queue);
}

void
vnodes_free(struct vnodes *all)
{
	free(all->places);
	free(all->table);
	free(all->by_fd);
}

struct place *
vnodes_place(struct vnodes *all, unsigned interest)
{
	struct place **v, *p;
	size_t id, n;

	for (id = all->free_from; id < all->nplaces; id++)
		if (all->places[id] == NULL)
			break;
	all->free_from = id;
	if (id == all->nplaces) {
		n = all->nplaces == 0 ? 64 : all->nplaces * 2;
		v = reallocarray(all->places, n, sizeof(struct place *));
		if (v == NULL)
			return NULL;
		memset(v + all->nplaces, 0,
		    (n - all->nplaces) * sizeof(struct place *));
		all->places = v;
		all->nplaces = n;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->id = (int)id;
	p->interest = interest;
	LIST_INIT(&p->files);
	all->places[id] = p;
	return p;
}

void
vnodes_end(struct vnodes *all, struct place *p)
{
	size_t id = (size_t)p->id;

	all->places[id] = NULL;
	if (id < all->free_from)
		all->free_from = id;
	free(p);
}

/* FNV-1a. */
static uint32_t
hash(uint32_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (; len > 0; len--)
		h = (h ^ *p++) * 16777619U;
	return h;
}

#define HASH_START 2166136261U

static uint32_t
hash_dir(uint64_t dev, uint64_t ino)
{
	return hash(hash(HASH_START, &dev, sizeof(dev)), &ino, sizeof(ino));
}

static uint32_t
hash_file(const struct place *p, const char *name)
{
	return hash(hash(HASH_START, &p->id, sizeof(p->id)), name,
	    strlen(name));
}

static struct vnode **
slot_of(const struct vnodes *all, uint32_t h)
{
	return &all->table[h & (all->cap - 1)];
}

static int
grow_table(struct vnodes *all)
{
	struct vnodes bigger = *all;
	struct vnode *t, *next, **slot;
	size_t i;

	if (all->n < all->cap)
		return 0;
	bigger.cap = all->cap == 0 ? 64 : all->cap * 2;
	bigger.table = calloc(bigger.cap, sizeof(struct vnode *));
	if (bigger.table == NULL)
		return -1;
	for (i = 0; i < all->cap; i++) {
		for (t = all->table[i]; t != NULL; t = next) {
			next = t->chain;
			slot = slot_of(&bigger, t->hash);
			t->chain = *slot;
			*slot = t;
		}
	}
	free(all->table);
	all->table = bigger.table;
	all->cap = bigger.cap;
	return 0;
}

static int
grow_fds(struct vnodes *all, size_t fd)
{
	struct vnode **v;
	size_t n = all->nfds == 0 ? 64 : all->nfds;

	while (n <= fd)
		n *= 2;
	if (n == all->nfds)
		return 0;
	v = reallocarray(all->by_fd, n, sizeof(struct vnode *));
	if (v == NULL)
		return -1;
	memset(v + all->nfds, 0, (n - all->nfds) * sizeof(struct vnode *));
	all->by_fd = v;
	all->nfds = n;
	return 0;
}

struct vnode *
vnodes_new(struct vnodes *all, struct place *p, const char *name, int fd)
{
	struct vnode *t;
	size_t len = strlen(name) + 1;

	if (grow_table(all) == -1 || grow_fds(all, (size_t)fd) == -1)
		return NULL;
	t = calloc(1, sizeof(*t) + len);
	if (t == NULL)
		return NULL;
	memcpy(t->name, name, len);
	t->place = p;
	t->fd = fd;
	t->stamp = ++all->stamp;
	return t;
}

bool
vnodes_is_dir(const struct vnode *t)
{
	return t->name[0] == '\0';
}

void
vnodes_put(struct vnodes *all, struct vnode *t)
{
	struct vnode **slot;

	if (vnodes_is_dir(t)) {
		t->hash = hash_dir(t->dev, t->ino);
		t->place->self = t;
	} else {
		t->hash = hash_file(t->place, t->name);
		LIST_INSERT_HEAD(&t->place->files, t, files);
		LIST_INSERT_HEAD(&all->files, t, all);
	}
	slot = slot_of(all, t->hash);
	t->chain = *slot;
	*slot = t;
	all->n++;
	all->by_fd[t->fd] = t;
}

void
vnodes_drop(struct vnodes *all, struct vnode *t)
{
	struct vnode **at;

	for (at = slot_of(all, t->hash); *at != t; at = &(*at)->chain)
		;
	*at = t->chain;
	all->n--;
	all->by_fd[t->fd] = NULL;
	vnodes_told(all, t, t->notes);
	if (vnodes_is_dir(t)) {
		t->place->self = NULL;
	} else {
		LIST_REMOVE(t, files);
		LIST_REMOVE(t, all);
	}
	free(t);
}

struct place *
vnodes_dir(const struct vnodes *all, uint64_t dev, uint64_t ino)
{
	struct vnode *t;

	if (all->cap == 0)
		return NULL;
	t = *slot_of(all, hash_dir(dev, ino));
	for (; t != NULL; t = t->chain)
		if (vnodes_is_dir(t) && t->dev == dev && t->ino == ino)
			return t->place;
	return NULL;
}

struct vnode *
vnodes_file(const struct vnodes *all, const struct place *p, const char *name)
{
	struct vnode *t;

	if (all->cap == 0)
		return NULL;
	t = *slot_of(all, hash_file(p, name));
	for (; t != NULL; t = t->chain)
		if (t->place == p && strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

struct vnode *
vnodes_of_fd(const struct vnodes *all, uintptr_t fd)
{
	return fd < all->nfds ? all->by_fd[fd] : NULL;
}

void
vnodes_note(struct vnodes *all, struct vnode *t, unsigned notes)
{
	if (t->notes == 0 && notes != 0)
		TAILQ_INSERT_TAIL(&all->queue, t, queue);
	t->notes |= notes;
}

void
vnodes_told(struct vnodes *all, struct vnode *t, unsigned notes)
{
	if (t->notes != 0 && (t->notes & ~notes) == 0)
		TAILQ_REMOVE(&all->queue, t, queue);
	t->notes &= ~notes;
}
