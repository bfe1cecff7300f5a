#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "census.h"
#include "filter.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"

static struct scratch dir;
static struct filter *filter;
static bool all;

static void
setup(void)
{
	scratch_open(&dir);
	filter = filter_new();
	ck_assert_ptr_nonnull(filter);
	/* What is asked for where -r is missing. */
	filter_set_depth(filter, 1);
}

static void
teardown(void)
{
	filter_free(filter);
	scratch_close(&dir);
}

static void
dirs(const char *const *names)
{
	for (; *names != NULL; names++)
		ck_assert_int_eq(mkdirat(dir.fd, *names, 0777), 0);
}

static size_t
count(void)
{
	return census(dir.path, filter, INT64_MAX, &all);
}

START_TEST(directories_count_at_each_level_and_nothing_else_does)
{
	ck_assert_uint_eq(count(), 0);
	dirs((const char *const[]){"a", "a/b", "a/b/c", "d", NULL});
	scratch_put(dir.fd, "file", "");
	ck_assert_int_eq(symlinkat("a", dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("..", dir.fd, "a/up"), 0);
	ck_assert_uint_eq(count(), 4);
	ck_assert(all);
}
END_TEST

START_TEST(what_is_left_out_does_not_count_nor_does_what_is_below)
{
	char msg[64];

	dirs(
	    (const char *const[]){"a", "a/b", "a/b/c", "d", "d/b", "e~", NULL});
	ck_assert_int_eq(filter_add(filter, FILTER_EXCLUDE, "^a/b$", msg,
			     sizeof(msg)),
	    0);
	filter_no_junk(filter);
	ck_assert_uint_eq(count(), 3);
}
END_TEST

START_TEST(a_path_that_is_no_directory_has_none_below)
{
	char path[128];

	scratch_put(dir.fd, "file", "");
	(void)snprintf(path, sizeof(path), "%s/file", dir.path);
	ck_assert_uint_eq(census(path, filter, INT64_MAX, &all), 0);
	(void)snprintf(path, sizeof(path), "%s/none", dir.path);
	ck_assert_uint_eq(census(path, filter, INT64_MAX, &all), 0);
	ck_assert(all);
}
END_TEST

START_TEST(when_time_is_up_it_says_that_there_may_be_more)
{
	dirs((const char *const[]){"a", "a/b", NULL});
	ck_assert_uint_eq(census(dir.path, filter, 0, &all), 1);
	ck_assert(!all);
}
END_TEST

START_TEST(another_file_system_is_not_entered)
{
	char path[128];

	dirs((const char *const[]){"a", "m", NULL});
	(void)snprintf(path, sizeof(path), "%s/m", dir.path);
	if (!scratch_mounts() || mount("none", path, "tmpfs", 0, NULL) == -1) {
		skip(__func__, "no mounting here");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/m/x", dir.path);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_uint_eq(count(), 2);
	ck_assert(all);
	(void)snprintf(path, sizeof(path), "%s/m", dir.path);
	ck_assert_int_eq(umount(path), 0);
}
END_TEST

START_TEST(a_tree_deeper_than_a_path_may_be_long_is_no_harm)
{
	char name[201];
	int fd = dup(dir.fd), next, i;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; i < 30; i++) {
		ck_assert_int_eq(mkdirat(fd, name, 0777), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ne(next, -1);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	/* As far as names reach. */
	ck_assert_uint_ge(count(), 20);
	ck_assert_uint_le(count(), 30);
	shell("rm -rf '%s'/d*", dir.path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("census");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_checked_fixture(core, setup, teardown);
	tcase_add_checked_fixture(limits, setup, teardown);
	tcase_add_test(core,
	    directories_count_at_each_level_and_nothing_else_does);
	tcase_add_test(core,
	    what_is_left_out_does_not_count_nor_does_what_is_below);
	tcase_add_test(core, a_path_that_is_no_directory_has_none_below);
	tcase_add_test(limits, when_time_is_up_it_says_that_there_may_be_more);
	tcase_add_test(limits, another_file_system_is_not_entered);
	tcase_add_test(limits,
	    a_tree_deeper_than_a_path_may_be_long_is_no_harm);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
