#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event.h"
#include "harness.h"
#include "settle.h"

/*
 * A world of names that is changed by hand, and what is told of it, folded.
 * Times are ours: QUIET and MOST are what is promised to be waited for.
 */
#define QUIET 100
#define MOST  1000

#define WORLD_MAX 4096
#define PATH_LEN  120

struct name {
	char path[PATH_LEN];
	char type; /* f, d, l, o */
};

struct world {
	struct name *name;
	size_t n;
};

static struct settle *s;
static struct world disk; /* as it is */
static struct world told; /* as the events say */
static int64_t now;
static char story[1 << 16];
static char steps[1 << 16]; /* since all was quiet */
static size_t events;
static bool paired, strict;
static const char *fault; /* of the fold */

static const char *const roots[] = {"r", "q"};

/* Paths in the world begin with the root: "r/a". A story leaves "r/" out. */

/* ck_assert() that writes nothing while all is well: there are many. */
#define must(what)                                 \
	do {                                       \
		if (!(what))                       \
			ck_abort_msg("%s", #what); \
	} while (0)

static enum event_type
type_of(char letter)
{
	return letter == 'f' ? EVENT_FILE :
	    letter == 'd'    ? EVENT_DIR :
	    letter == 'l'    ? EVENT_SYMLINK :
			       EVENT_OTHER;
}

static struct name *
find(struct world *w, const char *path)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->name[i].path, path) == 0)
			return &w->name[i];
	return NULL;
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static size_t
count_below(const struct world *w, const char *dir)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		n += is_below(w->name[i].path, dir);
	return n;
}

static void
world_add(struct world *w, const char *path, char type)
{
	struct name *p;

	must(w->n < WORLD_MAX);
	p = &w->name[w->n++];
	(void)snprintf(p->path, sizeof(p->path), "%s", path);
	p->type = type;
}

static void
world_remove(struct world *w, const char *gone)
{
	char path[PATH_LEN]; /* gone may be one of them */
	size_t i, kept = 0;

	(void)snprintf(path, sizeof(path), "%s", gone);

	for (i = 0; i < w->n; i++)
		if (strcmp(w->name[i].path, path) != 0 &&
		    !is_below(w->name[i].path, path))
			w->name[kept++] = w->name[i];
	w->n = kept;
}

static void
world_move(struct world *w, const char *from, const char *to)
{
	char path[2 * PATH_LEN];
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (strcmp(w->name[i].path, from) != 0 &&
		    !is_below(w->name[i].path, from))
			continue;
		(void)snprintf(path, sizeof(path), "%s%s", to,
		    w->name[i].path + strlen(from));
		must(strlen(path) < PATH_LEN);
		memcpy(w->name[i].path, path, strlen(path) + 1);
	}
}

static void
world_exchange(struct world *w, const char *a, const char *b)
{
	world_move(w, a, "\001");
	world_move(w, b, a);
	world_move(w, "\001", b);
}

static void
wrong(const char *what)
{
	if (fault == NULL)
		fault = what;
}

static void
fold(const struct event *ev, const char *path, const char *old)
{
	struct name *p = find(&told, path), *q = find(&told, old);
	const char *slash = strrchr(path, '/');
	char parent[PATH_LEN];
	char letter = event_type_name(ev->type)[0];

	letter = letter == 's' ? 'l' : letter;
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path),
	    path);
	if (strict && strchr(parent, '/') != NULL &&
	    find(&told, parent) == NULL)
		wrong("in a directory that was not told");
	switch (ev->kind) {
	case EVENT_CREATED:
		if (p != NULL)
			wrong("created twice");
		world_add(&told, path, letter);
		return;
	case EVENT_DELETED:
		if (p == NULL || p->type != letter)
			wrong("deleted what is not there");
		if (strict && count_below(&told, path) > 0)
			wrong("deleted before what is below");
		world_remove(&told, path);
		return;
	case EVENT_RENAMED:
		if (q == NULL || q->type != letter)
			wrong("renamed what is not there");
		if (ev->exchanged) {
			if (p == NULL || is_below(path, old) ||
			    is_below(old, path))
				wrong("exchanged with nothing");
			world_exchange(&told, old, path);
			return;
		}
		if (ev->replaced != (p != NULL))
			wrong("replaced, or not");
		if (p != NULL && (p->type == 'd' || q->type == 'd'))
			wrong("replaced by what cannot");
		if (strcmp(path, old) == 0 || is_below(path, old) ||
		    is_below(old, path))
			wrong("renamed into itself");
		world_remove(&told, path);
		world_move(&told, old, path);
		return;
	default:
		if (p == NULL || p->type != letter)
			wrong("changed what is not there");
	}
}

