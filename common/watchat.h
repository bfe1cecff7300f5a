/*
 * inotify(7) takes paths only, and a path may lead elsewhere by the time it is
 * used: this watches the very directory that a descriptor refers to.
 */
#ifndef WATCHAT_H
#define WATCHAT_H

#include <stdint.h>

/* inotify_add_watch(2) for the directory dirfd. Returns the watch's number, or
 * -1 with errno. */
int watchat(int inotify, int dirfd, uint32_t mask);

#endif
