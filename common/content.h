/*
 * The content of a regular file: one version of it whole, or none.
 *
 * While it is read the kernel's read lease (fcntl(2), F_SETLEASE) is held: it
 * is granted only where nobody has the file open for writing, and who opens or
 * truncates it meanwhile waits until we have read. Where leases are not to be
 * had (another user's file, some file systems) the file's times and size
 * before and after have to do: then a writer that pauses in the middle is not
 * noticed.
 *
 *	struct content room = CONTENT_INIT;
 *	if (content_read(dirfd, "a", 65536, same, ctx, &room) == CONTENT_WHOLE)
 *		... room.bytes.data, room.bytes.len, room.st
 *	content_free(&room);
 *
 * The process must ignore SIGIO, which says that somebody waits.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "event.h"

enum content_state {
	CONTENT_WHOLE,
	CONTENT_LARGE, /* more than the limit: nothing has been read */
	CONTENT_WRITTEN, /* somebody has it open for writing */
	CONTENT_CHANGED, /* it changed, is gone or is another one */
	CONTENT_NONE /* no regular file; one that may not be read; an error */
};

struct content {
	struct buf bytes;
	struct event_stat st; /* of the very version that was read */
};

#define CONTENT_INIT                           \
	{                                      \
		.bytes = BUF_INIT, .st = { 0 } \
	}

/* Reads the file name in the open directory dirfd, of limit bytes at most.
 * Only what same() says is the file that is meant is opened, and only when it
 * is a regular file; a symbolic link is not followed. room is filled in where
 * the content is whole; st also where it is too large. */
enum content_state content_read(int dirfd, const char *name, size_t limit,
    bool (*same)(const void *ctx, const struct event_stat *st), const void *ctx,
    struct content *room);

void content_free(struct content *room);

#endif
