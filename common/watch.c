#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "core.h"
#include "grow.h"
#include "hints.h"
#include "mountwatch.h"
#include "roots.h"
#include "sync.h"
#include "tree.h"

/* So many hints are handled before the caller is heard again. */
#define RUN_HINTS 4096
/* How long what happens during the first scan is taken in silently. */
#define READY_MS 2000
/* How often what a comparison leaves in doubt is looked at before it counts
 * as done; what is left then waits for hints. */
#define RESYNC_ROUNDS 64
/* How long nothing has happened when `quiet` is told. */
#define QUIET_MS 100

struct watch {
	struct core core;
	struct roots roots;
	struct mountwatch *mounts; /* NULL where there is no such thing */
	struct timespec calm; /* nothing was queued then (CLOCK_REALTIME) */
	struct timespec polled; /* when what has no mark was last compared */
	int64_t poll_at; /* 0: not needed */
	int64_t quiet_at; /* 0: nothing has happened since `quiet` */
	uint64_t told_overflows;
	bool more; /* hints were left pending */
};

static void
check_roots(void *ctx)
{
	struct watch *w = ctx;

	roots_check(&w->roots);
}

/* A moment that is surely not later than any change of a file from now on, by
 * the clock that file systems use. */
static struct timespec
moment(void)
{
	struct timespec now, tick;

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	(void)clock_getres(CLOCK_REALTIME_COARSE, &tick);
	now.tv_nsec -= tick.tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_nsec += 1000000000;
		now.tv_sec--;
	}
	return now;
}

struct watch *
watch_open(const struct watch_config *cfg)
{
	struct watch *w;
	int error;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->core.cfg = cfg;
	w->core.ops = backends[0];
	w->core.inverse.id = -1;
	roots_init(&w->roots, &w->core);
	w->core.b = w->core.ops->open(cfg->opt->poll_ms);
	if (w->core.b == NULL) {
		error = errno;
		free(w);
		errno = error;
		return NULL;
	}
	w->mounts = mountwatch_open();
	(void)clock_gettime(CLOCK_REALTIME, &w->core.now);
	w->calm = w->polled = moment();
	return w;
}

void
watch_close(struct watch *w)
{
	struct core *c;

	if (w == NULL)
		return;
	c = &w->core;
	roots_free(&w->roots);
	core_close_fds(c);
	c->ops->close(c->b);
	mountwatch_close(w->mounts);
	while (c->ndoubts > 0)
		free(c->doubts[--c->ndoubts].name);
	free(c->doubts);
	free(c->marks);
	buf_free(&c->name);
	free(w);
}

int
watch_add(struct watch *w, const char *path)
{
	return roots_add(&w->roots, path);
}

static void
tell_counts(struct watch *w, enum event_kind kind)
{
	struct core *c = &w->core;
	struct event ev = {.kind = kind};

	if (!(c->cfg->opt->events & EVENT_BIT(kind)))
		return;
	ev.time = c->now;
	if (kind == EVENT_READY || kind == EVENT_RESYNCED)
		roots_count(&w->roots, &ev.roots, &ev.directories, &ev.entries);
	c->nevents++;
	c->cfg->event(c->cfg->ctx, &ev);
}

/* Something was lost: compares everything. */
static void
resync(struct watch *w)
{
	struct core *c = &w->core;
	struct timespec since = w->calm, now;
	struct dir **tops;
	size_t n;
	bool told = c->noverflows > w->told_overflows;

	w->told_overflows = c->noverflows;
	c->resync = false;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (told) {
		core_note(c, NOTE_OVERFLOW, c->ops->name, 0);
		tell_counts(w, EVENT_OVERFLOW);
	}
	/* The clock was set back: any file may have changed. */
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec < since.tv_sec)
		since.tv_sec = 0;
	while (c->ndoubts > 0)
		free(c->doubts[--c->ndoubts].name);
	roots_suspect(&w->roots);
	roots_check(&w->roots);
	n = roots_tops(&w->roots, NULL, 0);
	tops = calloc(n + 1, sizeof(struct dir *));
	if (tops == NULL) {
		c->resync = true;
		return;
	}
	n = roots_tops(&w->roots, tops, n);
	c->since = since;
	sync_compare(c, tops, n, true, &since);
	free(tops);
	/* What had moved is compared where it is now; that may bring more. */
	for (n = 0; n < RESYNC_ROUNDS && c->ndoubts > 0 && !c->resync; n++)
		hints_doubts(c);
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (told)
		tell_counts(w, EVENT_RESYNCED);
}

