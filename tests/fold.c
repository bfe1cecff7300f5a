#include "fold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/tree.h>
#include <time.h>
#include <unistd.h>

#include "base64.h"
#include "buf.h"
#include "harness.h"

#define FOLD_SHOWN 6 /* differing paths in a report */
#define FOLD_LINES 12 /* lines about each */

#define WALK_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct entry {
	RB_ENTRY(entry) link;
	char *path;
	char type; /* 'f', 'd', 'l', 'o', '?' */
	bool told; /* an event has named it since the walk */
	double time; /* of the last event that counts for its content */
	struct timespec mtime; /* a walk's: as it was found */
	char *content; /* as last told, decoded; NULL where it never was */
	size_t len;
	bool due; /* its content had to be told, sooner or later */
};

RB_HEAD(set, entry);

/* What was told, for reports. */
struct told {
	char *text;
	char *path, *old_path; /* may be NULL */
	double time;
	json_int_t seq;
};

struct fold {
	struct set set;
	size_t count;
	struct told *told;
	size_t ntold, cap;
	struct buf fault;
	char *suspect;
	bool content; /* --content: some event had one */
};

/* "/" sorts before all else, so that what is below a path comes right after
 * it. */
static int
compare_paths(const char *a, const char *b)
{
	unsigned char x, y;

	while (*a != '\0' && *a == *b)
		a++, b++;
	x = *a == '/' ? 1 : (unsigned char)*a;
	y = *b == '/' ? 1 : (unsigned char)*b;
	if (x == y && *a != *b) /* the byte 1 itself */
		return *a == '/' ? -1 : 1;
	return (x > y) - (x < y);
}

static int
compare_entries(struct entry *a, struct entry *b)
{
	return compare_paths(a->path, b->path);
}

/* Not RB_GENERATE_STATIC: that asks for an __unused which is not everywhere. */
RB_GENERATE_INTERNAL(set, entry, link, compare_entries,
    static __attribute__((unused)))

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static struct entry *
find(const struct fold *f, const char *path)
{
	struct entry key = {.path = (char *)(uintptr_t)path};

	return RB_FIND(set, (struct set *)(uintptr_t)&f->set, &key);
}

static struct entry *
add(struct fold *f, const char *path, char type)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->path = strdup(path);
	if (e->path == NULL || RB_INSERT(set, &f->set, e) != NULL) {
		free(e->path);
		free(e);
		return NULL;
	}
	e->type = type;
	f->count++;
	return e;
}

static void
drop(struct fold *f, struct entry *e)
{
	(void)RB_REMOVE(set, &f->set, e);
	f->count--;
	free(e->content);
	free(e->path);
	free(e);
}

static void
drop_tree(struct fold *f, const char *path)
{
	struct entry key = {.path = (char *)(uintptr_t)path};
	struct entry *e = RB_NFIND(set, &f->set, &key);
	struct entry *next;

	for (; e != NULL; e = next) {
		if (strcmp(e->path, path) != 0 && !is_below(e->path, path))
			return;
		next = RB_NEXT(set, &f->set, e);
		drop(f, e);
	}
}

/* Moves from and all below to to, where nothing may stand. */
static int
move_tree(struct fold *f, const char *from, const char *to)
{
	struct entry key = {.path = (char *)(uintptr_t)from};
	struct entry *e = RB_NFIND(set, &f->set, &key);
	struct entry **moved = NULL;
	struct entry *next;
	size_t n = 0, cap = 0, i;
	int rc = -1;

	for (; e != NULL; e = next) {
		if (strcmp(e->path, from) != 0 && !is_below(e->path, from))
			break;
		next = RB_NEXT(set, &f->set, e);
		if (n == cap) {
			struct entry **p;

			cap = cap == 0 ? 64 : cap * 2;
			p = realloc(moved, cap * sizeof(struct entry *));
			if (p == NULL)
				goto out;
			moved = p;
		}
		moved[n++] = e;
	}
	for (i = 0; i < n; i++) {
		char *path;

		if (asprintf(&path, "%s%s", to,
			moved[i]->path + strlen(from)) == -1)
			goto out;
		(void)RB_REMOVE(set, &f->set, moved[i]);
		free(moved[i]->path);
		moved[i]->path = path;
		if (RB_INSERT(set, &f->set, moved[i]) != NULL) {
			/* Cannot be: to was empty. */
			free(path);
			free(moved[i]);
			goto out;
		}
	}
	rc = 0;
out:
	free(moved);
	return rc;
}

