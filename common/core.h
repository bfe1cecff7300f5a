/*
 * What the rooms of the watching side share: the choices of the user, the
 * back end, the marks (one for each directory the kernel watches, with all
 * its places in the trees), descriptors of directories for as long as a burst
 * lasts, and the list of names that have to be looked at again. The last three
 * are in core_marks.c, core_fds.c and core_doubts.c.
 */
#ifndef CORE_H
#define CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "backend.h"
#include "buf.h"
#include "claims.h"
#include "event.h"
#include "watch_options.h"

struct claim;
struct dir;
struct entry;
struct pool;
struct seen;
struct settle;

/* Things a person should know, that are no events. */
enum watch_note {
	NOTE_WAITING, /* a root is not there yet (--wait) */
	NOTE_LOST, /* a root went away */
	NOTE_FOUND, /* and came back */
	NOTE_UNREADABLE, /* a directory may not be read: error */
	NOTE_LIMIT, /* no more watches: error, polled from here on */
	NOTE_NO_BACKEND, /* it cannot be opened: error */
	NOTE_ALL_POLLED, /* the same, and polling does its work */
	NOTE_POLLED, /* a file system that tells nothing: polled */
	NOTE_POLLED_LESS, /* the same, and not all that is asked for is told */
	NOTE_LOOP, /* a symbolic link leads to a directory above it */
	NOTE_OVERFLOW, /* the kernel dropped events */
	NOTE_UNTAKEN, /* a claim could not be taken: error */
	NOTE_NO_CLAIMS, /* nor ever can: the system knows none */
	NOTE_WAY /* a directory on the way to a root may not be read */
};

/* The user's choices, and where what is found goes. */
struct watch_config {
	const struct watch_options *opt;
	void *ctx;
	/* An event, to be passed on; it is borrowed. */
	void (*event)(void *ctx, const struct event *ev);
	/* path is the subject; error an errno or 0. */
	void (*note)(void *ctx, enum watch_note note, const char *path,
	    int error);
	/* May be NULL. Called after each directory that was listed: how many
	 * that are, and names in them, since watching began. Returns false to
	 * have the scan or comparison given up, because all ends: then what
	 * is told is not whole. */
	bool (*progress)(void *ctx, uint64_t directories, uint64_t names);
};

/* What a tree is of; the owner of its top (tree_owner()). The first member
 * of struct root. */
struct scope {
	const char *path; /* as the user typed it */
	const char *dir_path; /* how its top is opened */
	const char *only; /* where the root is no directory: its name */
	uint64_t dev; /* the top's file system */
	uint64_t mount; /* that the claim on it keeps busy; 0: none */
	bool silent; /* tell nothing yet */
	bool suspect; /* look at the root again */
	char **pruned; /* names below it that are left out (--prune) */
	size_t npruned;
};

/* One name in a directory on the way to a root. */
struct post {
	struct post *next; /* of the same mark; mark is NULL once it is gone */
	struct post *next_on_way; /* of the same scope */
	struct mark *mark;
	struct scope *scope;
	char name[];
};

/* An open back end. */
struct side {
	const struct backend_ops *ops;
	struct backend *b;
};

/* A directory that is watched: as small as can be, there are many. */
struct mark {
	const struct side *side;
	struct dir *places; /* linked by next_place */
	struct post *posts; /* linked by next */
	struct mark *chain; /* of the same hash */
	int id; /* core's: unlike for each directory, whatever its side */
	uint16_t pass; /* of sync, when it was compared; it goes round */
	uint8_t why; /* why it is polled by the second side: an errno, or 0 */
	uint8_t interest;
};

/* Something to be looked at again when nothing is pending any more. */
struct doubt {
	struct dir *dir; /* NULL: gone meanwhile */
	char *name; /* NULL: its names */
	bool deep; /* and all below it */
	bool content; /* and content, since core.since */
	bool look; /* and what its entries' stats say */
	int64_t at; /* a later one's: when (monotonic_ms()) */
	int delay; /* a retry's: milliseconds it has waited; 0: none */
};

/* A list of them that grows. */
struct doubts {
	struct doubt *item;
	size_t n;
	size_t cap;
};

#define CORE_FDS 16

struct core {
	const struct watch_config *cfg;

