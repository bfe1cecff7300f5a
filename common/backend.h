/*
 * The contract of a back end. It watches open directories, each known by a
 * small number, its id, and says what it knows about them: hints, in their
 * order. It knows no roots, no index and no filter, and makes no events.
 *
 *	b = ops->open(poll_ms);
 *	id = ops->add(b, fd, BACKEND_NAMES | BACKEND_MODIFIED);
 *	poll(ops->fd(b), ops->wait(b)), then:
 *	ops->fill(b);
 *	while (ops->next(b, &hint) == 1)
 *		...
 *	ops->wait(b) says how long next() would like to hold back the rest
 *	ops->close(b);
 *
 * What has been filled but not yet been handed out by next() is pending. The
 * caller that has just looked at the disk uses pending() to learn which names
 * will still be told about, and forget() to drop what it has already seen.
 *
 * There are two kinds. An exact one says what has happened to which name, in
 * order (inotify). The other only says where to look (kqueue, polling): its
 * hints about names are all HINT_CHANGED, and the caller compares the disk
 * with its index, which then holds the files' sizes and times as well. Such a
 * back end may say too much (a look that finds nothing costs no more than
 * that), and as often as it likes; what it says once, before or after the
 * look that finds the change, need not be said again. It keeps this order:
 *
 *	id = ops->add(b, fd, ...);	from here on the names are watched
 *	list the directory
 *	ops->add_name(b, id, fd, name);	from here on this file is watched
 *	stat the file			that is what the index knows of it
 *
 * and whatever happens after add() or add_name() has returned is said by a
 * hint that comes later.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum hint_kind {
	HINT_CREATED, /* a name appeared; .moved: from somewhere not watched */
	HINT_DELETED, /* a name is gone; .moved: to somewhere not watched */
	HINT_RENAMED, /* from (id, name) to (to_id, to_name) */
	HINT_MODIFIED,
	HINT_CLOSED, /* after having been open for writing */
	HINT_ATTRIB,
	HINT_OPENED,
	HINT_ACCESSED,
	HINT_CHANGED, /* .what may have changed */
	HINT_GONE, /* this id watches nothing any more */
	HINT_OVERFLOW /* hints were lost: every id may have changed */
};

struct hint {
	enum hint_kind kind;
	bool isdir; /* the kernel calls the named thing a directory */
	bool moved;
	/* HINT_CHANGED, bits of BACKEND_. With a name, that name may be gone,
	 * or be another thing, or have other content or attributes, whatever
	 * the bits; _MODIFIED: a file has surely been written, whatever its
	 * times say. Without one: _NAMES: names may have come or gone in the
	 * directory; _MODIFIED: any name in it may have changed as above;
	 * _ATTRIB: the directory's own attributes may have changed. */
	unsigned what;
	int id;
	int to_id;
	const char *name; /* in the directory of id; valid until next fill */
	size_t name_len;
	const char *to_name;
	size_t to_len;
	struct timespec time; /* when it was read, CLOCK_REALTIME */
};

/* What a directory is watched for. */
#define BACKEND_NAMES	 0x01 /* created, deleted, renamed */
#define BACKEND_MODIFIED 0x02
#define BACKEND_CLOSED	 0x04
#define BACKEND_ATTRIB	 0x08
#define BACKEND_OPENED	 0x10
#define BACKEND_ACCESSED 0x20

struct backend;

struct backend_ops {
	const char *name;
	unsigned tells; /* bits of BACKEND_: what it can tell at all */
	bool exact; /* see above */
	/* add() and add_here() may be called by two threads at once, while
	 * nothing else is called. */
	bool threads;

	/* poll_ms: how often what the kernel does not tell is to be looked at.
	 * NULL with errno: EMFILE when the user has too many instances. */
	struct backend *(*open)(int64_t poll_ms);
	void (*close)(struct backend *b);

	/* The descriptor to poll for reading, or -1. */
	int (*fd)(const struct backend *b);

	/* Watches the directory that dirfd refers to (O_PATH is enough; it is
	 * borrowed for the call) for interest in addition to what it is
	 * watched for already. A directory, by its device and inode, that is
	 * watched already keeps its id. Returns the id, which is not negative,
	 * or -1 with errno: ENOSPC or EMFILE beyond a limit, EACCES when it may
	 * not be read. What cannot be watched is polled instead, whatever
	 * errno says. */
	int (*add)(struct backend *b, int dirfd, unsigned interest);

