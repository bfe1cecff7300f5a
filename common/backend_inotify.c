#include "backend.h"

#include <sys/inotify.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monotonic.h"
#include "records.h"
#include "watchat.h"

/*
 * inotify(7). The kernel's records are kept as they come (records.h) and are
 * looked at in place.
 *
 * Both halves of a rename are queued one after the other, but not as one: a
 * read may end between them and other processes' records may come between.
 * So the first half looks ahead for the second, and where there is none yet
 * waits a few milliseconds for more, with all that is behind it, and then until
 * half() has been asked. Without a second half it is a departure; a second half
 * that comes later, an arrival.
 */

#define HOLD_MS 5
/* How many records the second half of a rename is looked for in. */
#define HOLD_RECORDS 4096

/* A bit of our own in the mask of a record. */
#define DONE 0x00800000U /* told already, or not to be told */

struct backend {
	int fd;
	struct records *records;
	struct timespec filled; /* when some were last read, CLOCK_REALTIME */
	/* A first half, the oldest record, is waiting for its second until then
	 * (CLOCK_MONOTONIC, milliseconds; 0: not waiting). */
	int64_t hold_until;
	/* First halves before this position have waited already; and will
	 * have, when this one has. */
	uint64_t held;
	uint64_t holding;
	/* Before this one half() has told of them. */
	uint64_t halved;
};

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
	b->records = b->fd == -1 ? NULL : records_new();
	if (b->records != NULL)
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
	records_free(b->records);
	free(b);
}

static int
inotify_fd(const struct backend *b)
{
	return b->fd;
}

static uint32_t
mask_of(unsigned interest)
{
	uint32_t mask = IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD;

	if (interest & BACKEND_NAMES)
		mask |= RECORDS_NAMES;
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
	return mask;
}

static int
inotify_add(struct backend *b, int dirfd, unsigned interest)
{
	return watchat(b->fd, dirfd, mask_of(interest));
}

static int
inotify_add_here(struct backend *b, unsigned interest)
{
	return inotify_add_watch(b->fd, ".", mask_of(interest));
}

static void
inotify_remove(struct backend *b, int id)
{
	/* EINVAL where the kernel has ended the watch itself: just as well. */
	(void)inotify_rm_watch(b->fd, id);
}

static int
inotify_fill(struct backend *b)
{
	ssize_t n;
	size_t room;
	char *to;

	for (;;) {
		to = records_room(b->records, &room);
		if (room < RECORDS_MAX)
			return 0;
		n = read(b->fd, to, room);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 1 : -1;
		records_add(b->records, (size_t)n);
		(void)clock_gettime(CLOCK_REALTIME, &b->filled);
		/* The kernel stops short only where the next record would not
		 * have fitted, or there was none. */
		if (room - (size_t)n >= RECORDS_MAX)
			return 1;
	}
}

/* The other half of the rename whose first half that is, or NULL. *enough says
 * whether it was looked for far enough to stop waiting. */
static struct inotify_event *
second_half(const struct backend *b, const struct inotify_event *from,
    bool *enough)
{
	struct inotify_event *ev = records_behind(b->records, from);
	int n;

	for (n = 0; ev != NULL && n < HOLD_RECORDS; n++) {
		if (ev->cookie == from->cookie && (ev->mask & IN_MOVED_TO))
			return ev;
		ev = records_behind(b->records, ev);
	}
	*enough = n == HOLD_RECORDS;
	return NULL;
}

/* Has that first half, the oldest record, to wait for its second? */
static bool
inotify_holds(struct backend *b, const struct inotify_event *from)
{
	uint64_t position = records_position(b->records, from);

	if (position < b->halved)
		return false;
	if (position >= b->held && b->hold_until == 0) {
		b->hold_until = monotonic_ms() + HOLD_MS;
		b->holding = records_position(b->records, NULL);
	}
	return true;
}

