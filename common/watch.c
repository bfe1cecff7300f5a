#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "core.h"
#include "hints.h"
#include "monotonic.h"
#include "mountwatch.h"
#include "owed.h"
#include "pool.h"
#include "roots.h"
#include "seen.h"
#include "settle.h"
#include "sync.h"
#include "tree.h"

/* So many hints are handled before the caller is heard again. */
#define RUN_HINTS 4096
/* In a burst the kernel's queue is left to fill for so long before it is read
 * again, since waking up for every few hints costs more than they do; but not
 * when it has taken in that many, a good part of its queue, meanwhile. */
#define GATHER_MS    1
#define GATHER_HINTS 4096
/* How long what happens during the first scan is taken in silently. */
#define READY_MS 2000
/* How often what a comparison leaves in doubt is looked at before it counts
 * as done; what is left then waits for hints. */
#define RESYNC_ROUNDS 64
/* How often in a row there may be too little memory for comparing all. */
#define STARVED_MOST 16
/* How long nothing has happened when `quiet` is told. */
#define QUIET_MS 100

/* What --settle holds; the rest is told as it comes. */
#define SETTLED                                                                \
	(EVENT_DEFAULT | EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_COMPLETE) | \
	    EVENT_BIT(EVENT_ATTRIB) | EVENT_BIT(EVENT_OPENED) |                \
	    EVENT_BIT(EVENT_ACCESSED))

struct watch {
	struct core core;
	struct roots roots;
	struct mountwatch *mounts; /* NULL where there is no such thing */
	struct timespec calm; /* nothing was queued then (CLOCK_REALTIME) */
	int64_t rescan_at; /* 0: never */
	int64_t quiet_at; /* 0: nothing has happened since `quiet` */
	uint64_t told_overflows;
	bool more; /* hints were left pending */
	unsigned starved; /* comparisons of all, in a row, without memory */
	int64_t ran_at; /* when the last hint handled was read, microseconds */
	bool gathers; /* the back end is not heard for GATHER_MS */
};

static void
check_roots(void *ctx)
{
	struct watch *w = ctx;

	roots_check(&w->roots);
}

/* Opens what the user has chosen, or else the best back end that opens: where
 * it is out of instances, say, polling, which cannot tell all. */
static int
open_backend(struct core *c)
{
	const struct watch_options *opt = c->cfg->opt;
	const struct backend_ops *ops = opt->backend;
	size_t i = 0;
	int error;

	if (core_open_sides(c, ops) == 0)
		return 0;
	error = errno;
	while (!opt->backend_given && backends[++i] != NULL) {
		if (!watch_options_told(opt, backends[i]))
			continue;
		if (core_open_sides(c, backends[i]) == 0) {
			core_note(c, NOTE_ALL_POLLED, ops->name, error);
			return 0;
		}
	}
	errno = error;
	return -1;
}

/* The entry that a settled event is about, while it is there. */
static struct entry *
entry_of(struct watch *w, const char *root, const char *name, struct dir **dir)
{
	struct dir *top = root == NULL ? NULL : roots_top(&w->roots, root);

	return top == NULL ? NULL : tree_at(top, name, dir);
}

static void
tell_settled(void *ctx, struct event *ev, const char *root, const char *name)
{
	struct watch *w = ctx;
	struct dir *d = NULL;
	struct entry *e = entry_of(w, root, name, &d);

	change_settled(&w->core, ev, d, e);
}

static int
list_settled(void *ctx, const char *root, const char *name, net_each each,
    void *arg)
{
	struct watch *w = ctx;
	struct dir *d = NULL;
	struct entry *e = entry_of(w, root, name, &d);

	return e == NULL || e->type != EVENT_DIR ?
	    0 :
	    change_list(&w->core, e->dir, each, arg);
}

/* Everything is held, if that is wanted of anything with a path. */
static int
open_settle(struct watch *w)
{
	const struct watch_options *opt = w->core.cfg->opt;
	struct settle_config cfg = {
	    .quiet = opt->settle_ms,
	    .most = opt->settle_max_ms,
	    .output = {opt->events, w, tell_settled, list_settled},
	};

	if (opt->settle_ms == 0 || !(opt->events & SETTLED))
		return 0;
	w->core.settle = settle_new(&cfg);
	return w->core.settle == NULL ? -1 : 0;
}

static int
open_seen(struct watch *w)
{
	if (w->core.cfg->opt->rescan_ms == 0)
		return 0;
	w->core.compared = core_moment();
	w->core.seen = seen_new();
	return w->core.seen == NULL ? -1 : 0;
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
	w->core.inverse.id = -1;
	w->core.pool = pool_new();
	if (w->core.pool == NULL || roots_init(&w->roots, &w->core) == -1 ||
	    open_settle(w) == -1 || open_seen(w) == -1 ||
	    open_backend(&w->core) == -1) {
		error = errno;
		settle_free(w->core.settle);
		seen_free(w->core.seen);
		pool_end(w->core.pool);
		free(w);
		errno = error;
		return NULL;
	}
	w->mounts = mountwatch_open();
	w->core.sees_mounts = w->mounts != NULL;
	(void)clock_gettime(CLOCK_REALTIME, &w->core.now);
	w->calm = core_moment();
	return w;
}

