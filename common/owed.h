/*
 * --content on the way from the index to an event. What is told is what is
 * under the name when the line is made, which may be later than the hint (a
 * slow reader): so it is read only where the index and the disk still mean
 * the same file, and the event is told without content where they do not, or
 * where somebody is writing. Then the content is owed: the entry is marked,
 * keeps its mark when it is renamed, and the content is told by one more
 * event, of the first kind that is chosen of modified, complete and closed,
 * as soon as the file is closed, or nothing is pending any more. In the same
 * way `complete` can be owed, with or without content.
 */
#ifndef OWED_H
#define OWED_H

struct content;
struct core;
struct dir;
struct entry;
struct event;

/* Adds the content to an event that carries one; top is that of the event's
 * root. ev then borrows from room. */
void owed_read(struct core *c, struct dir *top, struct event *ev,
    struct content *room);

/* e was closed after writing, but what is there could not be looked at: most
 * likely its directory is at another place already. It is told as complete
 * where it is then. */
void owed_closed(struct core *c, struct dir *d, struct entry *e);

/* Tells what is owed of e, which is in d, where nobody is writing it. Linux
 * says that a file was closed a moment before it counts as closed. So where
 * somebody seems to be writing it is tried again, after a longer delay each
 * time (delay: the last one, in milliseconds; 0: none); after some time it is
 * somebody else who writes, and whose closing will be told. */
void owed_pay(struct core *c, struct dir *d, struct entry *e, int delay);

/* What was told of the content of e, which is in d, may have been another
 * file's. Where `modified` is chosen, that has just told it. */
void owed_again(struct core *c, struct dir *d, struct entry *e);

/* Whatever has been written to e lately may not have been heard of. The caller
 * doubts its name. */
void owed_unheard(struct entry *e);

/* e is at another place now: nothing that is pending leads to it there. */
void owed_moved(struct core *c, struct dir *d, const struct entry *e);

#endif
