#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "recorder.h"
#include "suite.h"
#include "sync.h"
#include "tree.h"
#include "watch.h"

static struct recorder r;

static void
begin(const char *options)
{
	recorder_open(&r, options);
	recorder_enter(&r);
}

static void
end(void)
{
	recorder_check_index(&r);
	recorder_close(&r);
}

static void
told(const char *want)
{
	ck_assert_str_eq(recorder_story(&r), want);
}

/* The last line about this path that has content, in a story. */
static void
told_last(const char *story, const char *path, const char *content)
{
	char want[128];
	const char *at, *last = NULL;

	(void)snprintf(want, sizeof(want), " %s = ", path);
	for (at = story; (at = strstr(at, want)) != NULL; at++)
		last = at;
	ck_assert_msg(last != NULL, "no content of %s in:\n%s", path, story);
	(void)snprintf(want, sizeof(want), " %s = %s\n", path, content);
	ck_assert_msg(strncmp(last, want, strlen(want)) == 0,
	    "the last content of %s is not \"%s\" in:\n%s", path, content,
	    story);
}

static bool
has_leases(void)
{
	bool yes;
	int fd;

	scratch_put(AT_FDCWD, "out/lease", "");
	fd = open("out/lease", O_RDONLY | O_CLOEXEC);
	yes = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
	(void)close(fd);
	return yes;
}

START_TEST(content_is_told_with_the_events_that_carry_it)
{
	begin("-r -c -e all,-opened,-accessed,-quiet");
	scratch_put(AT_FDCWD, "d/a", "text");
	told("created f d/a = text\nmodified f d/a = text\n"
	     "closed f d/a = text\ncomplete f d/a = text\n");
	ck_assert_int_eq(chmod("d/a", 0600), 0);
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	ck_assert_int_eq(mkfifo("d/p", 0600), 0);
	ck_assert_int_eq(symlink("a", "d/l"), 0);
	told("attrib f d/a\ncreated d d/s\ncreated o d/p\ncreated s d/l\n");
	ck_assert_int_eq(rename("d/a", "d/b"), 0);
	told("renamed f d/a -> d/b\ncomplete f d/b = text\n");
	ck_assert_int_eq(unlink("d/b"), 0);
	told("deleted f d/b\n");
	end();
}
END_TEST

START_TEST(a_file_beyond_the_limit_is_told_as_truncated)
{
	begin("-c --content-limit 4 -e complete");
	scratch_put(AT_FDCWD, "d/a", "1234");
	told("complete f d/a = 1234\n");
	scratch_put(AT_FDCWD, "d/a", "12345");
	told("complete f d/a truncated\n");
	end();
}
END_TEST

START_TEST(what_is_being_written_is_told_when_it_is_closed)
{
	int fd;

	begin("-c");
	fd = open("d/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "text", 4), 4);
	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		(void)close(fd);
		recorder_close(&r);
		return;
	}
	told("created f d/a\nmodified f d/a\n");
	/* It is not forgotten under another name. */
	ck_assert_int_eq(rename("d/a", "d/b"), 0);
	told("renamed f d/a -> d/b\n");
	(void)close(fd);
	told("modified f d/b = text\n");
	end();
}
END_TEST

START_TEST(what_was_renamed_before_it_could_be_read_is_told_where_it_is)
{
	const char *story;

	begin("-r -c");
	scratch_put(AT_FDCWD, "d/a", "text");
	ck_assert_int_eq(rename("d/a", "d/b"), 0);
	told_last(recorder_story(&r), "d/b", "text");
	/* With its directory. */
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	told("created d d/s\n");
	scratch_put(AT_FDCWD, "d/s/a", "below");
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	told_last(recorder_story(&r), "d/t/a", "below");
	/* By an exchange. */
	scratch_put(AT_FDCWD, "d/x", "was x");
	scratch_put(AT_FDCWD, "d/y", "was y");
	exchange("d/x", "d/y");
	story = recorder_story(&r);
	told_last(story, "d/x", "was y");
	told_last(story, "d/y", "was x");
	end();
}
END_TEST

START_TEST(another_file_under_the_name_is_not_taken_for_it)
{
	const char *story;

	begin("-c");
	scratch_put(AT_FDCWD, "d/a", "first");
	ck_assert_int_eq(rename("d/a", "d/b"), 0);
	scratch_put(AT_FDCWD, "d/a", "second");
	story = recorder_story(&r);
	told_last(story, "d/b", "first");
	told_last(story, "d/a", "second");
	end();
}
END_TEST