/* Directories without a mark: a list that grows. */
struct dirs {
	struct dir **dir;
	size_t n;
	size_t cap;
};

static void
add_dir(struct core *c, struct dirs *l, struct dir *d)
{
	struct dir **p;

	p = grow(l->dir, &l->cap, l->n, sizeof(struct dir *));
	if (p == NULL) {
		c->resync = true;
		return;
	}
	l->dir = p;
	l->dir[l->n++] = d;
}

/* A directory without a mark is compared; one that could not even be listed
 * is entered as one in doubt. */
static void
poll_dir(struct core *c, struct dirs *l, struct dir *d)
{
	if (!(d->flags & DIR_UNMARKED))
		return;
	if (d->flags & DIR_ENTERED) {
		add_dir(c, l, d);
		return;
	}
	if (d->self != NULL)
		core_doubt(c, d->parent, d->self->name);
	c->unmarked = true;
}

/* Looks at what cannot be watched: directories that have no mark, and roots
 * on a way that cannot be watched. */
static void
poll_unmarked(struct watch *w)
{
	struct core *c = &w->core;
	struct timespec since = w->polled;
	struct dirs all = {0};
	struct dir **tops;
	struct entry *e;
	struct walk walk;
	size_t n, i;

	w->polled = moment();
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (roots_blind(&w->roots)) {
		roots_suspect(&w->roots);
		roots_check(&w->roots);
	}
	if (!c->unmarked)
		return;
	n = roots_tops(&w->roots, NULL, 0);
	tops = calloc(n + 1, sizeof(struct dir *));
	if (tops == NULL)
		return; /* the next time, then */
	c->unmarked = false; /* set again by whatever still has none */
	n = roots_tops(&w->roots, tops, n);
	for (i = 0; i < n; i++) {
		poll_dir(c, &all, tops[i]);
		walk = (struct walk)WALK(tops[i]);
		while ((e = tree_walk(&walk)) != NULL)
			if (e->type == EVENT_DIR)
				poll_dir(c, &all, e->dir);
	}
	sync_compare(c, all.dir, all.n, false, &since);
	free(all.dir);
	free(tops);
}

/* Handles what is pending and what comes meanwhile, up to a number of hints.
 * Returns 1 when nothing is left, 0 when something is, -1 with errno. */
static int
drain(struct watch *w, size_t most)
{
	struct core *c = &w->core;
	struct timespec calm = moment();
	struct hint h;
	uint64_t position;
	size_t n = 0;

	if (c->ops->fill(c->b) == -1)
		return -1;
	for (;;) {
		while (n < most && c->ops->next(c->b, &h) == 1) {
			n++;
			hints_handle(c, &h, check_roots, w);
			if (c->suspects)
				roots_check(&w->roots);
			if (c->resync)
				resync(w);
		}
		if (n >= most)
			return 0;
		if (c->ops->wait(c->b) >= 0)
			return 1; /* half a rename: back in a moment */
		position = c->ops->position(c->b);
		calm = moment();
		if (c->ops->fill(c->b) == -1)
			return -1;
		if (c->ops->position(c->b) != position)
			continue;
		if (c->ndoubts == 0 && !c->suspects && !c->resync)
			break;
		if (c->suspects)
			roots_check(&w->roots);
		if (c->resync)
			resync(w);
		hints_doubts(c);
		n++;
	}
	w->calm = calm;
	core_close_fds(c);
	return 1;
}

