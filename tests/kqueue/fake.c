#include "fake.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"
#include "statat.h"

#define FDS	4096
#define HOOKS	32
#define EARLIER 64
#define WRITE	NOTE_WRITE
#define EXTEND	NOTE_EXTEND
#define ATTRIB	NOTE_ATTRIB
#define LINK	NOTE_LINK
#define DELETE	NOTE_DELETE
#define RENAME	NOTE_RENAME

const struct fake_system fake_systems[FAKE_SYSTEMS] = {
    {
	.name = "FreeBSD",
	.create = {.dir = WRITE},
	.unlink = {.dir = WRITE, .file = DELETE},
	.unlink_linked = {.dir = WRITE, .file = DELETE},
	.mkdir = {.dir = WRITE | LINK},
	.rmdir = {.dir = WRITE | LINK, .file = DELETE},
	.rename = {.dir = WRITE, .file = RENAME, .victim = DELETE},
	.move = {.dir = WRITE | EXTEND,
	    .to = WRITE | EXTEND,
	    .file = RENAME,
	    .victim = DELETE},
	.move_dir = {.dir = WRITE | EXTEND | LINK,
	    .to = WRITE | EXTEND | LINK,
	    .file = RENAME,
	    .victim = DELETE},
	.link = {.dir = WRITE, .file = LINK},
	.write = {.file = WRITE},
	.append = {.file = WRITE | EXTEND},
	.shrink = {.file = ATTRIB},
	.grow = {.file = ATTRIB},
	.chmod = {.file = ATTRIB},
	.has_close_write = true,
	.revoke_flags = EV_EOF,
    },
    {
	.name = "NetBSD tmpfs",
	.create = {.dir = WRITE},
	.unlink = {.dir = WRITE, .file = DELETE},
	.unlink_linked = {.dir = WRITE, .file = LINK},
	.mkdir = {.dir = WRITE | LINK},
	.rmdir = {.dir = WRITE | LINK, .file = DELETE},
	.rename = {.dir = WRITE, .file = RENAME, .victim = DELETE},
	.move = {.dir = WRITE, .to = WRITE, .file = RENAME, .victim = DELETE},
	.move_dir =
	    {.dir = WRITE, .to = WRITE, .file = RENAME, .victim = DELETE},
	.link = {.dir = WRITE, .file = LINK},
	.write = {.file = WRITE},
	.append = {.file = WRITE | EXTEND},
	.shrink = {.file = 0},
	.grow = {.file = EXTEND},
	.chmod = {.file = ATTRIB},
	.has_close_write = true,
	.silent_shrink = true,
	.revoke_flags = EV_EOF,
    },
    {
	.name = "NetBSD FFS",
	.create = {.dir = WRITE},
	.unlink = {.dir = WRITE, .file = DELETE},
	.unlink_linked = {.dir = WRITE, .file = DELETE},
	.mkdir = {.dir = WRITE | LINK},
	.rmdir = {.dir = WRITE | LINK, .file = DELETE},
	.rename = {.dir = WRITE, .file = RENAME, .victim = DELETE},
	.move = {.dir = WRITE,
	    .to = WRITE | EXTEND,
	    .file = RENAME,
	    .victim = DELETE},
	.move_dir = {.dir = WRITE,
	    .to = WRITE | EXTEND,
	    .file = RENAME,
	    .victim = DELETE},
	.link = {.dir = WRITE, .file = LINK},
	.write = {.file = WRITE},
	.append = {.file = WRITE | EXTEND},
	.shrink = {.file = ATTRIB},
	.grow = {.file = ATTRIB},
	.chmod = {.file = ATTRIB},
	.has_close_write = true,
	.revoke_flags = EV_EOF,
    },
    {
	/* A truncation has a note of its own there, with a bit that means
	 * another thing here (NOTE_OPEN): ATTRIB stands for it. */
	.name = "OpenBSD",
	.create = {.dir = WRITE},
	.unlink = {.dir = WRITE, .file = DELETE},
	.unlink_linked = {.dir = WRITE, .file = DELETE},
	.mkdir = {.dir = WRITE | LINK},
	.rmdir = {.dir = WRITE | LINK, .file = DELETE},
	.rename = {.dir = WRITE, .file = RENAME, .victim = DELETE},
	.move = {.dir = WRITE, .to = WRITE, .file = RENAME, .victim = DELETE},
	.move_dir = {.dir = WRITE | LINK,
	    .to = WRITE | LINK,
	    .file = RENAME,
	    .victim = DELETE},
	.link = {.dir = WRITE, .file = LINK},
	.write = {.file = WRITE},
	.append = {.file = WRITE | EXTEND},
#ifdef NOTE_TRUNCATE
	.shrink = {.file = NOTE_TRUNCATE},
#else
	.shrink = {.file = ATTRIB},
#endif
	.grow = {.file = ATTRIB},
	.chmod = {.file = ATTRIB},
	.revoke_flags = EV_EOF,
    },
    {
	.name = "macOS",
	.create = {.dir = WRITE},
	.unlink = {.dir = WRITE, .file = DELETE | LINK},
	.unlink_linked = {.dir = WRITE, .file = DELETE | LINK},
	.mkdir = {.dir = WRITE | LINK},
	.rmdir = {.dir = WRITE | LINK, .file = DELETE | LINK},
	.rename = {.dir = WRITE, .file = RENAME, .victim = DELETE},
	.move = {.dir = WRITE, .to = WRITE, .file = RENAME, .victim = DELETE},
	.move_dir = {.dir = WRITE | LINK,
	    .to = WRITE | LINK,
	    .file = RENAME,
	    .victim = DELETE},
	.link = {.dir = WRITE, .file = LINK},
	.write = {.file = WRITE},
	.append = {.file = WRITE | EXTEND},
	.shrink = {.file = ATTRIB},
	.grow = {.file = ATTRIB | EXTEND},
	.chmod = {.file = ATTRIB},
	.revoke_flags = EV_EOF | EV_ONESHOT,
    },
};

