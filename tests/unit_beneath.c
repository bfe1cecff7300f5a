#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beneath.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"

/* Each test runs with openat2 and with the walk. */
static const unsigned ways[] = {0, BENEATH_WALK};

static struct scratch dir;
static struct beneath b;

static void
begin(int way)
{
	scratch_open(&dir);
	beneath_init(&b, dir.fd, ways[way]);
	ck_assert_int_eq(mkdirat(dir.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(dir.fd, "d/e", 0755), 0);
	scratch_put(dir.fd, "d/e/f", "content");
	ck_assert_int_eq(symlinkat("d", dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("/", dir.fd, "out"), 0);
	ck_assert_int_eq(symlinkat("f", dir.fd, "d/e/flink"), 0);
	ck_assert_int_eq(mkfifoat(dir.fd, "fifo", 0644), 0);
}

static void
refuse(const char *path, int flags, int error)
{
	int fd;

	fd = beneath_open(&b, dir.fd, path, flags, 0644);
	ck_assert_msg(fd == -1, "%s was opened", path);
	ck_assert_msg(errno == error, "%s: %s", path, strerror(errno));
}

START_TEST(what_is_below_is_opened_and_made)
{
	struct stat a, c;
	int fd, sub;

	begin(_i);
	fd = beneath_open(&b, dir.fd, "d/e/f", O_RDONLY, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(fstatat(dir.fd, "d/e/f", &c, 0), 0);
	ck_assert(a.st_ino == c.st_ino);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
	sub = beneath_open(&b, dir.fd, "d/e", O_RDONLY | O_DIRECTORY, 0);
	ck_assert_int_ne(sub, -1);
	fd = beneath_open(&b, sub, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_uint_eq(a.st_mode & 0777, 0600);
	(void)close(fd);
	(void)close(sub);
	ck_assert(scratch_has(dir.fd, "d/e/new"));
	scratch_close(&dir);
}
END_TEST

START_TEST(errors_are_those_of_open)
{
	begin(_i);
	refuse("nothing", O_RDONLY, ENOENT);
	refuse("d/nothing/x", O_RDONLY, ENOENT);
	refuse("d/e/f/x", O_RDONLY, ENOTDIR);
	refuse("d/e/f", O_RDONLY | O_DIRECTORY, ENOTDIR);
	refuse("d/e/f", O_WRONLY | O_CREAT | O_EXCL, EEXIST);
	scratch_close(&dir);
}
END_TEST

START_TEST(symbolic_links_are_not_followed)
{
	struct stat st;
	int fd;

	begin(_i);
	refuse("link/e/f", O_RDONLY, ELOOP);
	refuse("link", O_RDONLY | O_DIRECTORY, ELOOP);
	refuse("out/etc/passwd", O_RDONLY, ELOOP);
	refuse("out", O_RDONLY, ELOOP);
	refuse("d/e/flink", O_RDONLY, ELOOP);
	refuse("d/e/flink", O_WRONLY | O_CREAT, ELOOP);
	fd = beneath_open(&b, dir.fd, "d/e/flink", O_PATH, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	(void)close(fd);
	scratch_close(&dir);
}
END_TEST

START_TEST(only_regular_files_are_opened_and_no_fifo_is_waited_for)
{
	struct stat st;
	int fd;

	begin(_i);
	fd = beneath_open_regular(&b, dir.fd, "d/e/f", O_RDONLY, &st);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)st.st_size, 7);
	(void)close(fd);
	ck_assert_int_eq(beneath_open_regular(&b, dir.fd, "fifo", O_WRONLY,
			     &st),
	    -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(S_ISFIFO(st.st_mode));
	ck_assert_int_eq(beneath_open_regular(&b, dir.fd, "d", O_RDONLY, &st),
	    -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(beneath_open_regular(&b, dir.fd, "d/e/flink", O_RDONLY,
			     &st),
	    -1);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(beneath_open_regular(&b, dir.fd, "d/e/gone", O_RDONLY,
			     &st),
	    -1);
	ck_assert_int_eq(errno, ENOENT);
	scratch_close(&dir);
}
END_TEST

/* In a mount namespace of its own; 77 where there is none to be had. */
static int
try_mounts(int way)
{
	struct beneath with;
	int fd;

	if (!scratch_mounts())
		return 77;
	/* What was open belongs to the mounts of the old namespace. */
	(void)close(dir.fd);
	dir.fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	beneath_init(&b, dir.fd, ways[way]);
	if (fchdir(dir.fd) == -1 || mkdir("m", 0755) == -1 ||
	    mkdir("bind", 0755) == -1 || mkdir("t", 0755) == -1)
		return 1;
	scratch_put(dir.fd, "plain", "");
	scratch_put(dir.fd, "m/f", "");
	/* Of one file system, so that st_dev does not tell; a file, too. */
	if (mount("m", "bind", NULL, MS_BIND, NULL) == -1 ||
	    mount("m/f", "plain", NULL, MS_BIND, NULL) == -1 ||
	    mount("none", "t", "tmpfs", 0, NULL) == -1)
		return 77;
	if (beneath_open(&b, dir.fd, "bind/f", O_RDONLY, 0) != -1 ||
	    errno != EXDEV)
		return 2;
	if (beneath_open(&b, dir.fd, "bind", O_RDONLY, 0) != -1 ||
	    errno != EXDEV)
		return 3;
	if (beneath_open(&b, dir.fd, "t/new", O_CREAT | O_RDWR, 0600) != -1 ||
	    errno != EXDEV)
		return 4;
	if (beneath_open(&b, dir.fd, "plain", O_RDONLY, 0) != -1 ||
	    errno != EXDEV)
		return 5;
	beneath_init(&with, dir.fd, ways[way] | BENEATH_MOUNTS);
	fd = beneath_open(&with, dir.fd, "bind/f", O_RDONLY, 0);
	if (fd == -1)
		return 6;
	return 0;
}

START_TEST(mount_points_are_not_crossed_unless_allowed)
{
	int status;
	pid_t pid;

	begin(_i);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(try_mounts(_i));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("skip - mount points are not crossed unless allowed"
		       " - no mount namespace to be had\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	scratch_close(&dir);
}
END_TEST

START_TEST(deep_paths_are_walked_without_keeping_descriptors)
{
	char path[4096] = "";
	struct rlimit rl;
	rlim_t was;
	int i, fd, at, next;

	begin(_i);
	at = dup(dir.fd);
	for (i = 0; i < 1000; i++) {
		strcat(path, i == 0 ? "x" : "/x");
		ck_assert_int_eq(mkdirat(at, "x", 0755), 0);
		next = openat(at, "x", O_RDONLY | O_DIRECTORY);
		(void)close(at);
		at = next;
	}
	(void)close(at);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	was = rl.rlim_cur;
	rl.rlim_cur = 16;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	fd = beneath_open(&b, dir.fd, path, O_RDONLY | O_DIRECTORY, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_lt(fd, 16);
	(void)close(fd);
	rl.rlim_cur = was;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	scratch_close(&dir);
}
END_TEST

static const char *const spelt_badly[] = {"", "/", "/a", "a/", ".", "..",
    "a/..", "../a", "a/../b", "./a", "a/.", "a//b", "//a"};

START_TEST(bad_spelling_is_refused)
{
	ck_assert_ptr_nonnull(
	    beneath_why_not(spelt_badly[_i], strlen(spelt_badly[_i])));
}
END_TEST

START_TEST(odd_names_that_are_none_of_our_business_are_let_through)
{
	static const char *const fine[] = {"...", "..a", ".a", "a..", "-", " ",
	    "a\nb", "\xff\xfe", "a/.b/...c", "~", "a\\b", "*"};
	size_t i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		ck_assert_msg(beneath_why_not(fine[i], strlen(fine[i])) == NULL,
		    "%s", fine[i]);
	ck_assert_ptr_nonnull(beneath_why_not("a\0b", 3));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("beneath");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_loop_test(core, what_is_below_is_opened_and_made, 0, 2);
	tcase_add_loop_test(core, errors_are_those_of_open, 0, 2);
	tcase_add_test(core,
	    odd_names_that_are_none_of_our_business_are_let_through);
	tcase_add_loop_test(limits,
	    deep_paths_are_walked_without_keeping_descriptors, 0, 2);
	tcase_add_loop_test(hostile, symbolic_links_are_not_followed, 0, 2);
	tcase_add_loop_test(hostile,
	    only_regular_files_are_opened_and_no_fifo_is_waited_for, 0, 2);
	if (harness_can(mount_points_are_not_crossed_unless_allowed))
		tcase_add_loop_test(hostile,
		    mount_points_are_not_crossed_unless_allowed, 0, 2);
	tcase_add_loop_test(hostile, bad_spelling_is_refused, 0,
	    (int)(sizeof(spelt_badly) / sizeof(spelt_badly[0])));
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
