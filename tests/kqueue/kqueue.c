/*
 * kqueue(2) emulated over inotify(7), EVFILT_VNODE only, so that the whole
 * program, built for kqueue, can be tried on Linux. It tells what FreeBSD 13
 * tells, and no more: nothing about a directory's children but that its names
 * have changed, nothing in an order between descriptors, every note once
 * however often it applied.
 *
 * The descriptor that kqueue() gives is an epoll(7) of three: the inotify
 * instance; an eventfd that is readable while notes are left over that the
 * caller had no room for; and a clock, because the removal of a directory that
 * is open here tells inotify nothing, so that its link count has to be looked
 * at now and then.
 *
 * One inode has one inotify watch, however many descriptors are open for it.
 */
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUES	 8
#define CLOCK_MS 500
/* Every so many times EV_ADD takes so long. Whoever has looked before, and not
 * after, has missed something then. */
#define SLOW_EVERY 5
#define SLOW_MOST  2000 /* beyond that many it is a tenth as often */
#define SLOW_NS	   2000000L

/* A descriptor that is watched. */
struct note {
	int fd;
	int wd; /* -1: the watch has ended by itself */
	struct note *same; /* of the same watch */
	struct note *next; /* in the queue of what is to be told */
	bool queued;
	bool clear;
	bool deleted; /* NOTE_DELETE has been told of this directory */
	bool eof;
	unsigned wanted;
	unsigned told; /* bits to be told */
	struct stat was; /* when its attributes were last told */
	off_t size; /* when its content was */
	__typeof__(((struct kevent *)NULL)->udata) udata;
};

struct queue {
	int fd; /* epoll; 0: a free place */
	int inotify;
	int left;
	int clock;
	struct note **by_fd;
	size_t nfds;
	struct note **by_wd;
	size_t nwds;
	struct note *first;
	struct note **last;
	unsigned adds;
};

static struct queue queues[QUEUES];

int __real_close(int fd);
int __wrap_close(int fd);

static struct queue *
find_queue(int fd)
{
	size_t i;

	for (i = 0; i < QUEUES; i++)
		if (queues[i].fd == fd && fd > 0)
			return &queues[i];
	return NULL;
}

static int
hear(int epfd, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	if (fd == -1)
		return -1;
	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
}

int
kqueue(void)
{
	static const struct itimerspec often = {
	    .it_interval = {0, CLOCK_MS * 1000000L},
	    .it_value = {0, CLOCK_MS * 1000000L},
	};
	struct queue *q = NULL;
	size_t i;
	int error;

	for (i = 0; i < QUEUES && q == NULL; i++)
		if (queues[i].fd == 0)
			q = &queues[i];
	if (q == NULL) {
		errno = EMFILE;
		return -1;
	}
	memset(q, 0, sizeof(*q));
	q->last = &q->first;
	q->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	q->left = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	q->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	q->fd = epoll_create1(EPOLL_CLOEXEC);
	if (q->fd != -1 && hear(q->fd, q->inotify) == 0 &&
	    hear(q->fd, q->left) == 0 && hear(q->fd, q->clock) == 0 &&
	    timerfd_settime(q->clock, 0, &often, NULL) == 0)
		return q->fd;
	error = errno;
	if (q->fd != -1)
		(void)__real_close(q->fd);
	if (q->inotify != -1)
		(void)__real_close(q->inotify);
	if (q->left != -1)
		(void)__real_close(q->left);
	if (q->clock != -1)
		(void)__real_close(q->clock);
	q->fd = 0;
	errno = error;
	return -1;
}

/* Room for index n in an array of pointers. */
static int
reserve(struct note ***v, size_t *cap, size_t n)
{
	struct note **p;
	size_t more = *cap == 0 ? 64 : *cap;

	while (more <= n)
		more *= 2;
	if (more == *cap)
		return 0;
	p = realloc(*v, more * sizeof(struct note *));
	if (p == NULL)
		return -1;
	memset(p + *cap, 0, (more - *cap) * sizeof(struct note *));
	*v = p;
	*cap = more;
	return 0;
}

