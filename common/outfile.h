/*
 * A file that is not there yet: it gets its name when it is whole, or never.
 *
 *	struct outfile *f = outfile_new(dirfd, "name", 0666);
 *	if (outfile_write(f, data, len) == -1)
 *		outfile_abort(&f);
 *	else
 *		outfile_commit(&f);
 *
 * A new file has no name at all while it is written (O_TMPFILE, linkat(2));
 * where the file system has no such files, and for one that replaces another,
 * it has a name derived from its target in the same directory, locked
 * (flock(2)) while in use. So a killed process leaves at most one such name a
 * target, and the next one that writes this target removes it.
 *
 * All names are single names; dirfd is borrowed until the end.
 */
#ifndef OUTFILE_H
#define OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct outfile;
struct stat;

/* A file that will be new: outfile_commit fails with EEXIST where there is
 * something of this name by then. mode as for open(2), with the umask.
 * NULL with errno on failure (EBUSY: another process is at it). */
struct outfile *outfile_new(int dirfd, const char *name, mode_t mode);

/* One that will replace what has the name and is *old, atomically. It has that
 * one's mode (without set-user-id and its like) and, for root, its owner; its
 * group where that is allowed; else group and others may do only what both
 * might. Nobody can open it who could not open that. */
struct outfile *outfile_replacement(int dirfd, const char *name,
    const struct stat *old);

/* Borrowed; for fchmod(2) and fdatasync(2). */
int outfile_fd(const struct outfile *f);

/* Writes all of it. Returns 0, or -1 with errno. */
int outfile_write(struct outfile *f, const void *data, size_t len);

/* Gives the file its name. The directory is not synced. Returns 0, or -1 with
 * errno and nothing changed; frees *f and makes it NULL in either case. */
int outfile_commit(struct outfile **f);

/* Forgets it; *f may be NULL and is afterwards. */
void outfile_abort(struct outfile **f);

/* Is this one of the names used here while files are written? */
bool outfile_is_temporary(const char *name, size_t len);

#endif
