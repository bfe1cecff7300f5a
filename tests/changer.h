/*
 * Random changes to a directory, from a seed: the other half of the proof.
 * Runs in a process of its own (several at once, for races), over a small
 * space of names, so that the same names come and go again and again.
 *
 *	struct changer c = { .seed = 7, .ops = 1000, .roots = roots,
 *	    .nroots = 1, .outside = "o", .log = "ops.0" };
 *	changer_run(&c);
 *
 * It creates, writes, appends, truncates, removes, makes and removes
 * directories with and without content, renames files and directories (onto
 * nothing, a file, an empty directory, into what was below them before),
 * exchanges (with what is outside, too), links, makes symbolic links to files
 * and directories and in loops, moves in from outside, out, and out and back
 * in. What cannot be done at the moment (another one was faster) is left.
 */
#ifndef CHANGER_H
#define CHANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changer {
	uint64_t seed;
	unsigned ops;
	const char *const *roots; /* where it works */
	size_t nroots;
	const char *outside; /* a directory nobody watches */
	const char *log; /* a line for what was done is added to this file */
	bool hard_links;
	bool odd_names; /* one of the names is not UTF-8 and has a newline */
};

/* Returns 0, or -1 with errno where something failed that must not. */
int changer_run(const struct changer *c);

#endif
