#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "harness.h"
#include "hints.h"
#include "recorder.h"
#include "suite.h"
#include "tree.h"

/*
 * What becomes of the kernel's own hints. All changes before a story are
 * made before the first of them is looked at: the hardest case.
 */

static struct recorder r;

static void
end(void)
{
	recorder_check_index(&r);
	recorder_close(&r);
}

static void
begin(const char *options)
{
	recorder_open(&r, options);
	recorder_enter(&r);
}

START_TEST(the_life_of_a_file_is_told)
{
	begin("");
	scratch_put(AT_FDCWD, "d/a", "text");
	ck_assert_str_eq(recorder_story(&r), "created f d/a\nmodified f d/a\n");
	scratch_put(AT_FDCWD, "d/a", "other");
	ck_assert_str_eq(recorder_story(&r), "modified f d/a\n");
	ck_assert_int_eq(unlink("d/a"), 0);
	ck_assert_str_eq(recorder_story(&r), "deleted f d/a\n");
	end();
}
END_TEST

START_TEST(what_came_and_went_unseen_is_told_all_the_same)
{
	begin("-r");
	make_file("d/a");
	ck_assert_int_eq(unlink("d/a"), 0);
	make_directory("d/s");
	ck_assert_int_eq(rmdir("d/s"), 0);
	make_file("d/b");
	move_to("d/b", "d/c");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\ndeleted f d/a\ncreated d d/s\ndeleted d d/s\n"
	    "created f d/b\nrenamed f d/b -> d/c\n");
	end();
}
END_TEST

START_TEST(each_type_is_told_as_what_it_is)
{
	begin("");
	ck_assert_int_eq(symlink("/", "d/l"), 0);
	ck_assert_int_eq(mkfifo("d/p", 0600), 0);
	make_directory("d/s");
	ck_assert_str_eq(recorder_story(&r),
	    "created s d/l\ncreated o d/p\ncreated d d/s\n");
	end();
}
END_TEST

START_TEST(closed_complete_and_attrib_are_told_on_request)
{
	begin("-e created,modified,closed,complete,attrib");
	scratch_put(AT_FDCWD, "d/a", "text");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\nmodified f d/a\nclosed f d/a\n"
	    "complete f d/a\n");
	ck_assert_int_eq(chmod("d/a", 0600), 0);
	ck_assert_str_eq(recorder_story(&r), "attrib f d/a\n");
	make_directory("d/s");
	ck_assert_int_eq(chmod("d/s", 0700), 0);
	ck_assert_str_eq(recorder_story(&r), "created d d/s\nattrib d d/s\n");
	scratch_put(AT_FDCWD, "out/m", "text");
	ck_assert_int_eq(link("out/m", "d/l"), 0);
	move_to("out/m", "d/m");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/l\ncomplete f d/l\ncreated f d/m\n"
	    "complete f d/m\n");
	make_file("out/empty");
	move_to("out/empty", "d/empty");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/empty\ncomplete f d/empty\n");
	end();
}
END_TEST

