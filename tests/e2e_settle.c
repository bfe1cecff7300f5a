/*
 * --settle and --rescan with the real program. What has to happen within one
 * quiet time is done while the program is stopped, so that it does not matter
 * how fast it is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define PROGRAM "fswatch-events"

#define watch(h, ...)                                                       \
	do {                                                                \
		harness_run(h, PROGRAM, "-e", "+ready", __VA_ARGS__, NULL); \
		(void)harness_ready(h);                                     \
	} while (0)

/* Returns when it has stopped. */
static void
freeze(struct harness *h)
{
	int status;

	harness_signal(h, SIGSTOP);
	ck_assert_int_eq(waitpid(harness_pid(h), &status, WUNTRACED),
	    harness_pid(h));
	ck_assert(WIFSTOPPED(status));
}

/* What is told of these commands, which are done in d. */
static void
told(struct harness *h, const char *commands, const char *want)
{
	freeze(h);
	shell("set -e; cd d; %s", commands);
	harness_signal(h, SIGCONT);
	harness_told(harness_story(h, "d"), want);
}

START_TEST(each_row_of_the_table_is_told_by_its_net_effect)
{
	struct harness *h = harness_new();

	make_dir("d");
	put("d/b", "1");
	put("d/c", "1");
	make_dir("d/s");
	put("d/s/f", "1");
	watch(h, "-r", "-s", "0.1", "d");
	told(h, "echo 1 >a; echo 2 >>a", "created d/a\n");
	told(h, "echo 1 >x; rm x", "");
	told(h, "echo 1 >>b; echo 2 >>b", "modified d/b\n");
	told(h, "echo 1 >>a; rm a", "deleted d/a\n");
	told(h, "rm b; echo 3 >b", "modified d/b\n");
	told(h, "echo 1 >x; mv x a", "created d/a\n");
	told(h, "echo 1 >tmp; mv tmp b", "modified d/b\n");
	told(h, "rm b; echo 1 >tmp; mv tmp b", "modified d/b\n");
	told(h, "mv a x; mv x y", "renamed d/a -> d/y\n");
	told(h, "mv y x; rm x", "deleted d/y\n");
	told(h, "mv b x; mv x b", "");
	told(h, "mv b x; mv x b; echo 4 >>b", "modified d/b\n");
	told(h, "mv s t; echo 1 >>t/f; mkdir t/new",
	    "renamed d/s -> d/t\ncreated d/t/new\nmodified d/t/f\n");
	harness_end(h);
}
END_TEST

START_TEST(a_directory_made_anew_is_told_as_deleted_and_created)
{
	struct harness *h = harness_new();

	put("d/s/f", "1");
	watch(h, "-r", "-s", "0.1", "d");
	told(h, "rm -r s; mkdir s; echo 2 >s/f",
	    "deleted d/s/f\ndeleted d/s\ncreated d/s\ncreated d/s/f\n");
	harness_end(h);
}
END_TEST

START_TEST(a_save_that_leaves_a_backup_is_told_as_modified)
{
	struct harness *h = harness_new();

	make_dir("d");
	put("d/b", "1");
	watch(h, "-s", "0.1", "d");
	told(h, "mv b b~; echo 1 >tmp; mv tmp b",
	    "created d/b~\nmodified d/b\n");
	harness_end(h);
}
END_TEST

START_TEST(a_swap_through_a_third_name_is_an_exchange)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d");
	put("d/a", "a");
	put("d/b", "bb");
	watch(h, "-s", "0.1", "d");
	freeze(h);
	shell("cd d; mv a t; mv b a; mv t b");
	harness_signal(h, SIGCONT);
	ev = harness_wait(h, "renamed", NULL);
	ck_assert(json_is_true(json_object_get(ev, "exchanged")));
	harness_mark(h, "d");
	harness_end(h);
}
END_TEST

