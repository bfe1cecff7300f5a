/* fswatch-events as a user meets it: one sentence, one test. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "scratch.h"

#define PROGRAM "fswatch-events"

/* Starts it with these arguments and waits until it is ready. */
#define watch(h, ...)                                                       \
	do {                                                                \
		harness_run(h, PROGRAM, "-e", "+ready", __VA_ARGS__, NULL); \
		(void)harness_ready(h);                                     \
	} while (0)

/* The same with only these events, and ready. */
#define watch_for(h, events, ...)                                           \
	do {                                                                \
		harness_run(h, PROGRAM, "-e", "ready," events, __VA_ARGS__, \
		    NULL);                                                  \
		(void)harness_ready(h);                                     \
	} while (0)

static void
told(struct harness *h, const char *dir, const char *want)
{
	harness_told(harness_story(h, dir), want);
}

/* One line of a story, or a part of it. */
static void
told_also(struct harness *h, const char *dir, const char *want)
{
	const char *story = harness_story(h, dir);

	ck_assert_msg(strstr(story, want) != NULL, "no \"%s\" in:\n%s", want,
	    story);
}

/* A file that was replaced by one from nowhere: both ways to tell are right. */
static void
told_replaced(struct harness *h, const char *dir, const char *path)
{
	const char *story = harness_story(h, dir);
	char modified[256], again[256];

	(void)snprintf(modified, sizeof(modified), "modified %s\n", path);
	(void)snprintf(again, sizeof(again), "deleted %s\ncreated %s\n", path,
	    path);
	ck_assert_msg(strcmp(story, modified) == 0 ||
		strncmp(story, again, strlen(again)) == 0,
	    "%s is not told as replaced:\n%s", path, story);
}

/* Runs it with these arguments to its end; wants this exit status and this
 * text on stderr. */
static void
ends(struct harness *h, int status, const char *err, const char *const *args)
{
	harness_set_format(h, HARNESS_TEXT);
	harness_runv(h, PROGRAM, args);
	ck_assert_int_eq(harness_finish(h), status);
	ck_assert_msg(strstr(harness_err(h), err) != NULL,
	    "stderr has no \"%s\": %s", err, harness_err(h));
}
#define ends_with(h, status, err, ...) \
	ends(h, status, err, (const char *const[]){__VA_ARGS__, NULL})

/* Not every build has these options. Skips aloud, and ends h, where it has
 * not. */
static bool
lacks(struct harness *h, const char *sentence, const char *const *args)
{
	if (harness_knows(h, PROGRAM, args))
		return false;
	skip(sentence, "this build has no such option");
	harness_end(h);
	return true;
}
#define lacks_options(h, sentence, ...) \
	lacks(h, sentence, (const char *const[]){__VA_ARGS__, NULL})

/* --- roots --- */

