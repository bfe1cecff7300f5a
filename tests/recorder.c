#include "recorder.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "emit.h"
#include "event.h"
#include "filter.h"
#include "fold.h"
#include "hints.h"
#include "notes.h"
#include "owed.h"
#include "pool.h"
#include "sync.h"
#include "tree.h"
#include "watch.h"

#define NARGS 32
/* Longer deadlines than this are those of polling: not waited for. */
#define SOON_MS 200

static void
add_path(struct buf *b, const char *root, const char *name, bool is_name)
{
	buf_adds(b, root);
	if (is_name || name == NULL)
		return;
	buf_addc(b, '/');
	buf_adds(b, name);
}

static void
add_line(struct recorder *r)
{
	buf_addc(&r->line, '\n');
	if (!r->repeats && r->line.len == r->last.len &&
	    memcmp(r->line.data, r->last.data, r->line.len) == 0)
		return;
	buf_add(&r->told, r->line.data, r->line.len);
	buf_clear(&r->last);
	buf_add(&r->last, r->line.data, r->line.len);
}

/* What the stream says is there, event by event. */
static void
fold(struct recorder *r, const struct event *ev)
{
	struct buf line = BUF_INIT;
	json_t *json;

	ck_assert(emit_event(&r->emit, ev, &line));
	json = json_loadb(line.data, line.len, 0, NULL);
	ck_assert_ptr_nonnull(json);
	if (fold_event(r->fold, json) == -1)
		ck_abort_msg("%s", fold_fault(r->fold));
	json_decref(json);
	buf_free(&line);
}

static void
on_event(void *ctx, const struct event *event)
{
	struct recorder *r = ctx;
	struct event with = *event;
	const struct event *ev = &with;

	if (r->opt.content && r->watch != NULL)
		watch_content(r->watch, &with, &r->content);
	else if (r->opt.content && ev->name != NULL)
		owed_read(&r->core, r->top, &with, &r->content);
	if (r->fold != NULL)
		fold(r, ev);
	r->ncreated += ev->kind == EVENT_CREATED;
	buf_clear(&r->line);
	buf_adds(&r->line, event_kind_name(ev->kind));
	if (ev->type != EVENT_NOTYPE) {
		buf_addc(&r->line, ' ');
		buf_addc(&r->line, event_type_name(ev->type)[0]);
	}
	if (ev->kind == EVENT_RENAMED) {
		ck_assert_ptr_nonnull(ev->old_root);
		buf_addc(&r->line, ' ');
		add_path(&r->line, ev->old_root, ev->old_name,
		    ev->old_root_is_name);
		buf_adds(&r->line, " ->");
	}
	if (ev->root != NULL) {
		buf_addc(&r->line, ' ');
		add_path(&r->line, ev->root, ev->name, ev->root_is_name);
	}
	if (ev->replaced)
		buf_adds(&r->line, " replaced");
	if (ev->exchanged)
		buf_adds(&r->line, " exchanged");
	if (ev->synthetic && r->marks_synthetic)
		buf_adds(&r->line, " synthetic");
	if (ev->content != NULL) {
		buf_adds(&r->line, " = ");
		buf_add(&r->line, ev->content, ev->content_len);
	}
	if (ev->truncated)
		buf_adds(&r->line, " truncated");
	if (ev->st != NULL)
		ck_assert_int_eq(event_type_of(ev->st->mode), ev->type);
	add_line(r);
}

static void
on_note(void *ctx, enum watch_note note, const char *path, int error)
{
	struct recorder *r = ctx;
	struct buf text = BUF_INIT;

	note_text(&text, note, path, error);
	buf_clear(&r->line);
	buf_adds(&r->line, "# ");
	buf_adds(&r->line, text.data);
	buf_free(&text);
	add_line(r);
}

void
recorder_open(struct recorder *r, const char *options)
{
	char *argv[NARGS], *rest, msg[WATCH_OPTIONS_MSG];
	int argc = 0;

	memset(r, 0, sizeof(*r));
	(void)signal(SIGIO, SIG_IGN);
	scratch_open(&r->dir);
	ck_assert_int_eq(fchdir(r->dir.fd), 0);
	make_directory("d");
	make_directory("out");
	rest = r->args = strdup(options);
	argv[argc++] = "fswatch-events";
	while (rest != NULL && *rest != '\0' && argc < NARGS - 2)
		argv[argc++] = strsep(&rest, " ");
	argv[argc++] = "d";
	argv[argc] = NULL;
	ck_assert_msg(watch_options_parse(&r->opt, argc, argv, msg,
			  sizeof(msg)) == 0,
	    "%s", msg);
	r->cfg.opt = &r->opt;
	r->cfg.ctx = r;
	r->cfg.event = on_event;
	r->cfg.note = on_note;
}

void
recorder_close(struct recorder *r)
{
	struct core *c = &r->core;

	watch_close(r->watch);
	if (r->top != NULL) {
		core_forget_below(c, r->top, true);
		tree_free_top(r->top);
		core_close_fds(c);
		core_close_sides(c);
		core_forget_doubts(&c->doubts);
		core_forget_doubts(&c->later);
		core_forget_doubts(&c->retries);
		free(c->marks);
		pool_end(c->pool);
		buf_free(&c->name);
	}
	fold_free(r->fold);
	watch_options_free(&r->opt);
	free(r->args);
	buf_free(&r->told);
	buf_free(&r->line);
	buf_free(&r->last);
	content_free(&r->content);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&r->dir);
}

