#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handles.h"
#include "suite.h"

static struct handles *t;
static char released[256];

static void
release(void *ctx, struct handle *h)
{
	ck_assert_ptr_eq(ctx, released);
	strcat(released, h->path);
	strcat(released, ";");
}

static void
begin(void)
{
	released[0] = '\0';
	t = handles_new(4, release, released);
	ck_assert_ptr_nonnull(t);
}

static void
end(void)
{
	handles_free(t);
}

static struct handle *
add(const char *path, bool is_dir)
{
	struct handle *h;

	h = handles_add(t, path, strlen(path), open("/dev/null", O_RDONLY),
	    is_dir);
	ck_assert_ptr_nonnull(h);
	return h;
}

static struct handle *
find(const char *path, bool is_dir)
{
	return handles_find(t, path, strlen(path), is_dir);
}

START_TEST(what_was_added_is_found_by_path_and_kind)
{
	struct handle *f = add("a/b", false), *d = add("a", true);

	ck_assert_ptr_eq(find("a/b", false), f);
	ck_assert_ptr_null(find("a/b", true));
	ck_assert_ptr_eq(find("a", true), d);
	ck_assert_ptr_null(find("a/", true));
	ck_assert_ptr_null(find("", true));
	handles_forget(t, f);
	ck_assert_ptr_null(find("a/b", false));
	ck_assert_uint_eq(handles_count(t), 1);
}
END_TEST

START_TEST(the_longest_unused_is_closed_when_there_are_too_many)
{
	int fd;

	add("", true);
	add("a", false);
	add("b", false);
	fd = add("c", false)->fd;
	handles_use(t, find("a", false));
	/* Which is more than to be found. */
	ck_assert_ptr_nonnull(find("b", false));
	add("d", false);
	ck_assert_str_eq(released, "b;");
	handles_pin(find("c", false));
	add("e", false);
	ck_assert_str_eq(released, "b;a;");
	ck_assert_uint_eq(handles_count(t), 4);
	ck_assert_int_ne(fcntl(fd, F_GETFD), -1);
	handles_unpin(find("c", false));
	/* The root stays. */
	ck_assert_uint_eq(handles_shrink(t, 100), 3);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_ptr_nonnull(find("", true));
}
END_TEST

START_TEST(forgetting_a_path_can_include_what_is_below)
{
	add("a", true);
	add("a/b", false);
	add("ab", false);
	handles_forget_path(t, "a", 1, false);
	ck_assert_ptr_null(find("a", true));
	ck_assert_ptr_nonnull(find("a/b", false));
	handles_forget_path(t, "a", 1, true);
	ck_assert_ptr_null(find("a/b", false));
	ck_assert_ptr_nonnull(find("ab", false));
	add("", true);
	handles_forget_all(t);
	ck_assert_uint_eq(handles_count(t), 1);
	ck_assert_ptr_nonnull(find("", true));
}
END_TEST

START_TEST(what_is_due_stays_open_until_it_is_done)
{
	struct handle *h = add("a", false), *other = add("b", false);
	int fd = h->fd;

	handles_set_due(t, h);
	handles_set_due(t, h);
	handles_set_due(t, other);
	handles_forget(t, h);
	ck_assert_ptr_null(find("a", false));
	ck_assert_int_ne(fcntl(fd, F_GETFD), -1);
	ck_assert_ptr_eq(handles_first_due(t), h);
	ck_assert_ptr_eq(handles_next_due(h), other);
	handles_clear_due(t, h);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_ptr_eq(handles_first_due(t), other);
	handles_clear_due(t, other);
	ck_assert_ptr_null(handles_first_due(t));
	ck_assert_ptr_nonnull(find("b", false));
	/* A new one of the name does not get in its way. */
	h = add("a", false);
	handles_set_due(t, h);
	handles_forget(t, h);
	ck_assert_ptr_ne(add("a", false), h);
	handles_clear_due(t, h);
	ck_assert_ptr_nonnull(find("a", false));
}
END_TEST

START_TEST(what_is_pinned_and_forgotten_stays_open_until_it_is_done)
{
	struct handle *h = add("a", false);
	int fd = h->fd;

	handles_pin(h);
	handles_forget_all(t);
	ck_assert_ptr_eq(find("a", false), h);
	handles_forget(t, h);
	ck_assert_ptr_null(find("a", false));
	ck_assert_uint_eq(handles_shrink(t, 100), 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD), -1);
	handles_unpin(h);
	ck_assert_ptr_eq(handles_first_due(t), h);
	handles_clear_due(t, h);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_uint_eq(handles_count(t), 0);
}
END_TEST

START_TEST(what_is_forgotten_makes_room_first)
{
	struct handle *h = add("a", false), *other = add("b", false);

	handles_set_due(t, other);
	handles_set_due(t, h);
	handles_forget(t, h);
	add("c", false);
	add("d", false);
	ck_assert_str_eq(released, "");
	add("e", false);
	ck_assert_str_eq(released, "a;");
	ck_assert_ptr_eq(handles_first_due(t), other);
	ck_assert_uint_eq(handles_count(t), 4);
}
END_TEST

START_TEST(thousands_are_found_and_freed)
{
	char path[32];
	int i;

	handles_free(t);
	t = handles_new(500, release, released);
	for (i = 0; i < 400; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		add(path, i % 2 == 0);
	}
	for (i = 0; i < 400; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		ck_assert_ptr_nonnull(find(path, i % 2 == 0));
		ck_assert_ptr_null(find(path, i % 2 != 0));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("handles");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_test(core, what_was_added_is_found_by_path_and_kind);
	tcase_add_test(core, forgetting_a_path_can_include_what_is_below);
	tcase_add_test(core, what_is_due_stays_open_until_it_is_done);
	tcase_add_test(core,
	    what_is_pinned_and_forgotten_stays_open_until_it_is_done);
	tcase_add_test(core, what_is_forgotten_makes_room_first);
	tcase_add_test(limits,
	    the_longest_unused_is_closed_when_there_are_too_many);
	tcase_add_test(limits, thousands_are_found_and_freed);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
