/* The fold is what proves the first promise: this proves the fold. */
#include "fold.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

/* One event; old is for renamed. flag is a key that is true, or NULL. */
static int
say(struct fold *f, const char *kind, const char *type, const char *path,
    const char *old, const char *flag, double when)
{
	json_t *ev = json_pack("{ssss*ss*ss*sf}", "event", kind, "type", type,
	    "path", path, "old_path", old, "time", when);
	int rc;

	ck_assert_ptr_nonnull(ev);
	if (flag != NULL)
		ck_assert_int_eq(json_object_set_new(ev, flag, json_true()), 0);
	rc = fold_event(f, ev);
	json_decref(ev);
	return rc;
}

static void
ok(struct fold *f, const char *kind, const char *type, const char *path)
{
	ck_assert_msg(say(f, kind, type, path, NULL, NULL, 1.5) == 0, "%s",
	    fold_fault(f));
}

static void
renamed(struct fold *f, const char *type, const char *old, const char *path,
    const char *flag)
{
	ck_assert_msg(say(f, "renamed", type, path, old, flag, 1.5) == 0, "%s",
	    fold_fault(f));
}

static void
bad(struct fold *f, const char *kind, const char *type, const char *path,
    const char *old, const char *flag, const char *why)
{
	ck_assert_int_eq(say(f, kind, type, path, old, flag, 1.5), -1);
	ck_assert_msg(strstr(fold_fault(f), why) != NULL, "\"%s\": no \"%s\"",
	    fold_fault(f), why);
}

START_TEST(created_adds_and_deleted_removes_with_all_below)
{
	struct fold *f = fold_new();

	ok(f, "created", "dir", "d/a");
	ok(f, "created", "file", "d/a/x");
	ok(f, "created", "symlink", "d/a-x");
	ok(f, "created", "other", "d/a\001x");
	ok(f, "created", "file", "d/ax");
	ck_assert_int_eq(fold_has(f, "d/a/x"), 'f');
	ck_assert_int_eq(fold_has(f, "d/a-x"), 'l');
	ck_assert_int_eq(fold_has(f, "d/a\001x"), 'o');
	ok(f, "deleted", "dir", "d/a");
	ck_assert_int_eq(fold_has(f, "d/a"), 0);
	ck_assert_int_eq(fold_has(f, "d/a/x"), 0);
	ck_assert_uint_eq(fold_count(f), 3);
	fold_free(f);
}
END_TEST

START_TEST(renamed_moves_all_below_and_removes_what_stood_there)
{
	struct fold *f = fold_new();

	ok(f, "created", "dir", "d/a");
	ok(f, "created", "dir", "d/a/b");
	ok(f, "created", "file", "d/a/b/x");
	ok(f, "created", "dir", "e");
	renamed(f, "dir", "d/a", "e", "replaced");
	ck_assert_uint_eq(fold_count(f), 3);
	ck_assert_int_eq(fold_has(f, "e"), 'd');
	ck_assert_int_eq(fold_has(f, "e/b/x"), 'f');
	ck_assert_int_eq(fold_has(f, "d/a"), 0);
	fold_free(f);
}
END_TEST

START_TEST(exchanged_swaps_both_with_all_below)
{
	struct fold *f = fold_new();

	ok(f, "created", "dir", "a");
	ok(f, "created", "file", "a/x");
	ok(f, "created", "file", "b");
	renamed(f, "dir", "a", "b", "exchanged");
	ck_assert_int_eq(fold_has(f, "a"), 'f');
	ck_assert_int_eq(fold_has(f, "b"), 'd');
	ck_assert_int_eq(fold_has(f, "b/x"), 'f');
	ck_assert_int_eq(fold_has(f, "a/x"), 0);
	ck_assert_uint_eq(fold_count(f), 3);
	fold_free(f);
}
END_TEST

START_TEST(what_is_told_twice_or_of_nothing_is_a_fault)
{
	struct fold *f = fold_new();

	ok(f, "created", "file", "a");
	ok(f, "created", "file", "c");
	bad(f, "created", "file", "a", NULL, NULL, "already");
	bad(f, "exists", "file", "a", NULL, NULL, "already");
	bad(f, "created", NULL, "z", NULL, NULL, "without a type");
	bad(f, "deleted", "file", "b", NULL, NULL, "not there");
	bad(f, "modified", "file", "b", NULL, NULL, "not there");
	bad(f, "complete", "file", "b", NULL, NULL, "not there");
	bad(f, "modified", "dir", "a", NULL, NULL, "another type");
	bad(f, "renamed", "file", "z", "b", NULL, "old path is not there");
	bad(f, "renamed", "dir", "z", "a", NULL, "another type");
	bad(f, "renamed", "file", "z", "a", "replaced", "replaced nothing");
	ok(f, "created", "dir", "d");
	bad(f, "renamed", "file", "d", "a", "replaced", "a directory and a");
	bad(f, "renamed", "dir", "a", "d", "replaced", "a directory and a");
	ok(f, "deleted", "dir", "d");
	bad(f, "renamed", "file", "c", "a", NULL, "does not say so");
	bad(f, "renamed", "file", "a", "a", NULL, "into itself");
	bad(f, "renamed", "file", "z", "a", "exchanged", "with nothing");
	bad(f, "renamed", "file", "z", NULL, NULL, "without an old path");
	ck_assert_uint_eq(fold_count(f), 2);
	fold_free(f);
}
END_TEST

