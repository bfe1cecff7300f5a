/*
 * From a path below the root to the open directory or file that it leads to:
 * found once and kept open (handles.h), looked at again in each batch, made
 * where it is missing, and never where the loop check says no.
 *
 *	struct paths p;
 *	paths_init(&p, rootfd, &options);
 *	dir = paths_parent(&p, "a/b", 3, true, &name);	a/ open, name "b"
 *	...
 *	handles_unpin(dir);
 *	h = paths_file(&p, "a/b", 3, -1);		b open for appending
 *	paths_batch(&p);				another batch begins
 *
 * Functions that fail leave an errno, or EINVAL and the reason in .why.
 */
#ifndef PATHS_H
#define PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "beneath.h"

struct durable;
struct handle;
struct handles;
struct stat;
struct why;

/* What paths_init() takes; all pointers are borrowed. */
struct paths_options {
	struct handles *handles;
	struct durable *durable;
	struct why *why;
	unsigned below; /* flags for beneath_init() */
	bool walled; /* the kernel itself refuses what is outside */

	/* May name be made, written or removed in the directory? See
	 * apply.h. */
	int (*may)(void *ctx, int dirfd, const char *name, bool *every_name,
	    char *why, size_t why_size);
	void *ctx;
};

struct paths {
	struct paths_options o;
	struct beneath below;
	struct handle *root;
	uint64_t batch; /* number of the batch, from 1 */
};

/* Borrows rootfd. Returns 0, or -1 with errno. The handles are not freed
 * here. */
int paths_init(struct paths *p, int rootfd, const struct paths_options *o);

/* A new batch: all names have to be looked at anew. */
void paths_batch(struct paths *p);

/* The last name in a path, and how long the path of its directory is. */
const char *paths_name(const char *path, size_t len, size_t *dir_len);

/* The directory with the first len bytes of path as its path; make: with all
 * its parents it is made if it is not there. NULL with errno. */
struct handle *paths_dir(struct paths *p, const char *path, size_t len,
    bool make);

/* The directory that a path's last name is in, pinned, and that name; the
 * loop check has passed. path[len] is a NUL. */
struct handle *paths_parent(struct paths *p, const char *path, size_t len,
    bool make, const char **name);

/* The open file that is appended to. It is made where there is none, with this
 * mode (-1: 0666 and the umask). One whose name leads to another file by now
 * (logrotate) is opened anew. */
struct handle *paths_file(struct paths *p, const char *path, size_t len,
    int mode);

/* Opens by its name what a handle of a file has open already, and gives it to
 * the handle: after ESTALE. */
void paths_refresh(struct paths *p, struct handle *h);

/* beneath_open_regular() that makes room when descriptors run out. */
int paths_open_regular(struct paths *p, struct handle *dir, const char *name,
    int flags, struct stat *st);

/* Acknowledging that something has been there before promises that it, and
 * each directory on the way to it, is on the disk: all those are due. Returns
 * 0, or -1 with errno. */
int paths_due_way(struct paths *p, const char *path, size_t len);

/* After EMFILE or ENFILE: closes some. Is it worth another try? */
bool paths_shrink(struct paths *p);

/* Sets .why for what is no regular file, or has other hard links. Return -1. */
int paths_not_regular(struct paths *p, mode_t mode);
int paths_linked(struct paths *p);

#endif
