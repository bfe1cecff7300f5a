/*
 * The work of fswatch-events(1): the roots of the options, and those that come
 * from stdin, are watched, and what happens in them goes to stdout, until a
 * signal asks for the end, the reader goes away, or nothing can happen any
 * more.
 *
 *	signals
 *	end = stream(&config);
 */
#ifndef STREAM_H
#define STREAM_H

#include "say.h"

struct watch_options;

enum stream_end {
	STREAM_ENDED,
	STREAM_FAILED, /* it has been said why */
	STREAM_TIMEOUT /* --timeout */
};

/* All of it is borrowed. */
struct stream_config {
	const struct watch_options *options;
	int signals; /* of signals_open(): SIGUSR1 says the counts, any other
		      * ends after what has happened; the second does not wait
		      * for the reader */
	say_to *say; /* what failed, what a person should know */
};

/* Streams to the end and closes stdout. SIGPIPE and SIGIO (writers.h) have to
 * be ignored. */
enum stream_end stream(const struct stream_config *cfg);

#endif
