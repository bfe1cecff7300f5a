/*
 * The kernel's own wall: from here on this process can change files below one
 * directory only. Reading is as it was, and so are descriptors that are
 * already open. sandbox_landlock.c does it with landlock(7), sandbox_none.c
 * is for systems without; the Makefile chooses.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

/* Forbids this process for good to make, change, rename or remove anything
 * that is not below rootfd. moves: files will be renamed from one directory
 * to another. Returns 0, or -1 with errno and nothing changed (ENOSYS,
 * EOPNOTSUPP: this kernel can not, or can not with moves; EPERM: we may not):
 * then the path walk is the only wall. */
int sandbox_writer(int rootfd, bool moves);

#endif
