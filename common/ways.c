#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "claim.h"
#include "compat_write.h"
#include "mounts.h"

/* A way up that is longer gives its descriptors back as it goes. */
#define WAY_MAX 64

/* Opens a directory so that it can be asked for locks; where it may not be
 * read, so that it can at least be looked at. */
static int
open_dir(int at, const char *name)
{
	int fd;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && (errno == EACCES || errno == EPERM))
		fd = openat(at, name, COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static void
node_close(struct ways_cache *c, struct ways_node *n)
{
	if (n->fd == -1)
		return;
	(void)close(n->fd);
	n->fd = -1;
	c->nopen--;
}

static void
node_free(struct ways_cache *c, struct ways_node *n)
{
	struct ways_node **p;

	if (n == NULL || --n->refs > 0)
		return;
	for (p = &c->nodes; *p != n; p = &(*p)->next)
		;
	*p = n->next;
	node_close(c, n);
	free(n->claims);
	free(n);
}

/* The node for the open directory fd, which it takes over, also on failure. */
static struct ways_node *
node_get(struct ways_cache *c, int fd, const struct mounts_id *id)
{
	struct ways_node *n;

	for (n = c->nodes; n != NULL; n = n->next) {
		if (!mounts_same_place(&n->id, id) || n->fd == -1)
			continue;
		(void)close(fd);
		n->refs++;
		return n;
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL) {
		(void)close(fd);
		return NULL;
	}
	n->id = *id;
	n->fd = fd;
	n->refs = 1;
	n->next = c->nodes;
	c->nodes = n;
	c->nopen++;
	return n;
}

static int
add_claim(void *ctx, const struct claim *claim)
{
	struct ways_node *n = ctx;
	struct claim *v;
	size_t cap;

	if (n->nclaims == n->cap) {
		cap = n->cap == 0 ? 4 : n->cap * 2;
		v = reallocarray(n->claims, cap, sizeof(*v));
		if (v == NULL)
			return -1;
		n->claims = v;
		n->cap = cap;
	}
	n->claims[n->nclaims++] = *claim;
	return 0;
}

/* Asks a directory on the way which claims it has, once a round. */
static int
node_ask(struct ways_cache *c, struct ways_node *n)
{
	if (n->asked == c->round || c->no_claims || n->fd == -1)
		return 0;
	n->nclaims = 0;
	n->silent = false;
	if (claim_list(n->fd, n->has_kernel_id ? &n->kernel_id : NULL,
		add_claim, n) == -1) {
		if (errno == ENOMEM)
			return -1;
		if (errno == ENOTSUP)
			c->no_claims = true;
		else
			n->silent = true;
	}
	/* That is dear, and few have claims. */
	if (n->nclaims > 0 && !n->has_kernel_id) {
		n->has_kernel_id = mounts_kernel_id(n->fd, &n->kernel_id.dev,
				       &n->kernel_id.ino) == 0;
	}
	n->asked = c->round;
	return 0;
}

static void
way_free(struct ways_cache *c, struct way *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		node_free(c, w->v[i]);
	free(w->v);
	*w = (struct way){0};
}

void
ways_free(struct ways_cache *c, struct ways *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		way_free(c, &w->v[i]);
	free(w->v);
	*w = (struct ways){0};
}

static int
way_add(struct way *w, struct ways_node *n)
{
	struct ways_node **v;
	size_t cap;

	if (w->n == w->cap) {
		cap = w->cap == 0 ? 16 : w->cap * 2;
		v = reallocarray(w->v, cap, sizeof(struct ways_node *));
		if (v == NULL)
			return -1;
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n++] = n;
	return 0;
}

/* The descriptor of one on a very long way, which is asked before. */
static int
give_back(struct ways_cache *c, struct ways_node *n)
{
	if (node_ask(c, n) == -1)
		return -1;
	if (n->refs == 1)
		node_close(c, n);
	return 0;
}

/* Goes up from the open directory fd, which is taken over, to where ".." leads
 * nowhere else. At the root of a mount ".." goes on below it by itself. The
 * same directory in another mount is another step: a directory can be mounted
 * on its own child. */
static int
climb(struct ways_cache *c, int fd, struct way *w, bool *keep)
{
	struct mounts_id id, up;
	struct ways_node *n;
	int error;

	if (mounts_identify(fd, &id) == -1) {
		(void)close(fd);
		return -1;
	}
	for (;;) {
		n = node_get(c, fd, &id);
		if (n == NULL)
			return -1;
		if (way_add(w, n) == -1) {
			node_free(c, n);
			return -1;
		}
		fd = open_dir(n->fd, "..");
		error = errno;
		if (w->n > WAY_MAX) {
			*keep = false;
			if (give_back(c, n) == -1) {
				if (fd != -1)
					(void)close(fd);
				return -1;
			}
		}
		errno = error;
		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM)
				return -1;
			w->blocked = true;
			return 0;
		}
		if (mounts_identify(fd, &up) == -1) {
			(void)close(fd);
			return -1;
		}
		if (mounts_same_place(&up, &id)) {
			(void)close(fd);
			return 0;
		}
		id = up;
	}
}

