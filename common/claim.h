/*
 * Claims: how a watcher says "this directory is watched", and how a writer
 * asks. A claim is a shared record lock of one byte on the directory's own
 * inode (F_OFD_SETLK with F_RDLCK, fcntl(2)) at an offset that carries the
 * message. It lives as long as the descriptor it was taken through (and its
 * duplicates), so a crash leaves nothing behind, and every name of the
 * directory leads to it.
 *
 * Offsets: magic, kind, pid and 32 bits of detail; claim.c has the layout.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum claim_kind {
	CLAIM_TREE, /* the directory and what is below it, to a depth */
	CLAIM_FLAT, /* the directory's own names */
	CLAIM_NAME, /* one name in the directory */
	CLAIM_PRUNED /* taken out of the tree with the same token */
};

#define CLAIM_DEPTH_MAX 0xff /* and more: no limit */

struct claim {
	enum claim_kind kind;
	pid_t pid; /* the watcher's process, in its own PID namespace */
	unsigned depth; /* CLAIM_TREE: levels below the directory */
	uint32_t token; /* CLAIM_TREE and _PRUNED: joins the two; 24 bits */
	uint32_t name_hash; /* CLAIM_NAME: claim_hash() of the one name */
};

/* 24 random bits for a watcher's trees. */
uint32_t claim_token(void);

/* The hash of a single name, as CLAIM_NAME carries it. */
uint32_t claim_hash(const char *name);

/* Takes the claim on the open directory dirfd (opened for reading); c->pid is
 * filled in as getpid(2). It ends when dirfd is closed. Returns 0, or -1 with
 * errno (ENOTSUP where the system has no open file description locks). */
int claim_take(int dirfd, const struct claim *c);

/* Gives it up before dirfd is closed. Returns 0, or -1 with errno. */
int claim_drop(int dirfd, const struct claim *c);

/* Asks which claims are held on the open directory dirfd by anybody. Calls
 * each for every claim found; a return other than 0 ends the search and is
 * returned. Returns 0 when all have been seen, -1 with errno when it cannot
 * tell. dirfd may be O_PATH only where /proc/locks can be read; a plain
 * O_RDONLY descriptor is asked directly. */
int claim_list(int dirfd, int (*each)(void *ctx, const struct claim *c),
    void *ctx);

#endif
