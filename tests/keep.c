#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

unsigned long
keep_number(void)
{
	static unsigned long n;

	return ++n;
}

int
keep_open(const char *kind, unsigned long number)
{
	const char *dir = getenv("FSPIPE_KEEP");
	char path[PATH_MAX];

	if (dir == NULL || *dir == '\0')
		return -1;
	(void)snprintf(path, sizeof(path), "%s/%s.%ld.%lu", dir, kind,
	    (long)getpid(), number);
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

void
keep(int fd, const void *data, size_t n)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, was;

	if (fd == -1)
		return;
	/* The test may have set itself a limit of file size: then the rest is
	 * not kept. */
	(void)sigaction(SIGXFSZ, &ignore, &was);
	if (write(fd, data, n) == -1 && errno != EFBIG)
		perror("keep");
	(void)sigaction(SIGXFSZ, &was, NULL);
}