START_TEST(a_directory_tells_its_own_names)
{
	struct harness *h = harness_new();

	make_dir("d");
	make_dir("d/sub");
	watch(h, "d");
	put("d/a", "");
	put("d/sub/b", "");
	append("d/a", "x");
	make_dir("d/new");
	put("d/new/c", "");
	erase("d/a");
	told(h, "d", "created d/a\nmodified d/a\ncreated d/new\ndeleted d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(several_roots_are_told_each_under_its_own_name)
{
	struct harness *h = harness_new();

	make_dir("d");
	make_dir("e");
	watch(h, "d", "./e", "d/../e/");
	put("d/a", "");
	told(h, "d", "created d/a\n");
	put("e/b", "");
	ck_assert_str_eq(event_get(harness_wait(h, "created", "./e/b"), "root"),
	    "./e");
	harness_end(h);
}
END_TEST

START_TEST(recursive_tells_what_is_below_at_any_depth)
{
	struct harness *h = harness_new();

	make_dir("d/1/2/3/4/5");
	watch(h, "-r", "d");
	put("d/1/2/3/4/5/a", "");
	make_dir("d/1/2/new");
	told(h, "d", "created d/1/2/3/4/5/a\ncreated d/1/2/new\n");
	put("d/1/2/new/b", "");
	told(h, "d", "created d/1/2/new/b\n");
	harness_end(h);
}
END_TEST

START_TEST(depth_ends_where_it_says)
{
	struct harness *h = harness_new();

	make_dir("d/1/2/3");
	watch(h, "--depth", "2", "d");
	put("d/a", "");
	put("d/1/b", "");
	put("d/1/2/c", "");
	put("d/1/2/3/c", "");
	erase("d/1/2/c");
	told(h, "d", "created d/a\ncreated d/1/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_file_as_a_root_is_that_one_name)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("s");
	put("d/f", "");
	watch(h, "d/f", "s");
	put("d/g", "x");
	append("d/f", "x");
	told(h, "s", "modified d/f\n");
	append("d/f", "x");
	ev = harness_wait(h, "modified", "d/f");
	ck_assert_str_eq(event_get(ev, "root"), "d/f");
	ck_assert_str_eq(event_get(ev, "name"), "f");
	ck_assert_str_eq(event_get(ev, "type"), "file");
	harness_end(h);
}
END_TEST

START_TEST(a_link_to_a_directory_is_followed_as_a_root)
{
	struct harness *h = harness_new();

	make_dir("d/sub");
	make_dir("s");
	ck_assert_int_eq(symlink("d", "l"), 0);
	watch(h, "-r", "l", "s");
	put("d/a", "");
	put("d/sub/b", "");
	told(h, "s", "created l/a\ncreated l/sub/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_link_that_leads_elsewhere_is_told_as_the_new_content)
{
	struct harness *h = harness_new();

	put("d/a", "");
	put("e/b", "");
	ck_assert_int_eq(symlink("d", "l"), 0);
	ck_assert_int_eq(symlink("e", "l2"), 0);
	watch(h, "-r", "l");
	move("l2", "l");
	(void)harness_wait(h, "created", "l/b");
	put("e/c", "");
	(void)harness_wait(h, "created", "l/c");
	harness_mark(h, "l");
	put("d/x", "");
	told(h, "l", "");
	harness_end(h);
}
END_TEST

START_TEST(a_dangling_link_a_fifo_and_a_socket_are_names_as_roots)
{
	struct harness *h = harness_new();
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_dir("s");
	ck_assert_int_eq(symlink("nowhere", "l"), 0);
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	(void)close(fd);
	watch(h, "l", "fifo", "sock", "s");
	erase("fifo");
	erase("sock");
	erase("l");
	told(h, "s", "deleted fifo\ndeleted sock\ndeleted l\n");
	harness_end(h);
}
END_TEST

START_TEST(roots_come_from_stdin_and_its_end_is_not_the_end)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d");
	make_dir("e");
	harness_run(h, PROGRAM, "-e", "+ready", "-", NULL);
	harness_send(h, "d\ne\n");
	harness_close_input(h);
	/* ready is told anew as roots come. */
	do
		ev = harness_ready(h);
	while (json_integer_value(json_object_get(ev, "roots")) != 2);
	put("d/a", "");
	put("e/b", "");
	told_also(h, "e", "created d/a\ncreated e/b\n");
	harness_end(h);
}
END_TEST

/* Nobody says when a root that came later is watched: so try until told. */
static void
until_told(struct harness *h, const char *dir)
{
	char path[PATH_MAX];
	json_t *ev;
	int i;

	for (i = 0; i < 2000; i++) {
		(void)snprintf(path, sizeof(path), "%s/try-%d", dir, i);
		put(path, "");
		while ((ev = harness_poll(h, 10)) != NULL)
			if (strncmp(event_get(ev, "path"), dir, strlen(dir)) ==
			    0)
				return;
	}
	ck_abort_msg("%s is not watched", dir);
}

START_TEST(roots_are_watched_as_they_come_through_stdin)
{
	struct harness *h = harness_new();

	make_dir("d");
	make_dir("e");
	make_dir("f");
	harness_run(h, PROGRAM, "d", "-", NULL);
	until_told(h, "d");
	harness_send(h, "e\n");
	until_told(h, "e");
	harness_send(h, "f");
	harness_close_input(h);
	until_told(h, "f");
	harness_end(h);
}
END_TEST

START_TEST(overlapping_roots_tell_once_for_each)
{
	struct harness *h = harness_new();
	json_t *one, *two;

	make_dir("d/x");
	make_dir("s");
	watch_for(h, "created", "-r", "d", "d/x", "s");
	put("d/x/a", "");
	one = harness_next(h);
	two = harness_next(h);
	ck_assert_str_eq(event_get(one, "path"), "d/x/a");
	ck_assert_str_eq(event_get(two, "path"), "d/x/a");
	ck_assert_str_ne(event_get(one, "root"), event_get(two, "root"));
	told(h, "s", "created d/x/a\n");
	harness_end(h);
}
END_TEST

START_TEST(a_root_that_is_not_there_is_an_error)
{
	struct harness *h = harness_new();

	make_dir("d");
	ends_with(h, 1, "missing", "d", "missing");
	harness_end(h);
}
END_TEST

START_TEST(with_w_a_root_that_is_not_there_is_waited_for)
{
	struct harness *h = harness_new();

	make_dir("d");
	make_dir("s");
	harness_run(h, PROGRAM, "-w", "-r", "-e", "+ready,+found", "s", "d/x/y",
	    NULL);
	harness_wait_err(h, "waiting for d/x/y");
	/* What appears before is there at ready, and no event. */
	(void)harness_ready(h);
	make_dir("d/x/y");
	(void)harness_wait(h, "found", "d/x/y");
	put("d/x/y/a", "");
	(void)harness_wait(h, "created", "d/x/y/a");
	harness_end(h);
}
END_TEST

START_TEST(with_w_a_file_that_appears_is_told_as_created)
{
	struct harness *h = harness_new();

	make_dir("d");
	harness_run(h, PROGRAM, "-w", "-e", "+ready", "d/f", NULL);
	harness_wait_err(h, "waiting for d/f");
	(void)harness_ready(h);
	put("d/f", "x");
	(void)harness_wait(h, "created", "d/f");
	harness_end(h);
}
END_TEST

START_TEST(with_q_nothing_is_said_on_stderr)
{
	struct harness *h = harness_new();

	make_dir("d");
	harness_run(h, PROGRAM, "-q", "-w", "-e", "+ready", "d", "d/f", NULL);
	until_told(h, "d");
	put("d/f", "x");
	(void)harness_wait(h, "created", "d/f");
	harness_end(h);
}
END_TEST

START_TEST(with_v_more_is_said_on_stderr)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "-v", "d");
	harness_wait_err(h, "\n");
	harness_end(h);
}
END_TEST

/* --- which events --- */

START_TEST(e_chooses_by_name)
{
	struct harness *h = harness_new();

	make_dir("d");
	harness_mark_by(h, "deleted", "");
	watch_for(h, "deleted", "d");
	put("d/a", "x");
	move("d/a", "d/b");
	erase("d/b");
	told_also(h, "d", "deleted d/b\n");
	harness_end(h);
}
END_TEST

START_TEST(e_with_signs_changes_the_default)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "-e", "-modified,-deleted", "-e", "+closed", "d");
	put("d/a", "x");
	erase("d/a");
	told(h, "d", "created d/a\nclosed d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(e_adds_up)
{
	struct harness *h = harness_new();

	make_dir("d");
	harness_run(h, PROGRAM, "-e", "created", "-e", "deleted,ready", "d",
	    NULL);
	(void)harness_ready(h);
	put("d/a", "x");
	erase("d/a");
	told(h, "d", "created d/a\ndeleted d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(e_default_and_all_are_groups)
{
	struct harness *h = harness_new();

	make_dir("d");
	harness_run(h, PROGRAM, "-e", "default,ready,closed", "d", NULL);
	(void)harness_ready(h);
	put("d/a", "x");
	erase("d/a");
	told(h, "d", "created d/a\nmodified d/a\nclosed d/a\ndeleted d/a\n");
	ck_assert_int_eq(harness_stop(h), 0);
	harness_run(h, PROGRAM, "-e", "all", "d", NULL);
	(void)harness_ready(h);
	put("d/b", "x");
	told(h, "d",
	    "created d/b\nopened d/b\nmodified d/b\nclosed d/b\n"
	    "complete d/b\n");
	harness_end(h);
}
END_TEST

START_TEST(t_chooses_by_type)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "-t", "file,symlink", "d");
	put("d/a", "");
	make_dir("d/b");
	ck_assert_int_eq(symlink("x", "d/c"), 0);
	ck_assert_int_eq(mkfifo("d/o", 0644), 0);
	told(h, "d", "created d/a\ncreated d/c\n");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_that_is_not_shown_has_its_files_told_singly)
{
	struct harness *h = harness_new();

	put("d/x/a", "");
	watch(h, "-r", "-t", "f", "d");
	move("d/x", "d/y");
	told(h, "d", "renamed d/x/a -> d/y/a\n");
	move("d/y", "out");
	told(h, "d", "deleted d/y/a\n");
	move("out", "d/z");
	told(h, "d", "created d/z/a\n");
	harness_end(h);
}
END_TEST

START_TEST(closed_follows_writing_only)
{
	struct harness *h = harness_new();

	put("d/a", "x");
	harness_mark_by(h, "closed", "");
	watch_for(h, "closed", "d");
	shell("cat d/a >out");
	append("d/a", "y");
	told(h, "d", "closed d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(complete_is_told_when_a_file_has_its_content)
{
	struct harness *h = harness_new();
	int fd;

	make_dir("d");
	put("o/in", "x");
	put("o/dir/below", "x");
	harness_mark_by(h, "complete", "");
	watch_for(h, "complete,modified", "-r", "d");
	fd = open("d/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	told(h, "d", "modified d/a\n");
	(void)close(fd);
	told(h, "d", "complete d/a\n");
	move("o/in", "d/in");
	told(h, "d", "complete d/in\n");
	move("d/in", "d/in2");
	told(h, "d", "complete d/in2\n");
	ck_assert_int_eq(link("d/a", "d/linked"), 0);
	told(h, "d", "complete d/linked\n");
	move("o/dir", "d/dir");
	told(h, "d", "complete d/dir/below\n");
	harness_end(h);
}
END_TEST

START_TEST(attrib_carries_mode_and_owner)
{
	struct harness *h = harness_new();
	json_t *ev;

	put("d/a", "x");
	watch_for(h, "attrib", "d");
	ck_assert_int_eq(chmod("d/a", 0640), 0);
	ev = harness_wait(h, "attrib", "d/a");
	ck_assert_str_eq(event_get(ev, "mode"), "0640");
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "uid")),
	    getuid());
	ck_assert(json_is_integer(json_object_get(ev, "gid")));
	harness_end(h);
}
END_TEST

START_TEST(opened_and_accessed_are_told_on_request_and_not_for_directories)
{
	struct harness *h = harness_new();

	put("d/sub/b", "x");
	put("d/a", "x");
	harness_mark_by(h, "accessed", "");
	watch_for(h, "opened,accessed", "-r", "d");
	shell("ls -R d >out; cat d/a >out");
	told(h, "d", "opened d/a\naccessed d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(quiet_follows_what_has_happened)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d");
	watch(h, "-e", "+quiet", "d");
	put("d/a", "");
	ck_assert_str_eq(event_get(harness_next(h), "event"), "created");
	ev = harness_next(h);
	ck_assert_str_eq(event_get(ev, "event"), "quiet");
	ck_assert_ptr_null(json_object_get(ev, "path"));
	put("d/b", "");
	ck_assert_str_eq(event_get(harness_next(h), "event"), "created");
	ck_assert_str_eq(event_get(harness_next(h), "event"), "quiet");
	harness_end(h);
}
END_TEST

START_TEST(ready_carries_the_counts)
{
	struct harness *h = harness_new();
	json_t *ev;

	put("d/x/a", "");
	put("d/b", "");
	make_dir("e");
	harness_run(h, PROGRAM, "-r", "-e", "+ready", "d", "e", NULL);
	ev = harness_ready(h);
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "roots")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "directories")),
	    3);
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "entries")), 3);
	harness_end(h);
}
END_TEST

/* --- filters --- */

