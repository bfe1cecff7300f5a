#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cannot.h"
#include "dirents.h"
#include "scratch.h"
#include "suite.h"

/* More than one call of getdents64(2) hands out. */
#define MANY 3000

static struct scratch dir;

static void
setup(void)
{
	scratch_open(&dir);
}

static void
teardown(void)
{
	scratch_close(&dir);
}

struct seen {
	size_t n;
	unsigned count[MANY]; /* of each name that is a number */
	size_t stop_after; /* 0: never */
	struct dirent_line last;
	char name[NAME_MAX + 1];
};

static struct seen seen;

static int
see(void *ctx, const struct dirent_line *line)
{
	struct seen *s = ctx;
	unsigned long i = strtoul(line->name, NULL, 10);

	s->n++;
	s->last = *line;
	(void)snprintf(s->name, sizeof(s->name), "%s", line->name);
	if (i < MANY)
		s->count[i]++;
	return s->n == s->stop_after ? 7 : 0;
}

static int
each(int fd, size_t stop_after)
{
	memset(&seen, 0, sizeof(seen));
	seen.stop_after = stop_after;
	return dirents_each(fd, see, &seen);
}

START_TEST(an_empty_directory_has_no_names)
{
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, 0);
}
END_TEST

START_TEST(a_name_comes_with_its_type_and_inode)
{
	struct stat st;

	ck_assert_int_eq(mkdirat(dir.fd, "...", 0755), 0);
	ck_assert_int_eq(fstatat(dir.fd, "...", &st, 0), 0);
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_str_eq(seen.name, "...");
	ck_assert_uint_eq(seen.last.ino, st.st_ino);
	ck_assert(seen.last.type == DT_DIR || seen.last.type == DT_UNKNOWN);
}
END_TEST

START_TEST(what_has_come_since_is_seen_by_the_next_call)
{
	scratch_put(dir.fd, "0", "");
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, 1);
	scratch_put(dir.fd, "1", "");
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, 2);
}
END_TEST

START_TEST(the_caller_ends_it)
{
	scratch_put(dir.fd, "0", "");
	scratch_put(dir.fd, "1", "");
	ck_assert_int_eq(each(dir.fd, 1), 7);
	ck_assert_uint_eq(seen.n, 1);
	/* And begins anew. */
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, 2);
}
END_TEST

START_TEST(each_of_many_names_is_told_once)
{
	char name[16];
	size_t i;

	for (i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		scratch_put(dir.fd, name, "");
	}
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, MANY);
	for (i = 0; i < MANY; i++)
		ck_assert_uint_eq(seen.count[i], 1);
}
END_TEST

START_TEST(the_longest_name_and_any_bytes_are_told_whole)
{
	char name[NAME_MAX + 1];

	memset(name, '\xff', NAME_MAX);
	name[0] = '\n';
	name[NAME_MAX] = '\0';
	scratch_put(dir.fd, name, "");
	ck_assert_int_eq(each(dir.fd, 0), 0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_str_eq(seen.name, name);
}
END_TEST

START_TEST(what_cannot_be_listed_is_an_error)
{
	int fd;

	scratch_put(dir.fd, "file", "x");
	fd = openat(dir.fd, "file", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(each(fd, 0), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	(void)close(fd);
	ck_assert_int_eq(each(fd, 0), -1);
	ck_assert_int_eq(errno, EBADF);
	fd = openat(dir.fd, ".", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(each(fd, 0), -1);
	ck_assert_int_eq(errno, EBADF);
	(void)close(fd);
	ck_assert_uint_eq(seen.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dirents");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");
	TCase *all[] = {core, limits, hostile};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		tcase_add_checked_fixture(all[i], setup, teardown);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(core, an_empty_directory_has_no_names);
	tcase_add_test(core, a_name_comes_with_its_type_and_inode);
	tcase_add_test(core, what_has_come_since_is_seen_by_the_next_call);
	tcase_add_test(core, the_caller_ends_it);
	tcase_add_test(limits, each_of_many_names_is_told_once);
	tcase_add_test(hostile, the_longest_name_and_any_bytes_are_told_whole);
	tcase_add_test(hostile, what_cannot_be_listed_is_an_error);
	return suite_main(s);
}
