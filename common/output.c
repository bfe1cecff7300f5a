#include "output.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The size of a pipe, where nobody has changed it (pipe(7)). */
#define OUTPUT_FULL ((size_t)64 * 1024)

void
output_open(struct output *out, int fd)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	struct stat st;

	memset(out, 0, sizeof(*out));
	out->fd = fd;
	out->own = -1;
	if (fstat(fd, &st) == -1 || S_ISREG(st.st_mode))
		return;
	out->waits = true;
	if (!S_ISFIFO(st.st_mode))
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	out->own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

bool
output_room(const struct output *out)
{
	return out->buf.len < OUTPUT_FULL;
}

int
output_fd(const struct output *out)
{
	return out->own != -1 ? out->own : out->fd;
}

static bool
is_writable(const struct output *out)
{
	struct pollfd p = {.fd = out->fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1;
}

int
output_flush(struct output *out)
{
	size_t done = 0, len;
	ssize_t n;
	int ret = 1;

	if (out->buf.failed) {
		errno = ENOMEM;
		return -1;
	}
	while (done < out->buf.len) {
		len = out->buf.len - done;
		if (out->waits && out->own == -1) {
			/* POLLOUT promises no more than this without
			 * waiting. */
			if (len > PIPE_BUF)
				len = PIPE_BUF;
			if (!is_writable(out)) {
				ret = 0;
				break;
			}
		}
		n = write(output_fd(out), out->buf.data + done, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			ret = errno == EAGAIN ? 0 : -1;
			break;
		}
		done += (size_t)n;
	}
	if (done > 0)
		memmove(out->buf.data, out->buf.data + done,
		    out->buf.len - done);
	out->buf.len -= done;
	return ret;
}

int
output_close(struct output *out)
{
	buf_free(&out->buf);
	if (out->own != -1)
		(void)close(out->own);
	return close(out->fd);
}
