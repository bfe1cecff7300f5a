#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat_write.h"
#include "durable.h"
#include "handles.h"
#include "why.h"

#define PATHS_RACES 16 /* others may get between two calls this often */
#define PATHS_SPARE 32 /* descriptors closed at once when they run out */

int
paths_init(struct paths *p, int rootfd, const struct paths_options *o)
{
	int fd, saved;

	memset(p, 0, sizeof(*p));
	p->o = *o;
	p->batch = 1;
	beneath_init(&p->below, rootfd, o->below);
	/* The table closes what it holds, and rootfd is not ours. */
	fd = fcntl(rootfd, F_DUPFD_CLOEXEC, 3);
	if (fd == -1)
		return -1;
	p->root = handles_add(o->handles, "", 0, fd, true);
	if (p->root == NULL) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return 0;
}

void
paths_batch(struct paths *p)
{
	p->batch++;
}

const char *
paths_name(const char *path, size_t len, size_t *dir_len)
{
	const char *slash = compat_memrchr(path, '/', len);

	*dir_len = slash != NULL ? (size_t)(slash - path) : 0;
	return slash != NULL ? slash + 1 : path;
}

bool
paths_shrink(struct paths *p)
{
	if (errno != EMFILE && errno != ENFILE)
		return false;
	return handles_shrink(p->o.handles, PATHS_SPARE) > 0;
}

/* May this name be made, changed or removed? */
static int
paths_may(struct paths *p, struct handle *dir, const char *name)
{
	char text[sizeof(p->o.why->message)];
	bool every_name = false;
	int rc;

	if (p->o.may == NULL || dir->asked == p->batch)
		return 0;
	text[0] = '\0';
	handles_pin(dir);
	do
		rc = p->o.may(p->o.ctx, dir->fd, name, &every_name, text,
		    sizeof(text));
	while (rc == -1 && paths_shrink(p));
	handles_unpin(dir);
	if (rc == 1)
		return why_set(p->o.why, "loop", "%s", text);
	if (rc == 0 && every_name)
		dir->asked = p->batch;
	return rc;
}

/* --- directories --- */

static int
paths_open_dir(struct paths *p, const char *path)
{
	int fd;

	do {
		fd = beneath_open(&p->below, p->below.rootfd, path,
		    O_RDONLY | O_DIRECTORY, 0);
		/* A letter box: names may be put in, but not be listed. There
		 * is no way to sync it. */
		if (fd == -1 && errno == EACCES && !p->o.durable->wanted)
			fd = beneath_open(&p->below, p->below.rootfd, path,
			    COMPAT_O_PATH | O_DIRECTORY, 0);
	} while (fd == -1 && paths_shrink(p));
	return fd;
}

/* The directory with the first len bytes of path as its path, if it is there.
 * What is known is looked at once a batch; where no kernel guards us, at each
 * use: it might have been moved out. */
static struct handle *
paths_known_dir(struct paths *p, const char *path, size_t len)
{
	struct handle *h;
	struct stat st;
	char dir[PATH_MAX];
	int fd;

	if (len == 0)
		return p->root;
	h = handles_find(p->o.handles, path, len, true);
	if (h != NULL && h->batch == p->batch && p->o.walled)
		return h;
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = paths_open_dir(p, dir);
	if (fd == -1)
		return NULL;
	/* Making room may have closed it. */
	h = handles_find(p->o.handles, path, len, true);
	if (h != NULL) {
		if (fstat(fd, &st) == 0 && st.st_dev == h->dev &&
		    st.st_ino == h->ino) {
			handles_swap_fd(h, fd);
			handles_use(p->o.handles, h);
			h->batch = p->batch;
			return h;
		}
		handles_forget(p->o.handles, h);
	}
	h = handles_add(p->o.handles, dir, len, fd, true);
	if (h == NULL) {
		(void)close(fd);
		return NULL;
	}
	h->batch = p->batch;
	return h;
}

/* Makes the directory that is called by n bytes of name. */
static int
paths_make_dir(struct paths *p, struct handle *parent, const char *name,
    size_t n)
{
	char one[NAME_MAX + 1];

	memcpy(one, name, n);
	one[n] = '\0';
	if (paths_may(p, parent, one) == -1)
		return -1;
	if (mkdirat(parent->fd, one, 0777) == 0)
		durable_due(p->o.durable, parent);
	else if (errno != EEXIST)
		return -1;
	return 0;
}

struct handle *
paths_dir(struct paths *p, const char *path, size_t len, bool make)
{
	struct handle *h;
	size_t have = len, begin;

	h = paths_known_dir(p, path, len);
	if (!make)
		return h;
	/* Paths may have thousands of components: no recursion. */
	while (h == NULL && errno == ENOENT) {
		while (have > 0 && path[--have] != '/')
			;
		h = paths_known_dir(p, path, have);
	}
	while (h != NULL && have < len) {
		begin = have == 0 ? 0 : have + 1;
		for (have = begin; have < len && path[have] != '/';)
			have++;
		if (paths_make_dir(p, h, path + begin, have - begin) == -1)
			return NULL;
		h = paths_known_dir(p, path, have);
	}
	return h;
}

