#include "stdfd.h"

#include <fcntl.h>
#include <unistd.h>

int
stdfd_fill(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null",
			fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) == -1)
			return -1;
	return 0;
}
