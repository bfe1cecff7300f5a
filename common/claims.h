/*
 * The claims of one root (claim.h): one on the directory itself, and one on
 * each directory that is left out of it. And the claims on directories that
 * symbolic links lead to, where no root's claim reaches.
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

/* One each for whatever `who` stands for. Begin with zeros. */
struct claims_links {
	struct claims_link {
		const void *who;
		int fd;
	} * v;
	size_t n;
	size_t cap;
};

/* Takes the claim on the directory dirfd, in place of what who had. Returns 0,
 * or -1 with errno: EMFILE before there are no descriptors left for more
 * than claims, which is when half of them are in use. */
int claims_link(struct claims_links *h, const void *who, int dirfd,
    const struct claim *claim);

/* Gives up what who had, if anything. */
void claims_unlink(struct claims_links *h, const void *who);

/* Frees the list, when all have been given up. */
void claims_links_free(struct claims_links *h);

#endif
