#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "compat_write.h"
#include "monotonic.h"
#include "mounts.h"
#include "watcher.h"
#include "ways.h"

/* How long what was learned may be used without asking again: a directory that
 * was renamed into a watched tree is to be noticed within a second. */
#define STALE_US 900000

/* How many directories are remembered with the way up from each, and how many
 * descriptors that may take. More of them only cost more walks. */
#define DIRS_MAX  64
#define NODES_MAX 128

#define TOLD_MAX 256

/* A directory that has been asked for. */
struct dir {
	struct ways ways; /* .v NULL: this place is free */
	int64_t walked; /* when, us of the monotonic clock */
	uint64_t went; /* in which round that was */
	uint64_t judged; /* in which round */

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
	struct chain *chain; /* NULL without --chain */
	pid_t marked_by; /* 0: nobody, else who watches the root by a mark */

	struct mounts_id *watched; /* --watched */
	char **watched_path;
	size_t nwatched;

	int64_t now; /* us of the monotonic clock */
	int64_t began; /* the round, the same way */

	struct ways_cache ways; /* .round: what was learned in another counts
				 * no more */
	struct dir dirs[DIRS_MAX];

	struct known *known;
	size_t nknown;
	size_t known_cap;
	struct told told[TOLD_MAX];
	size_t ntold;
};

/*
 * What the claims mean.
 */

/* Who is behind a claim. Asked at most once a second: that of a process which
 * feeds us not is the common case with --chain. */
static int
who_claims(struct loop *l, const struct ways_node *n, const struct claim *c,
    struct known *ret)
{
	struct known *k = NULL, *v;
	size_t i, cap;
	int feeds = 1;

