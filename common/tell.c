#include "tell.h"

#include <sys/stat.h>

#include <string.h>

#include "core.h"
#include "filter.h"
#include "monotonic.h"
#include "seen.h"
#include "settle.h"
#include "statat.h"
#include "tree.h"

bool
tell_wants(const struct core *c, enum event_kind kind)
{
	unsigned set = c->cfg->opt->events;

	/* `quiet` follows whatever would be told by default, and a net effect
	 * comes of that too. */
	if ((set & EVENT_BIT(EVENT_QUIET)) || c->settle != NULL)
		set |= EVENT_DEFAULT;
	return (set & EVENT_BIT(kind)) != 0;
}

bool
tell_pruned(const struct scope *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->npruned; i++)
		if (strcmp(s->pruned[i], name) == 0)
			return true;
	return false;
}

bool
tell_shows(const struct core *c, const struct scope *s, const char *name,
    enum event_type type)
{
	if (s->silent || (s->only != NULL && strcmp(s->only, name) != 0))
		return false;
	if (s->npruned > 0 && tell_pruned(s, name))
		return false;
	return filter_shows(c->cfg->opt->filter, name, type);
}

void
tell_at_once(struct core *c, struct event *ev)
{
	if (!(c->cfg->opt->events & EVENT_BIT(ev->kind)))
		return;
	ev->time = c->now;
	c->nevents++;
	c->cfg->event(c->cfg->ctx, ev);
}

void
tell_event(struct core *c, struct event *ev)
{
	c->stirred = true;
	ev->synthetic = c->synthetic;
	if (c->settle == NULL || ev->kind == EVENT_EXISTS)
		tell_at_once(c, ev);
	else if (settle_event(c->settle, ev, monotonic_ms()) == -1)
		c->failed = true;
}

void
tell_shown(struct core *c, enum event_kind kind, const struct scope *s,
    const char *name, enum event_type type, const struct event_stat *st)
{
	struct event ev = {
	    .kind = kind,
	    .type = type,
	    .root = s->path,
	    .root_is_name = s->only != NULL,
	    .name = name,
	};

	if (st != NULL && event_type_of(st->mode) == type)
		ev.st = st;
	if (tell_wants(c, kind))
		tell_event(c, &ev);
}

void
tell_named(struct core *c, enum event_kind kind, const struct scope *s,
    const char *name, enum event_type type, const struct event_stat *st)
{
	if (tell_wants(c, kind) && tell_shows(c, s, name, type))
		tell_shown(c, kind, s, name, type, st);
}

static bool
is_older(const struct timespec *ts, const struct timespec *than)
{
	return ts->tv_sec < than->tv_sec ||
	    (ts->tv_sec == than->tv_sec && ts->tv_nsec < than->tv_nsec);
}

/* Has the content been told, or is it that of the last comparison? */
static bool
knows_content(const struct core *c, const struct dir *d, const char *name,
    const struct event_stat *st)
{
	return is_older(&st->mtime, &c->compared) ||
	    seen_content(c->seen, d->dev, d->ino, name, st);
}

void
tell_met(struct core *c, enum event_kind kind, const struct dir *d,
    const char *name, const struct event_stat *st)
{
	if (c->seen == NULL || st == NULL || !S_ISREG(st->mode) ||
	    is_older(&st->ctime, &c->compared) || kind == EVENT_OPENED ||
	    kind == EVENT_ACCESSED)
		return;
	if (kind != EVENT_ATTRIB || knows_content(c, d, name, st))
		seen_add(c->seen, d->dev, d->ino, name, st);
}

void
tell_met_moved(struct core *c, const struct dir *from, const char *name,
    struct dir *to, const char *new_name)
{
	struct event_stat st;
	int fd;

	if (c->seen == NULL)
		return;
	fd = core_dirfd(c, to);
	if (fd != -1 && stat_at(fd, new_name, false, &st) == 0 &&
	    S_ISREG(st.mode) && knows_content(c, from, name, &st))
		seen_add(c->seen, to->dev, to->ino, new_name, &st);
}

const struct event_stat *
tell_look(struct core *c, struct dir *d, const struct entry *e,
    struct event_stat *st)
{
	bool follow;
	int fd;

	fd = core_dirfd(c, d);
	if (fd == -1)
		return NULL;
	follow = e->type == EVENT_DIR && (e->dir->flags & DIR_LINK);
	if (stat_at(fd, e->name, follow, st) == -1)
		return NULL;
	return event_type_of(st->mode) == (enum event_type)e->type ? st : NULL;
}
