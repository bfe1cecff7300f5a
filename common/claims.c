#include "claims.h"

#include <sys/resource.h>

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

static size_t
find_link(const struct claims_links *h, const void *who)
{
	size_t i;

	for (i = 0; i < h->n && h->v[i].who != who; i++)
		;
	return i;
}

int
claims_link(struct claims_links *h, const void *who, int dirfd,
    const struct claim *claim)
{
	struct claims_link *v;
	struct rlimit rl;
	size_t cap, i;
	int fd;

	if (h->n == h->cap) {
		cap = h->cap == 0 ? 8 : h->cap * 2;
		v = reallocarray(h->v, cap, sizeof(*v));
		if (v == NULL)
			return -1;
		h->v = v;
		h->cap = cap;
	}
	fd = claim_at(dirfd, ".", claim);
	if (fd == -1)
		return -1;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    (rlim_t)fd >= rl.rlim_cur / 2) {
		(void)close(fd);
		errno = EMFILE;
		return -1;
	}
	i = find_link(h, who);
	if (i < h->n)
		(void)close(h->v[i].fd);
	else
		h->n++;
	h->v[i] = (struct claims_link){who, fd};
	return 0;
}

void
claims_unlink(struct claims_links *h, const void *who)
{
	size_t i = find_link(h, who);

	if (i == h->n)
		return;
	(void)close(h->v[i].fd);
	h->v[i] = h->v[--h->n];
}

void
claims_links_free(struct claims_links *h)
{
	free(h->v);
	*h = (struct claims_links){0};
}
