#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chain.h"
#include "mounts.h"
#include "watcher.h"

/* How long what was learned may be used without asking again: a directory that
 * was renamed into a watched tree is to be noticed within a second. */
#define STALE_NS INT64_C(900000000)

/* How many directories are remembered with the way up from each, and how many
 * descriptors that may take. More of them only cost more walks. */
#define DIRS_MAX  64
#define NODES_MAX 128

/* A way up that is longer gives its descriptors back as it goes. */
#define WAY_MAX 64

#define TOLD_MAX 256

/* A directory on the way from a target up to "/". Shared by all ways. */
struct node {
	struct node *next;
	size_t refs;
	struct mounts_id id;
	int fd; /* -1 once it had to be given back */
	struct claim_id kernel_id; /* see has_kernel_id */
	bool has_kernel_id;

	/* What was learned when asked last. */
	uint64_t asked; /* in which round; 0 for never */
	bool silent; /* it could not be asked */
	struct claim *claims;
	size_t nclaims;
	size_t cap;
};

/* From the target itself upward. */
struct way {
	struct node **v;
	size_t n;
	size_t cap;
	bool blocked; /* it does not lead up to "/" */
};

/* A directory that has been asked for. */
struct dir {
	struct mounts_id id; /* .ino 0: this place is free */
	int64_t walked; /* when, in ns of the monotonic clock */
	uint64_t judged; /* in which round */
	bool keep; /* the ways can be asked again */

	/* One for each place where the directory is mounted. */
	struct way *ways;
	size_t nways;

	/* What was found in that round. */
	enum loop_answer answer; /* for every name */
	bool has_names; /* claims on single names are there */
	struct loop_verdict verdict;
};

/* What is known about a process that claims. */
struct known {
	struct claim claim; /* by it, on .id */
	struct claim_id id;
	int64_t since;
	enum watcher who;
	bool feeds;
};

struct told {
	enum loop_how how;
	pid_t pid;
	dev_t dev;
	uint64_t ino;
};

struct loop {
	int rootfd;
	struct mounts *mounts; /* NULL where there is no table */
	struct chain *chain; /* NULL without --chain */
	bool no_claims; /* the system knows no such locks */
	pid_t marked_by; /* 0: nobody, else who watches the root by a mark */

	struct mounts_id *watched; /* --watched */
	char **watched_path;
	size_t nwatched;

	int64_t now; /* ns of the monotonic clock */
	int64_t began; /* the round, the same way */
	uint64_t round; /* what was learned in another has to be asked again */

	struct node *nodes;
	size_t nnodes;
	struct dir dirs[DIRS_MAX];
	struct dir spare; /* for what can not be kept */

	struct known *known;
	size_t nknown;
	size_t known_cap;
	struct told told[TOLD_MAX];
	size_t ntold;
};

