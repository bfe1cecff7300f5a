/*
 * The ways upward from a directory: each directory on them, up to where ".."
 * leads nowhere else, and the claims (claim.h) that are held there. Where bind
 * mounts show a directory at several places there are several ways.
 *
 *	struct ways_cache c = {0};
 *	struct ways w = {0};
 *	ways_walk(&c, &w, dirfd, &id, NULL);	look, and ask
 *	... w.v[i].v[j]->claims ...
 *	ways_settle(&c, &w);
 *	for each round
 *		ways_round(&c);
 *		if (!w.keep) ways_walk(&c, &w, dirfd, &id) again
 *		ways_ask(&c, &w);		no look, only the questions
 *	ways_free(&c, &w);
 *	ways_cache_free(&c);
 *
 * Directories that lie on several ways are opened once and asked once a round;
 * the cache holds them as long as some way leads through them. A directory is
 * held open, so that asking it costs one fcntl(2) and no path has to be
 * resolved; an open directory keeps its mount busy, so only those on the way
 * by which the target was opened stay open (ways_settle).
 *
 * A name on the way may be changed by others at any time. What was found by a
 * walk is true of the moment of the walk: when to walk anew is the caller's to
 * say.
 */
#ifndef WAYS_H
#define WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "claim.h"
#include "mounts.h"

/* A directory on the way from a target up to "/". Shared by all ways. */
struct ways_node {
	struct mounts_id id;
	struct claim_id kernel_id; /* as claims name it; of one with claims */
	int fd; /* -1 once it had to be given back: a very long way */

	/* What was learned when asked last. */
	bool silent; /* it could not be asked */
	struct claim *claims;
	size_t nclaims;

	/* Of this module alone. */
	size_t cap;
	bool has_kernel_id;
	uint64_t asked; /* in which round; 0 for never */
	struct ways_node *next;
	size_t refs;
};

/* From the target itself upward. */
struct way {
	struct ways_node **v;
	size_t n;
	size_t cap;
	bool blocked; /* it does not lead up to "/" */
};

/* All ways from one directory. Begin with zeros; ways_free leaves zeros. */
struct ways {
	struct mounts_id id; /* of the directory */
	struct way *v; /* the first is that by which it was opened */
	size_t n;
	bool keep; /* may be asked again without a new walk */
};

/* What many of them share. Begin with zeros, and a call of ways_round. */
struct ways_cache {
	struct ways_node *nodes;
	size_t nopen; /* descriptors that they hold */
	uint64_t round;
	bool no_claims; /* found out: the system knows no such locks */
	struct mounts *mounts; /* NULL until read, or where there is no table */
};

/* A new round: what was learned before has to be asked again. */
void ways_round(struct ways_cache *c);

/* Goes up from the directory dirfd, which id identifies, by all ways, and asks
 * each directory on them. What w held before is let go. above: the ways of the
 * directory that dirfd's ".." is, found a short while ago, which spares all
 * steps of the first way but one; NULL where they are not known. Returns 0, or
 * -1 with
 * errno (ENOMEM, EMFILE, ENFILE, or the open's): then free w. A directory above
 * that cannot be opened is no failure: the way is blocked there. */
int ways_walk(struct ways_cache *c, struct ways *w, int dirfd,
    const struct mounts_id *id, const struct ways *above);

/* Asks each directory that has not been asked in this round, the highest
 * first. Returns 0, or -1 with ENOMEM. */
int ways_ask(struct ways_cache *c, const struct ways *w);

/* Asks one again, whatever it said in this round; its claims may move. One
 * that was given back says what it said. Returns 0, or -1 with ENOMEM. */
int ways_ask_again(struct ways_cache *c, struct ways_node *n);

/* Lets go of all ways but the first: an open descriptor at another place would
 * keep somebody's mount busy. To be called when what they tell has been
 * used; w.keep is false then, if there was any. */
void ways_settle(struct ways_cache *c, struct ways *w);

void ways_free(struct ways_cache *c, struct ways *w);

/* When all ways have been freed. */
void ways_cache_free(struct ways_cache *c);

#endif