/* Goes up from the open directory fd, which is taken over, by one step to what
 * has a way already. */
static int
join(struct ways_cache *c, int fd, const struct mounts_id *id, struct way *w,
    const struct way *above)
{
	struct ways_node *n;
	size_t i;

	n = node_get(c, fd, id);
	if (n == NULL)
		return -1;
	if (way_add(w, n) == -1) {
		node_free(c, n);
		return -1;
	}
	for (i = 0; i < above->n; i++) {
		if (way_add(w, above->v[i]) == -1)
			return -1;
		above->v[i]->refs++;
	}
	w->blocked = above->blocked;
	return 0;
}

static struct way *
add_way(struct ways *w)
{
	struct way *v;

	v = reallocarray(w->v, w->n + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	w->v = v;
	v = &v[w->n++];
	*v = (struct way){0};
	return v;
}

struct walk {
	struct ways_cache *c;
	struct ways *w;
};

/* The same directory at another place: there are other directories above. */
static int
walk_place(void *ctx, const char *path)
{
	struct walk *walk = ctx;
	struct mounts_id id;
	struct way *w;
	int fd;

	fd = open_dir(AT_FDCWD, path);
	if (fd == -1)
		return errno == EMFILE || errno == ENFILE ? -1 : 0;
	/* Where the paths lead to the one place it is no other one. */
	if (mounts_identify(fd, &id) == -1 ||
	    !mounts_same_dir(&id, &walk->w->id) ||
	    mounts_same_place(&id, &walk->w->id)) {
		(void)close(fd);
		return 0;
	}
	w = add_way(walk->w);
	if (w == NULL) {
		(void)close(fd);
		return -1;
	}
	walk->w->keep = false; /* see ways_settle() */
	return climb(walk->c, fd, w, &walk->w->keep);
}

void
ways_settle(struct ways_cache *c, struct ways *w)
{
	while (w->n > 1)
		way_free(c, &w->v[--w->n]);
}

/* The mount table, read anew when it has changed. Where it cannot be read only
 * the way by which the directory was opened is known. */
static void
refresh_mounts(struct ways_cache *c)
{
	if (c->mounts != NULL && !mounts_changed(c->mounts))
		return;
	mounts_free(c->mounts);
	c->mounts = mounts_read();
}

int
ways_walk(struct ways_cache *c, struct ways *w, int dirfd,
    const struct mounts_id *id, const struct ways *above)
{
	struct walk walk = {c, w};
	struct way *way;
	int fd;

	ways_free(c, w);
	w->id = *id;
	w->keep = above == NULL || above->keep;
	fd = open_dir(dirfd, ".");
	if (fd == -1 && (errno == EACCES || errno == EPERM))
		fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	way = add_way(w);
	if (way == NULL) {
		(void)close(fd);
		return -1;
	}
	if ((above != NULL ? join(c, fd, id, way, &above->v[0]) :
			     climb(c, fd, way, &w->keep)) == -1)
		return -1;
	refresh_mounts(c);
	if (c->mounts != NULL &&
	    mounts_places(c->mounts, dirfd, walk_place, &walk) == -1)
		return -1;
	return ways_ask(c, w);
}

int
ways_ask(struct ways_cache *c, const struct ways *w)
{
	size_t i, j;

	/* Downward: a watcher claims what it has pruned first and the tree
	 * above it then, and a root that it waits for first further down and
	 * then no more above. So whoever has not seen the one sees the
	 * other. */
	for (i = 0; i < w->n; i++) {
		for (j = w->v[i].n; j > 0; j--) {
			if (node_ask(c, w->v[i].v[j - 1]) == -1)
				return -1;
		}
	}
	return 0;
}

int
ways_ask_again(struct ways_cache *c, struct ways_node *n)
{
	if (n->fd == -1)
		return 0;
	n->asked = 0;
	return node_ask(c, n);
}

void
ways_round(struct ways_cache *c)
{
	c->round++;
}

void
ways_cache_free(struct ways_cache *c)
{
	mounts_free(c->mounts);
	c->mounts = NULL;
}