static int64_t
clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool
same_dir(const struct mounts_id *a, const struct mounts_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

static bool
same_place(const struct mounts_id *a, const struct mounts_id *b)
{
	return same_dir(a, b) && a->mnt == b->mnt;
}

/* Opens a directory so that it can be asked for locks; where it may not be
 * read, so that it can at least be looked at. */
static int
open_dir(int at, const char *name)
{
	int fd;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && (errno == EACCES || errno == EPERM))
		fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

/*
 * Nodes and ways.
 */

static void
node_free(struct loop *l, struct node *n)
{
	struct node **p;

	if (n == NULL || --n->refs > 0)
		return;
	for (p = &l->nodes; *p != n; p = &(*p)->next)
		;
	*p = n->next;
	l->nnodes--;
	if (n->fd != -1)
		(void)close(n->fd);
	free(n->claims);
	free(n);
}

/* The node for the open directory fd, which it takes over, also on failure. */
static struct node *
node_get(struct loop *l, int fd, const struct mounts_id *id)
{
	struct node *n;

	for (n = l->nodes; n != NULL; n = n->next) {
		if (!same_place(&n->id, id) || n->fd == -1)
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
	n->next = l->nodes;
	l->nodes = n;
	l->nnodes++;
	return n;
}

static int
add_claim(void *ctx, const struct claim *c)
{
	struct node *n = ctx;
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
	n->claims[n->nclaims++] = *c;
	return 0;
}

/* Asks a directory on the way which claims it has, once a round. */
static int
node_ask(struct loop *l, struct node *n)
{
	if (n->asked == l->round || l->no_claims || n->fd == -1)
		return 0;
	n->nclaims = 0;
	n->silent = false;
	if (!n->has_kernel_id) {
		n->has_kernel_id = mounts_kernel_id(n->fd, &n->kernel_id.dev,
				       &n->kernel_id.ino) == 0;
	}
	if (claim_list(n->fd, n->has_kernel_id ? &n->kernel_id : NULL,
		add_claim, n) == -1) {
		if (errno == ENOMEM)
			return -1;
		if (errno == ENOTSUP)
			l->no_claims = true;
		else
			n->silent = true;
	}
	n->asked = l->round;
	return 0;
}

static void
way_free(struct loop *l, struct way *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		node_free(l, w->v[i]);
	free(w->v);
	*w = (struct way){0};
}

static void
dir_forget(struct loop *l, struct dir *d)
{
	size_t i;

	for (i = 0; i < d->nways; i++)
		way_free(l, &d->ways[i]);
	free(d->ways);
	*d = (struct dir){0};
}

static int
way_add(struct way *w, struct node *n)
{
	struct node **v;
	size_t cap;

	if (w->n == w->cap) {
		cap = w->cap == 0 ? 16 : w->cap * 2;
		v = reallocarray(w->v, cap, sizeof(struct node *));
		if (v == NULL)
			return -1;
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n++] = n;
	return 0;
}

/* Goes up from the open directory fd, which is taken over, to where ".." leads
 * nowhere else. At the root of a mount ".." goes on below it by itself. The
 * same directory in another mount is another step: a directory can be mounted
 * on its own child. */
static int
climb(struct loop *l, int fd, struct way *w, bool *keep)
{
	struct mounts_id id, up;
	struct node *n;

	if (mounts_identify(fd, &id) == -1) {
		(void)close(fd);
		return -1;
	}
	for (;;) {
		n = node_get(l, fd, &id);
		if (n == NULL)
			return -1;
		if (way_add(w, n) == -1) {
			node_free(l, n);
			return -1;
		}
		if (node_ask(l, n) == -1)
			return -1;
		fd = open_dir(n->fd, "..");
		if (w->n > WAY_MAX) {
			*keep = false;
			if (n->refs == 1) {
				(void)close(n->fd);
				n->fd = -1;
			}
		}
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
		if (same_place(&up, &id)) {
			(void)close(fd);
			return 0;
		}
		id = up;
	}
}

static struct way *
dir_add_way(struct dir *d)
{
	struct way *v;

	v = reallocarray(d->ways, d->nways + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	d->ways = v;
	v = &v[d->nways++];
	*v = (struct way){0};
	return v;
}

struct walk {
	struct loop *l;
	struct dir *d;
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
	if (mounts_identify(fd, &id) == -1 || !same_dir(&id, &walk->d->id) ||
	    same_place(&id, &walk->d->id)) {
		(void)close(fd);
		return 0;
	}
	w = dir_add_way(walk->d);
	if (w == NULL) {
		(void)close(fd);
		return -1;
	}
	walk->d->keep = false; /* see drop_places() */
	return climb(walk->l, fd, w, &walk->d->keep);
}

/* Lets go of all places but the one by which the directory was opened, which is
 * in use anyway: an open descriptor would keep somebody's mount busy. */
static void
drop_places(struct loop *l, struct dir *d)
{
	while (d->nways > 1)
		way_free(l, &d->ways[--d->nways]);
}

/* The mount table, read anew when it has changed. Where it cannot be read only
 * the way by which the directory was opened is known. */
static void
refresh_mounts(struct loop *l)
{
	if (l->mounts != NULL && !mounts_changed(l->mounts))
		return;
	mounts_free(l->mounts);
	l->mounts = mounts_read();
}

static int
walk(struct loop *l, struct dir *d, int dirfd, const struct mounts_id *id)
{
	struct walk walk = {l, d};
	struct way *w;
	int fd;

	dir_forget(l, d);
	d->id = *id;
	d->keep = true;
	d->walked = l->now;
	fd = open_dir(dirfd, ".");
	if (fd == -1 && (errno == EACCES || errno == EPERM))
		fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	w = dir_add_way(d);
	if (w == NULL) {
		(void)close(fd);
		return -1;
	}
	if (climb(l, fd, w, &d->keep) == -1)
		return -1;
	refresh_mounts(l);
	if (l->mounts == NULL)
		return 0;
	return mounts_places(l->mounts, dirfd, walk_place, &walk);
}

/*
 * What the claims mean.
 */

static bool
same_claim(const struct claim *a, const struct claim *b)
{
	return a->kind == b->kind && a->pid == b->pid && a->depth == b->depth &&
	    a->token == b->token && a->name_hash == b->name_hash;
}

/* Who is behind a claim. Asked at most once a second: that of a process which
 * feeds us not is the common case with --chain. */
static int
who_claims(struct loop *l, const struct node *n, const struct claim *c,
    struct known *ret)
{
	struct known *k = NULL, *v;
	size_t i, cap;
	int feeds = 1;

	for (i = 0; i < l->nknown; i++) {
		k = &l->known[i];
		if (same_claim(&k->claim, c) && k->id.dev == n->kernel_id.dev &&
		    k->id.ino == n->kernel_id.ino)
			break;
	}
	if (i < l->nknown && l->now - k->since < STALE_NS) {
		*ret = *k;
		return 0;
	}
	if (i == l->nknown) {
		/* Those that were not asked for lately are gone. */
		for (i = 0; i < l->nknown; i++) {
			if (l->now - l->known[i].since >= STALE_NS)
				break;
		}
	}
	if (i == l->nknown) {
		if (l->nknown == l->known_cap) {
			cap = l->known_cap == 0 ? 8 : l->known_cap * 2;
			v = reallocarray(l->known, cap, sizeof(*v));
			if (v == NULL)
				return -1;
			l->known = v;
			l->known_cap = cap;
		}
		l->nknown++;
	}
	if (l->chain != NULL) {
		feeds = chain_feeds(l->chain, c->pid);
		/* Nobody can tell: better no write than a loop. */
		if (feeds == -1)
			feeds = 1;
	}
	k = &l->known[i];
	k->claim = *c;
	k->id = n->kernel_id;
	k->since = l->now;
	k->who = watcher_look(c, &n->kernel_id);
	k->feeds = feeds == 1;
	*ret = *k;
	return 0;
}

/* The path of a directory as seen from here. */
static void
path_of(int fd, char *path, size_t size)
{
	char link[64];
	ssize_t len = -1;

	if (fd != -1) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, path, size - 1);
	}
	path[len == -1 ? 0 : len] = '\0';
}

static void
set_verdict(struct loop_verdict *v, enum loop_how how, pid_t pid, bool foreign,
    const struct node *n)
{
	v->how = how;
	v->pid = pid;
	v->foreign = foreign;
	path_of(n->fd, v->path, sizeof(v->path));
}

/* Has this been said before? If not, it will have been. */
static bool
was_told(struct loop *l, enum loop_how how, pid_t pid, const struct node *n)
{
	struct told *t;
	size_t i;

	for (i = 0; i < l->ntold; i++) {
		t = &l->told[i];
		if (t->how == how && t->pid == pid && t->dev == n->id.dev &&
		    t->ino == n->id.ino)
			return true;
	}
	if (l->ntold == TOLD_MAX)
		return true;
	l->told[l->ntold++] = (struct told){how, pid, n->id.dev, n->id.ino};
	return false;
}

/* Is the claim still there? A watcher that ends between the look at its claim
 * and the look at its process is nobody to warn of. */
static bool
still_held(struct loop *l, struct node *n, const struct claim *c)
{
	struct claim was = *c;
	size_t i;

	if (n->fd == -1)
		return true;
	n->asked = 0;
	if (node_ask(l, n) == -1)
		return true;
	for (i = 0; i < n->nclaims; i++) {
		if (same_claim(&n->claims[i], &was))
			return true;
	}
	return false;
}

/* A claim covers what is asked for: does it count? */
static int
judge_claim(struct loop *l, struct node *n, const struct claim *claim,
    enum loop_answer *answer, struct loop_verdict *v)
{
	struct claim c = *claim; /* asking again may move the array */
	struct known k;

	if (who_claims(l, n, &c, &k) == -1)
		return -1;
	if (!k.feeds)
		return 0;
	if (k.who == WATCHER_OURS) {
		*answer = LOOP_COVERED;
		v->kind = c.kind;
		set_verdict(v, LOOP_BY_CLAIM, c.pid, false, n);
		return 0;
	}
	if (*answer != LOOP_FREE || !still_held(l, n, &c) ||
	    was_told(l, LOOP_BY_CLAIM, c.pid, n))
		return 0;
	*answer = LOOP_WARN;
	v->kind = c.kind;
	set_verdict(v, LOOP_BY_CLAIM, c.pid, true, n);
	return 0;
}

/* Has the tree of claim c been pruned on the way, nearer to the target than
 * step i? */
static bool
is_pruned(const struct way *w, size_t i, const struct claim *c)
{
	const struct claim *p;
	size_t j, k;

	for (j = 0; j < i; j++) {
		for (k = 0; k < w->v[j]->nclaims; k++) {
			p = &w->v[j]->claims[k];
			if (p->kind == CLAIM_PRUNED && p->token == c->token &&
			    p->pid == c->pid)
				return true;
		}
	}
	return false;
}

/* Does the claim c on step i of the way cover every name in the target? */
static bool
covers(const struct way *w, size_t i, const struct claim *c)
{
	switch (c->kind) {
	case CLAIM_TREE:
		if (c->depth != CLAIM_DEPTH_MAX && i >= c->depth)
			return false;
		if (c->one_fs && w->v[i]->id.dev != w->v[0]->id.dev)
			return false;
		return !is_pruned(w, i, c);
	case CLAIM_FLAT:
		return i == 0;
	case CLAIM_NAME:
	case CLAIM_PRUNED:
		break;
	}
	return false;
}

static bool
is_watched(struct loop *l, const struct node *n, const char **path)
{
	size_t i;

	for (i = 0; i < l->nwatched; i++) {
		if (!same_dir(&l->watched[i], &n->id))
			continue;
		*path = l->watched_path[i];
		return true;
	}
	return false;
}

static int
judge_way(struct loop *l, struct dir *d, const struct way *w)
{
	const char *path;
	struct node *n;
	size_t i, j;

	for (i = 0; i < w->n; i++) {
		n = w->v[i];
		if (is_watched(l, n, &path)) {
			d->answer = LOOP_COVERED;
			set_verdict(&d->verdict, LOOP_BY_OPTION, 0, false, n);
			(void)snprintf(d->verdict.path, sizeof(d->verdict.path),
			    "%s", path);
			return 0;
		}
		for (j = 0; j < n->nclaims; j++) {
			if (i == 0 && n->claims[j].kind == CLAIM_NAME)
				d->has_names = true;
			if (!covers(w, i, &n->claims[j]))
				continue;
			if (judge_claim(l, n, &n->claims[j], &d->answer,
				&d->verdict) == -1)
				return -1;
			if (d->answer == LOOP_COVERED)
				return 0;
		}
		if (d->answer == LOOP_FREE &&
		    (n->silent || (i == w->n - 1 && w->blocked)) &&
		    !was_told(l, LOOP_UNKNOWN, 0, n)) {
			d->answer = LOOP_WARN;
			set_verdict(&d->verdict, LOOP_UNKNOWN, 0, false, n);
		}
	}
	return 0;
}

/* Does the mark that was found at the start still count? Where a claim of the
 * same process shows on the way the claims decide: a directory may have been
 * pruned since. */
static bool
is_marked(const struct loop *l, const struct dir *d)
{
	const struct node *n;
	size_t i, j, k;

	if (l->marked_by == 0 || !watcher_lives(l->marked_by))
		return false;
	for (i = 0; i < d->nways; i++) {
		for (j = 0; j < d->ways[i].n; j++) {
			n = d->ways[i].v[j];
			for (k = 0; k < n->nclaims; k++) {
				if (n->claims[k].pid == l->marked_by)
					return false;
			}
		}
	}
	return true;
}

/* Asks every directory on every way, once a round, then decides. */
static int
judge(struct loop *l, struct dir *d)
{
	size_t i, j;

	if (d->judged == l->round)
		return 0;
	d->answer = LOOP_FREE;
	d->has_names = false;
	/* All are asked first: a pruned claim is nearer than the tree's. */
	for (i = 0; i < d->nways; i++) {
		for (j = 0; j < d->ways[i].n; j++) {
			if (node_ask(l, d->ways[i].v[j]) == -1)
				return -1;
		}
	}
	if (is_marked(l, d)) {
		d->answer = LOOP_COVERED;
		d->verdict.how = LOOP_BY_MARK;
		d->verdict.pid = l->marked_by;
		d->verdict.foreign = false;
		path_of(l->rootfd, d->verdict.path, sizeof(d->verdict.path));
	}
	for (i = 0; i < d->nways && d->answer != LOOP_COVERED; i++) {
		if (judge_way(l, d, &d->ways[i]) == -1)
			return -1;
	}
	d->judged = l->round;
	return 0;
}

/* The claims on this one name. All ways begin in the same inode. */
static int
judge_name(struct loop *l, const struct dir *d, const char *name,
    enum loop_answer *answer, struct loop_verdict *v)
{
	struct node *n = d->ways[0].v[0];
	uint32_t hash = claim_hash(name);
	size_t i;

	for (i = 0; i < n->nclaims && *answer != LOOP_COVERED; i++) {
		if (n->claims[i].kind != CLAIM_NAME ||
		    n->claims[i].name_hash != hash)
			continue;
		if (judge_claim(l, n, &n->claims[i], answer, v) == -1)
			return -1;
	}
	return 0;
}

/*
 * The cache of directories.
 */

static struct dir *
find(struct loop *l, const struct mounts_id *id)
{
	size_t i;

	for (i = 0; i < DIRS_MAX; i++) {
		if (l->dirs[i].ways != NULL && same_place(&l->dirs[i].id, id))
			return &l->dirs[i];
	}
	return NULL;
}

/* A place for a directory: a free one, else the one that was walked longest
 * ago, and more of them until there are descriptors to spare. */
static struct dir *
make_room(struct loop *l)
{
	struct dir *free_one, *oldest, *d;

	do {
		free_one = oldest = NULL;
		for (d = l->dirs; d < l->dirs + DIRS_MAX; d++) {
			if (d->ways == NULL)
				free_one = d;
			else if (oldest == NULL || d->walked < oldest->walked)
				oldest = d;
		}
		if (oldest != NULL &&
		    (free_one == NULL || l->nnodes > NODES_MAX))
			dir_forget(l, oldest);
	} while (free_one == NULL || (oldest != NULL && l->nnodes > NODES_MAX));
	return free_one;
}

static void
forget_all(struct loop *l)
{
	size_t i;

	for (i = 0; i < DIRS_MAX; i++)
		dir_forget(l, &l->dirs[i]);
}

static int
look_up(struct loop *l, int dirfd, const struct mounts_id *id, struct dir **ret)
{
	struct dir *d;

	d = find(l, id);
	if (d != NULL && d->judged == l->round &&
	    l->now - d->walked < STALE_NS) {
		*ret = d;
		return 0;
	}
	if (d == NULL)
		d = make_room(l);
	if (d->ways == NULL || !d->keep || l->now - d->walked >= STALE_NS) {
		if (walk(l, d, dirfd, id) == -1) {
			dir_forget(l, d);
			return -1;
		}
	}
	if (judge(l, d) == -1) {
		dir_forget(l, d);
		return -1;
	}
	drop_places(l, d);
	*ret = d;
	return 0;
}

/*
 * What others call.
 */

static int
remember_mark(void *ctx, pid_t pid)
{
	struct loop *l = ctx;

	if (l->chain != NULL && chain_feeds(l->chain, pid) == 0)
		return 0;
	l->marked_by = pid;
	return 1;
}

static int
add_watched(struct loop *l, const struct loop_options *o, const char **ret_bad)
{
	const char *path = NULL;
	size_t i;
	int fd = -1, ret = -1;

	if (o->nwatched == 0)
		return 0;
	l->watched = calloc(o->nwatched, sizeof(*l->watched));
	l->watched_path = calloc(o->nwatched, sizeof(*l->watched_path));
	if (l->watched == NULL || l->watched_path == NULL)
		return -1;
	for (i = 0; i < o->nwatched; i++) {
		path = o->watched[i];
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1)
			goto out;
		if (mounts_identify(fd, &l->watched[i]) == -1)
			goto out;
		(void)close(fd);
		fd = -1;
		l->watched_path[i] = strdup(path);
		if (l->watched_path[i] == NULL)
			goto out;
		l->nwatched++;
	}
	path = NULL;
	ret = 0;
out:
	if (fd != -1)
		(void)close(fd);
	*ret_bad = path;
	return ret;
}

