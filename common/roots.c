#include "roots.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "claim.h"
#include "claims.h"
#include "compat.h"
#include "core.h"
#include "mounts.h"
#include "sync.h"
#include "tree.h"

/* As the kernel: how many symbolic links a way may lead through. */
#define LINKS_MAX 40

enum root_kind {
	ROOT_NONE, /* not there */
	ROOT_TREE, /* a directory */
	ROOT_NAME /* anything else, in a directory that is there */
};

struct root {
	struct scope scope; /* first: posts and tops know only this */
	struct root *next;
	char *path; /* as typed */
	char *dir_path;
	char *only;
	char *real; /* its real path while it is there, or NULL */
	enum root_kind kind;
	struct dir *top; /* not for ROOT_NONE */
	struct post *way; /* linked by next_on_way */
	bool present; /* as last told: lost, found */
	bool waited; /* NOTE_WAITING has been given */
	bool blind; /* as last told: a directory on the way is polled */
	struct claims claims;
};

/* Where a way ended. */
struct way {
	enum root_kind kind;
	int fd; /* the top, open for reading if it may be; the caller closes */
	char *only; /* ROOT_NAME: the name in it; the caller frees. ROOT_NONE:
		     * what is missing, "a/b/c", or NULL where that cannot be
		     * said */
	bool exists; /* ROOT_NAME: it is there now */
	bool blind;
	int error; /* ROOT_NONE: why */
};

int
roots_init(struct roots *r, struct core *c)
{
	r->core = c;
	r->first = NULL;
	r->n = 0;
	return claim_token(&c->token);
}

static void
drop_posts(struct core *c, struct post *p)
{
	struct post *next, **at;
	struct mark *m;

	for (; p != NULL; p = next) {
		next = p->next_on_way;
		m = p->mark;
		if (m != NULL) {
			for (at = &m->posts; *at != p; at = &(*at)->next)
				;
			*at = p->next;
			core_unmark(c, m);
		}
		free(p);
	}
}

/* Watches the directory fd for one name. */
static void
post(struct core *c, struct root *root, int fd, const char *name,
    struct way *way)
{
	struct post *p;
	struct mark *m;
	struct stat st;
	size_t len = strlen(name) + 1;

	m = fstat(fd, &st) == -1 ? NULL :
				   core_mark(c, fd, st.st_dev, BACKEND_NAMES);
	if (m == NULL) {
		way->blind = true;
		return;
	}
	way->blind = way->blind || m->why != 0;
	p = malloc(sizeof(*p) + len);
	if (p == NULL) {
		way->blind = true;
		core_unmark(c, m);
		return;
	}
	p->scope = &root->scope;
	memcpy(p->name, name, len);
	p->mark = m;
	p->next = m->posts;
	m->posts = p;
	p->next_on_way = root->way;
	root->way = p;
}

static int
step(int *at, const char *name, int flags)
{
	int fd;

	fd = openat(*at, name, COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC | flags);
	if (fd == -1)
		return -1;
	(void)close(*at);
	*at = fd;
	return 0;
}

/* Puts the target of a link in front of what is still to be walked. */
static char *
through_link(int at, const char *name, const char *rest)
{
	char target[PATH_MAX], *longer;
	ssize_t n;
	size_t len;

	n = readlinkat(at, name, target, sizeof(target) - 1);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	len = (size_t)n + strlen(rest) + 2;
	longer = malloc(len);
	if (longer == NULL)
		return NULL;
	memcpy(longer, target, (size_t)n);
	longer[n] = '/';
	memcpy(longer + n + 1, rest, strlen(rest) + 1);
	return longer;
}

/* What is missing, from the first name that is not there to the last, in the
 * spelling of a path that the kernel makes. NULL where ".." leads elsewhere. */
