/*
 * File systems on which a kernel does not tell of all changes, because they
 * are made elsewhere or by the kernel itself: those of a network, of a user's
 * program (FUSE), of a virtual machine's host (9p), and pseudo file systems.
 */
#ifndef REMOTE_H
#define REMOTE_H

/* What such a file system is called in messages ("nfs", "fuse", "proc"), where
 * fd is on one; NULL where it is on another, or nobody can say. */
const char *remote_kind(int fd);

#endif
