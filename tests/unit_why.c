#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "why.h"

START_TEST(a_reason_is_a_word_and_a_text_and_a_failure)
{
	struct why w = WHY_NONE;

	ck_assert_ptr_null(w.error);
	errno = 0;
	ck_assert_int_eq(why_set(&w, "bad-path", "%s is %d", "this", 7), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_str_eq(w.error, "bad-path");
	ck_assert_str_eq(w.message, "this is 7");
	(void)why_set(&w, "loop", "%s", "");
	ck_assert_str_eq(w.error, "loop");
	ck_assert_str_eq(w.message, "");
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	struct why w = WHY_NONE;
	char *text = malloc(5000);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', 4999);
	text[4999] = '\0';
	(void)why_set(&w, "loop", "%s", text);
	ck_assert_uint_eq(strlen(w.message), sizeof(w.message) - 1);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("why");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core, a_reason_is_a_word_and_a_text_and_a_failure);
	tcase_add_test(limits, a_long_text_is_cut);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
