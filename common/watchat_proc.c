#include "watchat.h"

#include <sys/inotify.h>

#include <stdio.h>

int
watchat(int inotify, int dirfd, uint32_t mask)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	return inotify_add_watch(inotify, path, mask);
}