/* Is there anything that has to be looked at now and then? */
static bool
is_blind(const struct watch *w)
{
	return w->core.unmarked || roots_blind(&w->roots);
}

int
watch_ready(struct watch *w)
{
	struct core *c = &w->core;
	int64_t until = core_now_ms() + READY_MS;
	int ret;

	do
		ret = drain(w, RUN_HINTS);
	while (ret == 0 && core_now_ms() < until);
	if (ret == -1)
		return -1;
	w->more = ret == 0;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (roots_speak(&w->roots) == -1)
		return -1;
	tell_counts(w, EVENT_READY);
	core_close_fds(c);
	c->stirred = false; /* what was there has not happened */
	if (is_blind(w) && w->poll_at == 0)
		w->poll_at = core_now_ms() + c->cfg->opt->poll_ms;
	return 0;
}

size_t
watch_pollfds(const struct watch *w, struct pollfd *fds)
{
	fds[0].fd = w->core.ops->fd(w->core.b);
	fds[0].events = POLLIN;
	fds[0].revents = 0;
	if (w->mounts == NULL)
		return 1;
	fds[1].fd = mountwatch_fd(w->mounts);
	fds[1].events = POLLPRI;
	fds[1].revents = 0;
	return 2;
}

static void
sooner(int *timeout, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (*timeout == -1 || ms < *timeout)
		*timeout = (int)ms;
}

int
watch_timeout(const struct watch *w)
{
	const struct core *c = &w->core;
	int timeout = c->ops->wait(c->b);
	int64_t now = 0;

	if (w->more)
		return 0;
	if (timeout == -1 && (c->ndoubts > 0 || c->resync || c->suspects))
		timeout = 0;
	if (w->poll_at != 0 || w->quiet_at != 0)
		now = core_now_ms();
	if (w->poll_at != 0)
		sooner(&timeout, w->poll_at - now);
	if (w->quiet_at != 0)
		sooner(&timeout, w->quiet_at - now);
	return timeout;
}

static void
on_mount(void *ctx, const char *path)
{
	struct watch *w = ctx;

	roots_mounted(&w->roots, path);
}

int
watch_run(struct watch *w, const struct pollfd *fds)
{
	struct core *c = &w->core;
	int64_t now;
	bool blind;
	int ret;

	if (w->mounts != NULL && (fds[1].revents & (POLLPRI | POLLERR)))
		(void)mountwatch_read(w->mounts, on_mount, w);
	ret = drain(w, RUN_HINTS);
	if (ret == -1)
		return -1;
	w->more = ret == 0;
	blind = is_blind(w);
	if (!blind && w->poll_at == 0 && !c->stirred && w->quiet_at == 0)
		return 0;
	now = core_now_ms();
	if (blind && w->poll_at == 0) {
		w->poll_at = now + c->cfg->opt->poll_ms;
	} else if (blind && now >= w->poll_at) {
		poll_unmarked(w);
		core_close_fds(c);
		w->poll_at = core_now_ms() + c->cfg->opt->poll_ms;
	} else if (!blind) {
		w->poll_at = 0;
	}
	if (c->stirred) {
		c->stirred = false;
		w->quiet_at = c->cfg->opt->events & EVENT_BIT(EVENT_QUIET) ?
		    now + QUIET_MS :
		    0;
	} else if (w->quiet_at != 0 && now >= w->quiet_at) {
		w->quiet_at = 0;
		(void)clock_gettime(CLOCK_REALTIME, &c->now);
		tell_counts(w, EVENT_QUIET);
	}
	return 0;
}

bool
watch_ended(const struct watch *w)
{
	return roots_ended(&w->roots);
}

void
watch_counters(const struct watch *w, struct watch_counters *n)
{
	const struct core *c = &w->core;

	roots_count(&w->roots, &n->roots, &n->directories, &n->entries);
	n->watches = c->nmarks;
	n->hints = c->nhints;
	n->events = c->nevents;
	n->looks = c->nlooks;
	n->overflows = c->noverflows;
}

const char *
watch_limit(int error, long *value)
{
	return backends[0]->limit(error, value);
}
