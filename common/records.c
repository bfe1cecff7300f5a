#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN ((size_t)64 * 1024)
/* The kernel's own queue holds 16384 records by default, 32 bytes for a short
 * name: this is several times that. What does not fit waits in the kernel. */
#define CAP_MAX ((size_t)4 * 1024 * 1024)

/* Every record starts at a multiple of this: its name is padded. */
#define UNIT sizeof(struct inotify_event)
/* One bucket for so many bytes of records. */
#define BUCKET_BYTES 64

/* Records of one hash, oldest first. A place is that of the record, in units,
 * and one; 0 is none. Since records go in the order they came, the one that
 * goes is always the first. */
struct chain {
	uint32_t first;
	uint32_t last;
};

struct link {
	uint32_t next;
	uint32_t hash;
};

struct table {
	struct chain *bucket;
	struct link *link; /* by the place of a record, less one */
	uint32_t mask; /* the number of buckets less one */
};

struct records {
	char *data;
	size_t cap;
	size_t head;
	size_t tail;
	uint64_t base; /* position of data[0] */
	struct table names;
	struct table dirs;
};

static struct inotify_event *
record(const struct records *r, size_t at)
{
	return (struct inotify_event *)(void *)(r->data + at);
}

static size_t
size_of(const struct inotify_event *ev)
{
	return sizeof(*ev) + ev->len;
}

static size_t
offset_of(const struct records *r, const struct inotify_event *ev)
{
	return (size_t)((const char *)ev - r->data);
}

static uint64_t
mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static uint32_t
hash_dir(int wd)
{
	return (uint32_t)mix(0, (uint64_t)(unsigned)wd);
}

static uint32_t
hash_name(int wd, const char *name, size_t len)
{
	uint64_t h = (uint64_t)(unsigned)wd, word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		h = mix(h, word);
		name += sizeof(word);
	}
	word = 0;
	memcpy(&word, name, len);
	return (uint32_t)mix(h, word);
}

static bool
is_in_names(const struct inotify_event *ev)
{
	return ev->len > 0 && (ev->mask & (RECORDS_NAMES | IN_CLOSE_WRITE));
}

/* What is closed is kept apart from what appears and goes: a name may have
 * thousands of the one, which a search for the other must not pass. */
static uint32_t
hash_closed(int wd, const char *name, size_t len)
{
	return ~hash_name(wd, name, len);
}

static uint32_t
hash_of(const struct inotify_event *ev)
{
	size_t len = strlen(ev->name);

	return ev->mask & IN_CLOSE_WRITE ? hash_closed(ev->wd, ev->name, len) :
					   hash_name(ev->wd, ev->name, len);
}

static bool
is_in_dirs(const struct inotify_event *ev)
{
	return ev->len > 0 && (ev->mask & RECORDS_NAMES);
}

static void
append(struct table *t, uint32_t hash, size_t at)
{
	struct chain *c = &t->bucket[hash & t->mask];
	uint32_t place = (uint32_t)(at / UNIT) + 1;

	t->link[place - 1] = (struct link){0, hash};
	if (c->last == 0)
		c->first = place;
	else
		t->link[c->last - 1].next = place;
	c->last = place;
}

/* The record there goes. */
static void
take_first(struct table *t, size_t at)
{
	const struct link *link = &t->link[at / UNIT];
	struct chain *c = &t->bucket[link->hash & t->mask];

	c->first = link->next;
	if (c->first == 0)
		c->last = 0;
}

/* Notes the records from there to the tail. */
static void
note(struct records *r, size_t at)
{
	const struct inotify_event *ev;

	for (; at < r->tail; at += size_of(ev)) {
		ev = record(r, at);
		if (is_in_names(ev))
			append(&r->names, hash_of(ev), at);
		if (is_in_dirs(ev))
			append(&r->dirs, hash_dir(ev->wd), at);
	}
}

/* The records have changed their places. */
static void
note_anew(struct records *r)
{
	size_t size = r->cap / BUCKET_BYTES * sizeof(struct chain);

	memset(r->names.bucket, 0, size);
	memset(r->dirs.bucket, 0, size);
	note(r, r->head);
}

static void
free_table(struct table *t)
{
	free(t->bucket);
	free(t->link);
}

static int
new_table(struct table *t, size_t cap)
{
	t->bucket = calloc(cap / BUCKET_BYTES, sizeof(*t->bucket));
	t->link = reallocarray(NULL, cap / UNIT, sizeof(*t->link));
	t->mask = (uint32_t)(cap / BUCKET_BYTES) - 1;
	return t->bucket == NULL || t->link == NULL ? -1 : 0;
}

