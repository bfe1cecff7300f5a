/*
 * floor_watch HOW DIRECTORY: what the kernel alone costs, of the events that
 * fswatch-events tells by default. Says "ready" and then, as HOW is
 *
 * count	reads the records of inotify(7) and looks at none of them, until
 *		one is about the name "end", which it says
 * sip		the same, but wakes up for every few of them: its buffer holds
 *		eight with a short name
 * tell		reads them as count does and says a line as long as those of
 *		fswatch-events for each, in one write a read; it looks at
 *		nothing and keeps nothing
 * echo		says a line for each read
 * look		says a line as tell does, after it has looked at the file, once
 * tree		does nothing more: before, it has walked through the tree with
 *		one thread, watched each directory and read its names, of which
 *		nothing is kept
 */
#include <sys/inotify.h>
#include <sys/stat.h>

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

#define READ_MAX (64 * 1024)
/* As little as the kernel takes: a record with the longest name. */
#define SIP (sizeof(struct inotify_event) + 256)

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

/* A line of the same length, put together from as many pieces. */
static char *
add_line(char *p, const char *dir, const char *name)
{
	p = stpcpy(p, "{\"event\":\"created\",\"type\":\"file\",\"path\":\"");
	p = stpcpy(stpcpy(stpcpy(p, dir), "/"), name);
	p = stpcpy(stpcpy(p, "\",\"root\":\""), dir);
	p = stpcpy(stpcpy(p, "\",\"name\":\""), name);
	return stpcpy(p, "\",\"time\":1700000000.000000,\"seq\":000000}\n");
}

static void
tell(const char *buf, ssize_t n, const char *dir)
{
	static char lines[READ_MAX * 32];
	const struct inotify_event *ev;
	char *p = lines;
	ssize_t at;

	for (at = 0; at < n; at += (ssize_t)(sizeof(*ev) + ev->len)) {
		ev = (const struct inotify_event *)(const void *)(buf + at);
		if (ev->len > 0)
			p = add_line(p, dir, ev->name);
		if (p - lines > (ssize_t)sizeof(lines) / 2 ||
		    at + (ssize_t)(sizeof(*ev) + ev->len) >= n) {
			if (write(STDOUT_FILENO, lines, (size_t)(p - lines)) ==
			    -1)
				err(1, "stdout");
			p = lines;
		}
	}
}

static void
serve(int inotify, const char *how, const char *dir)
{
	alignas(struct inotify_event) static char buf[READ_MAX];
	struct pollfd p = {.fd = inotify, .events = POLLIN};
	size_t room = strcmp(how, "sip") == 0 ? SIP : sizeof(buf);
	int top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct inotify_event *first = (const void *)buf;
	struct statx st;
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, -1) == -1 ||
		    (n = read(inotify, buf, room)) <= 0)
			err(1, "inotify");
		if (strcmp(how, "look") == 0)
			(void)statx(top, first->name, AT_SYMLINK_NOFOLLOW,
			    STATX_BASIC_STATS, &st);
		if (strcmp(how, "echo") == 0)
			say("event\n");
		else if (strcmp(how, "look") == 0 || strcmp(how, "tell") == 0)
			tell(buf, n, dir);
		else if (holds_end(buf, n))
			say("end\n");
	}
}

int
main(int argc, char *argv[])
{
	int inotify;

	if (argc != 3)
		errx(2,
		    "usage: floor_watch count|sip|tell|echo|look|tree "
		    "directory");
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
	serve(inotify, argv[1], argv[2]);
	return 0;
}
