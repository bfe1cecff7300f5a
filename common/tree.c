#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "pool.h"

/*
 * The entries of a directory. Up to TREE_PLAIN of them stand in an array as
 * they came; beyond that the array is a hash table with linear probing, at
 * most three quarters full, and removal shifts back what had to give way, so
 * that there are no tombstones.
 */
#define TREE_PLAIN 8

struct top {
	struct dir dir;
	void *owner;
};

static uint32_t
name_hash(const char *name, size_t len)
{
	uint32_t h = 2166136261U;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619U;
	return h ^ h >> 15;
}

static bool
is_hashed(const struct dir *d)
{
	return d->cap > TREE_PLAIN;
}

static uint32_t
home(const struct dir *d, const struct entry *e)
{
	return name_hash(e->name, e->len) & (d->cap - 1);
}

static void
put(struct dir *d, struct entry *e)
{
	uint32_t i;

	if (!is_hashed(d)) {
		d->slot[d->count++] = e;
		return;
	}
	for (i = home(d, e); d->slot[i] != NULL; i = (i + 1) & (d->cap - 1))
		;
	d->slot[i] = e;
	d->count++;
}

static void
free_slots(struct dir *d)
{
	pool_free(d->slot, d->cap * sizeof(struct entry *));
}

static int
resize(struct dir *d, uint32_t cap)
{
	struct dir bigger = *d;
	uint32_t i;

	bigger.cap = cap;
	bigger.count = 0;
	bigger.slot = pool_alloc_near(d, cap * sizeof(struct entry *));
	if (bigger.slot == NULL)
		return -1;
	for (i = 0; i < d->cap; i++)
		if (d->slot[i] != NULL)
			put(&bigger, d->slot[i]);
	free_slots(d);
	d->slot = bigger.slot;
	d->cap = cap;
	return 0;
}

static int
make_room(struct dir *d)
{
	if (d->cap == 0)
		return resize(d, 2);
	if (d->cap < TREE_PLAIN)
		return d->count < d->cap ? 0 : resize(d, d->cap * 2);
	if (d->cap == TREE_PLAIN)
		return d->count < d->cap ? 0 : resize(d, d->cap * 2);
	return d->count < d->cap / 16 * 13 ? 0 : resize(d, d->cap * 2);
}

static void
remove_slot(struct dir *d, uint32_t i)
{
	uint32_t j, k, mask = d->cap - 1;

	d->count--;
	if (!is_hashed(d)) {
		d->slot[i] = d->slot[d->count];
		d->slot[d->count] = NULL;
		return;
	}
	/* Close the gap: what lies behind it and whose home is not between
	 * the gap and itself moves into it (Knuth, 6.4 R). */
	for (j = (i + 1) & mask; d->slot[j] != NULL; j = (j + 1) & mask) {
		k = home(d, d->slot[j]);
		if (((j - k) & mask) < ((j - i) & mask))
			continue;
		d->slot[i] = d->slot[j];
		i = j;
	}
	d->slot[i] = NULL;
}

static uint32_t
slot_of(const struct dir *d, const struct entry *e)
{
	uint32_t i = 0;

	if (is_hashed(d))
		i = home(d, e);
	while (d->slot[i] != e)
		i = (i + 1) & (d->cap - 1);
	return i;
}

struct entry_stat *
tree_stat(struct entry *e)
{
	return e->flags & ENTRY_STAT ? (struct entry_stat *)(void *)e - 1 :
				       NULL;
}

/* Bytes of an entry, and before it. */
static size_t
size_of(size_t len)
{
	size_t size = offsetof(struct entry, name) + len + 1;

	return size < sizeof(struct entry) ? sizeof(struct entry) : size;
}

static size_t
front_of(bool wide)
{
	return wide ? sizeof(struct entry_stat) : 0;
}

static void
entry_free(struct entry *e)
{
	size_t front;

	if (e == NULL)
		return;
	front = front_of(e->flags & ENTRY_STAT);
	pool_free((char *)e - front, front + size_of(e->len));
}

static void
dir_free(struct dir *d)
{
	pool_free(d, sizeof(*d));
}