static char *
missing_names(const char *first, const char *rest)
{
	struct buf b = BUF_INIT;
	size_t len;

	buf_adds(&b, first);
	for (rest += strspn(rest, "/"); *rest != '\0';
	     rest += len, rest += strspn(rest, "/")) {
		len = strcspn(rest, "/");
		if (len == 1 && rest[0] == '.')
			continue;
		if (len == 2 && rest[0] == '.' && rest[1] == '.')
			goto none;
		buf_addc(&b, '/');
		buf_add(&b, rest, len);
	}
	buf_addc(&b, '\0');
	if (!b.failed)
		return b.data;
none:
	buf_free(&b);
	return NULL;
}

/*
 * Walks from the start of the root's path to its end, one name after the
 * other, as path_resolution(7) does, and posts a watch for each name before it
 * looks at it. Links are followed; but a link at the very end that leads to no
 * directory is itself the root.
 */
static void
walk(struct core *c, struct root *root, struct way *way)
{
	char *rest, *left, *name, *end;
	char *link_name = NULL;
	int at, link_at = -1, links = 0;
	struct stat st;
	bool slash; /* follows the name: it has to be a directory */

	memset(way, 0, sizeof(*way));
	way->fd = -1;
	left = rest = strdup(root->path);
	at = open(root->path[0] == '/' ? "/" : ".",
	    COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rest == NULL || at == -1) {
		way->error = errno;
		goto out;
	}
	for (;;) {
		name = rest + strspn(rest, "/");
		if (*name == '\0')
			break;
		end = name + strcspn(name, "/");
		slash = *end == '/';
		rest = slash ? end + 1 : end;
		*end = '\0';
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			if (step(&at, "..", 0) == -1)
				goto missing;
			continue;
		}
		post(c, root, at, name, way);
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			goto missing;
		if (S_ISLNK(st.st_mode)) {
			if (++links > LINKS_MAX) {
				errno = ELOOP;
				goto missing;
			}
			/* The last name as typed: the root, if this leads to
			 * no directory. */
			if (link_at == -1 && !slash) {
				link_at = fcntl(at, F_DUPFD_CLOEXEC, 0);
				link_name = strdup(name);
			}
			end = through_link(at, name, rest);
			if (end == NULL)
				goto missing;
			free(left);
			left = rest = end;
			if (rest[0] == '/' && step(&at, "/", 0) == -1)
				goto missing;
			continue;
		}
		if (!S_ISDIR(st.st_mode)) {
			if (slash || link_at != -1) {
				errno = ENOTDIR;
				goto missing;
			}
			way->kind = ROOT_NAME;
			way->only = strdup(name);
			way->exists = true;
			way->fd = at;
			at = -1;
			goto out;
		}
		if (step(&at, name, O_NOFOLLOW) == -1)
			goto missing;
	}
	way->kind = ROOT_TREE;
	way->fd = at;
	at = -1;
	goto out;
missing:
	way->error = errno;
	if (link_at != -1 && link_name != NULL) {
		way->kind = ROOT_NAME;
		way->only = link_name;
		way->exists = true;
		way->fd = link_at;
		link_name = NULL;
		link_at = -1;
	} else if ((way->error == ENOENT || way->error == ENOTDIR) &&
	    link_at == -1) {
		way->only = missing_names(name, rest);
		if (way->only != NULL) {
			way->fd = at;
			at = -1;
		}
	}
out:
	if (way->kind == ROOT_NAME && way->only == NULL)
		way->kind = ROOT_NONE;
	if (at != -1)
		(void)close(at);
	if (link_at != -1)
		(void)close(link_at);
	free(link_name);
	free(left);
}

/* Claims what the way leads to, or, while nothing is there, the name where it
 * would be. */
static void
take_claim(struct roots *r, struct root *root, const struct way *way)
{
	const struct watch_options *opt = r->core->cfg->opt;
	struct claim claim = core_claim(r->core, 0);
	struct mounts_id id;

	root->scope.mount = 0;
	if (!opt->claim)
		return;
	if (way->kind != ROOT_TREE) {
		claim = (struct claim){.kind = CLAIM_NAME};
		claim.name_hash = claim_hash(way->only);
		claim.path = strchr(way->only, '/') != NULL;
	}
	/* What may not be read cannot be watched either: that is said. */
	if (claims_take(&root->claims, way->fd, &claim) == -1 &&
	    errno != EACCES)
		core_note(r->core,
		    errno == ENOTSUP ? NOTE_NO_CLAIMS : NOTE_UNTAKEN,
		    root->path, errno);
	if (root->claims.own != -1 &&
	    mounts_identify(root->claims.own, &id) == 0)
		root->scope.mount = id.mnt;
}

