#include "backend_kqueue.h"

#include <sys/event.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "event.h"
#include "monotonic.h"
#include "statat.h"
#include "vnodes.h"

/*
 * kqueue(2), EVFILT_VNODE. A directory's note says that its names have
 * changed, never which, and never anything about a child's content; so each
 * directory and, where content or attributes are asked for, each file has a
 * descriptor of its own here. Notes coalesce (EV_CLEAR), they come in no order
 * between descriptors, and what they are called says little: a file whose
 * other link was removed is told as deleted, a truncated one as one whose
 * attributes have changed. So all that is made of one is a request to look.
 *
 * A file is looked at (kqueue_look) after its note is in place, and a
 * directory listed after its own is: what changes later is told by the kernel,
 * what has changed before is seen.
 *
 * An event names its descriptor by a number, which may mean another file by
 * the time it is read. So each registration has a stamp, which comes back with
 * the event. All events of a call are taken down before anything is closed.
 */

/* What not every system has; and where the same bit means different things on
 * two systems, the name decides. */
#ifndef NOTE_TRUNCATE
#define NOTE_TRUNCATE 0
#endif
#ifndef NOTE_CLOSE_WRITE
#define NOTE_CLOSE_WRITE 0
#endif
#ifndef NOTE_OPEN
#define NOTE_OPEN 0
#endif
#ifndef NOTE_READ
#define NOTE_READ 0
#endif

/* A descriptor that is good for notes only, where there is such a thing: it
 * keeps no file system busy (macOS) and needs no right to read (FreeBSD). */
#if defined(O_EVTONLY)
#define OPEN_FLAGS O_EVTONLY
#elif defined(O_PATH)
#define OPEN_FLAGS O_PATH
#else
#define OPEN_FLAGS O_RDONLY
#endif

#define CONTENT_NOTES (NOTE_WRITE | NOTE_EXTEND | NOTE_TRUNCATE)
/* A file may have lost the name it is watched under: another may be left. */
#define LEAVE_NOTES (NOTE_DELETE | NOTE_RENAME | NOTE_LINK)
#define DIR_NOTES \
	(NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | LEAVE_NOTES | NOTE_REVOKE)

/* What is assumed of struct kevent; its size and its order are not. */
#define MEMBER(name) (((struct kevent *)0)->name)
static_assert(sizeof(MEMBER(ident)) >= sizeof(int),
    "ident has room for a descriptor");
static_assert(sizeof(MEMBER(udata)) >= sizeof(uint32_t),
    "udata has room for a stamp");
static_assert(sizeof(MEMBER(fflags)) >= sizeof(unsigned),
    "fflags has room for every note");
static_assert((__typeof__(MEMBER(filter)))EVFILT_VNODE == EVFILT_VNODE,
    "filter has room for EVFILT_VNODE");
static_assert((__typeof__(MEMBER(flags)))(EV_ADD | EV_CLEAR | EV_EOF |
		  EV_ERROR) == (EV_ADD | EV_CLEAR | EV_EOF | EV_ERROR),
    "flags has room for the flags");
static_assert((__typeof__(MEMBER(data)))INT_MAX == INT_MAX,
    "data has room for an errno");
static_assert((NOTE_DELETE & NOTE_WRITE) == 0 &&
	((NOTE_DELETE | NOTE_WRITE) & NOTE_EXTEND) == 0 &&
	(CONTENT_NOTES & (LEAVE_NOTES | NOTE_ATTRIB)) == 0 &&
	((CONTENT_NOTES | (LEAVE_NOTES | NOTE_ATTRIB)) & NOTE_REVOKE) == 0 &&
	(DIR_NOTES &
	    (NOTE_TRUNCATE | NOTE_CLOSE_WRITE | NOTE_OPEN | NOTE_READ)) == 0 &&
	(NOTE_CLOSE_WRITE & (NOTE_OPEN | NOTE_READ | NOTE_TRUNCATE)) == 0 &&
	(NOTE_OPEN & (NOTE_READ | NOTE_TRUNCATE)) == 0 &&
	(NOTE_READ & NOTE_TRUNCATE) == 0,
    "every note has a bit of its own");