/* A descriptor that is open. */
struct open_fd {
	bool open;
	bool added;
	unsigned wanted;
	unsigned notes;
	unsigned short flags;
	int error;
	uint64_t dev;
	uint64_t ino;
	__typeof__(((struct kevent *)NULL)->udata) udata;
	__typeof__(((struct kevent *)NULL)->udata) earlier;
};

struct hook {
	enum fake_point point;
	unsigned at;
	unsigned count; /* of failures */
	int error;
	void (*do_this)(void);
};

static struct {
	const struct fake_system *system;
	uint64_t random;
	int kq;
	size_t limit;
	size_t nopen;
	struct open_fd fds[FDS];
	unsigned passed[FAKE_POINTS];
	struct hook hooks[HOOKS];
	size_t nhooks;
	const char *fail_name;
	int fail_error;
	void (*stir)(void);
	unsigned stir_in;
	bool stirring;
	bool disorder;
	struct kevent stale[EARLIER];
	size_t nstale;
} k;

uint64_t
fake_random(uint64_t n)
{
	/* xorshift64* */
	k.random ^= k.random >> 12;
	k.random ^= k.random << 25;
	k.random ^= k.random >> 27;
	return (k.random * 2685821657736338717ULL >> 11) % n;
}

void
fake_begin(const struct fake_system *system, uint64_t seed)
{
	memset(&k, 0, sizeof(k));
	k.system = system;
	k.random = seed * 0x9e3779b97f4a7c15ULL + 1;
	k.limit = 1024;
	k.kq = -1;
}

void
fake_end(void)
{
	ck_assert_msg(k.nopen == 0, "%zu descriptors were left open", k.nopen);
	ck_assert_int_eq(k.kq, -1);
}

void
fake_at(enum fake_point point, unsigned nth, void (*do_this)(void))
{
	ck_assert_uint_lt(k.nhooks, HOOKS);
	k.hooks[k.nhooks++] = (struct hook){.point = point,
	    .at = k.passed[point] + nth,
	    .do_this = do_this};
}

void
fake_fail(enum fake_point point, unsigned nth, unsigned count, int error)
{
	ck_assert_uint_lt(k.nhooks, HOOKS);
	k.hooks[k.nhooks++] = (struct hook){.point = point,
	    .at = k.passed[point] + nth,
	    .count = count,
	    .error = error};
}

