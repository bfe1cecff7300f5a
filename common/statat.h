/*
 * What is there under a name, below an open directory.
 */
#ifndef STATAT_H
#define STATAT_H

#include <stdbool.h>

struct event_stat;

/* statx(2) of name below dirfd, not following a symbolic link unless follow.
 * An empty name asks for dirfd itself. Returns 0, or -1 with errno. */
int stat_at(int dirfd, const char *name, bool follow, struct event_stat *st);

#endif
