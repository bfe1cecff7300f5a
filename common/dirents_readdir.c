#include "dirents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
is_dots(const char *name)
{
	return name[0] == '.' &&
	    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

ssize_t
dirents_read(int fd, char *buf, size_t size)
{
	(void)fd;
	(void)buf;
	(void)size;
	errno = ENOTSUP;
	return -1;
}

int
dirents_rest(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx)
{
	(void)fd;
	(void)each;
	(void)ctx;
	errno = ENOTSUP;
	return -1;
}

void
dirents_age(int fd, char *buf, size_t len, const struct timespec *since)
{
	(void)fd;
	(void)buf;
	(void)len;
	(void)since;
}

int
dirents_lines(const char *buf, size_t len,
    int (*each)(void *ctx, const struct dirent_line *line), void *ctx)
{
	(void)buf;
	(void)len;
	(void)each;
	(void)ctx;
	return 0;
}

/* readdir(3) wants a descriptor that it may close, with a place in the
 * directory of its own. */
int
dirents_each(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx)
{
	struct dirent_line line;
	const struct dirent *de;
	DIR *d = NULL;
	int own, error, ret = -1;

	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own == -1)
		return -1;
	d = fdopendir(own);
	if (d == NULL) {
		error = errno;
		(void)close(own);
		errno = error;
		return -1;
	}
	for (;;) {
		errno = 0;
		de = readdir(d);
		if (de == NULL) {
			ret = errno == 0 ? 0 : -1;
			break;
		}
		if (is_dots(de->d_name))
			continue;
		line.name = de->d_name;
		line.type = de->d_type;
		line.old = false;
		line.ino = de->d_ino;
		ret = each(ctx, &line);
		if (ret != 0)
			break;
	}
	error = errno;
	(void)closedir(d);
	errno = error;
	return ret;
}