struct fold *
fold_new(void)
{
	struct fold *f = calloc(1, sizeof(*f));

	if (f != NULL)
		RB_INIT(&f->set);
	return f;
}

void
fold_free(struct fold *f)
{
	struct entry *e;
	size_t i;

	if (f == NULL)
		return;
	while ((e = RB_MIN(set, &f->set)) != NULL)
		drop(f, e);
	for (i = 0; i < f->ntold; i++) {
		free(f->told[i].text);
		free(f->told[i].path);
		free(f->told[i].old_path);
	}
	free(f->told);
	buf_free(&f->fault);
	free(f->suspect);
	free(f);
}

static char
letter_of(mode_t mode)
{
	return (char)(S_ISREG(mode) ? 'f' :
		S_ISDIR(mode)	    ? 'd' :
		S_ISLNK(mode)	    ? 'l' :
				      'o');
}

/* By descriptors: a tree may be deeper than a path may be long. */
static int
walk(struct fold *f, int fd, const char *root, const char *path,
    fold_choose choose, void *ctx)
{
	DIR *d = fdopendir(fd);
	struct dirent *de;
	struct stat st;
	struct entry *e;
	char *child = NULL;
	int what, sub, rc = -1;

	if (d == NULL) {
		(void)close(fd);
		return -1;
	}
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		free(child);
		if (asprintf(&child, "%s/%s", path, de->d_name) == -1) {
			child = NULL;
			goto out;
		}
		if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			goto out;
		what = FOLD_SHOW | FOLD_ENTER;
		if (choose != NULL)
			what = choose(ctx, child + strlen(root) + 1,
			    letter_of(st.st_mode));
		if (what & FOLD_SHOW) {
			e = add(f, child, letter_of(st.st_mode));
			if (e == NULL)
				goto out;
			e->mtime = st.st_mtim;
		}
		if (!(what & FOLD_ENTER) || !S_ISDIR(st.st_mode))
			continue;
		sub = openat(fd, de->d_name, WALK_FLAGS);
		if (sub == -1 || walk(f, sub, root, child, choose, ctx) == -1)
			goto out;
	}
	rc = 0;
out:
	free(child);
	(void)closedir(d);
	return rc;
}

int
fold_walk(struct fold *f, const char *root, fold_choose choose, void *ctx)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	struct entry *e;
	char type;

	if (fd != -1)
		return walk(f, fd, root, root, choose, ctx);
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return -1;
	if (lstat(root, &st) == -1)
		return 0;
	type = letter_of(st.st_mode);
	if (choose != NULL && !(choose(ctx, root, type) & FOLD_SHOW))
		return 0;
	e = add(f, root, type);
	if (e == NULL)
		return -1;
	e->mtime = st.st_mtim;
	return 0;
}

char
fold_has(const struct fold *f, const char *path)
{
	struct entry *e = find(f, path);

	return (char)(e != NULL ? e->type : 0);
}

size_t
fold_count(const struct fold *f)
{
	return f->count;
}

static bool
concerns(const char *told, const char *path)
{
	return told != NULL &&
	    (strcmp(told, path) == 0 || is_below(path, told) ||
		is_below(told, path));
}

/* The last lines about a path, what is above it and what is below it. */
static void
add_lines_about(const struct fold *f, struct buf *b, const char *path)
{
	size_t shown[FOLD_LINES];
	size_t n = 0, i;
	char where[80];

	for (i = f->ntold; i-- > 0 && n < FOLD_LINES;)
		if (concerns(f->told[i].path, path) ||
		    concerns(f->told[i].old_path, path))
			shown[n++] = i;
	while (n-- > 0) {
		const struct told *t = &f->told[shown[n]];

		(void)snprintf(where, sizeof(where), "      %lld %.6f ",
		    (long long)t->seq, t->time);
		buf_adds(b, where);
		buf_adds(b, t->text);
		buf_addc(b, '\n');
	}
}

