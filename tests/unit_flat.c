#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "flat.h"
#include "judge.h"
#include "suite.h"

/* Asks both readers. Returns whether flat_read() has taken the line. */
static bool
judge(const char *line, size_t len)
{
	const char *what;
	bool taken;

	what = judge_line(line, len, &taken);
	ck_assert_msg(what == NULL, "%.*s: they differ in %s", (int)len, line,
	    what);
	return taken;
}

static const struct flat_member *
member(const struct flat *f, const char *key)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->members[i].key_len == strlen(key) &&
		    memcmp(f->members[i].key, key, strlen(key)) == 0)
			return &f->members[i];
	ck_abort_msg("no %s", key);
	return NULL;
}

static void
ck_string(const struct flat_value *v, const char *want, size_t len)
{
	ck_assert_int_eq(v->kind, FLAT_STRING);
	ck_assert_uint_eq(v->len, len);
	ck_assert_int_eq(memcmp(v->s, want, len), 0);
}

START_TEST(members_come_in_their_order_with_their_values)
{
	static const char line[] =
	    " { \"op\" :\"append\", \"content\":\"\\\"h\\u00e9\\u0000\\ud83d"
	    "\\ude00\\n\",\t\"n\":-12.50 ,\"yes\":true,\"no\":false,"
	    "\"\":null,\"\xc3\xa9\":\"\xe2\x82\xac\x7f\"} \r";
	struct flat f;

	arena_begin();
	ck_assert(flat_read(&f, line, sizeof(line) - 1));
	ck_assert_uint_eq(f.n, 7);
	ck_string(&f.members[0].value, "append", 6);
	ck_assert_ptr_eq(f.members[0].value.s, line + 10);
	ck_string(&f.members[1].value, "\"h\xc3\xa9\0\xf0\x9f\x98\x80\n", 10);
	ck_assert_ptr_eq(f.members[2].raw, strstr(line, "-12"));
	ck_assert_uint_eq(f.members[2].raw_len, 6);
	ck_assert_int_eq(f.members[2].value.kind, FLAT_OTHER);
	ck_assert_int_eq(member(&f, "yes")->value.kind, FLAT_TRUE);
	ck_assert_int_eq(member(&f, "no")->value.kind, FLAT_FALSE);
	ck_assert_int_eq(member(&f, "")->value.kind, FLAT_NULL);
	ck_string(&member(&f, "\xc3\xa9")->value, "\xe2\x82\xac\x7f", 4);
	arena_drop();
}
END_TEST

/* What fswrite is given, by jq and others: it is to be read here. */
static const char *const taken[] = {
    "{}",
    " {\t}\r",
    "{\"op\":\"append\",\"path\":\"f/000\",\"content\":\"xxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxx 00000000\\n\",\"id\":\"00000000\",\"time\":1763723662.000001}",
    "{\"op\":\"overwrite\",\"path\":\"a\\uFFFDb\",\"path_base64\":\"Yf9i\","
    "\"content\":\"aGk=\",\"encoding\":\"base64\",\"mode\":\"0644\"}",
    "{\"op\": \"rename\", \"old_path\": \"a\", \"path\": \"b\", "
    "\"replace\": true, \"exchange\": false, \"id\": null}",
    "{\"op\":\"append\",\"path\":\"audit.log\",\"content\":\"{\\\"event\\\":"
    "\\\"renamed\\\",\\\"path\\\":\\\"inbox/a\\\\\\\\b\\\",\\\"size\\\":12,"
    "\\\"time\\\":1763723662.123456,\\\"seq\\\":41}\\n\"}",
    "{\"op\":\"write\",\"path\":\"\xc3\x9c/\xe6\x97\xa5\",\"content\":\"\xd0"
    "\xb4\xd0\xb0, \xf0\x9f\x98\x80 \\ud83d\\ude00 \\u0000\\/\\b\\f\\r\\t\"}",
    "{\"op\":\"delete\",\"path\":\"a\",\"id\":1.10}",
    "{\"op\":\"delete\",\"path\":\"a\",\"id\":-0,\"x\":0.0}",
    "{\"op\":\"delete\",\"path\":\"a\",\"id\":123456789012345678901234567890}",
    "{\"op\":\"nop\",\"path\":\"a\"}",
    "{\"op\":\"write\",\"path\":7,\"content\":\"\"}",
    "{\"op\":\"write\",\"path\":false,\"content\":\"\"}",
    "{\"op\":\"write\",\"path\":\"a\",\"content\":true}",
    "{\"op\":\"write\",\"path\":\"a\",\"content\":null}",
    "{\"op\":\"rename\",\"path\":\"a\",\"old_path\":\"b\",\"replace\":null,"
    "\"exchange\":\"true\"}",
    "{\"op\":\"write\",\"path\":\"../a\",\"content\":\"\",\"truncated\":true}",
};

