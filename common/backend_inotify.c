#include "backend.h"

#include <sys/inotify.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * inotify(7). The kernel's records are kept as they come in one buffer and
 * are looked at in place.
 *
 * Both halves of a rename are queued one after the other, but not as one: a
 * read may end between them and other processes' records may come between.
 * So the first half looks ahead for the second, and where there is none yet
 * waits a few milliseconds for more, with all that is behind it. Without a
 * second half it is a departure; a second half that comes later, an arrival.
 */

#define RING_MIN ((size_t)64 * 1024)
/* The kernel's own queue holds 16384 records by default, 32 bytes for a short
 * name: this is several times that. What does not fit waits in the kernel. */
#define RING_MAX   ((size_t)4 * 1024 * 1024)
#define RECORD_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)

#define HOLD_MS 5
/* How many records the second half of a rename is looked for in. */
#define HOLD_RECORDS 4096

/* Our own bits in the mask of a record in the buffer. */
#define DONE 0x00800000U /* told already, or not to be told */

#define STRUCTURAL (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

struct backend {
	int fd;
	char *ring;
	size_t cap;
	size_t head; /* the next record to hand out */
	size_t tail;
	uint64_t base; /* position of ring[0] in the stream */
	struct timespec filled; /* when tail last moved, CLOCK_REALTIME */
	/* A first half at head is waiting for its second until then
	 * (CLOCK_MONOTONIC, milliseconds; 0: not waiting). */
	int64_t hold_until;
	/* First halves before this position have waited already. */
	uint64_t held;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct inotify_event *
record(const struct backend *b, size_t at)
{
	return (struct inotify_event *)(void *)(b->ring + at);
}

static size_t
record_size(const struct inotify_event *ev)
{
	return sizeof(*ev) + ev->len;
}

static bool
is_named(const struct inotify_event *ev, const char *name, size_t len)
{
	return ev->len > len && memcmp(ev->name, name, len) == 0 &&
	    ev->name[len] == '\0';
}

static struct backend *
inotify_open(int64_t poll_ms)
{
	struct backend *b;
	int error;

	(void)poll_ms; /* the kernel tells all */
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	b->cap = RING_MIN;
	b->ring = b->fd == -1 ? NULL : malloc(b->cap);
	if (b->ring != NULL)
		return b;
	error = errno;
	if (b->fd != -1)
		(void)close(b->fd);
	free(b);
	errno = error;
	return NULL;
}

static void
inotify_close(struct backend *b)
{
	(void)close(b->fd);
	free(b->ring);
	free(b);
}

static int
inotify_fd(const struct backend *b)
{
	return b->fd;
}

static int
inotify_add(struct backend *b, int dirfd, unsigned interest)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	uint32_t mask = IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD;

	if (interest & BACKEND_NAMES)
		mask |= STRUCTURAL;
	if (interest & BACKEND_MODIFIED)
		mask |= IN_MODIFY;
	if (interest & BACKEND_CLOSED)
		mask |= IN_CLOSE_WRITE;
	if (interest & BACKEND_ATTRIB)
		mask |= IN_ATTRIB;
	if (interest & BACKEND_OPENED)
		mask |= IN_OPEN;
	if (interest & BACKEND_ACCESSED)
		mask |= IN_ACCESS;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	return inotify_add_watch(b->fd, path, mask);
}

static void
inotify_remove(struct backend *b, int id)
{
	/* EINVAL where the kernel has ended the watch itself: just as well. */
	(void)inotify_rm_watch(b->fd, id);
}

/* Room for a read of some length behind tail. Returns how many bytes. */
static size_t
make_room(struct backend *b)
{
	size_t used = b->tail - b->head;
	char *p;

	if (b->head == b->tail) {
		b->base += b->head;
		b->head = b->tail = 0;
		if (b->cap > RING_MIN) {
			/* A burst is over: its memory goes back. */
			p = realloc(b->ring, RING_MIN);
			if (p != NULL) {
				b->ring = p;
				b->cap = RING_MIN;
			}
		}
	}
	if (b->cap - b->tail >= RING_MIN / 2)
		return b->cap - b->tail;
	if (used <= b->cap / 4) {
		memmove(b->ring, b->ring + b->head, used);
		b->base += b->head;
		b->head = 0;
		b->tail = used;
	} else if (b->cap < RING_MAX) {
		p = realloc(b->ring, b->cap * 2);
		if (p != NULL) {
			b->ring = p;
			b->cap *= 2;
		}
	}
	return b->cap - b->tail;
}