	for (i = 0; i < l->nknown; i++) {
		k = &l->known[i];
		if (claim_same(&k->claim, c) && k->id.dev == n->kernel_id.dev &&
		    k->id.ino == n->kernel_id.ino)
			break;
	}
	if (i < l->nknown && l->now - k->since < STALE_US) {
		*ret = *k;
		return 0;
	}
	if (i == l->nknown) {
		/* Those that were not asked for lately are gone. */
		for (i = 0; i < l->nknown; i++) {
			if (l->now - l->known[i].since >= STALE_US)
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

static void
set_verdict(struct loop_verdict *v, enum loop_how how, pid_t pid, bool foreign,
    const struct ways_node *n)
{
	v->how = how;
	v->pid = pid;
	v->foreign = foreign;
	(void)mounts_path(n->fd, v->path, sizeof(v->path));
}

/* Has this been said before, or too much? */
static bool
was_told(const struct loop *l, enum loop_how how, pid_t pid,
    const struct ways_node *n)
{
	const struct told *t;
	size_t i;

	for (i = 0; i < l->ntold; i++) {
		t = &l->told[i];
		if (t->how == how && t->pid == pid && t->dev == n->id.dev &&
		    t->ino == n->id.ino)
			return true;
	}
	return l->ntold == TOLD_MAX;
}

static void
will_be_told(struct loop *l, enum loop_how how, pid_t pid,
    const struct ways_node *n)
{
	l->told[l->ntold++] = (struct told){how, pid, n->id.dev, n->id.ino};
}

/* Is the claim still there? A watcher that ends between the look at its claim
 * and the look at its process is nobody to warn of. */
static bool
still_held(struct loop *l, struct ways_node *n, const struct claim *c)
{
	struct claim was = *c;
	size_t i;

	if (ways_ask_again(&l->ways, n) == -1)
		return true;
	for (i = 0; i < n->nclaims; i++) {
		if (claim_same(&n->claims[i], &was))
			return true;
	}
	return false;
}

/* A claim covers what is asked for: does it count? */
static int
judge_claim(struct loop *l, struct ways_node *n, const struct claim *claim,
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
	/* Asking again is dear, and anybody may claim a thousand times. */
	if (*answer != LOOP_FREE || was_told(l, LOOP_BY_CLAIM, c.pid, n) ||
	    !still_held(l, n, &c))
		return 0;
	will_be_told(l, LOOP_BY_CLAIM, c.pid, n);
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

/* The last n names of a path. NULL where it has fewer. */
static const char *
last_names(const char *path, size_t n)
{
	const char *p = path + strlen(path);

	while (n > 0 && p > path)
		n -= *--p == '/';
	return n > 0 ? NULL : p + 1;
}

/* Could the claim c on step i of the way be for a single name in the
 * target? */
static bool
may_name(size_t i, const struct claim *c)
{
	return c->kind == CLAIM_NAME && c->path == (i > 0);
}

/* Is what the claim c on step i names the target's own name or one above it?
 * Then the watcher has not seen yet that it is there, and will look at all that
 * is in it. Or, with a name, is it that name in the target? */
static bool
is_named(const struct way *w, size_t i, const struct claim *c, const char *name)
{
	char path[PATH_MAX];
	uint32_t hash = CLAIM_HASH;
	const char *p = "";
	size_t len, n = 0;

	if (i > 0) {
		if (!mounts_path(w->v[0]->fd, path, sizeof(path)))
			return false;
		p = last_names(path, i);
		if (p == NULL)
			return false;
	}
	for (; *p != '\0'; p += len + (p[len] == '/')) {
		len = strcspn(p, "/");
		if (n++ > 0)
			hash = claim_hash_add(hash, "/", 1);
		hash = claim_hash_add(hash, p, len);
		if (name == NULL && hash == c->name_hash && c->path == (n > 1))
			return true;
	}
	if (name == NULL)
		return false;
	if (n > 0)
		hash = claim_hash_add(hash, "/", 1);
	return claim_hash_add(hash, name, strlen(name)) == c->name_hash;
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
		return i > 0 && is_named(w, i, c, NULL);
	case CLAIM_PRUNED:
		break;
	}
	return false;
}

static bool
is_watched(struct loop *l, const struct ways_node *n, const char **path)
{
	size_t i;

	for (i = 0; i < l->nwatched; i++) {
		if (!mounts_same_dir(&l->watched[i], &n->id))
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
	struct ways_node *n;
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
			if (may_name(i, &n->claims[j]))
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
			will_be_told(l, LOOP_UNKNOWN, 0, n);
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
	const struct ways_node *n;
	size_t i, j, k;

	if (l->marked_by == 0 || !watcher_lives(l->marked_by))
		return false;
	for (i = 0; i < d->ways.n; i++) {
		for (j = 0; j < d->ways.v[i].n; j++) {
			n = d->ways.v[i].v[j];
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
	size_t i;

	if (d->judged == l->ways.round)
		return 0;
	d->answer = LOOP_FREE;
	d->has_names = false;
	/* All are asked first: a pruned claim is nearer than the tree's. */
	if (ways_ask(&l->ways, &d->ways) == -1)
		return -1;
	if (is_marked(l, d)) {
		d->answer = LOOP_COVERED;
		d->verdict.how = LOOP_BY_MARK;
		d->verdict.pid = l->marked_by;
		d->verdict.foreign = false;
		(void)mounts_path(l->rootfd, d->verdict.path,
		    sizeof(d->verdict.path));
	}
	for (i = 0; i < d->ways.n && d->answer != LOOP_COVERED; i++) {
		if (judge_way(l, d, &d->ways.v[i]) == -1)
			return -1;
	}
	d->judged = l->ways.round;
	return 0;
}

/* The claims on this one name. All ways begin in the same inode; for what is
 * claimed from above, the way by which the directory was opened has to do. */
static int
judge_name(struct loop *l, const struct dir *d, const char *name,
    enum loop_answer *answer, struct loop_verdict *v)
{
	const struct way *w = &d->ways.v[0];
	struct ways_node *n;
	size_t i, j;

	for (i = 0; i < w->n; i++) {
		n = w->v[i];
		for (j = 0; j < n->nclaims && *answer != LOOP_COVERED; j++) {
			if (may_name(i, &n->claims[j]) &&
			    is_named(w, i, &n->claims[j], name) &&
			    judge_claim(l, n, &n->claims[j], answer, v) == -1)
				return -1;
		}
	}
	return 0;
}

/*
 * The cache of directories.
 */

static void
dir_forget(struct loop *l, struct dir *d)
{
	ways_free(&l->ways, &d->ways);
	*d = (struct dir){0};
}

static struct dir *
find(struct loop *l, const struct mounts_id *id)
{
	size_t i;

	for (i = 0; i < DIRS_MAX; i++) {
		if (l->dirs[i].ways.v != NULL &&
		    mounts_same_place(&l->dirs[i].ways.id, id))
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
			if (d->ways.v == NULL)
				free_one = d;
			else if (oldest == NULL || d->walked < oldest->walked)
				oldest = d;
		}
		if (oldest != NULL &&
		    (free_one == NULL || l->ways.nopen > NODES_MAX))
			dir_forget(l, oldest);
	} while (
	    free_one == NULL || (oldest != NULL && l->ways.nopen > NODES_MAX));
	return free_one;
}

static void
forget_all(struct loop *l)
{
	size_t i;

	for (i = 0; i < DIRS_MAX; i++)
		dir_forget(l, &l->dirs[i]);
}

/* The directory above, if the way from there was gone in this round: then it
 * need not be gone again. With thousands of directories one below the
 * other each would be gone a thousand times. */
static const struct dir *
above(struct loop *l, int dirfd, const struct mounts_id *id)
{
	struct mounts_id up;
	struct dir *d = NULL;
	int fd;

	fd = openat(dirfd, "..", COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if (mounts_identify(fd, &up) == 0 && !mounts_same_place(&up, id))
		d = find(l, &up);
	(void)close(fd);
	return d != NULL && d->went == l->ways.round ? d : NULL;
}

static int
look_up(struct loop *l, int dirfd, const struct mounts_id *id, struct dir **ret)
{
	const struct dir *up;
	struct dir *d;

	d = find(l, id);
	if (d != NULL && d->judged == l->ways.round &&
	    l->now - d->walked < STALE_US) {
		*ret = d;
		return 0;
	}
	if (d == NULL)
		d = make_room(l);
	if (d->ways.v == NULL || !d->ways.keep ||
	    l->now - d->walked >= STALE_US) {
		up = above(l, dirfd, id);
		d->judged = 0;
		d->walked = up != NULL ? up->walked : l->now;
		d->went = l->ways.round;
		if (ways_walk(&l->ways, &d->ways, dirfd, id,
			up != NULL ? &up->ways : NULL) == -1) {
			dir_forget(l, d);
			return -1;
		}
	}
	if (judge(l, d) == -1) {
		dir_forget(l, d);
		return -1;
	}
	ways_settle(&l->ways, &d->ways);
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
		fd = open(path, COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
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
	ways_round(&l->ways);
	l->now = l->began = monotonic_us();
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
	ways_round(&l->ways);
	l->began = l->now;
}

void
loop_batch(struct loop *l)
{
	if (l == NULL)
		return;
	l->now = monotonic_us();
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
	l->now = monotonic_us();
	if (l->now - l->began >= STALE_US)
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
	return l != NULL && !l->ways.no_claims;
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
	const char *path =
	    v->path[0] != '\0' ? v->path : "the directory or one above it";
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
	ways_cache_free(&l->ways);
	for (i = 0; i < l->nwatched; i++)
		free(l->watched_path[i]);
	free(l->watched_path);
	free(l->watched);
	free(l->known);
	free(l);
}