START_TEST(lines_as_they_are_given_are_taken)
{
	ck_assert_msg(judge(taken[_i], strlen(taken[_i])), "%s", taken[_i]);
}
END_TEST

/* A flat object of jansson's own, as a line. */
static char *
any_object(void)
{
	static const char *const texts[] = {"", "plain", "\n", "a\"b\\c/d",
	    "\x01\x1f\x7f", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "eight888",
	    "seven77", "sixteen 16 chars", "seventeen 17 char"};
	static const size_t flags[] = {JSON_COMPACT, 0, JSON_ENSURE_ASCII,
	    JSON_ESCAPE_SLASH, JSON_SORT_KEYS};
	json_t *json = json_object(), *v;
	char key[40], text[256], *line;
	int i, j, n = (int)(random() % 12);

	for (i = 0; i < n; i++) {
		text[0] = '\0';
		for (j = (int)(random() % 6); j > 0; j--)
			strcat(text, texts[random() % 10]);
		switch (random() % 6) {
		case 0:
			v = json_integer(random() - random());
			break;
		case 1:
			v = json_real((double)random() / 1024);
			break;
		case 2:
			v = random() % 2 == 0 ? json_true() : json_null();
			break;
		default:
			v = json_string(text);
		}
		(void)snprintf(key, sizeof(key), "%.*s%d", i * 2,
		    "abcdefghijklmnopqrstuvwxyz", i);
		ck_assert_int_eq(json_object_set_new(json, key, v), 0);
	}
	line = json_dumps(json, flags[random() % 5]);
	ck_assert_ptr_nonnull(line);
	json_decref(json);
	return line;
}

START_TEST(what_jansson_writes_flat_is_taken)
{
	char *line;
	int i;

	srandom(1);
	for (i = 0; i < 5000; i++) {
		line = any_object();
		ck_assert_msg(judge(line, strlen(line)), "%s", line);
		free(line);
	}
}
END_TEST

/* --- limits --- */

/* {"0":1,"1":1, ...} */
static void
add_members(struct buf *b, int n)
{
	char one[32];
	int i;

	buf_addc(b, '{');
	for (i = 0; i < n; i++) {
		(void)snprintf(one, sizeof(one), "%s\"%d\":1",
		    i == 0 ? "" : ",", i);
		buf_adds(b, one);
	}
}

START_TEST(more_members_than_there_is_room_for_are_left_to_jansson)
{
	struct buf b = BUF_INIT;

	add_members(&b, FLAT_MEMBERS);
	buf_addc(&b, '}');
	ck_assert(judge(b.data, b.len));
	buf_clear(&b);
	add_members(&b, FLAT_MEMBERS + 1);
	buf_addc(&b, '}');
	ck_assert(!judge(b.data, b.len));
	/* The same key as the first at the very end. */
	buf_clear(&b);
	add_members(&b, FLAT_MEMBERS - 1);
	buf_adds(&b, ",\"0\":1}");
	ck_assert(!judge(b.data, b.len));
	buf_free(&b);
}
END_TEST

START_TEST(numbers_of_many_digits_are_left_to_jansson)
{
	struct buf b = BUF_INIT;
	size_t n;

	/* At 309 digits jansson refuses. */
	for (n = 1; n < 320; n++) {
		buf_clear(&b);
		buf_adds(&b, "{\"id\":");
		while (b.len < 6 + n)
			buf_addc(&b, '9');
		buf_addc(&b, '}');
		ck_assert_msg(judge(b.data, b.len) == (n <= FLAT_DIGITS),
		    "%zu digits", n);
	}
	buf_free(&b);
}
END_TEST

