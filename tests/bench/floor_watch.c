/*
 * floor_watch count|echo|tree DIRECTORY: what the kernel alone costs, of the
 * events that fswatch-events tells by default. Says "ready" and then
 *
 * count	reads the records of inotify(7) and looks at none of them, until
 *		one is about the name "end", which it says
 * echo		says a line for each read
 * tree		does nothing more: before, it has walked through the tree with
 *		one thread, watched each directory and read its names, of which
 *		nothing is kept
 */
#include <sys/inotify.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MASK                                                               \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | \
	    IN_EXCL_UNLINK | IN_ONLYDIR)

static void
say(const char *line)
{
	if (write(STDOUT_FILENO, line, strlen(line)) == -1)
		err(1, "stdout");
}

static void
enter(int inotify, int parent, const char *name)
{
	char path[64];
	struct dirent *de;
	DIR *d;
	int fd;

	fd = openat(parent, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		err(1, "%s", name);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(inotify, path, MASK) == -1 ||
	    (d = fdopendir(fd)) == NULL)
		err(1, "%s", name);
	while ((de = readdir(d)) != NULL)
		if (de->d_type == DT_DIR && strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			enter(inotify, fd, de->d_name);
	(void)closedir(d);
}

/* Is there one about the name? */
static int
holds_end(const char *buf, ssize_t n)
{
	const struct inotify_event *ev;
	ssize_t at;

	for (at = 0; at < n; at += (ssize_t)(sizeof(*ev) + ev->len)) {
		ev = (const struct inotify_event *)(const void *)(buf + at);
		if (ev->len > 0 && strcmp(ev->name, "end") == 0)
			return 1;
	}
	return 0;
}

static void
serve(int inotify, int echo)
{
	alignas(struct inotify_event) static char buf[64 * 1024];
	struct pollfd p = {.fd = inotify, .events = POLLIN};
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, -1) == -1 ||
		    (n = read(inotify, buf, sizeof(buf))) <= 0)
			err(1, "inotify");
		if (echo)
			say("event\n");
		else if (holds_end(buf, n))
			say("end\n");
	}
}

int
main(int argc, char *argv[])
{
	int inotify;

	if (argc != 3)
		errx(2, "usage: floor_watch count|echo|tree directory");
	inotify = inotify_init1(IN_CLOEXEC);
	if (inotify == -1)
		err(1, "inotify");
	if (strcmp(argv[1], "tree") == 0) {
		enter(inotify, AT_FDCWD, argv[2]);
		say("ready\n");
		(void)pause();
		return 0;
	}
	if (inotify_add_watch(inotify, argv[2], MASK) == -1)
		err(1, "%s", argv[2]);
	say("ready\n");
	serve(inotify, strcmp(argv[1], "echo") == 0);
	return 0;
}