/* Gives the records a room of cap bytes, which are enough. Nothing changes
 * on failure. */
static int
resize(struct records *r, size_t cap)
{
	struct table names = {0}, dirs = {0};
	char *data;

	if (new_table(&names, cap) == -1 || new_table(&dirs, cap) == -1 ||
	    (data = malloc(cap)) == NULL) {
		free_table(&names);
		free_table(&dirs);
		return -1;
	}
	if (r->tail > r->head)
		memcpy(data, r->data + r->head, r->tail - r->head);
	r->base += r->head;
	r->tail -= r->head;
	r->head = 0;
	free(r->data);
	free_table(&r->names);
	free_table(&r->dirs);
	r->data = data;
	r->names = names;
	r->dirs = dirs;
	r->cap = cap;
	note(r, 0);
	return 0;
}

struct records *
records_new(void)
{
	struct records *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	if (resize(r, CAP_MIN) == -1) {
		free(r);
		errno = ENOMEM;
		return NULL;
	}
	return r;
}

void
records_free(struct records *r)
{
	if (r == NULL)
		return;
	free(r->data);
	free_table(&r->names);
	free_table(&r->dirs);
	free(r);
}

char *
records_room(struct records *r, size_t *room)
{
	size_t used = r->tail - r->head;

	if (used == 0) {
		/* The tables are empty, too. */
		r->base += r->head;
		r->head = r->tail = 0;
		if (r->cap > CAP_MIN)
			/* A burst is over: its memory goes back. */
			(void)resize(r, CAP_MIN);
	}
	if (r->cap - r->tail < CAP_MIN / 2) {
		if (used <= r->cap / 4) {
			memmove(r->data, r->data + r->head, used);
			r->base += r->head;
			r->head = 0;
			r->tail = used;
			note_anew(r);
		} else if (r->cap < CAP_MAX) {
			(void)resize(r, r->cap * 2);
		}
	}
	*room = r->cap - r->tail;
	return r->data + r->tail;
}

void
records_add(struct records *r, size_t n)
{
	size_t at = r->tail;

	r->tail += n;
	note(r, at);
}

struct inotify_event *
records_head(const struct records *r)
{
	return r->head < r->tail ? record(r, r->head) : NULL;
}

void
records_drop(struct records *r)
{
	const struct inotify_event *ev = record(r, r->head);

	if (is_in_names(ev))
		take_first(&r->names, r->head);
	if (is_in_dirs(ev))
		take_first(&r->dirs, r->head);
	r->head += size_of(ev);
}

struct inotify_event *
records_behind(const struct records *r, const struct inotify_event *ev)
{
	size_t at = offset_of(r, ev) + size_of(ev);

	return at < r->tail ? record(r, at) : NULL;
}

uint64_t
records_position(const struct records *r, const struct inotify_event *ev)
{
	return r->base + (ev == NULL ? r->tail : offset_of(r, ev));
}

/* Where a search for a hash begins. */
static uint32_t
start(const struct records *r, const struct table *t, uint32_t hash,
    const struct inotify_event *ev)
{
	return ev == NULL ? t->bucket[hash & t->mask].first :
			    t->link[offset_of(r, ev) / UNIT].next;
}

static struct inotify_event *
find(const struct records *r, uint32_t hash, int wd, const char *name,
    size_t len, const struct inotify_event *ev)
{
	const struct table *t = &r->names;
	struct inotify_event *found;
	uint32_t place;

	for (place = start(r, t, hash, ev); place != 0;
	     place = t->link[place - 1].next) {
		if (t->link[place - 1].hash != hash)
			continue;
		found = record(r, (place - 1) * UNIT);
		if (found->wd == wd && found->len > len &&
		    memcmp(found->name, name, len) == 0 &&
		    found->name[len] == '\0')
			return found;
	}
	return NULL;
}

struct inotify_event *
records_named(const struct records *r, int wd, const char *name, size_t len,
    const struct inotify_event *ev)
{
	return find(r, hash_name(wd, name, len), wd, name, len, ev);
}

bool
records_closing(const struct records *r, int wd, const char *name, size_t len)
{
	return find(r, hash_closed(wd, name, len), wd, name, len, NULL) != NULL;
}

struct inotify_event *
records_of(const struct records *r, int wd, const struct inotify_event *ev)
{
	const struct table *t = &r->dirs;
	struct inotify_event *found;
	uint32_t hash = hash_dir(wd), place;

	for (place = start(r, t, hash, ev); place != 0;
	     place = t->link[place - 1].next) {
		found = record(r, (place - 1) * UNIT);
		if (found->wd == wd)
			return found;
	}
	return NULL;
}
