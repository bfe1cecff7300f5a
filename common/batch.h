/*
 * The answers of one batch, in the order of the input. Commands are answered
 * when the batch is committed, which may be long after the line they came
 * from is gone: so a batch owns copies of what their answers need.
 *
 *	struct batch *b = batch_new();
 *	struct answer *a = batch_add(b);	a->op = ..., a->ok = true
 *	a->path = batch_copy(b, path, len);
 *	for (i = 0; i < batch_count(b); i++) ... batch_at(b, i)
 *	batch_clear(b);
 */
#ifndef BATCH_H
#define BATCH_H

#include <stddef.h>

struct answer;
struct batch;

/* NULL and ENOMEM on failure. */
struct batch *batch_new(void);
void batch_free(struct batch *b);

/* A new answer, all zero, owned by the batch. Its address is good until the
 * next batch_add(), its number (batch_count() - 1) until batch_clear(). NULL
 * and ENOMEM on failure. */
struct answer *batch_add(struct batch *b);

/* Undoes the last batch_add(). */
void batch_take_back(struct batch *b);

/* Copies len bytes and puts a NUL behind; the copy is owned by the batch.
 * NULL and ENOMEM on failure. */
char *batch_copy(struct batch *b, const char *s, size_t len);

size_t batch_count(const struct batch *b);
struct answer *batch_at(struct batch *b, size_t i);

/* Forgets all answers and keeps some of the memory for the next batch. */
void batch_clear(struct batch *b);

#endif