struct dir *
tree_top(struct pool *pool, void *owner)
{
	struct top *t;

	t = pool_alloc(pool, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->owner = owner;
	return &t->dir;
}

void
tree_clear(struct dir *d)
{
	free_slots(d);
	d->slot = NULL;
	d->count = 0;
	d->cap = 0;
}

/* Frees everything below d without recursion, since a tree may be deeper than
 * the stack: each table is taken apart from its end, and a directory that
 * still has one is taken apart before it is freed. */
void
tree_free_below(struct dir *d)
{
	struct dir *at = d;
	struct entry *e;

	/* How large the table was is kept meanwhile as the count. */
	at->count = at->cap;
	for (;;) {
		if (at->cap == 0) {
			at->cap = at->count;
			tree_clear(at);
			if (at == d)
				return;
			at = at->parent;
			continue;
		}
		e = at->slot[at->cap - 1];
		if (e != NULL && e->type == EVENT_DIR && e->dir->slot != NULL) {
			at = e->dir;
			at->count = at->cap;
			continue;
		}
		if (e != NULL && e->type == EVENT_DIR)
			dir_free(e->dir);
		entry_free(e);
		at->cap--;
	}
}

void
tree_free_top(struct dir *top)
{
	if (top == NULL)
		return;
	tree_free_below(top);
	pool_free(top, sizeof(struct top));
}

void *
tree_owner(const struct dir *d)
{
	while (d->parent != NULL)
		d = d->parent;
	return ((const struct top *)d)->owner;
}

/* An entry's stat stands before it in memory, so that those that have none
 * are no larger for it. p is where it shall be, or NULL. */
static struct entry *
entry_at(char *p, const char *name, size_t len, bool wide)
{
	struct entry *e;

	if (p == NULL)
		return NULL;
	e = (struct entry *)(void *)(p + front_of(wide));
	e->flags = wide ? ENTRY_STAT : 0;
	e->len = (uint8_t)len;
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	return e;
}

/* One of the same pool as something else. */
static struct entry *
entry_near(const void *near, const char *name, size_t len, bool wide)
{
	return entry_at(pool_alloc_near(near, front_of(wide) + size_of(len)),
	    name, len, wide);
}

struct entry *
tree_new(struct pool *pool, const char *name, size_t len, enum event_type type,
    uint64_t ino)
{
	struct entry *e;

	if (len > 255) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	e = entry_at(pool_alloc(pool, size_of(len)), name, len, false);
	if (e == NULL)
		return NULL;
	e->type = (uint8_t)type;
	e->ino = ino;
	if (type != EVENT_DIR)
		return e;
	e->dir = pool_alloc(pool, sizeof(*e->dir));
	if (e->dir == NULL) {
		entry_free(e);
		return NULL;
	}
	e->dir->self = e;
	e->dir->ino = ino;
	return e;
}

void
tree_free(struct entry *e)
{
	if (e == NULL)
		return;
	if (e->type == EVENT_DIR) {
		tree_free_below(e->dir);
		dir_free(e->dir);
	}
	entry_free(e);
}

struct entry *
tree_widen(struct dir *d, struct entry *e)
{
	struct entry *wide;

	if (e->flags & ENTRY_STAT)
		return e;
	wide = entry_near(e, e->name, e->len, true);
	if (wide == NULL)
		return NULL;
	wide->type = e->type;
	wide->flags |= e->flags;
	wide->ino = e->ino;
	if (d != NULL)
		d->slot[slot_of(d, e)] = wide;
	entry_free(e);
	return wide;
}

struct entry *
tree_find(const struct dir *d, const char *name, size_t len)
{
	struct entry *e;
	uint32_t i;

	if (d->count == 0)
		return NULL;
	if (!is_hashed(d)) {
		for (i = 0; i < d->count; i++) {
			e = d->slot[i];
			if (e->len == len && memcmp(e->name, name, len) == 0)
				return e;
		}
		return NULL;
	}
	i = name_hash(name, len) & (d->cap - 1);
	for (; (e = d->slot[i]) != NULL; i = (i + 1) & (d->cap - 1))
		if (e->len == len && memcmp(e->name, name, len) == 0)
			return e;
	return NULL;
}

struct entry *
tree_at(struct dir *top, const char *name, struct dir **ret_dir)
{
	struct dir *d = top;
	struct entry *e;
	size_t len;

	for (;; name += len + 1) {
		len = strcspn(name, "/");
		e = tree_find(d, name, len);
		if (e == NULL || name[len] == '\0')
			break;
		if (e->type != EVENT_DIR)
			return NULL;
		d = e->dir;
	}
	*ret_dir = d;
	return e;
}

int
tree_link(struct dir *d, struct entry *e)
{
	if (make_room(d) == -1)
		return -1;
	put(d, e);
	if (e->type == EVENT_DIR)
		e->dir->parent = d;
	return 0;
}

void
tree_unlink(struct dir *d, struct entry *e)
{
	remove_slot(d, slot_of(d, e));
}

struct entry *
tree_move(struct dir *from, struct entry *e, struct dir *to, const char *name,
    size_t len)
{
	struct entry *moved;
	bool wide = (e->flags & ENTRY_STAT) != 0;

	moved = entry_near(to, name, len, wide);
	if (moved == NULL)
		return NULL;
	if (wide)
		*tree_stat(moved) = *tree_stat(e);
	moved->type = e->type;
	moved->flags = e->flags;
	moved->ino = e->ino;
	if (e->type == EVENT_DIR)
		moved->dir = e->dir;
	if (tree_link(to, moved) == -1) {
		entry_free(moved);
		return NULL;
	}
	tree_unlink(from, e);
	if (moved->type == EVENT_DIR)
		moved->dir->self = moved;
	entry_free(e);
	return moved;
}

void
tree_exchange(struct dir *da, struct entry *a, struct dir *db, struct entry *b)
{
	const uint8_t kept = ENTRY_OWED | ENTRY_CLOSED;
	struct entry was = *a;
	struct entry_stat *sa = tree_stat(a), *sb = tree_stat(b), none = {0};
	struct entry_stat known = sa != NULL ? *sa : none;

	if (sa != NULL)
		*sa = sb != NULL ? *sb : none;
	if (sb != NULL)
		*sb = known;
	a->flags &= (uint8_t) ~(ENTRY_OPEN | ENTRY_DUE);
	b->flags &= (uint8_t) ~(ENTRY_OPEN | ENTRY_DUE);

	a->type = b->type;
	a->ino = b->ino;
	a->flags = (uint8_t)((a->flags & ~kept) | (b->flags & kept));
	if (a->type == EVENT_DIR) {
		a->dir = b->dir;
		a->dir->self = a;
		a->dir->parent = da;
	}
	b->type = was.type;
	b->ino = was.ino;
	b->flags = (uint8_t)((b->flags & ~kept) | (was.flags & kept));
	if (b->type == EVENT_DIR) {
		b->dir = was.dir;
		b->dir->self = b;
		b->dir->parent = db;
	}
}

struct entry *
tree_next(const struct dir *d, uint32_t *pos)
{
	while (*pos < d->cap) {
		if (d->slot[*pos] != NULL)
			return d->slot[(*pos)++];
		(*pos)++;
	}
	return NULL;
}

struct entry *
tree_walk(struct walk *w)
{
	struct entry *e;

	if (w->into != NULL) {
		w->in = w->into;
		w->into = NULL;
		w->pos = 0;
	}
	while ((e = tree_next(w->in, &w->pos)) == NULL) {
		if (w->in == w->top)
			return NULL;
		e = w->in->self;
		w->in = w->in->parent;
		w->pos = slot_of(w->in, e) + 1;
	}
	if (e->type == EVENT_DIR)
		w->into = e->dir;
	return e;
}

struct entry **
tree_list(const struct dir *d)
{
	struct entry **list, *e;
	uint32_t pos = 0;
	size_t n = 0;

	if (d->count == 0)
		return NULL;
	list = malloc(d->count * sizeof(struct entry *));
	if (list == NULL)
		return NULL;
	while ((e = tree_next(d, &pos)) != NULL)
		list[n++] = e;
	return list;
}

bool
tree_below(const struct dir *d, const struct dir *above)
{
	for (; d != NULL; d = d->parent)
		if (d == above)
			return true;
	return false;
}

size_t
tree_level(const struct dir *d)
{
	size_t level = 1;

	for (; d->parent != NULL; d = d->parent)
		level++;
	return level;
}

void
tree_name(const struct dir *d, const char *name, size_t len, struct buf *b)
{
	const struct dir *at;
	size_t total = name != NULL ? len : 0;
	char *p;

	for (at = d; at->self != NULL; at = at->parent)
		total += at->self->len + (size_t)(total > 0);
	buf_clear(b);
	p = buf_reserve(b, total + 1);
	if (p == NULL)
		return;
	b->len = total;
	p += total;
	*p = '\0';
	if (name != NULL) {
		p -= len;
		memcpy(p, name, len);
	}
	for (at = d; at->self != NULL; at = at->parent) {
		if (p < b->data + total)
			*--p = '/';
		p -= at->self->len;
		memcpy(p, at->self->name, at->self->len);
	}
}