static void
terminate(struct buf *b)
{
	char *end = buf_reserve(b, 1);

	if (end != NULL)
		*end = '\0';
}

static void
suspect(struct fold *f, const char *path)
{
	free(f->suspect);
	f->suspect = strdup(path);
}

const char *
fold_suspect(const struct fold *f)
{
	return f->suspect != NULL ? f->suspect : "";
}

static int
fault(struct fold *f, const struct told *t, const char *path, const char *what)
{
	suspect(f, path);
	buf_clear(&f->fault);
	buf_adds(&f->fault, t->text);
	buf_adds(&f->fault, ": ");
	buf_adds(&f->fault, what);
	buf_addc(&f->fault, '\n');
	add_lines_about(f, &f->fault, path);
	terminate(&f->fault);
	return -1;
}

const char *
fold_fault(const struct fold *f)
{
	return f->fault.len > 0 ? f->fault.data : "no fault";
}

static char
letter_of_type(const char *type)
{
	/* "file", "dir", "symlink", "other" */
	return (char)(strcmp(type, "symlink") == 0 ? 'l' :
		*type != '\0'			   ? *type :
						     '?');
}

static struct told *
remember(struct fold *f, const json_t *ev)
{
	struct told *t;

	if (f->ntold == f->cap) {
		size_t cap = f->cap == 0 ? 256 : f->cap * 2;
		struct told *p = realloc(f->told, cap * sizeof(*p));

		if (p == NULL)
			return NULL;
		f->told = p;
		f->cap = cap;
	}
	t = &f->told[f->ntold++];
	t->text = event_text(ev);
	t->path = event_bytes(ev, "path");
	t->old_path = event_bytes(ev, "old_path");
	t->time = json_real_value(json_object_get(ev, "time"));
	t->seq = json_integer_value(json_object_get(ev, "seq"));
	return t;
}

static void
touch(struct entry *e, double t)
{
	e->told = true;
	e->time = t;
}

static int
fold_created(struct fold *f, const struct told *t, char type)
{
	struct entry *e;

	if (type == '?')
		return fault(f, t, t->path, "without a type");
	if (find(f, t->path) != NULL)
		return fault(f, t, t->path, "it is there already");
	e = add(f, t->path, type);
	if (e == NULL)
		return fault(f, t, t->path, "out of memory");
	touch(e, t->time);
	return 0;
}

static int
fold_exchanged(struct fold *f, const struct told *t)
{
	struct entry *a = find(f, t->old_path);
	struct entry *b = find(f, t->path);
	const char *aside = "\001";

	if (a == NULL || b == NULL)
		return fault(f, t, a == NULL ? t->old_path : t->path,
		    "exchanged with nothing");
	if (is_below(t->path, t->old_path) || is_below(t->old_path, t->path))
		return fault(f, t, t->path, "exchanged with what is below it");
	touch(a, t->time);
	touch(b, t->time);
	if (move_tree(f, t->old_path, aside) == -1 ||
	    move_tree(f, t->path, t->old_path) == -1 ||
	    move_tree(f, aside, t->path) == -1)
		return fault(f, t, t->path, "out of memory");
	return 0;
}

static int
fold_renamed(struct fold *f, const struct told *t, char type, bool replaced)
{
	struct entry *e, *other;

	if (t->old_path == NULL)
		return fault(f, t, t->path, "without an old path");
	e = find(f, t->old_path);
	if (e == NULL)
		return fault(f, t, t->old_path, "the old path is not there");
	if (type != '?' && e->type != type)
		return fault(f, t, t->old_path, "it was of another type");
	if (strcmp(t->path, t->old_path) == 0 || is_below(t->path, t->old_path))
		return fault(f, t, t->path, "moved into itself");
	other = find(f, t->path);
	if (replaced && other == NULL)
		return fault(f, t, t->path, "replaced nothing");
	if (!replaced && other != NULL)
		return fault(f, t, t->path, "replaced, and does not say so");
	if (other != NULL && (other->type == 'd') != (e->type == 'd'))
		return fault(f, t, t->path, "a directory and a file replaced");
	/* Into its own former parent's place. */
	if (is_below(t->old_path, t->path))
		return fault(f, t, t->path, "moved onto what it was in");
	drop_tree(f, t->path);
	touch(e, t->time);
	if (move_tree(f, t->old_path, t->path) == -1)
		return fault(f, t, t->path, "out of memory");
	return 0;
}

