#include "core.h"

#include <errno.h>
#include <time.h>

#include "claim.h"
#include "compat.h"
#include "tree.h"

/* As far as a file's time is behind the clock at the most, where it has no
 * clock that says so: ten times a second are the fewest ticks there are. */
#define TICK_MAX 100000000

struct timespec
core_moment(void)
{
	struct timespec now, tick;

	(void)clock_gettime(COMPAT_CLOCK_FILES, &now);
	(void)clock_getres(COMPAT_CLOCK_FILES, &tick);
	now.tv_nsec -=
	    COMPAT_CLOCK_FILES == CLOCK_REALTIME ? TICK_MAX : tick.tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_nsec += 1000000000;
		now.tv_sec--;
	}
	return now;
}

const struct scope *
core_scope(const struct dir *d)
{
	return tree_owner(d);
}

/* What is told, with --settle, of something that may have been written. */
#define WRITTEN                                                   \
	(EVENT_BIT(EVENT_CREATED) | EVENT_BIT(EVENT_RENAMED) |    \
	    EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_COMPLETE) | \
	    EVENT_BIT(EVENT_ATTRIB))

unsigned
core_interest(const struct core *c)
{
	static const struct {
		unsigned events;
		unsigned interest;
	} table[] = {
	    {EVENT_BIT(EVENT_MODIFIED) | EVENT_BIT(EVENT_QUIET),
		BACKEND_MODIFIED},
	    {EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_COMPLETE),
		BACKEND_CLOSED},
	    {EVENT_BIT(EVENT_ATTRIB), BACKEND_ATTRIB},
	    {EVENT_BIT(EVENT_OPENED), BACKEND_OPENED},
	    {EVENT_BIT(EVENT_ACCESSED), BACKEND_ACCESSED},
	};
	unsigned interest = BACKEND_NAMES;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (c->cfg->opt->events & table[i].events)
			interest |= table[i].interest;
	/* What is being written is not quiet. */
	if (c->settle != NULL && (c->cfg->opt->events & WRITTEN))
		interest |= BACKEND_MODIFIED;
	/* What was being written is told again when it is closed (owed.h). */
	if (c->cfg->opt->content && (interest & BACKEND_MODIFIED))
		interest |= BACKEND_CLOSED;
	return interest;
}

struct claim
core_claim(const struct core *c, size_t levels)
{
	const struct watch_options *opt = c->cfg->opt;
	struct claim claim = {.kind = CLAIM_FLAT};

	if (opt->depth == SIZE_MAX || opt->depth > levels + 1) {
		claim.kind = CLAIM_TREE;
		claim.token = c->token;
		claim.one_fs = opt->one_file_system;
		claim.depth = opt->depth - levels > CLAIM_DEPTH_MAX ?
		    CLAIM_DEPTH_MAX :
		    (unsigned)(opt->depth - levels);
	}
	return claim;
}

void
core_claim_link(struct core *c, struct dir *d, int fd)
{
	/* A link in the root itself goes deepest, and any may be moved there
	 * without another look at what it leads to. */
	const struct claim claim = core_claim(c, 1);

	if (!c->cfg->opt->claim || c->unlinked ||
	    claims_link(&c->links, d, fd, &claim) == 0 || errno == EACCES ||
	    errno == ENOTSUP)
		return;
	core_note_dir(c, NOTE_UNTAKEN, d, errno);
	c->unlinked = true;
}

static void
forget_dir(struct core *c, struct dir *d)
{
	core_detach(c, d);
	if (d->flags & DIR_LINK)
		claims_unlink(&c->links, d);
	core_forget_fds(c, d);
	core_forget_doubted(c, d);
}

void
core_forget_below(struct core *c, struct dir *d, bool self)
{
	struct walk w = WALK(d);
	struct entry *e;

	while ((e = tree_walk(&w)) != NULL)
		if (e->type == EVENT_DIR)
			forget_dir(c, e->dir);
	if (self)
		forget_dir(c, d);
}

void
core_forget(struct core *c, struct entry *e)
{
	if (e->type == EVENT_DIR)
		core_forget_below(c, e->dir, true);
}

void
core_suspect(struct core *c, struct scope *s)
{
	s->suspect = true;
	c->suspects = true;
}

void
core_note(const struct core *c, enum watch_note note, const char *path,
    int error)
{
	c->cfg->note(c->cfg->ctx, note, path, error);
}

void
core_note_dir(struct core *c, enum watch_note note, const struct dir *d,
    int error)
{
	struct buf path = BUF_INIT, name = BUF_INIT;

	buf_adds(&path, core_scope(d)->dir_path);
	tree_name(d, NULL, 0, &name);
	if (name.len > 0 && path.len > 0 && path.data[path.len - 1] != '/')
		buf_addc(&path, '/');
	buf_add(&path, name.data, name.len);
	buf_addc(&path, '\0');
	if (!path.failed)
		core_note(c, note, path.data, error);
	buf_free(&path);
	buf_free(&name);
}