START_TEST(a_save_is_modified_also_where_only_that_is_asked_for)
{
	struct harness *h = harness_new();

	make_dir("d");
	put("d/b", "1");
	put("d/a", "1");
	harness_run(h, PROGRAM, "-e", "modified,ready", "-s", "0.1", "d", NULL);
	(void)harness_ready(h);
	harness_mark_by(h, "modified", "");
	put("d/mark-0", "");
	put("d/mark-1", "");
	freeze(h);
	shell("cd d; echo 1 >tmp; mv tmp b; mv a x; mv x a; echo 1 >new");
	harness_signal(h, SIGCONT);
	/* Nothing comes of a, which went and came back, and of new. */
	ck_assert_str_eq(event_get(harness_next(h), "path"), "d/b");
	freeze(h);
	shell("cd d; mv b b~; echo 2 >tmp; mv tmp b");
	harness_signal(h, SIGCONT);
	ck_assert_str_eq(event_get(harness_next(h), "path"), "d/b");
	harness_end(h);
}
END_TEST

START_TEST(without_renamed_each_name_of_a_directory_is_told)
{
	struct harness *h = harness_new();

	make_dir("d/s");
	put("d/s/f", "1");
	make_dir("d/s/t");
	watch(h, "-r", "-s", "0.1", "-e", "-renamed", "d");
	told(h, "mv s u",
	    "deleted d/s/f\ndeleted d/s/t\ndeleted d/s\n"
	    "created d/u\ncreated d/u/f\ncreated d/u/t\n");
	harness_end(h);
}
END_TEST

START_TEST(what_is_told_is_as_it_is_when_it_is_told)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d");
	watch(h, "-s", "0.1", "--stat", "d");
	freeze(h);
	put("d/a", "x");
	append("d/a", "yz");
	shell("chmod 640 d/a");
	harness_signal(h, SIGCONT);
	ev = harness_wait(h, "created", "d/a");
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")), 3);
	ck_assert_str_eq(event_get(ev, "mode"), "0640");
	ck_assert_double_ge(json_real_value(json_object_get(ev, "time")),
	    json_real_value(json_object_get(ev, "mtime")) + 0.099);
	harness_end(h);
}
END_TEST

/* The writer goes on until it is told of: without a maximum that would never
 * be. */
START_TEST(a_file_that_is_written_on_and_on_is_told_by_the_maximum)
{
	struct harness *h = harness_new();
	pid_t pid, parent = getpid();
	int fd, status;

	make_dir("d");
	put("d/log", "");
	watch(h, "-s", "0.5,1", "d");
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open("d/log", O_WRONLY | O_APPEND | O_CLOEXEC);
		while (getppid() == parent && write(fd, "x", 1) == 1)
			(void)sched_yield();
		_exit(1);
	}
	(void)harness_wait(h, "modified", "d/log");
	(void)harness_wait(h, "modified", "d/log");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	harness_end(h);
}
END_TEST

START_TEST(at_the_end_what_is_held_is_told)
{
	struct harness *h = harness_new();

	make_dir("d");
	put("d/b", "1");
	watch(h, "-s", "1000", "d");
	put("d/a", "x");
	append("d/b", "x");
	ck_assert_int_eq(kill(harness_pid(h), SIGTERM), 0);
	harness_told(harness_rest(h), "created d/a\nmodified d/b\n");
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(once_ends_with_all_that_was_held)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "-1", "-s", "0.1", "d");
	freeze(h);
	put("d/a", "x");
	put("d/b", "x");
	harness_signal(h, SIGCONT);
	harness_told(harness_rest(h), "created d/a\ncreated d/b\n");
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

START_TEST(a_timeout_waits_for_what_is_held)
{
	struct harness *h = harness_new();

	make_dir("d");
	watch(h, "--timeout", "0.5", "-s", "1", "d");
	put("d/a", "x");
	ck_assert_str_eq(harness_rest(h), "created d/a\n");
	ck_assert_int_eq(harness_finish(h), 3);
	harness_end(h);
}
END_TEST