static int
inotify_half(struct backend *b)
{
	const struct inotify_event *from = records_head(b->records);
	uint64_t position;

	if (from == NULL || !(from->mask & IN_MOVED_FROM))
		return -1;
	position = records_position(b->records, from);
	if (position >= b->held) {
		if (b->hold_until == 0 || monotonic_ms() < b->hold_until)
			return -1;
		b->held = b->holding;
	}
	b->halved = position + 1;
	return from->wd;
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

/* Records about a directory itself carry no name; its parent's watch tells
 * them, too. IN_UNMOUNT is followed by IN_IGNORED. */
static bool
is_silent(const struct inotify_event *ev)
{
	return (ev->mask & (DONE | IN_UNMOUNT)) ||
	    (ev->len == 0 && !(ev->mask & (IN_IGNORED | IN_Q_OVERFLOW)));
}

static int
inotify_next(struct backend *b, struct hint *h)
{
	struct inotify_event *ev, *to = NULL;
	bool enough;

	while ((ev = records_head(b->records)) != NULL && is_silent(ev))
		records_drop(b->records);
	if (ev == NULL) {
		b->hold_until = 0;
		return 0;
	}
	if (ev->mask & IN_MOVED_FROM) {
		to = second_half(b, ev, &enough);
		if (to == NULL && !enough && inotify_holds(b, ev))
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
	records_drop(b->records);
	return 1;
}

static int
inotify_wait(struct backend *b)
{
	int64_t left;

	if (b->hold_until == 0)
		return -1;
	left = b->hold_until - monotonic_ms();
	return left > 0 ? (int)left : 0;
}

static uint64_t
inotify_position(const struct backend *b)
{
	return records_position(b->records, NULL);
}

static void
inotify_pending(struct backend *b, int id, uint64_t since,
    void (*each)(void *ctx, const char *name, size_t len), void *ctx)
{
	const struct inotify_event *ev = NULL;

	while ((ev = records_of(b->records, id, ev)) != NULL)
		if (!(ev->mask & DONE) &&
		    records_position(b->records, ev) >= since)
			each(ctx, ev->name, strlen(ev->name));
}

static bool
inotify_awaits(const struct backend *b, int id, const char *name, size_t len)
{
	const struct inotify_event *ev = NULL;

	while ((ev = records_named(b->records, id, name, len, ev)) != NULL)
		if (!(ev->mask & DONE))
			return true;
	return false;
}

static bool
inotify_closing(const struct backend *b, int id, const char *name, size_t len)
{
	return records_closing(b->records, id, name, len);
}

static int
inotify_leaving(const struct backend *b, int id, const char *name, size_t len,
    int *to_id, char *to_name, bool *isdir)
{
	const struct inotify_event *ev = NULL, *to;
	bool enough;

	do
		ev = records_named(b->records, id, name, len, ev);
	while (ev != NULL && (ev->mask & DONE));
	if (ev != NULL && !(ev->mask & IN_MOVED_FROM))
		return 0;
	if (ev == NULL || (to = second_half(b, ev, &enough)) == NULL)
		return -1;
	*to_id = to->wd;
	*isdir = (ev->mask & IN_ISDIR) != 0;
	memcpy(to_name, to->name, strlen(to->name) + 1);
	return 1;
}

static void
inotify_forget(struct backend *b, int id, const char *name, size_t len)
{
	struct inotify_event *ev = NULL;

	if (name == NULL) {
		while ((ev = records_of(b->records, id, ev)) != NULL)
			ev->mask |= DONE;
		return;
	}
	while ((ev = records_named(b->records, id, name, len, ev)) != NULL)
		ev->mask |= DONE;
}

static int
read_number(const char *file, long *value)
{
	FILE *f = fopen(file, "re");
	int n;

	if (f == NULL)
		return -1;
	n = fscanf(f, "%ld", value);
	(void)fclose(f);
	return n == 1 ? 0 : -1;
}

/* Each user namespace has limits of its own, which count as well as those of
 * the namespaces around it: the outermost has those of the whole machine, the
 * others need not be known here. See user_namespaces(7), namespaces(7). */
static const char *
inotify_limit(int error, long *value)
{
	static const struct {
		const char *machine, *machine_file, *user, *user_file;
	} limits[] = {
	    {"fs.inotify.max_user_watches",
		"/proc/sys/fs/inotify/max_user_watches",
		"user.max_inotify_watches",
		"/proc/sys/user/max_inotify_watches"},
	    {"fs.inotify.max_user_instances",
		"/proc/sys/fs/inotify/max_user_instances",
		"user.max_inotify_instances",
		"/proc/sys/user/max_inotify_instances"},
	};
	size_t i = error == ENOSPC ? 0 : 1;
	long user;

	*value = -1;
	if (read_number(limits[i].machine_file, value) == -1)
		return NULL;
	if (read_number(limits[i].user_file, &user) == -1 || user >= *value)
		return limits[i].machine;
	*value = user;
	return limits[i].user;
}

const struct backend_ops backend_inotify = {
    .name = "inotify",
    .tells = BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_CLOSED |
	BACKEND_ATTRIB | BACKEND_OPENED | BACKEND_ACCESSED,
    .exact = true,
    .threads = true,
    .open = inotify_open,
    .close = inotify_close,
    .fd = inotify_fd,
    .add = inotify_add,
    .add_here = inotify_add_here,
    .remove = inotify_remove,
    .fill = inotify_fill,
    .next = inotify_next,
    .wait = inotify_wait,
    .position = inotify_position,
    .pending = inotify_pending,
    .awaits = inotify_awaits,
    .closing = inotify_closing,
    .leaving = inotify_leaving,
    .half = inotify_half,
    .forget = inotify_forget,
    .limit = inotify_limit,
};
