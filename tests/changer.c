#include "changer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHANGER_DEPTH 4

struct state {
	const struct changer *c;
	uint64_t x; /* of the random numbers */
	FILE *log;
	const char *root; /* where the last path was made */
	unsigned asides; /* names taken outside so far */
	char a[PATH_MAX], b[PATH_MAX], t[PATH_MAX]; /* an operation's paths */
};

/* xorshift64* (Vigna 2016): all that is asked for is that seeds differ. */
static uint64_t
random_bits(struct state *s)
{
	s->x ^= s->x >> 12;
	s->x ^= s->x << 25;
	s->x ^= s->x >> 27;
	return s->x * 0x2545f4914f6cdd1dULL >> 16;
}

static unsigned
below(struct state *s, unsigned n)
{
	return (unsigned)(random_bits(s) % n);
}

static void
log_path(FILE *f, const char *p)
{
	for (; *p != '\0'; p++) {
		if (*p > ' ' && *p < 127)
			(void)fputc(*p, f);
		else
			(void)fprintf(f, "\\x%02x", (unsigned char)*p);
	}
}

/* Says what was done; hands on the result. */
static int
did(struct state *s, const char *what, const char *a, const char *b, int rc)
{
	int saved = errno;
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)fprintf(s->log, "%lld.%06ld %s ", (long long)ts.tv_sec,
	    ts.tv_nsec / 1000, what);
	log_path(s->log, a);
	if (b != NULL) {
		(void)fputc(' ', s->log);
		log_path(s->log, b);
	}
	(void)fprintf(s->log, "%s%s\n", rc == -1 ? " = " : "",
	    rc == -1 ? strerrorname_np(saved) : "");
	errno = saved;
	return rc;
}

static const char *
some_name(struct state *s)
{
	static const char *const plain[] = {"a", "b", "c", "d", "e"};
	unsigned i = below(s, 5);

	return i == 4 && s->c->odd_names ? "e\xfe\n" : plain[i];
}

/* dst = a and b; too long a path fails later, as any that is not there. */
static void
join(char *dst, const char *a, const char *b)
{
	(void)strlcpy(dst, a, PATH_MAX);
	(void)strlcat(dst, b, PATH_MAX);
}

static void
add_name(struct state *s, char *path)
{
	(void)strlcat(path, "/", PATH_MAX);
	(void)strlcat(path, some_name(s), PATH_MAX);
}

/* A path of 1 to 4 names below dir. */
static void
path_below(struct state *s, char *path, const char *dir)
{
	static const unsigned depths[] = {1, 1, 1, 2, 2, 2, 2, 3, 3, 4};
	unsigned depth = depths[below(s, 10)], i;

	(void)strlcpy(path, dir, PATH_MAX);
	for (i = 0; i < depth; i++)
		add_name(s, path);
}

static void
some_path(struct state *s, char *path)
{
	s->root = s->c->roots[below(s, (unsigned)s->c->nroots)];
	path_below(s, path, s->root);
}

/* A name outside that nobody has taken. */
static void
aside(struct state *s, char *path)
{
	(void)snprintf(path, PATH_MAX, "%s/t%d-%u", s->c->outside,
	    (int)getpid(), s->asides++);
}

static void
write_some(struct state *s, const char *what, const char *path, int flags)
{
	static const char text[] = "what is written is of no importance\n";
	int fd;

	fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags,
	    0644);
	(void)did(s, what, path, NULL, fd == -1 ? -1 : 0);
	if (fd == -1)
		return;
	(void)!write(fd, text, 1 + below(s, sizeof(text) - 1));
	(void)close(fd);
}

static void
do_create(struct state *s)
{
	int fd;

	some_path(s, s->a);
	fd = open(s->a, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	(void)did(s, "create", s->a, NULL, fd == -1 ? -1 : 0);
	if (fd != -1)
		(void)close(fd);
}

static void
do_write(struct state *s)
{
	some_path(s, s->a);
	write_some(s, "write", s->a, O_CREAT | O_TRUNC);
}

static void
do_append(struct state *s)
{
	some_path(s, s->a);
	write_some(s, "append", s->a, O_CREAT | O_APPEND);
}

/* Writes with the file held open, so that others can move it meanwhile. */
static void
do_write_long(struct state *s)
{
	int fd, i;

	some_path(s, s->a);
	fd = open(s->a,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	(void)did(s, "write-long", s->a, NULL, fd == -1 ? -1 : 0);
	if (fd == -1)
		return;
	for (i = 0; i < 20; i++)
		(void)!write(fd, "x", 1);
	(void)close(fd);
	(void)did(s, "written", s->a, NULL, 0);
}

static void
do_truncate(struct state *s)
{
	struct stat st;
	int fd;

	some_path(s, s->a);
	fd = open(s->a, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)did(s, "truncate", s->a, NULL,
		    ftruncate(fd, (off_t)below(s, 100)));
	(void)close(fd);
}

static void
do_unlink(struct state *s)
{
	some_path(s, s->a);
	(void)did(s, "unlink", s->a, NULL, unlink(s->a));
}

static void
do_mkdir(struct state *s)
{
	some_path(s, s->a);
	(void)did(s, "mkdir", s->a, NULL, mkdir(s->a, 0755));
}

static void
do_rmdir(struct state *s)
{
	some_path(s, s->a);
	(void)did(s, "rmdir", s->a, NULL, rmdir(s->a));
}

static void
remove_all(struct state *s, const char *path)
{
	char child[PATH_MAX];
	struct dirent *de;
	DIR *d;
	int fd;

	if (unlink(path) == 0 || errno != EISDIR)
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, de->d_name) <
		    (int)sizeof(child))
			remove_all(s, child);
	}
	(void)closedir(d);
	(void)rmdir(path);
}