void
fake_fail_name(const char *name, int error)
{
	k.fail_name = name;
	k.fail_error = error;
}

void
fake_stir(void (*do_this)(void), unsigned in)
{
	k.stir = do_this;
	k.stir_in = in;
}

void
fake_limit(size_t n)
{
	k.limit = n;
}

void
fake_disorder(bool on)
{
	k.disorder = on;
}

unsigned
fake_count(enum fake_point point)
{
	return k.passed[point];
}

size_t
fake_open_fds(void)
{
	return k.nopen;
}

/* Returns 0, or -1 with errno where it is to fail. */
static int
pass(enum fake_point point)
{
	unsigned n = ++k.passed[point];
	struct hook *h;
	size_t i;
	int error = 0;

	for (i = 0; i < k.nhooks; i++) {
		h = &k.hooks[i];
		if (h->point != point)
			continue;
		if (h->do_this != NULL && h->at == n)
			h->do_this();
		else if (h->do_this == NULL && n >= h->at &&
		    n - h->at < h->count)
			error = h->error;
	}
	if (k.stir != NULL && !k.stirring && fake_random(k.stir_in) == 0) {
		k.stirring = true;
		k.stir();
		k.stirring = false;
	}
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Poll(2) is to see whether there are events. */
static void
show(void)
{
	uint64_t n = 1;
	size_t fd;

	if (k.kq == -1)
		return;
	(void)!read(k.kq, &n, sizeof(n));
	n = k.nstale > 0;
	for (fd = 0; fd < FDS && n == 0; fd++)
		n = k.fds[fd].notes != 0 || k.fds[fd].flags != 0;
	if (n != 0)
		ck_assert_int_eq(write(k.kq, &n, sizeof(n)), sizeof(n));
}

static void
post(const struct stat *st, unsigned notes)
{
	struct open_fd *f;
	size_t fd;

	for (fd = 0; fd < FDS; fd++) {
		f = &k.fds[fd];
		if (f->added && f->dev == st->st_dev && f->ino == st->st_ino)
			f->notes |= notes & f->wanted;
	}
	show();
}

/* The calls. */

static int
call_kqueue(void)
{
	k.kq = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return k.kq;
}

static int
call_openat(int dirfd, const char *name, int flags)
{
	struct stat st;
	int fd;

	/* What is no file any more by the time it is opened is nobody's
	 * fault. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		ck_assert_msg(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode),
		    "%s was opened", name);
	if (pass(FAKE_OPEN) == -1)
		return -1;
	if (k.fail_name != NULL && strcmp(name, k.fail_name) == 0) {
		errno = k.fail_error;
		return -1;
	}
	fd = openat(dirfd, name, flags);
	if (fd == -1)
		return -1;
	ck_assert_int_lt(fd, FDS);
	ck_assert_int_eq(fstat(fd, &st), 0);
	if (S_ISLNK(st.st_mode)) {
		/* O_PATH opens the link itself; as FreeBSD says it. */
		(void)close(fd);
		errno = EMLINK;
		return -1;
	}
	k.fds[fd].open = true;
	k.fds[fd].dev = st.st_dev;
	k.fds[fd].ino = st.st_ino;
	k.nopen++;
	return fd;
}

static int
call_close(int fd)
{
	struct open_fd *f;

	if (fd == k.kq) {
		k.kq = -1;
		return close(fd);
	}
	ck_assert_int_lt(fd, FDS);
	ck_assert_msg(k.fds[fd].open, "%d was closed twice", fd);
	f = &k.fds[fd];
	f->open = f->added = false;
	f->notes = 0;
	f->flags = 0;
	f->earlier = f->udata;
	k.nopen--;
	show();
	return close(fd);
}

static int
call_stat(int dirfd, const char *name, struct event_stat *st)
{
	if (pass(FAKE_STAT) == -1)
		return -1;
	return stat_at(dirfd, name, false, st);
}

static size_t
call_limit(void)
{
	return k.limit;
}