START_TEST(complete_is_owed_where_a_directory_has_left_before_it)
{
	begin("-r -e complete");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	told("");
	scratch_put(AT_FDCWD, "d/s/a", "text");
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	told("complete f d/t/a\n");
	scratch_put(AT_FDCWD, "d/t/a", "more");
	ck_assert_int_eq(rename("d/t", "out/t"), 0);
	told("");
	end();
}
END_TEST

/* What comes by such swaps is seen before the kernel says that it came. */
START_TEST(what_was_swapped_in_from_outside_is_told_at_last)
{
	begin("-r -c -e created,complete,renamed,deleted");
	scratch_put(AT_FDCWD, "d/a", "first");
	told_last(recorder_story(&r), "d/a", "first");
	scratch_put(AT_FDCWD, "out/b", "second");
	scratch_put(AT_FDCWD, "out/c", "third");
	exchange("out/b", "d/a");
	exchange("d/a", "out/c");
	told_last(recorder_story(&r), "d/a", "third");
	exchange("d/a", "out/c");
	told_last(recorder_story(&r), "d/a", "second");
	end();
}
END_TEST

START_TEST(content_is_owed_where_a_directory_has_left_before_its_closing)
{
	int fd;

	begin("-r -c");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	fd = open("d/s/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "text", 4), 4);
	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		(void)close(fd);
		recorder_close(&r);
		return;
	}
	told("created d d/s\ncreated f d/s/a\n");
	(void)close(fd);
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	told("renamed d d/s -> d/t\nmodified f d/t/a = text\n");
	end();
}
END_TEST

START_TEST(it_is_told_by_an_event_that_was_chosen)
{
	begin("-r -c -e complete,renamed");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	told("");
	scratch_put(AT_FDCWD, "d/s/a", "text");
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	told("renamed d d/s -> d/t\ncomplete f d/t/a = text\n");
	end();
	begin("-r -c -e created,renamed");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	told("created d d/s\n");
	scratch_put(AT_FDCWD, "d/s/a", "text");
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	told("created f d/s/a\nrenamed d d/s -> d/t\n");
	end();
}
END_TEST

START_TEST(what_is_gone_is_owed_no_more)
{
	begin("-r -c");
	scratch_put(AT_FDCWD, "d/a", "text");
	ck_assert_int_eq(unlink("d/a"), 0);
	told("created f d/a\nmodified f d/a\ndeleted f d/a\n");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	told("created d d/s\n");
	scratch_put(AT_FDCWD, "d/s/a", "text");
	remove_all("d/s");
	ck_assert_ptr_null(strstr(recorder_story(&r), " = "));
	end();
}
END_TEST

/* Runs once, when there is something to do. */
static void
run_once(void)
{
	struct pollfd fds[WATCH_NFDS];
	size_t n = watch_pollfds(r.watch, fds);
	int ms = watch_timeout(r.watch);

	ck_assert_int_gt(poll(fds, n, ms == -1 ? 20000 : ms) + (ms != -1), 0);
	ck_assert_int_eq(watch_run(r.watch, fds), 0);
}

/* Until something is told, without anything happening. */
static void
tells_by_itself(const char *want)
{
	const char *story = "";
	int i;

	for (i = 0; *story == '\0'; i++) {
		ck_assert_int_lt(i, 20);
		ck_assert_int_ne(watch_timeout(r.watch), -1);
		run_once();
		story = recorder_told(&r);
	}
	ck_assert_str_eq(story, want);
}

/* A file that is open under two names, the other one unseen. Closing that is
 * what it looks like when the kernel has said "closed" and is not quite done
 * with it. Returns whether that can be. */
static bool
open_twice(const char *title, const char *options, int *fd, int *other)
{
	recorder_open(&r, options);
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	scratch_put(AT_FDCWD, "d/s/a", "");
	ck_assert_int_eq(link("d/s/a", "out/a"), 0);
	ck_assert_int_eq(recorder_watch(&r, "d"), 0);
	ck_assert_int_eq(watch_ready(r.watch), 0);
	*fd = open("d/s/a", O_WRONLY | O_CLOEXEC);
	*other = open("out/a", O_WRONLY | O_CLOEXEC);
	if (has_leases())
		return true;
	skip(title, "no leases on this file system");
	(void)close(*fd);
	(void)close(*other);
	recorder_close(&r);
	return false;
}

