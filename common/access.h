/*
 * The way into a directory: it is opened, and watched, before it is listed.
 * Where that may not or cannot be (permissions, limits, another file system, a
 * loop of links), what follows from it is seen to here.
 */
#ifndef ACCESS_H
#define ACCESS_H

struct core;
struct dir;

/* Opens d to be listed; the descriptor is the caller's. -1 with errno: it
 * cannot be, which has been noted, and will be tried again where it may
 * change. */
int access_open(struct core *c, struct dir *d);

/* Has d, open as fd, watched, unless it is already, as id (-1: it is not).
 * Where it can be neither watched nor polled it is looked at again later.
 * Returns NULL, or the place of that very directory elsewhere in the index,
 * which has moved here: then d has not been attached. */
struct dir *access_watch(struct core *c, struct dir *d, int fd, int id);

/* d (DIR_UNREADABLE), or something in it (DIR_UNSEEN), may not be looked at.
 * That ends with a change of the mode of d or of a directory above it, which
 * shows in its parent. */
void access_bar(struct core *c, struct dir *d, unsigned flag);

#endif