START_TEST(an_include_first_leaves_out_the_rest_but_descends)
{
	struct harness *h = harness_new();

	make_dir("d/x");
	harness_mark_by(h, "created", ".c");
	watch(h, "-r", "-i", "\\.c$", "d");
	put("d/a.c", "");
	put("d/a.h", "");
	put("d/x/b.c", "");
	told(h, "d", "created d/a.c\ncreated d/x/b.c\n");
	harness_end(h);
}
END_TEST

START_TEST(an_excluded_directory_is_not_entered)
{
	struct harness *h = harness_new();

	make_dir("d/.git/objects");
	make_dir("d/x");
	watch(h, "-r", "-x", "(^|/)\\.git$", "d");
	put("d/.git/objects/a", "");
	make_dir("d/x/.git");
	put("d/x/.git/a", "");
	put("d/.gitignore", "");
	told(h, "d", "created d/.gitignore\n");
	harness_end(h);
}
END_TEST

START_TEST(the_last_expression_that_matches_wins)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "-x", "\\.log$", "-i", "^keep\\.log$", "d");
	put("d/a.log", "");
	put("d/keep.log", "");
	put("d/b", "");
	told(h, "d", "created d/keep.log\ncreated d/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_rename_out_of_the_filter_is_a_deletion_and_into_it_a_creation)
{
	struct harness *h = harness_new();

	put("d/a.c", "");
	put("d/x/in.c", "");
	watch(h, "-r", "-x", "(^|/)(out|.*\\.o)$", "d");
	move("d/a.c", "d/a.o");
	told(h, "d", "deleted d/a.c\n");
	move("d/a.o", "d/b.c");
	told(h, "d", "created d/b.c\n");
	move("d/x", "d/out");
	told(h, "d", "deleted d/x/in.c\ndeleted d/x\n");
	move("d/out", "d/y");
	told(h, "d", "created d/y\ncreated d/y/in.c\n");
	harness_end(h);
}
END_TEST

START_TEST(no_junk_leaves_out_what_editors_leave)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "--no-junk", "d");
	put("d/.DS_Store", "");
	put("d/Thumbs.db", "");
	put("d/desktop.ini", "");
	put("d/a~", "");
	put("d/.#a", "");
	put("d/.a.swp", "");
	put("d/4913", "");
	put("d/a", "");
	told(h, "d", "created d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(prune_leaves_a_directory_out)
{
	struct harness *h = harness_new();

	make_dir("d/out/sub");
	make_dir("d/x");
	watch(h, "-r", "--prune", "d/out", "d");
	put("d/out/a", "");
	put("d/out/sub/a", "");
	put("d/x/out/a", "");
	told(h, "d", "created d/x/out\ncreated d/x/out/a\n");
	harness_end(h);
}
END_TEST

/* --- what is there already --- */

static void
set_mtime(const char *path, time_t t)
{
	struct timespec times[2] = {{t, 0}, {t, 0}};

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(existing_lists_the_oldest_first_then_ready)
{
	struct harness *h = harness_new();
	static const char *const want[] = {"exists d/x/old", "exists d/b",
	    "exists d/x", "exists d/a", "ready"};
	char *text;
	size_t i;

	put("d/a", "");
	put("d/b", "");
	put("d/x/old", "");
	set_mtime("d/x/old", 1000);
	set_mtime("d/b", 2000);
	set_mtime("d/x", 3000);
	set_mtime("d/a", 4000);
	harness_run(h, PROGRAM, "-r", "--existing", "-e", "+ready", "d", NULL);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		text = event_text(harness_next(h));
		ck_assert_str_eq(text, want[i]);
		free(text);
	}
	harness_end(h);
}
END_TEST

START_TEST(without_existing_nothing_is_told_of_what_is_there)
{
	struct harness *h = harness_new();

	put("d/x/old", "");
	harness_run(h, PROGRAM, "-r", "-e", "+ready", "d", NULL);
	ck_assert_str_eq(event_get(harness_next(h), "event"), "ready");
	told(h, "d", "ready\n");
	harness_end(h);
}
END_TEST

START_TEST(stat_carries_what_stat_says)
{
	struct harness *h = harness_new();
	char ino[32];
	struct stat st;
	json_t *ev;

	make_dir("d");
	watch(h, "--stat", "d");
	put("d/a", "");
	ev = harness_wait(h, "created", "d/a");
	ck_assert_int_eq(lstat("d/a", &st), 0);
	(void)snprintf(ino, sizeof(ino), "%llu", (unsigned long long)st.st_ino);
	ck_assert_str_eq(event_get(ev, "ino"), ino);
	ck_assert(json_is_string(json_object_get(ev, "dev")));
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "nlink")), 1);
	ck_assert_str_eq(event_get(ev, "mode"), "0644");
	ck_assert_int_eq((long)json_number_value(json_object_get(ev, "mtime")),
	    st.st_mtim.tv_sec);
	ck_assert(json_is_number(json_object_get(ev, "ctime")));
	ck_assert(json_is_integer(json_object_get(ev, "uid")));
	ck_assert(json_is_integer(json_object_get(ev, "gid")));
	harness_end(h);
}
END_TEST

START_TEST(an_event_has_its_keys_in_their_order_and_no_more)
{
	struct harness *h = harness_new();
	static const char *const want[] = {"event", "type", "path", "root",
	    "name", "size", "time", "seq"};
	size_t i = 0;
	const char *key;
	json_t *ev, *value;

	make_dir("d");
	watch(h, "d");
	put("d/a", "");
	append("d/a", "12345");
	ev = harness_wait(h, "modified", "d/a");
	json_object_foreach(ev, key, value)
	{
		ck_assert_uint_lt(i, sizeof(want) / sizeof(want[0]));
		ck_assert_str_eq(key, want[i++]);
	}
	ck_assert_uint_eq(i, sizeof(want) / sizeof(want[0]));
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")), 5);
	harness_end(h);
}
END_TEST

START_TEST(content_is_carried_as_text_or_as_base64)
{
	struct harness *h = harness_new();
	json_t *ev;

	if (lacks_options(h, "content is carried as text or as base64", "-c"))
		return;
	make_dir("d");
	put("o/a", "h\xc3\xa4llo\n");
	put("o/b", "\xff\xfe");
	put("o/c", "123456789");
	watch(h, "-c", "--content-limit", "8", "d");
	move("o/a", "d/a");
	ev = harness_wait(h, "created", "d/a");
	ck_assert_str_eq(event_get(ev, "content"), "h\xc3\xa4llo\n");
	ck_assert_str_eq(event_get(ev, "encoding"), "utf-8");
	move("o/b", "d/b");
	ev = harness_wait(h, "created", "d/b");
	ck_assert_str_eq(event_get(ev, "content"), "//4=");
	ck_assert_str_eq(event_get(ev, "encoding"), "base64");
	move("o/c", "d/c");
	ev = harness_wait(h, "created", "d/c");
	ck_assert_ptr_null(json_object_get(ev, "content"));
	ck_assert(json_is_true(json_object_get(ev, "truncated")));
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")), 9);
	harness_end(h);
}
END_TEST

START_TEST(encoding_base64_makes_all_content_base64)
{
	struct harness *h = harness_new();
	json_t *ev;

	if (lacks_options(h, "--encoding base64 makes all content base64",
		"-c"))
		return;
	make_dir("d");
	put("o/a", "abc");
	watch(h, "-c", "--encoding", "base64", "d");
	move("o/a", "d/a");
	ev = harness_wait(h, "created", "d/a");
	ck_assert_str_eq(event_get(ev, "content"), "YWJj");
	ck_assert_str_eq(event_get(ev, "encoding"), "base64");
	harness_end(h);
}
END_TEST

/* --- the form of the lines --- */

START_TEST(print0_gives_paths_with_a_nul_behind)
{
	struct harness *h = harness_new();
	const char *line;

	make_dir("d");
	harness_set_format(h, HARNESS_PRINT0);
	put("d/a\nb\xff", "");
	harness_run(h, PROGRAM, "-0", "--existing", "d", NULL);
	line = harness_line(h);
	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(line, "d/a\nb\xff");
	harness_end(h);
}
END_TEST

