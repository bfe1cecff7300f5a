#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "harness.h"
#include "hints.h"
#include "recorder.h"
#include "suite.h"
#include "sync.h"
#include "tree.h"
#include "watch.h"

/*
 * Hints that do not fit the index, or what is there: a rule of hints.c each.
 * Such a hint comes where the index knows more than has been told (by a
 * listing, or by a look that came late), where a read has ended between the
 * halves of what belongs together, or where a directory is in the tree twice.
 * Here it is made up, after what has really happened was not heard; or all has
 * happened before the first hint is handled.
 */

static struct recorder r;

static void
begin(const char *options)
{
	recorder_open(&r, options);
	recorder_enter(&r);
	recorder_begin_fold(&r);
}

/* The stream is the tree all the same. */
static void
end(void)
{
	recorder_run(&r);
	recorder_check_fold(&r);
	recorder_check_index(&r);
	recorder_close(&r);
}

static struct dir *
dir_at(const char *name)
{
	return tree_find(r.top, name, strlen(name))->dir;
}

static struct entry *
entry_at(const char *name)
{
	return tree_find(r.top, name, strlen(name));
}

static void
hint(enum hint_kind kind, const struct dir *d, const char *name, bool isdir,
    bool moved)
{
	struct hint h = {.kind = kind,
	    .isdir = isdir,
	    .moved = moved,
	    .id = d->mark->id,
	    .name = name,
	    .name_len = strlen(name)};

	(void)clock_gettime(CLOCK_REALTIME, &h.time);
	hints_handle(&r.core, &h, NULL, NULL);
}

static void
hint_renamed(const struct dir *from, const char *name, const struct dir *to,
    const char *to_name, bool isdir)
{
	struct hint h = {.kind = HINT_RENAMED,
	    .isdir = isdir,
	    .moved = true,
	    .id = from->mark->id,
	    .name = name,
	    .name_len = strlen(name),
	    .to_id = to->mark->id,
	    .to_name = to_name,
	    .to_len = strlen(to_name)};

	(void)clock_gettime(CLOCK_REALTIME, &h.time);
	hints_handle(&r.core, &h, NULL, NULL);
}

/* --- half a rename --- */

START_TEST(a_rename_of_what_is_not_known_is_looked_at_at_both_names)
{
	begin("-r");
	make_file("d/a");
	make_file("d/b");
	recorder_deafen(&r);
	/* It was an exchange, say. */
	hint_renamed(r.top, "a", r.top, "b", false);
	ck_assert_str_eq(recorder_story(&r), "created f d/b\ncreated f d/a\n");
	/* A directory, and the index has a file there. */
	ck_assert_int_eq(unlink("d/a"), 0);
	make_directory("d/c");
	recorder_deafen(&r);
	hint_renamed(r.top, "a", r.top, "c", true);
	ck_assert_str_eq(recorder_story(&r), "created d d/c\ndeleted f d/a\n");
	end();
}
END_TEST

START_TEST(an_exchange_of_what_is_not_known_is_looked_at_at_both_names)
{
	begin("");
	make_file("d/a");
	ck_assert_int_eq(symlink("x", "d/b"), 0);
	recorder_deafen(&r);
	exchange("d/a", "d/b");
	(void)recorder_story(&r);
	end();
}
END_TEST

/* --- a rename that cannot be --- */

START_TEST(a_rename_into_itself_is_not_believed)
{
	struct dir *t;

	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	(void)recorder_story(&r);
	t = tree_find(dir_at("s"), "t", 1)->dir;
	hint_renamed(r.top, "s", t, "x", true);
	ck_assert_str_eq(recorder_story(&r), "");
	move_to("d/s", "out/s");
	recorder_deafen(&r);
	hint_renamed(r.top, "s", t, "x", true);
	ck_assert_str_eq(recorder_story(&r),
	    "deleted d d/s/t\ndeleted d d/s\n");
	end();
}
END_TEST

START_TEST(a_rename_onto_what_it_was_in_is_told_as_gone)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	(void)recorder_story(&r);
	move_to("d/s", "out/s");
	move_to("out/s/t", "d/s");
	recorder_deafen(&r);
	hint_renamed(dir_at("s"), "t", r.top, "s", true);
	ck_assert_str_eq(recorder_told(&r),
	    "deleted f d/s/t/f\ndeleted d d/s/t\n");
	end();
}
END_TEST

/* --- another thing than what was renamed --- */

