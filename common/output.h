/*
 * What goes to standard output: collected and written in few system calls, and
 * never so that a reader who does not read keeps us from hearing anything
 * else. Nothing is ever held back: the caller flushes when a burst is told.
 *
 *	output_open(&out, STDOUT_FILENO);
 *	emit_event(..., &out.buf);
 *	output_room(&out)		when it returns false: flush first
 *	output_flush(&out)		1 done, 0 would wait, -1 errno
 *	output_close(&out);
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>

#include "buf.h"

struct output {
	struct buf buf; /* what has not been written yet */
	int fd;
	int own; /* the same file, opened anew without blocking; or -1 */
	bool waits; /* a write may wait: ask poll(2) first */
};

/* Looks at what kind of file fd is. Where that can be had (a pipe, by way of
 * /proc/self/fd) it is opened anew, so that O_NONBLOCK is ours alone and not
 * that of every process that shares it. */
void output_open(struct output *out, int fd);

/* Is less collected than is worth a system call of its own? */
bool output_room(const struct output *out);

/* Writes what is collected, as far as that goes without waiting. Returns 1
 * when all is written; 0 when the reader has to read first (poll output_fd()
 * for POLLOUT); -1 with errno: EPIPE when the reader is gone, ENOMEM when some
 * of it could not be collected. */
int output_flush(struct output *out);

/* What to poll: for POLLOUT, and always for POLLERR and POLLHUP, which say
 * that the reader is gone. */
int output_fd(const struct output *out);

/* Closes everything, the given descriptor too. Returns 0, or -1 with the
 * errno of close(2), which may be that of a write. */
int output_close(struct output *out);

#endif
