/*
 * Claims: how a watcher says "this directory is watched", and how a writer
 * asks. A claim is a shared record lock of one byte on the directory's own
 * inode (F_OFD_SETLK with F_RDLCK, fcntl(2)) at an offset that carries the
 * message. It lives as long as the descriptor it was taken through (and its
 * duplicates), so a crash leaves nothing behind, and every name of the
 * directory leads to it.
 *
 *	the watcher			the writer
 *	c.kind = CLAIM_TREE; ...	claim_list(dirfd, NULL, each, ctx);
 *	claim_take(dirfd, &c);
 *	... watches ...
 *	close(dirfd);
 *
 * Anybody who can open a directory can take any claim on it, also with a pid
 * that is not its own: a claim is a word, no proof. Who asks looks at the
 * process that it names (watcher.h).
 *
 * The offset, from the highest bit of 63 to the lowest:
 *
 *	6	magic
 *	1	CLAIM_TREE: one_fs; CLAIM_NAME: path
 *	2	kind
 *	22	pid (the most that Linux hands out, PID_MAX_LIMIT)
 *	32	CLAIM_TREE: depth in 8, token in 24; CLAIM_PRUNED: token in 24;
 *		CLAIM_NAME: hash of the name; CLAIM_FLAT: 0
 */
#ifndef CLAIM_H
#define CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum claim_kind {
	CLAIM_TREE, /* the directory and what is below it, to a depth */
	CLAIM_FLAT, /* the directory's own names */
	CLAIM_NAME, /* one name in the directory, or below it */
	CLAIM_PRUNED /* taken out of the tree with the same token */
};

#define CLAIM_DEPTH_MAX 0xff /* and more: no limit */

struct claim {
	enum claim_kind kind;
	pid_t pid; /* the watcher's process, in its own PID namespace */
	/* CLAIM_TREE: how many levels of names are watched, as --depth counts:
	 * 1 is the directory's own names. */
	unsigned depth;
	uint32_t token; /* CLAIM_TREE and _PRUNED: joins the two; 24 bits */
	uint32_t name_hash; /* CLAIM_NAME: claim_hash() of the one name */
	bool one_fs; /* CLAIM_TREE: other file systems below are not watched */
	/* CLAIM_NAME: what is named lies deeper, in directories that were not
	 * there when it was claimed: "a/b/c". */
	bool path;
};

/* How the kernel's lists name an inode (mounts_kernel_id). */
struct claim_id {
	dev_t dev;
	uint64_t ino;
};

/* 24 random bits for a watcher's trees. Returns 0, or -1 with the errno of
 * getentropy(3). */
int claim_token(uint32_t *token);

/* The hash of a name, as CLAIM_NAME carries it: a single one, or several
 * joined by single slashes. It may be had piece by piece, beginning with
 * CLAIM_HASH. */
uint32_t claim_hash(const char *name);
uint32_t claim_hash_add(uint32_t hash, const char *s, size_t len);

#define CLAIM_HASH UINT32_C(2166136261)

/* Do both say the same? */
bool claim_same(const struct claim *a, const struct claim *b);

/* Takes the claim on the open directory dirfd (opened for reading, not
 * O_PATH); c->pid is ignored, getpid(2) is taken. It ends when dirfd and all
 * its duplicates are closed, those in a forked child too. Each claim wants a
 * descriptor from an open(2) of its own: the kernel makes one lock of two that
 * touch, when they are held through one. Returns 0, or -1 with errno:
 * ENOTSUP where the system has no open file description locks, else as
 * fcntl(2) has it (ENOLCK, EBADF). */
int claim_take(int dirfd, const struct claim *c);

/* Gives it up before dirfd is closed. Returns 0, or -1 with errno. */
int claim_drop(int dirfd, const struct claim *c);

/* Asks which claims are held on the open directory dirfd by anybody but
 * through dirfd itself. Calls each for every claim found; a return other than
 * 0 ends the search and is returned. Returns 0 when all have been seen, -1
 * with errno when it cannot tell. A plain O_RDONLY descriptor is asked
 * directly: one system call where there is no claim, two more for each. An
 * O_PATH one, locks of others that lie across the range, and more than
 * CLAIM_ASK_MAX claims are looked up in /proc/locks; then claims held through
 * dirfd itself are seen as well. A claim that several hold may be told
 * several times. id spares a look at /proc/self for a directory that is asked
 * often; NULL has it looked up where it is needed. */
int claim_list(int dirfd, const struct claim_id *id,
    int (*each)(void *ctx, const struct claim *c), void *ctx);

#define CLAIM_ASK_MAX 32

/* Reads a line of /proc/locks, or what follows "lock:" in a line of
 * /proc/PID/fdinfo/N. True when it shows a claim that is held. */
bool claim_parse(const char *line, struct claim_id *id, struct claim *c);

#endif