/* What an event carries is the file's content from now on; one without owes
 * it. */
static int
take_content(struct fold *f, const struct told *t, const json_t *ev)
{
	const json_t *content = json_object_get(ev, "content");
	struct entry *e = find(f, t->path);

	if (e == NULL || e->type != 'f')
		return 0;
	e->due = !json_is_true(json_object_get(ev, "truncated"));
	if (content == NULL)
		return 0;
	f->content = true;
	free(e->content);
	e->len = json_string_length(content);
	e->content = malloc(e->len + 1);
	if (e->content == NULL)
		return fault(f, t, t->path, "out of memory");
	memcpy(e->content, json_string_value(content), e->len);
	if (strcmp(event_get(ev, "encoding"), "base64") == 0 &&
	    base64_decode(e->content, e->len, e->content, &e->len) == -1)
		return fault(f, t, t->path, "its base64 is none");
	return 0;
}

static int
take_event(struct fold *f, const json_t *ev, const struct told *t)
{
	const char *kind = event_get(ev, "event");
	char type = letter_of_type(event_get(ev, "type"));
	struct entry *e;

	if (strcmp(kind, "lost") == 0 || strcmp(kind, "found") == 0 ||
	    t->path == NULL)
		return 0;
	if (strcmp(kind, "created") == 0 || strcmp(kind, "exists") == 0)
		return fold_created(f, t, type);
	if (strcmp(kind, "renamed") == 0) {
		if (json_is_true(json_object_get(ev, "exchanged")))
			return fold_exchanged(f, t);
		return fold_renamed(f, t, type,
		    json_is_true(json_object_get(ev, "replaced")));
	}
	e = find(f, t->path);
	if (e == NULL)
		return fault(f, t, t->path, "it is not there");
	if (type != '?' && e->type != type)
		return fault(f, t, t->path, "it was of another type");
	if (strcmp(kind, "deleted") == 0)
		drop_tree(f, t->path);
	else if (strcmp(kind, "modified") == 0)
		touch(e, t->time);
	return 0;
}

int
fold_event(struct fold *f, const json_t *ev)
{
	const char *kind = event_get(ev, "event");
	const struct told *t = remember(f, ev);

	if (t == NULL || take_event(f, ev, t) == -1)
		return -1;
	if (t->path != NULL &&
	    (strcmp(kind, "created") == 0 || strcmp(kind, "exists") == 0 ||
		strcmp(kind, "modified") == 0 || strcmp(kind, "closed") == 0 ||
		strcmp(kind, "complete") == 0))
		return take_content(f, t, ev);
	return 0;
}

/* A difference, for sorting by the length of its path. */
struct difference {
	const char *path;
	char *what;
};

static int
compare_differences(const void *a, const void *b)
{
	const struct difference *x = a;
	const struct difference *y = b;
	size_t n = strlen(x->path), m = strlen(y->path);

	return n != m ? (n > m) - (n < m) : strcmp(x->path, y->path);
}

struct differences {
	struct difference *list;
	size_t n;
	bool failed;
};

static void __attribute__((format(printf, 3, 4)))
differ(struct differences *d, const char *path, const char *fmt, ...)
{
	struct difference *p;
	va_list ap;
	int n;

	p = realloc(d->list, (d->n + 1) * sizeof(*p));
	if (p == NULL) {
		d->failed = true;
		return;
	}
	d->list = p;
	p[d->n].path = path;
	va_start(ap, fmt);
	n = vasprintf(&p[d->n].what, fmt, ap);
	va_end(ap);
	if (n == -1)
		d->failed = true;
	else
		d->n++;
}

/* Event times have microseconds, so have mtimes here; one more is left to
 * the rounding of doubles. */