static const char *
short_path(const char *path)
{
	return strncmp(path, "r/", 2) == 0 ? path + 2 : path;
}

static void
on_tell(void *ctx, struct event *ev, const char *root, const char *name)
{
	char path[PATH_LEN], old[PATH_LEN] = "", line[3 * PATH_LEN];
	char place[PATH_LEN] = "";
	size_t len = strlen(story);

	if (ctx != &disk)
		wrong("for somebody else");
	(void)snprintf(path, sizeof(path), "%s/%s", ev->root, ev->name);
	if (ev->kind == EVENT_RENAMED)
		(void)snprintf(old, sizeof(old), "%s/%s", ev->old_root,
		    ev->old_name);
	if (name != NULL) {
		(void)snprintf(place, sizeof(place), "%s/%s", root, name);
		if (find(&disk, place) == NULL)
			wrong("it is not where it is said to be");
	} else if (ev->kind != EVENT_DELETED) {
		wrong("it is nowhere");
	}
	fold(ev, path, old);
	events++;
	(void)snprintf(line, sizeof(line), "%s%s%s%s%s %s%s%s",
	    len > 0 ? "; " : "", ev->synthetic ? "(" : "",
	    ev->exchanged    ? "exchanged" :
		ev->replaced ? "replaced" :
			       event_kind_name(ev->kind),
	    ev->synthetic ? ")" : "", "", *old != '\0' ? short_path(old) : "",
	    *old != '\0' ? " " : "", short_path(path));
	if (len + strlen(line) < sizeof(story))
		memcpy(story + len, line, strlen(line) + 1);
}

static int
on_list(void *ctx, const char *root, const char *name, net_each each, void *arg)
{
	char path[PATH_LEN];
	size_t i;

	(void)ctx;
	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	for (i = 0; i < disk.n; i++)
		if (is_below(disk.name[i].path, path) &&
		    strchr(disk.name[i].path + strlen(path) + 1, '/') == NULL &&
		    each(arg, disk.name[i].path + strlen(path) + 1,
			type_of(disk.name[i].type), true) == -1)
			return -1;
	return 0;
}

static void
begin_with(unsigned kinds)
{
	struct settle_config cfg = {
	    .quiet = QUIET,
	    .most = MOST,
	    .output = {kinds, &disk, on_tell, on_list},
	};

	paired = (kinds & EVENT_BIT(EVENT_RENAMED)) != 0;
	strict = true;
	s = settle_new(&cfg);
	ck_assert_ptr_nonnull(s);
	disk.name = calloc(WORLD_MAX, sizeof(*disk.name));
	told.name = calloc(WORLD_MAX, sizeof(*told.name));
	ck_assert(disk.name != NULL && told.name != NULL);
	disk.n = told.n = 0;
	now = 1;
	*story = *steps = '\0';
	events = 0;
	fault = NULL;
}

static void
begin(void)
{
	begin_with(EVENT_ALL & ~EVENT_BIT(EVENT_OPENED));
}

static void
end(void)
{
	settle_free(s);
	free(disk.name);
	free(told.name);
}

/* What was there before: "d/a f/a/b". */
static void
there(const char *list)
{
	char path[PATH_LEN];

	while (*list != '\0') {
		size_t len = strcspn(list, " ");

		(void)snprintf(path, sizeof(path), "r/%.*s", (int)len - 2,
		    list + 2);
		world_add(&disk, path, *list);
		world_add(&told, path, *list);
		list += len + (list[len] == ' ');
	}
}

/* A path of the world as root and name. */
static const char *
split(const char *path, const char **root)
{
	*root = path[0] == 'r' ? roots[0] : roots[1];
	return path + 2;
}

/* For the report of a failure. */
static void
note(const char *what, const char *path, const char *to)
{
	size_t len = strlen(steps);

	if (len + 3 * PATH_LEN < sizeof(steps))
		(void)snprintf(steps + len, sizeof(steps) - len, "%s%s %s%s%s",
		    len > 0 ? ", " : "", what, path, *to != '\0' ? " " : "",
		    to);
}

static void
raw(enum event_kind kind, const char *path)
{
	struct name *p = find(&disk, path);
	struct event ev = {.kind = kind};

	note(event_kind_name(kind), path, "");

	must(p != NULL);
	ev.type = type_of(p->type);
	ev.name = split(path, &ev.root);
	must(settle_event(s, &ev, now) == 0);
}

static void
create(const char *path, char type)
{
	must(find(&disk, path) == NULL);
	world_add(&disk, path, type);
	raw(EVENT_CREATED, path);
}