static void
tell(struct queue *q, struct note *n, unsigned bits)
{
	bits &= n->wanted | NOTE_REVOKE;
	if (bits == 0)
		return;
	n->told |= bits;
	if (n->queued)
		return;
	n->queued = true;
	n->next = NULL;
	*q->last = n;
	q->last = &n->next;
}

static void
leave_queue(struct queue *q, const struct note *n)
{
	struct note **at;

	if (!n->queued)
		return;
	for (at = &q->first; *at != n; at = &(*at)->next)
		;
	*at = n->next;
	if (q->last == &n->next)
		q->last = at;
}

static void
leave_watch(struct queue *q, const struct note *n)
{
	struct note **at;

	if (n->wd == -1)
		return;
	for (at = &q->by_wd[n->wd]; *at != n; at = &(*at)->same)
		;
	*at = n->same;
	if (q->by_wd[n->wd] == NULL)
		(void)inotify_rm_watch(q->inotify, n->wd);
}

static void
drop(struct queue *q, struct note *n)
{
	leave_queue(q, n);
	leave_watch(q, n);
	q->by_fd[n->fd] = NULL;
	free(n);
}

static void
close_queue(struct queue *q)
{
	size_t i;

	for (i = 0; i < q->nfds; i++)
		free(q->by_fd[i]);
	free(q->by_fd);
	free(q->by_wd);
	(void)__real_close(q->inotify);
	(void)__real_close(q->left);
	(void)__real_close(q->clock);
	q->fd = 0;
}

int
__wrap_close(int fd)
{
	struct queue *q;
	int saved = errno;

	for (q = queues; q < queues + QUEUES; q++) {
		if (q->fd == 0)
			continue;
		if (q->fd == fd)
			close_queue(q);
		else if (fd >= 0 && (size_t)fd < q->nfds &&
		    q->by_fd[fd] != NULL)
			drop(q, q->by_fd[fd]);
	}
	errno = saved;
	return __real_close(fd);
}

static uint32_t
mask_of(bool isdir, unsigned wanted)
{
	uint32_t mask = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_MASK_ADD;

	if (isdir)
		return mask | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
		    IN_MOVED_TO;
	mask |= IN_MODIFY;
#ifdef NOTE_OPEN
	if (wanted & NOTE_OPEN)
		mask |= IN_OPEN;
	if (wanted & NOTE_CLOSE)
		mask |= IN_CLOSE_NOWRITE;
	if (wanted & NOTE_CLOSE_WRITE)
		mask |= IN_CLOSE_WRITE;
	if (wanted & NOTE_READ)
		mask |= IN_ACCESS;
#else
	(void)wanted;
#endif
	return mask;
}

static struct note *
add(struct queue *q, int fd, unsigned wanted)
{
	static const struct timespec slow = {.tv_nsec = SLOW_NS};
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	struct note *n;
	struct stat st;
	int wd;

	q->adds++;
	if (q->adds % (q->adds < SLOW_MOST ? SLOW_EVERY : 10 * SLOW_EVERY) == 0)
		(void)nanosleep(&slow, NULL);
	if (fstat(fd, &st) == -1 ||
	    reserve(&q->by_fd, &q->nfds, (size_t)fd) == -1)
		return NULL;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(q->inotify, path,
	    mask_of(S_ISDIR(st.st_mode), wanted));
	if (wd == -1)
		return NULL;
	if (q->by_fd[fd] != NULL)
		return q->by_fd[fd];
	n = reserve(&q->by_wd, &q->nwds, (size_t)wd) == -1 ?
	    NULL :
	    calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->fd = fd;
	n->wd = wd;
	n->was = st;
	n->size = st.st_size;
	n->same = q->by_wd[wd];
	q->by_wd[wd] = q->by_fd[fd] = n;
	return n;
}

