#include <check.h>
#include <errno.h>
#include <string.h>

#include "answer.h"
#include "buf.h"
#include "suite.h"

static const char *
emit(const struct answer *a)
{
	static struct buf b = BUF_INIT;

	buf_clear(&b);
	answer_emit(a, &b);
	buf_addc(&b, '\0');
	ck_assert(!b.failed);
	return b.data;
}

static const char *
describe(const struct answer *a)
{
	static struct buf b = BUF_INIT;

	buf_clear(&b);
	answer_describe(a, &b);
	buf_addc(&b, '\0');
	ck_assert(!b.failed);
	return b.data;
}

START_TEST(an_answer_is_a_line_of_json_with_its_keys_in_order)
{
	struct answer a = {.ok = true,
	    .line = 7,
	    .id = "\"42\"",
	    .id_len = 4,
	    .op = "append",
	    .path = "a/b",
	    .size = 1234,
	    .has_size = true};

	ck_assert_str_eq(emit(&a),
	    "{\"ok\":true,\"line\":7,\"id\":\"42\",\"op\":\"append\","
	    "\"path\":\"a/b\",\"size\":1234}\n");
	a.already = true;
	a.id = NULL;
	ck_assert_str_eq(emit(&a),
	    "{\"ok\":true,\"line\":7,\"op\":\"append\",\"path\":\"a/b\","
	    "\"size\":1234,\"already\":true}\n");
}
END_TEST

START_TEST(a_failure_says_which_and_why)
{
	struct answer a = {.line = 8,
	    .op = "write",
	    .path = "a/b",
	    .error = "EEXIST",
	    .message = "File exists",
	    .torn = true};

	ck_assert_str_eq(emit(&a),
	    "{\"ok\":false,\"line\":8,\"op\":\"write\",\"path\":\"a/b\","
	    "\"torn\":true,\"error\":\"EEXIST\",\"message\":\"File "
	    "exists\"}\n");
	a.torn = false;
	ck_assert_str_eq(describe(&a), "line 8: write a/b: File exists");
	a.op = a.path = NULL;
	ck_assert_str_eq(describe(&a), "line 8: File exists");
}
END_TEST

START_TEST(a_name_that_is_not_text_is_told_exactly)
{
	struct answer a = {.ok = true,
	    .line = 1,
	    .op = "mkdir",
	    .path = "a\xff"};

	ck_assert_str_eq(emit(&a),
	    "{\"ok\":true,\"line\":1,\"op\":\"mkdir\","
	    "\"path\":\"a\xef\xbf\xbd\",\"path_base64\":\"Yf8=\"}\n");
}
END_TEST

START_TEST(no_name_can_play_with_the_terminal)
{
	struct answer a = {.line = 1,
	    .op = "write",
	    .error = "EIO",
	    .message = "no"};

	a.path = "a\n\x1b[31mb\x7f";
	ck_assert_str_eq(describe(&a),
	    "line 1: write a\\x0a\\x1b[31mb\\x7f: no");
	a.path = "caf\xc3\xa9 \xe2\x82\xac";
	ck_assert_str_eq(describe(&a),
	    "line 1: write caf\xc3\xa9 \xe2\x82\xac: no");
	a.path = "c1\xc2\x9b\xc2\xa0";
	ck_assert_str_eq(describe(&a),
	    "line 1: write c1\\xc2\\x9b\xc2\xa0: no");
	a.path = "\xff\xc3";
	ck_assert_str_eq(describe(&a), "line 1: write \\xff\\xc3: no");
}
END_TEST

START_TEST(errnos_have_their_names)
{
	ck_assert_str_eq(answer_errno(EEXIST), "EEXIST");
	ck_assert_str_eq(answer_errno(ENOSPC), "ENOSPC");
	ck_assert_str_eq(answer_errno(12345), "errno");
	ck_assert_str_eq(answer_strerror(EEXIST), strerror(EEXIST));
	ck_assert_str_ne(answer_strerror(ELOOP), strerror(ELOOP));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("answer");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core,
	    an_answer_is_a_line_of_json_with_its_keys_in_order);
	tcase_add_test(core, a_failure_says_which_and_why);
	tcase_add_test(core, errnos_have_their_names);
	tcase_add_test(hostile, a_name_that_is_not_text_is_told_exactly);
	tcase_add_test(hostile, no_name_can_play_with_the_terminal);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
