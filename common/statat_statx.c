#include "statat.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <string.h>

#include "event.h"

static struct timespec
time_of(struct statx_timestamp t)
{
	struct timespec ts = {.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};

	return ts;
}

int
stat_at(int dirfd, const char *name, bool follow, struct event_stat *st)
{
	struct statx x;
	int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;

	if (*name == '\0')
		flags |= AT_EMPTY_PATH;
	if (statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &x) ==
	    -1)
		return -1;
	st->dev = makedev(x.stx_dev_major, x.stx_dev_minor);
	st->ino = x.stx_ino;
	st->nlink = x.stx_nlink;
	st->size = x.stx_size;
	st->mode = x.stx_mode;
	st->uid = x.stx_uid;
	st->gid = x.stx_gid;
	st->mtime = time_of(x.stx_mtime);
	st->ctime = time_of(x.stx_ctime);
	st->btime = time_of(x.stx_btime);
	if (!(x.stx_mask & STATX_BTIME)) {
		st->btime.tv_sec = 0;
		st->btime.tv_nsec = -1;
	}
	return 0;
}