void
watch_close(struct watch *w)
{
	struct core *c;

	if (w == NULL)
		return;
	c = &w->core;
	c->closing = true;
	roots_free(&w->roots);
	core_close_fds(c);
	core_close_sides(c);
	mountwatch_close(w->mounts);
	core_forget_doubts(&c->doubts);
	core_forget_doubts(&c->later);
	core_forget_doubts(&c->retries);
	free(c->marks);
	pool_end(c->pool);
	claims_links_free(&c->links);
	settle_free(c->settle);
	seen_free(c->seen);
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
	/* The differences have been told when that is said. */
	if (kind == EVENT_RESYNCED && c->settle != NULL &&
	    settle_all(c->settle) == -1)
		c->failed = true;
	ev.time = c->now;
	if (kind == EVENT_READY || kind == EVENT_RESYNCED)
		roots_count(&w->roots, &ev.roots, &ev.directories, &ev.entries);
	c->nevents++;
	c->cfg->event(c->cfg->ctx, &ev);
}

/* Compares everything that has been told with the disk. */
static void
compare_all(struct watch *w, struct timespec since)
{
	struct core *c = &w->core;
	struct timespec now;
	struct dir **tops;
	size_t n;

	/* The clock was set back: any file may have changed. */
	(void)clock_gettime(COMPAT_CLOCK_FILES, &now);
	if (now.tv_sec < since.tv_sec)
		since.tv_sec = 0;
	core_close_fds(c);
	core_forget_doubts(&c->doubts);
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
	for (n = 0; n < RESYNC_ROUNDS && c->doubts.n > 0 && !c->resync; n++)
		hints_doubts(c);
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
}

/* Something was lost: compares everything. */
static void
resync(struct watch *w)
{
	struct core *c = &w->core;
	bool told = c->noverflows > w->told_overflows;

	w->told_overflows = c->noverflows;
	c->resync = false;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (told) {
		core_note(c, NOTE_OVERFLOW, c->side[0].ops->name, 0);
		tell_counts(w, EVENT_OVERFLOW);
	}
	compare_all(w, w->calm);
	/* What else would want it all compared again is a hint. */
	w->starved = c->resync ? w->starved + 1 : 0;
	if (w->starved > STARVED_MOST)
		c->failed = true;
	if (told)
		tell_counts(w, EVENT_RESYNCED);
}

/* --rescan: tells what the kernel has not. */
static void
rescan(struct watch *w)
{
	struct core *c = &w->core;
	struct timespec since = c->compared;

	c->compared = core_moment();
	seen_turn(c->seen);
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	compare_all(w, since);
	core_rest_fds(c);
	w->rescan_at = monotonic_ms() + c->cfg->opt->rescan_ms;
}

/* Handles what is pending and what comes meanwhile, up to a number of hints.
 * Returns 1 when nothing is left, 0 when something is, -1 with errno. */
static int
drain(struct watch *w, size_t most)
{
	struct core *c = &w->core;
	struct timespec calm = core_moment();
	struct hint h;
	size_t n = 0, before;
	int filled;

	core_now_later(c);
	for (;;) {
		before = n;
		if (c->failed) {
			errno = ENOMEM;
			return -1;
		}
		filled = core_fill(c);
		if (filled == -1)
			return -1;
		while (n < most && !c->failed && core_next(c, &h) == 1) {
			n++;
			hints_handle(c, &h, check_roots, w);
			if (c->suspects)
				roots_check(&w->roots);
			if (c->resync)
				resync(w);
		}
		if (n >= most)
			return 0;
		if (core_holds(c))
			return 1; /* half a rename: back in a moment */
		/* When the kernel had no more, what it has by now can wait:
		 * first what was told is to be written. */
		if (c->doubts.n == 0 && !c->suspects && !c->resync &&
		    (n == before || filled == 1))
			break;
		if (n != before) {
			calm = core_moment();
			continue;
		}
		if (c->suspects)
			roots_check(&w->roots);
		if (c->resync)
			resync(w);
		n += 1 + c->doubts.n;
		hints_doubts(c);
		calm = core_moment();
	}
	w->calm = calm;
	core_rest_fds(c);
	return 1;
}

int
watch_ready(struct watch *w)
{
	struct core *c = &w->core;
	int64_t until = monotonic_ms() + READY_MS;
	int ret;

	do
		ret = drain(w, RUN_HINTS);
	while (ret == 0 && monotonic_ms() < until);
	if (ret == -1)
		return -1;
	w->more = ret == 0;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (roots_speak(&w->roots) == -1)
		return -1;
	tell_counts(w, EVENT_READY);
	core_rest_fds(c);
	c->stirred = false; /* what was there has not happened */
	if (c->seen != NULL && w->rescan_at == 0)
		w->rescan_at = monotonic_ms() + c->cfg->opt->rescan_ms;
	return 0;
}

