#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"
#include "scratch.h"
#include "statat.h"
#include "suite.h"

static struct scratch s;

static void
begin(void)
{
	scratch_open(&s);
}

static void
end(void)
{
	scratch_close(&s);
}

/* What statx and stat say of a name has to be the same. */
static void
check_against_stat(const char *name, bool follow)
{
	struct event_stat got;
	struct stat st;

	memset(&got, 0xaa, sizeof(got));
	ck_assert_int_eq(stat_at(s.fd, name, follow, &got), 0);
	ck_assert_int_eq(fstatat(s.fd, name, &st,
			     follow ? 0 : AT_SYMLINK_NOFOLLOW),
	    0);
	ck_assert_uint_eq(got.dev, st.st_dev);
	ck_assert_uint_eq(got.ino, st.st_ino);
	ck_assert_uint_eq(got.nlink, st.st_nlink);
	ck_assert_uint_eq(got.size, (uint64_t)st.st_size);
	ck_assert_uint_eq(got.mode, st.st_mode);
	ck_assert_uint_eq(got.uid, st.st_uid);
	ck_assert_uint_eq(got.gid, st.st_gid);
	ck_assert_int_eq(got.mtime.tv_sec, st.st_mtim.tv_sec);
	ck_assert_int_eq(got.mtime.tv_nsec, st.st_mtim.tv_nsec);
	ck_assert_int_eq(got.ctime.tv_sec, st.st_ctim.tv_sec);
	ck_assert_int_eq(got.ctime.tv_nsec, st.st_ctim.tv_nsec);
	/* Unknown is said by one value only; else it was not born later than
	 * it was last changed. */
	if (got.btime.tv_nsec == -1)
		ck_assert_int_eq(got.btime.tv_sec, 0);
	else
		ck_assert_int_le(got.btime.tv_sec, got.ctime.tv_sec);
}

START_TEST(it_says_what_stat_says)
{
	const struct timespec times[2] = {{1000000001, 5}, {1234567890, 7}};

	scratch_put(s.fd, "f", "12345");
	ck_assert_int_eq(fchmodat(s.fd, "f", 04751, 0), 0);
	ck_assert_int_eq(linkat(s.fd, "f", s.fd, "g", 0), 0);
	ck_assert_int_eq(utimensat(s.fd, "f", times, 0), 0);
	ck_assert_int_eq(mkdirat(s.fd, "d", 0700), 0);
	ck_assert_int_eq(mkfifoat(s.fd, "p", 0600), 0);
	check_against_stat("f", false);
	check_against_stat("d", false);
	check_against_stat("p", true);
}
END_TEST

START_TEST(a_link_is_followed_only_when_asked)
{
	struct event_stat st;

	ck_assert_int_eq(mkdirat(s.fd, "d", 0700), 0);
	ck_assert_int_eq(symlinkat("d", s.fd, "l"), 0);
	ck_assert_int_eq(symlinkat("nowhere", s.fd, "lost"), 0);
	check_against_stat("l", false);
	check_against_stat("l", true);
	ck_assert_int_eq(stat_at(s.fd, "l", false, &st), 0);
	ck_assert(S_ISLNK(st.mode));
	ck_assert_int_eq(stat_at(s.fd, "l", true, &st), 0);
	ck_assert(S_ISDIR(st.mode));
	check_against_stat("lost", false);
	ck_assert_int_eq(stat_at(s.fd, "lost", true, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(an_empty_name_is_the_directory_itself)
{
	struct event_stat st;
	struct stat want;
	int fd;

	ck_assert_int_eq(fstat(s.fd, &want), 0);
	ck_assert_int_eq(stat_at(s.fd, "", false, &st), 0);
	ck_assert_uint_eq(st.ino, want.st_ino);
	fd = openat(s.fd, ".", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(stat_at(fd, "", true, &st), 0);
	ck_assert_uint_eq(st.ino, want.st_ino);
	(void)close(fd);
}
END_TEST

START_TEST(sizes_beyond_four_gigabytes_are_told_whole)
{
	struct event_stat st;
	int fd;

	fd = openat(s.fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(fd, 5000000000), 0);
	ck_assert_int_eq(stat_at(s.fd, "f", false, &st), 0);
	ck_assert_uint_eq(st.size, 5000000000);
	(void)close(fd);
}
END_TEST

START_TEST(what_is_not_there_is_an_error)
{
	char name[NAME_MAX + 2];
	struct event_stat st;

	scratch_put(s.fd, "f", "");
	ck_assert_int_eq(stat_at(s.fd, "no", false, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(stat_at(s.fd, "f/x", false, &st), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(stat_at(s.fd, name, false, &st), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert_int_eq(stat_at(-1, "f", false, &st), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("statat");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, it_says_what_stat_says);
	tcase_add_test(core, a_link_is_followed_only_when_asked);
	tcase_add_test(core, an_empty_name_is_the_directory_itself);
	tcase_add_test(limits, sizes_beyond_four_gigabytes_are_told_whole);
	tcase_add_test(hostile, what_is_not_there_is_an_error);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
