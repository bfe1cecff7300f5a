/*
 * floor_count directory: what the kernel alone costs. Reads the records of
 * inotify(7) for the events that fswatch-events tells by default, looks at
 * none of them, and ends when one is about the name "end".
 */
#include <sys/inotify.h>

#include <err.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MASK                                                             \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | \
	    IN_EXCL_UNLINK)

int
main(int argc, char *argv[])
{
	alignas(struct inotify_event) static char buf[64 * 1024];
	const struct inotify_event *ev;
	struct pollfd p = {.events = POLLIN};
	unsigned long n = 0;
	ssize_t got, at;

	if (argc != 2)
		errx(2, "usage: floor_count directory");
	p.fd = inotify_init1(IN_CLOEXEC);
	if (p.fd == -1 || inotify_add_watch(p.fd, argv[1], MASK) == -1)
		err(1, "%s", argv[1]);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		if (poll(&p, 1, -1) == -1 ||
		    (got = read(p.fd, buf, sizeof(buf))) <= 0)
			err(1, "inotify");
		for (at = 0; at < got; at += (ssize_t)(sizeof(*ev) + ev->len)) {
			ev = (const struct inotify_event *)(void *)(buf + at);
			n++;
			if (ev->len > 0 && strcmp(ev->name, "end") == 0)
				{ printf("%lu end\n", n); fflush(stdout); }
		}
	}
out:
	(void)printf("%lu end\n", n);
	return 0;
}
