#include <check.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "batch.h"
#include "suite.h"

START_TEST(answers_and_their_texts_stay_until_the_batch_is_cleared)
{
	struct batch *b = batch_new();
	struct answer *a;
	char text[32];
	int i;

	for (i = 0; i < 50000; i++) {
		a = batch_add(b);
		ck_assert_ptr_nonnull(a);
		ck_assert_uint_eq(a->line, 0);
		ck_assert_ptr_null(a->path);
		(void)snprintf(text, sizeof(text), "path/%d", i);
		a->line = (uint64_t)i;
		a->path = batch_copy(b, text, strlen(text));
	}
	ck_assert_uint_eq(batch_count(b), 50000);
	for (i = 0; i < 50000; i++) {
		(void)snprintf(text, sizeof(text), "path/%d", i);
		ck_assert_uint_eq(batch_at(b, (size_t)i)->line, (size_t)i);
		ck_assert_str_eq(batch_at(b, (size_t)i)->path, text);
	}
	batch_clear(b);
	ck_assert_uint_eq(batch_count(b), 0);
	ck_assert_ptr_null(batch_add(b)->path);
	batch_free(b);
}
END_TEST

START_TEST(what_is_taken_back_is_no_answer)
{
	struct batch *b = batch_new();

	batch_add(b)->line = 1;
	batch_add(b)->line = 2;
	batch_take_back(b);
	ck_assert_uint_eq(batch_count(b), 1);
	ck_assert_uint_eq(batch_at(b, 0)->line, 1);
	ck_assert_uint_eq(batch_add(b)->line, 0);
	ck_assert_uint_eq(batch_count(b), 2);
	batch_free(b);
}
END_TEST

START_TEST(a_text_of_any_length_is_copied)
{
	struct batch *b = batch_new();
	static char big[300000];
	char *small, *copy;

	memset(big, 'x', sizeof(big));
	small = batch_copy(b, "", 0);
	ck_assert_str_eq(small, "");
	copy = batch_copy(b, big, sizeof(big));
	ck_assert_ptr_nonnull(copy);
	ck_assert_int_eq(memcmp(copy, big, sizeof(big)), 0);
	ck_assert_int_eq(copy[sizeof(big)], '\0');
	ck_assert_str_eq(batch_copy(b, "abc", 2), "ab");
	ck_assert_str_eq(small, "");
	batch_clear(b);
	ck_assert_str_eq(batch_copy(b, "again", 5), "again");
	batch_clear(b);
	batch_free(b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("batch");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core,
	    answers_and_their_texts_stay_until_the_batch_is_cleared);
	tcase_add_test(core, what_is_taken_back_is_no_answer);
	tcase_add_test(limits, a_text_of_any_length_is_copied);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