START_TEST(opened_and_accessed_are_told_of_files_only)
{
	char byte;
	int fd;

	begin("-e opened,accessed");
	recorder_check_index(&r);
	scratch_put(AT_FDCWD, "d/a", "text");
	(void)recorder_story(&r);
	fd = open("d/a", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	(void)close(fd);
	make_directory("d/s");
	fd = open("d/s", O_RDONLY | O_CLOEXEC);
	(void)close(fd);
	ck_assert_str_eq(recorder_story(&r), "opened f d/a\naccessed f d/a\n");
	end();
}
END_TEST

START_TEST(a_rename_says_what_it_replaced)
{
	begin("-r");
	make_file("d/a");
	make_file("d/b");
	make_directory("d/s");
	make_directory("d/t");
	(void)recorder_story(&r);
	move_to("d/a", "d/b");
	move_to("d/s", "d/t");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b replaced\nrenamed d d/s -> d/t replaced\n");
	make_file("out/b");
	move_to("out/b", "d/b");
	ck_assert_str_eq(recorder_story(&r), "modified f d/b\n");
	end();
}
END_TEST

START_TEST(an_exchange_is_one_event)
{
	begin("-r");
	make_file("d/a");
	make_file("d/b");
	make_directory("d/s");
	make_file("d/s/1");
	make_directory("d/t");
	make_file("d/t/2");
	(void)recorder_story(&r);
	exchange("d/a", "d/b");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b exchanged\n");
	exchange("d/s", "d/t");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/s -> d/t exchanged\n");
	exchange("d/a", "d/t");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/t exchanged\n");
	/* What they hold has come along, and is watched where it is. */
	ck_assert_int_eq(unlink("d/a/1"), 0);
	make_file("d/s/new");
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/a/1\ncreated f d/s/new\n");
	end();
}
END_TEST

/* The kernel's order of arrival and departure is that of the arguments. */
START_TEST(an_exchange_with_something_outside_is_told_as_what_came)
{
	const char *names[] = {"d/a", "d/s", "d/t"};
	const char *others[] = {"out/f", "out/s", "out/f"};
	char inside[32];
	size_t i;
	int turn;

	begin("-r");
	make_file("out/f");
	make_directory("out/s");
	make_file("out/s/x");
	make_file("d/a");
	make_directory("d/s");
	make_file("d/s/y");
	make_directory("d/t");
	make_file("d/t/z");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < 3; i++) {
			if (turn == 0)
				exchange(names[i], others[i]);
			else
				exchange(others[i], names[i]);
			ck_assert_str_ne(recorder_story(&r), "");
			recorder_check_fold(&r);
		}
		/* What is inside is watched, what is outside is not. */
		for (i = 0; i < 3; i++) {
			(void)snprintf(inside, sizeof(inside), "%s/new%d",
			    names[i], turn);
			if (scratch_size(AT_FDCWD, names[i]) > 0)
				make_file(inside);
		}
		recorder_run(&r);
		recorder_check_fold(&r);
	}
	end();
}
END_TEST

/* One rename, three places: what is left over is told, too. */
START_TEST(an_exchange_with_a_file_in_two_places_is_told_in_both)
{
	const char *story;

	recorder_open(&r, "-r");
	make_directory("d/x");
	make_directory("d/y");
	make_file("d/e");
	make_file("d/x/f");
	if (!scratch_mounts() ||
	    mount("d/x", "d/y", NULL, MS_BIND, NULL) == -1) {
		skip(__func__, "no mounts here");
		recorder_close(&r);
		return;
	}
	recorder_enter(&r);
	recorder_begin_fold(&r);
	exchange("d/e", "d/x/f");
	story = recorder_story(&r);
	ck_assert_ptr_nonnull(strstr(story, " d/e"));
	ck_assert_ptr_nonnull(strstr(story, " d/x/f"));
	ck_assert_ptr_nonnull(strstr(story, " d/y/f"));
	recorder_check_fold(&r);
	ck_assert_int_eq(umount2("d/y", MNT_DETACH), 0);
	recorder_close(&r);
}
END_TEST

START_TEST(there_and_back_is_no_exchange)
{
	begin("");
	make_file("d/a");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	move_to("d/a", "d/b");
	move_to("d/b", "d/a");
	ck_assert_ptr_null(strstr(recorder_story(&r), "exchanged"));
	recorder_check_fold(&r);
	/* The kernel says the same of this as of an exchange. */
	make_file("d/b");
	(void)recorder_story(&r);
	move_to("d/a", "d/b");
	move_to("d/b", "d/a");
	ck_assert_ptr_null(strstr(recorder_story(&r), "exchanged"));
	recorder_check_fold(&r);
	/* What is looked at in time is told as it was. */
	move_to("d/a", "d/b");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/a -> d/b\n");
	move_to("d/b", "d/a");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/b -> d/a\n");
	end();
}
END_TEST