	/* The back end, and behind it, unless it is the same one, polling for
	 * what it cannot watch. */
	struct side side[2];
	size_t nsides;
	struct {
		bool held; /* core_next() gives it first */
		struct hint hint;
		char name[256];
	} kept;
	/* What kind of file system a device is: the last answer. */
	uint64_t kind_dev; /* 0: none */
	const char *kind;

	struct settle *settle; /* --settle: holds what is told; or NULL */
	struct seen *seen; /* --rescan: what need not be told again; or NULL */
	struct timespec compared; /* when the last rescan began */

	struct pool *pool; /* of the trees and marks */
	struct mark **marks; /* hash table by id */
	size_t nmarks;
	size_t cap_marks;

	struct {
		struct dir *dir;
		int fd;
		bool stays; /* see core_rest_fds() */
		uint64_t used;
	} fds[CORE_FDS];
	uint64_t fd_clock;

	struct doubts doubts;
	struct doubts later; /* to be doubted when their time has come */
	int64_t later_at; /* when that is for the first of them; 0: none */
	struct doubts retries; /* the same, each after a delay of its own */
	int delay; /* of the doubt that is looked at now */
	uint16_t pass; /* of sync */

	/* The second half of an exchange that has been told whole: a rename
	 * from (id, name) to (to_id, to_name). id -1: none. */
	struct {
		int id;
		int to_id;
		char name[256];
		char to_name[256];
	} inverse;

	struct timespec since; /* of the comparison after the last overflow */
	bool sees_mounts; /* is told when the table of mounts changes */
	bool closing; /* all watches end together, with the back end */
	bool suspects; /* some scope is suspect */
	bool resync; /* everything has to be compared */
	bool closes; /* what is looked at has just been closed: it is complete,
			and that is told afterwards */
	bool synthetic; /* what is told now was learned by comparing */
	bool limited; /* NOTE_LIMIT has been given */
	bool unlinked; /* a claim beyond a link could not be taken */
	bool barred; /* some is DIR_UNREADABLE or DIR_UNSEEN */
	bool stirred; /* something was told since `quiet` was */
	bool failed; /* out of memory in the middle of telling */
	struct timespec now; /* when what is told now was read */

	uint32_t token; /* of our claims */
	struct claims_links links; /* those beyond symbolic links (-L) */

	struct buf name; /* names for event(), put together */

	/* Counters for SIGUSR1. */
	uint64_t nhints;
	uint64_t nevents;
	uint64_t noverflows;
	uint64_t nlooks;

	/* For progress. */
	uint64_t nlisted;
	uint64_t nnames;
};

/* A moment that is surely not later than any change of a file from now on, by
 * the clock that file systems use. */
struct timespec core_moment(void);

/* The scope of the tree that d is in. */
const struct scope *core_scope(const struct dir *d);

/* Opens the back ends: `first`, and polling behind it. Returns 0, or -1 with
 * errno. */
int core_open_sides(struct core *c, const struct backend_ops *first);
void core_close_sides(struct core *c);

/* As in backend.h, for both sides. What a side that is not exact says about
 * names becomes a doubt, or puts a scope in doubt, here already. */
int core_fill(struct core *c);
int core_next(struct core *c, struct hint *h);
/* Takes what the sides that are not exact have to say, and hands out nothing.
 * For one who is comparing, and has found something. */
void core_gather(struct core *c);
/* All that is looked at by the clock is due now: core_wait() says 0. */
void core_look_now(struct core *c);
/* So many milliseconds were spent in waiting for somebody. */
void core_waited(struct core *c, int64_t ms);
/* A look at d has found a change in it. */
void core_found(struct core *c, const struct dir *d);
/* Does the first side hold back hints for a moment? */
bool core_holds(const struct core *c);
/* Is it still to be handed out that this name in d was closed? */
bool core_closing(const struct core *c, const struct dir *d, const char *name,
    size_t len);
/* Milliseconds until there is something to do; -1 for never. */
int core_wait(struct core *c);
/* Will what happens in d be told by name, in order? Only then are there
 * pending hints about it. */
bool core_exact(const struct dir *d);

/* A watch on the open directory dirfd for interest; one mark for each
 * directory, however often it is asked for. Where the kernel does not watch it
 * it is polled (mark.why). The caller attaches a place or a post, or calls
 * core_unmark(). NULL with errno. */
struct mark *core_mark(struct core *c, int dirfd, uint64_t dev,
    unsigned interest);