START_TEST(quiet_comes_behind_all_else)
{
	struct harness *h = harness_new();
	const char *one, *two;

	make_dir("d");
	watch(h, "-s", "0.1", "-e", "+quiet", "d");
	freeze(h);
	put("d/a", "x");
	make_dir("d/s");
	harness_signal(h, SIGCONT);
	/* What is found by looking comes in any order. */
	one = event_get(harness_next(h), "path");
	two = event_get(harness_next(h), "path");
	ck_assert_msg((strcmp(one, "d/a") == 0 && strcmp(two, "d/s") == 0) ||
		(strcmp(one, "d/s") == 0 && strcmp(two, "d/a") == 0),
	    "%s, %s", one, two);
	ck_assert_str_eq(event_get(harness_next(h), "event"), "quiet");
	harness_end(h);
}
END_TEST

START_TEST(before_a_root_is_lost_all_of_it_is_told)
{
	struct harness *h = harness_new();

	make_dir("d");
	put("d/a", "x");
	watch(h, "-s", "1000", "-e", "+lost,+found", "d");
	shell("rm -r d");
	ck_assert_str_eq(event_get(harness_next(h), "event"), "deleted");
	ck_assert_str_eq(event_get(harness_next(h), "event"), "lost");
	shell("mkdir d");
	ck_assert_str_eq(event_get(harness_next(h), "event"), "found");
	harness_end(h);
}
END_TEST

/* --- rescan --- */

START_TEST(a_rescan_finds_what_was_written_through_another_name)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d/s");
	put("d/s/a", "x");
	put("d/b", "x");
	ck_assert_int_eq(link("d/s/a", "outside"), 0);
	watch(h, "-r", "--rescan", "0.05", "-e", "+complete", "d");
	append("outside", "y");
	ev = harness_next(h);
	ck_assert_str_eq(event_get(ev, "event"), "modified");
	ck_assert_str_eq(event_get(ev, "path"), "d/s/a");
	ck_assert(json_is_true(json_object_get(ev, "synthetic")));
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")), 2);
	ck_assert_str_eq(event_get(harness_next(h), "event"), "complete");
	/* A second time, too, and nothing of what has not changed. */
	append("outside", "z");
	ck_assert_str_eq(event_get(harness_next(h), "path"), "d/s/a");
	harness_end(h);
}
END_TEST

START_TEST(a_rescan_finds_a_store_into_mapped_memory)
{
	struct harness *h = harness_new();
	char *map;
	int fd;

	make_dir("d");
	put("d/a", "xyz");
	fd = open("d/a", O_RDWR | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	map = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	watch(h, "--rescan", "0.05", "d");
	map[0] = 'a';
	ck_assert_int_eq(msync(map, 3, MS_SYNC), 0);
	ck_assert_str_eq(event_get(harness_wait(h, "modified", "d/a"), "path"),
	    "d/a");
	ck_assert_int_eq(munmap(map, 3), 0);
	(void)close(fd);
	harness_end(h);
}
END_TEST

/* Several comparisons have passed when each of several hidden changes has
 * been found: meanwhile nothing else may be told. */
START_TEST(rescans_tell_nothing_twice_and_nothing_unchanged)
{
	struct harness *h = harness_new();
	json_t *ev;
	int i;

	make_dir("d/s");
	put("d/old", "x");
	put("d/to", "x");
	put("d/s/a", "x");
	put("d/x1", "x");
	put("d/x2", "xx");
	put("probe", "x");
	ck_assert_int_eq(link("probe", "d/probe"), 0);
	watch(h, "-r", "--rescan", "0.05", "-e", "+attrib,+complete", "d");
	harness_mark_by(h, "complete", "");
	put("d/new", "x");
	(void)harness_wait(h, "complete", "d/new");
	append("d/s/a", "x");
	(void)harness_wait(h, "complete", "d/s/a");
	append("d/to", "x");
	(void)harness_wait(h, "complete", "d/to");
	move("d/to", "d/there");
	(void)harness_wait(h, "renamed", "d/there");
	move("d/s", "d/u");
	(void)harness_wait(h, "renamed", "d/u");
	shell("chmod 600 d/old");
	(void)harness_wait(h, "attrib", "d/old");
	ck_assert_int_eq(renameat2(AT_FDCWD, "d/x1", AT_FDCWD, "d/x2",
			     RENAME_EXCHANGE),
	    0);
	harness_mark(h, "d");
	for (i = 0; i < 5; i++) {
		append("probe", "y");
		do {
			ev = harness_next(h);
			ck_assert_msg(strcmp(event_get(ev, "path"),
					  "d/probe") == 0,
			    "%s of %s", event_get(ev, "event"),
			    event_get(ev, "path"));
		} while (strcmp(event_get(ev, "event"), "complete") != 0);
	}
	harness_end(h);
}
END_TEST

START_TEST(a_rescan_of_a_settled_stream_settles)
{
	struct harness *h = harness_new();
	json_t *ev;

	make_dir("d");
	put("d/a", "x");
	ck_assert_int_eq(link("d/a", "outside"), 0);
	watch(h, "--rescan", "0.05", "-s", "0.1", "d");
	append("outside", "y");
	ev = harness_next(h);
	ck_assert_str_eq(event_get(ev, "event"), "modified");
	ck_assert_str_eq(event_get(ev, "path"), "d/a");
	ck_assert(json_is_true(json_object_get(ev, "synthetic")));
	harness_end(h);
}
END_TEST

/* How often it has given up the processor by itself, in /proc/PID/status. */
static unsigned long
waits(struct harness *h)
{
	char path[64], line[256];
	unsigned long n = 0;
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status",
	    (int)harness_pid(h));
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
			found = true;
	(void)fclose(f);
	ck_assert(found);
	return n;
}

