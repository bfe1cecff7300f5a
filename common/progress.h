/*
 * One line on a terminal that says how far a long work is, over and over in the
 * same place, and is gone when the work is done.
 *
 *	struct progress p = PROGRESS(terminal_moves(fd) ? fd : -1);
 *	progress_begin(&p, now);
 *	progress_step(&p, now, directories, names);	often
 *	progress_hide(&p);	before anything else is written there
 *	progress_end(&p);
 *
 * Work of less than a second shows nothing. Times are in milliseconds, of
 * monotonic_ms().
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int fd; /* -1: nothing is ever shown */
	bool works; /* between begin and end */
	bool visible;
	bool counts; /* the two below are known */
	uint64_t directories; /* when it began */
	uint64_t names;
	int64_t began_at;
	int64_t shown_at;
};

#define PROGRESS(terminal)       \
	{                        \
		.fd = (terminal) \
	}

void progress_begin(struct progress *p, int64_t now);

/* What has been done by now. The counts may have begun long before: what they
 * were at the first step is taken off. Does nothing outside of begin and
 * end. */
void progress_step(struct progress *p, int64_t now, uint64_t directories,
    uint64_t names);

/* Takes the line away until the next step that shows it. */
void progress_hide(struct progress *p);

void progress_end(struct progress *p);

#endif
