/*
 * The names in an open directory, as cheaply as the system
 * lets us have them.
 */
#ifndef DIRENTS_H
#define DIRENTS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct dirent_line {
	const char *name; /* borrowed for the length of the call */
	unsigned char type; /* DT_REG and so on, or DT_UNKNOWN (readdir(3)) */
	bool old; /* dirents_age() has found it so */
	uint64_t ino; /* that below a mount, for a mount point */
};

/* Calls each for every name in the directory fd, open for reading, but for
 * "." and "..". A return other than 0 ends it and is returned. Returns 0, or -1
 * with errno. */
int dirents_each(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx);

/* The same in steps: reads names into buf, which lies at a multiple of eight
 * and has room for the longest at least. Returns the bytes read, 0 at the end,
 * or -1 with errno: ENOTSUP where there is no such thing. */
ssize_t dirents_read(int fd, char *buf, size_t size);
/* dirents_each() for what has not been read yet. */
int dirents_rest(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx);
/* Of what was read, notes which regular files have a change time older than
 * since. */
void dirents_age(int fd, char *buf, size_t len, const struct timespec *since);
/* Calls each for every name in what was read, as dirents_each(). */
int dirents_lines(const char *buf, size_t len,
    int (*each)(void *ctx, const struct dirent_line *line), void *ctx);

#endif
