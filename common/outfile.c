#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "compat_write.h"

#define OUTFILE_PREFIX	   ".fswrite-"
#define OUTFILE_PREFIX_LEN (sizeof(OUTFILE_PREFIX) - 1)
#define OUTFILE_HEX	   16
#define OUTFILE_NAME_SIZE  (OUTFILE_PREFIX_LEN + OUTFILE_HEX + 1)

/* How long another process may keep the temporary name: 5 seconds. */
#define OUTFILE_TRIES 2500
#define OUTFILE_PAUSE 2000000 /* nanoseconds */

struct outfile {
	int dirfd;
	int fd;
	bool replaces;
	char tmp[OUTFILE_NAME_SIZE]; /* empty: the file has no name */
	char name[];
};

bool
outfile_is_temporary(const char *name, size_t len)
{
	size_t i;

	if (len != OUTFILE_PREFIX_LEN + OUTFILE_HEX ||
	    memcmp(name, OUTFILE_PREFIX, OUTFILE_PREFIX_LEN) != 0)
		return false;
	for (i = OUTFILE_PREFIX_LEN; i < len; i++)
		if (strchr("0123456789abcdef", name[i]) == NULL)
			return false;
	return true;
}

/* FNV-1a, 64 bits: two targets in one directory that meet in one name would
 * only wait for each other. */
static void
outfile_derive(char tmp[OUTFILE_NAME_SIZE], const char *name)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	memcpy(tmp, OUTFILE_PREFIX, OUTFILE_PREFIX_LEN);
	for (i = OUTFILE_NAME_SIZE - 2; i >= OUTFILE_PREFIX_LEN; i--, h >>= 4)
		tmp[i] = "0123456789abcdef"[h & 0xf];
	tmp[OUTFILE_NAME_SIZE - 1] = '\0';
}

static struct outfile *
outfile_alloc(int dirfd, const char *name)
{
	struct outfile *f;
	size_t size = strlen(name) + 1;

	f = malloc(sizeof(*f) + size);
	if (f == NULL)
		return NULL;
	memset(f, 0, sizeof(*f));
	f->dirfd = dirfd;
	f->fd = -1;
	memcpy(f->name, name, size);
	return f;
}

