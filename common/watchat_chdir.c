#include "watchat.h"

#include <sys/inotify.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "compat.h"

/* For a moment the directory is the current one: there are no threads. */
int
watchat(int inotify, int dirfd, uint32_t mask)
{
	int here, error, wd = -1;

	here = open(".", COMPAT_O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here == -1)
		return -1;
	if (fchdir(dirfd) == 0) {
		wd = inotify_add_watch(inotify, ".", mask);
		error = errno;
		if (fchdir(here) == -1 && wd != -1) {
			error = errno;
			(void)inotify_rm_watch(inotify, wd);
			wd = -1;
		}
		errno = error;
	}
	error = errno;
	(void)close(here);
	errno = error;
	return wd;
}
