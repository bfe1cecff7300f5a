#include "census.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "core.h"
#include "dirents.h"
#include "filter.h"
#include "grow.h"
#include "monotonic.h"

struct census {
	const struct filter *filter;
	struct buf name; /* of the directory at hand: "a/b/", or "" */
	char **work; /* names of those still to be listed */
	size_t nwork;
	size_t cap_work;
	size_t count;
	bool all;
};

static int
take(void *ctx, const struct dirent_line *line)
{
	struct census *c = ctx;
	size_t dir_len = c->name.len;
	char **p, *name = NULL;

	/* Where a file system names no types, none of its names counts. */
	if (line->type != DT_DIR)
		return 0;
	buf_adds(&c->name, line->name);
	buf_addc(&c->name, '\0');
	p = grow(c->work, &c->cap_work, c->nwork, sizeof(*p));
	if (p != NULL)
		c->work = p;
	if (p != NULL && !c->name.failed)
		name = strdup(c->name.data);
	if (name == NULL) {
		c->all = false;
	} else if (filter_excludes(c->filter, name)) {
		free(name);
	} else {
		c->work[c->nwork++] = name;
		c->count++;
	}
	c->name.len = dir_len;
	return 0;
}

size_t
census(const char *path, const struct filter *f, int64_t until_ms,
    bool *ret_all)
{
	struct census c = {.filter = f, .all = true};
	struct stat top, st;
	char *name = NULL;
	int root, fd;

	*ret_all = true;
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return 0;
	if (fstat(root, &top) == 0)
		(void)dirents_each(root, take, &c);
	while (c.nwork > 0 && monotonic_ms() < until_ms) {
		name = c.work[--c.nwork];
		fd = openat(root, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		buf_clear(&c.name);
		buf_adds(&c.name, name);
		buf_addc(&c.name, '/');
		free(name);
		if (fd == -1)
			continue;
		if (!c.name.failed && fstat(fd, &st) == 0 &&
		    st.st_dev == top.st_dev)
			(void)dirents_each(fd, take, &c);
		(void)close(fd);
	}
	*ret_all = c.all && c.nwork == 0;
	while (c.nwork > 0)
		free(c.work[--c.nwork]);
	free(c.work);
	buf_free(&c.name);
	(void)close(root);
	return c.count;
}