/* Pruned directories get theirs when they are there. */
static void
take_pruned_claims(struct roots *r, struct root *root, const struct way *way)
{
	if (r->core->cfg->opt->claim && way->kind == ROOT_TREE)
		claims_take_pruned(&root->claims, way->fd, root->scope.pruned,
		    root->scope.npruned, r->core->token);
}

/* The real path of a directory that need not be there yet: that of what is,
 * and the rest as typed. */
static char *
real_path(const char *path)
{
	struct buf b = BUF_INIT;
	char *copy, *cut, *real = NULL;
	size_t len;

	copy = strdup(path);
	if (copy == NULL)
		return NULL;
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	real = realpath(copy, NULL);
	if (real == NULL && errno == ENOENT) {
		cut = strrchr(copy, '/');
		if (cut != NULL)
			*cut = '\0';
		real = cut == copy ? strdup("/") :
				     real_path(cut == NULL ? "." : copy);
		if (real != NULL) {
			buf_adds(&b, real);
			if (strcmp(real, "/") != 0)
				buf_addc(&b, '/');
			buf_adds(&b, cut == NULL ? copy : cut + 1);
			buf_addc(&b, '\0');
			free(real);
			real = b.data;
		}
	}
	free(copy);
	return real;
}

/* What of path lies below dir, both real; NULL when it does not. */
static const char *
below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return path[1] == '\0' ? NULL : path + 1;
	if (strncmp(path, dir, len) != 0 || path[len] != '/')
		return NULL;
	return path + len + 1;
}

static void
free_pruned(struct root *root)
{
	size_t i;

	for (i = 0; i < root->scope.npruned; i++)
		free(root->scope.pruned[i]);
	free(root->scope.pruned);
	root->scope.pruned = NULL;
	root->scope.npruned = 0;
}

static void
set_pruned(const struct core *c, struct root *root)
{
	const struct watch_options *opt = c->cfg->opt;
	const char *name;
	char *real;
	size_t i;

	free_pruned(root);
	if (opt->nprune == 0 || root->real == NULL)
		return;
	root->scope.pruned = calloc(opt->nprune, sizeof(char *));
	if (root->scope.pruned == NULL)
		return;
	for (i = 0; i < opt->nprune; i++) {
		real = real_path(opt->prune[i]);
		name = real == NULL ? NULL : below(real, root->real);
		if (name != NULL)
			root->scope.pruned[root->scope.npruned] = strdup(name);
		if (root->scope.pruned[root->scope.npruned] != NULL)
			root->scope.npruned++;
		free(real);
	}
}

/* The root has gone from where it was: all that was told of it is gone. */
static void
leave(struct roots *r, struct root *root)
{
	struct core *c = r->core;

	if (root->top == NULL)
		return;
	change_gone_below(c, root->top);
	core_forget_below(c, root->top, true);
	tree_free_top(root->top);
	root->top = NULL;
	root->kind = ROOT_NONE;
	claims_drop(&root->claims);
	free_pruned(root);
	free(root->real);
	root->real = NULL;
}

static void
tell_presence(struct roots *r, struct root *root, bool present)
{
	struct core *c = r->core;

	if (root->present == present)
		return;
	root->present = present;
	if (root->scope.silent)
		return;
	change_note(c, present ? EVENT_FOUND : EVENT_LOST, root->path);
	core_note(c, present ? NOTE_FOUND : NOTE_LOST, root->path, 0);
}

