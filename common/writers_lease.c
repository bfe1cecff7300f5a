#include "writers.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
writers_at(int dirfd, const char *name)
{
	int fd, answer;

	fd =
	    openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
		answer = 0;
	else
		answer = errno == EAGAIN ? 1 : -1;
	(void)close(fd); /* and the lease with it */
	return answer;
}