static void
do_remove_all(struct state *s)
{
	some_path(s, s->a);
	remove_all(s, s->a);
	(void)did(s, "rm-r", s->a, NULL, 0);
}

static int
move_to(struct state *s, const char *a, const char *b)
{
	return did(s, "rename", a, b, rename(a, b));
}

static void
do_rename(struct state *s)
{
	some_path(s, s->a);
	some_path(s, s->b);
	(void)move_to(s, s->a, s->b);
}

static void
do_exchange(struct state *s)
{
	some_path(s, s->a);
	some_path(s, s->b);
	(void)did(s, "exchange", s->a, s->b,
	    renameat2(AT_FDCWD, s->a, AT_FDCWD, s->b, RENAME_EXCHANGE));
}

/* P/x comes out, and P goes into it. */
static void
do_into_child(struct state *s)
{
	char *slash;

	some_path(s, s->a);
	join(s->b, s->a, "");
	slash = strrchr(s->b, '/');
	*slash = '\0';
	if (strcmp(s->b, s->root) == 0)
		return;
	some_path(s, s->t);
	if (move_to(s, s->a, s->t) == -1)
		return;
	add_name(s, s->t);
	(void)move_to(s, s->b, s->t);
}

/* P/x takes the place of P. */
static void
do_into_parent(struct state *s)
{
	char *slash;

	some_path(s, s->a);
	join(s->b, s->a, "");
	slash = strrchr(s->b, '/');
	*slash = '\0';
	if (strcmp(s->b, s->root) == 0)
		return;
	aside(s, s->t);
	if (move_to(s, s->a, s->t) == -1)
		return;
	remove_all(s, s->b);
	join(s->a, s->b, "");
	if (move_to(s, s->t, s->a) == -1)
		remove_all(s, s->t);
}

static void
do_link(struct state *s)
{
	if (!s->c->hard_links)
		return;
	some_path(s, s->a);
	some_path(s, s->b);
	(void)did(s, "link", s->a, s->b, link(s->a, s->b));
}

static void
do_symlink(struct state *s)
{
	/* No "..": one made through another would lead out of the test. */
	static const char *const targets[] = {"a", "b", ".", "./c", "nowhere",
	    "a/b"};
	const char *to = targets[below(s, 6)];

	some_path(s, s->a);
	(void)did(s, "symlink", to, s->a, symlink(to, s->a));
}

static void
do_fifo(struct state *s)
{
	some_path(s, s->a);
	(void)did(s, "mkfifo", s->a, NULL, mkfifo(s->a, 0644));
}

static void
do_chmod(struct state *s)
{
	some_path(s, s->a);
	(void)did(s, "chmod", s->a, NULL,
	    fchmodat(AT_FDCWD, s->a, 0755, AT_SYMLINK_NOFOLLOW));
}

/* A small tree made outside, with one move inside. */
static void
do_move_in(struct state *s)
{
	unsigned i, n = below(s, 4);

	aside(s, s->t);
	(void)did(s, "mkdir", s->t, NULL, mkdir(s->t, 0755));
	for (i = 0; i < n; i++) {
		join(s->b, s->t, "");
		add_name(s, s->b);
		if (below(s, 2) == 0) {
			(void)mkdir(s->b, 0755);
			add_name(s, s->b);
		}
		write_some(s, "write", s->b, O_CREAT);
	}
	some_path(s, s->a);
	if (move_to(s, s->t, s->a) == -1)
		remove_all(s, s->t);
}

static void
do_move_out(struct state *s)
{
	some_path(s, s->a);
	aside(s, s->t);
	if (move_to(s, s->a, s->t) == -1)
		return;
	/* What goes on out there is nobody's business. */
	join(s->b, s->t, "/a");
	write_some(s, "write", s->b, O_CREAT);
	if (below(s, 2) == 0)
		remove_all(s, s->t);
}

