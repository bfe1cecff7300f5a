#include "batch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

#define BATCH_CHUNK   ((size_t)64 * 1024)
#define BATCH_ANSWERS 256

/* Text lies in chunks, so that it never moves. */
struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	char data[];
};

struct batch {
	struct answer *answers;
	size_t n;
	size_t cap;
	struct chunk *chunks; /* the newest first */
};

struct batch *
batch_new(void)
{
	return calloc(1, sizeof(struct batch));
}

static void
batch_drop(struct chunk *c)
{
	struct chunk *next;

	for (; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	batch_drop(b->chunks);
	free(b->answers);
	free(b);
}

struct answer *
batch_add(struct batch *b)
{
	struct answer *p;
	size_t cap;

	if (b->n == b->cap) {
		cap = b->cap == 0 ? BATCH_ANSWERS : b->cap * 2;
		p = reallocarray(b->answers, cap, sizeof(*p));
		if (p == NULL)
			return NULL;
		b->answers = p;
		b->cap = cap;
	}
	p = &b->answers[b->n++];
	memset(p, 0, sizeof(*p));
	return p;
}

void
batch_take_back(struct batch *b)
{
	b->n--;
}

char *
batch_copy(struct batch *b, const char *s, size_t len)
{
	struct chunk *c = b->chunks;
	size_t size;
	char *p;

	if (c == NULL || c->size - c->used <= len) {
		if (len > SIZE_MAX / 2) {
			errno = ENOMEM;
			return NULL;
		}
		size = len >= BATCH_CHUNK ? len + 1 : BATCH_CHUNK;
		c = malloc(sizeof(*c) + size);
		if (c == NULL)
			return NULL;
		c->next = b->chunks;
		c->used = 0;
		c->size = size;
		b->chunks = c;
	}
	p = c->data + c->used;
	if (len > 0)
		memcpy(p, s, len);
	p[len] = '\0';
	c->used += len + 1;
	return p;
}

size_t
batch_count(const struct batch *b)
{
	return b->n;
}

struct answer *
batch_at(struct batch *b, size_t i)
{
	return &b->answers[i];
}

void
batch_clear(struct batch *b)
{
	struct chunk *c = b->chunks;

	b->n = 0;
	if (c == NULL)
		return;
	batch_drop(c->next);
	c->next = NULL;
	c->used = 0;
	if (c->size > BATCH_CHUNK) {
		b->chunks = NULL;
		free(c);
	}
}
