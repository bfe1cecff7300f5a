#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "suite.h"
#include "utf8.h"

#define FFFD "\xef\xbf\xbd"

static void
ck_text(const struct buf *b, const char *want)
{
	ck_assert(!b->failed);
	ck_assert_msg(b->len == strlen(want) &&
		memcmp(b->data, want, b->len) == 0,
	    "got %.*s, want %s", (int)b->len, b->data, want);
}

START_TEST(an_object_has_its_commas_where_they_belong)
{
	struct buf b = BUF_INIT;

	json_open(&b);
	json_key(&b, "event");
	ck_assert(json_cstring(&b, "created"));
	json_key(&b, "inner");
	json_open(&b);
	json_key(&b, "a");
	json_uint(&b, 0);
	json_key(&b, "b");
	json_bool(&b, true);
	json_close(&b);
	json_key(&b, "empty");
	json_open(&b);
	json_close(&b);
	json_key(&b, "no");
	json_bool(&b, false);
	json_close(&b);
	ck_text(&b,
	    "{\"event\":\"created\",\"inner\":{\"a\":0,\"b\":true},"
	    "\"empty\":{},\"no\":false}");
	buf_free(&b);
}
END_TEST

START_TEST(pieces_joined_by_ascii_read_as_one_string)
{
	struct buf b = BUF_INIT;

	buf_addc(&b, '"');
	ck_assert(json_chars(&b, "d\xc3\xa9", 3));
	buf_addc(&b, '/');
	ck_assert(!json_chars(&b, "\xc3", 1));
	buf_addc(&b, '"');
	ck_text(&b, "\"d\xc3\xa9/" FFFD "\"");
	buf_free(&b);
}
END_TEST

START_TEST(every_ascii_character_comes_back_through_a_parser)
{
	struct buf b = BUF_INIT;
	json_error_t error;
	json_t *value;
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	ck_assert(json_text(&b, text, sizeof(text)));
	for (i = 0; i < b.len; i++)
		ck_assert_msg((unsigned char)b.data[i] >= 0x20 &&
			b.data[i] != 0x7f,
		    "a bare control character in the output");
	value =
	    json_loadb(b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	ck_assert_msg(value != NULL, "%s", error.text);
	ck_assert_uint_eq(json_string_length(value), sizeof(text));
	ck_assert_mem_eq(json_string_value(value), text, sizeof(text));
	json_decref(value);
	buf_free(&b);
}
END_TEST

START_TEST(escapes_are_the_short_ones_where_there_are_any)
{
	struct buf b = BUF_INIT;

	ck_assert(json_text(&b, "\"\\/\b\f\n\r\t\x1b\x7f\0", 11));
	ck_text(&b, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001b\\u007f\\u0000\"");
	buf_free(&b);
}
END_TEST

/* RFC 4648, section 10. */
START_TEST(base64_is_that_of_the_rfc)
{
	static const struct {
		const char *in, *out;
	} vectors[] = {
	    {"", "\"\""},
	    {"f", "\"Zg==\""},
	    {"fo", "\"Zm8=\""},
	    {"foo", "\"Zm9v\""},
	    {"foob", "\"Zm9vYg==\""},
	    {"fooba", "\"Zm9vYmE=\""},
	    {"foobar", "\"Zm9vYmFy\""},
	    {"\xff\xfe\xfb\xef\xbe\xff", "\"//77777/\""},
	};
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf b = BUF_INIT;

		json_base64(&b, vectors[i].in, strlen(vectors[i].in));
		ck_text(&b, vectors[i].out);
		buf_free(&b);
	}
}
END_TEST

START_TEST(numbers_reach_their_limits)
{
	struct buf b = BUF_INIT;

	json_uint(&b, 0);
	buf_addc(&b, ' ');
	json_uint(&b, UINT64_MAX);
	buf_addc(&b, ' ');
	json_int(&b, INT64_MIN);
	buf_addc(&b, ' ');
	json_int(&b, -1);
	buf_addc(&b, ' ');
	json_int(&b, INT64_MAX);
	ck_text(&b,
	    "0 18446744073709551615 -9223372036854775808 -1 "
	    "9223372036854775807");
	buf_free(&b);
}
END_TEST

START_TEST(the_edges_of_utf8_are_exact)
{
	static const struct {
		const char *s;
		bool good;
	} edges[] = {
	    {"\x7f", true},
	    {"\xc2\x80", true},
	    {"\xdf\xbf", true},
	    {"\xe0\xa0\x80", true},
	    {"\xed\x9f\xbf", true},
	    {"\xee\x80\x80", true},
	    {"\xef\xbf\xbf", true},
	    {"\xf0\x90\x80\x80", true},
	    {"\xf4\x8f\xbf\xbf", true},
	    {"\x80", false},
	    {"\xbf", false},
	    {"\xc0\x80", false},
	    {"\xc1\xbf", false},
	    {"\xe0\x9f\xbf", false},
	    {"\xed\xa0\x80", false}, /* a surrogate */
	    {"\xed\xbf\xbf", false},
	    {"\xf0\x8f\xbf\xbf", false},
	    {"\xf4\x90\x80\x80", false}, /* U+110000 */
	    {"\xf5\x80\x80\x80", false},
	    {"\xff", false},
	    {"\xc3", false},
	    {"\xe2\x82", false},
	    {"\xf0\x9f\x98", false},
	    {"a\xc3(", false},
	};
	size_t i;

	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		ck_assert_msg(json_is_utf8(edges[i].s, strlen(edges[i].s)) ==
			edges[i].good,
		    "edge %zu", i);
	ck_assert(json_is_utf8("", 0));
}
END_TEST

