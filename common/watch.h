/*
 * Watching: what fswatch-events talks to.
 *
 *	struct watch_config cfg = { .event = ..., ... };	(core.h)
 *	w = watch_open(&cfg);
 *	watch_add(w, "inbox");
 *	watch_ready(w);
 *	for (;;) {
 *		n = watch_pollfds(w, fds);
 *		poll(fds, n, watch_timeout(w));
 *		watch_run(w, fds);
 *	}
 *	watch_finish(w);
 *	watch_close(w);
 *
 * Events go to cfg.event during watch_add(), watch_ready() and watch_run().
 */
#ifndef WATCH_H
#define WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content;
struct event;
struct watch;
struct watch_config;

#define WATCH_NFDS 2

/* cfg is borrowed for the life of the watch. NULL with errno: EMFILE where the
 * user has too many inotify instances (watch_limit()). The process must ignore
 * SIGIO (writers.h). */
struct watch *watch_open(const struct watch_config *cfg);
void watch_close(struct watch *w);

/* Adds a root. Nothing is told of it before watch_ready(). Returns 0, or -1
 * with errno: ENOENT where it is not there (and cfg.wait is not set). */
int watch_add(struct watch *w, const char *path);

/* Every root that was added is watched and listed: tells `exists`, where that
 * is asked for, and `ready`. Returns 0, or -1 with errno. */
int watch_ready(struct watch *w);

/* Fills in what to poll: at most WATCH_NFDS; returns how many. */
size_t watch_pollfds(const struct watch *w, struct pollfd *fds);

/* Milliseconds after which watch_run() has something to do though no
 * descriptor says so; -1 for never. */
int watch_timeout(struct watch *w);

/* Tells what has happened. fds are those of watch_pollfds(), polled. Comes
 * back after a while even if there is always more. Returns 0, or -1 with
 * errno. */
int watch_run(struct watch *w, const struct pollfd *fds);

/* Is half of a rename held back for the other half? For as long as
 * watch_timeout() says. */
bool watch_pairs(const struct watch *w);

/* Is something held (--settle) that may have to be told yet? */
bool watch_holds(const struct watch *w);

/* The caller has waited so many milliseconds for its reader: that is no time
 * that polling has taken. */
void watch_waited(struct watch *w, int64_t ms);

/* Before the end: what is polled is looked at once more, by the runs of
 * watch_run() that follow (watch_timeout() says 0). */
void watch_look_now(struct watch *w);

/* At the end: tells all that is held. Returns 0, or -1 with errno. */
int watch_finish(struct watch *w);

/* Adds the content to an event that carries one (--content), as it is under
 * its name now; to be called when the line is made, from cfg.event or later.
 * ev borrows from room. */
void watch_content(struct watch *w, struct event *ev, struct content *room);

/* Can nothing ever be told any more? */
bool watch_ended(const struct watch *w);

/* For SIGUSR1. */
struct watch_counters {
	uint64_t roots;
	uint64_t directories;
	uint64_t entries;
	uint64_t watches;
	uint64_t missing; /* of these, polled since no more were to be had */
	uint64_t hints;
	uint64_t events;
	uint64_t looks;
	uint64_t overflows;
};
void watch_counters(const struct watch *w, struct watch_counters *n);

/* The setting that an ENOSPC (watches) or EMFILE (instances) comes from, and
 * its value; NULL where there is none. */
const char *watch_limit(int error, long *value);

#endif
