#include "looks.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "changes.h"
#include "core.h"
#include "statat.h"
#include "tree.h"

int
looks_classify(const struct core *c, int fd, const char *name,
    struct event_stat *st, bool *link)
{
	struct event_stat target;

	*link = false;
	if (stat_at(fd, name, false, st) == -1)
		return -1;
	if (c->cfg->opt->follow && S_ISLNK(st->mode) &&
	    stat_at(fd, name, true, &target) == 0 && S_ISDIR(target.mode)) {
		*st = target;
		*link = true;
	}
	return 0;
}

/* Names are changed, and what is said of it is queued, under the directory's
 * lock, which a name that is not at hand is looked for under, too. One that is
 * too long never is. */
void
looks_wait(int fd)
{
	char name[NAME_MAX + 2];
	struct stat st;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

bool
looks_same(const struct entry *e, const struct event_stat *st)
{
	if (event_type_of(st->mode) != (enum event_type)e->type)
		return false;
	if (e->type != EVENT_DIR)
		return e->ino == 0 || e->ino == st->ino;
	return e->dir->ino == 0 ||
	    (e->dir->ino == st->ino &&
		(e->dir->dev == 0 || e->dir->dev == st->dev));
}

static int64_t
ns_of(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static uint32_t
birth(const struct event_stat *st)
{
	uint64_t h;

	if (st->btime.tv_nsec == -1)
		return 0;
	h = (uint64_t)ns_of(&st->btime) * 0x9e3779b97f4a7c15U;
	return (uint32_t)(h >> (64 - ENTRY_BORN_BITS)) | 1;
}

bool
looks_reborn(uint32_t born, const struct event_stat *st)
{
	uint32_t is = birth(st);

	return born != 0 && is != 0 && born != is;
}

struct entry_stat
looks_digest(const struct event_stat *st)
{
	struct entry_stat es = {
	    .size = st->size,
	    .mtime = ns_of(&st->mtime),
	    .ctime = ns_of(&st->ctime),
	    .born = birth(st) & ((1U << ENTRY_BORN_BITS) - 1),
	    .nlink = st->nlink & 0xff,
	};
	uint64_t h = (uint64_t)st->uid << 32 | st->gid;

	h = (h ^ (uint64_t)(st->mode & 07777) << 20) * 0x9e3779b97f4a7c15U;
	es.attrs = (uint32_t)(h >> 32) | 1;
	return es;
}

void
looks_adrift(struct entry *e)
{
	struct entry_stat *es = tree_stat(e);

	if (es != NULL)
		es->adrift = true;
}

/* From here on the back end tells of the file; only then it is looked at.
 * Returns false where the name means another file, or none, by now. */
static bool
watch_name(struct core *c, struct dir *d, int fd, const struct entry *e)
{
	const struct mark *m = d->mark;
	int ret;

	if (e->type == EVENT_DIR || m == NULL || m->side->ops->add_name == NULL)
		return true;
	ret = m->side->ops->add_name(m->side->b, m->id, fd, e->name);
	if (ret == -1 && !c->limited) {
		core_note_dir(c, NOTE_LIMIT, d, errno);
		c->limited = true;
	}
	return ret != 1;
}

struct entry *
looks_take(struct core *c, struct dir *d, int fd, struct entry *e, bool linked)
{
	struct event_stat st;
	struct entry *wide;
	bool link, watched;

	if (!(d->flags & DIR_STATS))
		return e;
	wide = e->type == EVENT_DIR ? e : tree_widen(linked ? d : NULL, e);
	if (wide == NULL) {
		c->resync = true;
		return e;
	}
	watched = watch_name(c, d, fd, wide);
	if (looks_classify(c, fd, wide->name, &st, &link) == -1 ||
	    event_type_of(st.mode) != (enum event_type)wide->type) {
		looks_adrift(wide);
		return wide; /* the next comparison will see */
	}
	if (wide->type == EVENT_DIR) {
		wide->dir->attrs = looks_digest(&st).attrs;
		wide->dir->born = birth(&st);
	} else {
		/* Some file systems list other numbers than stat says. */
		wide->ino = st.ino;
		*tree_stat(wide) = looks_digest(&st);
		if (!watched)
			looks_adrift(wide);
	}
	return wide;
}

/* Tells the difference. A link that comes or goes changes the ctime of a
 * file, and no attributes. */
static bool
tell(struct core *c, struct dir *d, struct entry *e,
    const struct entry_stat *was, const struct entry_stat *is, bool moved,
    const struct event_stat *st)
{
	bool content, attrib;

	content = is->mtime != was->mtime || is->size != was->size;
	attrib = is->attrs != was->attrs ||
	    (!content && !moved && is->ctime != was->ctime &&
		is->nlink == was->nlink);
	if (!content && !attrib)
		return false;
	(void)clock_gettime(CLOCK_REALTIME, &c->now);
	if (content)
		change_tell(c, EVENT_MODIFIED, d, e->name, e->type, st);
	if (attrib)
		change_tell(c, EVENT_ATTRIB, d, e->name, e->type, st);
	if (content && !moved)
		change_complete(c, d, e, st, COMPLETE_FOUND);
	return true;
}

/* An entry that waits for its content to be complete, when that is to be asked
 * again: has it been left alone for as long as polling takes? */
static void
ask_complete(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st)
{
	struct timespec now;
	int64_t age;

	e->flags &= (uint8_t) ~(ENTRY_DUE | ENTRY_OPEN);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	age = (ns_of(&now) - ns_of(&st->mtime)) / 1000000;
	if (age >= 0 && age < c->cfg->opt->poll_ms) {
		e->flags |= ENTRY_OPEN;
		core_later(c, d, e->name);
		return;
	}
	c->now = now;
	change_complete(c, d, e, st, COMPLETE_LATER);
}

/* Hints tell of e from here on. */
static void
let_go(struct core *c, struct dir *d, struct entry *e,
    const struct event_stat *st)
{
	if (e->type == EVENT_DIR)
		return;
	*tree_stat(e) = (struct entry_stat){0};
	if (!(e->flags & ENTRY_OPEN))
		return;
	e->flags &= (uint8_t) ~(ENTRY_DUE | ENTRY_OPEN);
	change_complete(c, d, e, st, COMPLETE_FOUND);
}

/* Tells what a look has found. A file of which nothing was known may have been
 * written since it was told. */
static bool
tell_looked(struct core *c, struct dir *d, struct entry *e,
    const struct entry_stat *was, const struct entry_stat *is,
    const struct event_stat *st)
{
	struct entry_stat unknown = *is;

	if (was->attrs == 0 && e->type != EVENT_FILE)
		return false;
	unknown.mtime = ENTRY_WRITTEN;
	return tell(c, d, e, was->attrs == 0 ? &unknown : was, is, false, st);
}

bool
looks_compare(struct core *c, struct dir *d, int fd, struct entry *e)
{
	struct entry_stat was = {0}, is;
	struct event_stat st;
	bool link, changed, watched;

	if (e->type != EVENT_DIR) {
		e = tree_widen(d, e);
		if (e == NULL) {
			c->resync = true;
			return false;
		}
		was = *tree_stat(e);
	} else {
		was.attrs = e->dir->attrs;
	}
	watched = watch_name(c, d, fd, e);
	if (looks_classify(c, fd, e->name, &st, &link) == -1 ||
	    !looks_same(e, &st)) {
		looks_adrift(e);
		return false; /* the next comparison will see */
	}
	is = looks_digest(&st);
	if (e->type == EVENT_DIR) {
		/* Its times say only that names in it have changed. */
		e->dir->attrs = is.attrs;
		e->dir->born = is.born;
		is = (struct entry_stat){.attrs = is.attrs};
	} else {
		e->ino = st.ino;
		*tree_stat(e) = is;
		if (!watched)
			looks_adrift(e);
	}
	changed = tell_looked(c, d, e, &was, &is, &st);
	if (core_exact(d))
		let_go(c, d, e, &st);
	else if (e->flags & ENTRY_DUE)
		ask_complete(c, d, e, &st);
	return changed;
}

void
looks_moved(struct core *c, struct dir *d, struct entry *e,
    const struct entry_stat *was, const struct entry_stat *seen)
{
	struct entry_stat unknown = *seen;

	if (e->type == EVENT_DIR || !(d->flags & DIR_STATS))
		return;
	e = tree_widen(d, e);
	if (e == NULL) {
		c->resync = true;
		return;
	}
	*tree_stat(e) = *seen;
	unknown.mtime = ENTRY_WRITTEN;
	if (seen->attrs != 0 && (was->attrs != 0 || e->type == EVENT_FILE))
		(void)tell(c, d, e, was->attrs != 0 ? was : &unknown, seen,
		    true, NULL);
}