static int
inotify_fill(struct backend *b)
{
	ssize_t n;
	size_t room;

	for (;;) {
		room = make_room(b);
		if (room < RECORD_MAX)
			return 0;
		n = read(b->fd, b->ring + b->tail, room);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 1 : -1;
		b->tail += (size_t)n;
		(void)clock_gettime(CLOCK_REALTIME, &b->filled);
		/* The kernel stops short only where the next record would not
		 * have fitted, or there was none. */
		if (room - (size_t)n >= RECORD_MAX)
			return 1;
	}
}

/* The other half of the rename whose first half stands there, or NULL.
 * *enough says whether it was looked for far enough to stop waiting. */
static struct inotify_event *
second_half(const struct backend *b, size_t at, uint32_t cookie, bool *enough)
{
	struct inotify_event *ev;
	int n = 0;

	*enough = false;
	at += record_size(record(b, at));
	for (; at < b->tail; at += record_size(ev)) {
		ev = record(b, at);
		if (ev->cookie == cookie && (ev->mask & IN_MOVED_TO))
			return ev;
		if (++n == HOLD_RECORDS) {
			*enough = true;
			break;
		}
	}
	return NULL;
}

static bool
inotify_holds(struct backend *b)
{
	uint64_t position = b->base + b->head;

	if (position < b->held)
		return false;
	if (b->hold_until == 0) {
		b->hold_until = now_ms() + HOLD_MS;
		return true;
	}
	if (now_ms() < b->hold_until)
		return true;
	b->held = b->base + b->tail;
	b->hold_until = 0;
	return false;
}

static enum hint_kind
kind_of(uint32_t mask)
{
	static const struct {
		uint32_t bit;
		enum hint_kind kind;
	} table[] = {
	    {IN_MODIFY, HINT_MODIFIED},
	    {IN_CREATE, HINT_CREATED},
	    {IN_MOVED_TO, HINT_CREATED},
	    {IN_DELETE, HINT_DELETED},
	    {IN_MOVED_FROM, HINT_DELETED},
	    {IN_CLOSE_WRITE, HINT_CLOSED},
	    {IN_ATTRIB, HINT_ATTRIB},
	    {IN_OPEN, HINT_OPENED},
	    {IN_ACCESS, HINT_ACCESSED},
	    {IN_IGNORED, HINT_GONE},
	    {IN_Q_OVERFLOW, HINT_OVERFLOW},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]) - 1; i++)
		if (mask & table[i].bit)
			break;
	return table[i].kind;
}

static int
inotify_next(struct backend *b, struct hint *h)
{
	struct inotify_event *ev, *to;
	bool enough;

	for (; b->head < b->tail; b->head += record_size(ev)) {
		ev = record(b, b->head);
		/* Records about a directory itself carry no name; its parent's
		 * watch tells them, too. IN_UNMOUNT is followed by
		 * IN_IGNORED. */
		if (ev->mask & (DONE | IN_UNMOUNT) ||
		    (ev->len == 0 &&
			!(ev->mask & (IN_IGNORED | IN_Q_OVERFLOW))))
			continue;
		to = NULL;
		if (ev->mask & IN_MOVED_FROM) {
			to = second_half(b, b->head, ev->cookie, &enough);
			if (to == NULL && !enough && inotify_holds(b))
				return 0;
			b->hold_until = 0;
			if (to != NULL && (to->mask & DONE))
				to = NULL;
		}
		memset(h, 0, sizeof(*h));
		h->kind = to != NULL ? HINT_RENAMED : kind_of(ev->mask);
		h->isdir = (ev->mask & IN_ISDIR) != 0;
		h->moved = (ev->mask & (IN_MOVED_FROM | IN_MOVED_TO)) != 0;
		h->id = ev->wd;
		h->name = ev->len > 0 ? ev->name : "";
		h->name_len = strlen(h->name);
		h->time = b->filled;
		if (to != NULL) {
			h->to_id = to->wd;
			h->to_name = to->name;
			h->to_len = strlen(to->name);
			to->mask |= DONE;
		}
		b->head += record_size(ev);
		return 1;
	}
	b->hold_until = 0;
	return 0;
}