START_TEST(what_is_still_there_has_not_been_renamed)
{
	begin("-r");
	make_file("d/a");
	(void)recorder_story(&r);
	/* What went before it. */
	make_file("d/b");
	recorder_deafen(&r);
	hint_renamed(r.top, "a", r.top, "b", false);
	ck_assert_str_eq(recorder_story(&r), "created f d/b\n");
	/* Nor has it been, when the other has gone on. */
	hint_renamed(r.top, "a", r.top, "c", false);
	ck_assert_str_eq(recorder_story(&r), "");
	end();
}
END_TEST

START_TEST(what_is_at_the_new_name_is_told_as_what_it_is)
{
	begin("-r");
	make_file("d/a");
	(void)recorder_story(&r);
	ck_assert_int_eq(unlink("d/a"), 0);
	make_directory("d/b");
	make_file("d/b/f");
	recorder_deafen(&r);
	hint_renamed(r.top, "a", r.top, "b", false);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b\ndeleted f d/b\ncreated d d/b\n"
	    "created f d/b/f\n");
	end();
}
END_TEST

START_TEST(what_was_renamed_at_once_is_known_from_then_on)
{
	struct stat st;

	begin("");
	make_file("d/a");
	move_to("d/a", "d/b");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\nrenamed f d/a -> d/b\n");
	ck_assert_int_eq(stat("d/b", &st), 0);
	ck_assert_uint_eq(entry_at("b")->ino, st.st_ino);
	end();
}
END_TEST

/* Where it is never entered it would be known by nothing else. */
START_TEST(a_directory_renamed_at_once_is_known_from_then_on)
{
	begin("--depth 1");
	make_directory("d/a");
	recorder_deafen(&r);
	make_directory("d/b");
	exchange("d/b", "d/a");
	(void)recorder_story(&r);
	end();
}
END_TEST

START_TEST(what_took_the_name_is_not_taken_for_what_was_renamed)
{
	begin("");
	make_file("d/a");
	move_to("d/a", "d/b");
	make_file("d/a");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\nrenamed f d/a -> d/b\ncreated f d/a\n");
	end();
}
END_TEST

/* --- exchanges --- */

START_TEST(an_exchange_is_known_by_what_came_back)
{
	begin("");
	make_file("d/a");
	ck_assert_int_eq(symlink("x", "d/b"), 0);
	(void)recorder_story(&r);
	exchange("d/a", "d/b");
	recorder_deafen(&r);
	/* A read has ended between its halves. */
	hint_renamed(r.top, "a", r.top, "b", false);
	hint_renamed(r.top, "b", r.top, "a", false);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b exchanged\n");
	end();
}
END_TEST

START_TEST(an_exchange_is_told_once_whatever_comes_of_it)
{
	begin("");
	make_file("d/a");
	ck_assert_int_eq(symlink("x", "d/b"), 0);
	(void)recorder_story(&r);
	exchange("d/a", "d/b");
	ck_assert_int_eq(unlink("d/b"), 0);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b exchanged\ndeleted f d/b\n");
	end();
}
END_TEST

/* The second half of an exchange that has been told is not waited for where it
 * was lost, or left out by a comparison: what says the same later is news. */
START_TEST(what_follows_a_lost_half_of_an_exchange_is_told)
{
	struct hint overflow = {.kind = HINT_OVERFLOW}, h;

	begin("");
	make_file("d/a");
	make_file("d/b");
	(void)recorder_story(&r);
	exchange("d/a", "d/b");
	recorder_deafen(&r);
	hint_renamed(r.top, "a", r.top, "b", false);
	hints_handle(&r.core, &overflow, NULL, NULL);
	r.core.resync = false; /* here it is: */
	sync_compare(&r.core, &r.top, 1, true, NULL);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b exchanged\n");
	move_to("d/b", "d/a");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/b -> d/a replaced\n");
	make_file("d/b");
	(void)recorder_story(&r);
	exchange("d/a", "d/b");
	ck_assert_int_eq(core_fill(&r.core), 1);
	ck_assert_int_eq(core_next(&r.core, &h), 1);
	hints_handle(&r.core, &h, NULL, NULL);
	sync_compare(&r.core, &r.top, 1, true, NULL);
	(void)recorder_story(&r);
	move_to("d/b", "d/a");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/b -> d/a replaced\n");
	end();
}
END_TEST

/* What came to a name that was to be left at once is not known, and so may
 * stay under it when the exchange is taken for two renames. */
