/*
 * The index: what has been told. Names, types and inode numbers of what is
 * watched, few bytes an entry. It knows no kernel and makes no events.
 *
 * An entry is a name in a directory; the entry of a directory leads to a
 * struct dir, which holds the entries in it. The top of a tree is a dir
 * without an entry. Moving a directory moves all below it and costs the same
 * however much that is, because children know their parent by pointer and a
 * path is put together only when it is asked for.
 *
 *	top = tree_top(pool, root);
 *	e = tree_new(pool, "a", 1, EVENT_DIR, 0);	not yet in a directory
 *	tree_link(top, e);
 *	tree_link(e->dir, tree_new(pool, "b", 1, EVENT_FILE, 12));
 *	tree_name(e->dir, "b", 1, &buf);	"a/b"
 *	tree_unlink(top, e);
 *	tree_free(e);				and all below
 *
 * Functions that allocate return NULL or -1 with ENOMEM. All else cannot fail.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"

struct buf;
struct mark;
struct pool;

/* Flags of an entry. */
#define ENTRY_SEEN   0x01 /* sync: met in the listing at hand */
#define ENTRY_GONE   0x02 /* sync: not met */
#define ENTRY_MOVING 0x04 /* sync: met elsewhere */
/* Before it is looked for in a listing: more has happened to it than its being
 * there will tell. */
#define ENTRY_STIRRED ENTRY_GONE
#define ENTRY_SYNC    (ENTRY_SEEN | ENTRY_GONE | ENTRY_MOVING)
#define ENTRY_STAT    0x08 /* it has a struct entry_stat: tree_stat() */
#define ENTRY_OPEN    0x10 /* its content may not be complete yet */
#define ENTRY_DUE     0x20 /* time to ask whether it is */
#define ENTRY_OWED    0x40 /* its content has to be told yet (owed.h) */
#define ENTRY_CLOSED  0x80 /* and that it is complete */

/* Its content is another one than what the rest is about. */
#define ENTRY_WRITTEN INT64_MIN

#define ENTRY_BORN_BITS 23

/* What is known of a file where no kernel tells of its changes. */
struct entry_stat {
	uint64_t size;
	int64_t mtime; /* nanoseconds since the epoch, or ENTRY_WRITTEN */
	int64_t ctime;
	uint32_t attrs; /* a digest of mode and owner; 0: nothing is known */
	/* one of its birth; 0: that is not known */
	uint32_t born : ENTRY_BORN_BITS;
	uint32_t adrift : 1; /* nobody tells of it: to be looked at */
	uint32_t nlink : 8; /* the low bits */
};

struct entry {
	union {
		uint64_t ino; /* 0: never seen */
		struct dir *dir; /* type EVENT_DIR: never NULL */
	};
	uint8_t type; /* enum event_type */
	uint8_t flags;
	uint8_t len; /* bytes of name, at most 255 (NAME_MAX) */
	char name[]; /* NUL-terminated */
};

/* Flags of a directory. */
#define DIR_ENTERED    0x01U /* its names are in the index */
#define DIR_LINK       0x02U /* reached through a symbolic link (-L) */
#define DIR_UNREADABLE 0x04U /* may not be read: tried again on chmod */
#define DIR_STATS      0x08U /* its entries have a struct entry_stat */
#define DIR_LOOK       0x10U /* sync: to be compared with those */
#define DIR_UNSEEN     0x20U /* a name in it may not be looked at: likewise */
#define DIR_LOOP       0x40U /* leads to one above it: that has been said */
#define DIR_QUEUED     0x80U /* sync: about to be listed */

struct dir {
	struct dir *parent; /* NULL for a top */
	struct entry *self; /* NULL for a top */
	struct entry **slot; /* the entries; see tree.c */
	uint32_t count;
	uint32_t cap;
	uint64_t dev; /* identity, once it has been opened */
	uint64_t ino; /* 0: never opened */
	struct mark *mark; /* the kernel's watch on it, or NULL */
	struct dir *next_place; /* the next place of the same mark */
	unsigned flags;
	/* As in struct entry_stat, where its parent has those. */
	uint32_t attrs;
	uint32_t born;
};