size_t
watch_pollfds(const struct watch *w, struct pollfd *fds)
{
	const struct core *c = &w->core;

	fds[0].fd = w->gathers ? -1 : c->side[0].ops->fd(c->side[0].b);
	fds[0].events = POLLIN;
	fds[0].revents = 0;
	if (w->mounts == NULL)
		return 1;
	fds[1].fd = mountwatch_fd(w->mounts);
	fds[1].events = POLLPRI;
	fds[1].revents = 0;
	return 2;
}

int
watch_timeout(struct watch *w)
{
	struct core *c = &w->core;
	int timeout = core_wait(c);

	if (w->more)
		return 0;
	if (w->gathers)
		monotonic_sooner(&timeout, GATHER_MS);
	if (!core_holds(c) && (c->doubts.n > 0 || c->resync || c->suspects))
		timeout = 0;
	if (w->quiet_at != 0)
		monotonic_sooner(&timeout, w->quiet_at - monotonic_ms());
	if (w->rescan_at != 0)
		monotonic_sooner(&timeout, w->rescan_at - monotonic_ms());
	if (watch_holds(w))
		monotonic_sooner(&timeout,
		    settle_due(c->settle) - monotonic_ms());
	return timeout;
}

/* Is this a burst? Then what comes next is gathered. */
static void
gather(struct watch *w, uint64_t nhints)
{
	const struct timespec *read = &w->core.now;
	int64_t now;

	w->gathers = false;
	if (nhints == 0 || !w->core.side[0].ops->exact)
		return;
	/* When somebody sets the clock that is one wrong guess. */
	now = (int64_t)read->tv_sec * 1000000 + read->tv_nsec / 1000;
	w->gathers = !w->more && nhints < GATHER_HINTS &&
	    now - w->ran_at < GATHER_MS * 2000;
	w->ran_at = now;
}

static void
on_mount(void *ctx, const char *path)
{
	struct watch *w = ctx;

	roots_mounted(&w->roots, path);
}

static int64_t
quiet_ms(const struct watch_options *opt)
{
	return opt->settle_ms > 0 ? opt->settle_ms : QUIET_MS;
}

/* Tells what has been held for long enough, or, at the end, all. */
static int
run_settle(struct watch *w, bool end)
{
	struct core *c = &w->core;
	int ret;

	if (c->settle == NULL || settle_due(c->settle) == -1)
		return 0;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	ret = end ? settle_all(c->settle) :
		    settle_run(c->settle, monotonic_ms(), !w->more);
	core_rest_fds(c);
	return ret;
}

bool
watch_pairs(const struct watch *w)
{
	return core_holds(&w->core);
}

bool
watch_holds(const struct watch *w)
{
	return w->core.settle != NULL && settle_due(w->core.settle) != -1;
}

void
watch_waited(struct watch *w, int64_t ms)
{
	core_waited(&w->core, ms);
}

void
watch_look_now(struct watch *w)
{
	core_look_now(&w->core);
}

int
watch_finish(struct watch *w)
{
	return run_settle(w, true);
}

int
watch_run(struct watch *w, const struct pollfd *fds)
{
	struct core *c = &w->core;
	uint64_t nhints = c->nhints;
	int64_t now;
	int ret;

	if (w->mounts != NULL && (fds[1].revents & (POLLPRI | POLLERR))) {
		core_close_fds(c);
		(void)mountwatch_read(w->mounts, on_mount, w);
	}
	ret = drain(w, RUN_HINTS);
	if (ret == -1)
		return -1;
	w->more = ret == 0;
	gather(w, c->nhints - nhints);
	if (w->rescan_at != 0 && monotonic_ms() >= w->rescan_at)
		rescan(w);
	if (run_settle(w, false) == -1)
		return -1;
	if (c->failed) {
		errno = ENOMEM;
		return -1;
	}
	if (!(c->cfg->opt->events & EVENT_BIT(EVENT_QUIET)) ||
	    (!c->stirred && w->quiet_at == 0))
		return 0;
	now = monotonic_ms();
	if (c->stirred) {
		c->stirred = false;
		w->quiet_at = now + quiet_ms(c->cfg->opt);
	} else if (now >= w->quiet_at) {
		w->quiet_at = 0;
		(void)clock_gettime(CLOCK_REALTIME, &c->now);
		tell_counts(w, EVENT_QUIET);
	}
	return 0;
}

void
watch_content(struct watch *w, struct event *ev, struct content *room)
{
	struct dir *top;

	top = ev->name == NULL ? NULL : roots_top(&w->roots, ev->root);
	if (top != NULL)
		owed_read(&w->core, top, ev, room);
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
	const struct mark *m;
	size_t i;

	roots_count(&w->roots, &n->roots, &n->directories, &n->entries);
	n->watches = c->nmarks;
	n->missing = 0;
	for (i = 0; i < c->cap_marks; i++)
		for (m = c->marks[i]; m != NULL; m = m->chain)
			if (m->why == ENOSPC || m->why == EMFILE)
				n->missing++;
	n->hints = c->nhints;
	n->events = c->nevents;
	n->looks = c->nlooks;
	n->overflows = c->noverflows;
}

const char *
watch_limit(int error, long *value)
{
	return backends[0]->limit == NULL ? NULL :
					    backends[0]->limit(error, value);
}
