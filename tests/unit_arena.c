#include <check.h>
#include <jansson.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "suite.h"

static json_t *
read_json(const char *text)
{
	json_t *json;

	arena_begin();
	json = json_loads(text, JSON_DECODE_ANY, NULL);
	arena_end();
	return json;
}

/* A list of n strings of len bytes. */
static char *
list(size_t n, size_t len)
{
	char *text, *p;
	size_t i;

	p = text = malloc(n * (len + 3) + 2);
	ck_assert_ptr_nonnull(text);
	for (i = 0; i < n; i++) {
		*p++ = i == 0 ? '[' : ',';
		*p++ = '"';
		memset(p, 'a' + (int)(i % 26), len);
		p += len;
		*p++ = '"';
	}
	*p++ = ']';
	*p = '\0';
	return text;
}

static void
check_list(const json_t *json, size_t n, size_t len)
{
	const char *s;
	size_t i;

	ck_assert_uint_eq(json_array_size(json), n);
	for (i = 0; i < n; i++) {
		s = json_string_value(json_array_get(json, i));
		ck_assert_uint_eq(strlen(s), len);
		ck_assert_int_eq(s[0], 'a' + (int)(i % 26));
		ck_assert_int_eq(s[len - 1], s[0]);
	}
}

START_TEST(what_was_read_stays_until_the_last_of_its_users_drops_it)
{
	json_t *a = read_json("{\"a\":[1,2,\"three\"]}"), *b;

	b = read_json("[\"another\"]");
	ck_assert_str_eq(json_string_value(json_array_get(b, 0)), "another");
	arena_drop();
	ck_assert_str_eq(json_string_value(
			     json_array_get(json_object_get(a, "a"), 2)),
	    "three");
	arena_drop();
}
END_TEST

START_TEST(values_of_any_size_and_number_have_room)
{
	static const struct {
		size_t n, len;
	} sizes[] = {{1, 1}, {5000, 10}, {100, 16000}, {20, 100000},
	    {2, 3000000}};
	char *text;
	size_t i, round;

	for (round = 0; round < 3; round++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			text = list(sizes[i].n, sizes[i].len);
			check_list(read_json(text), sizes[i].n, sizes[i].len);
			arena_drop();
			free(text);
		}
}
END_TEST

START_TEST(what_is_read_outside_of_it_lives_by_itself)
{
	json_t *before, *after;

	(void)read_json("[]");
	before = json_loads("[\"before\"]", 0, NULL);
	arena_drop();
	after = json_loads("[\"after\"]", 0, NULL);
	(void)read_json("[\"x\",\"y\"]");
	arena_drop();
	ck_assert_str_eq(json_string_value(json_array_get(before, 0)),
	    "before");
	ck_assert_str_eq(json_string_value(json_array_get(after, 0)), "after");
	json_decref(before);
	json_decref(after);
}
END_TEST

START_TEST(what_fails_to_be_read_is_given_back_too)
{
	char *text = list(5000, 100);
	int i;

	text[strlen(text) - 1] = '}';
	for (i = 0; i < 20; i++) {
		ck_assert_ptr_null(read_json(text));
		arena_drop();
	}
	free(text);
}
END_TEST

START_TEST(others_may_have_memory_of_it_beside_jansson)
{
	json_t *json = read_json("[\"one\"]");
	char *p[100], *large;
	size_t i;

	for (i = 0; i < 100; i++) {
		p[i] = arena_alloc(i + 1);
		ck_assert_ptr_nonnull(p[i]);
		memset(p[i], (int)i, i + 1);
	}
	large = arena_alloc(1000000);
	ck_assert_ptr_nonnull(large);
	memset(large, 'l', 1000000);
	/* Also when jansson is not at it; and what fails is no harm. */
	ck_assert_ptr_null(arena_alloc(SIZE_MAX));
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(p[i][0], (int)i);
		ck_assert_int_eq(p[i][i], (int)i);
	}
	ck_assert_str_eq(json_string_value(json_array_get(json, 0)), "one");
	arena_drop();
}
END_TEST

/* Bytes that are allocated at present. */
static size_t
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

START_TEST(a_large_value_leaves_nothing_behind)
{
	char *text = list(50, 100000);
	size_t before, after;

	(void)read_json("[]");
	arena_drop();
	before = in_use();
	if (before == 0) {
		/* A sanitizer's malloc does not count. */
		printf("skip - a large value leaves nothing behind"
		       " - no mallinfo2\n");
		free(text);
		return;
	}
	check_list(read_json(text), 50, 100000);
	after = in_use();
	/* And what grows is not there twice. */
	ck_assert_uint_gt(after, before + 50 * 100000);
	ck_assert_uint_lt(after, before + 52 * 100000 + 200000);
	arena_drop();
	ck_assert_uint_eq(in_use(), before);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("arena");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core,
	    what_was_read_stays_until_the_last_of_its_users_drops_it);
	tcase_add_test(core, what_is_read_outside_of_it_lives_by_itself);
	tcase_add_test(core, what_fails_to_be_read_is_given_back_too);
	tcase_add_test(core, others_may_have_memory_of_it_beside_jansson);
	tcase_add_test(limits, values_of_any_size_and_number_have_room);
	tcase_add_test(limits, a_large_value_leaves_nothing_behind);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
