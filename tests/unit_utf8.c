#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "utf8.h"

/* What utf8_next() makes of a string: each step as "bytes:code point", and
 * "bytes:bad". It is put into memory of its own, so that a sanitizer sees
 * what reads too far. */
static const char *
steps(const char *s, size_t len)
{
	static char out[512];
	char *copy = malloc(len), *p = out;
	size_t i, n;
	uint32_t c;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, s, len);
	out[0] = '\0';
	for (i = 0; i < len; i += n) {
		n = utf8_next(copy + i, len - i, &c);
		ck_assert_uint_ge(n, 1);
		ck_assert_uint_le(n, len - i);
		p += c == UTF8_BAD ? sprintf(p, "%zu:bad ", n) :
				     sprintf(p, "%zu:%x ", n, (unsigned)c);
	}
	free(copy);
	return out;
}

#define STEPS(s) steps(s, sizeof(s) - 1)

START_TEST(every_length_is_decoded_at_its_ends)
{
	ck_assert_str_eq(steps("\0\x7f", 2), "1:0 1:7f ");
	ck_assert_str_eq(STEPS("\xc2\x80\xdf\xbf"), "2:80 2:7ff ");
	ck_assert_str_eq(STEPS("\xe0\xa0\x80\xef\xbf\xbf"), "3:800 3:ffff ");
	ck_assert_str_eq(STEPS("\xed\x9f\xbf\xee\x80\x80"), "3:d7ff 3:e000 ");
	ck_assert_str_eq(STEPS("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
	    "4:10000 4:10ffff ");
	ck_assert_str_eq(STEPS("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"),
	    "1:61 2:e4 3:20ac 4:1f600 1:7a ");
}
END_TEST

START_TEST(each_code_point_comes_back_as_it_was)
{
	unsigned char s[4];
	uint32_t c, got;
	size_t n;

	for (c = 0; c <= 0x10ffff; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		if (c < 0x80) {
			s[0] = (unsigned char)c;
			n = 1;
		} else if (c < 0x800) {
			s[0] = (unsigned char)(0xc0 | c >> 6);
			n = 2;
		} else if (c < 0x10000) {
			s[0] = (unsigned char)(0xe0 | c >> 12);
			n = 3;
		} else {
			s[0] = (unsigned char)(0xf0 | c >> 18);
			n = 4;
		}
		for (size_t i = 1; i < n; i++)
			s[i] = (unsigned char)(0x80 |
			    (c >> (6 * (n - 1 - i)) & 0x3f));
		if (utf8_next((char *)s, n, &got) != n || got != c)
			ck_abort_msg("U+%04X", (unsigned)c);
	}
}
END_TEST

START_TEST(what_is_cut_off_is_one_bad_piece)
{
	ck_assert_str_eq(STEPS("\xc3"), "1:bad ");
	ck_assert_str_eq(STEPS("\xe2\x82"), "2:bad ");
	ck_assert_str_eq(STEPS("\xf0\x9f\x98"), "3:bad ");
	ck_assert_str_eq(STEPS("\xf0\x9f\x98z"), "3:bad 1:7a ");
	ck_assert_str_eq(STEPS("\xe2\x82\xe2\x82\xac"), "2:bad 3:20ac ");
}
END_TEST

START_TEST(overlong_forms_surrogates_and_what_is_beyond_are_bad)
{
	ck_assert_str_eq(STEPS("\xc0\xaf"), "1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\xc1\xbf"), "1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\xe0\x9f\xbf"), "1:bad 1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\xf0\x8f\xbf\xbf"), "1:bad 1:bad 1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\xed\xa0\x80"), "1:bad 1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\xf4\x90\x80\x80"), "1:bad 1:bad 1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\xf5\x80"), "1:bad 1:bad ");
	ck_assert_str_eq(STEPS("\x80\xbf\xfe\xff"), "1:bad 1:bad 1:bad 1:bad ");
}
END_TEST

START_TEST(the_example_of_the_standard_is_cut_as_it_says)
{
	/* Unicode 15, table 3-8 and the one of section 3.9 before it. */
	ck_assert_str_eq(STEPS("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80"
			       "\xbf\x64"),
	    "1:61 3:bad 2:bad 1:bad 1:62 1:bad 1:63 1:bad 1:bad 1:64 ");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("utf8");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, every_length_is_decoded_at_its_ends);
	tcase_add_test(core, each_code_point_comes_back_as_it_was);
	tcase_add_test(limits, what_is_cut_off_is_one_bad_piece);
	tcase_add_test(hostile,
	    overlong_forms_surrogates_and_what_is_beyond_are_bad);
	tcase_add_test(hostile, the_example_of_the_standard_is_cut_as_it_says);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
