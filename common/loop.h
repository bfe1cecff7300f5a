/*
 * May this directory be written, or does a watcher look there whose events
 * may come back to us as commands? Asks the claims (claim.h) on a directory
 * and on each one above it.
 *
 *	struct loop *l = loop_open(rootfd, &opts, &bad);
 *	if (loop_check(l, rootfd, NULL, &v) == LOOP_COVERED) exit 3
 *	... sandbox, then input ...
 *	for each batch of commands
 *		loop_batch(l);
 *		for each command: loop_check(l, parentfd, name, &v)
 *	loop_close(l);
 *
 * loop_open comes before the sandbox: Landlock forbids a look into
 * /proc/PID/fd and /proc/PID/fdinfo of processes outside of its domain
 * (landlock(7), "Ptrace restrictions"). What needs that is done in loop_open,
 * and for --chain by a small process that loop_open starts and that ends with
 * us. What is asked later (locks, /proc/locks, /proc/self, the owner and name
 * of a process, opening directories upward) works within a sandbox that
 * handles write rights only.
 *
 * What it costs: the first question about a directory walks up to "/", or to
 * the directory above where that was walked for the same batch. After
 * that each batch asks each directory on the way once (one fcntl(2) each), and
 * the way is walked anew when the last walk is a second old. For a directory
 * that bind mounts show at several places it is walked for each batch.
 *
 * A loop may be NULL in every call here: then everything is free (--force).
 */
#ifndef LOOP_H
#define LOOP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "claim.h"

struct loop;

struct loop_options {
	bool chain; /* only a watcher that feeds our stdin refuses */
	const char *const *watched; /* directories watched by something else */
	size_t nwatched;
};

enum loop_answer {
	LOOP_FREE, /* write */
	LOOP_COVERED, /* do not write: a watcher of ours looks there */
	LOOP_WARN /* write, but tell the user; said once, then LOOP_FREE */
};

enum loop_how {
	LOOP_BY_CLAIM, /* a claim on .path covers it */
	LOOP_BY_MARK, /* fswatch-events watches .path by another way */
	LOOP_BY_OPTION, /* .path was named as watched */
	LOOP_UNKNOWN /* .path can not be asked (LOOP_WARN only) */
};

/* Why. Filled in for LOOP_COVERED and LOOP_WARN. */
struct loop_verdict {
	enum loop_how how;
	enum claim_kind kind; /* LOOP_BY_CLAIM only */
	pid_t pid; /* the watcher's; 0 for LOOP_BY_OPTION and LOOP_UNKNOWN */
	bool foreign; /* LOOP_WARN: another user's, or not to be seen */
	char
	    path[PATH_MAX]; /* the watched root, as seen from here; may be "" */

	/* Always filled in: the answer is the same for every name in this
	 * directory, until the next loop_batch. So a caller that keeps its
	 * directories open needs to ask once a batch and directory. */
	bool every_name;
};

/* Gets ready to answer for what lies in and below rootfd, which is borrowed
 * until loop_close. Looks at once at what may be looked at only before the
 * sandbox. Returns NULL with errno on failure; where a directory in o->watched
 * is the reason *ret_bad is it, else NULL. */
struct loop *loop_open(int rootfd, const struct loop_options *o,
    const char **ret_bad);

/* A new batch begins: all that was learned has to be asked again. Makes no
 * system call but clock_gettime(2). */
void loop_batch(struct loop *l);

/* May name in the directory dirfd be made, written or removed? A NULL name
 * asks for the directory as a whole: then a claim on one of its names does not
 * matter. Any descriptor of a directory will do, O_PATH too; it is only
 * borrowed. To remove or rename a directory ask for its name in its parent;
 * to make parents ask for each before making it. Returns an enum loop_answer,
 * or -1 with errno (ENOMEM, ENOTDIR, EMFILE): then do not write. */
int loop_check(struct loop *l, int dirfd, const char *name,
    struct loop_verdict *v);

/* Are claims known on this system at all? Where not, only --watched counts.
 * To be asked after the first loop_check. */
bool loop_sees_claims(const struct loop *l);

/* The verdict in words, without a subject and newline: what watches, which
 * process, and for LOOP_COVERED the ways out. Returns buf. */
const char *loop_message(const struct loop_verdict *v, char *buf, size_t size);

void loop_close(struct loop *l);

#endif
