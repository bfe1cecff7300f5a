#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "signals.h"
#include "suite.h"

static const int set[] = {SIGTERM, SIGHUP, SIGUSR1};

START_TEST(signals_can_be_polled_for_and_come_in_order)
{
	int fd = signals_open(set, 3);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(signals_read(fd), 0);
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert_int_eq(raise(SIGTERM), 0);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(signals_read(fd), SIGHUP);
	ck_assert_int_eq(signals_read(fd), SIGTERM);
	ck_assert_int_eq(signals_read(fd), 0);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	signals_close(fd);
}
END_TEST

START_TEST(what_was_ignored_stays_ignored)
{
	struct sigaction sa;
	int fd;

	ck_assert_int_eq(signals_ignore(SIGHUP), 0);
	fd = signals_open(set, 3);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert_int_eq(signals_read(fd), 0);
	signals_close(fd);
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &sa), 0);
	ck_assert(sa.sa_handler == SIG_IGN);
}
END_TEST

START_TEST(closing_gives_the_signals_back)
{
	struct sigaction sa;
	int fd = signals_open(set, 3);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(signals_open(set, 3), -1);
	ck_assert_int_eq(errno, EBUSY);
	signals_close(fd);
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &sa), 0);
	ck_assert(sa.sa_handler == SIG_DFL);
	fd = signals_open(set, 3);
	ck_assert_int_ne(fd, -1);
	signals_close(fd);
}
END_TEST

START_TEST(a_signal_given_twice_is_one)
{
	static const int twice[] = {SIGUSR1, SIGUSR1};
	struct sigaction sa;
	int fd = signals_open(twice, 2);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_int_eq(signals_read(fd), SIGUSR1);
	ck_assert_int_eq(signals_read(fd), 0);
	signals_close(fd);
	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &sa), 0);
	ck_assert(sa.sa_handler == SIG_DFL);
}
END_TEST

START_TEST(a_signal_that_cannot_be_caught_is_an_error)
{
	static const int bad[] = {SIGHUP, SIGKILL};
	struct sigaction sa;

	ck_assert_int_eq(signals_open(bad, 2), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &sa), 0);
	ck_assert(sa.sa_handler == SIG_DFL);
}
END_TEST

START_TEST(a_flood_neither_blocks_nor_disturbs_errno)
{
	int i, fd = signals_open(set, 3);

	ck_assert_int_ne(fd, -1);
	errno = ENOSPC;
	for (i = 0; i < 100000; i++)
		(void)raise(SIGUSR1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(signals_read(fd), SIGUSR1);
	signals_close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signals");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core, signals_can_be_polled_for_and_come_in_order);
	tcase_add_test(core, what_was_ignored_stays_ignored);
	tcase_add_test(core, closing_gives_the_signals_back);
	tcase_add_test(core, a_signal_given_twice_is_one);
	tcase_add_test(limits, a_signal_that_cannot_be_caught_is_an_error);
	tcase_add_test(limits, a_flood_neither_blocks_nor_disturbs_errno);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
