#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "suite.h"
#include "why.h"

static int
parse(struct command *c, const char *line, struct why *bad)
{
	memset(bad, 0, sizeof(*bad));
	return command_parse(c, line, strlen(line), bad);
}

START_TEST(each_operation_is_understood_with_its_keys)
{
	struct command c;
	struct why bad;

	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"append\",\"path\":\"2026/a.log\","
			     "\"content\":\"h\\u00e9\\n\",\"id\":\"42\"}\r",
			     &bad),
	    0);
	ck_assert_int_eq(c.op, COMMAND_APPEND);
	ck_assert_str_eq(c.path, "2026/a.log");
	ck_assert_uint_eq(c.content_len, 4);
	ck_assert_int_eq(memcmp(c.content, "h\xc3\xa9\n", 4), 0);
	ck_assert_uint_eq(c.id_len, 4);
	ck_assert_int_eq(memcmp(c.id, "\"42\"", 4), 0);
	ck_assert(!c.has_mode);
	command_free(&c);

	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"rename\",\"old_path\":\"a\","
			     "\"path\":\"b\",\"replace\":true}",
			     &bad),
	    0);
	ck_assert_int_eq(c.op, COMMAND_RENAME);
	ck_assert_str_eq(c.old_path, "a");
	ck_assert_str_eq(c.path, "b");
	ck_assert(c.replace);
	command_free(&c);

	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"mkdir\",\"path\":\"d\","
			     "\"mode\":\"0750\"}",
			     &bad),
	    0);
	ck_assert_int_eq(c.op, COMMAND_MKDIR);
	ck_assert(c.has_mode);
	ck_assert_uint_eq(c.mode, 0750);
	command_free(&c);

	ck_assert_int_eq(parse(&c, "{\"op\":\"delete\",\"path\":\"d\"}", &bad),
	    0);
	ck_assert_int_eq(c.op, COMMAND_DELETE);
	ck_assert_ptr_null(c.id);
	command_free(&c);
}
END_TEST

START_TEST(content_may_be_base64_and_hold_any_byte)
{
	struct command c;
	struct why bad;

	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"write\",\"path\":\"a\","
			     "\"content\":\"AP8A\",\"encoding\":\"base64\"}",
			     &bad),
	    0);
	ck_assert_uint_eq(c.content_len, 3);
	ck_assert_int_eq(memcmp(c.content, "\0\xff\0", 3), 0);
	command_free(&c);
	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"overwrite\",\"path\":\"a\","
			     "\"content\":\"a\\u0000b\"}",
			     &bad),
	    0);
	ck_assert_uint_eq(c.content_len, 3);
	ck_assert_int_eq(memcmp(c.content, "a\0b", 3), 0);
	command_free(&c);
}
END_TEST

START_TEST(a_path_in_base64_carries_bytes_that_are_not_text)
{
	struct command c;
	struct why bad;

	/* What fswatch-events says of a\xffb. */
	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"mkdir\",\"path\":\"a\xef\xbf\xbd"
			     "b\",\"path_base64\":\"Yf9i\"}",
			     &bad),
	    0);
	ck_assert_str_eq(c.path,
	    "a\xff"
	    "b");
	command_free(&c);
	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"mkdir\",\"path\":\"axb\","
			     "\"path_base64\":\"Yf9i\"}",
			     &bad),
	    -1);
	ck_assert_str_eq(bad.error, "bad-command");
	command_free(&c);
	/* jq makes null of what is not there. */
	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"mkdir\",\"path\":\"a\","
			     "\"path_base64\":null,\"mode\":null}",
			     &bad),
	    0);
	ck_assert_str_eq(c.path, "a");
	command_free(&c);
	ck_assert_int_eq(parse(&c,
			     "{\"op\":\"mkdir\",\"path_base64\":\"YQ==\"}",
			     &bad),
	    0);
	ck_assert_str_eq(c.path, "a");
	command_free(&c);
}
END_TEST

