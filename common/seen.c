#include "seen.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

/* A set of numbers other than 0, hashed openly. */
struct set {
	uint64_t *slot;
	size_t n;
	size_t cap; /* a power of 2 */
};

struct seen {
	struct set last; /* before the comparison that is under way */
	struct set now;
};

static uint64_t
mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * 0x9e3779b97f4a7c15U;
	return h ^ h >> 29;
}

/* What stands for a version of a file, and what for its content. */
struct marks {
	uint64_t version;
	uint64_t content;
};

static uint64_t
mix_time(uint64_t h, const struct timespec *ts)
{
	return mix(mix(h, (uint64_t)ts->tv_sec), (uint64_t)ts->tv_nsec);
}

static struct marks
marks_of(uint64_t dev, uint64_t ino, const char *name,
    const struct event_stat *st)
{
	struct marks m;
	uint64_t h = mix(mix(0x51ed270b, dev), ino);

	h = mix(mix(h, st->dev), st->ino);
	for (; *name != '\0'; name++)
		h = mix(h, (unsigned char)*name);
	m.version = mix_time(mix(h, 'v'), &st->ctime);
	m.content = mix(mix_time(mix(h, 'c'), &st->mtime), st->size);
	m.version += m.version == 0;
	m.content += m.content == 0;
	return m;
}

/* Where the number is, or where there is room for it; there is always some. */
static uint64_t *
slot_of(const struct set *set, uint64_t number)
{
	size_t i = (size_t)number & (set->cap - 1);

	while (set->slot[i] != 0 && set->slot[i] != number)
		i = (i + 1) & (set->cap - 1);
	return &set->slot[i];
}

static bool
has(const struct set *set, uint64_t number)
{
	return set->n > 0 && *slot_of(set, number) != 0;
}

static int
widen(struct set *set)
{
	struct set wider = {.n = set->n};
	size_t i;

	if (set->n < set->cap / 2)
		return 0;
	wider.cap = set->cap == 0 ? 64 : set->cap * 2;
	wider.slot = calloc(wider.cap, sizeof(*wider.slot));
	if (wider.slot == NULL)
		return -1;
	for (i = 0; i < set->cap; i++)
		if (set->slot[i] != 0)
			*slot_of(&wider, set->slot[i]) = set->slot[i];
	free(set->slot);
	*set = wider;
	return 0;
}

struct seen *
seen_new(void)
{
	return calloc(1, sizeof(struct seen));
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	free(s->last.slot);
	free(s->now.slot);
	free(s);
}

void
seen_turn(struct seen *s)
{
	free(s->last.slot);
	s->last = s->now;
	memset(&s->now, 0, sizeof(s->now));
}

static void
add(struct set *set, uint64_t number)
{
	uint64_t *slot;

	if (widen(set) == -1)
		return;
	slot = slot_of(set, number);
	set->n += *slot == 0;
	*slot = number;
}

void
seen_add(struct seen *s, uint64_t dev, uint64_t ino, const char *name,
    const struct event_stat *st)
{
	struct marks m = marks_of(dev, ino, name, st);

	add(&s->now, m.version);
	add(&s->now, m.content);
}

bool
seen_has(const struct seen *s, uint64_t dev, uint64_t ino, const char *name,
    const struct event_stat *st)
{
	struct marks m = marks_of(dev, ino, name, st);

	return has(&s->now, m.version) || has(&s->last, m.version);
}

bool
seen_content(const struct seen *s, uint64_t dev, uint64_t ino, const char *name,
    const struct event_stat *st)
{
	struct marks m = marks_of(dev, ino, name, st);

	return has(&s->now, m.content) || has(&s->last, m.content);
}