/* Something else of ours waits meanwhile: a second watcher, which tells after
 * so many times its quiet time. */
START_TEST(nothing_wakes_up_while_nothing_is_held)
{
	struct harness *h = harness_new();
	unsigned long before, after;
	json_t *ev;

	make_dir("d");
	watch(h, "-s", "0.02", "d");
	put("d/a", "x");
	(void)harness_wait(h, "created", "d/a");
	/* The time that passes is measured in what another one takes. */
	before = waits(h);
	shell("mkdir e; \"$FSPIPE_BIN\"/fswatch-events --timeout 0.5 "
	      "--no-claim e; [ $? -eq 3 ]");
	after = waits(h);
	ck_assert_msg(after - before <= 2, "%lu wake-ups", after - before);
	put("d/b", "x");
	ev = harness_wait(h, "created", "d/b");
	ck_assert_ptr_nonnull(ev);
	harness_end(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("settle and rescan");
	TCase *tc = tcase_create("Settle");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, each_row_of_the_table_is_told_by_its_net_effect);
	tcase_add_test(tc,
	    a_directory_made_anew_is_told_as_deleted_and_created);
	tcase_add_test(tc, a_save_that_leaves_a_backup_is_told_as_modified);
	tcase_add_test(tc, a_swap_through_a_third_name_is_an_exchange);
	tcase_add_test(tc,
	    a_save_is_modified_also_where_only_that_is_asked_for);
	tcase_add_test(tc, without_renamed_each_name_of_a_directory_is_told);
	tcase_add_test(tc, what_is_told_is_as_it_is_when_it_is_told);
	tcase_add_test(tc,
	    a_file_that_is_written_on_and_on_is_told_by_the_maximum);
	tcase_add_test(tc, at_the_end_what_is_held_is_told);
	tcase_add_test(tc, once_ends_with_all_that_was_held);
	tcase_add_test(tc, a_timeout_waits_for_what_is_held);
	tcase_add_test(tc, quiet_comes_behind_all_else);
	tcase_add_test(tc, before_a_root_is_lost_all_of_it_is_told);
	tcase_add_test(tc, nothing_wakes_up_while_nothing_is_held);
	suite_add_tcase(s, tc);
	tc = tcase_create("Rescan");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc,
	    a_rescan_finds_what_was_written_through_another_name);
	tcase_add_test(tc, a_rescan_finds_a_store_into_mapped_memory);
	tcase_add_test(tc, rescans_tell_nothing_twice_and_nothing_unchanged);
	tcase_add_test(tc, a_rescan_of_a_settled_stream_settles);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
