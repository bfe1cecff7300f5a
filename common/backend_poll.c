#include "backend.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "monotonic.h"

/*
 * No kernel at all: a table of directories and a clock. Every poll_ms there
 * is a round, in which all of them may have changed. Between the rounds those
 * in which a change was found lately are probed; as soon as a probe finds
 * one, the next round begins, so that what has moved from one directory to
 * another is seen at both its ends.
 *
 * A round takes as long as its reader takes to look: rounds never take more
 * than one part in REST + 1 of the time.
 */

#define PROBES	   8 /* in the time between two rounds */
#define PROBE_MIN  10 /* milliseconds */
#define HOT_PROBES 64 /* so often after the last change that was found */
#define REST	   3

/* One directory. Those that are free have ino 0. */
struct polled {
	uint64_t dev;
	uint64_t ino;
	int next; /* in the chain of its hash, or of what is free; -1: none */
	unsigned hot; /* probes that are left to it */
	bool due; /* its hint is pending */
	uint32_t round; /* that it was last handed out in */
};

struct backend {
	int64_t poll_ms;
	struct polled *dir; /* by id */
	size_t ndirs; /* that were ever used */
	size_t cap;
	size_t used;
	int free;
	int *bucket; /* heads of chains */
	size_t nbuckets; /* a power of two, or 0 */

	size_t ndue;
	size_t at; /* where next() goes on */
	size_t nhot;
	uint32_t round; /* the one under way, or the last one */
	bool all; /* it is of all of them */
	int64_t begun; /* when that was, in ms (CLOCK_MONOTONIC); 0: none */
	int64_t cost; /* how long a round of all took, in ms */
	int64_t round_at; /* the next one of all; 0: none */
	int64_t probe_at;
};

static struct backend *
poll_open(int64_t poll_ms)
{
	struct backend *b;

	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->poll_ms = poll_ms;
	b->free = -1;
	return b;
}

static void
poll_close(struct backend *b)
{
	free(b->dir);
	free(b->bucket);
	free(b);
}

static int
poll_fd(const struct backend *b)
{
	(void)b;
	return -1;
}

static int *
bucket_of(const struct backend *b, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ dev << 32) * 0x9e3779b97f4a7c15U;

	return &b->bucket[(size_t)(h >> 32) & (b->nbuckets - 1)];
}

static int
grow_buckets(struct backend *b)
{
	struct backend bigger = *b;
	int *slot;
	size_t i;

	if (b->used < b->nbuckets)
		return 0;
	bigger.nbuckets = b->nbuckets == 0 ? 16 : b->nbuckets * 2;
	bigger.bucket = malloc(bigger.nbuckets * sizeof(int));
	if (bigger.bucket == NULL)
		return -1;
	for (i = 0; i < bigger.nbuckets; i++)
		bigger.bucket[i] = -1;
	for (i = 0; i < b->ndirs; i++) {
		if (b->dir[i].ino == 0)
			continue;
		slot = bucket_of(&bigger, b->dir[i].dev, b->dir[i].ino);
		b->dir[i].next = *slot;
		*slot = (int)i;
	}
	free(b->bucket);
	b->bucket = bigger.bucket;
	b->nbuckets = bigger.nbuckets;
	return 0;
}

static int
find(const struct backend *b, uint64_t dev, uint64_t ino)
{
	int id;

	if (b->nbuckets == 0)
		return -1;
	for (id = *bucket_of(b, dev, ino); id != -1; id = b->dir[id].next)
		if (b->dir[id].dev == dev && b->dir[id].ino == ino)
			break;
	return id;
}

