/*
 * The program built for kqueue, where that is more than one of the back ends:
 * its limit is that of open files.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"

#define FILES  100
#define DIRS   128
#define IN_DIR 20

static void
limit(rlim_t soft, rlim_t hard)
{
	struct rlimit rl = {.rlim_cur = soft, .rlim_max = hard};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

static void
make_files(void)
{
	char path[32];
	int i;

	for (i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "d/sub/%d", i);
		put(path, "x");
	}
}

/* Every file, with or without a descriptor. */
static void
change_files(struct harness *h)
{
	char path[32];
	int i;

	for (i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "d/sub/%d", i);
		append(path, "y");
		(void)harness_wait(h, "modified", path);
	}
}

START_TEST(the_soft_limit_of_open_files_is_raised)
{
	struct harness *h = harness_new();

	make_files();
	limit(48, 1024);
	harness_run(h, "fswatch-events", "-e", "+ready", "-r", "d", NULL);
	(void)harness_ready(h);
	change_files(h);
	harness_end(h); /* nothing was said */
}
END_TEST

START_TEST(beyond_the_limit_of_open_files_the_rest_is_polled_and_that_is_said)
{
	struct harness *h = harness_new();
	const char *said;

	make_files();
	limit(64, 64);
	harness_run(h, "fswatch-events", "--poll", "0.05", "-e", "+ready", "-r",
	    "d", NULL);
	harness_wait_err(h, "ulimit -n");
	(void)harness_ready(h);
	change_files(h);
	put("d/new", "");
	(void)harness_wait(h, "created", "d/new");
	ck_assert_int_eq(harness_stop(h), 0);
	/* Once, with what to do. */
	said = harness_err(h);
	said = strstr(said, "raise it with: ulimit -n");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, "raise it with"));
	harness_end(h);
}
END_TEST

/* Also what had no descriptor: it is looked at once more. */
START_TEST(when_asked_to_end_what_is_polled_is_told_too)
{
	struct harness *h = harness_new();
	char path[32];
	int i, n = 0;

	make_files();
	limit(64, 64);
	harness_run(h, "fswatch-events", "--poll", "3600", "-e",
	    "ready,modified", "-r", "d", NULL);
	(void)harness_ready(h);
	for (i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "d/sub/%d", i);
		append(path, "y");
	}
	harness_signal(h, SIGTERM);
	while (harness_next(h) != NULL)
		n++;
	ck_assert_int_eq(n, FILES);
	ck_assert_int_eq(harness_finish(h), 0);
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

#ifdef NOTE_OPEN
START_TEST(what_is_there_is_told_as_opened_read_and_closed)
{
	struct harness *h = harness_new();

	put("d/sub/a", "x");
	put("d/b", "x");
	harness_run(h, "fswatch-events", "-e", "ready,opened,accessed,closed",
	    "-r", "d", NULL);
	(void)harness_ready(h);
	shell("cat d/sub/a >out");
	(void)harness_wait(h, "opened", "d/sub/a");
	(void)harness_wait(h, "accessed", "d/sub/a");
	append("d/b", "y");
	(void)harness_wait(h, "closed", "d/b");
	harness_end(h);
}
END_TEST
#endif

START_TEST(where_only_names_are_asked_for_files_take_no_descriptors)
{
	struct harness *h = harness_new();

	make_files();
	limit(64, 64);
	harness_run(h, "fswatch-events", "-e", "ready,created,renamed,deleted",
	    "-r", "d", NULL);
	(void)harness_ready(h);
	move("d/sub/1", "d/one");
	(void)harness_wait(h, "renamed", "d/one");
	harness_end(h);
}
END_TEST

/* EV_ADD takes its time now and then (kqueue/kqueue.c): whoever lists before it
 * misses what comes meanwhile, if that is the last. */
START_TEST(what_is_made_while_a_directory_is_entered_is_told)
{
	struct harness *h = harness_new();
	char path[32];
	int i, k;

	make_dir("d");
	harness_run(h, "fswatch-events", "-e", "+ready", "-r", "d", NULL);
	(void)harness_ready(h);
	for (i = 0; i < DIRS; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		make_dir(path);
		for (k = 0; k <= i % IN_DIR; k++) {
			(void)snprintf(path, sizeof(path), "d/%d/%d", i, k);
			put(path, "");
		}
		(void)harness_wait(h, "created", path);
	}
	harness_end(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fswatch-events with kqueue");
	TCase *tc = tcase_create("Limits");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, the_soft_limit_of_open_files_is_raised);
	tcase_add_test(tc,
	    beyond_the_limit_of_open_files_the_rest_is_polled_and_that_is_said);
	tcase_add_test(tc,
	    where_only_names_are_asked_for_files_take_no_descriptors);
	tcase_add_test(tc, when_asked_to_end_what_is_polled_is_told_too);
	suite_add_tcase(s, tc);
#ifdef NOTE_OPEN
	tc = tcase_create("Core");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, what_is_there_is_told_as_opened_read_and_closed);
	suite_add_tcase(s, tc);
#endif
	tc = tcase_create("Races");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, what_is_made_while_a_directory_is_entered_is_told);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
