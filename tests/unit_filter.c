#include <check.h>
#include <string.h>

#include "filter.h"
#include "suite.h"

static struct filter *f;

static void
setup(void)
{
	f = filter_new();
	ck_assert_ptr_nonnull(f);
}

static void
teardown(void)
{
	filter_free(f);
}

static void
add(enum filter_sense sense, const char *ere)
{
	char msg[128] = "";

	ck_assert_msg(filter_add(f, sense, ere, msg, sizeof(msg)) == 0, "%s",
	    msg);
}

START_TEST(without_expressions_all_is_in)
{
	ck_assert(filter_shows(f, "a/b", EVENT_FILE));
	ck_assert(filter_shows(f, "a", EVENT_NOTYPE));
	ck_assert(filter_enters(f, "a", 1));
	ck_assert(filter_enters(f, "a", 1000));
	ck_assert(!filter_by_name(f));
	ck_assert(!filter_hides_dirs(f));
}
END_TEST

START_TEST(what_an_exclude_matches_is_neither_told_nor_entered)
{
	add(FILTER_EXCLUDE, "(^|/)\\.git$");
	ck_assert(!filter_shows(f, ".git", EVENT_DIR));
	ck_assert(!filter_shows(f, "a/.git", EVENT_DIR));
	ck_assert(!filter_enters(f, "a/.git", 2));
	ck_assert(filter_shows(f, "a.git", EVENT_DIR));
	ck_assert(filter_enters(f, ".github", 1));
	ck_assert(filter_by_name(f));
}
END_TEST

START_TEST(an_include_tells_only_matches_but_enters_everything)
{
	add(FILTER_INCLUDE, "\\.c$");
	ck_assert(filter_shows(f, "src/a.c", EVENT_FILE));
	ck_assert(!filter_shows(f, "src/a.h", EVENT_FILE));
	ck_assert(!filter_shows(f, "src", EVENT_DIR));
	ck_assert(filter_enters(f, "src", 1));
}
END_TEST

START_TEST(the_last_match_wins)
{
	add(FILTER_EXCLUDE, "\\.log$");
	add(FILTER_INCLUDE, "^keep\\.log$");
	add(FILTER_EXCLUDE, "^tmp");
	ck_assert(!filter_shows(f, "a.log", EVENT_FILE));
	ck_assert(filter_shows(f, "keep.log", EVENT_FILE));
	ck_assert(!filter_shows(f, "tmp/keep.log", EVENT_FILE));
	/* None matches, and the first is an exclude: in. */
	ck_assert(filter_shows(f, "a.txt", EVENT_FILE));
	ck_assert(filter_enters(f, "keep.log", 1));
}
END_TEST

START_TEST(the_first_expression_decides_what_nothing_matches)
{
	add(FILTER_INCLUDE, "\\.c$");
	add(FILTER_EXCLUDE, "^gen");
	ck_assert(!filter_shows(f, "a.h", EVENT_FILE));
	ck_assert(filter_shows(f, "a.c", EVENT_FILE));
	ck_assert(!filter_shows(f, "gen/a.c", EVENT_FILE));
	ck_assert(!filter_enters(f, "gen", 1));
	ck_assert(filter_enters(f, "src", 1));
}
END_TEST

START_TEST(types_hide_names_but_not_what_is_below)
{
	filter_set_types(f, EVENT_TYPE_BIT(EVENT_FILE));
	ck_assert(filter_shows(f, "a", EVENT_FILE));
	ck_assert(!filter_shows(f, "a", EVENT_DIR));
	ck_assert(!filter_shows(f, "a", EVENT_SYMLINK));
	ck_assert(filter_shows(f, "a", EVENT_NOTYPE));
	ck_assert(filter_enters(f, "a", 1));
	ck_assert(filter_hides_dirs(f));
	ck_assert(!filter_by_name(f));
}
END_TEST