static int
add_note(const struct kevent *ev)
{
	struct open_fd *f = &k.fds[ev->ident];
	int ret;

	if (pass(FAKE_ADD) == -1)
		return -1;
	ck_assert_int_eq(ev->filter, EVFILT_VNODE);
	ck_assert_msg((ev->flags & (EV_ADD | EV_CLEAR)) == (EV_ADD | EV_CLEAR),
	    "without EV_CLEAR nothing ever ends");
	ck_assert(f->open);
	f->added = true;
	f->wanted = ev->fflags;
	f->udata = ev->udata;
	ret = pass(FAKE_ADDED);
	return ret;
}

static void
give(struct kevent *ev, int fd)
{
	struct open_fd *f = &k.fds[fd];

	memset(ev, 0, sizeof(*ev));
	ev->ident = (uintptr_t)fd;
	ev->filter = EVFILT_VNODE;
	ev->flags = (unsigned short)(EV_ADD | EV_CLEAR | f->flags);
	ev->fflags = f->notes;
	ev->data = f->error;
	ev->udata = f->udata;
	f->notes = 0;
	f->flags = 0;
}

static int
call_kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	struct kevent swap;
	int fd, n = 0, i, j;

	ck_assert_int_eq(kq, k.kq);
	if (nchanges > 0) {
		ck_assert_int_eq(nchanges, 1);
		ck_assert_int_eq(nevents, 0);
		return add_note(changes);
	}
	ck_assert_ptr_nonnull(timeout);
	if (pass(FAKE_KEVENT) == -1)
		return -1;
	while (k.nstale > 0 && n < nevents)
		events[n++] = k.stale[--k.nstale];
	for (fd = 0; fd < FDS && n < nevents; fd++) {
		if (k.fds[fd].notes == 0 && k.fds[fd].flags == 0)
			continue;
		/* Not all at once: later calls bring the rest. */
		if (k.disorder && n > 0 && fake_random(4) == 0)
			continue;
		give(&events[n++], fd);
	}
	for (i = n - 1; k.disorder && i > 0; i--) {
		j = (int)fake_random((uint64_t)i + 1);
		swap = events[i];
		events[i] = events[j];
		events[j] = swap;
	}
	/* And something for nothing, now and then. */
	if (k.disorder && fake_random(8) == 0) {
		fd = (int)fake_random(FDS);
		for (i = 0; i < FDS && !k.fds[fd].added; i++)
			fd = (fd + 1) % FDS;
		if (k.fds[fd].added && n < nevents) {
			k.fds[fd].notes |= k.fds[fd].wanted &
			    (1U << fake_random(6)) & ~(unsigned)NOTE_REVOKE;
			if (k.fds[fd].notes != 0)
				give(&events[n++], fd);
		}
	}
	show();
	return n;
}

const struct kqueue_calls fake_calls = {
    .kqueue = call_kqueue,
    .kevent = call_kevent,
    .openat = call_openat,
    .close = call_close,
    .stat = call_stat,
    .limit = call_limit,
};

/* Notes without a change. */

static struct open_fd *
find(const char *path, int *ret_fd)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == -1)
		return NULL;
	for (fd = 0; fd < FDS; fd++) {
		if (!k.fds[fd].added || k.fds[fd].dev != st.st_dev ||
		    k.fds[fd].ino != st.st_ino)
			continue;
		*ret_fd = fd;
		return &k.fds[fd];
	}
	return NULL;
}

int
fake_fd_of(const char *path)
{
	int fd;

	return find(path, &fd) == NULL ? -1 : fd;
}

void
fake_note(const char *path, unsigned notes)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	post(&st, notes);
}

void
fake_revoke(const char *path)
{
	struct open_fd *f;
	int fd;

	f = find(path, &fd);
	ck_assert_ptr_nonnull(f);
	f->notes |= NOTE_REVOKE;
	f->flags |= k.system->revoke_flags;
	show();
}

void
fake_error(const char *path, int error)
{
	struct open_fd *f;
	int fd;

	f = find(path, &fd);
	ck_assert_ptr_nonnull(f);
	f->flags |= EV_ERROR;
	f->error = error;
	show();
}

