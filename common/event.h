/*
 * What an event is: our vocabulary, no kernel's. The watching side makes
 * events, filter, settle and emit pass them on. An event borrows everything
 * it points to for the length of the call it is handed to.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The order is that of the man page; the bit of a kind in a set is
 * EVENT_BIT(kind). */
enum event_kind {
	EVENT_EXISTS,
	EVENT_CREATED,
	EVENT_MODIFIED,
	EVENT_CLOSED,
	EVENT_COMPLETE,
	EVENT_ATTRIB,
	EVENT_RENAMED,
	EVENT_DELETED,
	EVENT_OPENED,
	EVENT_ACCESSED,
	EVENT_QUIET,
	EVENT_READY,
	EVENT_OVERFLOW,
	EVENT_RESYNCED,
	EVENT_LOST,
	EVENT_FOUND,
	EVENT_NKINDS
};

#define EVENT_BIT(kind) (1U << (kind))
#define EVENT_DEFAULT                                           \
	(EVENT_BIT(EVENT_CREATED) | EVENT_BIT(EVENT_MODIFIED) | \
	    EVENT_BIT(EVENT_RENAMED) | EVENT_BIT(EVENT_DELETED))
#define EVENT_ALL (EVENT_BIT(EVENT_NKINDS) - 1)

enum event_type {
	EVENT_NOTYPE, /* the event is not about a path, or nobody knows */
	EVENT_FILE,
	EVENT_DIR,
	EVENT_SYMLINK,
	EVENT_OTHER /* FIFO, socket, device */
};

#define EVENT_TYPE_BIT(type) (1U << (type))
#define EVENT_TYPES_ALL                                           \
	(EVENT_TYPE_BIT(EVENT_FILE) | EVENT_TYPE_BIT(EVENT_DIR) | \
	    EVENT_TYPE_BIT(EVENT_SYMLINK) | EVENT_TYPE_BIT(EVENT_OTHER))

/* What stat says; fields as in stat(2). */
struct event_stat {
	uint64_t dev;
	uint64_t ino;
	uint64_t nlink;
	uint64_t size; /* bytes */
	mode_t mode; /* with the type bits */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	struct timespec ctime;
	struct timespec btime; /* .tv_sec 0 and .tv_nsec -1 where unknown */
};

struct event {
	enum event_kind kind;
	enum event_type type;

	/* Where. The path is root, "/" and name; where the root is not a
	 * directory, root_is_name is set: then the path is root itself and name
	 * its basename. A note about a root (lost, found) has a NULL name and
	 * root as its path; notes about nothing (quiet, ready) have a NULL
	 * root. A name is bytes, with no "/" at either end. */
	const char *root;
	const char *name;
	bool root_is_name;

	/* renamed only: where it was. old_root is never NULL then. */
	const char *old_root;
	const char *old_name;
	bool old_root_is_name;
	bool replaced;
	bool exchanged;
	enum event_type other_type; /* of what was replaced, or swapped with */

	bool synthetic; /* learned by comparing, not from the kernel */

	const struct event_stat *st; /* NULL where it could not be had */

	struct timespec time; /* when it was read (CLOCK_REALTIME) */

	/* ready and resynced only. */
	uint64_t roots; /* roots that are there */
	uint64_t directories; /* directories watched */
	uint64_t entries; /* names known below the roots */

	/* exists, created, modified, closed and complete with --content. */
	const void *content; /* NULL where there is none */
	size_t content_len; /* bytes */
	bool truncated; /* larger than --content-limit: no content */
};

/* "created" and so on; "file", "dir", "symlink", "other", "" for none. */
const char *event_kind_name(enum event_kind kind);
const char *event_type_name(enum event_type type);

/* The type that st_mode's bits name. */
enum event_type event_type_of(mode_t mode);

/* Reads one argument of -e into *set (bits of EVENT_BIT). *given says whether
 * an earlier -e has set names without a sign; both start as EVENT_DEFAULT and
 * false. Returns 0, or -1 with the offending word (a part of list) in *bad
 * and *bad_len. See -e in fswatch-events(1). */
int event_parse_kinds(const char *list, unsigned *set, bool *given,
    const char **bad, size_t *bad_len);

/* The same for -t: bits of EVENT_TYPE_BIT; *types starts as 0. */
int event_parse_types(const char *list, unsigned *types, const char **bad,
    size_t *bad_len);

#endif
