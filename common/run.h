/*
 * A run of appends to one file: records that arrived together and are written
 * together. What can not be written whole is taken back.
 *
 *	struct run r = RUN_INIT;
 *	run_add(&r, data, len, tag);		... once or more
 *	while (run_left(&r) > 0)
 *		if (run_write(&r, fd, &end) == -1)
 *			... run_first(&r) failed with errno: run_skip(&r), or
 *			    run_write() again
 *	run_clear(&r);
 *
 * The file is open for O_APPEND. Several processes may do this to one file:
 * while they write they share a lock (flock(2)), and who takes something back
 * holds it alone. Nobody waits long for a lock: it guards only the taking
 * back, which does not happen without it.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* A run grows to this many bytes; a record that is longer is a run of its own.
 * So what is not longer is never split over two calls of write(2). */
#define RUN_MAX ((size_t)512 * 1024)

#define RUN_END_UNKNOWN UINT64_MAX

struct run_record {
	size_t end; /* in data */
	size_t tag; /* the caller's */
};

struct run {
	struct buf data;
	struct run_record *records;
	size_t n;
	size_t cap;
	size_t next; /* the first record not written */
	bool torn; /* the file ends in half a record: begin on a new line */
	bool tore; /* the last run_write() made it so */
	uint64_t writes; /* calls of write(2) that wrote something */
};

#define RUN_INIT                                          \
	{                                                 \
		BUF_INIT, NULL, 0, 0, 0, false, false, 0, \
	}

/* Does a record of len bytes fit behind what is there? An empty run takes any
 * record. */
bool run_fits(const struct run *r, size_t len);

/* Copies a record. Returns 0, or -1 with ENOMEM. */
int run_add(struct run *r, const void *data, size_t len, size_t tag);

/* Records that are neither written nor skipped, and the first of them. */
size_t run_left(const struct run *r);
const struct run_record *run_first(const struct run *r);

/* Writes what is left. Returns 0 with the file's length after it in *end. On
 * failure returns -1 with errno: the records before run_first() are written,
 * and nothing of this one, unless .tore is true. *end is then where
 * the last whole record ends, if one was written by this call, else 0.
 * RUN_END_UNKNOWN: it was written, but nobody can tell how long the file is. */
int run_write(struct run *r, int fd, uint64_t *end);

/* Gives up the first of what is left. */
void run_skip(struct run *r);

/* Forgets the records, keeps .torn and .writes and, if it is not large, the
 * memory. */
void run_clear(struct run *r);
void run_free(struct run *r);

#endif
