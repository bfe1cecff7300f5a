#include "claims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "claim.h"

/* A claim lives with a descriptor of its own, open for reading. */
static int
claim_at(int dirfd, const char *name, const struct claim *claim)
{
	int fd, error;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || claim_take(fd, claim) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

int
claims_take(struct claims *h, int dirfd, const struct claim *claim)
{
	int fd, error;

	/* The new one first, so that there is no moment without. */
	fd = claim_at(dirfd, ".", claim);
	error = errno;
	if (h->own != -1)
		(void)close(h->own);
	h->own = fd;
	errno = error;
	return fd == -1 ? -1 : 0;
}

static void
drop_pruned(struct claims *h)
{
	while (h->npruned > 0)
		(void)close(h->pruned[--h->npruned]);
	free(h->pruned);
	h->pruned = NULL;
}

void
claims_take_pruned(struct claims *h, int dirfd, char *const *names, size_t n,
    uint32_t token)
{
	const struct claim claim = {.kind = CLAIM_PRUNED, .token = token};
	struct claims old = *h;
	size_t i;

	/* The new ones first here, too: they are taken again whenever one of
	 * these names may have come, and who asks meanwhile is not to be
	 * refused. */
	h->pruned = n == 0 ? NULL : calloc(n, sizeof(int));
	h->npruned = 0;
	for (i = 0; h->pruned != NULL && i < n; i++) {
		h->pruned[h->npruned] = claim_at(dirfd, names[i], &claim);
		if (h->pruned[h->npruned] != -1)
			h->npruned++;
	}
	drop_pruned(&old);
}

void
claims_drop(struct claims *h)
{
	drop_pruned(h);
	if (h->own != -1)
		(void)close(h->own);
	h->own = -1;
}