	/* The same for the current directory. NULL where that is no easier. */
	int (*add_here)(struct backend *b, unsigned interest);

	/* Ends a watch, with those of the names in it. Pending hints for the
	 * id may still come. */
	void (*remove)(struct backend *b, int id);

	/* NULL, or: watches what is under a name of that directory, too, which
	 * was no directory when it was listed; dirfd refers to the directory.
	 * Called before each look at the name that fills in the index: where
	 * the very same thing is watched under that name already nothing
	 * changes; where the name is another thing now, that is watched in its
	 * place. The end of it is the back end's business: a watch whose file
	 * was removed, or may have another name, ends with its hint
	 * HINT_CHANGED about the old name, which makes the caller look and
	 * call again. Returns 0 (also where it may not be opened: then it is
	 * seen by its directory); 1 where the name means another file, or
	 * none, by now, so that nothing is watched under it; or -1 with errno
	 * beyond a limit: then the back end says every poll_ms that the
	 * directory has changed (BACKEND_MODIFIED). */
	int (*add_name)(struct backend *b, int id, int dirfd, const char *name);

	/* NULL, or: a look at the directory id has found a change in it. (The
	 * polling one then looks at it more often, and at everything now.) */
	void (*found)(struct backend *b, int id);

	/* NULL, or: all that is looked at by the clock is due now, since there
	 * is no later. wait() says 0. */
	void (*look_now)(struct backend *b);

	/* NULL, or: so many milliseconds were not spent on looking, but in
	 * waiting for somebody (a reader that does not read). */
	void (*waited)(struct backend *b, int64_t ms);

	/* Takes all that the kernel has, as far as there is room. Returns 1
	 * when the kernel has no more, 0 when there was no more room, -1 with
	 * errno. */
	int (*fill)(struct backend *b);

	/* The next pending hint. Returns 1, or 0 when there is none to be
	 * handed out now. */
	int (*next)(struct backend *b, struct hint *h);

	/* Milliseconds after which next() should be asked again though nothing
	 * was filled, since it holds something back or something is due; -1
	 * for never. */
	int (*wait)(struct backend *b);

	/* From here on: NULL where it is not exact, but for closing and
	 * limit. */

	/* The place in the stream of hints behind all that is pending. */
	uint64_t (*position)(const struct backend *b);

	/* Calls each for the name in every pending hint about a name in the
	 * directory id that has appeared or gone since that position. */
	void (*pending)(struct backend *b, int id, uint64_t since,
	    void (*each)(void *ctx, const char *name, size_t len), void *ctx);

	/* Is there a pending hint that this name in the directory id appears or
	 * goes? */
	bool (*awaits)(const struct backend *b, int id, const char *name,
	    size_t len);

	/* Is there a pending HINT_CLOSED for this name in the directory id?
	 * NULL where none is ever told. */
	bool (*closing)(const struct backend *b, int id, const char *name,
	    size_t len);

	/* Where a pending HINT_RENAMED takes this name in the directory id, if
	 * that is the next thing that happens to the name, and whether the
	 * kernel calls it a directory. to_name has room for NAME_MAX + 1
	 * bytes. Returns 1; 0 where something else happens to the name next;
	 * -1 where nothing is pending that says so: after a fill() there may
	 * be. */
	int (*leaving)(const struct backend *b, int id, const char *name,
	    size_t len, int *to_id, char *to_name, bool *isdir);

	/* After next() has returned 0: the id of the directory that a name has
	 * left, as far as is told, when what would say where to has been waited
	 * for; or -1. After that next() hands it out as a HINT_DELETED, if a
	 * fill() has not brought the rest. */
	int (*half)(struct backend *b);

	/* Drops pending hints that the name in the directory id has appeared
	 * or gone (with a NULL name: any name in it). Half of a rename that is
	 * dropped leaves the other half. */
	void (*forget)(struct backend *b, int id, const char *name, size_t len);

	/* Why add() failed with ENOSPC or open() with EMFILE: the setting that
	 * limits it and its present value, for a message. Returns NULL where
	 * there is none. May be NULL itself. */
	const char *(*limit)(int error, long *value);
};

/* Those that this build has, the best first; polling is the last of them, and
 * is always there. Ended by NULL. (backends.c) */
extern const struct backend_ops *const backends[];

extern const struct backend_ops backend_inotify;
extern const struct backend_ops backend_kqueue;
extern const struct backend_ops backend_poll;

#endif