/* Descriptors that are left to the rest of the program. */
#define SPARE_MAX 64
/* Events taken in one call; and calls before fill() comes back. */
#define BATCH	  64
#define BATCH_MAX 1024
/* Looking by the clock takes no more than one part in REST + 1 of the time. */
#define REST 3

struct backend {
	const struct kqueue_calls *calls;
	int kq;
	struct vnodes all;
	size_t most; /* vnodes, by the limit of descriptors */
	int64_t poll_ms;
	int64_t poll_at; /* CLOCK_MONOTONIC, ms; 0: no place lacks anything */
	int64_t begun; /* when they were looked at: not rested from; or 0 */
	struct timespec filled; /* CLOCK_REALTIME */
	char name[NAME_MAX + 1]; /* of the hint handed out last */
};

static int
real_openat(int dirfd, const char *name, int flags)
{
	return openat(dirfd, name, flags);
}

static int
real_stat(int dirfd, const char *name, struct event_stat *st)
{
	return stat_at(dirfd, name, false, st);
}

static int
real_kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	return kevent(kq, changes, nchanges, events, nevents, timeout);
}

static size_t
real_limit(void)
{
	struct rlimit rl;
	rlim_t was;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return SPARE_MAX;
	was = rl.rlim_cur;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == 0)
		goto out;
	rl.rlim_cur = was;
#ifdef OPEN_MAX
	/* macOS says that there is no hard limit, and means this one. */
	if (was < OPEN_MAX) {
		rl.rlim_cur = OPEN_MAX;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
			rl.rlim_cur = was;
	}
#endif
out:
	return rl.rlim_cur > INT_MAX ? INT_MAX : (size_t)rl.rlim_cur;
}

static const struct kqueue_calls real_calls = {
    .kqueue = kqueue,
    .kevent = real_kevent,
    .openat = real_openat,
    .close = close,
    .stat = real_stat,
    .limit = real_limit,
};

struct backend *
backend_kqueue_open(const struct kqueue_calls *calls, int64_t poll_ms)
{
	struct backend *b;
	size_t limit, spare;
	int error;

	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->calls = calls;
	b->poll_ms = poll_ms;
	vnodes_init(&b->all);
	limit = calls->limit();
	spare = limit / 2 < SPARE_MAX ? limit / 2 : SPARE_MAX;
	b->most = limit - spare;
	b->kq = calls->kqueue();
	if (b->kq == -1) {
		error = errno;
		free(b);
		errno = error;
		return NULL;
	}
	/* Few systems have a call that sets this at once. */
	(void)fcntl(b->kq, F_SETFD, FD_CLOEXEC);
	return b;
}

static struct backend *
kqueue_open(int64_t poll_ms)
{
	return backend_kqueue_open(&real_calls, poll_ms);
}

/* Closing a descriptor ends its note as well. */
static void
let_go(struct backend *b, struct vnode *t)
{
	int fd = t->fd;

	vnodes_drop(&b->all, t);
	(void)b->calls->close(fd);
}

/* Makes room for a directory's descriptor: some file's. Its directory is
 * looked at again, which shows that the file is without one. */
static bool
evict(struct backend *b)
{
	struct vnode *t = LIST_FIRST(&b->all.files);
	struct place *p;

	if (t == NULL)
		return false;
	p = t->place;
	let_go(b, t);
	p->due = true;
	vnodes_note(&b->all, p->self, NOTE_WRITE);
	return true;
}

static int
open_vnode(struct backend *b, int dirfd, const char *name, int flags,
    bool evicts)
{
	int fd;

	for (;;) {
		errno = EMFILE;
		fd = b->all.n >= b->most ?
		    -1 :
		    b->calls->openat(dirfd, name,
			OPEN_FLAGS | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC |
			    flags);
		if (fd != -1)
			return fd;
		if (errno == EINTR)
			continue;
		if (!evicts || (errno != EMFILE && errno != ENFILE) ||
		    !evict(b))
			return -1;
	}
}

