#include "listing.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "ahead.h"
#include "core.h"
#include "dirents.h"
#include "event.h"
#include "looks.h"
#include "tree.h"

struct entry *
listing_entry(const struct core *c, const char *name,
    const struct event_stat *st, bool link)
{
	struct entry *e;
	enum event_type type = event_type_of(st->mode);

	e = tree_new(c->pool, name, strlen(name), type, st->ino);
	if (e == NULL || type != EVENT_DIR)
		return e;
	e->dir->dev = st->dev;
	if (link)
		e->dir->flags |= DIR_LINK;
	return e;
}

/* A listing under way. */
struct listing {
	struct core *c;
	int fd;
	struct dir *into;
};

/* One line of a listing, as cheaply as it can be had. NULL with ENOENT for a
 * name that is gone again. */
static struct entry *
entry_listed(const struct listing *l, const struct dirent_line *line)
{
	struct event_stat st;
	struct pool *pool = l->c->pool;
	size_t len = strlen(line->name);
	bool link;

	switch (line->type) {
	case DT_REG:
		return tree_new(pool, line->name, len, EVENT_FILE, line->ino);
	case DT_DIR:
		/* A mount point's own number is known when it is opened. */
		return tree_new(pool, line->name, len, EVENT_DIR, 0);
	case DT_LNK:
		if (l->c->cfg->opt->follow)
			break;
		return tree_new(pool, line->name, len, EVENT_SYMLINK,
		    line->ino);
	case DT_UNKNOWN:
		break;
	default:
		return tree_new(pool, line->name, len, EVENT_OTHER, line->ino);
	}
	if (looks_classify(l->c, l->fd, line->name, &st, &link) == -1) {
		errno = ENOENT;
		return NULL;
	}
	return listing_entry(l->c, line->name, &st, link);
}

static int
take_line(void *ctx, const struct dirent_line *line)
{
	const struct listing *l = ctx;
	struct entry *e;

	if (tree_find(l->into, line->name, strlen(line->name)) != NULL)
		return 0;
	e = entry_listed(l, line);
	if (e == NULL)
		return errno == ENOENT ? 0 : -1;
	if (line->old)
		e->flags |= ENTRY_CALM;
	if (tree_link(l->into, e) == 0)
		return 0;
	tree_free(e);
	return -1;
}

int
listing_read(struct core *c, int fd, const struct ahead_dir *got,
    const char *only, struct dir *into)
{
	struct listing l = {.c = c, .fd = fd, .into = into};
	struct event_stat st;
	struct entry *e;
	bool link;

	if (got != NULL)
		return ahead_lines(got, take_line, &l);
	if (only == NULL)
		return dirents_each(fd, take_line, &l);
	if (looks_classify(c, fd, only, &st, &link) == -1)
		return errno == ENOENT ? 0 : -1;
	e = listing_entry(c, only, &st, link);
	return e == NULL ? -1 : tree_link(into, e);
}