START_TEST(what_seems_to_be_open_after_its_closing_is_tried_again)
{
	int fd, other, i;

	if (!open_twice(__func__, "-r -c -e closed", &fd, &other))
		return;
	ck_assert_int_eq(write(fd, "text", 4), 4);
	(void)close(fd);
	run_once();
	ck_assert_str_eq(recorder_told(&r), "closed f d/s/a\n");
	(void)close(other);
	tells_by_itself("closed f d/s/a = text\n");
	/* And it does not go on for ever where somebody does write. */
	fd = open("d/s/a", O_WRONLY | O_CLOEXEC);
	other = open("out/a", O_WRONLY | O_CLOEXEC);
	(void)close(fd);
	for (i = 0; i == 0 || watch_timeout(r.watch) != -1; i++) {
		ck_assert_int_lt(i, 20);
		run_once();
	}
	ck_assert_str_eq(recorder_told(&r), "closed f d/s/a\n");
	(void)close(other);
	recorder_close(&r);
}
END_TEST

START_TEST(it_is_tried_again_wherever_it_is_by_then)
{
	int fd, other;

	if (!open_twice(__func__, "-r -c -e closed,renamed", &fd, &other))
		return;
	ck_assert_int_eq(write(fd, "text", 4), 4);
	(void)close(fd);
	run_once();
	ck_assert_str_eq(recorder_told(&r), "closed f d/s/a\n");
	ck_assert_int_eq(rename("d/s/a", "d/s/b"), 0);
	ck_assert_str_eq(recorder_story(&r), "renamed f d/s/a -> d/s/b\n");
	(void)close(other);
	tells_by_itself("closed f d/s/b = text\n");
	recorder_close(&r);
	/* What is closed, where its directory has left before that. */
	if (!open_twice(__func__, "-r -c -e modified,renamed", &fd, &other))
		return;
	ck_assert_int_eq(write(fd, "text", 4), 4);
	ck_assert_str_eq(recorder_story(&r), "modified f d/s/a\n");
	(void)close(fd);
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	ck_assert_str_eq(recorder_story(&r), "renamed d d/s -> d/t\n");
	(void)close(other);
	tells_by_itself("modified f d/t/a = text\n");
	recorder_close(&r);
	/* When the look was due another one had to come first. */
	if (!open_twice(__func__, "-r -c -e closed,renamed", &fd, &other))
		return;
	ck_assert_int_eq(write(fd, "text", 4), 4);
	(void)close(fd);
	run_once();
	ck_assert_str_eq(recorder_told(&r), "closed f d/s/a\n");
	ck_assert_int_eq(rename("d/s", "d/t"), 0);
	ck_assert_str_eq(recorder_story(&r), "renamed d d/s -> d/t\n");
	(void)close(other);
	tells_by_itself("closed f d/t/a = text\n");
	recorder_close(&r);
}
END_TEST

START_TEST(what_is_owed_survives_an_overflow)
{
	int fd;

	begin("-c");
	fd = open("d/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "text", 4), 4);
	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		(void)close(fd);
		recorder_close(&r);
		return;
	}
	told("created f d/a\nmodified f d/a\n");
	(void)close(fd);
	recorder_deafen(&r); /* its being closed is lost */
	told("");
	sync_compare(&r.core, &r.top, 1, true, &r.core.now);
	told("modified f d/a = text\n");
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("owed");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, content_is_told_with_the_events_that_carry_it);
	tcase_add_test(core, what_is_being_written_is_told_when_it_is_closed);
	tcase_add_test(core,
	    what_was_renamed_before_it_could_be_read_is_told_where_it_is);
	tcase_add_test(core,
	    complete_is_owed_where_a_directory_has_left_before_it);
	tcase_add_test(core,
	    content_is_owed_where_a_directory_has_left_before_its_closing);
	tcase_add_test(core, what_was_swapped_in_from_outside_is_told_at_last);
	tcase_add_test(core, it_is_told_by_an_event_that_was_chosen);
	tcase_add_test(core, what_is_gone_is_owed_no_more);
	tcase_add_test(limits, a_file_beyond_the_limit_is_told_as_truncated);
	tcase_add_test(limits,
	    what_seems_to_be_open_after_its_closing_is_tried_again);
	tcase_add_test(limits, it_is_tried_again_wherever_it_is_by_then);
	tcase_add_test(limits, what_is_owed_survives_an_overflow);
	tcase_add_test(hostile,
	    another_file_under_the_name_is_not_taken_for_it);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
