#include "arena.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Bytes of a block; what is larger than a quarter of it gets one of its own.
 * With 1 everything does, so that a sanitizer sees each allocation. */
#ifndef ARENA_BLOCK
#define ARENA_BLOCK ((size_t)64 * 1024)
#endif

#define ARENA_ALIGN _Alignof(max_align_t)

struct block {
	struct block *next;
	max_align_t data[];
};

static struct {
	struct block *first; /* what is handed out next is in it; NULL: none */
	size_t used; /* bytes of it */
	struct block *more; /* filled ones and large ones, the newest first */
	unsigned users; /* arena_begin() without arena_drop() */
	bool open;
	bool installed;
} arena;

/* A block with room for n bytes, at the head of a list. */
static void *
arena_block(struct block **list, size_t n)
{
	struct block *b;

	if (n > SIZE_MAX - sizeof(*b)) {
		errno = ENOMEM;
		return NULL;
	}
	b = malloc(sizeof(*b) + n);
	if (b == NULL)
		return NULL;
	b->next = *list;
	*list = b;
	return b->data;
}

void *
arena_alloc(size_t n)
{
	struct block *full = arena.first;
	char *p;

	if (n > ARENA_BLOCK / 4)
		return arena_block(&arena.more, n);
	n = (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (full == NULL || n > ARENA_BLOCK - arena.used) {
		arena.first = NULL;
		if (arena_block(&arena.first, ARENA_BLOCK) == NULL) {
			arena.first = full;
			return NULL;
		}
		if (full != NULL) {
			full->next = arena.more;
			arena.more = full;
		}
		arena.used = 0;
	}
	p = (char *)arena.first->data + arena.used;
	arena.used += n;
	return p;
}

static void *
arena_malloc(size_t n)
{
	return arena.open ? arena_alloc(n) : malloc(n);
}

static void
arena_free(void *p)
{
	struct block **at = &arena.more, *b;
	int i;

	if (!arena.open) {
		free(p);
		return;
	}
	/* A string that grows is copied from the block before the newest, and
	 * would take twice the memory if that stayed. */
	for (i = 0; i < 2 && *at != NULL; i++, at = &(*at)->next)
		if ((void *)(*at)->data == p) {
			b = *at;
			*at = b->next;
			free(b);
			return;
		}
}

void
arena_begin(void)
{
	if (!arena.installed) {
		arena.installed = true;
		json_set_alloc_funcs(arena_malloc, arena_free);
	}
	arena.users++;
	arena.open = true;
}

void
arena_end(void)
{
	arena.open = false;
}

void
arena_drop(void)
{
	struct block *b;

	if (--arena.users > 0)
		return;
	while ((b = arena.more) != NULL) {
		arena.more = b->next;
		free(b);
	}
	arena.used = 0;
}
