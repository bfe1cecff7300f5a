#include <sys/resource.h>

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "harness.h"
#include "notes.h"
#include "watch.h"

static struct buf text;

static void
end(void)
{
	buf_free(&text);
}

static const char *
note(enum watch_note kind, const char *path, int error)
{
	note_text(&text, kind, path, error);
	ck_assert(!text.failed);
	ck_assert_uint_eq(strlen(text.data) + 1, text.len);
	return text.data;
}

static const enum watch_note all[] = {NOTE_WAITING, NOTE_LOST, NOTE_FOUND,
    NOTE_UNREADABLE, NOTE_LIMIT, NOTE_LOOP, NOTE_OVERFLOW, NOTE_UNTAKEN,
    NOTE_NO_CLAIMS, NOTE_WAY};
#define NALL (sizeof(all) / sizeof(all[0]))

START_TEST(each_note_is_one_line_with_its_subject_first)
{
	char seen[NALL][256];
	const char *t;
	size_t i, k;

	for (i = 0; i < NALL; i++) {
		t = note(all[i], "some/dir", EACCES);
		ck_assert_ptr_null(strchr(t, '\n'));
		if (all[i] == NOTE_WAITING) {
			/* The design's own words. */
			ck_assert_str_eq(t, "waiting for some/dir");
		} else {
			ck_assert_msg(strncmp(t, "some/dir: ", 10) == 0, "%s",
			    t);
			ck_assert_uint_gt(strlen(t), 12);
		}
		(void)snprintf(seen[i], sizeof(seen[i]), "%s", t);
		for (k = 0; k < i; k++)
			ck_assert_str_ne(seen[k], t);
	}
}
END_TEST

START_TEST(a_name_disturbs_no_terminal)
{
	ck_assert_str_eq(note(NOTE_LOST, "d\x1b[2J\n\xff", 0),
	    "d\\x1b[2J\\x0a\\xff: gone");
}
END_TEST

START_TEST(an_error_is_told_in_words)
{
	static const enum watch_note with_error[] = {NOTE_UNREADABLE,
	    NOTE_UNTAKEN, NOTE_LIMIT};
	size_t i;

	for (i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(
		    strstr(note(with_error[i], "d", EMFILE), strerror(EMFILE)));
		ck_assert_ptr_nonnull(
		    strstr(note(with_error[i], "d", EACCES), strerror(EACCES)));
	}
}
END_TEST

START_TEST(the_limit_of_watches_names_the_setting_its_value_and_the_way_out)
{
	const char *t = note(NOTE_LIMIT, "d/sub", ENOSPC), *p, *setting;
	char now[96];
	long value, advised;

	setting = watch_limit(ENOSPC, &value);
	(void)snprintf(now, sizeof(now), "(%s is %ld)", setting, value);
	ck_assert_msg(strstr(t, now) != NULL, "%s", t);
	(void)snprintf(now, sizeof(now), "sysctl -w %s=", setting);
	p = strstr(t, now);
	ck_assert_msg(p != NULL, "%s", t);
	advised = strtol(strchr(p, '=') + 1, NULL, 10);
	ck_assert_int_gt(advised, value);
}
END_TEST

START_TEST(so_many_watches_are_advised_as_are_missing)
{
	char needed[64];
	long value, advised;
	const char *p;

	(void)watch_limit(ENOSPC, &value);
	note_missing(&text, "d\033", ENOSPC, 3000000);
	ck_assert_int_eq(strncmp(text.data, "d\\x1b: ", 7), 0);
	(void)snprintf(needed, sizeof(needed), ", at least %ld needed)",
	    value + 3000000);
	ck_assert_ptr_nonnull(strstr(text.data, needed));
	p = strstr(text.data, "sysctl -w ");
	ck_assert_ptr_nonnull(p);
	advised = strtol(strchr(p, '=') + 1, NULL, 10);
	ck_assert_int_ge(advised, value + 3000000);
	ck_assert_int_le(advised, 2 * (value + 3000000));
	note_missing(&text, "d", ENOSPC, 1);
	(void)snprintf(needed, sizeof(needed), ", at least %ld needed)",
	    value + 1);
	ck_assert_ptr_nonnull(strstr(text.data, needed));
	/* There is room to spare, also where the need is a round number. */
	for (advised = 8192; advised <= value; advised *= 2)
		;
	(void)snprintf(needed, sizeof(needed), "=%ld", 2 * advised);
	note_missing(&text, "d", ENOSPC, (uint64_t)(advised - value));
	ck_assert_msg(strstr(text.data, needed) != NULL, "%s", text.data);
	note_missing(&text, "d", ENOSPC, UINT64_MAX);
	ck_assert_ptr_nonnull(strstr(text.data, "sysctl -w "));
}
END_TEST

