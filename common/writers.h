/*
 * Is a file open for writing? Asked of the kernel by trying for a read lease
 * (fcntl(2), F_SETLEASE), which is granted only where nobody has the file open
 * for writing, and given back at once. The process must ignore SIGIO, which
 * says that somebody wants the lease broken.
 */
#ifndef WRITERS_H
#define WRITERS_H

/* Returns 1 when somebody has the regular file open for writing, 0 when
 * nobody has, -1 when it cannot be told (another user's file, a file system
 * without leases, a file that is gone). */
int writers_at(int dirfd, const char *name);

#endif
