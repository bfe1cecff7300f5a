#include <check.h>
#include <string.h>
#include <sys/stat.h>

#include "event.h"
#include "suite.h"

#define BIT EVENT_BIT

/* Parses lists one after the other, as several -e do; returns the set. */
static unsigned
kinds(const char *first, const char *second)
{
	unsigned set = EVENT_DEFAULT;
	bool given = false;
	const char *bad = NULL;
	size_t bad_len = 0;

	ck_assert_msg(event_parse_kinds(first, &set, &given, &bad, &bad_len) ==
		0,
	    "%.*s", (int)bad_len, bad);
	if (second != NULL)
		ck_assert_msg(event_parse_kinds(second, &set, &given, &bad,
				  &bad_len) == 0,
		    "%.*s", (int)bad_len, bad);
	return set;
}

START_TEST(every_kind_is_found_by_its_name)
{
	unsigned kind;

	for (kind = 0; kind < EVENT_NKINDS; kind++)
		ck_assert_uint_eq(kinds(event_kind_name(kind), NULL),
		    BIT(kind));
}
END_TEST

START_TEST(plain_names_replace_the_default_and_then_add_up)
{
	ck_assert_uint_eq(kinds("created,deleted", NULL),
	    BIT(EVENT_CREATED) | BIT(EVENT_DELETED));
	ck_assert_uint_eq(kinds("complete", "deleted"),
	    BIT(EVENT_COMPLETE) | BIT(EVENT_DELETED));
	ck_assert_uint_eq(kinds("default", NULL), EVENT_DEFAULT);
	ck_assert_uint_eq(kinds("ready,default", NULL),
	    EVENT_DEFAULT | BIT(EVENT_READY));
	ck_assert_uint_eq(kinds("all", NULL), EVENT_ALL);
}
END_TEST

START_TEST(signs_change_what_there_is)
{
	ck_assert_uint_eq(kinds("+ready", NULL),
	    EVENT_DEFAULT | BIT(EVENT_READY));
	ck_assert_uint_eq(kinds("-modified", NULL),
	    EVENT_DEFAULT & ~BIT(EVENT_MODIFIED));
	ck_assert_uint_eq(kinds("+ready,-renamed", NULL),
	    (EVENT_DEFAULT | BIT(EVENT_READY)) & ~BIT(EVENT_RENAMED));
	ck_assert_uint_eq(kinds("all", "-accessed,-opened"),
	    EVENT_ALL & ~(BIT(EVENT_ACCESSED) | BIT(EVENT_OPENED)));
	ck_assert_uint_eq(kinds("-default", "+quiet"), BIT(EVENT_QUIET));
}
END_TEST

START_TEST(the_order_of_signs_and_first_names_does_not_matter)
{
	unsigned want = BIT(EVENT_CREATED) | BIT(EVENT_READY);

	ck_assert_uint_eq(kinds("+ready", "created"), want);
	ck_assert_uint_eq(kinds("created", "+ready"), want);
	ck_assert_uint_eq(kinds("created,ready", NULL), want);
}
END_TEST

START_TEST(a_bad_word_is_pointed_out_and_changes_nothing)
{
	static const struct {
		const char *list, *bad;
	} cases[] = {
	    {"created,frob,deleted", "frob"},
	    {"frob", "frob"},
	    {"", ""},
	    {"created,", ""},
	    {",created", ""},
	    {"created,,deleted", ""},
	    {"+", "+"},
	    {"-", "-"},
	    {"++created", "++created"},
	    {"Created", "Created"},
	    {"create", "create"},
	    {"createdd", "createdd"},
	    {"created ", "created "},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned set = EVENT_DEFAULT;
		bool given = false;
		const char *bad = NULL;
		size_t len = 99;

		ck_assert_int_eq(event_parse_kinds(cases[i].list, &set, &given,
				     &bad, &len),
		    -1);
		ck_assert_uint_eq(set, EVENT_DEFAULT);
		ck_assert(!given);
		ck_assert_uint_eq(len, strlen(cases[i].bad));
		ck_assert(bad >= cases[i].list &&
		    bad + len <= cases[i].list + strlen(cases[i].list));
		ck_assert_int_eq(strncmp(bad, cases[i].bad, len), 0);
	}
}
END_TEST

START_TEST(types_go_by_letter_or_name)
{
	const char *bad;
	size_t len;
	unsigned types = 0;

	ck_assert_int_eq(event_parse_types("f,dir", &types, &bad, &len), 0);
	ck_assert_uint_eq(types,
	    EVENT_TYPE_BIT(EVENT_FILE) | EVENT_TYPE_BIT(EVENT_DIR));
	ck_assert_int_eq(event_parse_types("l", &types, &bad, &len), 0);
	ck_assert_int_eq(event_parse_types("o", &types, &bad, &len), 0);
	ck_assert_uint_eq(types, EVENT_TYPES_ALL);
	types = 0;
	ck_assert_int_eq(event_parse_types("file,d,symlink,other", &types, &bad,
			     &len),
	    0);
	ck_assert_uint_eq(types, EVENT_TYPES_ALL);
	types = 0;
	ck_assert_int_eq(event_parse_types("f,socket", &types, &bad, &len), -1);
	ck_assert_int_eq(strncmp(bad, "socket", len), 0);
	ck_assert_uint_eq(len, 6);
	ck_assert_uint_eq(types, 0);
	ck_assert_int_eq(event_parse_types("", &types, &bad, &len), -1);
}
END_TEST

START_TEST(modes_name_their_types)
{
	ck_assert_str_eq(event_type_name(event_type_of(S_IFREG | 0644)),
	    "file");
	ck_assert_str_eq(event_type_name(event_type_of(S_IFDIR)), "dir");
	ck_assert_str_eq(event_type_name(event_type_of(S_IFLNK)), "symlink");
	ck_assert_str_eq(event_type_name(event_type_of(S_IFIFO)), "other");
	ck_assert_str_eq(event_type_name(event_type_of(S_IFSOCK)), "other");
	ck_assert_str_eq(event_type_name(event_type_of(S_IFCHR)), "other");
	ck_assert_str_eq(event_type_name(EVENT_NOTYPE), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("event");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, every_kind_is_found_by_its_name);
	tcase_add_test(core, plain_names_replace_the_default_and_then_add_up);
	tcase_add_test(core, signs_change_what_there_is);
	tcase_add_test(core,
	    the_order_of_signs_and_first_names_does_not_matter);
	tcase_add_test(core, types_go_by_letter_or_name);
	tcase_add_test(core, modes_name_their_types);
	tcase_add_test(hostile, a_bad_word_is_pointed_out_and_changes_nothing);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
