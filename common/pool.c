#include "pool.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a slab, which lies at a multiple of that: so that the slab of a
 * thing is known by its address. */
#define POOL_SLAB 32768U

/* What malloc(3) puts before each block: with so much left over at their ends,
 * slabs lie one behind the other. */
#define MARGIN 64

#define UNIT 8

struct piece {
	struct piece *next;
};

struct slab {
	struct slab *next; /* of those of its size that have room */
	struct slab **at; /* what leads to it there; NULL: it has none */
	struct pool *pool;
	struct piece *free;
	uint32_t used; /* pieces */
	uint32_t fresh; /* where what was never used begins */
};

struct pool {
	struct slab *room[POOL_SMALL / UNIT + 1]; /* by size */
};

struct pool *
pool_new(void)
{
	return calloc(1, sizeof(struct pool));
}

void
pool_end(struct pool *p)
{
	size_t n;

	for (n = 0; p != NULL && n <= POOL_SMALL / UNIT; n++)
		free(p->room[n]);
	free(p);
}

static size_t
units(size_t size)
{
	return size == 0 ? 1 : (size + UNIT - 1) / UNIT;
}

static struct slab *
slab_of(const void *data)
{
	return (struct slab *)((uintptr_t)data & ~((uintptr_t)POOL_SLAB - 1));
}

static void
list(struct pool *p, struct slab *s, size_t n)
{
	s->next = p->room[n];
	s->at = &p->room[n];
	if (s->next != NULL)
		s->next->at = &s->next;
	p->room[n] = s;
}

static void
unlist(struct slab *s)
{
	*s->at = s->next;
	if (s->next != NULL)
		s->next->at = s->at;
	s->at = NULL;
}

static struct slab *
new_slab(struct pool *p, size_t n)
{
	struct slab *s;
	void *data;
	int error;

	error = posix_memalign(&data, POOL_SLAB, POOL_SLAB - MARGIN);
	if (error != 0) {
		errno = error;
		return NULL;
	}
	s = data;
	memset(s, 0, sizeof(*s));
	s->pool = p;
	s->fresh = sizeof(*s);
	list(p, s, n);
	return s;
}

static int
is_full(const struct slab *s, size_t n)
{
	return s->free == NULL &&
	    s->fresh + n * UNIT > (size_t)POOL_SLAB - MARGIN;
}

void *
pool_alloc(struct pool *p, size_t size)
{
	size_t n = units(size);
	struct slab *s;
	void *data;

	if (ALLOC_APART || size > POOL_SMALL)
		return calloc(1, size);
	s = p->room[n];
	if (s == NULL && (s = new_slab(p, n)) == NULL)
		return NULL;
	if (s->free != NULL) {
		data = s->free;
		s->free = s->free->next;
	} else {
		data = (char *)s + s->fresh;
		s->fresh += (uint32_t)(n * UNIT);
	}
	s->used++;
	if (is_full(s, n))
		unlist(s);
	return memset(data, 0, n * UNIT);
}

void *
pool_alloc_near(const void *near, size_t size)
{
	struct pool *p = ALLOC_APART ? NULL : slab_of(near)->pool;

	return pool_alloc(p, size);
}

void
pool_free(void *data, size_t size)
{
	size_t n = units(size);
	struct slab *s;
	struct piece *piece = data;

	if (data == NULL || ALLOC_APART || size > POOL_SMALL) {
		free(data);
		return;
	}
	s = slab_of(data);
	piece->next = s->free;
	s->free = piece;
	s->used--;
	if (s->at == NULL)
		list(s->pool, s, n);
	/* The last one stays, for what comes next. */
	if (s->used == 0 && (s->next != NULL || s != s->pool->room[n])) {
		unlist(s);
		free(s);
	}
}
