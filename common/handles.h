/*
 * Files and directories that are kept open, by their path below the root. As
 * many as the limit allows; who has not been used for longest goes first.
 *
 *	struct handles *t = handles_new(limit, release, ctx);
 *	h = handles_find(t, path, len, is_dir);
 *	if (h == NULL)
 *		h = handles_add(t, path, len, fd, is_dir);
 *	handles_use(t, h);		once a batch is enough
 *	handles_pin(h); ... handles_unpin(h);
 *	handles_shrink(t, n);		on EMFILE
 *	handles_forget(t, h);
 *	handles_free(t);
 *
 * Before a handle is closed release() is told, who finishes what is due on it.
 * A pinned handle is not closed by handles_add() and handles_shrink(). A
 * handle that has been forgotten is not found any more, but stays open while
 * it is on the list of those with something to be done (handles_set_due), and
 * gets there when it is pinned.
 */
#ifndef HANDLES_H
#define HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "run.h"

/* What an append touches stands together: with a thousand open files each line
 * of the cache that it needs is a cold one. */
struct handle {
	/* Set by handles_add(). */
	dev_t dev;
	ino_t ino;
	int fd; /* owned */

	/* Ours. */
	unsigned pins;
	TAILQ_ENTRY(handle) used;
	TAILQ_ENTRY(handle) dues;
	struct handle *chain;
	uint32_t hash;
	bool forgotten;
	bool due;

	/* The caller's. */
	bool unsynced;
	uint64_t asked; /* the batch in which every name in it was found free */
	uint64_t batch; /* the batch in which its name was last looked at */
	struct run run; /* files: appends that wait */

	/* Set by handles_add(). */
	bool is_dir;
	size_t path_len;
	char path[]; /* "" is the root */
};

struct handles;

typedef void (*handles_release)(void *ctx, struct handle *h);

/* limit: descriptors, at least 4. NULL and ENOMEM on failure. */
struct handles *handles_new(size_t limit, handles_release release, void *ctx);

/* Closes all without asking release(); NULL does nothing. */
void handles_free(struct handles *t);

/* Files and directories have names of their own: one path may be both, when a
 * file has just become a directory. Is no use of it. NULL where there is
 * none. */
struct handle *handles_find(struct handles *t, const char *path, size_t len,
    bool is_dir);

/* Makes it the one that was used last. */
void handles_use(struct handles *t, struct handle *h);

/* Takes over fd on success. NULL with errno on failure (ENOMEM, as fstat). */
struct handle *handles_add(struct handles *t, const char *path, size_t len,
    int fd, bool is_dir);

/* Gives a handle another descriptor of the same file. */
void handles_swap_fd(struct handle *h, int fd);

void handles_pin(struct handle *h);
void handles_unpin(struct handle *h);

/* Closes up to n: those that were forgotten, then the longest unused. Returns
 * how many it closed. */
size_t handles_shrink(struct handles *t, size_t n);

/* Takes it out; closes it now (without asking release), or, if it is due or
 * pinned, when it is not due any more. */
void handles_forget(struct handles *t, struct handle *h);

/* The same for the path and, with below, all paths below it. */
void handles_forget_path(struct handles *t, const char *path, size_t len,
    bool below);

/* The same for everything but the root and what is pinned. */
void handles_forget_all(struct handles *t);

/* The list of handles with something to be done at the end of the batch. */
void handles_set_due(struct handles *t, struct handle *h);
struct handle *handles_first_due(struct handles *t);
struct handle *handles_next_due(struct handle *h);
void handles_clear_due(struct handles *t, struct handle *h);

size_t handles_count(const struct handles *t);

#endif
