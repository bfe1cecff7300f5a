#include "mounts.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE "/proc/self/mountinfo"

struct mount {
	uint64_t id;
	dev_t dev; /* of the super block */
	char *root; /* what is mounted: a path inside of the file system */
	char *point; /* where */
};

struct mounts {
	FILE *f; /* kept open: the kernel remembers in it what was seen */
	struct mount *v;
	size_t n;
	size_t cap;
};

int
mounts_identify(int fd, struct mounts_id *id)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		STATX_INO | STATX_MNT_ID, &st) == -1)
		return -1;
	id->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	id->ino = st.stx_ino;
	id->mnt = st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0;
	return 0;
}

/* Undoes the \ooo of mountinfo in place. */
static void
unescape(char *s)
{
	char *to = s;

	while (*s != '\0') {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
			    (s[3] - '0'));
			s += 4;
		} else
			*to++ = *s++;
	}
	*to = '\0';
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime ... The fields point into line. */
static bool
parse(char *line, struct mount *m)
{
	unsigned maj, min;
	unsigned long long id;
	int at = 0;
	char *p;

	if (sscanf(line, "%llu %*u %u:%u %n", &id, &maj, &min, &at) != 3 ||
	    at == 0)
		return false;
	p = line + at;
	m->id = id;
	m->dev = makedev(maj, min);
	m->root = strsep(&p, " ");
	m->point = strsep(&p, " ");
	if (p == NULL)
		return false;
	unescape(m->root);
	unescape(m->point);
	return true;
}

/* The device of the super block of mount id. */
static bool
device_of(uint64_t id, dev_t *dev)
{
	struct mount m;
	char *line = NULL;
	size_t cap = 0;
	bool found = false;
	FILE *f;

	f = fopen(TABLE, "re");
	if (f == NULL)
		return false;
	while (!found && getline(&line, &cap, f) != -1) {
		if (!parse(line, &m) || m.id != id)
			continue;
		*dev = m.dev;
		found = true;
	}
	free(line);
	(void)fclose(f);
	return found;
}

int
mounts_kernel_id(int fd, dev_t *dev, uint64_t *ino)
{
	char path[64], line[256];
	unsigned long long n, mnt = 0;
	bool has_mnt = false;
	struct stat st;
	FILE *f;

	if (fstat(fd, &st) == -1)
		return -1;
	*dev = st.st_dev;
	*ino = st.st_ino;
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "mnt_id: %llu", &n) == 1) {
			mnt = n;
			has_mnt = true;
		} else if (sscanf(line, "ino: %llu", &n) == 1)
			*ino = n;
	}
	(void)fclose(f);
	if (has_mnt)
		(void)device_of(mnt, dev);
	return 0;
}

static int
add(struct mounts *m, const struct mount *one)
{
	struct mount *v;
	size_t cap;

	if (m->n == m->cap) {
		cap = m->cap == 0 ? 64 : m->cap * 2;
		v = reallocarray(m->v, cap, sizeof(*v));
		if (v == NULL)
			return -1;
		m->v = v;
		m->cap = cap;
	}
	v = &m->v[m->n];
	*v = *one;
	v->root = strdup(one->root);
	v->point = strdup(one->point);
	m->n++;
	return v->root == NULL || v->point == NULL ? -1 : 0;
}

/* What tells two mounts apart: an id is given away again at once. */
static int
compare(const struct mount *a, const struct mount *b)
{
	int diff;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	diff = strcmp(a->root, b->root);
	return diff != 0 ? diff : strcmp(a->point, b->point);
}

static int
by_id(const void *a, const void *b)
{
	return compare(a, b);
}

struct mounts *
mounts_read(void)
{
	struct mounts *m, *ret = NULL;
	struct mount one;
	char *line = NULL;
	size_t cap = 0;

	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->f = fopen(TABLE, "re");
	if (m->f == NULL)
		goto out;
	/* Asked before it is read: a change in between shows next time. */
	(void)mounts_changed(m);
	while (getline(&line, &cap, m->f) != -1) {
		if (parse(line, &one) && add(m, &one) == -1)
			goto out;
	}
	if (ferror(m->f))
		goto out;
	if (m->n > 0)
		qsort(m->v, m->n, sizeof(*m->v), by_id);
	ret = m;
	m = NULL;
out:
	free(line);
	mounts_free(m);
	return ret;
}

int
mounts_fd(const struct mounts *m)
{
	return fileno(m->f);
}

bool
mounts_changed(const struct mounts *m)
{
	struct pollfd p = {.fd = mounts_fd(m), .events = POLLPRI};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLPRI | POLLERR)) != 0;
}

void
mounts_free(struct mounts *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->n; i++) {
		free(m->v[i].root);
		free(m->v[i].point);
	}
	free(m->v);
	if (m->f != NULL)
		(void)fclose(m->f);
	free(m);
}

void
mounts_compare(const struct mounts *a, const struct mounts *b,
    void (*each)(void *ctx, const char *path), void *ctx)
{
	size_t i = 0, j = 0;
	int diff;

	while (i < a->n || j < b->n) {
		if (i == a->n)
			diff = 1;
		else if (j == b->n)
			diff = -1;
		else
			diff = compare(&a->v[i], &b->v[j]);
		if (diff != 0)
			each(ctx, diff < 0 ? a->v[i].point : b->v[j].point);
		i += diff <= 0;
		j += diff >= 0;
	}
}

bool
mounts_path(int fd, char *path, size_t size)
{
	char link[64];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	path[len == -1 ? 0 : len] = '\0';
	return len != -1;
}

/* What of path lies below dir: "" for dir itself, "/x" for a child; NULL when
 * it is elsewhere. */
static const char *
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1 && dir[0] == '/')
		return path[1] == '\0' ? "" : path;
	if (strncmp(path, dir, n) != 0)
		return NULL;
	return path[n] == '\0' || path[n] == '/' ? path + n : NULL;
}

/* dir and what below() left, in a string of its own; NULL when it is too long
 * to be a path. */
static char *
join(const char *dir, const char *rest)
{
	char *s;

	if (strcmp(dir, "/") == 0)
		dir = "";
	if (strlen(dir) + strlen(rest) >= PATH_MAX)
		return NULL;
	if (asprintf(&s, "%s%s", dir, rest) == -1)
		return NULL;
	if (s[0] == '\0') {
		free(s);
		return strdup("/");
	}
	return s;
}

int
mounts_places(const struct mounts *m, int fd,
    int (*each)(void *ctx, const char *path), void *ctx)
{
	char path[PATH_MAX];
	const struct mount *here = NULL;
	const char *rest;
	char *inside = NULL, *other;
	struct mounts_id id;
	size_t i;
	int ret = 0;

	if (mounts_identify(fd, &id) == -1 || id.mnt == 0)
		return 0;
	for (i = 0; i < m->n && here == NULL; i++) {
		if (m->v[i].id == id.mnt)
			here = &m->v[i];
	}
	if (here == NULL)
		return 0;
	if (!mounts_path(fd, path, sizeof(path)))
		return 0;
	rest = below(path, here->point);
	if (rest == NULL)
		return 0;
	inside = join(here->root, rest);
	if (inside == NULL)
		return 0;
	for (i = 0; i < m->n && ret == 0; i++) {
		if (&m->v[i] == here || m->v[i].dev != here->dev)
			continue;
		rest = below(inside, m->v[i].root);
		if (rest == NULL)
			continue;
		other = join(m->v[i].point, rest);
		if (other == NULL)
			continue;
		ret = each(ctx, other);
		free(other);
	}
	free(inside);
	return ret;
}
