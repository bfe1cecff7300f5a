#include "dirents.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

/* As much as the kernel fills in one call at the most for many file systems;
 * small directories need two calls, whatever its size. */
#define BUFFER 32768

static int
is_dots(const char *name)
{
	return name[0] == '.' &&
	    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int
dirents_each(int fd, int (*each)(void *ctx, const struct dirent_line *line),
    void *ctx)
{
	_Alignas(struct dirent64) char buffer[BUFFER];
	struct dirent_line line;
	const struct dirent64 *de;
	ssize_t n, at;
	int ret;

	if (lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	while ((n = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < n; at += de->d_reclen) {
			de = (const struct dirent64 *)(void *)(buffer + at);
			if (is_dots(de->d_name))
				continue;
			line.name = de->d_name;
			line.type = de->d_type;
			line.ino = de->d_ino;
			ret = each(ctx, &line);
			if (ret != 0)
				return ret;
		}
	}
	return (int)n;
}