static int
inotify_wait(struct backend *b)
{
	int64_t left;

	if (b->hold_until == 0)
		return -1;
	left = b->hold_until - now_ms();
	return left > 0 ? (int)left : 0;
}

static uint64_t
inotify_position(const struct backend *b)
{
	return b->base + b->tail;
}

static void
inotify_pending(struct backend *b, int id, uint64_t since,
    void (*each)(void *ctx, const char *name, size_t len), void *ctx)
{
	struct inotify_event *ev;
	size_t at = b->head;

	/* A position is always that of a record's start. */
	if (since > b->base + at)
		at = (size_t)(since - b->base);
	for (; at < b->tail; at += record_size(ev)) {
		ev = record(b, at);
		if (ev->wd == id && (ev->mask & STRUCTURAL) && ev->len > 0 &&
		    !(ev->mask & DONE))
			each(ctx, ev->name, strlen(ev->name));
	}
}

static bool
inotify_closing(const struct backend *b, int id, const char *name, size_t len)
{
	struct inotify_event *ev;
	size_t at;

	for (at = b->head; at < b->tail; at += record_size(ev)) {
		ev = record(b, at);
		if (ev->wd == id && (ev->mask & IN_CLOSE_WRITE) &&
		    is_named(ev, name, len))
			return true;
	}
	return false;
}

static bool
inotify_leaving(const struct backend *b, int id, const char *name, size_t len,
    int *to_id, char *to_name, bool *isdir)
{
	const struct inotify_event *ev, *to;
	size_t at;
	bool enough;

	for (at = b->head; at < b->tail; at += record_size(ev)) {
		ev = record(b, at);
		if (ev->wd != id || !(ev->mask & STRUCTURAL) ||
		    (ev->mask & DONE) || !is_named(ev, name, len))
			continue;
		to = ev->mask & IN_MOVED_FROM ?
		    second_half(b, at, ev->cookie, &enough) :
		    NULL;
		if (to == NULL)
			return false;
		*to_id = to->wd;
		*isdir = (ev->mask & IN_ISDIR) != 0;
		memcpy(to_name, to->name, strlen(to->name) + 1);
		return true;
	}
	return false;
}

static void
inotify_forget(struct backend *b, int id, const char *name, size_t len)
{
	struct inotify_event *ev;
	size_t at;

	for (at = b->head; at < b->tail; at += record_size(ev)) {
		ev = record(b, at);
		if (ev->wd != id || !(ev->mask & STRUCTURAL) || ev->len == 0)
			continue;
		if (name == NULL || is_named(ev, name, len))
			ev->mask |= DONE;
	}
}

static const char *
inotify_limit(int error, long *value)
{
	static const char *const files[] = {
	    "/proc/sys/fs/inotify/max_user_watches",
	    "/proc/sys/fs/inotify/max_user_instances",
	};
	bool watches = error == ENOSPC;
	FILE *f;

	*value = -1;
	f = fopen(files[watches ? 0 : 1], "re");
	if (f == NULL)
		return NULL;
	if (fscanf(f, "%ld", value) != 1)
		*value = -1;
	(void)fclose(f);
	return watches ? "fs.inotify.max_user_watches" :
			 "fs.inotify.max_user_instances";
}

const struct backend_ops backend_inotify = {
    .name = "inotify",
    .tells = BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_CLOSED |
	BACKEND_ATTRIB | BACKEND_OPENED | BACKEND_ACCESSED,
    .exact = true,
    .open = inotify_open,
    .close = inotify_close,
    .fd = inotify_fd,
    .add = inotify_add,
    .remove = inotify_remove,
    .fill = inotify_fill,
    .next = inotify_next,
    .wait = inotify_wait,
    .position = inotify_position,
    .pending = inotify_pending,
    .closing = inotify_closing,
    .leaving = inotify_leaving,
    .forget = inotify_forget,
    .limit = inotify_limit,
};