void
fake_stale(int fd, unsigned notes)
{
	struct kevent *ev;

	ck_assert_uint_lt(k.nstale, EARLIER);
	ev = &k.stale[k.nstale++];
	memset(ev, 0, sizeof(*ev));
	ev->ident = (uintptr_t)fd;
	ev->filter = EVFILT_VNODE;
	ev->flags = EV_ADD | EV_CLEAR;
	ev->fflags = notes;
	ev->udata = k.fds[fd].earlier;
	show();
}

/* Changes. */

/* What the directory of a path is. */
static bool
parent(const char *path, struct stat *st)
{
	char dir[PATH_MAX];
	const char *cut = strrchr(path, '/');

	(void)snprintf(dir, sizeof(dir), "%.*s",
	    cut == NULL ? 1 : (int)(cut - path), cut == NULL ? "." : path);
	return stat(dir, st) == 0;
}

static void
tell(const struct fake_row *row, const char *path, const struct stat *file)
{
	struct stat dir;

	if (parent(path, &dir))
		post(&dir, row->dir);
	if (file != NULL)
		post(file, row->file);
}

static bool
change(const char *path, const char *text, int flags,
    const struct fake_row *row)
{
	struct stat st;
	size_t len = strlen(text);
	bool done;
	int fd;

	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags);
	if (fd == -1)
		return false;
	done = write(fd, text, len) == (ssize_t)len;
	(void)close(fd);
	tell(row, path, &st);
#ifdef NOTE_CLOSE_WRITE
	if (k.system->has_close_write)
		post(&st, NOTE_CLOSE_WRITE);
#endif
	return done;
}

bool
fake_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd == -1)
		return false;
	(void)close(fd);
	tell(&k.system->create, path, NULL);
	return true;
}

bool
fake_write(const char *path, const char *text)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return false;
	return change(path, text, 0,
	    (size_t)st.st_size < strlen(text) ? &k.system->append :
						&k.system->write);
}

bool
fake_append(const char *path, const char *text)
{
	return change(path, text, O_APPEND, &k.system->append);
}

bool
fake_truncate(const char *path, size_t size)
{
	struct stat st;

	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode) ||
	    truncate(path, (off_t)size) == -1)
		return false;
	tell((size_t)st.st_size < size ? &k.system->grow : &k.system->shrink,
	    path, &st);
	return true;
}

bool
fake_chmod(const char *path, unsigned mode)
{
	struct stat st;

	if (lstat(path, &st) == -1 || S_ISLNK(st.st_mode) ||
	    chmod(path, mode) == -1)
		return false;
	post(&st, k.system->chmod.file);
	return true;
}

bool
fake_unlink(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1 || unlink(path) == -1)
		return false;
	tell(st.st_nlink > 1 ? &k.system->unlink_linked : &k.system->unlink,
	    path, &st);
	return true;
}

bool
fake_symlink(const char *target, const char *path)
{
	if (symlink(target, path) == -1)
		return false;
	tell(&k.system->create, path, NULL);
	return true;
}

bool
fake_link(const char *from, const char *to)
{
	struct stat st;

	if (lstat(from, &st) == -1 || link(from, to) == -1)
		return false;
	tell(&k.system->link, to, &st);
	return true;
}

bool
fake_mkdir(const char *path)
{
	if (mkdir(path, 0755) == -1)
		return false;
	tell(&k.system->mkdir, path, NULL);
	return true;
}

bool
fake_rmdir(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1 || rmdir(path) == -1)
		return false;
	tell(&k.system->rmdir, path, &st);
	return true;
}

bool
fake_rename(const char *from, const char *to)
{
	const struct fake_row *row = &k.system->rename;
	struct stat file, victim, a, b;
	bool replaces;

	if (lstat(from, &file) == -1 || !parent(from, &a) || !parent(to, &b))
		return false;
	replaces = lstat(to, &victim) == 0;
	if (replaces && victim.st_ino == file.st_ino)
		return false;
	if (rename(from, to) == -1)
		return false;
	if (a.st_ino == b.st_ino) {
		post(&a, row->dir);
	} else {
		row = S_ISDIR(file.st_mode) ? &k.system->move_dir :
					      &k.system->move;
		post(&a, row->dir);
		post(&b, row->to);
	}
	post(&file, row->file);
	if (replaces)
		post(&victim, row->victim);
	return true;
}
