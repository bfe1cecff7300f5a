/*
 * What the index keeps of files where no kernel tells by name what happens to
 * them (DIR_STATS): size, times, mode and owner, as far as is needed to see by
 * a look that something has changed.
 *
 *	e = looks_take(c, d, fd, e, true);	now, for later
 *	looks_compare(c, d, fd, e);		tells what has changed since
 */
#ifndef LOOKS_H
#define LOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct dir;
struct entry;
struct entry_stat;
struct event_stat;

/* What is under a name in the open directory fd: its stat, or with -L, where it
 * is a link to a directory, that directory's (and *link). Returns 0, or -1
 * with errno. */
int looks_classify(const struct core *c, int fd, const char *name,
    struct event_stat *st, bool *link);

/* What the kernel says of a name in the directory fd can be read when this
 * returns, for all that a look before has seen: a name is there a moment before
 * that is said. */
void looks_wait(int fd);

/* Is that the thing the index has? True also where the index never saw its
 * inode number. */
bool looks_same(const struct entry *e, const struct event_stat *st);

/* What is seen of a thing. */
struct entry_stat looks_digest(const struct event_stat *st);

/* Is it not the one that was born then (entry_stat.born), though it has its
 * number? Numbers are used again at once. */
bool looks_reborn(uint32_t born, const struct event_stat *st);

/* Takes down what is under the name of e, which is in d if linked is set, or
 * to come there; d is open as fd. From here on the back end tells of it.
 * Nothing where d has no DIR_STATS. The entry may be another one afterwards:
 * returns it. */
struct entry *looks_take(struct core *c, struct dir *d, int fd, struct entry *e,
    bool linked);

/* Compares the entry e of d with what is under its name, and tells the
 * difference, if it is still the same thing. Returns whether there was one.
 * Where hints tell by name what happens in d by now this look is the last one:
 * what was kept is let go. */
bool looks_compare(struct core *c, struct dir *d, int fd, struct entry *e);

/* What has the name of e is not what the index has: nobody may be telling of
 * the latter any more. If it comes back to its name, which the directory's own
 * hints tell, it is looked at, and watched, then. */
void looks_adrift(struct entry *e);

/* e, now in d, has been told as renamed. It was like that, as far as is known,
 * and has been seen like this under its new name: tells what else has
 * changed. */
void looks_moved(struct core *c, struct dir *d, struct entry *e,
    const struct entry_stat *was, const struct entry_stat *seen);

#endif