static double
seconds(const struct timespec *ts)
{
	return (double)ts->tv_sec + (double)(ts->tv_nsec / 1000) / 1e6;
}

/* With --content: is what was told last what is there? */
static void
compare_bytes(struct differences *d, const struct entry *told,
    const struct entry *real)
{
	char *bytes;
	ssize_t n;
	int fd;

	if (told->content == NULL) {
		/* The last mark's may still be on its way (harness.h). */
		if (told->due && strstr(real->path, "/mark-") == NULL)
			differ(d, real->path, "has content, never told");
		return;
	}
	bytes = malloc(told->len + 1);
	fd = open(real->path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 || bytes == NULL ? -1 : read(fd, bytes, told->len + 1);
	if (n != (ssize_t)told->len ||
	    memcmp(bytes, told->content, told->len) != 0)
		differ(d, real->path, "has not the content last told (%zu)",
		    told->len);
	if (fd != -1)
		(void)close(fd);
	free(bytes);
}

static void
compare_content(struct differences *d, const struct entry *told,
    const struct entry *real, bool content)
{
	if (real->type != 'f')
		return;
	if (content) {
		compare_bytes(d, told, real);
		return;
	}
	/* Found by a walk and never named since: it must be as it was. */
	if (!told->told) {
		if (told->mtime.tv_sec != real->mtime.tv_sec ||
		    told->mtime.tv_nsec != real->mtime.tv_nsec)
			differ(d, real->path,
			    "was modified at %.6f, and nothing was told",
			    seconds(&real->mtime));
		return;
	}
	if (told->time + 2e-6 < seconds(&real->mtime))
		differ(d, real->path,
		    "was modified at %.6f, and last told at %.6f",
		    seconds(&real->mtime), told->time);
}

static void
report(struct fold *f, struct differences *d, struct buf *b)
{
	char count[64];
	size_t i;

	qsort(d->list, d->n, sizeof(*d->list), compare_differences);
	if (d->n > 0)
		suspect(f, d->list[0].path);
	(void)snprintf(count, sizeof(count), "%zu differences\n", d->n);
	buf_adds(b, count);
	for (i = 0; i < d->n && i < FOLD_SHOWN; i++) {
		buf_adds(b, "    ");
		buf_adds(b, d->list[i].path);
		buf_addc(b, ' ');
		buf_adds(b, d->list[i].what);
		buf_addc(b, '\n');
		add_lines_about(f, b, d->list[i].path);
	}
	terminate(b);
}

char *
fold_compare(struct fold *f, const char *const *roots, fold_choose choose,
    void *ctx, bool content)
{
	struct fold *disk = fold_new();
	struct differences d = {NULL, 0, false};
	struct buf b = BUF_INIT;
	struct entry *x, *y;
	size_t i;
	int c;

	if (disk == NULL)
		return strdup("out of memory");
	for (i = 0; roots[i] != NULL; i++) {
		if (fold_walk(disk, roots[i], choose, ctx) == -1) {
			buf_adds(&b, "the disk could not be read: ");
			buf_adds(&b, strerror(errno));
			terminate(&b);
			goto out;
		}
	}
	x = RB_MIN(set, &f->set);
	y = RB_MIN(set, &disk->set);
	while (x != NULL || y != NULL) {
		c = x == NULL ? 1 : y == NULL ? -1 : compare_entries(x, y);
		if (c < 0) {
			differ(&d, x->path, "is told (%c), and is not there",
			    x->type);
		} else if (c > 0) {
			differ(&d, y->path, "is there (%c), and is not told",
			    y->type);
		} else if (x->type != y->type) {
			differ(&d, y->path, "is told as %c, and is %c", x->type,
			    y->type);
		} else if (content) {
			compare_content(&d, x, y, f->content);
		}
		if (c <= 0)
			x = RB_NEXT(set, &f->set, x);
		if (c >= 0)
			y = RB_NEXT(set, &disk->set, y);
	}
	if (d.n > 0 || d.failed)
		report(f, &d, &b);
out:
	for (i = 0; i < d.n; i++)
		free(d.list[i].what);
	free(d.list);
	fold_free(disk);
	return b.data;
}