/* Enters a root that is there. Returns 0, or -1 with errno. */
static int
enter(struct roots *r, struct root *root, struct way *way)
{
	struct core *c = r->core;
	struct stat st;
	size_t len;
	char *cut;

	root->kind = way->kind;
	free(root->dir_path);
	free(root->only);
	root->only = way->kind == ROOT_NAME ? strdup(way->only) : NULL;
	root->dir_path = strdup(root->path);
	root->top = tree_top(c->pool, &root->scope);
	if (root->dir_path == NULL || root->top == NULL ||
	    fstat(way->fd, &st) == -1)
		return -1;
	if (way->kind == ROOT_NAME) {
		/* The directory that holds it. */
		for (len = strlen(root->dir_path);
		     len > 1 && root->dir_path[len - 1] == '/'; len--)
			root->dir_path[len - 1] = '\0';
		cut = strrchr(root->dir_path, '/');
		if (cut == NULL)
			strcpy(root->dir_path, ".");
		else
			cut[cut == root->dir_path] = '\0';
	}
	root->scope.dir_path = root->dir_path;
	root->scope.only = root->only;
	root->scope.dev = st.st_dev;
	root->top->dev = st.st_dev;
	root->top->ino = st.st_ino;
	free(root->real);
	root->real = realpath(root->dir_path, NULL);
	set_pruned(c, root);
	/* A pruned directory is free from the first moment on. */
	take_pruned_claims(r, root, way);
	take_claim(r, root, way);
	return sync_enter(c, root->top, COMPLETE_FOUND);
}

/* Is what the way leads to what the root is already? */
static bool
is_same_root(const struct root *root, const struct way *way)
{
	struct stat st;

	if (root->top == NULL || way->fd == -1 || fstat(way->fd, &st) == -1 ||
	    st.st_ino != root->top->ino || st.st_dev != root->top->dev)
		return false;
	if (root->kind == ROOT_TREE)
		return way->kind == ROOT_TREE;
	/* One name: the directory is the same; the name may be missing. */
	return way->kind != ROOT_TREE && strcmp(way->only, root->only) == 0;
}

/* Walks the way anew and follows. Returns 0, or -1 with errno where the root
 * is not there or cannot be entered. */
static int
check(struct roots *r, struct root *root)
{
	struct core *c = r->core;
	struct post *old = root->way;
	struct way way;
	int error = 0;

	root->scope.suspect = false;
	root->way = NULL;
	walk(c, root, &way);
	if (way.blind && !root->blind)
		core_note(c, NOTE_WAY, root->path, 0);
	root->blind = way.blind;
	if (is_same_root(root, &way)) {
		if (!(root->top->flags & DIR_ENTERED))
			(void)sync_enter(c, root->top, COMPLETE_FOUND);
		else if (root->top->mark == NULL)
			sync_compare(c, &root->top, 1, true, NULL);
		take_pruned_claims(r, root, &way);
		tell_presence(r, root, root->kind == ROOT_TREE || way.exists);
	} else {
		leave(r, root);
		tell_presence(r, root, false);
		if (way.kind == ROOT_NONE) {
			error = way.error != 0 ? way.error : ENOENT;
			if (way.fd != -1)
				take_claim(r, root, &way);
			else
				claims_drop(&root->claims);
		} else {
			tell_presence(r, root, true);
			if (enter(r, root, &way) == -1)
				error = errno;
		}
	}
	drop_posts(c, old);
	if (way.fd != -1)
		(void)close(way.fd);
	free(way.only);
	errno = error;
	return error == 0 ? 0 : -1;
}

static void
free_root(struct core *c, struct root *root)
{
	if (root->top != NULL)
		core_forget_below(c, root->top, true);
	tree_free_top(root->top);
	drop_posts(c, root->way);
	claims_drop(&root->claims);
	free_pruned(root);
	free(root->real);
	free(root->only);
	free(root->dir_path);
	free(root->path);
	free(root);
}

void
roots_free(struct roots *r)
{
	struct root *root;

	while ((root = r->first) != NULL) {
		r->first = root->next;
		free_root(r->core, root);
	}
}