START_TEST(a_tree_moved_in_is_told_once_with_what_it_holds)
{
	begin("-r -e +complete");
	make_directory("out/s");
	make_directory("out/s/t");
	scratch_put(AT_FDCWD, "out/s/t/f", "text");
	move_to("out/s", "d/s");
	ck_assert_str_eq(recorder_story(&r),
	    "created d d/s\ncreated d d/s/t\ncreated f d/s/t/f\n"
	    "complete f d/s/t/f\n");
	make_file("d/s/t/g");
	ck_assert_int_eq(unlink("d/s/t/f"), 0);
	ck_assert_ptr_nonnull(
	    strstr(recorder_story(&r), "deleted f d/s/t/f\n"));
	end();
}
END_TEST

START_TEST(a_tree_moved_out_is_told_deepest_first_and_not_followed)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	(void)recorder_story(&r);
	move_to("d/s", "out/s");
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/s/t/f\ndeleted d d/s/t\ndeleted d d/s\n");
	make_file("out/s/t/g");
	ck_assert_str_eq(recorder_story(&r), "");
	move_to("out/s", "d/u");
	ck_assert_uint_eq(r.ncreated, 3);
	(void)recorder_story(&r);
	ck_assert_uint_eq(r.ncreated, 7);
	end();
}
END_TEST

START_TEST(a_tree_made_and_removed_at_once_is_told_once)
{
	int i;
	char path[64];

	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_directory("d/s/t/u");
	for (i = 0; i < 50; i++) {
		(void)snprintf(path, sizeof(path), "d/s/t/u/%d", i);
		make_file(path);
	}
	(void)recorder_story(&r);
	ck_assert_uint_eq(r.ncreated, 53);
	recorder_check_index(&r);
	remove_all("d/s");
	recorder_run(&r);
	ck_assert_ptr_nonnull(strstr(recorder_told(&r),
	    "deleted d d/s/t/u\ndeleted d d/s/t\ndeleted d d/s\n"));
	end();
}
END_TEST

START_TEST(a_renamed_directory_takes_its_content_along)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	(void)recorder_story(&r);
	move_to("d/s", "d/z");
	move_to("d/z/t", "d/t");
	make_file("d/t/g");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/s -> d/z\nrenamed d d/z/t -> d/t\n"
	    "created f d/t/g\n");
	end();
}
END_TEST

START_TEST(where_directories_are_hidden_their_content_is_told_singly)
{
	begin("-r -t f");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/t/f\n");
	move_to("d/s", "d/z");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/s/t/f -> d/z/t/f\n");
	move_to("d/z", "out/z");
	ck_assert_str_eq(recorder_story(&r), "deleted f d/z/t/f\n");
	end();
}
END_TEST

START_TEST(without_renamed_it_is_told_as_gone_and_come)
{
	begin("-r -e created,deleted,modified");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	make_file("d/a");
	make_file("d/b");
	(void)recorder_story(&r);
	move_to("d/s", "d/z");
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/s/t/f\ndeleted d d/s/t\ndeleted d d/s\n"
	    "created d d/z\ncreated d d/z/t\ncreated f d/z/t/f\n");
	move_to("d/a", "d/b");
	ck_assert_str_eq(recorder_story(&r), "deleted f d/a\nmodified f d/b\n");
	end();
}
END_TEST

START_TEST(a_rename_into_or_out_of_the_filter_is_a_creation_or_a_deletion)
{
	begin("-r -x .*[.]tmp$");
	make_file("d/a.tmp");
	make_file("d/b");
	ck_assert_str_eq(recorder_story(&r), "created f d/b\n");
	move_to("d/a.tmp", "d/a");
	move_to("d/b", "d/b.tmp");
	ck_assert_str_eq(recorder_story(&r), "created f d/a\ndeleted f d/b\n");
	/* A save: who sees the new name only sees new content. */
	move_to("d/b.tmp", "d/a");
	ck_assert_str_eq(recorder_story(&r), "modified f d/a\n");
	end();
}
END_TEST

