#include "owed.h"

#include <errno.h>
#include <string.h>

#include "changes.h"
#include "content.h"
#include "core.h"
#include "event.h"
#include "statat.h"
#include "tree.h"
#include "writers.h"

#define CARRY                                                     \
	(EVENT_BIT(EVENT_EXISTS) | EVENT_BIT(EVENT_CREATED) |     \
	    EVENT_BIT(EVENT_MODIFIED) | EVENT_BIT(EVENT_CLOSED) | \
	    EVENT_BIT(EVENT_COMPLETE))

/* How long a file may seem to be open after it was closed, and when that is
 * looked at. */
#define PATIENCE_MS 2000
#define SOON_MS	    1
#define GROWTH	    4

static bool
is_entry(const void *ctx, const struct event_stat *st)
{
	const struct entry *e = ctx;

	/* What was never looked at could be any file. */
	return event_type_of(st->mode) == EVENT_FILE && e->ino == st->ino;
}

void
owed_read(struct core *c, struct dir *top, struct event *ev,
    struct content *room)
{
	enum content_state state = CONTENT_CHANGED;
	struct entry *e;
	struct dir *d;
	int fd;

	if (!(EVENT_BIT(ev->kind) & CARRY) || ev->type != EVENT_FILE)
		return;
	e = tree_at(top, ev->name, &d);
	if (e == NULL || e->type != EVENT_FILE)
		return; /* it is gone, and that will be told */
	fd = core_dirfd(c, d);
	if (fd != -1)
		state = content_read(fd, e->name, c->cfg->opt->content_limit,
		    is_entry, e, room);
	else if (errno == EACCES || errno == EPERM)
		state = CONTENT_NONE;
	if (state == CONTENT_WHOLE) {
		ev->content = room->bytes.data;
		ev->content_len = room->bytes.len;
	}
	if (state == CONTENT_WHOLE || state == CONTENT_LARGE)
		ev->st = &room->st;
	ev->truncated = state == CONTENT_LARGE;
	if (state != CONTENT_WRITTEN && state != CONTENT_CHANGED) {
		e->flags &= (uint8_t)~ENTRY_OWED;
		return;
	}
	e->flags |= ENTRY_OWED;
	/* Its being closed will be told. Else there is another look. */
	if (state == CONTENT_CHANGED)
		core_doubt(c, d, e->name);
	else if (change_closes_untold(d))
		core_retry(c, d, e->name, (int)c->cfg->opt->poll_ms);
}

void
owed_closed(struct core *c, struct dir *d, struct entry *e)
{
	if (c->cfg->opt->events & EVENT_BIT(EVENT_COMPLETE))
		e->flags |= ENTRY_CLOSED;
	if (e->flags & (ENTRY_OWED | ENTRY_CLOSED))
		core_doubt(c, d, e->name);
}

/* How long until somebody who seems to be writing in d is looked for again,
 * after such a delay; 0: no more. */
static int
next_try(const struct core *c, const struct dir *d, int delay)
{
	if (change_closes_untold(d))
		return (int)c->cfg->opt->poll_ms;
	delay = delay == 0 ? SOON_MS : delay * GROWTH;
	return delay < PATIENCE_MS ? delay : 0;
}

void
owed_pay(struct core *c, struct dir *d, struct entry *e, int delay)
{
	static const enum event_kind kinds[] = {EVENT_MODIFIED, EVENT_COMPLETE,
	    EVENT_CLOSED};
	const struct event_stat *seen = NULL;
	struct event_stat st;
	size_t i;
	int fd;

	if (!(e->flags & (ENTRY_OWED | ENTRY_CLOSED)))
		return;
	fd = core_dirfd(c, d);
	if (fd != -1 && writers_at(fd, e->name) == 1) {
		delay = next_try(c, d, delay);
		if (delay > 0)
			core_retry(c, d, e->name, delay);
		return;
	}
	if (fd != -1 && stat_at(fd, e->name, false, &st) == 0)
		seen = &st;
	if (e->flags & ENTRY_CLOSED) {
		e->flags &= (uint8_t) ~(ENTRY_OWED | ENTRY_CLOSED);
		change_tell(c, EVENT_COMPLETE, d, e->name, e->type, seen);
		return;
	}
	e->flags &= (uint8_t)~ENTRY_OWED;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (c->cfg->opt->events & EVENT_BIT(kinds[i])) {
			change_tell(c, kinds[i], d, e->name, e->type, seen);
			break;
		}
	}
}

void
owed_again(struct core *c, struct dir *d, struct entry *e)
{
	if (!c->cfg->opt->content ||
	    (c->cfg->opt->events & EVENT_BIT(EVENT_MODIFIED)))
		return;
	e->flags |= ENTRY_OWED;
	owed_pay(c, d, e, 0);
}

void
owed_unheard(struct entry *e)
{
	e->flags |= ENTRY_OWED;
}

void
owed_moved(struct core *c, struct dir *d, const struct entry *e)
{
	if (e->flags & (ENTRY_OWED | ENTRY_CLOSED))
		core_doubt(c, d, e->name);
}