static const char *const ids[] = {"1.10", "123456789012345678901234567890",
    "null", "true", "\"a\\\"}b\"", "[1,[2],{\"id\":\"x\"}]",
    "{\"a\":\"]\",\"id\":7}", "\"\\\\\"", "-0.0", "\"\""};

START_TEST(an_id_comes_back_as_it_was_spelt)
{
	struct command c;
	struct why bad;
	char line[256];
	int first;

	for (first = 0; first < 3; first++) {
		(void)snprintf(line, sizeof(line),
		    first == 0 ?
			"{\"id\":%s,\"op\":\"delete\",\"path\":\"id\"}" :
			first == 1 ?
			"{ \"x\" : {\"id\":1}, \"id\" : %s , "
			"\"op\":\"delete\",\"path\":\"a\"}" :
			"{\"op\":\"delete\",\"path\":\"a\",\"id\":%s}",
		    ids[_i]);
		ck_assert_msg(parse(&c, line, &bad) == 0, "%s", line);
		ck_assert_uint_eq(c.id_len, strlen(ids[_i]));
		ck_assert_int_eq(memcmp(c.id, ids[_i], c.id_len), 0);
		command_free(&c);
	}
}
END_TEST

static const struct {
	const char *line;
	const char *error;
} refused[] = {
    {"", "bad-json"},
    {"{", "bad-json"},
    {"nonsense", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\"", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\"} {}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\"}x", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\",\"path\":\"b\"}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\",\"x\":NaN}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\",\"x\":Infinity}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\",}", "bad-json"},
    {"{'op':'delete','path':'a'}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"\xff\"}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"\xed\xa0\x80\"}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"\xc0\xaf\"}", "bad-json"},
    {"{\"op\":\"delete\",\"path\":\"a\tb\"}", "bad-json"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"\\ud800\"}",
	"lone-surrogate"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"\\udc00x\"}",
	"lone-surrogate"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"\\ud800\\u0041\"}",
	"lone-surrogate"},
    {"42", "bad-command"},
    {"null", "bad-command"},
    {"[]", "bad-command"},
    {"\"delete\"", "bad-command"},
    {"{}", "bad-command"},
    {"{\"path\":\"a\"}", "bad-command"},
    {"{\"op\":\"delete\"}", "bad-command"},
    {"{\"op\":null,\"path\":\"a\"}", "bad-command"},
    {"{\"op\":7,\"path\":\"a\"}", "bad-command"},
    {"{\"op\":\"delete\",\"path\":7}", "bad-command"},
    {"{\"op\":\"delete\",\"path\":null}", "bad-command"},
    {"{\"op\":\"delete\",\"path_base64\":\"Y\"}", "bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\"}", "bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":null}", "bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":1}", "bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"x\","
     "\"truncated\":true}",
	"bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"x\","
     "\"truncated\":1}",
	"bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"Zh==\","
     "\"encoding\":\"base64\"}",
	"bad-command"},
    {"{\"op\":\"write\",\"path\":\"a\",\"content\":\"x\","
     "\"encoding\":\"latin1\"}",
	"bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":\"1777\"}", "bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":\"4755\"}", "bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":\"\"}", "bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":\"8\"}", "bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":\"-1\"}", "bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":\"00000000644\"}",
	"bad-command"},
    {"{\"op\":\"mkdir\",\"path\":\"a\",\"mode\":420}", "bad-command"},
    {"{\"op\":\"rename\",\"path\":\"a\"}", "bad-command"},
    {"{\"op\":\"rename\",\"path\":\"a\",\"old_path\":\"b\","
     "\"replace\":1}",
	"bad-command"},
    {"{\"op\":\"rename\",\"path\":\"a\",\"old_path\":\"../b\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"/etc/passwd\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"a/\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"a//b\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\".\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"a/..\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"a/./b\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"a\\u0000b\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path_base64\":\"YQBi\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\".fswrite-0123456789abcdef\"}", "bad-path"},
    {"{\"op\":\"delete\",\"path\":\"a/.fswrite-0123456789abcdef/b\"}",
	"bad-path"},
    {"{\"op\":\"remove-all\",\"path\":\"a\"}", "unknown-op"},
    {"{\"op\":\"\",\"path\":\"a\"}", "unknown-op"},
};