START_TEST(both_names_are_looked_at_again_where_an_exchange_is_not_seen)
{
	begin("--depth 1");
	make_directory("d/b");
	(void)recorder_story(&r);
	make_directory("d/a");
	exchange("d/a", "d/b");
	move_to("d/a", "d/c");
	(void)recorder_story(&r);
	end();
}
END_TEST

/* What was made and exchanged twice could only be looked for where it was not
 * any more: it was taken for a file. */
START_TEST(both_names_of_an_exchange_are_looked_at_again)
{
	begin("");
	make_file("d/b");
	make_file("d/c");
	(void)recorder_story(&r);
	ck_assert_int_eq(symlink("x", "d/a"), 0);
	exchange("d/a", "d/b");
	exchange("d/b", "d/c");
	(void)recorder_story(&r);
	end();
}
END_TEST

/* There and back, and then something new that has the number of what was
 * replaced: that looks like an exchange. */
START_TEST(both_names_are_looked_at_again_where_it_may_have_been_none)
{
	struct stat st;

	begin("");
	make_file("d/a");
	ck_assert_int_eq(symlink("x", "d/b"), 0);
	(void)recorder_story(&r);
	move_to("d/a", "d/b");
	move_to("d/b", "d/a");
	ck_assert_int_eq(symlink("y", "d/b"), 0);
	ck_assert_int_eq(lstat("d/b", &st), 0);
	entry_at("b")->ino = st.st_ino;
	(void)recorder_story(&r);
	end();
}
END_TEST

START_TEST(what_was_replaced_unseen_is_looked_for_at_the_old_name)
{
	begin("");
	make_file("d/a");
	ck_assert_int_eq(symlink("x", "d/b"), 0);
	(void)recorder_story(&r);
	entry_at("b")->ino = 0;
	exchange("d/a", "d/b");
	recorder_deafen(&r);
	hint_renamed(r.top, "a", r.top, "b", false);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b replaced\ncreated s d/a\n");
	end();
}
END_TEST

/* --- what has come from outside, and gone there --- */

/* The file that was made is seen for the first time when the other has taken
 * its name. */
START_TEST(what_was_seen_before_it_came_is_told_when_it_comes)
{
	begin("-e +attrib");
	scratch_put(AT_FDCWD, "out/x", "other");
	make_file("d/a");
	ck_assert_int_eq(chmod("d/a", 0600), 0);
	move_to("out/x", "d/a");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\nattrib f d/a\nmodified f d/a\n");
	end();
}
END_TEST

/* What came had to wait for a look, since it was to go on at once. */
START_TEST(what_came_and_was_renamed_at_once_is_told_with_its_content)
{
	begin("-r -c");
	scratch_put(AT_FDCWD, "d/a", "old");
	scratch_put(AT_FDCWD, "out/x", "new");
	make_directory("d/s");
	make_directory("out/s");
	make_file("out/s/f");
	(void)recorder_story(&r);
	move_to("out/x", "d/a");
	move_to("d/a", "d/b");
	move_to("out/s", "d/s");
	move_to("d/s", "d/t");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b\nrenamed d d/s -> d/t\n"
	    "modified f d/b = new\ncreated f d/t/f = \n");
	end();
}
END_TEST

/* The same, and the kernel tells first what came, then what went. */
START_TEST(what_was_seen_before_it_came_is_told_when_the_other_goes)
{
	begin("-e +attrib");
	scratch_put(AT_FDCWD, "out/x", "other");
	make_file("d/a");
	ck_assert_int_eq(chmod("d/a", 0600), 0);
	exchange("out/x", "d/a");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\nattrib f d/a\nmodified f d/a\n");
	end();
}
END_TEST

START_TEST(what_is_there_when_something_has_gone_is_told)
{
	begin("");
	make_file("d/a");
	(void)recorder_story(&r);
	ck_assert_int_eq(symlink("x", "out/x"), 0);
	exchange("out/x", "d/a");
	recorder_deafen(&r);
	hint(HINT_DELETED, r.top, "a", false, true);
	ck_assert_str_eq(recorder_story(&r), "deleted f d/a\ncreated s d/a\n");
	end();
}
END_TEST

START_TEST(what_took_the_place_of_a_file_is_told_when_the_file_is_written)
{
	begin("");
	make_file("d/a");
	(void)recorder_story(&r);
	ck_assert_int_eq(symlink("x", "out/x"), 0);
	move_to("out/x", "d/a");
	recorder_deafen(&r);
	hint(HINT_MODIFIED, r.top, "a", false, false);
	ck_assert_str_eq(recorder_story(&r),
	    "modified f d/a\ndeleted f d/a\ncreated s d/a\n");
	end();
}
END_TEST