void
recorder_index(struct recorder *r)
{
	r->core.cfg = &r->cfg;
	r->core.inverse.id = -1;
	ck_assert_int_eq(core_open_sides(&r->core, r->opt.backend), 0);
	r->scope.path = "d";
	r->scope.dir_path = "d";
	r->core.pool = pool_new();
	ck_assert_ptr_nonnull(r->core.pool);
	r->top = tree_top(r->core.pool, &r->scope);
	ck_assert_ptr_nonnull(r->top);
}

void
recorder_enter(struct recorder *r)
{
	recorder_index(r);
	r->scope.silent = true;
	ck_assert_int_eq(sync_enter(&r->core, r->top, COMPLETE_FOUND), 0);
	recorder_run(r);
	r->scope.silent = false;
	ck_assert_str_eq(recorder_told(r), "");
}

int
recorder_watch(struct recorder *r, const char *path)
{
	if (r->watch == NULL)
		r->watch = watch_open(&r->cfg);
	ck_assert_ptr_nonnull(r->watch);
	return watch_add(r->watch, path);
}

static void
ignore(void *ctx)
{
	(void)ctx;
}

static void
run_core(struct recorder *r)
{
	struct core *c = &r->core;
	struct hint h;
	bool any;

	for (;;) {
		any = false;
		ck_assert_int_ne(core_fill(c), -1);
		while (core_next(c, &h) == 1) {
			hints_handle(c, &h, ignore, NULL);
			any = true;
		}
		if (core_holds(c))
			(void)poll(NULL, 0, core_wait(c) + 1);
		else if (!any && c->doubts.n == 0)
			break;
		else if (!any)
			hints_doubts(c);
	}
	core_close_fds(c);
}

static void
run_watch(struct recorder *r)
{
	struct pollfd fds[WATCH_NFDS];
	size_t n;
	int ms;

	for (;;) {
		n = watch_pollfds(r->watch, fds);
		ms = watch_timeout(r->watch);
		if (poll(fds, n,
			ms > SOON_MS ? 0 :
			    ms == -1 ? 0 :
				       ms) == 0 &&
		    (ms == -1 || ms > SOON_MS))
			return;
		ck_assert_int_eq(watch_run(r->watch, fds), 0);
	}
}

void
recorder_run(struct recorder *r)
{
	if (r->watch != NULL)
		run_watch(r);
	else
		run_core(r);
}

void
recorder_look(struct recorder *r)
{
	struct walk w = WALK(r->top);
	struct entry *e;

	core_doubt_look(&r->core, r->top);
	while ((e = tree_walk(&w)) != NULL)
		if (e->type == EVENT_DIR && (e->dir->flags & DIR_STATS))
			core_doubt_look(&r->core, e->dir);
	run_core(r);
}

void
recorder_deafen(struct recorder *r)
{
	struct core *c = &r->core;
	struct hint h;

	ck_assert_int_eq(core_fill(c), 1);
	for (;;) {
		while (core_next(c, &h) == 1)
			;
		if (!core_holds(c))
			return;
		(void)poll(NULL, 0, core_wait(c) + 1);
	}
}

const char *
recorder_told(struct recorder *r)
{
	static struct buf text;

	buf_clear(&text);
	buf_add(&text, r->told.data, r->told.len);
	buf_addc(&text, '\0');
	buf_clear(&r->told);
	buf_clear(&r->last);
	return text.data;
}

const char *
recorder_story(struct recorder *r)
{
	recorder_run(r);
	return recorder_told(r);
}

static size_t
check_listing(const struct dir *d, int fd)
{
	const struct entry *e;
	struct dirent *de;
	struct stat st;
	size_t n = 0;
	DIR *dir;
	int below;

	dir = fdopendir(fd);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		n++;
		e = tree_find(d, de->d_name, strlen(de->d_name));
		ck_assert_msg(e != NULL, "%s is not in the index", de->d_name);
		ck_assert_int_eq(fstatat(fd, de->d_name, &st,
				     AT_SYMLINK_NOFOLLOW),
		    0);
		ck_assert_msg((enum event_type)e->type ==
			event_type_of(st.st_mode),
		    "%s is of another type", de->d_name);
		if (e->type != EVENT_DIR || !(e->dir->flags & DIR_ENTERED))
			continue;
		below = openat(fd, de->d_name, O_RDONLY | O_DIRECTORY);
		ck_assert_int_ne(below, -1);
		(void)check_listing(e->dir, below);
	}
	(void)closedir(dir);
	ck_assert_uint_eq(n, d->count);
	return n;
}

void
recorder_check_index(struct recorder *r)
{
	int fd = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert(!r->core.resync);
	ck_assert_int_ne(fd, -1);
	(void)check_listing(r->top, fd);
}

void
recorder_begin_fold(struct recorder *r)
{
	r->fold = fold_new();
	ck_assert_ptr_nonnull(r->fold);
	ck_assert_int_eq(fold_walk(r->fold, "d", NULL, NULL), 0);
}

void
recorder_check_fold(struct recorder *r)
{
	static const char *const roots[] = {"d", NULL};
	char *report;

	report = fold_compare(r->fold, roots, NULL, NULL, true);
	if (report != NULL)
		ck_abort_msg("%s", report);
}

void
make_file(const char *path)
{
	scratch_put(AT_FDCWD, path, "");
}

void
make_directory(const char *path)
{
	ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
}

void
move_to(const char *from, const char *to)
{
	ck_assert_msg(rename(from, to) == 0, "%s: %s", from, strerror(errno));
}

void
exchange(const char *a, const char *b)
{
	ck_assert_msg(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0,
	    "%s: %s", a, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
remove_all(const char *path)
{
	ck_assert_msg(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0,
	    "%s: %s", path, strerror(errno));
}