/* With all that is below, the deepest first. */
static void delete (const char *path)
{
	struct name *best;
	size_t i;

	for (;;) {
		best = NULL;
		for (i = 0; i < disk.n; i++)
			if (is_below(disk.name[i].path, path) &&
			    (best == NULL ||
				strlen(disk.name[i].path) > strlen(best->path)))
				best = &disk.name[i];
		if (best == NULL)
			break;
		raw(EVENT_DELETED, best->path);
		world_remove(&disk, best->path);
	}
	raw(EVENT_DELETED, path);
	world_remove(&disk, path);
}

static void
rename_to(const char *from, const char *to)
{
	struct name *p = find(&disk, from), *q = find(&disk, to);
	struct event ev = {.kind = EVENT_RENAMED};

	must(p != NULL);
	ev.type = type_of(p->type);
	ev.old_name = split(from, &ev.old_root);
	ev.name = split(to, &ev.root);
	note("renamed", from, to);
	if (q != NULL) {
		must(count_below(&disk, to) == 0);
		ev.replaced = true;
		ev.other_type = type_of(q->type);
		world_remove(&disk, to);
	}
	world_move(&disk, from, to);
	must(settle_event(s, &ev, now) == 0);
}

static void
exchange(const char *a, const char *b)
{
	struct event ev = {.kind = EVENT_RENAMED, .exchanged = true};

	note("exchanged", a, b);
	ev.type = type_of(find(&disk, a)->type);
	ev.other_type = type_of(find(&disk, b)->type);
	ev.old_name = split(a, &ev.old_root);
	ev.name = split(b, &ev.root);
	world_exchange(&disk, a, b);
	must(settle_event(s, &ev, now) == 0);
}

/* One step: "+f a" made, "-f a" gone, "*f a" modified, "@f a" attrib, ")f a"
 * closed, "!f a" complete, "> a b" renamed, "= a b" exchanged, "." a while. */
static void
step(const char *text)
{
	char a[PATH_LEN - 2], b[PATH_LEN - 2], x[PATH_LEN], y[PATH_LEN];
	static const struct {
		char sign;
		enum event_kind kind;
	} plain[] = {{'*', EVENT_MODIFIED}, {'@', EVENT_ATTRIB},
	    {')', EVENT_CLOSED}, {'!', EVENT_COMPLETE}};
	size_t i;
	int n;

	n = sscanf(text + 1, "%*[fdlo]%117s %117s", a, b);
	if (text[1] == ' ')
		n = sscanf(text + 1, "%117s %117s", a, b);
	if (*text == '.') {
		now += QUIET / 2;
		ck_assert_int_eq(settle_run(s, now, true), 0);
		return;
	}
	ck_assert_int_ge(n, 1);
	(void)snprintf(x, sizeof(x), "%s%s", a[1] == ':' ? "" : "r/", a);
	if (a[1] == ':')
		x[1] = '/';
	if (*text == '>' || *text == '=') {
		ck_assert_int_eq(n, 2);
		(void)snprintf(y, sizeof(y), "%s%s", b[1] == ':' ? "" : "r/",
		    b);
		if (b[1] == ':')
			y[1] = '/';
	}
	switch (*text) {
	case '+':
		create(x, text[1]);
		return;
	case '-':
		delete (x);
		return;
	case '>':
		rename_to(x, y);
		return;
	case '=':
		exchange(x, y);
		return;
	}
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].sign == *text) {
			raw(plain[i].kind, x);
			return;
		}
	ck_abort_msg("%s: no step", text);
}

/* Steps with ", " between. */
static void
happens(const char *list)
{
	char one[2 * PATH_LEN];

	while (*list != '\0') {
		size_t len = strcspn(list, ",");

		(void)snprintf(one, sizeof(one), "%.*s", (int)len, list);
		step(one);
		list += len;
		list += strspn(list, ", ");
	}
}

