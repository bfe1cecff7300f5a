#include <check.h>
#include <stdio.h>

#include "event.h"
#include "harness.h"
#include "seen.h"

static const struct event_stat file = {
    .dev = 1,
    .ino = 7,
    .size = 10,
    .mtime = {100, 5},
    .ctime = {200, 6},
};

START_TEST(what_was_added_is_known_and_no_other_version)
{
	struct seen *s = seen_new();
	struct event_stat later = file, other = file;

	ck_assert(!seen_has(s, 1, 2, "a", &file));
	seen_add(s, 1, 2, "a", &file);
	ck_assert(seen_has(s, 1, 2, "a", &file));
	ck_assert(!seen_has(s, 1, 2, "b", &file));
	ck_assert(!seen_has(s, 1, 3, "a", &file));
	ck_assert(!seen_has(s, 2, 2, "a", &file));
	later.ctime.tv_nsec++;
	ck_assert(!seen_has(s, 1, 2, "a", &later));
	other.ino++;
	ck_assert(!seen_has(s, 1, 2, "a", &other));
	seen_free(s);
}
END_TEST

START_TEST(a_content_is_known_whatever_its_change_time)
{
	struct seen *s = seen_new();
	struct event_stat later = file;

	seen_add(s, 1, 2, "a", &file);
	later.ctime.tv_sec++;
	ck_assert(seen_content(s, 1, 2, "a", &later));
	later.size++;
	ck_assert(!seen_content(s, 1, 2, "a", &later));
	later.size--;
	later.mtime.tv_nsec++;
	ck_assert(!seen_content(s, 1, 2, "a", &later));
	seen_free(s);
}
END_TEST

START_TEST(two_comparisons_later_it_is_forgotten)
{
	struct seen *s = seen_new();

	seen_add(s, 1, 2, "a", &file);
	seen_turn(s);
	ck_assert(seen_has(s, 1, 2, "a", &file));
	seen_add(s, 1, 2, "b", &file);
	seen_turn(s);
	ck_assert(!seen_has(s, 1, 2, "a", &file));
	ck_assert(!seen_content(s, 1, 2, "a", &file));
	ck_assert(seen_has(s, 1, 2, "b", &file));
	seen_turn(s);
	ck_assert(!seen_has(s, 1, 2, "b", &file));
	seen_free(s);
}
END_TEST

START_TEST(many_are_told_apart)
{
	struct seen *s = seen_new();
	struct event_stat st = file;
	char name[16];
	unsigned i;

	for (i = 0; i < 50000; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		st.ino = i;
		seen_add(s, 1, 2, name, &st);
	}
	for (i = 0; i < 50000; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		st.ino = i;
		if (!seen_has(s, 1, 2, name, &st))
			ck_abort_msg("%u is not known", i);
		st.ino = i + 1;
		if (seen_has(s, 1, 2, name, &st))
			ck_abort_msg("%u is taken for another", i);
	}
	seen_free(s);
	seen_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("seen");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core, what_was_added_is_known_and_no_other_version);
	tcase_add_test(core, a_content_is_known_whatever_its_change_time);
	tcase_add_test(core, two_comparisons_later_it_is_forgotten);
	suite_add_tcase(suite, core);
	tcase_add_test(limits, many_are_told_apart);
	suite_add_tcase(suite, limits);
	return harness_main(suite);
}
