/*
 * A directory of its own for a test, with what is in it.
 *
 *	struct scratch s;
 *	scratch_open(&s);
 *	scratch_put(s.fd, "a", "content");
 *	ck_assert_str_eq(scratch_get(s.fd, "a"), "content");
 *	scratch_close(&s);
 *
 * Whatever goes wrong here fails the test (Check).
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

struct scratch {
	char path[64];
	int fd; /* of the directory */
};

void scratch_open(struct scratch *s);

/* Removes it with everything below. */
void scratch_close(struct scratch *s);

/* Makes or overwrites a file. */
void scratch_put(int dirfd, const char *name, const char *content);

/* A file's content as a string, NULL where there is no such file. Good until
 * SCRATCH_KEPT more have been read. */
#define SCRATCH_KEPT 8
char *scratch_get(int dirfd, const char *name);

/* Bytes of the file, -1 where there is none. */
long long scratch_size(int dirfd, const char *name);
bool scratch_has(int dirfd, const char *name);

/* How many names are in the directory. */
size_t scratch_count(int dirfd, const char *name);

/* Moves this process to a mount namespace of its own, in which it may mount:
 * as root at once, else through a user namespace in which it stays who it is.
 * What was open belongs to the mounts of before. False where that is not to be
 * had. */
bool scratch_mounts(void);

/* umount(2), once nobody is looking there. */
void scratch_umount(const char *path);

/* Moves this process to a user namespace of its own and sets one of its limits
 * (/proc/sys/user/NAME, see namespaces(7)). False where that is not to be
 * had. */
bool scratch_limit(const char *name, const char *value);

#endif
