/*
 * Commands below the root: applies them in batches, keeps files open, and
 * makes everything durable at the end of a batch.
 *
 *	struct apply *a = apply_open(rootfd, &options);
 *	for each line that has arrived
 *		apply_command(a, number, &command)
 *		or apply_refuse(a, number, &command, &bad)
 *	apply_commit(a);	all answers, in order
 *	apply_close(a);
 *
 * Appends to one file are collected and written together: when another
 * command concerns the file, when there is a lot of them, and at the commit.
 * So what became of a command is known only from its answer.
 */
#ifndef APPLY_H
#define APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer;
struct apply;
struct command;
struct why;

struct apply_options {
	unsigned ops; /* bits of COMMAND_BIT that are allowed */
	unsigned below; /* flags for beneath_init() */
	bool sync;
	bool stop_on_error;
	bool dry_run;
	bool walled; /* the kernel itself refuses what is outside */
	unsigned retries; /* how often to try again what may pass */
	size_t max_open; /* descriptors to keep open, at least 4 */

	/* May name be made, written or removed in the directory? Returns 0:
	 * yes; 1: no, with the reason in why; -1: it can not be told, errno.
	 * *every_name: the answer holds for this directory as a whole, until
	 * the next batch. NULL: always yes. */
	int (*may)(void *ctx, int dirfd, const char *name, bool *every_name,
	    char *why, size_t why_size);

	/* Waits before another try. Returns 0, or -1: do not try again. NULL:
	 * tries again at once. */
	int (*pause)(void *ctx);

	/* Called by apply_commit(), once a command; may be NULL. */
	void (*answered)(void *ctx, const struct answer *an);

	void *ctx;
};

struct apply_stats {
	uint64_t commands; /* applied or failed */
	uint64_t failed;
	uint64_t bytes; /* of content, applied */
	uint64_t appends; /* calls of write(2) for appends */
	uint64_t batches;
	uint64_t syncs; /* fsync(2) and fdatasync(2) */
	uint64_t retries;
};

/* Borrows rootfd and *o until apply_close(). NULL with errno on failure. */
struct apply *apply_open(int rootfd, const struct apply_options *o);

/* Takes one command; copies what it needs. Returns 0, also when the command
 * failed (its answer says so), or -1 with ENOMEM when there is not even room
 * for an answer. */
int apply_command(struct apply *a, uint64_t line, const struct command *c);

/* The same for a line that is no command; c is what was understood. */
int apply_refuse(struct apply *a, uint64_t line, const struct command *c,
    const struct why *bad);

/* With stop_on_error: has something failed? Then commands are ignored. */
bool apply_stopped(const struct apply *a);

/* Ends the batch: writes what waits, syncs if asked to, calls answered() for
 * each command in the order of the input. Returns 0, or -1 with errno when
 * what was written could not be made durable: then none of this batch is
 * answered as done, and the caller has to end (the kernel forgets a failed
 * fsync, so that another one would lie). */
int apply_commit(struct apply *a);

/* Closes all files, so that they are opened anew by name. Between batches. */
void apply_reopen(struct apply *a);

const struct apply_stats *apply_stats(struct apply *a);

/* NULL does nothing. What has not been committed is lost. */
void apply_close(struct apply *a);

#endif
