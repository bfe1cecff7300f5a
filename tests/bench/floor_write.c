/*
 * floor_write [-j] [-b] [-o] [-s] DIR: the least that commands on stdin can
 * cost. It checks nothing, makes no parents and answers nothing.
 *
 * -j	parse each line with jansson; else the path is taken from its place in
 *	{"op":"append","path":"f/000","content":"...", and all that stands
 *	behind that is written, escapes and all
 * -b	write together what has arrived together, one write(2) a file
 * -o	a new file beside it, with its name and .tmp, write, rename instead of
 *	appending
 * -s	fdatasync(2) each file that was written, at the end of each batch
 *
 * A batch is, as in fswrite, what is there until the pipe is empty, for a
 * tenth of a second or 8 MiB at most.
 */
#include <err.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_BYTES   ((size_t)8 << 20)
#define BATCH_SECONDS 0.1
#define READ_MAX      ((size_t)256 << 10)
#define FILES	      2048 /* a power of two */
#define PATH_AT	      23 /* {"op":"append","path":" */
#define CONTENT_AT    13 /* ","content":" */

struct file {
	char path[64];
	int fd;
	bool dirty; /* written in this batch */
	char *data; /* waits for the end of the batch */
	size_t len;
	size_t cap;
};

static bool parse, batch, replace, durable;
static struct file files[FILES];
static struct file *dirty[FILES];
static size_t ndirty;
static int dirfd_out;

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
write_all(int fd, const char *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		err(1, "write");
}

static struct file *
find(const char *path, size_t len)
{
	unsigned hash = 0x811c9dc5;
	struct file *f;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)path[i]) * 0x01000193;
	for (f = &files[hash % FILES]; f->path[0] != '\0';
	     f = &files[(size_t)(f - files + 1) % FILES])
		if (strncmp(f->path, path, len) == 0 && f->path[len] == '\0')
			return f;
	if (len >= sizeof(f->path))
		errx(1, "path too long");
	memcpy(f->path, path, len);
	f->fd = openat(dirfd_out, f->path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (f->fd == -1)
		err(1, "%s", f->path);
	return f;
}

static void
append(const char *path, size_t path_len, const char *data, size_t len)
{
	struct file *f = find(path, path_len);

	if (!f->dirty) {
		f->dirty = true;
		dirty[ndirty++] = f;
	}
	if (!batch) {
		write_all(f->fd, data, len);
		return;
	}
	if (f->len + len > f->cap) {
		f->cap = (f->len + len) * 2;
		f->data = realloc(f->data, f->cap);
		if (f->data == NULL)
			err(1, NULL);
	}
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static void
overwrite(const char *path, size_t path_len, const char *data, size_t len)
{
	char name[64], temporary[sizeof(name) + 4];
	int fd;

	(void)snprintf(name, sizeof(name), "%.*s", (int)path_len, path);
	(void)snprintf(temporary, sizeof(temporary), "%s.tmp", name);
	fd = openat(dirfd_out, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd == -1)
		err(1, "%s", temporary);
	write_all(fd, data, len);
	if (durable && fdatasync(fd) == -1)
		err(1, "fdatasync");
	if (renameat(dirfd_out, temporary, dirfd_out, name) == -1)
		err(1, "%s", name);
	(void)close(fd);
}

static void
take(const char *path, size_t path_len, const char *data, size_t len)
{
	(replace ? overwrite : append)(path, path_len, data, len);
}

static void
take_line(const char *line, size_t len)
{
	const char *path, *end;
	json_t *json, *p, *c;

	if (!parse) {
		path = line + PATH_AT;
		end = memchr(path, '"', len - PATH_AT);
		if (end == NULL)
			errx(1, "not what is written here: %.*s", (int)len,
			    line);
		take(path, (size_t)(end - path), end + CONTENT_AT,
		    (size_t)(line + len + 1 - end) - CONTENT_AT);
		return;
	}
	json = json_loadb(line, len, 0, NULL);
	p = json_object_get(json, "path");
	c = json_object_get(json, "content");
	if (json_string_value(json_object_get(json, "op")) == NULL ||
	    p == NULL || c == NULL)
		errx(1, "bad line");
	take(json_string_value(p), json_string_length(p), json_string_value(c),
	    json_string_length(c));
	json_decref(json);
}

static void
commit(void)
{
	struct file *f;
	size_t i;

	for (i = 0; i < ndirty; i++) {
		f = dirty[i];
		f->dirty = false;
		if (batch)
			write_all(f->fd, f->data, f->len);
		f->len = 0;
	}
	for (i = 0; durable && i < ndirty; i++)
		if (fdatasync(dirty[i]->fd) == -1)
			err(1, "fdatasync");
	ndirty = 0;
}

static bool
more(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void
run(void)
{
	static char data[READ_MAX];
	size_t have = 0, bytes = 0;
	double begin = now();
	char *line, *nl;
	ssize_t n;

	while ((n = read(STDIN_FILENO, data + have, READ_MAX - have)) > 0) {
		if (bytes == 0)
			begin = now();
		bytes += (size_t)n;
		have += (size_t)n;
		line = data;
		while ((nl = memchr(line, '\n',
			    (size_t)(data + have - line))) != NULL) {
			take_line(line, (size_t)(nl - line));
			line = nl + 1;
		}
		have -= (size_t)(line - data);
		memmove(data, line, have);
		if (bytes >= BATCH_BYTES || now() - begin >= BATCH_SECONDS ||
		    !more()) {
			commit();
			bytes = 0;
		}
	}
	if (n == -1)
		err(1, "stdin");
	commit();
}

int
main(int argc, char *argv[])
{
	int c;

	while ((c = getopt(argc, argv, "jbos")) != -1)
		if (c == 'j')
			parse = true;
		else if (c == 'b')
			batch = true;
		else if (c == 'o')
			replace = true;
		else if (c == 's')
			durable = true;
		else
			return 2;
	if (argc - optind != 1)
		errx(2, "usage: floor_write [-j] [-b] [-o] [-s] DIR");
	dirfd_out = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd_out == -1)
		err(1, "%s", argv[optind]);
	run();
	return 0;
}