START_TEST(what_is_wrong_is_refused_by_its_name)
{
	struct command c;
	struct why bad;

	ck_assert_msg(parse(&c, refused[_i].line, &bad) == -1,
	    "%s was let through", refused[_i].line);
	ck_assert_msg(strcmp(bad.error, refused[_i].error) == 0,
	    "%s: %s, not %s", refused[_i].line, bad.error, refused[_i].error);
	ck_assert_str_ne(bad.message, "");
	command_free(&c);
}
END_TEST

START_TEST(keys_of_others_are_let_through)
{
	struct command c;
	struct why bad;

	ck_assert_int_eq(parse(&c,
			     "{\"event\":\"created\",\"op\":\"delete\","
			     "\"path\":\"...\",\"size\":1e5,\"old_path\":7,"
			     "\"truncated\":false}",
			     &bad),
	    0);
	ck_assert_str_eq(c.path, "...");
	command_free(&c);
}
END_TEST

START_TEST(a_bad_command_still_has_its_id)
{
	struct command c;
	struct why bad;

	ck_assert_int_eq(parse(&c, "{\"op\":\"nop\",\"id\":5}", &bad), -1);
	ck_assert_uint_eq(c.id_len, 1);
	command_free(&c);
	ck_assert_int_eq(parse(&c, "{\"op\":\"write\",\"path\":\"p\",\"id\":5}",
			     &bad),
	    -1);
	ck_assert_int_eq(c.op, COMMAND_WRITE);
	ck_assert_str_eq(c.path, "p");
	command_free(&c);
}
END_TEST

static const struct {
	const char *op;
	const char *guess;
} guesses[] = {
    {"appendd", "append"},
    {"apend", "append"},
    {"Append", "append"},
    {"rm", "delete"},
    {"create", "write"},
    {"mv", "rename"},
    {"overwirte", "overwrite"},
    {"xyzzy", NULL},
    {"supercalifragilisticexpialidocious", NULL},
};

START_TEST(an_unknown_operation_gets_a_suggestion)
{
	struct command c;
	struct why bad;
	char line[256], hint[64];

	(void)snprintf(line, sizeof(line), "{\"op\":\"%s\",\"path\":\"a\"}",
	    guesses[_i].op);
	ck_assert_int_eq(parse(&c, line, &bad), -1);
	ck_assert_str_eq(bad.error, "unknown-op");
	if (guesses[_i].guess == NULL)
		ck_assert_ptr_null(strstr(bad.message, "did you mean"));
	else {
		(void)snprintf(hint, sizeof(hint), "did you mean \"%s\"?",
		    guesses[_i].guess);
		ck_assert_msg(strstr(bad.message, hint) != NULL, "%s",
		    bad.message);
	}
	command_free(&c);
}
END_TEST

START_TEST(nesting_without_end_is_an_error_and_no_crash)
{
	static char line[1 << 20];
	struct command c;
	struct why bad;

	memset(line, '[', sizeof(line));
	ck_assert_int_eq(command_parse(&c, line, sizeof(line), &bad), -1);
	ck_assert_str_eq(bad.error, "bad-json");
	command_free(&c);
}
END_TEST

START_TEST(names_may_be_255_bytes_long_and_paths_4095)
{
	struct command c;
	struct why bad;
	char line[8192], name[300], path[5000] = "";
	int i;

	memset(name, 'n', 255);
	name[255] = '\0';
	(void)snprintf(line, sizeof(line), "{\"op\":\"mkdir\",\"path\":\"%s\"}",
	    name);
	ck_assert_int_eq(parse(&c, line, &bad), 0);
	command_free(&c);
	(void)snprintf(line, sizeof(line),
	    "{\"op\":\"mkdir\",\"path\":\"%sn\"}", name);
	ck_assert_int_eq(parse(&c, line, &bad), -1);
	ck_assert_str_eq(bad.error, "bad-path");
	command_free(&c);
	for (i = 0; i < 15; i++) {
		strcat(path, name);
		strcat(path, "/");
	}
	strncat(path, name, 4095 - strlen(path));
	(void)snprintf(line, sizeof(line), "{\"op\":\"mkdir\",\"path\":\"%s\"}",
	    path);
	ck_assert_int_eq(parse(&c, line, &bad), 0);
	command_free(&c);
	(void)snprintf(line, sizeof(line),
	    "{\"op\":\"mkdir\",\"path\":\"%.3840sm/%s\"}", path, name);
	ck_assert_int_eq(parse(&c, line, &bad), -1);
	command_free(&c);
}
END_TEST