START_TEST(pretty_is_for_people_and_has_no_colours_in_a_pipe)
{
	struct harness *h = harness_new();
	const char *line;

	make_dir("d");
	put("d/a\nb\033[31m", "");
	harness_set_format(h, HARNESS_TEXT);
	harness_run(h, PROGRAM, "-p", "--existing", "d", NULL);
	line = harness_line(h);
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strstr(line, "exists") != NULL, "%s", line);
	ck_assert_msg(strstr(line, "d/a") != NULL, "%s", line);
	ck_assert_msg(strchr(line, '\033') == NULL && line[0] != '{', "%s",
	    line);
	harness_end(h);
}
END_TEST

/* --- names --- */

static void
name_survives(struct harness *h, const char *name)
{
	char path[PATH_MAX], other[PATH_MAX];
	char *old;
	json_t *ev;

	(void)snprintf(path, sizeof(path), "d/%s", name);
	(void)snprintf(other, sizeof(other), "d/sub/%s", name);
	put(path, "");
	(void)harness_wait(h, "created", path);
	move(path, other);
	ev = harness_wait(h, "renamed", other);
	old = event_bytes(ev, "old_path");
	ck_assert_ptr_nonnull(old);
	ck_assert_str_eq(old, path);
	free(old);
	erase(other);
	(void)harness_wait(h, "deleted", other);
}

START_TEST(every_name_survives)
{
	static const char *const names[] = {"a b", " ", "\n", "a\nb\n", "\"",
	    "\\", "\\n", "'", "$HOME", "-", "--", "*", "\t\r\b\f", "\x01",
	    "\x1b[31m", "\x7f", "\xff", "a\xffz", "\xc3", "\xc3\xa4",
	    "a\xcc\x88", "\xe2\x82", "\xed\xa0\x80", "\xf0\x9f\x92\xa9",
	    "\xf4\x90\x80\x80", "\xc0\xaf", "\xef\xbf\xbd", "\xe2\x80\xa8",
	    "{\"event\":\"deleted\"}", "...", "a."};
	struct harness *h = harness_new();
	char name[256];
	size_t i;
	int c;

	make_dir("d/sub");
	watch(h, "-r", "d");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		name_survives(h, names[i]);
	for (c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		name[0] = 'x';
		name[1] = (char)c;
		name[2] = '\0';
		name_survives(h, name);
	}
	memset(name, 'n', 255);
	name[255] = '\0';
	name_survives(h, name);
	memset(name, '\xff', 255);
	name_survives(h, name);
	harness_end(h);
}
END_TEST

START_TEST(a_root_with_an_odd_name_survives_too)
{
	struct harness *h = harness_new();

	make_dir("\xff\n");
	make_dir("-r");
	watch(h, "--", "-r", "\xff\n");
	put("\xff\n/a", "");
	(void)harness_wait(h, "created", "\xff\n/a");
	put("-r/a", "");
	(void)harness_wait(h, "created", "-r/a");
	harness_end(h);
}
END_TEST

START_TEST(a_tree_deeper_than_a_path_may_be_long_is_told)
{
	struct harness *h = harness_new();
	char name[256];
	json_t *ev;
	char *path;
	size_t len;
	int dir, fd, i;

	make_dir("d");
	watch_for(h, "created", "-r", "d");
	memset(name, 'n', 200);
	name[200] = '\0';
	dir = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < 30; i++) {
		ck_assert_int_eq(mkdirat(dir, name, 0755), 0);
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ne(fd, -1);
		(void)close(dir);
		dir = fd;
	}
	fd = openat(dir, "last", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	(void)close(dir);
	do {
		ev = harness_next(h);
		ck_assert_ptr_nonnull(ev);
		path = event_bytes(ev, "path");
		ck_assert_ptr_nonnull(path);
		len = strlen(path);
		if (len < 5 || strcmp(path + len - 5, "/last") != 0)
			len = 0;
		free(path);
	} while (len == 0);
	ck_assert_uint_eq(len, 1 + 30 * 201 + 5);
	harness_end(h);
}
END_TEST

/* --- renames --- */