static void
do_out_and_in(struct state *s)
{
	some_path(s, s->a);
	aside(s, s->t);
	if (move_to(s, s->a, s->t) == -1)
		return;
	if (below(s, 2) == 0) {
		join(s->b, s->t, "");
		add_name(s, s->b);
		write_some(s, "write", s->b, O_CREAT);
	}
	if (below(s, 2) == 0)
		some_path(s, s->a);
	if (move_to(s, s->t, s->a) == -1)
		remove_all(s, s->t);
}

/* With something outside; what arrives and what leaves is told in the order of
 * the names. */
static void
do_exchange_outside(struct state *s)
{
	bool first = below(s, 2) == 0;

	some_path(s, s->a);
	aside(s, s->t);
	if (below(s, 2) == 0) {
		(void)did(s, "mkdir", s->t, NULL, mkdir(s->t, 0755));
		join(s->b, s->t, "");
		add_name(s, s->b);
		write_some(s, "write", s->b, O_CREAT);
	} else {
		write_some(s, "write", s->t, O_CREAT);
	}
	(void)did(s, "exchange", first ? s->a : s->t, first ? s->t : s->a,
	    renameat2(AT_FDCWD, first ? s->a : s->t, AT_FDCWD,
		first ? s->t : s->a, RENAME_EXCHANGE));
	remove_all(s, s->t);
}

/* The same name again at once: the inode number is likely the same, too. */
static void
do_again(struct state *s)
{
	some_path(s, s->a);
	if (rmdir(s->a) == 0) {
		(void)did(s, "rmdir", s->a, NULL, 0);
		(void)did(s, "mkdir", s->a, NULL, mkdir(s->a, 0755));
	} else if (unlink(s->a) == 0) {
		(void)did(s, "unlink", s->a, NULL, 0);
		if (below(s, 3) == 0)
			(void)did(s, "mkdir", s->a, NULL, mkdir(s->a, 0755));
		else
			write_some(s, "write", s->a, O_CREAT);
	}
}

/* As editors save. */
static void
do_save(struct state *s)
{
	some_path(s, s->a);
	join(s->t, s->a, "~");
	write_some(s, "write", s->t, O_CREAT | O_TRUNC);
	if (below(s, 4) == 0)
		(void)did(s, "unlink", s->a, NULL, unlink(s->a));
	if (move_to(s, s->t, s->a) == -1)
		(void)did(s, "unlink", s->t, NULL, unlink(s->t));
}

/* mkdir -p and a file at its end, as fast as it goes. */
static void
do_chain(struct state *s)
{
	char *p;

	some_path(s, s->a);
	for (p = s->a + strlen(s->root) + 1; (p = strchr(p, '/')) != NULL;
	     p++) {
		*p = '\0';
		(void)did(s, "mkdir", s->a, NULL, mkdir(s->a, 0755));
		*p = '/';
	}
	write_some(s, "write", s->a, O_CREAT);
}

static const struct {
	unsigned weight;
	void (*run)(struct state *s);
} operations[] = {
    {8, do_create},
    {8, do_write},
    {6, do_append},
    {3, do_write_long},
    {3, do_truncate},
    {8, do_unlink},
    {14, do_mkdir},
    {5, do_rmdir},
    {3, do_remove_all},
    {14, do_rename},
    {5, do_exchange},
    {3, do_exchange_outside},
    {3, do_into_child},
    {2, do_into_parent},
    {4, do_link},
    {4, do_symlink},
    {1, do_fifo},
    {2, do_chmod},
    {4, do_move_in},
    {4, do_move_out},
    {4, do_out_and_in},
    {4, do_again},
    {4, do_save},
    {6, do_chain},
};
#define NOPERATIONS (sizeof(operations) / sizeof(operations[0]))

int
changer_run(const struct changer *c)
{
	struct state *s = calloc(1, sizeof(*s));
	unsigned total = 0, i, n, pick;
	int rc = -1;

	if (s == NULL)
		return -1;
	s->c = c;
	s->x = c->seed * 0x9e3779b97f4a7c15ULL | 1;
	s->log = fopen(c->log, "ae");
	if (s->log == NULL)
		goto out;
	for (n = 0; n < NOPERATIONS; n++)
		total += operations[n].weight;
	for (i = 0; i < c->ops; i++) {
		pick = below(s, total);
		for (n = 0; pick >= operations[n].weight; n++)
			pick -= operations[n].weight;
		operations[n].run(s);
	}
	rc = 0;
out:
	if (s->log != NULL && fclose(s->log) == EOF)
		rc = -1;
	free(s);
	return rc;
}
