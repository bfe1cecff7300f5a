/*
 * The contract of a kernel back end. It watches open directories, each known
 * by a small number, its id, and says what the kernel says about them:
 * hints, in the kernel's order. It knows no roots, no index and no filter,
 * and makes no events.
 *
 *	b = ops->open();
 *	id = ops->add(b, fd, BACKEND_NAMES | BACKEND_MODIFIED);
 *	poll(ops->fd(b)), then:
 *	ops->fill(b);
 *	while (ops->next(b, &hint) == 1)
 *		...
 *	ops->wait(b) says how long next() would like to hold back the rest
 *	ops->close(b);
 *
 * What has been filled but not yet been handed out by next() is pending. The
 * caller that has just looked at the disk uses pending() to learn which names
 * will still be told about, and forget() to drop what it has already seen.
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
	HINT_GONE, /* this id watches nothing any more */
	HINT_OVERFLOW /* hints were lost: every id may have changed */
};

struct hint {
	enum hint_kind kind;
	bool isdir; /* the kernel calls the named thing a directory */
	bool moved;
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

	/* NULL with errno: EMFILE when the user has too many instances. */
	struct backend *(*open)(void);
	void (*close)(struct backend *b);

	/* The descriptor to poll for reading. */
	int (*fd)(const struct backend *b);

	/* Watches the directory that dirfd refers to (O_PATH is enough) for
	 * interest in addition to what it is watched for already. A directory
	 * that is watched already keeps its id. Returns the id, or -1 with
	 * errno: ENOSPC beyond the limit of watches, EACCES when it may not be
	 * read. */
	int (*add)(struct backend *b, int dirfd, unsigned interest);

	/* Ends a watch. Pending hints for the id may still come. */
	void (*remove)(struct backend *b, int id);

	/* Takes all that the kernel has, as far as there is room. Returns 1
	 * when the kernel has no more, 0 when there was no more room, -1 with
	 * errno. */
	int (*fill)(struct backend *b);

	/* The next pending hint. Returns 1, or 0 when there is none to be
	 * handed out now. */
	int (*next)(struct backend *b, struct hint *h);

	/* Milliseconds after which next() should be asked again though nothing
	 * was filled, since it holds something back; -1 for never. */
	int (*wait)(const struct backend *b);

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

	/* Is there a pending HINT_CLOSED for this name in the directory id? */
	bool (*closing)(const struct backend *b, int id, const char *name,
	    size_t len);

	/* Where a pending HINT_RENAMED takes this name in the directory id, if
	 * that is the next thing that happens to the name, and whether the
	 * kernel calls it a directory. to_name has room for NAME_MAX + 1
	 * bytes. */
	bool (*leaving)(const struct backend *b, int id, const char *name,
	    size_t len, int *to_id, char *to_name, bool *isdir);

	/* Drops pending hints that the name in the directory id has appeared
	 * or gone (with a NULL name: any name in it). Half of a rename that is
	 * dropped leaves the other half. */
	void (*forget)(struct backend *b, int id, const char *name, size_t len);

	/* Why add() failed with ENOSPC or open() with EMFILE: the setting that
	 * limits it and its present value, for a message. Returns NULL where
	 * there is none. */
	const char *(*limit)(int error, long *value);
};

extern const struct backend_ops backend_inotify;

#endif