static int
change(struct queue *q, const struct kevent *ev)
{
	struct note *n = NULL;
	int fd = (int)ev->ident;

	if (ev->filter != EVFILT_VNODE) {
		errno = EINVAL;
		return -1;
	}
	if (fd >= 0 && (size_t)fd < q->nfds)
		n = q->by_fd[fd];
	if (ev->flags & EV_DELETE) {
		if (n == NULL) {
			errno = ENOENT;
			return -1;
		}
		drop(q, n);
		return 0;
	}
	if (ev->flags & EV_ADD)
		n = add(q, fd, ev->fflags);
	else if (n == NULL)
		errno = ENOENT;
	if (n == NULL)
		return -1;
	n->wanted = ev->fflags;
	n->udata = ev->udata;
	n->clear = (ev->flags & EV_CLEAR) != 0;
	return 0;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Which links a file has gained or lost; else its attributes. */
static unsigned
attrib_notes(const struct stat *was, const struct stat *st)
{
	bool same = was->st_mode == st->st_mode && was->st_uid == st->st_uid &&
	    was->st_gid == st->st_gid && same_time(was->st_mtim, st->st_mtim) &&
	    same_time(was->st_atim, st->st_atim);

	if (S_ISDIR(st->st_mode))
		return st->st_nlink == 0 ? NOTE_DELETE : NOTE_ATTRIB;
	if (st->st_nlink < was->st_nlink)
		return NOTE_DELETE | (same ? 0 : NOTE_ATTRIB);
	if (st->st_nlink > was->st_nlink)
		return NOTE_LINK | (same ? 0 : NOTE_ATTRIB);
	return NOTE_ATTRIB;
}

/* inotify says the same of a write and of a truncation, and says it once of
 * both in a row: only what has become empty has surely not been written. */
static unsigned
content_notes(off_t was, const struct stat *st)
{
	if (st->st_size > was)
		return NOTE_WRITE | NOTE_EXTEND;
	if (st->st_size == 0)
		return NOTE_ATTRIB;
	return st->st_size < was ? NOTE_WRITE | NOTE_ATTRIB : NOTE_WRITE;
}

static unsigned
notes_of(struct note *n, const struct inotify_event *ev)
{
	static const struct {
		uint32_t in;
		unsigned note;
	} table[] = {
	    {IN_MOVE_SELF, NOTE_RENAME},
	    {IN_DELETE_SELF, NOTE_DELETE},
#ifdef NOTE_OPEN
	    {IN_OPEN, NOTE_OPEN},
	    {IN_CLOSE_NOWRITE, NOTE_CLOSE},
	    {IN_CLOSE_WRITE, NOTE_CLOSE_WRITE},
	    {IN_ACCESS, NOTE_READ},
#endif
	};
	struct stat st;
	unsigned bits = 0;
	size_t i;

	if (ev->len > 0) {
		if (!(ev->mask &
			(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)))
			return 0;
		return NOTE_WRITE | (ev->mask & IN_ISDIR ? NOTE_LINK : 0);
	}
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (ev->mask & table[i].in)
			bits |= table[i].note;
	if (!(ev->mask & (IN_ATTRIB | IN_MODIFY)) || fstat(n->fd, &st) == -1)
		return bits;
	if (ev->mask & IN_MODIFY) {
		bits |= content_notes(n->size, &st);
		n->size = st.st_size;
	}
	if (ev->mask & IN_ATTRIB) {
		bits |= attrib_notes(&n->was, &st);
		n->was = st;
	}
	return bits;
}

/* The kernel's queue was full, which a kqueue's cannot be: whatever can have
 * happened is told. */
static void
tell_all(struct queue *q)
{
	struct note *n;
	struct stat st;
	unsigned bits;
	size_t fd;

	for (fd = 0; fd < q->nfds; fd++) {
		n = q->by_fd[fd];
		if (n == NULL || fstat(n->fd, &st) == -1)
			continue;
		bits = NOTE_WRITE | NOTE_RENAME | attrib_notes(&n->was, &st);
		n->was = st;
		n->size = st.st_size;
		tell(q, n, bits);
	}
}

static void
look_for_removed(struct queue *q)
{
	struct note *n;
	struct stat st;
	size_t fd;

	for (fd = 0; fd < q->nfds; fd++) {
		n = q->by_fd[fd];
		if (n == NULL || n->deleted || !S_ISDIR(n->was.st_mode) ||
		    fstat(n->fd, &st) == -1 || st.st_nlink > 0)
			continue;
		n->deleted = true;
		tell(q, n, NOTE_DELETE);
	}
}

/* Returns whether some directory may have been removed. */
static bool
take(struct queue *q, const struct inotify_event *ev)
{
	struct note *n, *next;

	if (ev->mask & IN_Q_OVERFLOW) {
		tell_all(q);
		return true;
	}
	if (ev->wd < 0 || (size_t)ev->wd >= q->nwds)
		return false;
	for (n = q->by_wd[ev->wd]; n != NULL; n = next) {
		next = n->same;
		if (ev->mask & IN_UNMOUNT) {
			n->eof = true;
			tell(q, n, NOTE_REVOKE);
		} else if (ev->mask & IN_IGNORED) {
			n->wd = -1;
		} else {
			tell(q, n, notes_of(n, ev));
		}
	}
	if (ev->mask & IN_IGNORED)
		q->by_wd[ev->wd] = NULL;
	return (ev->mask & IN_ISDIR) && (ev->mask & (IN_DELETE | IN_MOVED_TO));
}

static void
take_all(struct queue *q)
{
	char buf[16384] __attribute__((aligned(8)));
	const struct inotify_event *ev;
	uint64_t ticks;
	ssize_t len, at;
	bool removed;

	removed = read(q->clock, &ticks, sizeof(ticks)) > 0;
	while ((len = read(q->inotify, buf, sizeof(buf))) > 0) {
		for (at = 0; at < len; at += (ssize_t)(sizeof(*ev) + ev->len)) {
			ev = (const struct inotify_event *)(const void *)(buf +
			    at);
			removed |= take(q, ev);
		}
	}
	if (removed)
		look_for_removed(q);
}

static int
give(struct queue *q, struct kevent *events, int room)
{
	struct note *n;
	uint64_t left = 1;
	int given = 0;

	while (given < room && (n = q->first) != NULL) {
		q->first = n->next;
		if (q->first == NULL)
			q->last = &q->first;
		n->queued = false;
		memset(&events[given], 0, sizeof(*events));
		events[given].ident = (uintptr_t)n->fd;
		events[given].filter = EVFILT_VNODE;
		events[given].flags = (unsigned short)(EV_ADD |
		    (n->clear ? EV_CLEAR : 0) | (n->eof ? EV_EOF : 0));
		events[given].fflags = n->told;
		events[given++].udata = n->udata;
		/* Without EV_CLEAR a note stays until its descriptor goes. */
		if (n->clear)
			n->told = 0;
	}
	/* Either fails where there is nothing to be done. */
	(void)!read(q->left, &left, sizeof(left));
	left = 1;
	if (q->first != NULL)
		(void)!write(q->left, &left, sizeof(left));
	return given;
}

int
kevent(int fd, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	struct queue *q = find_queue(fd);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int i, given = 0, ms = -1;

	if (q == NULL) {
		errno = EBADF;
		return -1;
	}
	for (i = 0; i < nchanges; i++) {
		if (change(q, &changes[i]) == 0)
			continue;
		if (given == nevents)
			return -1;
		events[given] = changes[i];
		events[given].flags = EV_ERROR;
		events[given++].data = errno;
	}
	if (given > 0 || nevents == 0)
		return given;
	if (timeout != NULL)
		ms = (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000);
	for (;;) {
		take_all(q);
		given = give(q, events, nevents);
		if (given > 0 || ms == 0)
			return given;
		i = poll(&p, 1, ms);
		if (i <= 0)
			return i;
		if (ms > 0)
			ms = 0; /* the clock's tick may end it early */
	}
}