START_TEST(the_limit_of_open_files_names_its_value_and_the_way_out)
{
	const char *t = note(NOTE_LIMIT, "d/sub", EMFILE), *p;
	struct rlimit rl;
	char now[96];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	(void)snprintf(now, sizeof(now), "(ulimit -n is %ju)",
	    (uintmax_t)rl.rlim_cur);
	ck_assert_msg(strstr(t, now) != NULL, "%s", t);
	p = strstr(t, "raise it with: ulimit -n ");
	ck_assert_msg(p != NULL, "%s", t);
	p += strlen("raise it with: ulimit -n ");
	ck_assert_uint_gt(strtoull(p, NULL, 10), rl.rlim_cur);
	note_missing(&text, "d", EMFILE, 77);
	(void)snprintf(now, sizeof(now),
	    "(ulimit -n is %ju, at least %ju needed)", (uintmax_t)rl.rlim_cur,
	    (uintmax_t)rl.rlim_cur + 77);
	ck_assert_msg(strstr(text.data, now) != NULL, "%s", text.data);
}
END_TEST

START_TEST(only_what_is_wrong_for_good_is_a_warning)
{
	ck_assert(note_is_warning(NOTE_UNREADABLE));
	ck_assert(note_is_warning(NOTE_LIMIT));
	ck_assert(note_is_warning(NOTE_UNTAKEN));
	ck_assert(!note_is_warning(NOTE_NO_CLAIMS));
	ck_assert(note_is_warning(NOTE_WAY));
	ck_assert(note_is_warning(NOTE_LOOP));
	ck_assert(!note_is_warning(NOTE_WAITING));
	ck_assert(!note_is_warning(NOTE_LOST));
	ck_assert(!note_is_warning(NOTE_FOUND));
	ck_assert(!note_is_warning(NOTE_OVERFLOW));
}
END_TEST

START_TEST(a_note_replaces_what_the_buffer_held)
{
	buf_adds(&text, "something else");
	ck_assert_str_eq(note(NOTE_WAITING, "a", 0), "waiting for a");
	ck_assert_str_eq(note(NOTE_WAITING, "b", 0), "waiting for b");
}
END_TEST

START_TEST(a_path_of_any_length_is_told_whole)
{
	char *path = malloc(100001);
	size_t i;

	ck_assert_ptr_nonnull(path);
	memset(path, 'x', 100000);
	path[100000] = '\0';
	for (i = 0; i < NALL; i++)
		ck_assert_ptr_nonnull(strstr(note(all[i], path, ENOSPC), path));
	free(path);
	ck_assert_str_eq(note(NOTE_LOST, "", 0) + 0, ": gone");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notes");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_checked_fixture(core, NULL, end);
	tcase_add_checked_fixture(limits, NULL, end);
	tcase_add_test(core, each_note_is_one_line_with_its_subject_first);
	tcase_add_test(core, a_name_disturbs_no_terminal);
	tcase_add_test(core, an_error_is_told_in_words);
	tcase_add_test(core,
	    the_limit_of_watches_names_the_setting_its_value_and_the_way_out);
	tcase_add_test(core, so_many_watches_are_advised_as_are_missing);
	tcase_add_test(core,
	    the_limit_of_open_files_names_its_value_and_the_way_out);
	tcase_add_test(core, only_what_is_wrong_for_good_is_a_warning);
	tcase_add_test(core, a_note_replaces_what_the_buffer_held);
	tcase_add_test(limits, a_path_of_any_length_is_told_whole);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	return harness_main(suite);
}