START_TEST(strings_may_be_as_long_as_a_line)
{
	static const char *const pieces[] = {"x", "\\n", "\xd0\xb4",
	    "\\ud83d\\ude00", "xxxxxxx\\\"\\\\"};
	struct buf b = BUF_INIT;
	size_t i, len;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (len = 1; len < 2000000; len *= 5) {
			buf_clear(&b);
			buf_adds(&b,
			    "{\"op\":\"write\",\"path\":\"a\","
			    "\"content\":\"");
			while (b.len < len)
				buf_adds(&b, pieces[i]);
			buf_adds(&b, "\",\"mode\":\"6\\u00304\"}");
			ck_assert(judge(b.data, b.len));
		}
	buf_free(&b);
}
END_TEST

START_TEST(a_special_byte_is_seen_wherever_it_stands_in_a_string)
{
	static const char bytes[] = {'"', '\\', 0, 1, 0x1f, 0x20, 0x7f,
	    (char)0x80, (char)0xc3, (char)0xff};
	char line[64];
	size_t at, i, len;

	for (len = 0; len < 40; len++)
		for (at = 0; at < len; at++)
			for (i = 0; i < sizeof(bytes); i++) {
				memcpy(line, "{\"a\":\"", 6);
				memset(line + 6, 'x', len);
				line[6 + at] = bytes[i];
				memcpy(line + 6 + len, "\"}", 2);
				ck_assert(judge(line, len + 8) ==
				    (bytes[i] == 0x20 || bytes[i] == 0x7f));
			}
}
END_TEST

START_TEST(each_escape_reads_as_jansson_reads_it)
{
	char line[64];
	unsigned c, low;

	for (c = 0; c < 0x10000; c++) {
		(void)snprintf(line, sizeof(line), "{\"a\":\"\\u%04X\"}", c);
		ck_assert(
		    judge(line, strlen(line)) == (c < 0xd800 || c > 0xdfff));
	}
	for (c = 0xd700; c < 0xe100; c += 0x3f)
		for (low = 0xdb00; low < 0xe100; low += 0x3f) {
			(void)snprintf(line, sizeof(line),
			    "{\"a\":\"\\u%04x\\u%04x\"}", c, low);
			(void)judge(line, strlen(line));
		}
	for (c = 0; c < 256; c++) {
		(void)snprintf(line, sizeof(line), "{\"a\":\"\\_\"}");
		line[7] = (char)c;
		ck_assert(judge(line, 10) ==
		    (c != 0 && strchr("\"\\/bfnrt", (int)c) != NULL));
	}
}
END_TEST

/* --- hostile --- */

/* Not ours: jansson may take it, or say why not. */
static const char *const left[] = {
    "",
    " ",
    "{",
    "}",
    "nonsense",
    "42",
    "null",
    "true",
    "[]",
    "\"delete\"",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}x",
    "{\"a\":1} {}",
    "{\"a\":1}}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1,\"a\":1}",
    "{\"a\":1,\"b\":2,\"\\u0061\":3}",
    "{\"\\u0061\":1}",
    "{\"a\\u0000\":1}",
    "{\"a\":NaN}",
    "{\"a\":Infinity}",
    "{\"a\":nul}",
    "{\"a\":nulll}",
    "{\"a\":truefalse}",
    "{\"a\":tru",
    "{\"a\":01}",
    "{\"a\":-01}",
    "{\"a\":-}",
    "{\"a\":+1}",
    "{\"a\":.5}",
    "{\"a\":1.}",
    "{\"a\":-.5}",
    "{\"a\":1.5.5}",
    "{\"a\":1e5}",
    "{\"a\":1E+5}",
    "{\"a\":1e999}",
    "{\"a\":0x10}",
    "{\"a\":1_000}",
    "{\"a\":[]}",
    "{\"a\":{}}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":\"\\udc00x\"}",
    "{\"a\":\"\\ud800\\u0041\"}",
    "{\"a\":\"\\ud800\\ud800\"}",
    "{\"a\":\"\\ud83d\\ude0\"}",
    "{\"a\":\"\\u12g4\"}",
    "{\"a\":\"\\u123\"}",
    "{\"a\":\"\\U0041\"}",
    "{\"a\":\"\\x41\"}",
    "{\"a\":\"\\",
    "{\"a\":\"\\u",
    "{\"a\":\"\tb\"}",
    "{\"a\":\"b\n\"}",
    "{\"a\":\"\x1f\"}",
    "{\"a\xff\":1}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\x80\"}",
    "{\"a\":\"\xc0\xaf\"}",
    "{\"a\":\"\xed\xa0\x80\"}",
    "{\"a\":\"\xf4\x90\x80\x80\"}",
    "{\"a\":\"\xe2\x82\"}",
    "{\"a\":\"\xc3",
    "\xef\xbb\xbf{}",
    "{\"a\":1}\v",
    "{\"a\":\f1}",
    "{\"a\":1}\xc2\xa0",
    "{\"a\":1/**/}",
};

