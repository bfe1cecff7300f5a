#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "scratch.h"
#include "suite.h"
#include "writers.h"

static struct scratch s;

static void
begin(void)
{
	(void)signal(SIGIO, SIG_IGN);
	scratch_open(&s);
	scratch_put(s.fd, "f", "text");
}

static void
end(void)
{
	scratch_close(&s);
}

/* Not every file system has leases. */
static bool
has_leases(void)
{
	int fd = openat(s.fd, "f", O_RDONLY | O_CLOEXEC);
	bool yes = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;

	(void)close(fd);
	return yes;
}

START_TEST(a_file_that_somebody_may_write_has_a_writer)
{
	int fd, reader;

	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		return;
	}
	ck_assert_int_eq(writers_at(s.fd, "f"), 0);
	reader = openat(s.fd, "f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(writers_at(s.fd, "f"), 0);
	fd = openat(s.fd, "f", O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(writers_at(s.fd, "f"), 1);
	(void)close(fd);
	ck_assert_int_eq(writers_at(s.fd, "f"), 0);
	fd = openat(s.fd, "f", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(writers_at(s.fd, "f"), 1);
	(void)close(fd);
	(void)close(reader);
	/* An empty one, and one that may not be written. */
	scratch_put(s.fd, "e", "");
	ck_assert_int_eq(fchmodat(s.fd, "e", 0444, 0), 0);
	ck_assert_int_eq(writers_at(s.fd, "e"), 0);
}
END_TEST

START_TEST(another_process_that_writes_is_seen)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		return;
	}
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (openat(s.fd, "f", O_WRONLY) == -1 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(writers_at(s.fd, "f"), 1);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	ck_assert_int_eq(writers_at(s.fd, "f"), 0);
}
END_TEST

START_TEST(asking_leaves_nothing_that_a_writer_would_wait_for)
{
	int i, fd, lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)close(lowest);
	for (i = 0; i < 100; i++) {
		(void)writers_at(s.fd, "f");
		/* With a lease in its way this fails with EWOULDBLOCK. */
		fd = openat(s.fd, "f", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		ck_assert_msg(fd != -1, "%s", strerror(errno));
		ck_assert_int_eq(fd, lowest);
		(void)close(fd);
	}
}
END_TEST

START_TEST(of_what_is_no_regular_file_nothing_can_be_told)
{
	ck_assert_int_eq(mkdirat(s.fd, "d", 0755), 0);
	ck_assert_int_eq(mkfifoat(s.fd, "p", 0600), 0);
	ck_assert_int_eq(symlinkat("f", s.fd, "l"), 0);
	ck_assert_int_eq(writers_at(s.fd, "d"), -1);
	/* A FIFO is not waited for. */
	ck_assert_int_eq(writers_at(s.fd, "p"), -1);
	ck_assert_int_eq(writers_at(s.fd, "l"), -1);
	ck_assert_int_eq(writers_at(s.fd, "missing"), -1);
	ck_assert_int_eq(writers_at(-1, "f"), -1);
}
END_TEST

START_TEST(of_another_users_file_nothing_can_be_told)
{
	if (geteuid() != 0) {
		skip(__func__, "not root");
		return;
	}
	ck_assert_int_eq(fchmod(s.fd, 0755), 0);
	ck_assert_int_eq(fchmodat(s.fd, "f", 0644, 0), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(writers_at(s.fd, "f"), -1);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("writers");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, a_file_that_somebody_may_write_has_a_writer);
	tcase_add_test(core, another_process_that_writes_is_seen);
	tcase_add_test(limits,
	    asking_leaves_nothing_that_a_writer_would_wait_for);
	tcase_add_test(hostile, of_what_is_no_regular_file_nothing_can_be_told);
	tcase_add_test(hostile, of_another_users_file_nothing_can_be_told);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
