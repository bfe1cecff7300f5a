#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "durable.h"
#include "handles.h"
#include "scratch.h"
#include "suite.h"

static struct scratch dir;
static struct durable d;

/* Only what is shrunk is released. */
static void
release(void *ctx, struct handle *h)
{
	(void)ctx;
	(void)h;
}

static void
begin(void)
{
	scratch_open(&dir);
	d = (struct durable){.wanted = true,
	    .handles = handles_new(16, release, NULL)};
	ck_assert_ptr_nonnull(d.handles);
}

static void
end(void)
{
	handles_free(d.handles);
	scratch_close(&dir);
}

static struct handle *
add(const char *path, int fd, bool is_dir)
{
	struct handle *h;

	ck_assert_int_ne(fd, -1);
	h = handles_add(d.handles, path, strlen(path), fd, is_dir);
	ck_assert_ptr_nonnull(h);
	return h;
}

static int
new_file(const char *name)
{
	return openat(dir.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
}

/* A descriptor that cannot be synced. */
static int
bad_file(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	(void)close(fds[1]);
	return fds[0];
}

START_TEST(what_is_due_is_synced_once)
{
	struct handle *f = add("f", new_file("f"), false);
	struct handle *g = add("g", new_file("g"), false);
	struct handle *top = add("", dup(dir.fd), true);

	durable_due(&d, f);
	durable_due(&d, top);
	durable_due(&d, f);
	durable_handle(&d, g);
	ck_assert_uint_eq(d.syncs, 0);
	durable_handle(&d, top);
	ck_assert_uint_eq(d.syncs, 1);
	durable_commit(&d);
	ck_assert_uint_eq(d.syncs, 2);
	durable_commit(&d);
	ck_assert_uint_eq(d.syncs, 2);
	ck_assert_int_eq(d.error, 0);
	ck_assert_ptr_null(handles_first_due(d.handles));
}
END_TEST

START_TEST(where_it_is_not_wanted_nothing_is_due)
{
	struct handle *f = add("f", new_file("f"), false);

	d.wanted = false;
	durable_due(&d, f);
	ck_assert_ptr_null(handles_first_due(d.handles));
	/* But on the list for another reason it is cleared. */
	handles_set_due(d.handles, f);
	durable_commit(&d);
	ck_assert_uint_eq(d.syncs, 0);
	ck_assert_ptr_null(handles_first_due(d.handles));
}
END_TEST

START_TEST(after_a_failure_there_is_no_second_try)
{
	struct handle *bad = add("bad", bad_file(), false);
	struct handle *f = add("f", new_file("f"), false);

	durable_due(&d, bad);
	durable_due(&d, f);
	durable_commit(&d);
	ck_assert_int_eq(d.error, EINVAL);
	ck_assert_uint_eq(d.syncs, 1);
	durable_due(&d, f);
	durable_commit(&d);
	ck_assert_uint_eq(d.syncs, 1);
	ck_assert_int_eq(d.error, EINVAL);
	ck_assert_ptr_null(handles_first_due(d.handles));
}
END_TEST

START_TEST(a_file_without_a_handle_counts_too)
{
	int good = new_file("f"), bad = bad_file();

	ck_assert_int_eq(durable_fd(&d, good), 0);
	ck_assert_int_eq(d.error, 0);
	ck_assert_int_eq(durable_fd(&d, bad), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(d.error, EINVAL);
	ck_assert_uint_eq(d.syncs, 2);
	(void)close(good);
	(void)close(bad);
}
END_TEST

START_TEST(a_directory_with_nothing_to_sync_is_no_failure)
{
	/* EINVAL, as some file systems say it. */
	durable_due(&d, add("d", bad_file(), true));
	durable_commit(&d);
	ck_assert_uint_eq(d.syncs, 1);
	ck_assert_int_eq(d.error, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("durable");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, what_is_due_is_synced_once);
	tcase_add_test(core, where_it_is_not_wanted_nothing_is_due);
	tcase_add_test(core, a_file_without_a_handle_counts_too);
	tcase_add_test(hostile, after_a_failure_there_is_no_second_try);
	tcase_add_test(hostile, a_directory_with_nothing_to_sync_is_no_failure);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