START_TEST(a_directory_cannot_be_moved_into_itself)
{
	struct fold *f = fold_new();

	ok(f, "created", "dir", "a");
	ok(f, "created", "dir", "a/b");
	bad(f, "renamed", "dir", "a/b/a", "a", NULL, "into itself");
	bad(f, "renamed", "dir", "a", "a/b", "exchanged", "below");
	bad(f, "renamed", "dir", "a", "a/b", "replaced", "what it was in");
	fold_free(f);
}
END_TEST

START_TEST(notes_about_no_path_change_nothing)
{
	struct fold *f = fold_new();

	ok(f, "created", "file", "a");
	ok(f, "ready", NULL, NULL);
	ok(f, "overflow", NULL, NULL);
	ok(f, "lost", NULL, "d");
	ok(f, "found", NULL, "d");
	ok(f, "modified", "file", "a");
	ck_assert_uint_eq(fold_count(f), 1);
	fold_free(f);
}
END_TEST

START_TEST(exact_bytes_count_where_they_are_given)
{
	struct fold *f = fold_new();
	json_t *ev = json_pack("{ssssssss}", "event", "created", "type", "file",
	    "path", "d/\xef\xbf\xbd", "path_base64", "ZC//");

	ck_assert_int_eq(fold_event(f, ev), 0);
	ck_assert_int_eq(fold_has(f, "d/\xff"), 'f');
	ck_assert_int_eq(fold_has(f, "d/\xef\xbf\xbd"), 0);
	json_decref(ev);
	fold_free(f);
}
END_TEST

static const char *const roots[] = {"d", NULL};

static void
expect_report(struct fold *f, bool content, const char *want)
{
	char *report = fold_compare(f, roots, NULL, NULL, content);

	if (want == NULL)
		ck_assert_msg(report == NULL, "%s", report);
	else
		ck_assert_msg(report != NULL && strstr(report, want) != NULL,
		    "no \"%s\" in: %s", want, report);
	free(report);
}

START_TEST(a_walk_is_equal_to_the_disk_until_that_changes)
{
	struct harness *h = harness_new();
	struct fold *f = fold_new();

	put("d/a/x", "");
	put("d/b", "");
	ck_assert_int_eq(symlink("a", "d/l"), 0);
	ck_assert_int_eq(mkfifo("d/o", 0600), 0);
	ck_assert_int_eq(fold_walk(f, "d", NULL, NULL), 0);
	ck_assert_uint_eq(fold_count(f), 5);
	expect_report(f, true, NULL);
	put("d/a/y", "");
	expect_report(f, false, "d/a/y is there (f), and is not told");
	ok(f, "created", "file", "d/a/y");
	expect_report(f, false, NULL);
	erase("d/b");
	expect_report(f, false, "d/b is told (f), and is not there");
	make_dir("d/b");
	expect_report(f, false, "d/b is told as f, and is d");
	ok(f, "deleted", "file", "d/b");
	ok(f, "created", "dir", "d/b");
	expect_report(f, false, NULL);
	fold_free(f);
	harness_end(h);
}
END_TEST