START_TEST(a_directory_renamed_out_of_the_filter_is_left)
{
	begin("-r -x ^skip$");
	make_directory("d/s");
	make_file("d/s/f");
	(void)recorder_story(&r);
	move_to("d/s", "d/skip");
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/s/f\ndeleted d d/s\n");
	move_to("d/skip/f", "d/skip/g");
	ck_assert_str_eq(recorder_story(&r), "");
	move_to("d/skip", "d/s");
	ck_assert_str_eq(recorder_story(&r),
	    "created d d/s\ncreated f d/s/g\n");
	end();
}
END_TEST

START_TEST(no_deeper_than_asked_for)
{
	begin("--depth 2");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	ck_assert_str_eq(recorder_story(&r),
	    "created d d/s\ncreated d d/s/t\n");
	make_file("d/s/f");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/f\n");
	move_to("d/s/t", "d/t");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/s/t -> d/t\ncreated f d/t/f\n");
	end();
}
END_TEST

START_TEST(names_of_255_bytes_are_told_whole)
{
	char from[NAME_MAX + 3] = "d/", to[NAME_MAX + 3] = "d/", want[2048];

	begin("");
	memset(from + 2, 'x', NAME_MAX);
	memset(to + 2, 'y', NAME_MAX);
	make_file(from);
	move_to(from, to);
	(void)snprintf(want, sizeof(want), "created f %s\nrenamed f %s -> %s\n",
	    from, from, to);
	ck_assert_str_eq(recorder_story(&r), want);
	end();
}
END_TEST

START_TEST(an_overflow_asks_for_everything_to_be_compared)
{
	struct hint h = {.kind = HINT_OVERFLOW, .id = -1, .name = ""};

	begin("");
	hints_handle(&r.core, &h, NULL, NULL);
	ck_assert(r.core.resync);
	ck_assert_uint_eq(r.core.noverflows, 1);
	r.core.resync = false;
	end();
}
END_TEST

START_TEST(hints_of_what_is_watched_no_longer_are_harmless)
{
	struct hint h = {.id = 9999, .to_id = 9998, .name = "a", .name_len = 1};
	int kind;

	begin("-r -e all");
	for (kind = HINT_CREATED; kind <= HINT_GONE; kind++) {
		h.kind = (enum hint_kind)kind;
		h.to_name = kind == HINT_RENAMED ? "b" : NULL;
		h.to_len = kind == HINT_RENAMED ? 1 : 0;
		hints_handle(&r.core, &h, NULL, NULL);
	}
	ck_assert_str_eq(recorder_story(&r), "");
	end();
}
END_TEST

START_TEST(hints_that_no_longer_hold_tell_nothing_wrong)
{
	struct hint h = {.kind = HINT_DELETED,
	    .moved = true,
	    .name = "a",
	    .name_len = 1};

	begin("-r");
	make_file("d/a");
	(void)recorder_story(&r);
	h.id = r.top->mark->id;
	(void)clock_gettime(CLOCK_REALTIME, &h.time);
	recorder_begin_fold(&r);
	hints_handle(&r.core, &h, NULL, NULL);
	ck_assert_ptr_null(strstr(recorder_story(&r), "deleted"));
	recorder_check_fold(&r);
	h.kind = HINT_CREATED;
	hints_handle(&r.core, &h, NULL, NULL);
	recorder_run(&r);
	recorder_check_fold(&r);
	(void)recorder_told(&r);
	h.kind = HINT_MODIFIED;
	h.name = "none";
	h.name_len = 4;
	hints_handle(&r.core, &h, NULL, NULL);
	ck_assert_str_eq(recorder_story(&r), "");
	end();
}
END_TEST

START_TEST(another_thing_under_the_same_name_is_told_as_another)
{
	begin("-r");
	make_file("d/a");
	make_directory("d/s");
	make_file("d/s/old");
	(void)recorder_story(&r);
	ck_assert_int_eq(unlink("d/a"), 0);
	make_directory("d/a");
	make_file("d/a/x");
	remove_all("d/s");
	make_directory("d/s");
	make_file("d/s/new");
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/a\ncreated d d/a\ncreated f d/a/x\n"
	    "deleted f d/s/old\ndeleted d d/s\ncreated d d/s\n"
	    "created f d/s/new\n");
	end();
}
END_TEST