struct handle *
paths_parent(struct paths *p, const char *path, size_t len, bool make,
    const char **name)
{
	struct handle *dir;
	size_t dir_len;

	*name = paths_name(path, len, &dir_len);
	dir = paths_dir(p, path, dir_len, make);
	if (dir == NULL)
		return NULL;
	if (paths_may(p, dir, *name) == -1)
		return NULL;
	handles_pin(dir);
	return dir;
}

int
paths_due_way(struct paths *p, const char *path, size_t len)
{
	struct handle *dir;

	if (!p->o.durable->wanted)
		return 0;
	while (len > 0) {
		(void)paths_name(path, len, &len);
		dir = paths_dir(p, path, len, false);
		if (dir == NULL)
			return -1;
		durable_due(p->o.durable, dir);
	}
	return 0;
}

/* --- files --- */

int
paths_not_regular(struct paths *p, mode_t mode)
{
	return why_set(p->o.why, "not-regular", "Not a regular file%s",
	    S_ISDIR(mode)      ? ", but a directory" :
		S_ISLNK(mode)  ? ", but a symbolic link" :
		S_ISFIFO(mode) ? ", but a FIFO" :
		S_ISSOCK(mode) ? ", but a socket" :
				 "");
}

int
paths_linked(struct paths *p)
{
	return why_set(p->o.why, "EMLINK", "The file has other hard links");
}

int
paths_open_regular(struct paths *p, struct handle *dir, const char *name,
    int flags, struct stat *st)
{
	int fd;

	do
		fd = beneath_open_regular(&p->below, dir->fd, name, flags, st);
	while (fd == -1 && paths_shrink(p));
	return fd;
}

static int
paths_make_file(struct paths *p, struct handle *dir, const char *name, int mode)
{
	int fd;

	do
		fd = beneath_open(&p->below, dir->fd, name,
		    O_WRONLY | O_APPEND | O_CREAT | O_EXCL,
		    mode != -1 ? (mode_t)mode : 0666);
	while (fd == -1 && paths_shrink(p));
	if (fd == -1)
		return -1;
	durable_due(p->o.durable, dir);
	if (mode != -1 && fchmod(fd, (mode_t)mode) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Opens a file to append to, or makes it. Returns the descriptor. */
static int
paths_open_file(struct paths *p, struct handle *dir, const char *name, int mode)
{
	struct stat st;
	int fd, races;

	for (races = 0; races < PATHS_RACES; races++) {
		st.st_mode = 0;
		fd = paths_open_regular(p, dir, name, O_WRONLY | O_APPEND, &st);
		if (fd != -1 && st.st_nlink > 1) {
			(void)close(fd);
			return paths_linked(p);
		}
		if (fd != -1)
			return fd;
		if (st.st_mode != 0 && !S_ISREG(st.st_mode))
			return paths_not_regular(p, st.st_mode);
		if (errno == EAGAIN)
			continue;
		if (errno != ENOENT)
			return -1;
		fd = paths_make_file(p, dir, name, mode);
		if (fd != -1 || errno != EEXIST)
			return fd;
	}
	errno = EBUSY;
	return -1;
}

/* Is this still the file that its name leads to, and with no other name? */
static bool
paths_still(const struct handle *h, const struct handle *dir, const char *name)
{
	struct stat st;

	return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == h->dev && st.st_ino == h->ino && st.st_nlink == 1;
}

struct handle *
paths_file(struct paths *p, const char *path, size_t len, int mode)
{
	struct handle *h, *dir;
	const char *name;
	int fd;

	h = handles_find(p->o.handles, path, len, false);
	if (h != NULL && h->batch == p->batch)
		return h;
	dir = paths_parent(p, path, len, true, &name);
	if (dir == NULL)
		return NULL;
	/* Making room may have closed it. */
	h = handles_find(p->o.handles, path, len, false);
	if (h != NULL && !paths_still(h, dir, name)) {
		handles_forget(p->o.handles, h);
		h = NULL;
	}
	if (h != NULL)
		handles_use(p->o.handles, h);
	else {
		fd = paths_open_file(p, dir, name, mode);
		if (fd == -1)
			goto out;
		h = handles_add(p->o.handles, path, len, fd, false);
		if (h == NULL)
			(void)close(fd);
	}
	if (h != NULL)
		h->batch = p->batch;
out:
	handles_unpin(dir);
	return h;
}

void
paths_refresh(struct paths *p, struct handle *h)
{
	struct stat st;
	int fd;

	fd = beneath_open_regular(&p->below, p->below.rootfd, h->path,
	    O_WRONLY | O_APPEND, &st);
	if (fd != -1)
		handles_swap_fd(h, fd);
}