START_TEST(a_rename_is_one_event_with_both_names)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d/x");
	put("d/a", "12");
	watch(h, "-r", "d");
	move("d/a", "d/x/b");
	ev = harness_next(h);
	ck_assert_str_eq(event_get(ev, "event"), "renamed");
	ck_assert_str_eq(event_get(ev, "path"), "d/x/b");
	ck_assert_str_eq(event_get(ev, "name"), "x/b");
	ck_assert_str_eq(event_get(ev, "old_path"), "d/a");
	ck_assert_str_eq(event_get(ev, "old_name"), "a");
	ck_assert_ptr_null(json_object_get(ev, "old_root"));
	ck_assert_ptr_null(json_object_get(ev, "replaced"));
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")), 2);
	told(h, "d", "renamed d/a -> d/x/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_rename_between_roots_names_the_old_root)
{
	struct harness *h = harness_new();
	json_t *ev;

	put("d/a", "");
	make_dir("e");
	watch(h, "d", "e");
	move("d/a", "e/b");
	ev = harness_next(h);
	ck_assert_str_eq(event_get(ev, "event"), "renamed");
	ck_assert_str_eq(event_get(ev, "root"), "e");
	ck_assert_str_eq(event_get(ev, "old_root"), "d");
	told(h, "e", "renamed d/a -> e/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_moves_between_roots_with_all_in_it)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d");
	make_dir("d/x");
	make_dir("d/x/y");
	put("d/x/y/a", "");
	make_dir("e");
	watch(h, "-r", "d", "e");
	move("d/x", "e/z");
	ev = harness_next(h);
	ck_assert_str_eq(event_get(ev, "event"), "renamed");
	ck_assert_str_eq(event_get(ev, "root"), "e");
	ck_assert_str_eq(event_get(ev, "old_root"), "d");
	put("e/z/y/b", "");
	told(h, "e", "renamed d/x -> e/z\ncreated e/z/y/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_rename_onto_something_says_that_it_replaced_it)
{
	struct harness *h = harness_new();

	put("d/a", "");
	put("d/b", "");
	make_dir("d/x");
	make_dir("d/y");
	watch(h, "-r", "d");
	move("d/a", "d/b");
	move("d/x", "d/y");
	told(h, "d",
	    "renamed d/a -> d/b replaced\nrenamed d/x -> d/y replaced\n");
	put("d/y/z", "");
	told(h, "d", "created d/y/z\n");
	harness_end(h);
}
END_TEST

START_TEST(an_exchange_is_one_event)
{
	struct harness *h = harness_new();

	put("d/a", "");
	put("d/x/f", "");
	watch(h, "-r", "d");
	if (renameat2(AT_FDCWD, "d/a", AT_FDCWD, "d/x", RENAME_EXCHANGE) ==
	    -1) {
		skip("an exchange is one event", strerror(errno));
		harness_end(h);
		return;
	}
	told_also(h, "d", "exchanged\n");
	put("d/a/new", "");
	append("d/x", "x");
	told(h, "d", "created d/a/new\nmodified d/x\n");
	harness_end(h);
}
END_TEST

START_TEST(what_a_swap_brings_is_complete)
{
	static const char *const events[] = {"complete", "complete,renamed"};
	static const char *const with[] = {"d/b", "outside/b"};
	struct harness *h = harness_new();
	char text[] = "xxxxxxxxx";
	json_t *ev;
	size_t i;

	for (i = 0; i < 4; i++) {
		put("d/a", "a");
		text[4 + i] = '\0'; /* another size each time */
		put(with[i / 2], text);
		text[4 + i] = 'x';
		harness_run(h, "fswatch-events", "-e", events[i % 2], "-e",
		    "+ready", "d", NULL);
		(void)harness_ready(h);
		if (renameat2(AT_FDCWD, "d/a", AT_FDCWD, with[i / 2],
			RENAME_EXCHANGE) == -1) {
			skip("what a swap brings is complete", strerror(errno));
			harness_end(h);
			return;
		}
		ev = harness_wait(h, "complete", "d/a");
		ck_assert_int_eq(json_integer_value(
				     json_object_get(ev, "size")),
		    (json_int_t)(4 + i));
		(void)harness_stop(h);
	}
	harness_end(h);
}
END_TEST

START_TEST(without_renamed_it_is_a_deletion_and_a_creation)
{
	struct harness *h = harness_new();

	put("d/a", "");
	put("d/x/f", "");
	watch(h, "-r", "-e", "-renamed", "d");
	move("d/a", "d/b");
	told(h, "d", "deleted d/a\ncreated d/b\n");
	move("d/x", "d/y");
	told(h, "d",
	    "deleted d/x/f\ndeleted d/x\ncreated d/y\ncreated d/y/f\n");
	ck_assert_int_eq(harness_stop(h), 0);
	watch_for(h, "created", "-r", "d");
	move("d/b", "d/c");
	told(h, "d", "created d/c\n");
	harness_end(h);
}
END_TEST

START_TEST(a_renamed_directory_takes_its_content_along)
{
	struct harness *h = harness_new();

	put("d/x/1/f", "");
	make_dir("d/z");
	watch(h, "-r", "d");
	move("d/x", "d/y");
	told(h, "d", "renamed d/x -> d/y\n");
	append("d/y/1/f", "x");
	put("d/y/1/g", "");
	told(h, "d", "modified d/y/1/f\ncreated d/y/1/g\n");
	move("d/y", "d/z/w");
	append("d/z/w/1/f", "x");
	told(h, "d", "renamed d/y -> d/z/w\nmodified d/z/w/1/f\n");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_moved_in_is_told_with_its_content)
{
	struct harness *h = harness_new();

	make_dir("d");
	put("o/x/1/f", "");
	watch(h, "-r", "d");
	move("o/x", "d/x");
	told(h, "d", "created d/x\ncreated d/x/1\ncreated d/x/1/f\n");
	put("d/x/1/g", "");
	told(h, "d", "created d/x/1/g\n");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_moved_out_is_told_deepest_first_and_not_followed)
{
	struct harness *h = harness_new();

	make_dir("o");
	put("d/x/1/f", "");
	watch(h, "-r", "d");
	move("d/x", "o/x");
	told(h, "d", "deleted d/x/1/f\ndeleted d/x/1\ndeleted d/x\n");
	put("o/x/1/g", "");
	append("o/x/1/f", "x");
	told(h, "d", "");
	move("o/x", "d/y");
	told_also(h, "d", "created d/y/1/g\n");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_removed_is_told_with_its_content)
{
	struct harness *h = harness_new();

	put("d/x/1/f", "");
	watch(h, "-r", "d");
	shell("rm -r d/x");
	told(h, "d", "deleted d/x/1/f\ndeleted d/x/1\ndeleted d/x\n");
	make_dir("d/x/1");
	put("d/x/1/g", "");
	told_also(h, "d", "created d/x/1/g\n");
	harness_end(h);
}
END_TEST

START_TEST(a_thousand_renames_at_once_are_all_paired)
{
	struct harness *h = harness_new();
	char from[64], to[64];
	int i, n = 0;
	json_t *ev;

	make_dir("d");
	make_dir("e");
	for (i = 0; i < 1000; i++) {
		(void)snprintf(from, sizeof(from), "d/%d", i);
		put(from, "");
	}
	watch(h, "d", "e");
	for (i = 0; i < 1000; i++) {
		(void)snprintf(from, sizeof(from), "d/%d", i);
		(void)snprintf(to, sizeof(to), "e/%d", i);
		move(from, to);
	}
	while (n < 1000) {
		ev = harness_next(h);
		ck_assert_str_eq(event_get(ev, "event"), "renamed");
		n++;
	}
	told_also(h, "d", "renamed d/999 -> e/999\n");
	harness_end(h);
}
END_TEST

/* It is stopped meanwhile, and sees all of them at once. */
START_TEST(a_thousand_renames_in_one_look_are_all_paired)
{
	struct harness *h = harness_new();
	char from[64], to[64];
	json_t *ev;
	int i;

	make_dir("d");
	make_dir("e");
	for (i = 0; i < 1000; i++) {
		(void)snprintf(from, sizeof(from), "d/%d", i);
		put(from, "");
	}
	/* Not while it looks, where that is done by the clock. */
	watch(h, "--poll", "1", "d", "e");
	harness_signal(h, SIGSTOP);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(from, sizeof(from), "d/%d", i);
		(void)snprintf(to, sizeof(to), "e/%d", i);
		move(from, to);
	}
	harness_signal(h, SIGCONT);
	for (i = 0; i < 1000; i++) {
		ev = harness_next(h);
		ck_assert_str_eq(event_get(ev, "event"), "renamed");
	}
	harness_end(h);
}
END_TEST

START_TEST(a_file_moved_in_over_another_is_told)
{
	struct harness *h = harness_new();

	put("d/a", "old");
	put("o/a", "new");
	watch(h, "d");
	move("o/a", "d/a");
	told_replaced(h, "d", "d/a");
	harness_end(h);
}
END_TEST

/* --- roots are followed by name --- */

START_TEST(a_file_saved_by_rename_is_still_watched)
{
	struct harness *h = harness_new();
	int i;

	make_dir("s");
	put("d/f", "old");
	watch(h, "d/f", "s");
	for (i = 0; i < 3; i++) {
		put("d/f.tmp", "new");
		move("d/f.tmp", "d/f");
		told_replaced(h, "s", "d/f");
		append("d/f", "more");
		told(h, "s", "modified d/f\n");
	}
	/* With a backup, as vim does it. */
	move("d/f", "d/f~");
	put("d/f", "newer");
	erase("d/f~");
	(void)harness_wait(h, NULL, "d/f");
	harness_mark(h, "s");
	append("d/f", "more");
	told(h, "s", "modified d/f\n");
	harness_end(h);
}
END_TEST

START_TEST(a_file_that_loses_another_name_is_still_watched)
{
	struct harness *h = harness_new();

	put("d/a", "");
	make_dir("o");
	ck_assert_int_eq(link("d/a", "o/b"), 0);
	watch(h, "-r", "d");
	erase("o/b");
	told(h, "d", "");
	append("d/a", "x");
	told(h, "d", "modified d/a\n");
	harness_end(h);
}
END_TEST

START_TEST(a_rotated_log_is_followed_by_its_name)
{
	struct harness *h = harness_new();

	make_dir("s");
	put("d/log", "old\n");
	watch(h, "d/log", "s");
	move("d/log", "d/log.1");
	append("d/log.1", "late\n");
	told(h, "s", "deleted d/log\n");
	put("d/log", "");
	append("d/log", "new\n");
	told(h, "s", "created d/log\nmodified d/log\n");
	harness_end(h);
}
END_TEST

START_TEST(a_file_deleted_and_made_again_is_followed)
{
	struct harness *h = harness_new();

	make_dir("s");
	put("d/f", "");
	watch(h, "d/f", "s");
	erase("d/f");
	told(h, "s", "deleted d/f\n");
	put("d/f", "");
	told(h, "s", "created d/f\n");
	shell("rm -r d");
	told(h, "s", "deleted d/f\n");
	make_dir("d");
	put("d/f", "");
	(void)harness_wait(h, "created", "d/f");
	harness_end(h);
}
END_TEST

START_TEST(a_root_that_goes_is_lost_and_found_when_it_returns)
{
	struct harness *h = harness_new();

	put("up/r/a", "");
	make_dir("s");
	watch(h, "-r", "-e", "+lost,+found", "up/r", "s");
	move("up/r", "up/x");
	(void)harness_wait(h, "lost", "up/r");
	move("up/x", "up/r");
	(void)harness_wait(h, "found", "up/r");
	put("up/r/b", "");
	(void)harness_wait(h, "created", "up/r/b");
	shell("rm -r up/r");
	(void)harness_wait(h, "lost", "up/r");
	make_dir("up/r");
	(void)harness_wait(h, "found", "up/r");
	put("up/r/c", "");
	(void)harness_wait(h, "created", "up/r/c");
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

START_TEST(what_was_in_a_lost_root_is_told_as_deleted)
{
	struct harness *h = harness_new();

	put("up/r/a", "");
	make_dir("s");
	watch(h, "-r", "-e", "+lost,+found", "up/r", "s");
	move("up/r", "o");
	(void)harness_wait(h, "deleted", "up/r/a");
	harness_mark(h, "s");
	put("o/b", "");
	told(h, "s", "");
	move("o", "up/r");
	(void)harness_wait(h, "created", "up/r/b");
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

START_TEST(a_parent_renamed_and_renamed_back_is_noticed)
{
	struct harness *h = harness_new();

	put("1/2/3/a", "");
	watch(h, "-r", "-e", "+lost,+found", "1/2/3");
	move("1", "x");
	(void)harness_wait(h, "lost", "1/2/3");
	move("x", "1");
	(void)harness_wait(h, "found", "1/2/3");
	move("1/2", "1/y");
	(void)harness_wait(h, "lost", "1/2/3");
	make_dir("1/2/3");
	put("1/2/3/new", "");
	(void)harness_wait(h, "created", "1/2/3/new");
	harness_mark(h, "1/2/3");
	put("1/y/3/b", "");
	told(h, "1/2/3", "");
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

/* --- links and mounts --- */

START_TEST(links_below_a_root_are_names_only)
{
	struct harness *h = harness_new();

	make_dir("d");
	make_dir("e");
	ck_assert_int_eq(symlink("../e", "d/l"), 0);
	watch(h, "-r", "d");
	put("e/a", "");
	erase("d/l");
	told(h, "d", "deleted d/l\n");
	harness_end(h);
}
END_TEST

START_TEST(with_L_links_to_directories_are_entered)
{
	struct harness *h = harness_new();

	make_dir("d");
	make_dir("e/sub");
	ck_assert_int_eq(symlink("../e", "d/l"), 0);
	watch(h, "-r", "-L", "d");
	put("e/a", "");
	put("e/sub/b", "");
	told(h, "d", "created d/l/a\ncreated d/l/sub/b\n");
	ck_assert_int_eq(symlink("../e", "d/m"), 0);
	told_also(h, "d", "created d/m/a\n");
	harness_end(h);
}
END_TEST

START_TEST(with_L_loops_are_told_once_and_not_entered)
{
	struct harness *h = harness_new();
	const char *loop;

	make_dir("d/x");
	ck_assert_int_eq(symlink("..", "d/x/loop"), 0);
	watch(h, "-r", "-L", "d");
	harness_wait_err(h, "loop");
	put("d/a", "");
	told(h, "d", "created d/a\n");
	ck_assert_int_eq(harness_stop(h), 0);
	loop = strstr(harness_err(h), "d/x/loop");
	ck_assert_ptr_nonnull(loop);
	ck_assert_ptr_null(strstr(loop + 1, "d/x/loop"));
	harness_end(h);
}
END_TEST

START_TEST(other_file_systems_are_entered_but_with_one_file_system)
{
	struct harness *h = harness_new();

	make_dir("d/m");
	if (!scratch_mounts() || mount("t", "d/m", "tmpfs", 0, NULL) == -1) {
		skip("other file systems are entered but with "
		     "--one-file-system",
		    "no mounts here");
		harness_end(h);
		return;
	}
	watch(h, "-r", "d");
	put("d/m/a", "");
	told(h, "d", "created d/m/a\n");
	ck_assert_int_eq(harness_stop(h), 0);
	watch(h, "-r", "--one-file-system", "d");
	put("d/m/b", "");
	put("d/c", "");
	told(h, "d", "created d/c\n");
	ck_assert_int_eq(harness_stop(h), 0);
	ck_assert_int_eq(umount("d/m"), 0);
	harness_end(h);
}
END_TEST

START_TEST(a_mount_and_an_unmount_below_a_root_are_told)
{
	struct harness *h = harness_new();

	put("d/m/under", "");
	if (!scratch_mounts()) {
		skip("a mount and an unmount below a root are told",
		    "no mounts here");
		harness_end(h);
		return;
	}
	watch(h, "-r", "d");
	if (mount("t", "d/m", "tmpfs", 0, NULL) == -1) {
		skip("a mount and an unmount below a root are told",
		    strerror(errno));
		harness_end(h);
		return;
	}
	(void)harness_wait(h, "deleted", "d/m/under");
	put("d/m/over", "");
	(void)harness_wait(h, "created", "d/m/over");
	ck_assert_int_eq(umount2("d/m", MNT_DETACH), 0);
	(void)harness_wait(h, "deleted", "d/m/over");
	(void)harness_wait(h, "created", "d/m/under");
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

/* What is kept open between two changes is neither in the way nor taken for
 * what hides it. */
START_TEST(what_is_mounted_where_something_happened_is_seen_and_not_held)
{
	struct harness *h = harness_new();

	put("d/m/under", "");
	if (!scratch_mounts()) {
		skip("what is mounted where something happened is seen and "
		     "not held",
		    "no mounts here");
		harness_end(h);
		return;
	}
	watch(h, "-r", "d");
	put("d/m/new", "");
	told(h, "d", "created d/m/new\n");
	if (mount("t", "d/m", "tmpfs", 0, NULL) == -1) {
		skip("what is mounted where something happened is seen and "
		     "not held",
		    strerror(errno));
		harness_end(h);
		return;
	}
	(void)harness_wait(h, "deleted", "d/m/under");
	put("d/m/over", "12345");
	ck_assert_msg(json_object_get(harness_wait(h, "created", "d/m/over"),
			  "size") != NULL,
	    "it was looked at elsewhere");
	put("d/m/under", "");
	(void)harness_wait(h, "created", "d/m/under");
	harness_mark(h, "d");
	ck_assert_msg(umount("d/m") == 0, "umount: %s", strerror(errno));
	(void)harness_wait(h, "deleted", "d/m/over");
	put("d/m/last", "1234567");
	(void)harness_wait(h, "created", "d/m/last");
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

START_TEST(one_directory_reached_by_two_ways_is_told_for_both)
{
	struct harness *h = harness_new();

	make_dir("d/x");
	make_dir("d/y");
	if (!scratch_mounts() ||
	    mount("d/x", "d/y", NULL, MS_BIND, NULL) == -1) {
		skip("one directory reached by two ways is told for both",
		    "no mounts here");
		harness_end(h);
		return;
	}
	watch(h, "-r", "d");
	put("d/x/a", "");
	harness_mark(h, "d");
	put("d/y/b", "");
	told_also(h, "d", "created d/x/b\n");
	put("d/x/c", "");
	told_also(h, "d", "created d/y/c\n");
	ck_assert_int_eq(harness_stop(h), 0);
	(void)harness_err(h);
	ck_assert_int_eq(umount("d/y"), 0);
	harness_end(h);
}
END_TEST

/* --- limits --- */

START_TEST(beyond_the_limit_of_watches_the_rest_is_polled)
{
	struct harness *h = harness_new();
	const char *err;
	char path[64];
	int i;

	for (i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "d/%d/sub", i);
		make_dir(path);
	}
	if (!scratch_limit("max_inotify_watches", "20")) {
		skip("beyond the limit of watches the rest is polled",
		    "no user namespace with limits of its own");
		harness_end(h);
		return;
	}
	watch(h, "-r", "--poll", "0.05", "d");
	harness_wait_err(h, "sysctl -w user.max_inotify_watches=");
	for (i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "d/%d/sub/a", i);
		put(path, "");
	}
	for (i = 0; i < 40; i++) {
		json_t *ev = harness_wait(h, "created", NULL);

		ck_assert_msg(strstr(event_get(ev, "path"), "/sub/a") != NULL,
		    "%s", event_get(ev, "path"));
	}
	/* It was said once, and names a directory. */
	ck_assert_int_eq(harness_stop(h), 0);
	err = harness_err(h);
	ck_assert_ptr_nonnull(strstr(err, ": d/"));
	ck_assert_msg(strchr(err, '\n') == err + strlen(err) - 1, "%s", err);
	harness_end(h);
}
END_TEST

START_TEST(too_many_instances_are_told_with_the_setting_and_all_is_polled)
{
	struct harness *h = harness_new();

	make_dir("d/s");
	if (!scratch_limit("max_inotify_instances", "0")) {
		skip(__func__, "no user namespace with limits of its own");
		harness_end(h);
		return;
	}
	ends_with(h, 1, "sysctl -w user.max_inotify_instances=", "-e", "closed",
	    "d");
	ends_with(h, 1, "sysctl -w user.max_inotify_instances=", "--backend",
	    "inotify", "d");
	/* What polling can tell, it does. */
	harness_set_format(h, HARNESS_JSON);
	watch(h, "--poll", "0.02", "d");
	harness_wait_err(h, "until then all is polled");
	put("d/a", "");
	(void)harness_wait(h, "created", "d/a");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_that_may_not_be_read_is_told_and_tried_again)
{
	struct harness *h = harness_new();

	put("d/x/a", "");
	ck_assert_int_eq(chmod("d/x", 0000), 0);
	/* What root may is dropped from the programs we start. */
	if (getuid() == 0 &&
	    (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == -1 ||
		prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == -1)) {
		skip("a directory that may not be read is told and tried again",
		    "root may read it all the same");
		harness_end(h);
		return;
	}
	watch(h, "-r", "d");
	harness_wait_err(h, "d/x");
	ck_assert_int_eq(chmod("d/x", 0755), 0);
	(void)harness_wait(h, "created", "d/x/a");
	harness_end(h);
}
END_TEST

START_TEST(polling_tells_the_same_kinds)
{
	struct harness *h = harness_new();

	if (lacks_options(h, "polling tells the same kinds", "--backend",
		"poll"))
		return;
	make_dir("d");
	watch(h, "-r", "--backend", "poll", "--poll", "0.02", "d");
	put("d/a", "");
	(void)harness_wait(h, "created", "d/a");
	append("d/a", "x");
	(void)harness_wait(h, "modified", "d/a");
	move("d/a", "d/b");
	(void)harness_wait(h, "renamed", "d/b");
	erase("d/b");
	(void)harness_wait(h, "deleted", "d/b");
	harness_end(h);
}
END_TEST

START_TEST(a_kind_that_polling_cannot_tell_is_an_error_with_a_way_out)
{
	struct harness *h = harness_new();

	if (lacks_options(h,
		"a kind that polling cannot tell is an error with a way out",
		"--backend", "poll"))
		return;
	make_dir("d");
	harness_set_format(h, HARNESS_TEXT);
	harness_run(h, PROGRAM, "--backend", "poll", "-e", "opened", "d", NULL);
	ck_assert_int_ne(harness_finish(h), 0);
	ck_assert_msg(strstr(harness_err(h), "opened") != NULL, "%s",
	    harness_err(h));
	harness_end(h);
}
END_TEST

/* --- ends --- */

START_TEST(once_ends_after_the_first_burst)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "-1", "d");
	put("d/a", "");
	put("d/b", "");
	ck_assert_int_eq(harness_finish(h), 0);
	harness_told(harness_rest(h), "created d/a\ncreated d/b\n");
	harness_end(h);
}
END_TEST

START_TEST(timeout_ends_with_3_when_nothing_happens)
{
	struct harness *h = harness_new();

	make_dir("d");
	harness_run(h, PROGRAM, "--timeout", "0.1", "d", NULL);
	ck_assert_int_eq(harness_finish(h), 3);
	harness_run(h, PROGRAM, "-1", "--timeout", "0.1", "d", NULL);
	ck_assert_int_eq(harness_finish(h), 3);
	harness_end(h);
}
END_TEST

START_TEST(signals_ask_it_to_end_with_0)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct harness *h = harness_new();
	size_t i;

	make_dir("d");
	for (i = 0; i < 3; i++) {
		watch(h, "d");
		harness_signal(h, signals[i]);
		ck_assert_int_eq(harness_finish(h), 0);
	}
	harness_end(h);
}
END_TEST

START_TEST(it_ends_at_once_when_its_reader_has_gone)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "d");
	harness_close_output(h);
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(it_ends_when_its_reader_goes_in_the_middle)
{
	struct harness *h = harness_new();
	char path[64];
	int i;

	make_dir("d");
	watch(h, "d");
	for (i = 0; i < 3000; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		put(path, "x");
	}
	(void)harness_next(h);
	harness_close_output(h);
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(it_ends_on_a_signal_while_its_reader_does_not_read)
{
	struct harness *h = harness_new();
	char path[64];
	int i;

	make_dir("d");
	watch(h, "d");
	for (i = 0; i < 3000; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		put(path, "x");
	}
	harness_signal(h, SIGTERM);
	/* What is in the pipe is read only now; whole lines, as ever. */
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(what_happened_before_a_signal_is_told_before_the_end)
{
	enum { FILES = 6000 };
	struct harness *h = harness_new();
	char path[64];
	int i;

	make_dir("d");
	watch(h, "d");
	harness_signal(h, SIGSTOP);
	for (i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		make_dir(path);
	}
	harness_signal(h, SIGTERM);
	harness_signal(h, SIGCONT);
	(void)snprintf(path, sizeof(path), "d/%d", FILES - 1);
	(void)harness_wait(h, "created", path);
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

/* Until nothing more can be written for us to read. */
static void
wait_for_full_pipe(struct harness *h)
{
	struct pollfd p = {.events = POLLOUT};
	char name[32];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", harness_fd(h));
	p.fd = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ne(p.fd, -1);
	while (poll(&p, 1, 0) == 1)
		(void)sched_yield();
	(void)close(p.fd);
}

START_TEST(what_happened_while_its_reader_slept_is_told_before_the_end)
{
	struct harness *h = harness_new();
	char path[64];
	int i;

	make_dir("d");
	watch(h, "d");
	for (i = 0; i < 6000; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		make_dir(path);
	}
	wait_for_full_pipe(h);
	make_dir("d/last");
	harness_signal(h, SIGTERM);
	(void)harness_wait(h, "created", "d/last");
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(half_a_rename_before_a_signal_is_told_before_the_end)
{
	struct harness *h = harness_new();

	put("d/a", "x");
	make_dir("out");
	watch(h, "d");
	harness_signal(h, SIGSTOP);
	move("d/a", "out/a");
	harness_signal(h, SIGTERM);
	harness_signal(h, SIGCONT);
	(void)harness_wait(h, "deleted", "d/a");
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(sigusr1_prints_counters_and_goes_on)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "d");
	put("d/a", "");
	told(h, "d", "created d/a\n");
	harness_signal(h, SIGUSR1);
	harness_wait_err(h, "\n");
	ck_assert_msg(strpbrk(harness_err(h), "123456789") != NULL, "%s",
	    harness_err(h));
	put("d/b", "");
	told(h, "d", "created d/b\n");
	harness_end(h);
}
END_TEST

START_TEST(wrong_usage_ends_with_2_and_names_what_is_wrong)
{
	struct harness *h = harness_new();

	make_dir("d");
	ends_with(h, 2, "path", "-r");
	ends_with(h, 2, "no-such-option", "--no-such-option", "d");
	ends_with(h, 2, "frobbed", "-e", "created,frobbed", "d");
	ends_with(h, 2, "q", "-t", "f,q", "d");
	ends_with(h, 2, "(", "-i", "(", "d");
	ends_with(h, 2, "many", "--depth", "many", "d");
	ends_with(h, 2, "-1", "--timeout", "-1", "d");
	harness_end(h);
}
END_TEST

START_TEST(help_and_version_are_answers_not_errors)
{
	struct harness *h = harness_new();
	const char *line;

	harness_set_format(h, HARNESS_TEXT);
	harness_run(h, PROGRAM, "-V", NULL);
	line = harness_line(h);
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strstr(line, FSPIPE_VERSION) != NULL, "%s", line);
	ck_assert_int_eq(harness_finish(h), 0);
	harness_run(h, PROGRAM, "--help", NULL);
	line = harness_line(h);
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strstr(line, "fswatch-events") != NULL, "%s", line);
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(a_full_disk_is_a_failure_not_silence)
{
	struct harness *h = harness_new();

	if (access("/dev/full", W_OK) == -1) {
		skip("a full disk is a failure, not silence", "no /dev/full");
		harness_end(h);
		return;
	}
	put("d/a", "");
	harness_set_format(h, HARNESS_TEXT);
	harness_run(h, "/bin/sh", "-c",
	    "exec $FSPIPE_BIN/fswatch-events --existing d >/dev/full", NULL);
	ck_assert_int_eq(harness_finish(h), 1);
	ck_assert_str_ne(harness_err(h), "");
	harness_end(h);
}
END_TEST

START_TEST(an_unknown_back_end_and_content_of_what_is_opened_are_refused)
{
	struct harness *h = harness_new();

	if (lacks_options(h,
		"an unknown back end and content of what is opened are refused",
		"--backend", "poll", "-c"))
		return;
	make_dir("d");
	ends_with(h, 2, "nothing", "--backend", "nothing", "d");
	ends_with(h, 2, "content", "-c", "-e", "opened", "d");
	harness_end(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fswatch-events");
	TCase *tc;

	tc = tcase_create("Roots");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_directory_tells_its_own_names);
	tcase_add_test(tc, several_roots_are_told_each_under_its_own_name);
	tcase_add_test(tc, recursive_tells_what_is_below_at_any_depth);
	tcase_add_test(tc, depth_ends_where_it_says);
	tcase_add_test(tc, a_file_as_a_root_is_that_one_name);
	tcase_add_test(tc, a_link_to_a_directory_is_followed_as_a_root);
	tcase_add_test(tc,
	    a_link_that_leads_elsewhere_is_told_as_the_new_content);
	tcase_add_test(tc,
	    a_dangling_link_a_fifo_and_a_socket_are_names_as_roots);
	tcase_add_test(tc, roots_come_from_stdin_and_its_end_is_not_the_end);
	tcase_add_test(tc, roots_are_watched_as_they_come_through_stdin);
	tcase_add_test(tc, overlapping_roots_tell_once_for_each);
	tcase_add_test(tc, a_root_that_is_not_there_is_an_error);
	tcase_add_test(tc, with_w_a_root_that_is_not_there_is_waited_for);
	tcase_add_test(tc, with_w_a_file_that_appears_is_told_as_created);
	tcase_add_test(tc, with_q_nothing_is_said_on_stderr);
	tcase_add_test(tc, with_v_more_is_said_on_stderr);
	suite_add_tcase(s, tc);

	tc = tcase_create("Events");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, e_chooses_by_name);
	tcase_add_test(tc, e_with_signs_changes_the_default);
	tcase_add_test(tc, e_adds_up);
	tcase_add_test(tc, e_default_and_all_are_groups);
	tcase_add_test(tc, t_chooses_by_type);
	tcase_add_test(tc,
	    a_directory_that_is_not_shown_has_its_files_told_singly);
	tcase_add_test(tc, closed_follows_writing_only);
	tcase_add_test(tc, complete_is_told_when_a_file_has_its_content);
	tcase_add_test(tc, attrib_carries_mode_and_owner);
	tcase_add_test(tc,
	    opened_and_accessed_are_told_on_request_and_not_for_directories);
	tcase_add_test(tc, quiet_follows_what_has_happened);
	tcase_add_test(tc, ready_carries_the_counts);
	suite_add_tcase(s, tc);

	tc = tcase_create("Filters");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, an_include_first_leaves_out_the_rest_but_descends);
	tcase_add_test(tc, an_excluded_directory_is_not_entered);
	tcase_add_test(tc, the_last_expression_that_matches_wins);
	tcase_add_test(tc,
	    a_rename_out_of_the_filter_is_a_deletion_and_into_it_a_creation);
	tcase_add_test(tc, no_junk_leaves_out_what_editors_leave);
	tcase_add_test(tc, prune_leaves_a_directory_out);
	suite_add_tcase(s, tc);

	tc = tcase_create("Lines");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, existing_lists_the_oldest_first_then_ready);
	tcase_add_test(tc, without_existing_nothing_is_told_of_what_is_there);
	tcase_add_test(tc, stat_carries_what_stat_says);
	tcase_add_test(tc, an_event_has_its_keys_in_their_order_and_no_more);
	tcase_add_test(tc, content_is_carried_as_text_or_as_base64);
	tcase_add_test(tc, encoding_base64_makes_all_content_base64);
	tcase_add_test(tc, print0_gives_paths_with_a_nul_behind);
	tcase_add_test(tc, pretty_is_for_people_and_has_no_colours_in_a_pipe);
	suite_add_tcase(s, tc);

	tc = tcase_create("Names");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, every_name_survives);
	tcase_add_test(tc, a_root_with_an_odd_name_survives_too);
	tcase_add_test(tc, a_tree_deeper_than_a_path_may_be_long_is_told);
	suite_add_tcase(s, tc);

	tc = tcase_create("Renames");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_rename_is_one_event_with_both_names);
	tcase_add_test(tc, a_rename_between_roots_names_the_old_root);
	tcase_add_test(tc, a_directory_moves_between_roots_with_all_in_it);
	tcase_add_test(tc, a_rename_onto_something_says_that_it_replaced_it);
	tcase_add_test(tc, an_exchange_is_one_event);
	tcase_add_test(tc, what_a_swap_brings_is_complete);
	tcase_add_test(tc, without_renamed_it_is_a_deletion_and_a_creation);
	tcase_add_test(tc, a_renamed_directory_takes_its_content_along);
	tcase_add_test(tc, a_directory_moved_in_is_told_with_its_content);
	tcase_add_test(tc,
	    a_directory_moved_out_is_told_deepest_first_and_not_followed);
	tcase_add_test(tc, a_directory_removed_is_told_with_its_content);
	tcase_add_test(tc, a_thousand_renames_at_once_are_all_paired);
	tcase_add_test(tc, a_thousand_renames_in_one_look_are_all_paired);
	tcase_add_test(tc, a_file_moved_in_over_another_is_told);
	suite_add_tcase(s, tc);

	tc = tcase_create("Following");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_file_saved_by_rename_is_still_watched);
	tcase_add_test(tc, a_file_that_loses_another_name_is_still_watched);
	tcase_add_test(tc, a_rotated_log_is_followed_by_its_name);
	tcase_add_test(tc, a_file_deleted_and_made_again_is_followed);
	tcase_add_test(tc, a_root_that_goes_is_lost_and_found_when_it_returns);
	tcase_add_test(tc, what_was_in_a_lost_root_is_told_as_deleted);
	tcase_add_test(tc, a_parent_renamed_and_renamed_back_is_noticed);
	suite_add_tcase(s, tc);

	tc = tcase_create("Links");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, links_below_a_root_are_names_only);
	tcase_add_test(tc, with_L_links_to_directories_are_entered);
	tcase_add_test(tc, with_L_loops_are_told_once_and_not_entered);
	tcase_add_test(tc,
	    other_file_systems_are_entered_but_with_one_file_system);
	tcase_add_test(tc, a_mount_and_an_unmount_below_a_root_are_told);
	tcase_add_test(tc,
	    what_is_mounted_where_something_happened_is_seen_and_not_held);
	tcase_add_test(tc, one_directory_reached_by_two_ways_is_told_for_both);
	suite_add_tcase(s, tc);

	tc = tcase_create("Limits");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, beyond_the_limit_of_watches_the_rest_is_polled);
	tcase_add_test(tc,
	    too_many_instances_are_told_with_the_setting_and_all_is_polled);
	tcase_add_test(tc,
	    a_directory_that_may_not_be_read_is_told_and_tried_again);
	tcase_add_test(tc, polling_tells_the_same_kinds);
	tcase_add_test(tc,
	    a_kind_that_polling_cannot_tell_is_an_error_with_a_way_out);
	suite_add_tcase(s, tc);

	tc = tcase_create("Ends");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, once_ends_after_the_first_burst);
	tcase_add_test(tc, timeout_ends_with_3_when_nothing_happens);
	tcase_add_test(tc, signals_ask_it_to_end_with_0);
	tcase_add_test(tc, it_ends_at_once_when_its_reader_has_gone);
	tcase_add_test(tc, it_ends_when_its_reader_goes_in_the_middle);
	tcase_add_test(tc, it_ends_on_a_signal_while_its_reader_does_not_read);
	tcase_add_test(tc,
	    what_happened_before_a_signal_is_told_before_the_end);
	tcase_add_test(tc,
	    what_happened_while_its_reader_slept_is_told_before_the_end);
	tcase_add_test(tc,
	    half_a_rename_before_a_signal_is_told_before_the_end);
	tcase_add_test(tc, sigusr1_prints_counters_and_goes_on);
	tcase_add_test(tc, wrong_usage_ends_with_2_and_names_what_is_wrong);
	tcase_add_test(tc,
	    an_unknown_back_end_and_content_of_what_is_opened_are_refused);
	tcase_add_test(tc, help_and_version_are_answers_not_errors);
	tcase_add_test(tc, a_full_disk_is_a_failure_not_silence);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