START_TEST(a_change_of_content_needs_an_event_after_it)
{
	struct harness *h = harness_new();
	struct fold *f = fold_new();
	struct timespec times[2] = {{2000, 5000}, {2000, 5000}};

	put("d/a", "");
	ck_assert_int_eq(fold_walk(f, "d", NULL, NULL), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/a", times, 0), 0);
	expect_report(f, false, NULL);
	expect_report(f, true, "nothing was told");
	ck_assert_int_eq(say(f, "modified", "file", "d/a", NULL, NULL, 1999.9),
	    0);
	expect_report(f, true, "last told at 1999.9");
	ck_assert_int_eq(say(f, "modified", "file", "d/a", NULL, NULL,
			     2000.000005),
	    0);
	expect_report(f, true, NULL);
	/* What only speaks about the file is no news of its content. */
	times[1].tv_sec = 2001;
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/a", times, 0), 0);
	ck_assert_int_eq(say(f, "attrib", "file", "d/a", NULL, NULL, 2002.0),
	    0);
	expect_report(f, true, "last told at 2000");
	ck_assert_int_eq(say(f, "renamed", "file", "d/b", "d/a", NULL, 2003.0),
	    0);
	move("d/a", "d/b");
	expect_report(f, true, NULL);
	fold_free(f);
	harness_end(h);
}
END_TEST

static int
only_directories(void *ctx, const char *name, char type)
{
	(void)ctx;
	if (strcmp(name, "skip") == 0)
		return FOLD_NOTHING;
	return type == 'd' ? FOLD_SHOW | FOLD_ENTER : FOLD_NOTHING;
}

START_TEST(a_choice_limits_what_is_compared)
{
	struct harness *h = harness_new();
	struct fold *f = fold_new();
	char *report;

	make_dir("d/a/b");
	put("d/a/b/x", "");
	put("d/skip/y/x", "");
	ok(f, "created", "dir", "d/a");
	ok(f, "created", "dir", "d/a/b");
	report = fold_compare(f, roots, only_directories, NULL, true);
	ck_assert_ptr_null(report);
	expect_report(f, false, "d/skip is there");
	fold_free(f);
	harness_end(h);
}
END_TEST

START_TEST(a_report_shows_the_shortest_path_and_the_lines_about_it)
{
	struct fold *f = fold_new();
	char *report;

	ok(f, "created", "dir", "d/long");
	ok(f, "created", "file", "d/other");
	renamed(f, "dir", "d/long", "d/b", NULL);
	ok(f, "created", "file", "d/b/c");
	report = fold_compare(f, roots, NULL, NULL, false);
	ck_assert_ptr_nonnull(report);
	ck_assert_msg(strstr(report, "3 differences\n    d/b is told") != NULL,
	    "%s", report);
	ck_assert_msg(strstr(report, "renamed d/long -> d/b\n") != NULL, "%s",
	    report);
	free(report);
	fold_free(f);
}
END_TEST

START_TEST(a_large_tree_is_folded_in_good_time)
{
	struct fold *f = fold_new();
	char path[64];
	int i;

	ok(f, "created", "dir", "d");
	for (i = 0; i < 100000; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		ok(f, "created", "file", path);
	}
	renamed(f, "dir", "d", "e", NULL);
	ck_assert_uint_eq(fold_count(f), 100001);
	ck_assert_int_eq(fold_has(f, "e/77777"), 'f');
	ok(f, "deleted", "dir", "e");
	ck_assert_uint_eq(fold_count(f), 0);
	fold_free(f);
}
END_TEST

START_TEST(names_with_all_bytes_keep_their_order)
{
	struct fold *f = fold_new();
	char path[8] = "d/a?/x";
	int c;

	ok(f, "created", "dir", "d/a");
	ok(f, "created", "file", "d/a/x");
	for (c = 1; c < 128; c++) {
		if (c == '/')
			continue;
		path[3] = (char)c;
		path[4] = '\0';
		ok(f, "created", "dir", path);
		path[4] = '/';
		ok(f, "created", "file", path);
	}
	ok(f, "deleted", "dir", "d/a");
	ck_assert_uint_eq(fold_count(f), 2 * 126);
	ck_assert_int_eq(fold_has(f, "d/a\001/x"), 'f');
	ck_assert_int_eq(fold_has(f, "d/a/x"), 0);
	fold_free(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fold");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, created_adds_and_deleted_removes_with_all_below);
	tcase_add_test(core,
	    renamed_moves_all_below_and_removes_what_stood_there);
	tcase_add_test(core, exchanged_swaps_both_with_all_below);
	tcase_add_test(core, notes_about_no_path_change_nothing);
	tcase_add_test(core, a_walk_is_equal_to_the_disk_until_that_changes);
	tcase_add_test(core, a_change_of_content_needs_an_event_after_it);
	tcase_add_test(core, a_choice_limits_what_is_compared);
	tcase_add_test(core,
	    a_report_shows_the_shortest_path_and_the_lines_about_it);
	tcase_add_test(limits, a_large_tree_is_folded_in_good_time);
	tcase_set_timeout(limits, 60);
	tcase_add_test(hostile, what_is_told_twice_or_of_nothing_is_a_fault);
	tcase_add_test(hostile, a_directory_cannot_be_moved_into_itself);
	tcase_add_test(hostile, exact_bytes_count_where_they_are_given);
	tcase_add_test(hostile, names_with_all_bytes_keep_their_order);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return harness_main(s);
}
