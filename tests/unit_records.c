#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"
#include "suite.h"

static struct records *r;

static void
open_records(void)
{
	r = records_new();
	ck_assert_ptr_nonnull(r);
}

static void
close_records(void)
{
	records_free(r);
}

/* Adds a record as the kernel would write it. Returns false when there is no
 * room. */
static bool
add(int wd, uint32_t mask, const char *name)
{
	struct inotify_event ev = {.wd = wd, .mask = mask};
	size_t room, len = strlen(name);
	char *to = records_room(r, &room);

	if (room < RECORDS_MAX)
		return false;
	if (len > 0)
		ev.len =
		    (uint32_t)((len + sizeof(ev)) / sizeof(ev) * sizeof(ev));
	memset(to, 0, sizeof(ev) + ev.len);
	memcpy(to, &ev, sizeof(ev));
	memcpy(to + sizeof(ev), name, len);
	records_add(r, sizeof(ev) + ev.len);
	return true;
}

static struct inotify_event *
named(int wd, const char *name, const struct inotify_event *behind)
{
	return records_named(r, wd, name, strlen(name), behind);
}

START_TEST(records_come_out_in_the_order_they_went_in)
{
	const struct inotify_event *ev;

	ck_assert_ptr_null(records_head(r));
	ck_assert(add(1, IN_CREATE, "a"));
	ck_assert(add(2, IN_IGNORED, ""));
	ck_assert(add(1, IN_MODIFY, "a"));
	ev = records_head(r);
	ck_assert_str_eq(ev->name, "a");
	ev = records_behind(r, ev);
	ck_assert_int_eq(ev->wd, 2);
	ev = records_behind(r, ev);
	ck_assert_uint_eq(ev->mask, IN_MODIFY);
	ck_assert_ptr_null(records_behind(r, ev));
	records_drop(r);
	ck_assert_int_eq(records_head(r)->wd, 2);
	records_drop(r);
	records_drop(r);
	ck_assert_ptr_null(records_head(r));
}
END_TEST

START_TEST(a_name_is_found_in_its_directory_only_and_in_order)
{
	const struct inotify_event *ev;

	ck_assert(add(1, IN_CREATE, "a"));
	ck_assert(add(2, IN_CREATE, "a"));
	ck_assert(add(1, IN_MODIFY, "a"));
	ck_assert(add(1, IN_CREATE, "ab"));
	ck_assert(add(1, IN_CLOSE_WRITE, "a"));
	ck_assert(add(1, IN_DELETE, "a"));
	ev = named(1, "a", NULL);
	ck_assert_uint_eq(ev->mask, IN_CREATE);
	ev = named(1, "a", ev);
	ck_assert_uint_eq(ev->mask, IN_DELETE);
	ck_assert_ptr_null(named(1, "a", ev));
	ck_assert_ptr_null(named(3, "a", NULL));
	ck_assert_ptr_null(named(2, "ab", NULL));
	records_drop(r);
	ck_assert_uint_eq(named(1, "a", NULL)->mask, IN_DELETE);
}
END_TEST

START_TEST(what_is_closed_is_found_apart)
{
	ck_assert(add(1, IN_CREATE, "a"));
	ck_assert(!records_closing(r, 1, "a", 1));
	ck_assert(add(1, IN_CLOSE_WRITE, "a"));
	ck_assert(add(1, IN_CLOSE_WRITE, "a"));
	ck_assert(records_closing(r, 1, "a", 1));
	ck_assert(!records_closing(r, 2, "a", 1));
	ck_assert(!records_closing(r, 1, "b", 1));
	records_drop(r);
	/* Thousands of these would not have to be passed. */
	ck_assert_ptr_null(named(1, "a", NULL));
	records_drop(r);
	ck_assert(records_closing(r, 1, "a", 1));
	records_drop(r);
	ck_assert(!records_closing(r, 1, "a", 1));
}
END_TEST

