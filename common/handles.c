#include "handles.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TAILQ_HEAD(handle_list, handle);

struct handles {
	size_t limit;
	size_t count; /* open, forgotten ones included */
	handles_release release;
	void *ctx;
	struct handle_list used; /* those that can be found, newest last */
	struct handle_list dues;
	struct handle **slots;
	size_t nslots; /* a power of two */
};

struct handles *
handles_new(size_t limit, handles_release release, void *ctx)
{
	struct handles *t;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->limit = limit;
	t->release = release;
	t->ctx = ctx;
	TAILQ_INIT(&t->used);
	TAILQ_INIT(&t->dues);
	/* Few share one: each that has to be looked at is cold. */
	for (t->nslots = 256; t->nslots < 4 * limit;)
		t->nslots *= 2;
	t->slots = calloc(t->nslots, sizeof(struct handle *));
	if (t->slots == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

/* FNV-1a, 32 bits. */
static uint32_t
handles_hash(const char *path, size_t len, bool is_dir)
{
	uint32_t h = 0x811c9dc5;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)path[i]) * 0x01000193;
	return (h ^ is_dir) * 0x01000193;
}

static void
handles_close(struct handles *t, struct handle *h)
{
	(void)close(h->fd);
	run_free(&h->run);
	free(h);
	t->count--;
}

/* Makes it impossible to find. */
static void
handles_unlist(struct handles *t, struct handle *h)
{
	struct handle **p;

	if (h->forgotten)
		return;
	for (p = &t->slots[h->hash & (t->nslots - 1)]; *p != h;)
		p = &(*p)->chain;
	*p = h->chain;
	TAILQ_REMOVE(&t->used, h, used);
	h->forgotten = true;
}

void
handles_free(struct handles *t)
{
	struct handle *h;

	if (t == NULL)
		return;
	while ((h = TAILQ_FIRST(&t->dues)) != NULL)
		handles_clear_due(t, h);
	while ((h = TAILQ_FIRST(&t->used)) != NULL) {
		handles_unlist(t, h);
		handles_close(t, h);
	}
	free(t->slots);
	free(t);
}

struct handle *
handles_find(struct handles *t, const char *path, size_t len, bool is_dir)
{
	uint32_t hash = handles_hash(path, len, is_dir);
	struct handle *h;

	for (h = t->slots[hash & (t->nslots - 1)]; h != NULL; h = h->chain)
		if (h->hash == hash && h->is_dir == is_dir &&
		    h->path_len == len && memcmp(h->path, path, len) == 0)
			break;
	return h;
}

void
handles_use(struct handles *t, struct handle *h)
{
	TAILQ_REMOVE(&t->used, h, used);
	TAILQ_INSERT_TAIL(&t->used, h, used);
}

struct handle *
handles_add(struct handles *t, const char *path, size_t len, int fd,
    bool is_dir)
{
	struct handle **slot, *h;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (t->count >= t->limit)
		(void)handles_shrink(t, t->count - t->limit + 1);
	h = calloc(1, sizeof(*h) + len + 1);
	if (h == NULL)
		return NULL;
	memcpy(h->path, path, len);
	h->path_len = len;
	h->fd = fd;
	h->is_dir = is_dir;
	h->dev = st.st_dev;
	h->ino = st.st_ino;
	h->hash = handles_hash(path, len, is_dir);
	slot = &t->slots[h->hash & (t->nslots - 1)];
	h->chain = *slot;
	*slot = h;
	TAILQ_INSERT_TAIL(&t->used, h, used);
	t->count++;
	return h;
}

void
handles_swap_fd(struct handle *h, int fd)
{
	(void)close(h->fd);
	h->fd = fd;
}

void
handles_pin(struct handle *h)
{
	h->pins++;
}

void
handles_unpin(struct handle *h)
{
	h->pins--;
}

size_t
handles_shrink(struct handles *t, size_t n)
{
	struct handle *h, *next;
	size_t done = 0;

	for (h = TAILQ_FIRST(&t->dues); h != NULL && h->forgotten && done < n;
	     h = next) {
		next = TAILQ_NEXT(h, dues);
		if (h->pins > 0)
			continue;
		t->release(t->ctx, h);
		handles_clear_due(t, h);
		done++;
	}
	for (h = TAILQ_FIRST(&t->used); h != NULL && done < n; h = next) {
		next = TAILQ_NEXT(h, used);
		if (h->pins > 0 || (h->is_dir && h->path_len == 0))
			continue;
		t->release(t->ctx, h);
		if (h->due)
			handles_clear_due(t, h);
		handles_forget(t, h);
		done++;
	}
	return done;
}

void
handles_forget(struct handles *t, struct handle *h)
{
	handles_unlist(t, h);
	if (!h->due && h->pins == 0) {
		handles_close(t, h);
		return;
	}
	/* These come first: so handles_shrink() has not to look for them. */
	if (h->due)
		TAILQ_REMOVE(&t->dues, h, dues);
	TAILQ_INSERT_HEAD(&t->dues, h, dues);
	h->due = true;
}

void
handles_forget_path(struct handles *t, const char *path, size_t len, bool below)
{
	struct handle *h, *next;

	h = handles_find(t, path, len, false);
	if (h != NULL)
		handles_forget(t, h);
	h = handles_find(t, path, len, true);
	if (h != NULL)
		handles_forget(t, h);
	if (!below)
		return;
	for (h = TAILQ_FIRST(&t->used); h != NULL; h = next) {
		next = TAILQ_NEXT(h, used);
		if (h->path_len > len && h->path[len] == '/' &&
		    memcmp(h->path, path, len) == 0)
			handles_forget(t, h);
	}
}

void
handles_forget_all(struct handles *t)
{
	struct handle *h, *next;

	for (h = TAILQ_FIRST(&t->used); h != NULL; h = next) {
		next = TAILQ_NEXT(h, used);
		if (h->pins == 0 && (!h->is_dir || h->path_len > 0))
			handles_forget(t, h);
	}
}

void
handles_set_due(struct handles *t, struct handle *h)
{
	if (h->due)
		return;
	h->due = true;
	TAILQ_INSERT_TAIL(&t->dues, h, dues);
}

struct handle *
handles_first_due(struct handles *t)
{
	return TAILQ_FIRST(&t->dues);
}

struct handle *
handles_next_due(struct handle *h)
{
	return TAILQ_NEXT(h, dues);
}

void
handles_clear_due(struct handles *t, struct handle *h)
{
	if (!h->due)
		return;
	TAILQ_REMOVE(&t->dues, h, dues);
	h->due = false;
	if (h->forgotten)
		handles_close(t, h);
}

size_t
handles_count(const struct handles *t)
{
	return t->count;
}
