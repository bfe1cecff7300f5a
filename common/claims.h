/*
 * The claims of one root (claim.h): one on the directory itself, and one on
 * each directory that is left out of it.
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include <stddef.h>
#include <stdint.h>

struct claim;

struct claims {
	int own; /* -1: none */
	int *pruned;
	size_t npruned;
};

#define CLAIMS_NONE       \
	{                 \
		.own = -1 \
	}

/* Takes the claim on the directory dirfd (O_PATH is enough) in place of the one
 * held before. Returns 0, or -1 with errno, and then there is none. */
int claims_take(struct claims *h, int dirfd, const struct claim *claim);

/* Takes CLAIM_PRUNED with this token on each of the n names below dirfd that
 * is a directory there, in place of those held before: one that is held already
 * is held all the time. What cannot be claimed is not. */
void claims_take_pruned(struct claims *h, int dirfd, char *const *names,
    size_t n, uint32_t token);

/* Gives all of them up. */
void claims_drop(struct claims *h);

#endif