struct loop *
loop_open(int rootfd, const struct loop_options *o, const char **ret_bad)
{
	struct loop *l;
	int saved;

	*ret_bad = NULL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->rootfd = rootfd;
	l->round = 1;
	l->now = l->began = clock_ns();
	if (add_watched(l, o, ret_bad) == -1)
		goto fail;
	if (o->chain) {
		l->chain = chain_open();
		if (l->chain == NULL)
			goto fail;
	}
	/* Without /proc there are no marks to be read. */
	(void)watcher_marks(rootfd, remember_mark, l);
	return l;
fail:
	saved = errno;
	loop_close(l);
	errno = saved;
	return NULL;
}

static void
new_round(struct loop *l)
{
	l->round++;
	l->began = l->now;
}

void
loop_batch(struct loop *l)
{
	if (l == NULL)
		return;
	l->now = clock_ns();
	new_round(l);
}

int
loop_check(struct loop *l, int dirfd, const char *name, struct loop_verdict *v)
{
	enum loop_answer answer;
	struct mounts_id id;
	struct dir *d;

	v->every_name = true;
	if (l == NULL)
		return LOOP_FREE;
	/* A batch may last longer than an answer holds. */
	l->now = clock_ns();
	if (l->now - l->began >= STALE_NS)
		new_round(l);
	if (mounts_identify(dirfd, &id) == -1)
		return -1;
	if (look_up(l, dirfd, &id, &d) == -1) {
		if (errno != EMFILE && errno != ENFILE)
			return -1;
		/* Give back what the cache holds, and once more. */
		forget_all(l);
		if (look_up(l, dirfd, &id, &d) == -1)
			return -1;
	}
	answer = d->answer;
	if (answer != LOOP_FREE) {
		*v = d->verdict;
		if (answer == LOOP_WARN)
			d->answer = LOOP_FREE; /* said once */
	}
	v->every_name = answer == LOOP_COVERED || !d->has_names;
	if (answer != LOOP_COVERED && name != NULL && d->has_names &&
	    judge_name(l, d, name, &answer, v) == -1)
		return -1;
	return (int)answer;
}

