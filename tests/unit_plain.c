#include <check.h>
#include <string.h>

#include "buf.h"
#include "plain.h"
#include "suite.h"

static struct {
	const char *name;
	const char *shown;
} const names[] = {
    {"", ""},
    {"a b/c'd", "a b/c'd"},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82",
	"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82"},
    {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
    {"\x1b[2J\a\x7f", "\\x1b[2J\\x07\\x7f"},
    /* U+009B, which some terminals take for ESC [ */
    {"\xc2\x9b"
     "2J",
	"\\xc2\\x9b2J"},
    {"\xc2\xa0", "\xc2\xa0"},
    /* not UTF-8: each byte beyond ASCII */
    {"a\xff", "a\\xff"},
    {"\xc3\xa4\xc3", "\\xc3\\xa4\\xc3"},
    {"\xc2", "\\xc2"},
};

START_TEST(what_a_terminal_would_obey_is_shown_as_escapes)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "<");
	plain_add(&b, names[_i].name);
	buf_addc(&b, '\0');
	ck_assert(!b.failed);
	ck_assert_str_eq(b.data + 1, names[_i].shown);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plain");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_loop_test(hostile,
	    what_a_terminal_would_obey_is_shown_as_escapes, 0,
	    sizeof(names) / sizeof(names[0]));
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