/* The same for a directory that the first side watches for it already, as id.
 * Where that fails the watch has been ended. */
struct mark *core_mark_as(struct core *c, int id, unsigned interest);
/* The back end has ended it: detaches and frees it; what was attached is in
 * doubt. lost, unless NULL, is called for each place that is no top. */
void core_gone(struct core *c, struct mark *m,
    void (*lost)(struct core *c, struct dir *d));
/* Ends the watch when nothing is attached any more. */
void core_unmark(struct core *c, struct mark *m);
struct mark *core_find_mark(const struct core *c, int id);
/* What a directory in a tree is watched for, by the user's choices. */
unsigned core_interest(const struct core *c);

/* What is queued about the names in d, which is exact, is older than the
 * listing of it that follows: all but that there was something
 * (ENTRY_STIRRED). */
void core_forget_queued(struct core *c, struct dir *d);

void core_attach(struct mark *m, struct dir *d);
/* Ends d's being a place, and the watch with the last one. */
void core_detach(struct core *c, struct dir *d);

/* What a directory that lies this many levels below a root is claimed as. */
struct claim core_claim(const struct core *c, size_t levels);

/* Claims d, open as fd, which the claim on its root does not reach: a link
 * leads to it. As deep as it would be watched were the link in the root
 * itself, until d is forgotten. */
void core_claim_link(struct core *c, struct dir *d, int fd);

/* Before an entry is freed: detaches all below it and forgets descriptors and
 * doubts about it. */
void core_forget(struct core *c, struct entry *e);
/* The same for the content of a directory, itself included or not. */
void core_forget_below(struct core *c, struct dir *d, bool self);

/* A descriptor of d for looking at names in it, kept for the burst: the caller
 * does not close it. Only ever of the very directory that the index means:
 * ESTALE when another one is there now. Returns -1 with errno. */
int core_dirfd(struct core *c, struct dir *d);

/* Opens d anew by its whole name, with these open(2) flags. The caller closes
 * it. ESTALE as above, where d's identity is known. */
int core_open(struct core *c, const struct dir *d, int flags);
/* The same, by way of a descriptor that is at hand for its parent. */
int core_open_near(struct core *c, struct dir *d, int flags);

/* The descriptor that is kept for d, or -1. */
int core_kept_fd(struct core *c, const struct dir *d);

/* Gives fd, of d, to be kept for the burst. */
void core_keep_fd(struct core *c, struct dir *d, int fd);

/* Closes what is kept for d. */
void core_forget_fds(struct core *c, const struct dir *d);

/* The burst is over. Closes what was kept, since nothing is to keep a file
 * system busy while all is quiet; but not what is in the mount that the claim
 * on its root keeps busy anyway: whoever works there will do so again. */
void core_rest_fds(struct core *c);
/* Closes all: what leads where may have changed. */
void core_close_fds(struct core *c);

/* Forgets all doubts about d. */
void core_forget_doubted(struct core *c, const struct dir *d);
/* Forgets and frees a whole list of doubts. */
void core_forget_doubts(struct doubts *l);

/* Notes that the root of a scope is to be looked at again. */
void core_suspect(struct core *c, struct scope *s);

/* Notes that a name in d is to be looked at again; NULL: the names in d. Out
 * of memory, everything will be. */
void core_doubt(struct core *c, struct dir *d, const char *name);

/* Notes that the name of d itself, or the root that it is, is to be looked at
 * again. */
void core_doubt_place(struct core *c, struct dir *d);

/* The same for all that the stats of its entries can show. */
void core_doubt_look(struct core *c, struct dir *d);

/* Notes that a name in d (NULL: the names in d) is to be looked at after a
 * while, the interval of polling. */
void core_later(struct core *c, struct dir *d, const char *name);
/* Doubts those whose time has come. */
void core_now_later(struct core *c);

/* Notes that a name in d is to be looked at after so many milliseconds; while
 * that is done they are in core.delay. */
void core_retry(struct core *c, struct dir *d, const char *name, int delay);

/* Notes that all below d is to be compared; with content, since core.since. */
void core_doubt_below(struct core *c, struct dir *d, bool content);

void core_note(const struct core *c, enum watch_note note, const char *path,
    int error);
/* The same about a directory in a tree. */
void core_note_dir(struct core *c, enum watch_note note, const struct dir *d,
    int error);

#endif
