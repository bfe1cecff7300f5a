/*
 * Directories opened, watched and listed ahead of those who take them into the
 * index, many at a time and by two threads, since nearly all that a scan costs
 * is the kernel's. The second thread knows only what it is asked for here.
 *
 *	a = ahead_new(ops, backend, interest, since);
 *	while (more)
 *		ahead_add(a, dir, at, path, dev, ino);
 *	ahead_run(a);
 *	while ((got = ahead_next(a)) != NULL)
 *		... got->dir; ahead_lines(got, each, ctx);
 *	ahead_free(a);
 *
 * Whatever is not plain (an error, a limit, another directory or file system
 * than was expected) is not had: who asked does it himself and finds out why.
 */
#ifndef AHEAD_H
#define AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "dirents.h"

struct backend;
struct backend_ops;
struct dir;

/* So many at a time. */
#define AHEAD_MAX 128

struct ahead;

struct ahead_dir {
	struct dir *dir; /* as given */
	uint64_t ino;
	int fd; /* open for reading; -1: it could not be had */
	int id; /* its watch's */
	bool whole; /* all names have been read from fd */
	const char *lines; /* those that have */
	size_t len;
};

/* For a back end that is exact, and whose add() may be called by two threads.
 * since: as for sync_compare(), or NULL. Returns NULL where nothing can be had
 * ahead. */
struct ahead *ahead_new(const struct backend_ops *ops, struct backend *b,
    unsigned interest, const struct timespec *since);

/* NULL is fine. */
void ahead_free(struct ahead *a);

/* Asks for the directory that path leads to from the directory `at`, both of
 * which stay as they are until ahead_run() returns: on the file system dev, and
 * with that inode number (0: any). A NULL path has it returned as not had.
 * At most AHEAD_MAX. */
void ahead_add(struct ahead *a, struct dir *dir, int at, const char *path,
    uint64_t dev, uint64_t ino);

/* Each directory is watched before it is listed. */
void ahead_run(struct ahead *a);

/* The next one, in the order they were asked for; NULL after the last. It is
 * valid until ahead_add(); its fd and its watch are the caller's. */
struct ahead_dir *ahead_next(struct ahead *a);

/* dirents_each() for one that was had, the rest being read from its fd. The
 * lines of regular files say whether those are as old as ahead_new() was told
 * (dirent_line.old). */
int ahead_lines(const struct ahead_dir *got,
    int (*each)(void *ctx, const struct dirent_line *line), void *ctx);

#endif