START_TEST(all_else_is_left_to_jansson)
{
	ck_assert_msg(!judge(left[_i], strlen(left[_i])), "%s", left[_i]);
}
END_TEST

START_TEST(a_nul_is_left_to_jansson_wherever_it_stands)
{
	static const char good[] = "{ \"op\" : \"append\", \"n\": 1.5 } ";
	char line[sizeof(good)];
	size_t i;

	ck_assert(judge(good, sizeof(good) - 1));
	ck_assert(!judge(good, sizeof(good)));
	for (i = 0; i < sizeof(good) - 1; i++) {
		memcpy(line, good, sizeof(good));
		line[i] = '\0';
		ck_assert(!judge(line, sizeof(good) - 1));
	}
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(no_cut_and_no_changed_byte_makes_them_differ)
{
	const char *good = taken[_i];
	char line[512];
	size_t i, len = strlen(good);
	int byte;

	ck_assert_uint_lt(len, sizeof(line));
	for (i = 0; i < len; i++) {
		(void)judge(good, i);
		memcpy(line, good, len);
		for (byte = 0; byte < 256; byte++) {
			line[i] = (char)byte;
			(void)judge(line, len);
		}
	}
}
END_TEST

/* Cuts pieces out of lines that are good and bad and joins them anew. */
static size_t
mutate(char *line, size_t size)
{
	static const char bytes[] = "\"\\{}[]:,tfn0-.e \t\r\xc3\xa9\xff";
	const char *from;
	size_t len = 0, n, at;
	int pieces = 1 + (int)(random() % 4);

	while (pieces-- > 0) {
		from = random() % 3 > 0 ? taken[random() % N(taken)] :
					  left[random() % N(left)];
		n = strlen(from);
		at = n == 0 ? 0 : (size_t)random() % n;
		if (pieces > 0)
			n = at == 0 ? 0 : (size_t)random() % at;
		else if (len > 0)
			from += at, n -= at;
		if (n > size - len)
			n = size - len;
		memcpy(line + len, from, n);
		len += n;
	}
	for (n = (size_t)random() % 3; n > 0 && len > 0; n--)
		line[(size_t)random() % len] =
		    bytes[(size_t)random() % sizeof(bytes)];
	return len;
}

START_TEST(no_pieces_of_lines_make_them_differ)
{
	char line[1024];
	size_t len, n = 0;
	int i;

	srandom((unsigned)_i);
	for (i = 0; i < 10000; i++) {
		len = mutate(line, sizeof(line));
		n += judge(line, len);
	}
	/* Many of them were something to differ in. */
	ck_assert_uint_gt(n, 500);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flat");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, members_come_in_their_order_with_their_values);
	tcase_add_loop_test(core, lines_as_they_are_given_are_taken, 0,
	    N(taken));
	tcase_add_test(core, what_jansson_writes_flat_is_taken);
	tcase_add_test(limits,
	    more_members_than_there_is_room_for_are_left_to_jansson);
	tcase_add_test(limits, numbers_of_many_digits_are_left_to_jansson);
	tcase_add_test(limits, strings_may_be_as_long_as_a_line);
	tcase_add_test(limits,
	    a_special_byte_is_seen_wherever_it_stands_in_a_string);
	tcase_add_test(limits, each_escape_reads_as_jansson_reads_it);
	tcase_add_loop_test(hostile, all_else_is_left_to_jansson, 0, N(left));
	tcase_add_test(hostile, a_nul_is_left_to_jansson_wherever_it_stands);
	tcase_add_loop_test(hostile,
	    no_cut_and_no_changed_byte_makes_them_differ, 0, N(taken));
	tcase_add_loop_test(hostile, no_pieces_of_lines_make_them_differ, 1, 6);
	tcase_set_timeout(core, 120);
	tcase_set_timeout(limits, 120);
	tcase_set_timeout(hostile, 120);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
