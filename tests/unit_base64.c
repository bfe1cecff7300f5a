#include <check.h>
#include <string.h>

#include "base64.h"
#include "buf.h"
#include "json.h"
#include "suite.h"

static const struct {
	const char *text;
	const char *digits;
} rfc4648[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

START_TEST(the_vectors_of_the_rfc_decode)
{
	char out[16];
	size_t n;

	ck_assert_int_eq(base64_decode(rfc4648[_i].digits,
			     strlen(rfc4648[_i].digits), out, &n),
	    0);
	ck_assert_uint_eq(n, strlen(rfc4648[_i].text));
	ck_assert_int_eq(memcmp(out, rfc4648[_i].text, n), 0);
}
END_TEST

START_TEST(all_bytes_come_back_from_what_json_writes)
{
	unsigned char data[259];
	struct buf b = BUF_INIT;
	char out[300];
	size_t i, len, n;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (len = 0; len <= sizeof(data); len++) {
		buf_clear(&b);
		json_base64(&b, data, len);
		ck_assert_int_eq(base64_decode(b.data + 1, b.len - 2, out, &n),
		    0);
		ck_assert_uint_eq(n, len);
		ck_assert_int_eq(memcmp(out, data, n), 0);
	}
	buf_free(&b);
}
END_TEST

static const char *const inexact[] = {"Zg",
    "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "=", "Zm 9v",
    "Zm9v\n", "Zm9v\nZg==", "Zm-_", "Zm9\xff", "Zg=a", "Z=g="};

START_TEST(what_is_not_exact_is_refused)
{
	char out[16];
	size_t n;

	ck_assert_msg(base64_decode(inexact[_i], strlen(inexact[_i]), out,
			  &n) == -1,
	    "%s was let through", inexact[_i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base64");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_loop_test(core, the_vectors_of_the_rfc_decode, 0,
	    (int)(sizeof(rfc4648) / sizeof(rfc4648[0])));
	tcase_add_test(core, all_bytes_come_back_from_what_json_writes);
	tcase_add_loop_test(hostile, what_is_not_exact_is_refused, 0,
	    (int)(sizeof(inexact) / sizeof(inexact[0])));
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
