/*
 * The folding test as one test needs it (fold.h, harness.h): a program that
 * watches, and the set of paths its events fold to.
 *
 *	struct proof p;
 *	proof_open(&p);			in a fresh directory now
 *	put("d/a", "");
 *	proof_watch(&p, "-r", "d", NULL);
 *	move("d/a", "d/b");
 *	proof_check(&p);		the stream is the tree
 *	proof_close(&p);
 *
 * Whatever is told that cannot be, or differs from the disk, fails the test.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "harness.h"

struct fold;

#define PROOF_ROOTS 4

struct proof {
	struct harness *h;
	struct fold *fold;
	const char *roots[PROOF_ROOTS + 1];
	bool frozen;
	char *wrong;
	size_t renamed; /* events of a kind since proof_watch() */
	size_t created;
	size_t deleted;
	size_t modified;
};

void proof_open_titled(struct proof *p, const char *title);
#define proof_open(p) proof_open_titled(p, __func__)

/* Starts fswatch-events with these arguments, up to NULL, and those that add
 * ready, overflow, resynced, lost and found; those without a dash that name
 * directories are roots. Returns when it is ready. The strings are borrowed. */
void proof_watch(struct proof *p, ...) __attribute__((sentinel));

/* The same through another program, by its path, whose arguments come first. */
void proof_run(struct proof *p, const char *program, ...)
    __attribute__((sentinel));

/* The program is stopped: what happens now piles up; and goes on.
 * proof_check() does the latter, too. */
void proof_freeze(struct proof *p);
void proof_thaw(struct proof *p);

/* Reads on until the fold has the path. */
void proof_until(struct proof *p, const char *path);

/* Marks in each root and compares. */
void proof_check(struct proof *p);

/* The same without a mark: all that there is to be told has been waited for. */
void proof_compare(struct proof *p);

/* Ends the program and frees all. */
void proof_close(struct proof *p);

#endif