int
roots_add(struct roots *r, const char *path)
{
	struct core *c = r->core;
	struct root *root, **end;
	int error;

	root = calloc(1, sizeof(*root));
	if (root == NULL)
		return -1;
	root->claims = (struct claims)CLAIMS_NONE;
	root->path = strdup(path);
	if (root->path == NULL) {
		free(root);
		return -1;
	}
	root->scope.path = root->path;
	root->scope.silent = true;
	if (*path == '\0')
		errno = ENOENT;
	if (*path == '\0' || check(r, root) == -1) {
		error = errno;
		if (*path == '\0' || !c->cfg->opt->wait || root->top != NULL ||
		    (error != ENOENT && error != ENOTDIR)) {
			free_root(c, root);
			errno = error;
			return -1;
		}
		core_note(c, NOTE_WAITING, path, 0);
		root->waited = true;
	}
	for (end = &r->first; *end != NULL; end = &(*end)->next)
		;
	*end = root;
	r->n++;
	return 0;
}

void
roots_check(struct roots *r)
{
	struct root *root;

	r->core->suspects = false;
	for (root = r->first; root != NULL; root = root->next)
		if (root->scope.suspect)
			(void)check(r, root);
}

void
roots_suspect(struct roots *r)
{
	struct root *root;

	for (root = r->first; root != NULL; root = root->next)
		core_suspect(r->core, &root->scope);
}

int
roots_speak(struct roots *r)
{
	struct root *root;
	struct dir **tops;
	size_t n = 0, i;
	int ret = 0;

	tops = calloc(r->n + 1, sizeof(struct dir *));
	if (tops == NULL)
		return -1;
	for (root = r->first; root != NULL; root = root->next) {
		if (root->scope.silent && root->top != NULL)
			tops[n++] = root->top;
		root->scope.silent = false;
	}
	for (i = 0; i < n; i++)
		change_meet(r->core, tops[i]);
	if (r->core->cfg->opt->existing)
		ret = change_exists(r->core, tops, n);
	free(tops);
	return ret;
}

bool
roots_ended(const struct roots *r)
{
	const struct root *root;
	struct stat st;

	if (r->first == NULL)
		return false;
	for (root = r->first; root != NULL; root = root->next)
		if (root->top != NULL || root->path[0] == '/')
			return false;
	return stat(".", &st) == 0 && st.st_nlink == 0;
}

size_t
roots_tops(const struct roots *r, struct dir **tops, size_t max)
{
	const struct root *root;
	size_t n = 0;

	for (root = r->first; root != NULL; root = root->next) {
		if (root->top == NULL)
			continue;
		if (n < max)
			tops[n] = root->top;
		n++;
	}
	return n;
}

struct dir *
roots_top(const struct roots *r, const char *path)
{
	const struct root *root;

	for (root = r->first; root != NULL; root = root->next)
		if (root->top != NULL && strcmp(root->path, path) == 0)
			return root->top;
	return NULL;
}

void
roots_count(const struct roots *r, uint64_t *present, uint64_t *dirs,
    uint64_t *entries)
{
	const struct root *root;
	const struct entry *e;
	struct walk w;

	*present = *dirs = *entries = 0;
	for (root = r->first; root != NULL; root = root->next) {
		if (root->top == NULL)
			continue;
		*present += root->present;
		*dirs += root->kind == ROOT_TREE;
		w = (struct walk)WALK(root->top);
		while ((e = tree_walk(&w)) != NULL) {
			*entries += 1;
			*dirs += e->type == EVENT_DIR &&
			    (e->dir->flags & DIR_ENTERED);
		}
	}
}

void
roots_mounted(struct roots *r, const char *path)
{
	struct root *root;
	struct dir *d;
	struct entry *e;
	const char *name, *end;

	for (root = r->first; root != NULL; root = root->next) {
		core_suspect(r->core, &root->scope);
		name = root->top == NULL || root->real == NULL ?
		    NULL :
		    below(path, root->real);
		for (d = root->top; name != NULL; name = end + 1) {
			end = name + strcspn(name, "/");
			e = tree_find(d, name, (size_t)(end - name));
			if (e == NULL || e->type != EVENT_DIR)
				break;
			if (*end == '\0') {
				core_doubt(r->core, d, e->name);
				break;
			}
			d = e->dir;
		}
	}
}