START_TEST(a_directory_is_found_with_what_appeared_and_went_in_it)
{
	const struct inotify_event *ev;

	ck_assert(add(1, IN_CLOSE_WRITE, "a"));
	ck_assert(add(2, IN_CREATE, "b"));
	ck_assert(add(1, IN_MOVED_TO, "c"));
	ck_assert(add(1, IN_IGNORED, ""));
	ev = records_of(r, 1, NULL);
	ck_assert_str_eq(ev->name, "c");
	ck_assert_ptr_null(records_of(r, 1, ev));
	ck_assert_str_eq(records_of(r, 2, NULL)->name, "b");
	ck_assert_ptr_null(records_of(r, 3, NULL));
}
END_TEST

START_TEST(positions_go_on_wherever_the_records_lie)
{
	uint64_t at = 0, end;
	char name[16];
	int i, k;

	/* More than there is room for, in steps, so that it starts over. */
	for (i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		end = records_position(r, NULL);
		ck_assert(add(1, IN_CREATE, name));
		ck_assert_uint_eq(records_position(r, NULL), end + 32);
		if (i < 100)
			continue;
		for (k = i - 100; k <= i; k += 50) {
			(void)snprintf(name, sizeof(name), "%d", k);
			ck_assert_str_eq(named(1, name, NULL)->name, name);
		}
		ck_assert_uint_eq(records_position(r, records_head(r)), at);
		records_drop(r);
		at += 32;
		(void)snprintf(name, sizeof(name), "%d", i - 100);
		ck_assert_ptr_null(named(1, name, NULL));
	}
}
END_TEST

START_TEST(a_great_many_are_held_and_then_no_more)
{
	const struct inotify_event *ev = NULL;
	char name[16];
	int i, n;

	for (n = 0;; n++) {
		(void)snprintf(name, sizeof(name), "%d", n);
		if (!add(n % 7, IN_CREATE, name))
			break;
		ck_assert_int_lt(n, 1000000);
	}
	/* Several times the kernel's own queue. */
	ck_assert_int_gt(n, 3 * 16384);
	for (i = 0; i < n; i += 97) {
		(void)snprintf(name, sizeof(name), "%d", i);
		ck_assert_str_eq(named(i % 7, name, NULL)->name, name);
	}
	for (i = 0; (ev = records_of(r, 3, ev)) != NULL; i++)
		ck_assert_int_eq(atoi(ev->name), i * 7 + 3);
	ck_assert_int_eq(i, (n + 3) / 7);
	for (i = 0; i < n; i++)
		records_drop(r);
	ck_assert_ptr_null(records_head(r));
	ck_assert(add(1, IN_CREATE, "again"));
	ck_assert_str_eq(named(1, "again", NULL)->name, "again");
}
END_TEST

START_TEST(the_longest_names_are_names_too)
{
	char name[NAME_MAX + 1];
	int i;

	memset(name, 'x', NAME_MAX);
	name[NAME_MAX] = '\0';
	for (i = 0; i < 1000; i++) {
		name[i % NAME_MAX] ^= 1;
		ck_assert(add(1, IN_CREATE, name));
		ck_assert_str_eq(named(1, name, NULL)->name, name);
		records_drop(r);
		ck_assert_ptr_null(named(1, name, NULL));
	}
}
END_TEST

static TCase *
with_records(const char *name)
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, open_records, close_records);
	return c;
}

int
main(void)
{
	Suite *s = suite_create("records");
	TCase *core = with_records("Core"), *limits = with_records("Limits");

	tcase_add_test(core, records_come_out_in_the_order_they_went_in);
	tcase_add_test(core, what_is_closed_is_found_apart);
	tcase_add_test(core,
	    a_name_is_found_in_its_directory_only_and_in_order);
	tcase_add_test(core,
	    a_directory_is_found_with_what_appeared_and_went_in_it);
	suite_add_tcase(s, core);
	tcase_add_test(limits, positions_go_on_wherever_the_records_lie);
	tcase_add_test(limits, a_great_many_are_held_and_then_no_more);
	tcase_add_test(limits, the_longest_names_are_names_too);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
