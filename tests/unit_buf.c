#include <check.h>
#include <string.h>

#include "buf.h"
#include "suite.h"

START_TEST(bytes_come_out_as_they_went_in)
{
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < 1000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	buf_adds(&b, "end");
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.len, 1003);
	ck_assert_int_eq(memcmp(b.data, "abcdefgh", 8), 0);
	ck_assert_int_eq(memcmp(b.data + 1000, "end", 3), 0);
	buf_free(&b);
}
END_TEST

START_TEST(an_impossible_size_sticks_as_an_error)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "x");
	ck_assert_ptr_null(buf_reserve(&b, (size_t)-1));
	ck_assert(b.failed);
	buf_adds(&b, "y");
	ck_assert_uint_eq(b.len, 1);
	buf_clear(&b);
	ck_assert(!b.failed);
	buf_adds(&b, "z");
	ck_assert_int_eq(memcmp(b.data, "z", 1), 0);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("buf");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core, bytes_come_out_as_they_went_in);
	tcase_add_test(limits, an_impossible_size_sticks_as_an_error);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