static int
by_path(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void
check_world(void)
{
	size_t i;

	ck_assert_msg(fault == NULL, "%s: %s after %s", fault, story, steps);
	qsort(disk.name, disk.n, sizeof(*disk.name), by_path);
	qsort(told.name, told.n, sizeof(*told.name), by_path);
	for (i = 0; i < disk.n && i < told.n; i++)
		ck_assert_msg(strcmp(disk.name[i].path, told.name[i].path) ==
			    0 &&
			disk.name[i].type == told.name[i].type,
		    "%s is there and %s was told: %s after %s",
		    disk.name[i].path, told.name[i].path, story, steps);
	ck_assert_msg(disk.n == told.n, "%zu names are there, %zu told: %s",
	    disk.n, told.n, story);
	*steps = '\0';
}

/* What has been told since the last time. */
static const char *
said(void)
{
	static char last[sizeof(story)];

	memcpy(last, story, sizeof(story));
	*story = '\0';
	return last;
}

/* Waits until all is quiet. */
static const char *
settled(void)
{
	int64_t due;

	ck_assert_int_eq(settle_run(s, now, true), 0);
	while ((due = settle_due(s)) != -1) {
		ck_assert_int_gt(due, now);
		ck_assert_int_le(due, now + QUIET);
		ck_assert_int_eq(settle_run(s, due - 1, true), 0);
		now = due;
		ck_assert_int_eq(settle_run(s, now, true), 0);
	}
	check_world();
	return said();
}

#define row(before, steps, outcome)                   \
	do {                                          \
		begin();                              \
		there(before);                        \
		happens(steps);                       \
		ck_assert_str_eq(said(), "");         \
		ck_assert_str_eq(settled(), outcome); \
		end();                                \
	} while (0)

START_TEST(what_was_made_is_told_once)
{
	row("", "+f a, *f a, *f a, @f a", "created a");
	row("", "+f a, *f a, )f a, !f a", "created a; closed a; complete a");
	row("", "+f a, *f a, -f a", "");
	row("", "+d d, +f d/a, -f d/a, -d d", "");
	row("", "+d d, +f d/a", "created d; created d/a");
	row("", "+l a", "created a");
}
END_TEST

START_TEST(what_was_changed_is_told_once)
{
	row("f/a", "*f a, *f a", "modified a");
	row("f/a", "@f a, *f a, @f a, )f a, !f a",
	    "modified a; attrib a; closed a; complete a");
	row("f/a", "*f a, -f a", "deleted a");
	row("d/d", "@d d", "attrib d");
}
END_TEST

START_TEST(what_is_written_again_is_not_complete)
{
	row("f/a", "*f a, )f a, !f a, *f a", "modified a; closed a");
	row("f/a", "*f a, !f a, *f a, !f a", "modified a; complete a");
}
END_TEST

START_TEST(a_file_made_again_is_modified)
{
	row("f/a", "-f a, +f a", "modified a");
	row("f/a", "-f a, +f a, )f a, !f a",
	    "modified a; closed a; complete a");
	row("f/a", "-f a, +f a, -f a", "deleted a");
	row("f/a", "-f a, +f a, -f a, +f a", "modified a");
}
END_TEST

START_TEST(anything_else_made_again_is_deleted_and_created)
{
	row("d/d f/d/a", "-d d, +d d", "deleted d/a; deleted d; created d");
	row("d/d f/d/a", "-d d, +d d, +f d/a",
	    "deleted d/a; deleted d; created d; created d/a");
	row("l/a", "-l a, +l a", "deleted a; created a");
	row("f/a", "-f a, +d a, +f a/b", "deleted a; created a; created a/b");
	row("d/a f/a/b", "-d a, +f a", "deleted a/b; deleted a; created a");
	row("f/a", "-f a, +l a", "deleted a; created a");
}
END_TEST

START_TEST(what_was_made_is_told_under_its_last_name)
{
	row("", "+f a, > a b", "created b");
	row("", "+d a, > a b, +f b/c, > b a", "created a; created a/c");
	row("", "+f a, > a b, -f b", "");
	row("d/d", "+f a, > a d/b", "created d/b");
}
END_TEST

START_TEST(a_save_is_a_modification)
{
	row("f/b", "+f t, *f t, )f t, !f t, > t b, !f b",
	    "modified b; closed b; complete b");
	row("f/b", "-f b, +f t, > t b", "modified b");
	row("f/b", "> b b~, +f t, > t b", "created b~; modified b");
	row("f/b f/b~", "> b b~, +f t, > t b", "modified b; modified b~");
	row("f/b", "> b b~, +f b, *f b, -f b~", "modified b");
	row("f/b", "+f t, = t b, -f t", "modified b");
	row("f/b", "+f t, = t b", "created t; modified b");
}
END_TEST

START_TEST(a_log_that_is_rotated_is_renamed)
{
	row("f/l", "> l l.1, +f l", "renamed l l.1; created l");
	row("f/l f/l.1", "> l.1 l.2, > l l.1, +f l, *f l",
	    "renamed l.1 l.2; renamed l l.1; created l");
	row("f/l f/l.1", "> l l.1, +f l", "replaced l l.1; created l");
}
END_TEST

START_TEST(renames_are_told_from_first_to_last)
{
	row("f/a", "> a b, > b c", "renamed a c");
	row("f/a", "> a b, *f b", "renamed a b; modified b");
	row("f/a", "> a b, -f b", "deleted a");
	row("f/a", "> a b, > b a", "");
	row("f/a", "> a b, > b a, *f a", "modified a");
	row("f/a", "> a b, !f b, > b a, !f a", "");
	row("f/a", "> a b, !f b, > b c, !f c", "renamed a c; complete c");
	row("f/a f/b", "> a b", "replaced a b");
	row("l/a f/b", "> a b", "replaced a b");
	row("d/a d/b", "> a b", "deleted b; renamed a b");
}
END_TEST

START_TEST(a_swap_is_an_exchange)
{
	row("f/a f/b", "> a t, > b a, > t b", "exchanged b a");
	row("f/a d/b f/b/c", "> a t, > b a, > t b", "exchanged b a");
	row("f/a f/b", "= a b", "exchanged b a");
	row("f/a f/b", "= a b, = a b", "");
	row("f/a f/b f/c", "> a t, > c a, > b c, > t b",
	    "exchanged c a; exchanged b c");
	row("f/a f/b", "> a t, > b a, > t b, *f a",
	    "exchanged b a; modified a");
}
END_TEST

START_TEST(a_renamed_directory_takes_along_what_is_held)
{
	row("d/d f/d/a", "*f d/a, > d e", "renamed d e; modified e/a");
	row("d/d f/d/a", "> d e, *f e/a", "renamed d e; modified e/a");
	row("d/d f/d/a", "*f d/a, > d e, > e d", "modified d/a");
	row("d/d f/d/a", "+f d/b, > d e", "renamed d e; created e/b");
	row("d/d f/d/a", "> d/a d/b, > d e", "renamed d e; renamed e/a e/b");
	row("d/d f/d/a", "-f d/a, > d e", "deleted d/a; renamed d e");
	row("d/d f/d/a", "> d/a a, > d e, > a e/a", "renamed d e");
	row("d/d f/d/a", "> d/a a, -d d", "renamed d/a a; deleted d");
	row("d/d f/d/a", "> d e, -d e", "deleted d/a; deleted d");
	row("d/d f/d/a f/e", "-f e, > d e", "deleted e; renamed d e");
}
END_TEST

START_TEST(renamed_and_made_under_the_old_name_are_two)
{
	row("f/a", "> a b, +f a, *f a", "renamed a b; created a");
	row("d/a f/a/x", "> a b, +d a, +f a/x",
	    "renamed a b; created a; created a/x");
	row("d/a f/a/x", "> a b, +d a, > b/x a/x, -d b",
	    "deleted a/x; deleted a; created a; created a/x; complete a/x");
}
END_TEST

START_TEST(into_each_other_is_told_as_it_can_be)
{
	/* b was in a; now a is in b. */
	row("d/a d/a/b", "> a/b b, > a b/a", "renamed a/b b; renamed a b/a");
	/* The same under the first name: no renames tell that. */
	row("d/d d/d/e f/d/k", "> d/e t, > d t/e, > t d",
	    "deleted d/e; deleted d/k; deleted d; created d; created d/e; "
	    "created d/e/k; complete d/e/k");
	row("d/a d/b f/b/x", "> b/x a/x, -d b, > a b",
	    "renamed b/x a/x; deleted b; renamed a b");
	row("d/z f/z/y", "+d t, > z t/z, > t z",
	    "deleted z/y; deleted z; created z; created z/z; "
	    "created z/z/y; complete z/z/y");
}
END_TEST

START_TEST(between_roots_it_is_renamed)
{
	row("f/a", "> a q:a", "renamed a q/a");
	row("d/d f/d/a", "> d q:d, *f q:d/a", "renamed d q/d; modified q/d/a");
	row("f/a", "> a q:a, > q:a b", "renamed a b");
}
END_TEST

START_TEST(what_learned_only_by_comparing_says_so)
{
	struct event ev = {.kind = EVENT_MODIFIED,
	    .type = EVENT_FILE,
	    .root = roots[0],
	    .name = "a",
	    .synthetic = true};

	begin();
	there("f/a");
	ck_assert_int_eq(settle_event(s, &ev, now), 0);
	ck_assert_str_eq(settled(), "(modified) a");
	ck_assert_int_eq(settle_event(s, &ev, now), 0);
	happens("*f a");
	ck_assert_str_eq(settled(), "modified a");
	end();
}
END_TEST

START_TEST(what_is_not_chosen_still_has_its_effect)
{
	begin_with(EVENT_BIT(EVENT_MODIFIED));
	there("f/a f/b");
	happens("+f t, *f t, > t b");
	happens("> a c, > c a, +f n, *f n");
	ck_assert_ptr_nonnull(s);
	strict = false;
	(void)settle_run(s, now + QUIET, true);
	ck_assert_str_eq(said(), "modified b");
	end();
	begin_with(EVENT_BIT(EVENT_CREATED));
	there("f/b");
	happens("> b b~, +f t, > t b");
	(void)settle_run(s, now + QUIET, true);
	ck_assert_str_eq(said(), "created b~");
	end();
}
END_TEST

START_TEST(without_renamed_it_is_deleted_and_created)
{
	begin_with(EVENT_ALL & ~EVENT_BIT(EVENT_RENAMED));
	there("f/a d/d f/d/x d/d/e f/d/e/y");
	happens("> a b");
	ck_assert_str_eq(settled(), "deleted a; created b; complete b");
	happens("> d e, *f e/x");
	ck_assert_str_eq(settled(),
	    "deleted d/e/y; deleted d/e; deleted d/x; deleted d; created e; "
	    "created e/e; created e/x; created e/e/y; complete e/x; "
	    "complete e/e/y");
	happens("> b t, > t b");
	ck_assert_str_eq(settled(), "");
	happens("+f c, *f c");
	ck_assert_str_eq(settled(), "created c");
	happens("> b t, > c b, > t c");
	ck_assert_str_eq(settled(),
	    "modified b; complete b; modified c; complete c");
	happens("> b c");
	ck_assert_str_eq(settled(), "deleted b; modified c; complete c");
	end();
}
END_TEST

START_TEST(each_path_waits_for_its_own_quiet)
{
	begin();
	there("f/a f/b");
	happens("*f a, ., *f b, .");
	ck_assert_str_eq(said(), "modified a");
	happens("*f b, .");
	ck_assert_str_eq(said(), "");
	happens(".");
	ck_assert_str_eq(said(), "modified b");
	ck_assert_int_eq(settle_due(s), -1);
	end();
}
END_TEST

START_TEST(nothing_is_held_longer_than_the_maximum)
{
	int64_t since;
	int i;

	begin();
	there("f/a f/b");
	happens("*f b");
	(void)settled();
	since = now;
	for (i = 0; i < 100 && *story == '\0'; i++)
		happens("*f a, .");
	ck_assert_str_eq(said(), "modified a");
	ck_assert_int_eq(now - since, MOST);
	/* Held anew, and for as long again. */
	since = now;
	for (i = 0; i < 100 && *story == '\0'; i++)
		happens("*f a, .");
	ck_assert_int_eq(now - since, MOST);
	(void)said();
	/* What is joined with something older comes with that. */
	(void)settled();
	happens("+d d");
	since = now;
	for (i = 0; i < 100 && *story == '\0'; i++) {
		happens(i == 15 ? "+f d/x, > b d/b" : "@d d");
		happens(".");
	}
	ck_assert_str_eq(said(), "created d; created d/x; renamed b d/b");
	ck_assert_int_eq(now - since, MOST);
	end();
}
END_TEST

START_TEST(while_more_is_known_to_come_only_the_maximum_counts)
{
	begin();
	there("f/a");
	happens("*f a");
	ck_assert_int_eq(settle_run(s, now + QUIET, false), 0);
	ck_assert_str_eq(said(), "");
	ck_assert_int_eq(settle_run(s, now + MOST, false), 0);
	ck_assert_str_eq(said(), "modified a");
	end();
}
END_TEST

START_TEST(what_is_joined_is_told_together)
{
	begin();
	there("d/d f/d/a f/b d/e");
	happens("*f d/a, ., > d x, .");
	ck_assert_str_eq(said(), "");
	happens(".");
	ck_assert_str_eq(said(), "renamed d x; modified x/a");
	/* A new directory waits for what is in it. */
	happens("+d n, ., +f n/a, ., *f n/a, .");
	ck_assert_str_eq(said(), "");
	happens(".");
	ck_assert_str_eq(said(), "created n; created n/a");
	/* An old one does not, and neither does chmod. */
	happens("@d e, ., +f e/a, .");
	ck_assert_str_eq(said(), "attrib e");
	happens(".");
	ck_assert_str_eq(said(), "created e/a");
	/* What takes a name waits for what had it. */
	happens("> b c, ., +f b, ., *f c, .");
	ck_assert_str_eq(said(), "");
	happens(".");
	ck_assert_str_eq(said(), "renamed b c; created b; modified c");
	end();
}
END_TEST

START_TEST(at_the_end_all_is_told)
{
	begin();
	there("f/a");
	happens("*f a, +d d, +f d/x");
	ck_assert_int_eq(settle_all(s), 0);
	check_world();
	ck_assert_str_eq(said(), "modified a; created d; created d/x");
	ck_assert_int_eq(settle_due(s), -1);
	ck_assert_int_eq(settle_all(s), 0);
	ck_assert_str_eq(said(), "");
	end();
}
END_TEST

/* The names that directories which are not shown had are taken by others. */
START_TEST(hidden_directories_are_not_told)
{
	begin();
	strict = false;
	there("f/h/a");
	happens("*f h/a, -f h/a, +f h, *f h");
	ck_assert_str_eq(settled(), "deleted h/a; created h");
	happens("-f h, +f h/b");
	ck_assert_str_eq(settled(), "deleted h; created h/b");
	/* Each file below a hidden directory is renamed by itself. */
	happens("+f h/c");
	ck_assert_str_eq(settled(), "created h/c");
	happens("> h/b i/b, > h/c i/c, *f i/c");
	ck_assert_str_eq(settled(),
	    "renamed h/b i/b; renamed h/c i/c; modified i/c");
	end();
}
END_TEST

START_TEST(deep_and_wide_trees_come_and_go)
{
	char path[PATH_LEN], name[16];
	size_t i, len = 1;

	begin();
	path[0] = 'r';
	for (i = 0; i < 50; i++) {
		path[len++] = '/';
		path[len++] = (char)('a' + (int)i % 26);
		path[len] = '\0';
		create(path, 'd');
	}
	for (i = 0; i < 900; i++) {
		(void)snprintf(name, sizeof(name), "r/w%zu", i);
		create(name, 'f');
	}
	(void)settled();
	ck_assert_uint_eq(events, 950);
	for (i = 0; i < 900; i++) {
		(void)snprintf(name, sizeof(name), "r/w%zu", i);
		delete (name);
	}
	happens("> a z");
	delete ("r/z");
	(void)settled();
	ck_assert_uint_eq(told.n, 0);
	end();
}
END_TEST

static size_t
memory_used(void)
{
	return mallinfo2().uordblks;
}

START_TEST(what_came_and_went_costs_no_memory)
{
	char path[PATH_LEN], to[PATH_LEN];
	size_t before, i;

	begin();
	there("f/a");
	happens("*f a");
	before = memory_used();
	for (i = 0; i < 20000; i++) {
		(void)snprintf(path, sizeof(path), "r/%zu", i);
		create(path, 'd');
		(void)snprintf(path, sizeof(path), "r/%zu/f", i);
		create(path, 'f');
		/* On the way there are hidden ones. */
		(void)snprintf(to, sizeof(to), "r/a%zu/b/c", i);
		rename_to(path, to);
		rename_to(to, "r/z");
		delete ("r/z");
		(void)snprintf(path, sizeof(path), "r/%zu", i);
		delete (path);
	}
	ck_assert_uint_lt(memory_used(), before + 65536);
	ck_assert_str_eq(settled(), "modified a");
	end();
}
END_TEST

START_TEST(a_chain_of_renames_of_any_length_is_told)
{
	char from[16], to[16];
	int i;

	begin();
	for (i = 0; i < 1000; i++) {
		(void)snprintf(from, sizeof(from), "f/l%d", i);
		there(from);
	}
	for (i = 999; i >= 0; i--) {
		(void)snprintf(from, sizeof(from), "r/l%d", i);
		(void)snprintf(to, sizeof(to), "r/l%d", i + 1);
		rename_to(from, to);
	}
	(void)settled();
	ck_assert_uint_eq(events, 1000);
	end();
}
END_TEST

/* Random changes, one at a time, with pauses of any length. SETTLE_SEED=n
 * runs one seed, SETTLE_SEEDS=n so many. */

static uint64_t seed;

static unsigned
dice(unsigned sides)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % sides;
}

