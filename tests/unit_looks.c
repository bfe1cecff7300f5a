#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cannot.h"
#include "backend.h"
#include "event.h"
#include "looks.h"
#include "recorder.h"
#include "suite.h"
#include "sync.h"
#include "tree.h"

/* Rounds come only from recorder_look(). */
#define POLL "--backend poll --poll 1000 "

static struct recorder r;

static void
teardown(void)
{
	recorder_close(&r);
}

static const char *
look(void)
{
	recorder_look(&r);
	return recorder_told(&r);
}

static void
write_to(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static void
set_time(const char *path, time_t mtime)
{
	struct timespec ts[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};

	ck_assert_int_eq(utimensat(AT_FDCWD, path, ts, 0), 0);
}

START_TEST(what_has_not_changed_is_not_told)
{
	recorder_open(&r, POLL "-r -e all");
	make_directory("d/x");
	scratch_put(AT_FDCWD, "d/a", "text");
	scratch_put(AT_FDCWD, "d/x/a", "text");
	recorder_enter(&r);
	ck_assert_str_eq(look(), "");
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(another_size_or_time_is_new_content)
{
	recorder_open(&r, POLL "-r -e all");
	scratch_put(AT_FDCWD, "d/a", "text");
	scratch_put(AT_FDCWD, "d/b", "text");
	set_time("d/b", 1000);
	recorder_enter(&r);
	write_to("d/a", "more", O_APPEND);
	ck_assert_str_eq(look(), "modified f d/a\ncomplete f d/a\n");
	write_to("d/b", "TEXT", 0);
	ck_assert_str_eq(look(), "modified f d/b\ncomplete f d/b\n");
	ck_assert_int_eq(truncate("d/a", 4), 0);
	ck_assert_str_eq(look(), "modified f d/a\ncomplete f d/a\n");
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(mode_and_owner_are_attributes)
{
	recorder_open(&r, POLL "-r -e all");
	scratch_put(AT_FDCWD, "d/a", "text");
	make_directory("d/x");
	recorder_enter(&r);
	ck_assert_int_eq(chmod("d/a", 0600), 0);
	ck_assert_str_eq(look(), "attrib f d/a\n");
	ck_assert_int_eq(chmod("d/x", 0700), 0);
	ck_assert_str_eq(look(), "attrib d d/x\n");
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(names_that_come_and_go_in_a_directory_are_no_change_of_its_own)
{
	recorder_open(&r, POLL "-r -e all");
	make_directory("d/x");
	recorder_enter(&r);
	make_directory("d/x/y");
	ck_assert_str_eq(look(), "created d d/x/y\n");
	ck_assert_int_eq(rmdir("d/x/y"), 0);
	ck_assert_str_eq(look(), "deleted d d/x/y\n");
}
END_TEST

START_TEST(a_link_more_or_less_is_no_change_of_the_file)
{
	recorder_open(&r, POLL "-r -e +attrib");
	scratch_put(AT_FDCWD, "d/a", "text");
	recorder_enter(&r);
	ck_assert_int_eq(link("d/a", "d/b"), 0);
	ck_assert_str_eq(look(), "created f d/b\n");
	ck_assert_int_eq(unlink("d/b"), 0);
	ck_assert_str_eq(look(), "deleted f d/b\n");
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(a_rename_is_one_and_no_change_of_the_file)
{
	recorder_open(&r, POLL "-r -e +attrib");
	scratch_put(AT_FDCWD, "d/a", "text");
	make_directory("d/x");
	recorder_enter(&r);
	move_to("d/a", "d/b");
	ck_assert_str_eq(look(), "renamed f d/a -> d/b\n");
	move_to("d/b", "d/x/c");
	ck_assert_str_eq(look(), "renamed f d/b -> d/x/c\n");
	ck_assert_str_eq(look(), "");
	recorder_check_index(&r);
}
END_TEST

START_TEST(what_was_renamed_and_written_is_told_as_both)
{
	recorder_open(&r, POLL "-r -e +attrib");
	scratch_put(AT_FDCWD, "d/a", "text");
	recorder_enter(&r);
	move_to("d/a", "d/b");
	write_to("d/b", "more", O_APPEND);
	ck_assert_str_eq(look(), "renamed f d/a -> d/b\nmodified f d/b\n");
	move_to("d/b", "d/c");
	ck_assert_int_eq(chmod("d/c", 0600), 0);
	ck_assert_str_eq(look(), "renamed f d/b -> d/c\nattrib f d/c\n");
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(a_save_by_rename_replaces)
{
	recorder_open(&r, POLL "-r");
	scratch_put(AT_FDCWD, "d/a", "text");
	scratch_put(AT_FDCWD, "d/new", "longer text");
	recorder_enter(&r);
	move_to("d/new", "d/a");
	ck_assert_str_eq(look(), "renamed f d/new -> d/a replaced\n");
	scratch_put(AT_FDCWD, "d/new", "longest of all");
	move_to("d/new", "d/a");
	ck_assert_str_eq(look(), "modified f d/a\n");
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(an_exchange_is_one_and_what_changed_in_both_is_told)
{
	const char *told;

	recorder_open(&r, POLL "-r -e +attrib");
	scratch_put(AT_FDCWD, "d/a", "text");
	scratch_put(AT_FDCWD, "d/b", "other");
	recorder_enter(&r);
	/* There is no saying which of them went first. */
	exchange("d/a", "d/b");
	told = look();
	ck_assert_msg(strcmp(told, "renamed f d/a -> d/b exchanged\n") == 0 ||
		strcmp(told, "renamed f d/b -> d/a exchanged\n") == 0,
	    "%s", told);
	exchange("d/a", "d/b");
	write_to("d/a", "x", O_APPEND);
	told = look();
	ck_assert_ptr_nonnull(strstr(told, " exchanged\nmodified f d/a\n"));
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(a_file_that_changes_places_with_a_directory_is_looked_at)
{
	recorder_open(&r, POLL "-r");
	scratch_put(AT_FDCWD, "d/a", "text");
	make_directory("d/s");
	recorder_enter(&r);
	write_to("d/a", "more", O_APPEND);
	exchange("d/a", "d/s");
	ck_assert_ptr_nonnull(strstr(look(), " exchanged\nmodified f d/s\n"));
	exchange("d/a", "d/s");
	ck_assert_ptr_null(strstr(look(), "modified"));
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(a_directory_moves_with_all_that_is_in_it)
{
	recorder_open(&r, POLL "-r");
	make_directory("d/x");
	make_directory("d/x/y");
	make_directory("d/to");
	scratch_put(AT_FDCWD, "d/x/y/a", "text");
	recorder_enter(&r);
	move_to("d/x", "d/to/x");
	scratch_put(AT_FDCWD, "d/to/x/y/b", "");
	ck_assert_str_eq(look(),
	    "renamed d d/x -> d/to/x\ncreated f d/to/x/y/b\n");
	ck_assert_str_eq(look(), "");
	recorder_check_index(&r);
}
END_TEST

START_TEST(a_directory_that_is_not_entered_is_renamed_too)
{
	recorder_open(&r, POLL);
	make_directory("d/x");
	recorder_enter(&r);
	move_to("d/x", "d/y");
	ck_assert_str_eq(look(), "renamed d d/x -> d/y\n");
}
END_TEST

/* Numbers are used again: so often, on many file systems, that one of these
 * gets the number of the one that is gone. */
START_TEST(whatever_is_kept_of_a_birth_knows_it_again)
{
	struct event_stat st = {.mode = S_IFDIR};
	uint32_t born;
	int i;

	recorder_open(&r, POLL "-r");
	for (i = 1; i <= 64; i++) {
		st.btime.tv_sec = i * 86400;
		st.btime.tv_nsec = i * 1000003;
		born = looks_digest(&st).born;
		ck_assert(!looks_reborn(born, &st));
		st.btime.tv_nsec++;
		ck_assert(looks_reborn(born, &st));
	}
}
END_TEST

START_TEST(a_new_directory_or_file_is_not_one_that_is_gone)
{
	struct stat st;
	ino_t dir, file;
	int i;

	recorder_open(&r, POLL "-r");
	make_directory("d/x");
	scratch_put(AT_FDCWD, "d/a", "");
	ck_assert_int_eq(stat("d/x", &st), 0);
	dir = st.st_ino;
	ck_assert_int_eq(stat("d/a", &st), 0);
	file = st.st_ino;
	recorder_enter(&r);
	ck_assert_int_eq(rmdir("d/x"), 0);
	ck_assert_int_eq(unlink("d/a"), 0);
	make_directory("d/y");
	scratch_put(AT_FDCWD, "d/b", "x");
	i = stat("d/y", &st) == 0 && st.st_ino == dir;
	i += stat("d/b", &st) == 0 && st.st_ino == file;
	if (i == 0)
		puts("skip - a new directory or file is not one that is gone - "
		     "this file system does not use numbers again");
	ck_assert_ptr_null(strstr(look(), "renamed"));
	recorder_check_index(&r);
}
END_TEST

/* The same, where the number is surely used again. */
START_TEST(a_directory_that_was_born_later_is_another_one)
{
	struct dir *x;
	bool known;

	/* One that is entered, and one that is not. */
	recorder_open(&r, _i == 0 ? POLL "-r" : POLL);
	make_directory("d/x");
	recorder_enter(&r);
	x = tree_find(r.top, "x", 1)->dir;
	known = x->born != 0;
	if (known)
		x->born ^= 2;
	else
		puts("skip - a directory that was born later is another one - "
		     "nobody knows when it was born");
	move_to("d/x", "d/y");
	ck_assert_str_eq(look(),
	    known ? "created d d/y\ndeleted d d/x\n" :
		    "renamed d d/x -> d/y\n");
	recorder_check_index(&r);
}
END_TEST

START_TEST(a_replaced_file_is_one_of_new_content)
{
	recorder_open(&r, POLL "-r");
	scratch_put(AT_FDCWD, "d/a", "text");
	recorder_enter(&r);
	ck_assert_int_eq(unlink("d/a"), 0);
	scratch_put(AT_FDCWD, "d/other", "x"); /* takes its number */
	scratch_put(AT_FDCWD, "d/a", "text");
	ck_assert_ptr_nonnull(strstr(look(), "modified f d/a\n"));
	ck_assert_str_eq(look(), "");
	recorder_check_index(&r);
}
END_TEST

START_TEST(a_file_that_is_written_is_complete_when_it_is_left_alone)
{
	int fd;

	recorder_open(&r, POLL "-r -e complete");
	recorder_enter(&r);
	fd = open("d/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	set_time("d/a", 1000);
	ck_assert_str_eq(look(), "");
	ck_assert_uint_eq(r.core.later.n, 1);
	r.core.later.item[0].at = r.core.later_at = 1; /* its time has come */
	core_now_later(&r.core);
	recorder_run(&r);
	ck_assert_str_eq(recorder_told(&r), "");
	ck_assert_uint_eq(r.core.later.n, 1); /* it is open still */
	ck_assert_int_eq(close(fd), 0);
	ck_assert_str_eq(look(), "");
	r.core.later.item[0].at = r.core.later_at = 1;
	core_now_later(&r.core);
	recorder_run(&r);
	ck_assert_str_eq(recorder_told(&r), "complete f d/a\n");
	ck_assert_uint_eq(r.core.later.n, 0);
}
END_TEST

START_TEST(without_created_a_new_file_with_content_is_told_as_modified)
{
	recorder_open(&r, POLL "-r -e modified");
	recorder_enter(&r);
	scratch_put(AT_FDCWD, "d/empty", "");
	scratch_put(AT_FDCWD, "d/a", "x");
	ck_assert_str_eq(look(), "modified f d/a\n");
}
END_TEST

static size_t
count_stats(void)
{
	struct walk w = WALK(r.top);
	struct entry *e;
	size_t n = 0;

	while ((e = tree_walk(&w)) != NULL)
		n += tree_stat(e) != NULL;
	return n;
}

START_TEST(sizes_and_times_are_kept_of_what_is_polled)
{
	recorder_open(&r, POLL "-r");
	make_directory("d/x");
	scratch_put(AT_FDCWD, "d/x/a", "text");
	recorder_enter(&r);
	scratch_put(AT_FDCWD, "d/x/b", "text");
	(void)look();
	ck_assert_uint_eq(count_stats(), 2);
	move_to("d/x/b", "d/c");
	(void)look();
	ck_assert_uint_eq(count_stats(), 2);
}
END_TEST

/* NULL where this build has none. */
static const struct backend_ops *
find_inotify(void)
{
	size_t i;

	for (i = 0; backends[i] != NULL; i++)
		if (strcmp(backends[i]->name, "inotify") == 0)
			return backends[i];
	return NULL;
}

START_TEST(sizes_and_times_are_kept_of_nothing_else)
{
	struct entry *e;

	if (find_inotify() == NULL) {
		recorder_open(&r, POLL);
		puts("skip - sizes and times are kept of nothing else - "
		     "this build has no inotify");
		return;
	}
	recorder_open(&r, "-r -e all --backend inotify");
	make_directory("d/x");
	scratch_put(AT_FDCWD, "d/x/a", "text");
	recorder_enter(&r);
	scratch_put(AT_FDCWD, "d/x/b", "text");
	write_to("d/x/a", "more", O_APPEND);
	(void)recorder_story(&r);
	ck_assert_uint_eq(count_stats(), 0);
	e = tree_find(r.top, "x", 1);
	ck_assert_ptr_nonnull(e);
	e = tree_find(e->dir, "a", 1);
	ck_assert_ptr_nonnull(e);
	/* A number, three bytes, the name. */
	ck_assert_uint_le(malloc_usable_size(e), 24);
	ck_assert_uint_eq(sizeof(struct entry_stat), 32);
}
END_TEST

/* A kernel that has no watches to give for a while. */
static bool full;

static int
add_if_room(struct backend *b, int dirfd, unsigned interest)
{
	if (!full)
		return find_inotify()->add(b, dirfd, interest);
	errno = ENOSPC;
	return -1;
}

/* d, entered while there are none: all of it is polled. */
static void
enter_full(const char *options)
{
	static struct backend_ops scarce;

	recorder_open(&r, options);
	make_directory("d/s");
	scratch_put(AT_FDCWD, "d/s/a", "text");
	scratch_put(AT_FDCWD, "d/s/b", "text");
	scarce = *find_inotify();
	scarce.add = add_if_room;
	full = true;
	recorder_index(&r);
	r.core.side[0].ops = &scarce;
	r.scope.silent = true;
	ck_assert_int_eq(sync_enter(&r.core, r.top, COMPLETE_FOUND), 0);
	recorder_run(&r);
	r.scope.silent = false;
	ck_assert_ptr_nonnull(strstr(recorder_told(&r), "# d: "));
	ck_assert_str_eq(look(), "");
}

START_TEST(what_was_polled_has_a_last_look_when_it_is_watched)
{
	enter_full("--backend inotify --poll 1000 -r -e +closed");
	write_to("d/s/a", "more", O_APPEND);
	full = false;
	ck_assert_str_eq(look(), "modified f d/s/a\n");
	/* From here on the kernel tells, */
	write_to("d/s/b", "more", O_APPEND);
	ck_assert_str_eq(recorder_story(&r),
	    "modified f d/s/b\nclosed f d/s/b\n");
	/* and there is nothing left to compare with. */
	ck_assert_str_eq(look(), "");
	sync_compare(&r.core, &r.top, 1, true, NULL);
	ck_assert_str_eq(recorder_told(&r), "");
}
END_TEST

START_TEST(no_comparison_begins_to_watch_without_that_look)
{
	enter_full("--backend inotify --poll 1000 -r");
	write_to("d/s/a", "more", O_APPEND);
	full = false;
	/* Of names only, as it is. */
	sync_compare(&r.core, &tree_find(r.top, "s", 1)->dir, 1, false, NULL);
	ck_assert_str_eq(recorder_story(&r), "modified f d/s/a\n");
}
END_TEST

START_TEST(what_was_being_written_when_it_was_polled_is_complete_once)
{
	int fd;

	enter_full("--backend inotify --poll 1000 -r -e complete");
	fd = open("d/s/a", O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_str_eq(look(), "");
	full = false;
	ck_assert_str_eq(look(), "");
	(void)close(fd);
	ck_assert_str_eq(recorder_story(&r), "complete f d/s/a\n");
	recorder_close(&r);
	enter_full("--backend inotify --poll 1000 -r -e complete");
	fd = open("d/s/a", O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_str_eq(look(), "");
	(void)close(fd);
	full = false;
	ck_assert_str_eq(look(), "complete f d/s/a\n");
}
END_TEST

/* As where the name was gone for a moment when it was to be looked at. */
START_TEST(a_file_of_which_nothing_is_known_is_told_as_modified)
{
	struct entry *e;

	recorder_open(&r, POLL "-r");
	scratch_put(AT_FDCWD, "d/a", "text");
	recorder_enter(&r);
	e = tree_find(r.top, "a", 1);
	*tree_stat(e) = (struct entry_stat){0};
	ck_assert_str_eq(look(), "modified f d/a\n");
	ck_assert_str_eq(look(), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("looks");
	TCase *core = tcase_create("Core"), *limits = tcase_create("Limits"),
	      *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, NULL, teardown);
	tcase_add_checked_fixture(limits, NULL, teardown);
	tcase_add_checked_fixture(hostile, NULL, teardown);
	tcase_add_test(core, what_has_not_changed_is_not_told);
	tcase_add_test(core, another_size_or_time_is_new_content);
	tcase_add_test(core, mode_and_owner_are_attributes);
	tcase_add_test(core,
	    names_that_come_and_go_in_a_directory_are_no_change_of_its_own);
	tcase_add_test(core, a_link_more_or_less_is_no_change_of_the_file);
	tcase_add_test(core, a_rename_is_one_and_no_change_of_the_file);
	tcase_add_test(core, what_was_renamed_and_written_is_told_as_both);
	tcase_add_test(core, a_save_by_rename_replaces);
	tcase_add_test(core,
	    an_exchange_is_one_and_what_changed_in_both_is_told);
	tcase_add_test(core,
	    a_file_that_changes_places_with_a_directory_is_looked_at);
	tcase_add_test(core, a_directory_moves_with_all_that_is_in_it);
	tcase_add_test(core, a_directory_that_is_not_entered_is_renamed_too);
	tcase_add_test(core,
	    a_file_that_is_written_is_complete_when_it_is_left_alone);
	tcase_add_test(core,
	    without_created_a_new_file_with_content_is_told_as_modified);
	tcase_add_test(core,
	    a_file_of_which_nothing_is_known_is_told_as_modified);
	if (find_inotify() != NULL) {
		tcase_add_test(limits,
		    what_was_polled_has_a_last_look_when_it_is_watched);
		tcase_add_test(limits,
		    no_comparison_begins_to_watch_without_that_look);
		tcase_add_test(limits,
		    what_was_being_written_when_it_was_polled_is_complete_once);
	} else {
		puts("skip - what was polled has a last look when it is "
		     "watched - this build has no inotify");
	}
	tcase_add_test(limits, sizes_and_times_are_kept_of_what_is_polled);
	tcase_add_test(limits, sizes_and_times_are_kept_of_nothing_else);
	tcase_add_test(core, whatever_is_kept_of_a_birth_knows_it_again);
	tcase_add_test(hostile,
	    a_new_directory_or_file_is_not_one_that_is_gone);
	tcase_add_loop_test(hostile,
	    a_directory_that_was_born_later_is_another_one, 0, 2);
	tcase_add_test(hostile, a_replaced_file_is_one_of_new_content);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