/* --- watches that have ended --- */

START_TEST(what_an_ended_watch_held_is_gone_and_what_is_there_is_told)
{
	begin("-r");
	make_directory("d/s");
	make_file("d/s/f");
	make_directory("out/s");
	make_file("out/s/g");
	(void)recorder_story(&r);
	exchange("d/s", "out/s");
	recorder_deafen(&r);
	/* As when it is unmounted: its name stays. */
	hint(HINT_GONE, dir_at("s"), "", false, false);
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/s/f\ncreated f d/s/g\n");
	make_file("d/s/h");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/h\n");
	end();
}
END_TEST

/* --- directories that are in the tree twice --- */

START_TEST(a_rename_is_told_within_each_root_first)
{
	recorder_open(&r, "-r");
	make_directory("d/s");
	make_file("d/s/a");
	ck_assert_int_eq(recorder_watch(&r, "d"), 0);
	ck_assert_int_eq(recorder_watch(&r, "./d/s"), 0);
	ck_assert_int_eq(watch_ready(r.watch), 0);
	(void)recorder_story(&r);
	move_to("d/s/a", "d/b");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/s/a -> d/b\ndeleted f ./d/s/a\n");
	recorder_close(&r);
}
END_TEST

START_TEST(a_rename_is_told_from_each_place_to_the_nearest)
{
	const char *story;

	recorder_open(&r, "-r -L");
	make_directory("d/x");
	make_directory("d/x/p");
	make_file("d/x/p/a");
	ck_assert_int_eq(symlink("x", "d/l"), 0);
	recorder_enter(&r);
	/* (Its places are in the other order.) */
	make_directory("d/x/q");
	(void)recorder_story(&r);
	move_to("d/x/p/a", "d/x/q/b");
	story = recorder_story(&r);
	ck_assert_ptr_nonnull(strstr(story, "renamed f d/l/p/a -> d/l/q/b\n"));
	ck_assert_ptr_nonnull(strstr(story, "renamed f d/x/p/a -> d/x/q/b\n"));
	recorder_close(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("misfits");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core,
	    a_rename_of_what_is_not_known_is_looked_at_at_both_names);
	tcase_add_test(core,
	    an_exchange_of_what_is_not_known_is_looked_at_at_both_names);
	tcase_add_test(core, what_was_renamed_at_once_is_known_from_then_on);
	tcase_add_test(core, a_directory_renamed_at_once_is_known_from_then_on);
	tcase_add_test(core,
	    what_took_the_name_is_not_taken_for_what_was_renamed);
	tcase_add_test(core, an_exchange_is_known_by_what_came_back);
	tcase_add_test(core, an_exchange_is_told_once_whatever_comes_of_it);
	tcase_add_test(core, what_follows_a_lost_half_of_an_exchange_is_told);
	tcase_add_test(core, both_names_of_an_exchange_are_looked_at_again);
	tcase_add_test(core,
	    both_names_are_looked_at_again_where_an_exchange_is_not_seen);
	tcase_add_test(core,
	    both_names_are_looked_at_again_where_it_may_have_been_none);
	tcase_add_test(core,
	    what_was_replaced_unseen_is_looked_for_at_the_old_name);
	tcase_add_test(core,
	    what_was_seen_before_it_came_is_told_when_it_comes);
	tcase_add_test(core,
	    what_was_seen_before_it_came_is_told_when_the_other_goes);
	tcase_add_test(core,
	    what_came_and_was_renamed_at_once_is_told_with_its_content);
	tcase_add_test(core, what_is_there_when_something_has_gone_is_told);
	tcase_add_test(core,
	    what_took_the_place_of_a_file_is_told_when_the_file_is_written);
	tcase_add_test(limits,
	    what_an_ended_watch_held_is_gone_and_what_is_there_is_told);
	tcase_add_test(limits, a_rename_is_told_within_each_root_first);
	tcase_add_test(limits, a_rename_is_told_from_each_place_to_the_nearest);
	tcase_add_test(hostile, a_rename_into_itself_is_not_believed);
	tcase_add_test(hostile, a_rename_onto_what_it_was_in_is_told_as_gone);
	tcase_add_test(hostile, what_is_still_there_has_not_been_renamed);
	tcase_add_test(hostile, what_is_at_the_new_name_is_told_as_what_it_is);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