/* Asks the kernel for notes, under the stamp of what they are for. */
static int
ask(struct backend *b, const struct vnode *t)
{
	struct kevent ev = {0};
	int n;

	EV_SET(&ev, (uintptr_t)t->fd, EVFILT_VNODE, EV_ADD | EV_CLEAR,
	    t->wanted, 0, (__typeof__(ev.udata))(uintptr_t)t->stamp);
	do
		n = b->calls->kevent(b->kq, &ev, 1, NULL, 0, NULL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

/* Closes fd, keeping errno. */
static void
close_fd(const struct backend *b, int fd)
{
	int error = errno;

	if (fd != -1)
		(void)b->calls->close(fd);
	errno = error;
}

/* A vnode for the open descriptor fd, with its note in place. NULL with errno;
 * fd is the caller's then. */
static struct vnode *
new_vnode(struct backend *b, struct place *p, const char *name, int fd,
    unsigned wanted)
{
	struct event_stat st;
	struct vnode *t;

	t = vnodes_new(&b->all, p, name, fd);
	if (t == NULL)
		return NULL;
	t->wanted = wanted;
	if (ask(b, t) == -1 || b->calls->stat(fd, "", &st) == -1) {
		free(t);
		return NULL;
	}
	t->dev = st.dev;
	t->ino = st.ino;
	vnodes_put(&b->all, t);
	return t;
}

static void
end_place(struct backend *b, struct place *p)
{
	struct vnode *t;

	while ((t = LIST_FIRST(&p->files)) != NULL)
		let_go(b, t);
	if (p->self != NULL)
		let_go(b, p->self);
	vnodes_end(&b->all, p);
}

static void
kqueue_remove(struct backend *b, int id)
{
	end_place(b, b->all.places[id]);
}

static void
kqueue_close(struct backend *b)
{
	size_t id;

	for (id = 0; id < b->all.nplaces; id++)
		if (b->all.places[id] != NULL)
			end_place(b, b->all.places[id]);
	(void)b->calls->close(b->kq);
	vnodes_free(&b->all);
	free(b);
}

static int
kqueue_fd(const struct backend *b)
{
	return b->kq;
}

static int
kqueue_add(struct backend *b, int dirfd, unsigned interest)
{
	struct event_stat st;
	struct place *p;
	int fd;

	if (b->calls->stat(dirfd, "", &st) == -1)
		return -1;
	/* While we hold it open no other can have its number. */
	p = vnodes_dir(&b->all, st.dev, st.ino);
	if (p != NULL) {
		p->interest |= interest;
		return p->id;
	}
	p = vnodes_place(&b->all, interest);
	if (p == NULL)
		return -1;
	fd = open_vnode(b, dirfd, ".", O_DIRECTORY, true);
	if (fd != -1 && new_vnode(b, p, "", fd, DIR_NOTES) != NULL)
		return p->id;
	close_fd(b, fd);
	vnodes_end(&b->all, p);
	return -1;
}

/* What a file is watched for; 0: it needs no descriptor. Nothing else is ever
 * opened: what a FIFO or a device does then is its own affair. */
static unsigned
notes_for(const struct place *p, const struct event_stat *st)
{
	unsigned notes = 0;

	if (!S_ISREG(st->mode))
		return 0;
	/* A truncation is told as a change of attributes. */
	if (p->interest & BACKEND_MODIFIED)
		notes |= CONTENT_NOTES | NOTE_ATTRIB;
	if (p->interest & BACKEND_ATTRIB)
		notes |= NOTE_ATTRIB;
	if (p->interest & BACKEND_CLOSED)
		notes |= NOTE_CLOSE_WRITE;
	if (p->interest & BACKEND_OPENED)
		notes |= NOTE_OPEN;
	if (p->interest & BACKEND_ACCESSED)
		notes |= NOTE_READ;
	return notes == 0 ? 0 : notes | LEAVE_NOTES | NOTE_REVOKE;
}

static bool
is_at(const struct backend *b, const struct event_stat *st, int dirfd,
    const char *name)
{
	struct event_stat now;

	return b->calls->stat(dirfd, name, &now) == 0 && now.ino == st->ino &&
	    now.dev == st->dev;
}

/* The error says that the name is not that of a file any more: it is gone, or
 * a symbolic link now (ELOOP, EMLINK or EFTYPE, by the system). */
static bool
is_limit(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOSPC || error == EACCES || error == EPERM;
}

/* Gives a file its descriptor. Returns 1 where the name means another file
 * meanwhile: then the directory's note says so. */
static int
follow(struct backend *b, struct place *p, int dirfd, const char *name,
    unsigned wanted, const struct event_stat *st)
{
	struct vnode *t;
	int fd;

	fd = open_vnode(b, dirfd, name, 0, false);
	if (fd == -1)
		return is_limit(errno) ? -1 : 1;
	if (!is_at(b, st, fd, "")) {
		close_fd(b, fd);
		return 1;
	}
	t = new_vnode(b, p, name, fd, wanted);
	if (t == NULL) {
		close_fd(b, fd);
		return -1;
	}
	/* If it has left its name before the note was in place, nothing will
	 * ever say so of it. */
	if (is_at(b, st, dirfd, name))
		return 0;
	let_go(b, t);
	return 1;
}

static int
kqueue_add_name(struct backend *b, int id, int dirfd, const char *name)
{
	struct place *p = b->all.places[id];
	struct vnode *t = vnodes_file(&b->all, p, name);
	struct event_stat st;
	unsigned wanted = 0;
	int ret = 1;

	if (b->calls->stat(dirfd, name, &st) == 0) {
		wanted = notes_for(p, &st);
		ret = 0;
	}
	if (t != NULL && t->wanted == wanted && t->dev == st.dev &&
	    t->ino == st.ino)
		return 0;
	if (t != NULL)
		let_go(b, t);
	if (wanted != 0)
		ret = follow(b, p, dirfd, name, wanted, &st);
	if (ret != -1)
		return ret;
	p->lacks = true;
	if (b->poll_at == 0)
		b->poll_at = monotonic_ms() + b->poll_ms;
	return -1;
}

static void
take(struct backend *b, const struct kevent *ev)
{
	struct vnode *t = vnodes_of_fd(&b->all, ev->ident);

	/* Of a descriptor that has been closed, though its number may be in
	 * use again. */
	if (t == NULL || ev->filter != EVFILT_VNODE ||
	    ev->udata != (__typeof__(ev->udata))(uintptr_t)t->stamp)
		return;
	if ((ev->flags & (EV_EOF | EV_ERROR)) || (ev->fflags & NOTE_REVOKE))
		t->over = true;
	vnodes_note(&b->all, t, t->over ? NOTE_REVOKE : ev->fflags);
}

/* Places some of whose files have no descriptor are looked at now. Where that
 * is still so the look will say it again. */
static void
look_by_the_clock(struct backend *b)
{
	struct place *p;
	int64_t now = monotonic_ms();
	size_t id;

	if (b->begun != 0 || b->poll_at == 0 || now < b->poll_at)
		return;
	b->poll_at = 0;
	b->begun = now;
	for (id = 0; id < b->all.nplaces; id++) {
		p = b->all.places[id];
		if (p == NULL || !p->lacks)
			continue;
		p->lacks = false;
		p->due = true;
		vnodes_note(&b->all, p->self, NOTE_WRITE);
	}
	(void)clock_gettime(CLOCK_REALTIME, &b->filled);
}

static int
kqueue_fill(struct backend *b)
{
	static const struct timespec at_once;
	struct kevent events[BATCH];
	int i, n, rounds = 0;

	look_by_the_clock(b);
	do {
		n = b->calls->kevent(b->kq, NULL, 0, events, BATCH, &at_once);
		if (n == -1 && errno != EINTR)
			return -1;
		for (i = 0; i < n; i++)
			take(b, &events[i]);
		if (n > 0)
			(void)clock_gettime(CLOCK_REALTIME, &b->filled);
	} while (n != 0 && ++rounds < BATCH_MAX);
	return n == 0;
}

/* A directory's notes. */
static unsigned
tell_dir(struct vnode *t, struct hint *h)
{
	if (t->notes & NOTE_ATTRIB)
		h->what |= BACKEND_ATTRIB;
	if (t->notes & ~(unsigned)NOTE_ATTRIB)
		h->what |= BACKEND_NAMES;
	if (t->place->due)
		h->what |= BACKEND_MODIFIED;
	t->place->due = false;
	return t->notes;
}

/* A file's: what is to be made of them, and which that uses up; the rest is
 * handed out the next time. Last comes what may end it. */
static unsigned
tell_file(struct vnode *t, struct hint *h)
{
	static const struct {
		unsigned notes;
		enum hint_kind kind;
		unsigned what;
	} table[] = {
	    {CONTENT_NOTES, HINT_CHANGED, BACKEND_MODIFIED},
	    {NOTE_CLOSE_WRITE, HINT_CLOSED, 0},
	    {NOTE_OPEN, HINT_OPENED, 0},
	    {NOTE_READ, HINT_ACCESSED, 0},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!(t->notes & table[i].notes))
			continue;
		h->kind = table[i].kind;
		h->what = table[i].what;
		return table[i].notes;
	}
	h->what = BACKEND_ATTRIB;
	/* The look that follows watches what has the name then. */
	if (t->notes & LEAVE_NOTES)
		t->over = true;
	return t->notes;
}

static int
kqueue_next(struct backend *b, struct hint *h)
{
	struct vnode *t = TAILQ_FIRST(&b->all.queue);

	if (t == NULL)
		return 0;
	memset(h, 0, sizeof(*h));
	h->kind = HINT_CHANGED;
	h->id = t->place->id;
	h->time = b->filled;
	h->name_len = strlen(t->name);
	memcpy(b->name, t->name, h->name_len + 1);
	h->name = b->name;
	h->to_name = "";
	if (vnodes_is_dir(t) && t->over) {
		h->kind = HINT_GONE;
		kqueue_remove(b, h->id);
		return 1;
	}
	vnodes_told(&b->all, t,
	    vnodes_is_dir(t) ? tell_dir(t, h) : tell_file(t, h));
	if (t->over && t->notes == 0)
		let_go(b, t);
	return 1;
}

static bool
kqueue_closing(const struct backend *b, int id, const char *name, size_t len)
{
	const struct vnode *t = vnodes_file(&b->all, b->all.places[id], name);

	(void)len;
	return t != NULL && (t->notes & NOTE_CLOSE_WRITE) != 0;
}

static void
kqueue_look_now(struct backend *b)
{
	b->begun = 0;
	if (b->poll_at != 0)
		b->poll_at = monotonic_ms();
}

/* That is not what has to be rested from. */
static void
kqueue_waited(struct backend *b, int64_t ms)
{
	if (b->begun != 0)
		b->begun += ms;
}

/* Being asked how long it may take is the end of a look. */
static int
kqueue_wait(struct backend *b)
{
	int64_t now = monotonic_ms(), rested, left;

	rested = b->begun == 0 ? 0 : now + REST * (now - b->begun);
	b->begun = 0;
	if (b->poll_at == 0)
		return -1;
	if (b->poll_at < rested)
		b->poll_at = rested;
	left = b->poll_at - now;
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

const struct backend_ops backend_kqueue = {
    .name = "kqueue",
    .tells = BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_ATTRIB |
	(NOTE_CLOSE_WRITE != 0 ? BACKEND_CLOSED : 0) |
	(NOTE_OPEN != 0 ? BACKEND_OPENED : 0) |
	(NOTE_READ != 0 ? BACKEND_ACCESSED : 0),
    .open = kqueue_open,
    .close = kqueue_close,
    .fd = kqueue_fd,
    .add = kqueue_add,
    .remove = kqueue_remove,
    .add_name = kqueue_add_name,
    .fill = kqueue_fill,
    .next = kqueue_next,
    .look_now = kqueue_look_now,
    .waited = kqueue_waited,
    .wait = kqueue_wait,
    .closing = NOTE_CLOSE_WRITE != 0 ? kqueue_closing : NULL,
};
