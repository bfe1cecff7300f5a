/*
 * The names in an open directory, as cheaply as the system
 * lets us have them.
 */
#ifndef DIRENTS_H
#define DIRENTS_H

#include <stdint.h>

struct dirent_line {
	const char *name; /* borrowed for the length of the call */
	unsigned char type; /* DT_REG and so on, or DT_UNKNOWN (readdir(3)) */
	uint64_t ino; /* that below a mount, for a mount point */
};

/* Calls each for every name in the directory fd, open for reading, but for
 * "." and "..". A return other than 0 ends it and is returned. Returns 0, or
 * -1 with errno. */
int dirents_each(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx);

#endif