/* A tree of its own. Trees between which entries move are of one pool. */
struct dir *tree_top(struct pool *pool, void *owner);
/* Frees the top with all below it. NULL is fine. */
void tree_free_top(struct dir *top);

/* The owner given to tree_top() for the tree that d is in. */
void *tree_owner(const struct dir *d);

/* An entry that is in no directory yet; a directory's struct dir comes with
 * it, empty. len is at most 255. */
struct entry *tree_new(struct pool *pool, const char *name, size_t len,
    enum event_type type, uint64_t ino);
/* Frees an entry that is in no directory, with all below it. */
void tree_free(struct entry *e);

/* What is known of an entry, to be read and changed, or NULL where it has no
 * such thing: so it is at first, and with directories always. */
struct entry_stat *tree_stat(struct entry *e);
/* Gives it one, of which nothing is known. e is no directory, and in d, or, d
 * being NULL, in none. It may be another one afterwards: returns it, or NULL,
 * and then nothing has changed. */
struct entry *tree_widen(struct dir *d, struct entry *e);

/* The entry of this name, or NULL. */
struct entry *tree_find(const struct dir *d, const char *name, size_t len);

/* The entry with this name below top ("a/b") and, with it, the directory it is
 * in; or NULL. */
struct entry *tree_at(struct dir *top, const char *name, struct dir **ret_dir);

/* Puts an entry in a directory that has none of its name. On failure
 * nothing has changed. */
int tree_link(struct dir *d, struct entry *e);
/* Frees all that is below d, which stays, empty. */
void tree_free_below(struct dir *d);

/* Empties d without freeing what was in it. */
void tree_clear(struct dir *d);

/* Takes it out again; it stays allocated. */
void tree_unlink(struct dir *d, struct entry *e);

/* Moves an entry to another directory or name, which must be free. The entry
 * may be another one afterwards: returns it, or NULL, and then nothing has
 * changed. */
struct entry *tree_move(struct dir *from, struct entry *e, struct dir *to,
    const char *name, size_t len);

/* Swaps two entries of different names or directories, none of which is
 * below the other. Their objects change places, with what is known of them;
 * the entries keep their names. */
void tree_exchange(struct dir *da, struct entry *a, struct dir *db,
    struct entry *b);

/* The entry at *pos or behind it, or NULL; *pos starts as 0 and is counted
 * up. The directory may not be changed meanwhile, but for unlinking the entry
 * just returned, after which *pos has to be counted down by one. */
struct entry *tree_next(const struct dir *d, uint32_t *pos);

/*
 * A walk through all below a directory, parents first, without recursion:
 *
 *	struct walk w = WALK(dir);
 *	while ((e = tree_walk(&w)) != NULL)
 *		... e in w.in
 *
 * The tree may not be changed meanwhile. Setting w.into to NULL leaves out
 * what is below the entry just returned.
 */
struct walk {
	struct dir *top;
	struct dir *in; /* the directory of the entry just returned */
	struct dir *into; /* where the walk goes on, if not in `in` */
	uint32_t pos;
};

#define WALK(dir)                      \
	{                              \
		(dir), (dir), NULL, 0, \
	}

struct entry *tree_walk(struct walk *w);

/* All entries, in an array of d->count that the caller frees; NULL for none
 * (and, with ENOMEM, on failure). For walks that change the directory. */
struct entry **tree_list(const struct dir *d);

/* Is d the directory `above` or somewhere below it? */
bool tree_below(const struct dir *d, const struct dir *above);

/* The number of components of a name in d: 1 in a top. */
size_t tree_level(const struct dir *d);

/* Sets b to the name, below the top, of an entry in d: "a/b". With a NULL
 * name that of d itself ("" for a top). NUL-terminated, not counted. */
void tree_name(const struct dir *d, const char *name, size_t len,
    struct buf *b);

#endif