bool
loop_sees_claims(const struct loop *l)
{
	return l != NULL && !l->no_claims;
}

/* What is shown at a terminal must not speak to it. */
static void
harmless(char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
	}
}

const char *
loop_message(const struct loop_verdict *v, char *buf, size_t size)
{
	const char *path = v->path[0] != '\0' ? v->path : "a directory above";
	int pid = (int)v->pid;

	switch (v->how) {
	case LOOP_BY_OPTION:
		(void)snprintf(buf, size,
		    "%s is watched (--watched): not written, it would loop;"
		    " use another directory, or --force",
		    path);
		break;
	case LOOP_BY_CLAIM:
		if (v->foreign) {
			(void)snprintf(buf, size,
			    "%s is watched by process %d of another user:"
			    " written all the same",
			    path, pid);
			break;
		}
		(void)snprintf(buf, size,
		    "%s%s is watched by process %d: not written, it would loop;"
		    " use --prune at the watcher, --chain, another directory,"
		    " or --force",
		    v->kind == CLAIM_NAME ? "a name in " : "", path, pid);
		break;
	case LOOP_BY_MARK:
		(void)snprintf(buf, size,
		    "the directory is watched by process %d, which reaches it"
		    " by another way: not written, it would loop; use --prune"
		    " at the watcher, --chain, another directory, or --force",
		    pid);
		break;
	case LOOP_UNKNOWN:
		(void)snprintf(buf, size,
		    "%s cannot be asked for watchers: written all the same",
		    path);
		break;
	}
	harmless(buf);
	return buf;
}

void
loop_close(struct loop *l)
{
	size_t i;

	if (l == NULL)
		return;
	forget_all(l);
	chain_close(l->chain);
	mounts_free(l->mounts);
	for (i = 0; i < l->nwatched; i++)
		free(l->watched_path[i]);
	free(l->watched_path);
	free(l->watched);
	free(l->known);
	free(l);
}