START_TEST(code_points_are_decoded_as_they_are)
{
	static const struct {
		const char *s;
		uint32_t c;
		size_t n;
	} points[] = {
	    {"A", 'A', 1},
	    {"\xc3\xa9", 0xe9, 2},
	    {"\xe2\x80\xae", 0x202e, 3},
	    {"\xf0\x9f\x98\x80", 0x1f600, 4},
	    {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
	    {"\xf0\x9f\x98z", UTF8_BAD, 3},
	};
	uint32_t c;
	size_t i, n;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		n = utf8_next(points[i].s, strlen(points[i].s), &c);
		ck_assert_uint_eq(c, points[i].c);
		ck_assert_uint_eq(n, points[i].n);
	}
}
END_TEST

/* Unicode 15, section 3.9, tables 3-8 to 3-11. */
START_TEST(what_is_not_utf8_is_replaced_by_maximal_subparts)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
		FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
	    {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
		FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
	    {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42",
		FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
	    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A"},
	    {"\xf0\x9f\x98", FFFD},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT, want = BUF_INIT;

		buf_addc(&want, '"');
		buf_adds(&want, cases[i].out);
		buf_adds(&want, "\"");
		buf_addc(&want, '\0');
		ck_assert(!json_text(&b, cases[i].in, strlen(cases[i].in)));
		ck_text(&b, want.data);
		buf_free(&b);
		buf_free(&want);
	}
}
END_TEST

START_TEST(any_bytes_make_a_line_that_a_parser_takes)
{
	struct buf b = BUF_INIT;
	json_error_t error;
	json_t *value;
	char bytes[64];
	size_t round, i, len;
	bool good;

	srandom(7);
	for (round = 0; round < 20000; round++) {
		len = (size_t)random() % sizeof(bytes);
		for (i = 0; i < len; i++) /* mostly what begins a sequence */
			bytes[i] = (char)(random() % 4 == 0 ?
				random() :
				0x80 | (random() & 0x7f));
		buf_clear(&b);
		good = json_text(&b, bytes, len);
		ck_assert(good == json_is_utf8(bytes, len));
		ck_assert_ptr_null(memchr(b.data, '\n', b.len));
		value = json_loadb(b.data, b.len,
		    JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
		ck_assert_msg(value != NULL, "%s", error.text);
		if (good)
			ck_assert(json_string_length(value) == len &&
			    memcmp(json_string_value(value), bytes, len) == 0);
		json_decref(value);
	}
	buf_free(&b);
}
END_TEST

START_TEST(an_impossible_length_is_an_error_that_sticks)
{
	struct buf b = BUF_INIT;

	json_base64(&b, "x", SIZE_MAX);
	ck_assert(b.failed);
	ck_assert_uint_eq(b.len, 0);
	json_key(&b, "a");
	json_base64(&b, "x", 1);
	ck_assert_uint_eq(b.len, 0);
	buf_free(&b);
}
END_TEST

/* One byte among plain ones, and another behind it. */
static void
check_plain(char *s, size_t len, size_t at, unsigned char byte)
{
	bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';

	s[at] = (char)byte;
	ck_assert_msg(json_plain(s, len) == (plain ? len : at),
	    "%02x at %zu of %zu", byte, at, len);
	if (at + 1 < len) {
		s[at + 1] = '"';
		ck_assert_msg(json_plain(s, len) == (plain ? at + 1 : at),
		    "%02x at %zu of %zu, before a quote", byte, at, len);
		s[at + 1] = '~';
	}
	s[at] = ' ';
}

START_TEST(the_first_special_byte_is_found_wherever_it_stands)
{
	size_t len, at, i;
	int byte;
	char *s;

	ck_assert_uint_eq(json_plain("", 0), 0);
	for (len = 1; len < 20; len++) {
		/* Just as long, so that a sanitizer sees what reads on. */
		s = malloc(len);
		ck_assert_ptr_nonnull(s);
		for (i = 0; i < len; i++)
			s[i] = i % 2 == 0 ? ' ' : '~';
		for (at = 0; at < len; at++)
			for (byte = 0; byte < 256; byte++)
				check_plain(s, len, at, (unsigned char)byte);
		free(s);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, an_object_has_its_commas_where_they_belong);
	tcase_add_test(core, pieces_joined_by_ascii_read_as_one_string);
	tcase_add_test(core, every_ascii_character_comes_back_through_a_parser);
	tcase_add_test(core, escapes_are_the_short_ones_where_there_are_any);
	tcase_add_test(core, base64_is_that_of_the_rfc);
	tcase_add_test(core, code_points_are_decoded_as_they_are);
	tcase_add_test(limits, numbers_reach_their_limits);
	tcase_add_test(limits, the_edges_of_utf8_are_exact);
	tcase_add_test(limits,
	    the_first_special_byte_is_found_wherever_it_stands);
	tcase_add_test(hostile,
	    what_is_not_utf8_is_replaced_by_maximal_subparts);
	tcase_add_test(hostile, any_bytes_make_a_line_that_a_parser_takes);
	tcase_add_test(hostile, an_impossible_length_is_an_error_that_sticks);
	tcase_set_timeout(hostile, 60);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
