#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "statat.h"

static enum content_state
why(int error)
{
	return error == ENOENT || error == ESTALE || error == ENOTDIR ||
		error == ELOOP || error == EWOULDBLOCK ?
	    CONTENT_CHANGED :
	    CONTENT_NONE;
}

static bool
is_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Is it, as far as its inode tells, the same version? Other links and another
 * mode are no change of content, but the time of a change in between could be
 * one of the content as well. */
static bool
is_version(const struct event_stat *a, const struct event_stat *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    is_time(a->mtime, b->mtime) && is_time(a->ctime, b->ctime);
}

/* Opens the file that the O_PATH descriptor means: never a FIFO or a device,
 * whatever is under its name by now. */
static int
reopen(int path_fd, int dirfd, const char *name)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char fdname[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	int fd;

	(void)snprintf(fdname, sizeof(fdname), "/proc/self/fd/%d", path_fd);
	fd = open(fdname, flags);
	/* No /proc: by name, and what it is has been looked at. */
	if (fd == -1 && errno == ENOENT)
		fd = openat(dirfd, name, flags | O_NOFOLLOW);
	return fd;
}

static int
read_all(int fd, size_t size, struct buf *b)
{
	ssize_t n;
	char *p;

	buf_clear(b);
	/* One byte more than there should be. */
	p = buf_reserve(b, size + 1);
	if (p == NULL) {
		errno = ENOMEM;
		return -1;
	}
	while (b->len <= size) {
		n = pread(fd, b->data + b->len, size + 1 - b->len,
		    (off_t)b->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		b->len += (size_t)n;
	}
	return 0;
}

enum content_state
content_read(int dirfd, const char *name, size_t limit,
    bool (*same)(const void *ctx, const struct event_stat *st), const void *ctx,
    struct content *room)
{
	enum content_state state = CONTENT_CHANGED;
	struct event_stat before, after;
	int path_fd, fd = -1;

	path_fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (path_fd == -1 || stat_at(path_fd, "", false, &before) == -1) {
		state = why(errno);
		goto out;
	}
	if (!same(ctx, &before))
		goto out;
	if (!S_ISREG(before.mode)) {
		state = CONTENT_NONE;
		goto out;
	}
	fd = reopen(path_fd, dirfd, name);
	if (fd == -1) {
		state = why(errno);
		goto out;
	}
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == -1 && errno == EAGAIN) {
		state = CONTENT_WRITTEN;
		goto out;
	}
	if (stat_at(fd, "", false, &before) == -1 || !S_ISREG(before.mode) ||
	    !same(ctx, &before))
		goto out;
	if (before.size > limit) {
		room->st = before;
		state = CONTENT_LARGE;
		goto out;
	}
	if (read_all(fd, (size_t)before.size, &room->bytes) == -1) {
		state = why(errno);
		goto out;
	}
	if (stat_at(fd, "", false, &after) == 0 &&
	    is_version(&before, &after) && room->bytes.len == before.size) {
		room->st = before;
		state = CONTENT_WHOLE;
	}
out:
	/* The lease ends with the descriptor. */
	if (fd != -1)
		(void)close(fd);
	if (path_fd != -1)
		(void)close(path_fd);
	return state;
}

void
content_free(struct content *room)
{
	buf_free(&room->bytes);
}