static void
random_path(char path[PATH_LEN])
{
	static const char *const names[] = {"a", "b", "c"};
	unsigned depth = 1 + dice(3);
	size_t len;

	(void)snprintf(path, PATH_LEN, "%s", dice(8) == 0 ? "q" : "r");
	while (depth-- > 0) {
		len = strlen(path);
		(void)snprintf(path + len, PATH_LEN - len, "/%s",
		    names[dice(3)]);
	}
}

static bool
has_parent(const char *path)
{
	char parent[PATH_LEN];
	struct name *p;

	(void)snprintf(parent, sizeof(parent), "%.*s",
	    (int)(strrchr(path, '/') - path), path);
	if (strchr(parent, '/') == NULL)
		return true;
	p = find(&disk, parent);
	return p != NULL && p->type == 'd';
}

static void
random_change(void)
{
	static const char types[] = "fffdddl";
	char a[PATH_LEN], b[PATH_LEN];
	struct name *x, *y;

	random_path(a);
	random_path(b);
	x = find(&disk, a);
	y = find(&disk, b);
	if (x == NULL) {
		if (has_parent(a))
			create(a, types[dice(7)]);
		return;
	}
	switch (dice(8)) {
	case 0:
		delete (a);
		return;
	case 1:
		raw(EVENT_ATTRIB, a);
		return;
	case 2:
	case 3:
		if (x->type == 'f')
			raw(EVENT_MODIFIED, a);
		return;
	case 4:
		if (y != NULL && x != y && !is_below(a, b) && !is_below(b, a))
			exchange(a, b);
		return;
	default:
		if (x == y || is_below(b, a) || !has_parent(b))
			return;
		if (y != NULL &&
		    (is_below(a, b) || count_below(&disk, b) > 0 ||
			(y->type == 'd') != (x->type == 'd')))
			return;
		rename_to(a, b);
	}
}

