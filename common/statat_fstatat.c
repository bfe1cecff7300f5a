#include "statat.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "event.h"

/* POSIX knows no time of birth. */
int
stat_at(int dirfd, const char *name, bool follow, struct event_stat *st)
{
	struct stat s;
	int ret;

	if (*name == '\0')
		ret = fstat(dirfd, &s);
	else
		ret =
		    fstatat(dirfd, name, &s, follow ? 0 : AT_SYMLINK_NOFOLLOW);
	if (ret == -1)
		return -1;
	*st = (struct event_stat){
	    .dev = (uint64_t)s.st_dev,
	    .ino = s.st_ino,
	    .nlink = s.st_nlink,
	    .size = (uint64_t)s.st_size,
	    .mode = s.st_mode,
	    .uid = s.st_uid,
	    .gid = s.st_gid,
	    .mtime = s.st_mtim,
	    .ctime = s.st_ctim,
	    .btime = {.tv_nsec = -1},
	};
	return 0;
}
