#include "story.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct lines {
	char *text;
	char **line;
	size_t n;
};

static void
split(struct lines *l, const char *story)
{
	char *at, *end;

	l->n = 0;
	l->text = strdup(story);
	l->line = calloc(strlen(story) + 1, sizeof(char *));
	ck_assert(l->text != NULL && l->line != NULL);
	for (at = l->text; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		*end = '\0';
		l->line[l->n++] = at;
	}
}

static void
release(struct lines *l)
{
	free(l->line);
	free(l->text);
}

/* The path, where the line is of that kind; else NULL. */
static const char *
path_of(const char *line, const char *kind)
{
	size_t len = strlen(kind);

	if (strncmp(line, kind, len) != 0 || line[len] != ' ')
		return NULL;
	return line + len + 1;
}

static bool
has(const struct lines *l, const char *kind, const char *path)
{
	const char *p;
	size_t i;

	for (i = 0; i < l->n; i++) {
		p = path_of(l->line[i], kind);
		if (p != NULL && strcmp(p, path) == 0)
			return true;
	}
	return false;
}

static void
take_out(struct lines *l, const char *kind, const char *path)
{
	const char *p;
	size_t i, kept = 0;

	for (i = 0; i < l->n; i++) {
		p = path_of(l->line[i], kind);
		if (p == NULL || strcmp(p, path) != 0)
			l->line[kept++] = l->line[i];
	}
	l->n = kept;
}

/* What was created had its content then. */
static void
join_content(struct lines *l)
{
	const char *path;
	size_t i;

	for (i = l->n; i > 0; i--) {
		path = path_of(l->line[i - 1], "modified");
		if (path == NULL || !has(l, "created", path))
			continue;
		take_out(l, "modified", path);
		i = l->n + 1;
	}
}

/* What came and went in want, and was not seen. */
static void
leave_out_passing(struct lines *want, const struct lines *got)
{
	const char *path;
	size_t i;

	for (i = 0; i < want->n; i++) {
		path = path_of(want->line[i], "created");
		if (path == NULL || !has(want, "deleted", path) ||
		    has(got, "created", path) || has(got, "deleted", path))
			continue;
		take_out(want, "modified", path);
		take_out(want, "deleted", path);
		take_out(want, "created", path);
		i = SIZE_MAX; /* from the beginning */
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
story_net_equal(const char *got, const char *want)
{
	struct lines g, w;
	bool same;
	size_t i;

	split(&g, got);
	split(&w, want);
	leave_out_passing(&w, &g);
	join_content(&g);
	join_content(&w);
	qsort(g.line, g.n, sizeof(char *), by_text);
	qsort(w.line, w.n, sizeof(char *), by_text);
	same = g.n == w.n;
	for (i = 0; same && i < g.n; i++)
		same = strcmp(g.line[i], w.line[i]) == 0;
	release(&g);
	release(&w);
	return same;
}