static void
run_random(unsigned kinds, int i)
{
	unsigned n;
	int round;

	begin_with(kinds);
	seed = (uint64_t)i;
	for (round = 0; round < 40; round++) {
		for (n = 1 + dice(60); n > 0; n--) {
			random_change();
			if (dice(10) == 0)
				now += (int64_t)dice(QUIET);
			if (dice(40) == 0)
				now += QUIET;
			if (dice(3) == 0)
				ck_assert_int_eq(settle_run(s, now,
						     dice(4) != 0),
				    0);
			if (fault != NULL)
				ck_abort_msg("seed %d: %s: %s after %s", i,
				    fault, story, steps);
		}
		(void)settled();
	}
	end();
}

START_TEST(random_changes_fold)
{
	run_random(EVENT_ALL, _i);
}
END_TEST

START_TEST(random_changes_fold_without_renamed)
{
	run_random(EVENT_ALL & ~EVENT_BIT(EVENT_RENAMED), _i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settle");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");
	const char *one = getenv("SETTLE_SEED");
	const char *many = getenv("SETTLE_SEEDS");
	int first = 1, last = many != NULL ? atoi(many) : 100;

	tcase_add_test(core, what_was_made_is_told_once);
	tcase_add_test(core, what_was_changed_is_told_once);
	tcase_add_test(core, what_is_written_again_is_not_complete);
	tcase_add_test(core, a_file_made_again_is_modified);
	tcase_add_test(core, anything_else_made_again_is_deleted_and_created);
	tcase_add_test(core, what_was_made_is_told_under_its_last_name);
	tcase_add_test(core, a_save_is_a_modification);
	tcase_add_test(core, a_log_that_is_rotated_is_renamed);
	tcase_add_test(core, renames_are_told_from_first_to_last);
	tcase_add_test(core, a_swap_is_an_exchange);
	tcase_add_test(core, a_renamed_directory_takes_along_what_is_held);
	tcase_add_test(core, renamed_and_made_under_the_old_name_are_two);
	tcase_add_test(core, between_roots_it_is_renamed);
	tcase_add_test(core, what_learned_only_by_comparing_says_so);
	tcase_add_test(core, what_is_not_chosen_still_has_its_effect);
	tcase_add_test(core, without_renamed_it_is_deleted_and_created);
	tcase_add_test(core, each_path_waits_for_its_own_quiet);
	tcase_add_test(core, nothing_is_held_longer_than_the_maximum);
	tcase_add_test(core,
	    while_more_is_known_to_come_only_the_maximum_counts);
	tcase_add_test(core, what_is_joined_is_told_together);
	tcase_add_test(core, at_the_end_all_is_told);
	suite_add_tcase(suite, core);
	tcase_add_test(limits, deep_and_wide_trees_come_and_go);
	tcase_add_test(limits, what_came_and_went_costs_no_memory);
	tcase_add_test(limits, a_chain_of_renames_of_any_length_is_told);
	suite_add_tcase(suite, limits);
	tcase_add_test(hostile, into_each_other_is_told_as_it_can_be);
	tcase_add_test(hostile, hidden_directories_are_not_told);
	tcase_set_timeout(hostile, 300);
	if (one != NULL)
		first = last = atoi(one);
	tcase_add_loop_test(hostile, random_changes_fold, first, last + 1);
	tcase_add_loop_test(hostile, random_changes_fold_without_renamed, first,
	    last + 1);
	suite_add_tcase(suite, hostile);
	return harness_main(suite);
}
