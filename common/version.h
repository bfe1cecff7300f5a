/*
 * What --version says: the version, what is built in, and what it was built
 * with.
 */
#ifndef VERSION_H
#define VERSION_H

struct buf;

/* Appends the lines of fswatch-events, and of fswrite, NUL-terminated. */
void version_watch(struct buf *b);
void version_write(struct buf *b);

#endif
