#include "mountwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

/* The table is kept as a sorted list of lines "ID DEVICE ROOT PATH": an id is
 * given away again at once, so it alone does not tell one mount from the
 * next at the same place. */
struct mountwatch {
	int fd;
	char **line;
	size_t n;
};

static int
by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_lines(char **line, size_t n)
{
	while (n > 0)
		free(line[--n]);
	free(line);
}

/* Undoes the octal escapes of space, tab, newline and backslash. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] != '\0' && s[3] != '\0') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* One line of mountinfo: id, parent, device, root, mount point, ... */
static char *
parse(char *text)
{
	char *field[5] = {NULL}, *line;
	size_t i, len;

	for (i = 0; i < 5; i++) {
		field[i] = strsep(&text, " ");
		if (field[i] == NULL)
			return NULL;
	}
	unescape(field[4]);
	len = strlen(field[0]) + strlen(field[2]) + strlen(field[3]) +
	    strlen(field[4]) + 4;
	line = malloc(len);
	if (line != NULL)
		(void)snprintf(line, len, "%s %s %s %s", field[0], field[2],
		    field[3], field[4]);
	return line;
}

/* The mount point of a line: the fields before it hold no spaces. */
static const char *
point_of(const char *line)
{
	int spaces = 0;

	while (spaces < 3)
		spaces += *line++ == ' ';
	return line;
}

static int
read_all(int fd, struct buf *b)
{
	char *p;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	for (;;) {
		p = buf_reserve(b, 4096);
		if (p == NULL) {
			errno = ENOMEM;
			return -1;
		}
		n = read(fd, p, 4096);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		b->len += (size_t)n;
	}
}

static int
load(struct mountwatch *m, char ***line, size_t *n)
{
	struct buf b = BUF_INIT;
	char *text, *next, **more;
	int ret = -1;

	*line = NULL;
	*n = 0;
	if (read_all(m->fd, &b) == -1)
		goto out;
	buf_addc(&b, '\0');
	if (b.failed) {
		errno = ENOMEM;
		goto out;
	}
	for (text = b.data; text != NULL && *text != '\0'; text = next) {
		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		more = reallocarray(*line, *n + 1, sizeof(char *));
		if (more == NULL)
			goto out;
		*line = more;
		(*line)[*n] = parse(text);
		if ((*line)[*n] != NULL)
			*n += 1;
	}
	if (*n > 0)
		qsort(*line, *n, sizeof(char *), by_line);
	ret = 0;
out:
	if (ret == -1) {
		free_lines(*line, *n);
		*line = NULL;
		*n = 0;
	}
	buf_free(&b);
	return ret;
}

struct mountwatch *
mountwatch_open(void)
{
	struct mountwatch *m;

	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (m->fd == -1 || load(m, &m->line, &m->n) == -1) {
		mountwatch_close(m);
		return NULL;
	}
	return m;
}

void
mountwatch_close(struct mountwatch *m)
{
	if (m == NULL)
		return;
	if (m->fd != -1)
		(void)close(m->fd);
	free_lines(m->line, m->n);
	free(m);
}

int
mountwatch_fd(const struct mountwatch *m)
{
	return m->fd;
}

int
mountwatch_read(struct mountwatch *m, void (*each)(void *ctx, const char *path),
    void *ctx)
{
	char **line;
	size_t n, i = 0, k = 0;
	int cmp;

	if (load(m, &line, &n) == -1)
		return -1;
	while (i < m->n || k < n) {
		if (i == m->n)
			cmp = 1;
		else if (k == n)
			cmp = -1;
		else
			cmp = strcmp(m->line[i], line[k]);
		if (cmp < 0)
			each(ctx, point_of(m->line[i]));
		else if (cmp > 0)
			each(ctx, point_of(line[k]));
		i += cmp <= 0;
		k += cmp >= 0;
	}
	free_lines(m->line, m->n);
	m->line = line;
	m->n = n;
	return 0;
}