/* Does the temporary name still lead to this open file? */
static bool
outfile_named(const struct outfile *f, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
	    fstatat(f->dirfd, f->tmp, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Something has the temporary name. If a process is at work on it there is a
 * lock: then EAGAIN. Else it was left behind and is removed. */
static int
outfile_clear(const struct outfile *f)
{
	struct beneath b;
	struct stat st;
	int fd, saved, rc = -1;

	beneath_init(&b, f->dirfd, BENEATH_MOUNTS);
	fd = beneath_open_regular(&b, f->dirfd, f->tmp, O_RDONLY, &st);
	/* It has the mode of its target: any way to open it will do. */
	if (fd == -1 && errno == EACCES)
		fd = beneath_open_regular(&b, f->dirfd, f->tmp, O_WRONLY, &st);
	if (fd == -1 && errno == ENOENT)
		return 0; /* what has the name from now on is in use */
	if (fd == -1 && errno != ELOOP && errno != EINVAL && errno != EACCES)
		return -1;
	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1)
		goto out;
	if (fd != -1 && !outfile_named(f, fd)) {
		errno = EAGAIN;
		goto out;
	}
	rc = unlinkat(f->dirfd, f->tmp, 0);
	if (rc == -1 && errno == ENOENT)
		rc = 0;
out:
	saved = errno;
	if (fd != -1)
		(void)close(fd);
	errno = saved;
	return rc;
}

/* Makes the file under its temporary name, and locks it; *st is what it is. */
static int
outfile_make(struct outfile *f, mode_t mode, struct stat *st)
{
	const struct timespec pause = {0, OUTFILE_PAUSE};
	int tries, fd;

	outfile_derive(f->tmp, f->name);
	for (tries = 0; tries < OUTFILE_TRIES; tries++) {
		fd = openat(f->dirfd, f->tmp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd != -1) {
			/* Between the two calls another process may take it
			 * for left behind: then it has no name now. */
			f->fd = fd;
			if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
				if (fstat(fd, st) == 0 && st->st_nlink > 0)
					return 0;
			} else if (errno != EWOULDBLOCK) {
				/* No locks here: it is ours to remove. */
				return -1;
			}
			f->fd = -1;
			(void)close(fd);
			continue;
		}
		if (errno != EEXIST)
			break;
		if (outfile_clear(f) == 0)
			continue;
		if (errno != EAGAIN)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (tries == OUTFILE_TRIES)
		errno = EBUSY;
	f->tmp[0] = '\0';
	return -1;
}

/* A directory that somebody has removed: unnamed files in it fail in ways that
 * differ from one file system to the next (EPERM). */
static bool
outfile_gone(int dirfd)
{
	struct stat st;

	return fstat(dirfd, &st) == 0 && st.st_nlink == 0;
}

struct outfile *
outfile_new(int dirfd, const char *name, mode_t mode)
{
	struct outfile *f;
	struct stat st;

	f = outfile_alloc(dirfd, name);
	if (f == NULL)
		return NULL;
	f->fd = compat_open_unnamed(dirfd, mode);
	if (f->fd != -1)
		return f;
	if (errno == EPERM && outfile_gone(dirfd))
		errno = ENOENT;
	/* File systems without unnamed files say EOPNOTSUPP; kernels without
	 * take the flag for O_DIRECTORY and say EISDIR or EINVAL. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL ||
	    errno == ENOSYS)
		if (outfile_make(f, mode, &st) == 0)
			return f;
	outfile_abort(&f);
	return NULL;
}

/* Owner, group and mode of the file that is replaced. Set-user-id and its like
 * go: the content is another one. Where the group can not be had nobody may do
 * more than both the old one and all others might. */
static int
outfile_inherit(const struct outfile *f, const struct stat *is,
    const struct stat *old)
{
	mode_t mode = old->st_mode & 0777, both = mode >> 3 & mode & 7;
	bool root;

	if (is->st_uid != old->st_uid || is->st_gid != old->st_gid) {
		root = geteuid() == 0;
		if (fchown(f->fd, root ? old->st_uid : (uid_t)-1,
			old->st_gid) == -1) {
			if (root)
				return -1;
			mode = (mode & 0700) | both << 3 | both;
		}
	} else if ((is->st_mode & 07777) == mode)
		return 0;
	return fchmod(f->fd, mode);
}

struct outfile *
outfile_replacement(int dirfd, const char *name, const struct stat *old)
{
	mode_t mode = old->st_mode & 0777;
	struct outfile *f;
	struct stat st;

	f = outfile_alloc(dirfd, name);
	if (f == NULL)
		return NULL;
	f->replaces = true;
	/* Before it is as the old one nobody may open it who might not open
	 * that. Where it does not matter which group is whose, and it is ours
	 * already, it may be born so. */
	if (old->st_uid != geteuid() || (mode >> 3 & 7) != (mode & 7))
		mode = S_IRUSR | S_IWUSR;
	if (outfile_make(f, mode, &st) == -1 ||
	    outfile_inherit(f, &st, old) == -1)
		outfile_abort(&f);
	return f;
}

int
outfile_fd(const struct outfile *f)
{
	return f->fd;
}

int
outfile_write(struct outfile *f, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(f->fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Gives the unnamed file its name. Without /proc only who may read everything
 * (CAP_DAC_READ_SEARCH) or a new kernel can do it by descriptor. */
static int
outfile_link(const struct outfile *f)
{
	char name[COMPAT_FDNAME_SIZE];

	if (linkat(AT_FDCWD, compat_fdname(name, f->fd), f->dirfd, f->name,
		AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	return compat_link_fd(f->fd, f->dirfd, f->name);
}

/* Gives the file with the temporary name its own, if nothing has that. */
static int
outfile_rename_new(struct outfile *f)
{
	if (compat_rename_new(f->dirfd, f->tmp, f->dirfd, f->name) == 0) {
		f->tmp[0] = '\0';
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* The temporary name goes in outfile_abort. */
	return linkat(f->dirfd, f->tmp, f->dirfd, f->name, 0);
}

int
outfile_commit(struct outfile **fp)
{
	struct outfile *f = *fp;
	int rc, saved;

	if (f->tmp[0] == '\0')
		rc = outfile_link(f);
	else if (!f->replaces)
		rc = outfile_rename_new(f);
	else {
		rc = renameat(f->dirfd, f->tmp, f->dirfd, f->name);
		if (rc == 0)
			f->tmp[0] = '\0';
	}
	saved = errno;
	outfile_abort(fp);
	errno = saved;
	return rc;
}

void
outfile_abort(struct outfile **fp)
{
	struct outfile *f = *fp;
	int saved = errno;

	if (f == NULL)
		return;
	if (f->tmp[0] != '\0')
		(void)unlinkat(f->dirfd, f->tmp, 0);
	if (f->fd != -1)
		(void)close(f->fd);
	free(f);
	*fp = NULL;
	errno = saved;
}