static int
poll_add(struct backend *b, int dirfd, unsigned interest)
{
	struct polled *p;
	struct stat st;
	int *slot, id;

	(void)interest; /* the caller sees all there is when it looks */
	if (fstat(dirfd, &st) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	id = find(b, st.st_dev, st.st_ino);
	if (id != -1)
		return id;
	p = grow(b->dir, &b->cap, b->ndirs, sizeof(*p));
	if (p == NULL)
		return -1;
	b->dir = p;
	if (grow_buckets(b) == -1)
		return -1;
	id = b->free;
	if (id != -1)
		b->free = b->dir[id].next;
	else
		id = (int)b->ndirs++;
	p = &b->dir[id];
	slot = bucket_of(b, st.st_dev, st.st_ino);
	*p = (struct polled){
	    .dev = st.st_dev,
	    .ino = st.st_ino,
	    .next = *slot,
	    .round = b->round, /* it is being looked at */
	};
	*slot = id;
	if (b->used++ == 0)
		b->round_at = monotonic_ms() + b->poll_ms;
	return id;
}

static void
cool(struct backend *b, struct polled *p)
{
	b->nhot -= p->hot > 0;
	p->hot = 0;
}

static void
poll_remove(struct backend *b, int id)
{
	struct polled *p = &b->dir[id];
	int *at;

	at = bucket_of(b, p->dev, p->ino);
	while (*at != id)
		at = &b->dir[*at].next;
	*at = p->next;
	cool(b, p);
	b->ndue -= p->due;
	*p = (struct polled){.next = b->free};
	b->free = id;
	b->used--;
}

static void
make_all_due(struct backend *b)
{
	size_t i;

	b->ndue = 0;
	for (i = 0; i < b->ndirs; i++) {
		b->dir[i].due = b->dir[i].ino != 0 &&
		    (b->dir[i].round != b->round || b->dir[i].due);
		b->ndue += b->dir[i].due;
	}
	b->all = true;
	b->at = 0;
}

static void
make_hot_due(struct backend *b)
{
	struct polled *p;
	size_t i;

	for (i = 0; i < b->ndirs; i++) {
		p = &b->dir[i];
		if (p->hot == 0)
			continue;
		b->nhot -= --p->hot == 0;
		b->ndue += !p->due;
		p->due = true;
	}
	b->at = 0;
}

/* Is a round under way, handed out or not, that has not been rested from? */
static bool
is_busy(const struct backend *b)
{
	return b->begun != 0;
}

static int
poll_fill(struct backend *b)
{
	int64_t now;

	if (b->used == 0 || is_busy(b))
		return 1;
	now = monotonic_ms();
	if (now < b->round_at && (b->nhot == 0 || now < b->probe_at))
		return 1;
	b->begun = now;
	b->round++;
	if (now >= b->round_at)
		make_all_due(b);
	else
		make_hot_due(b);
	return 1;
}

static int
poll_next(struct backend *b, struct hint *h)
{
	struct polled *p;

	for (; b->ndue > 0 && b->at < b->ndirs; b->at++) {
		p = &b->dir[b->at];
		if (!p->due)
			continue;
		p->due = false;
		p->round = b->round;
		b->ndue--;
		memset(h, 0, sizeof(*h));
		h->kind = HINT_CHANGED;
		h->what = BACKEND_NAMES | BACKEND_MODIFIED;
		h->id = (int)b->at++;
		h->name = "";
		(void)clock_gettime(CLOCK_REALTIME, &h->time);
		return 1;
	}
	return 0;
}

/* A change that is found in a probe makes a round of it: the others, too. */
static void
poll_found(struct backend *b, int id)
{
	struct polled *p = &b->dir[id];

	b->nhot += p->hot == 0;
	p->hot = HOT_PROBES;
	if (is_busy(b) && !b->all)
		make_all_due(b);
}

/* A round under way may have passed what has changed since. */
static void
poll_look_now(struct backend *b)
{
	b->begun = 0;
	b->all = false;
	b->round_at = monotonic_ms();
}

/* That is not what has to be rested from. */
static void
poll_waited(struct backend *b, int64_t ms)
{
	if (is_busy(b))
		b->begun += ms;
}

static int64_t
longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Being asked how long it may take is the end of the round. */
static int
poll_wait(struct backend *b)
{
	int64_t now, probe, at;

	if (b->ndue > 0)
		return 0;
	if (b->used == 0)
		return -1;
	now = monotonic_ms();
	if (is_busy(b)) {
		if (b->all) {
			b->cost = now - b->begun;
			b->round_at =
			    longer(b->begun + b->poll_ms, now + REST * b->cost);
		}
		probe = longer(b->poll_ms / PROBES, PROBE_MIN);
		b->probe_at = now + longer(probe, REST * b->cost);
		b->begun = 0;
		b->all = false;
	}
	at = b->round_at;
	if (b->nhot > 0 && b->probe_at < at)
		at = b->probe_at;
	if (at <= now)
		return 0;
	return at - now > 1000000 ? 1000000 : (int)(at - now);
}

const struct backend_ops backend_poll = {
    .name = "poll",
    .tells = BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_ATTRIB,
    .open = poll_open,
    .close = poll_close,
    .fd = poll_fd,
    .add = poll_add,
    .remove = poll_remove,
    .fill = poll_fill,
    .next = poll_next,
    .found = poll_found,
    .look_now = poll_look_now,
    .waited = poll_waited,
    .wait = poll_wait,
};
