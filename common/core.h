/*
 * What the rooms of the watching side share: the choices of the user, the
 * back end, the marks (one for each directory the kernel watches, with all
 * its places in the trees), descriptors of directories for as long as a burst
 * lasts, and the list of names that have to be looked at again.
 */
#ifndef CORE_H
#define CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "event.h"
#include "watch_options.h"

struct backend;
struct backend_ops;
struct dir;
struct entry;

/* Things a person should know, that are no events. */
enum watch_note {
	NOTE_WAITING, /* a root is not there yet (--wait) */
	NOTE_LOST, /* a root went away */
	NOTE_FOUND, /* and came back */
	NOTE_UNREADABLE, /* a directory may not be read: error */
	NOTE_LIMIT, /* no more watches: error, polled from here on */
	NOTE_LOOP, /* a symbolic link leads to a directory above it */
	NOTE_OVERFLOW, /* the kernel dropped events */
	NOTE_UNTAKEN, /* a claim could not be taken: error */
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
};

/* What a tree is of; the owner of its top (tree_owner()). The first member
 * of struct root. */
struct scope {
	const char *path; /* as the user typed it */
	const char *dir_path; /* how its top is opened */
	const char *only; /* where the root is no directory: its name */
	uint64_t dev; /* the top's file system */
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

/* A directory that the kernel watches. */
struct mark {
	int id;
	unsigned interest;
	struct dir *places; /* linked by next_place */
	struct post *posts; /* linked by next */
	struct mark *chain; /* of the same hash */
};

/* Something to be looked at again when nothing is pending any more. */
struct doubt {
	struct dir *dir; /* NULL: gone meanwhile */
	char *name; /* NULL: its names */
	bool deep; /* and all below it */
	bool content; /* and content, since core.since */
	int delay; /* milliseconds it has waited before; 0: not at all */
	int64_t due; /* core_now_ms(), in core.later */
};

#define CORE_FDS 16

struct core {
	const struct watch_config *cfg;
	const struct backend_ops *ops;
	struct backend *b;

	struct mark **marks; /* hash table by id */
	size_t nmarks;
	size_t cap_marks;

	struct {
		struct dir *dir;
		int fd;
		uint64_t used;
	} fds[CORE_FDS];
	uint64_t fd_clock;

	struct doubt *doubts;
	size_t ndoubts;
	size_t cap_doubts;
	struct doubt *later; /* names that have to wait for a time */
	size_t nlater;
	size_t cap_later;
	int delay; /* of the doubt that is looked at now */

	/* The second half of an exchange that has been told whole: a rename
	 * from (id, name) to (to_id, to_name). id -1: none. */
	struct {
		int id;
		int to_id;
		char name[256];
		char to_name[256];
	} inverse;

	struct timespec since; /* of the comparison after the last overflow */
	bool closing; /* all watches end together, with the back end */
	bool suspects; /* some scope is suspect */
	bool resync; /* everything has to be compared */
	bool synthetic; /* what is told now was learned by comparing */
	bool limited; /* NOTE_LIMIT has been given */
	bool unmarked; /* some directory is entered without a mark */
	bool barred; /* some is DIR_UNREADABLE or DIR_UNSEEN */
	bool stirred; /* something was told since `quiet` was */
	struct timespec now; /* when what is told now was read */

	struct buf name; /* names for event(), put together */

	/* Counters for SIGUSR1. */
	uint64_t nhints;
	uint64_t nevents;
	uint64_t noverflows;
	uint64_t nlooks;
};

int64_t core_now_ms(void);

/* The scope of the tree that d is in. */
const struct scope *core_scope(const struct dir *d);

/* The kernel's watch on the open directory dirfd for interest; one mark for
 * each directory, however often it is asked for. The caller attaches a place
 * or a post, or calls core_unmark(). NULL with errno. */
struct mark *core_mark(struct core *c, int dirfd, unsigned interest);
/* Ends the watch when nothing is attached any more. */
void core_unmark(struct core *c, struct mark *m);
struct mark *core_find_mark(const struct core *c, int id);
/* The kernel has ended it: takes it out of the table; the caller has detached
 * everything and frees it. */
void core_drop_mark(struct core *c, struct mark *m);

/* What a directory in a tree is watched for, by the user's choices. */
unsigned core_interest(const struct core *c);

void core_attach(struct mark *m, struct dir *d);
/* Ends d's being a place, and the watch with the last one. */
void core_detach(struct core *c, struct dir *d);

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

/* Gives fd, of d, to be kept for the burst. */
void core_keep_fd(struct core *c, struct dir *d, int fd);

/* Closes what was kept: nothing keeps a file system busy while all is
 * quiet. */
void core_close_fds(struct core *c);

/* Notes that the root of a scope is to be looked at again. */
void core_suspect(struct core *c, struct scope *s);

/* Notes that a name in d is to be looked at again; NULL: the names in d. Out
 * of memory, everything will be. */
void core_doubt(struct core *c, struct dir *d, const char *name);

/* The same, but not before so many milliseconds have passed. */
void core_doubt_later(struct core *c, struct dir *d, const char *name,
    int delay);

/* Those whose time has come are doubts from now on. Returns in how many
 * milliseconds the next one is due, -1 for never. */
int core_ripen(struct core *c);

/* Frees all doubts. */
void core_free_doubts(struct core *c);

/* Notes that all below d is to be compared; with content, since core.since. */
void core_doubt_below(struct core *c, struct dir *d, bool content);

void core_note(const struct core *c, enum watch_note note, const char *path,
    int error);
/* The same about a directory in a tree. */
void core_note_dir(struct core *c, enum watch_note note, const struct dir *d,
    int error);

#endif