START_TEST(junk_is_what_editors_and_desktops_leave)
{
	static const char *const junk[] = {".DS_Store", "a/Thumbs.db",
	    "desktop.ini", "a/b~", "~", ".#lock", "d/.a.swp", ".a.swx", "4913",
	    "..swp"};
	static const char *const good[] = {"DS_Store", "a~b", "#a", "a.swp",
	    ".swp", ".sw", ".a.sw", ".a.swap", "49130", "x4913", "Thumbs.db.c",
	    ".a", "."};
	size_t i;

	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
		ck_assert(filter_shows(f, junk[i], EVENT_FILE));
	filter_no_junk(f);
	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		ck_assert_msg(!filter_shows(f, junk[i], EVENT_FILE), "%s",
		    junk[i]);
		ck_assert(!filter_enters(f, junk[i], 1));
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(filter_shows(f, good[i], EVENT_FILE), "%s",
		    good[i]);
	ck_assert(filter_by_name(f));
}
END_TEST

START_TEST(depth_counts_levels_below_the_root)
{
	filter_set_depth(f, 1);
	ck_assert(filter_shows(f, "a", EVENT_DIR));
	ck_assert(!filter_enters(f, "a", 1));
	ck_assert(!filter_shows(f, "a/b", EVENT_FILE));
	filter_set_depth(f, 2);
	ck_assert(filter_enters(f, "a", 1));
	ck_assert(filter_shows(f, "a/b", EVENT_DIR));
	ck_assert(!filter_enters(f, "a/b", 2));
	ck_assert(!filter_shows(f, "a/b/c", EVENT_FILE));
	ck_assert(filter_by_name(f));
}
END_TEST

START_TEST(names_are_matched_as_bytes)
{
	add(FILTER_EXCLUDE, "^.$");
	ck_assert(!filter_shows(f, "\xff", EVENT_FILE));
	ck_assert(!filter_shows(f, "\n", EVENT_FILE));
	ck_assert(filter_shows(f, "\xc3\xa9", EVENT_FILE));
}
END_TEST

START_TEST(a_newline_in_a_name_is_no_end_of_line)
{
	add(FILTER_EXCLUDE, "^secret$");
	ck_assert(filter_shows(f, "a\nsecret", EVENT_FILE));
	ck_assert(filter_shows(f, "secret\nb", EVENT_FILE));
	add(FILTER_EXCLUDE, "^a.*b$");
	ck_assert(!filter_shows(f, "a\nb", EVENT_FILE));
}
END_TEST

START_TEST(a_bad_expression_says_why_and_changes_nothing)
{
	char msg[128] = "";

	ck_assert_int_eq(filter_add(f, FILTER_INCLUDE, "(a", msg, sizeof(msg)),
	    -1);
	ck_assert_uint_gt(strlen(msg), 0);
	msg[0] = '\0';
	ck_assert_int_eq(filter_add(f, FILTER_EXCLUDE, "[z", msg, sizeof(msg)),
	    -1);
	ck_assert_uint_gt(strlen(msg), 0);
	msg[0] = '\0';
	ck_assert_int_eq(filter_add(f, FILTER_EXCLUDE, "", msg, sizeof(msg)),
	    -1);
	ck_assert_uint_gt(strlen(msg), 0);
	ck_assert(!filter_by_name(f));
	ck_assert(filter_shows(f, "a", EVENT_FILE));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, setup, teardown);
	tcase_add_checked_fixture(limits, setup, teardown);
	tcase_add_checked_fixture(hostile, setup, teardown);
	tcase_add_test(core, without_expressions_all_is_in);
	tcase_add_test(core,
	    what_an_exclude_matches_is_neither_told_nor_entered);
	tcase_add_test(core,
	    an_include_tells_only_matches_but_enters_everything);
	tcase_add_test(core, the_last_match_wins);
	tcase_add_test(core, the_first_expression_decides_what_nothing_matches);
	tcase_add_test(core, types_hide_names_but_not_what_is_below);
	tcase_add_test(core, junk_is_what_editors_and_desktops_leave);
	tcase_add_test(limits, depth_counts_levels_below_the_root);
	tcase_add_test(hostile, names_are_matched_as_bytes);
	tcase_add_test(hostile, a_newline_in_a_name_is_no_end_of_line);
	tcase_add_test(hostile, a_bad_expression_says_why_and_changes_nothing);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
