#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SIGNALS_MAX 16

/* A handler has no other way to know where to write. */
static struct {
	volatile sig_atomic_t wfd; /* 0: not open; never stdin */
	size_t n;
	int set[SIGNALS_MAX];
	struct sigaction old[SIGNALS_MAX];
} the;

static void
signals_handle(int sig)
{
	int saved = errno;
	unsigned char c = (unsigned char)sig;

	/* A full pipe holds thousands of signals that nobody has read yet. */
	if (write(the.wfd, &c, 1) == -1)
		errno = saved;
	errno = saved;
}

/* pipe2(2) is not everywhere, and nobody forks meanwhile. */
static int
open_pipe(int *fds)
{
	int i, flags;

	if (pipe(fds) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		flags = fcntl(fds[i], F_GETFL);
		if (flags == -1 ||
		    fcntl(fds[i], F_SETFL, flags | O_NONBLOCK) == -1 ||
		    fcntl(fds[i], F_SETFD, FD_CLOEXEC) == -1) {
			flags = errno;
			(void)close(fds[0]);
			(void)close(fds[1]);
			errno = flags;
			return -1;
		}
	}
	return 0;
}

int
signals_open(const int *set, size_t n)
{
	struct sigaction sa, old;
	int fds[2];
	size_t i;
	int saved;

	if (the.wfd != 0) {
		errno = EBUSY;
		return -1;
	}
	if (n > SIGNALS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (open_pipe(fds) == -1)
		return -1;
	the.wfd = fds[1];
	the.n = 0;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = signals_handle;
	sa.sa_flags = SA_RESTART;
	(void)sigfillset(&sa.sa_mask);
	for (i = 0; i < n; i++) {
		if (sigaction(set[i], NULL, &old) == -1)
			goto fail;
		if (old.sa_handler == SIG_IGN ||
		    old.sa_handler == signals_handle)
			continue;
		if (sigaction(set[i], &sa, NULL) == -1)
			goto fail;
		the.set[the.n] = set[i];
		the.old[the.n] = old;
		the.n++;
	}
	return fds[0];
fail:
	saved = errno;
	signals_close(fds[0]);
	errno = saved;
	return -1;
}

int
signals_read(int fd)
{
	unsigned char c;
	ssize_t n;

	do
		n = read(fd, &c, 1);
	while (n == -1 && errno == EINTR);
	return n == 1 ? c : 0;
}

void
signals_close(int fd)
{
	size_t i;

	if (fd == -1)
		return;
	for (i = 0; i < the.n; i++)
		(void)sigaction(the.set[i], &the.old[i], NULL);
	the.n = 0;
	(void)close(the.wfd);
	the.wfd = 0;
	(void)close(fd);
}

int
signals_ignore(int sig)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	return sigaction(sig, &sa, NULL);
}