START_TEST(a_link_in_the_place_of_a_directory_is_not_entered)
{
	begin("-r");
	make_directory("d/s");
	make_file("d/s/f");
	make_file("out/secret");
	(void)recorder_story(&r);
	move_to("d/s", "out/s");
	ck_assert_int_eq(symlink("../out", "d/s"), 0);
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/s/f\ndeleted d d/s\ncreated s d/s\n");
	make_file("out/more");
	ck_assert_str_eq(recorder_story(&r), "");
	end();
}
END_TEST

START_TEST(names_handed_on_in_a_row_stay_apart)
{
	begin("-r");
	make_directory("d/a");
	make_file("d/a/1");
	make_directory("d/b");
	make_file("d/b/2");
	(void)recorder_story(&r);
	move_to("d/a", "d/c");
	move_to("d/b", "d/a");
	move_to("d/c", "d/b");
	make_file("d/a/x");
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/a -> d/c\nrenamed d d/b -> d/a\n"
	    "renamed d d/c -> d/b\ncreated f d/a/x\n");
	end();
}
END_TEST

START_TEST(a_directory_moved_on_before_it_was_entered_is_told_whole)
{
	begin("-r");
	make_directory("d/a");
	make_file("d/a/f");
	move_to("d/a", "d/b");
	make_file("d/b/g");
	(void)recorder_story(&r);
	recorder_check_index(&r);
	/* Both files once, under whatever name the directory has then. */
	ck_assert_uint_eq(r.ncreated, 3);
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hints");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, the_life_of_a_file_is_told);
	tcase_add_test(core, what_came_and_went_unseen_is_told_all_the_same);
	tcase_add_test(core, each_type_is_told_as_what_it_is);
	tcase_add_test(core, closed_complete_and_attrib_are_told_on_request);
	tcase_add_test(core, opened_and_accessed_are_told_of_files_only);
	tcase_add_test(core, a_rename_says_what_it_replaced);
	tcase_add_test(core, an_exchange_is_one_event);
	tcase_add_test(core,
	    an_exchange_with_something_outside_is_told_as_what_came);
	tcase_add_test(core,
	    an_exchange_with_a_file_in_two_places_is_told_in_both);
	tcase_add_test(core, there_and_back_is_no_exchange);
	tcase_add_test(core, a_tree_moved_in_is_told_once_with_what_it_holds);
	tcase_add_test(core,
	    a_tree_moved_out_is_told_deepest_first_and_not_followed);
	tcase_add_test(core, a_tree_made_and_removed_at_once_is_told_once);
	tcase_add_test(core, a_renamed_directory_takes_its_content_along);
	tcase_add_test(core,
	    where_directories_are_hidden_their_content_is_told_singly);
	tcase_add_test(core, without_renamed_it_is_told_as_gone_and_come);
	tcase_add_test(core,
	    a_rename_into_or_out_of_the_filter_is_a_creation_or_a_deletion);
	tcase_add_test(core, a_directory_renamed_out_of_the_filter_is_left);
	tcase_add_test(limits, no_deeper_than_asked_for);
	tcase_add_test(limits, names_of_255_bytes_are_told_whole);
	tcase_add_test(limits, an_overflow_asks_for_everything_to_be_compared);
	tcase_add_test(hostile,
	    hints_of_what_is_watched_no_longer_are_harmless);
	tcase_add_test(hostile, hints_that_no_longer_hold_tell_nothing_wrong);
	tcase_add_test(hostile,
	    another_thing_under_the_same_name_is_told_as_another);
	tcase_add_test(hostile,
	    a_link_in_the_place_of_a_directory_is_not_entered);
	tcase_add_test(hostile, names_handed_on_in_a_row_stay_apart);
	tcase_add_test(hostile,
	    a_directory_moved_on_before_it_was_entered_is_told_whole);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
