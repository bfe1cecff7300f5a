#include "dirents.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* As much as the kernel fills in one call at the most for many file systems;
 * small directories need two calls, whatever its size. */
#define BUFFER 32768

/* A bit of our own in a line's type. */
#define OLD 0x80

static int
is_dots(const char *name)
{
	return name[0] == '.' &&
	    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

ssize_t
dirents_read(int fd, char *buf, size_t size)
{
	return getdents64(fd, buf, size);
}

static bool
is_older(const struct timespec *ts, const struct timespec *than)
{
	return ts->tv_sec < than->tv_sec ||
	    (ts->tv_sec == than->tv_sec && ts->tv_nsec < than->tv_nsec);
}

void
dirents_age(int fd, char *buf, size_t len, const struct timespec *since)
{
	struct dirent64 *de;
	struct stat st;
	size_t at;

	for (at = 0; at < len; at += de->d_reclen) {
		de = (struct dirent64 *)(void *)(buf + at);
		if (de->d_type == DT_REG &&
		    fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ino == de->d_ino && is_older(&st.st_ctim, since))
			de->d_type |= OLD;
	}
}

int
dirents_lines(const char *buf, size_t len,
    int (*each)(void *ctx, const struct dirent_line *line), void *ctx)
{
	struct dirent_line line;
	const struct dirent64 *de;
	size_t at;
	int ret = 0;

	for (at = 0; at < len && ret == 0; at += de->d_reclen) {
		de = (const struct dirent64 *)(const void *)(buf + at);
		if (is_dots(de->d_name))
			continue;
		line.name = de->d_name;
		line.type = de->d_type & (unsigned char)~OLD;
		line.old = (de->d_type & OLD) != 0;
		line.ino = de->d_ino;
		ret = each(ctx, &line);
	}
	return ret;
}

int
dirents_rest(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx)
{
	_Alignas(struct dirent64) char buffer[BUFFER];
	ssize_t n;
	int ret;

	while ((n = dirents_read(fd, buffer, sizeof(buffer))) > 0) {
		ret = dirents_lines(buffer, (size_t)n, each, ctx);
		if (ret != 0)
			return ret;
	}
	return (int)n;
}

int
dirents_each(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx)
{
	return lseek(fd, 0, SEEK_SET) == -1 ? -1 : dirents_rest(fd, each, ctx);
}