START_TEST(no_cut_or_changed_byte_of_a_line_is_harmful)
{
	static const char good[] =
	    "{\"op\":\"write\",\"path\":\"a/b\",\"path_base64\":\"YS9i\","
	    "\"content\":\"aGk=\",\"encoding\":\"base64\",\"mode\":\"644\","
	    "\"id\":{\"x\":[1,\"\\\"\"]},\"old_path\":\"q\"}";
	struct command c;
	struct why bad;
	char *copy;
	size_t i;
	int byte;

	for (i = 0; i < sizeof(good) - 1; i++) {
		/* Just as long, so that a sanitizer sees what reads on. */
		copy = malloc(i + 1);
		memcpy(copy, good, i);
		ck_assert_int_eq(command_parse(&c, copy, i, &bad), -1);
		command_free(&c);
		free(copy);
		copy = malloc(sizeof(good) - 1);
		memcpy(copy, good, sizeof(good) - 1);
		for (byte = 0; byte < 256; byte += 5) {
			copy[i] = (char)byte;
			(void)command_parse(&c, copy, sizeof(good) - 1, &bad);
			command_free(&c);
		}
		free(copy);
	}
}
END_TEST

START_TEST(lists_of_operations_are_read_for_ops)
{
	const char *bad;
	unsigned set = 0;
	size_t n;

	ck_assert_int_eq(command_parse_ops("append,mkdir", &set, &bad, &n), 0);
	ck_assert_uint_eq(set,
	    COMMAND_BIT(COMMAND_APPEND) | COMMAND_BIT(COMMAND_MKDIR));
	ck_assert_int_eq(command_parse_ops("append,rm,x", &set, &bad, &n), -1);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(memcmp(bad, "rm", 2), 0);
	ck_assert_int_eq(command_parse_ops("", &set, &bad, &n), -1);
	ck_assert_int_eq(command_parse_ops("append,", &set, &bad, &n), -1);
}
END_TEST

START_TEST(blank_lines_are_known)
{
	ck_assert(command_is_blank("", 0));
	ck_assert(command_is_blank(" \t\r", 3));
	ck_assert(!command_is_blank(" x", 2));
	ck_assert(!command_is_blank(" \0", 2));
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *s = suite_create("command");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, each_operation_is_understood_with_its_keys);
	tcase_add_test(core, content_may_be_base64_and_hold_any_byte);
	tcase_add_test(core, a_path_in_base64_carries_bytes_that_are_not_text);
	tcase_add_loop_test(core, an_id_comes_back_as_it_was_spelt, 0, N(ids));
	tcase_add_test(core, keys_of_others_are_let_through);
	tcase_add_test(core, a_bad_command_still_has_its_id);
	tcase_add_loop_test(core, an_unknown_operation_gets_a_suggestion, 0,
	    N(guesses));
	tcase_add_test(core, lists_of_operations_are_read_for_ops);
	tcase_add_test(core, blank_lines_are_known);
	tcase_add_test(limits, names_may_be_255_bytes_long_and_paths_4095);
	tcase_add_test(limits, nesting_without_end_is_an_error_and_no_crash);
	tcase_add_loop_test(hostile, what_is_wrong_is_refused_by_its_name, 0,
	    N(refused));
	tcase_add_test(hostile, no_cut_or_changed_byte_of_a_line_is_harmful);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
