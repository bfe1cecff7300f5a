/*
 * An event to one line (or one NUL-terminated path): JSON for programs, paths
 * for xargs -0, aligned columns for people. No I/O.
 *
 *	struct emit em = { .format = EMIT_JSON };
 *	emit_event(&em, &ev, &buf);
 *
 * The keys of a JSON line stand in this order, absent where they do not
 * apply: event, type, path, path_base64, root, root_base64, name,
 * name_base64, old_path, old_path_base64, old_root, old_root_base64,
 * old_name, old_name_base64, replaced, exchanged, size, dev, ino, nlink,
 * mode, uid, gid, mtime, ctime, btime, content, encoding, truncated, roots,
 * directories, entries, synthetic, time, seq. fswatch-events(1) says what
 * each holds.
 */
#ifndef EMIT_H
#define EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct buf;
struct event;

enum emit_format { EMIT_JSON, EMIT_PRINT0, EMIT_PRETTY };

struct emit {
	enum emit_format format;
	bool stat; /* --stat: carry dev to btime */
	bool base64; /* --encoding base64: content always as base64 */
	bool color; /* pretty: use ANSI colours */
	int width; /* pretty: columns of the terminal, 0 for no limit */
	uint64_t seq; /* lines so far; emit_event counts it up */

	/* The last time that was written, and how: that of many events in a
	 * row, or, but for the last six digits, of a second. Private. */
	struct timespec clock;
	char clock_text[32];
	size_t clock_len;
};

/* Appends the event as one line (or path) to b. Returns false where this
 * format has nothing to say of it (--print0 and a note without a path): then
 * b is as it was and seq not counted. Errors stick in b (buf.h). */
bool emit_event(struct emit *em, const struct event *ev, struct buf *b);

/* The path of an event as a user would type it (see event.h), appended to b
 * without a terminator. */
void emit_path(struct buf *b, const char *root, const char *name,
    bool root_is_name);

#endif
