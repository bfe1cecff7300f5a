/*
 * Memory for very many small things, whose sizes their owners know: a name in
 * the index is half as large as it would be from malloc(3). Things of one size
 * lie together in slabs, and a slab that has become empty goes back, but for
 * the last of its size.
 *
 *	pool = pool_new();
 *	p = pool_alloc(pool, 24);
 *	q = pool_alloc_near(p, 500);
 *	pool_free(q, 500);
 *	pool_free(p, 24);
 *	pool_end(pool);
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

/* What is larger comes from malloc(3). */
#define POOL_SMALL 512

struct pool;

/* NULL with ENOMEM. */
struct pool *pool_new(void);

/* Frees the pool. All that came from it has been freed before. NULL is fine. */
void pool_end(struct pool *p);

/* So many bytes, all zero, at a multiple of eight. NULL with ENOMEM. */
void *pool_alloc(struct pool *p, size_t size);

/* The same from the pool that `near` came from, which is not larger than
 * POOL_SMALL. */
void *pool_alloc_near(const void *near, size_t size);

/* Gives back what was returned for this very size. NULL is fine. */
void pool_free(void *data, size_t size);

#endif
