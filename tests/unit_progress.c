#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progress.h"
#include "suite.h"

static int ends[2];
static struct progress p;
static char shown[4096];

static void
setup(void)
{
	setprogname("test");
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	p = (struct progress)PROGRESS(ends[1]);
}

static void
teardown(void)
{
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* What has been written since the last look. */
static const char *
look(void)
{
	ssize_t n = read(ends[0], shown, sizeof(shown) - 1);

	shown[n > 0 ? n : 0] = '\0';
	return shown;
}

START_TEST(work_of_less_than_a_second_shows_nothing)
{
	progress_begin(&p, 5000);
	progress_step(&p, 5000, 1, 10);
	progress_step(&p, 5999, 100, 1000);
	progress_end(&p);
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(longer_work_shows_what_has_been_done_since_it_began)
{
	progress_begin(&p, 5000);
	progress_step(&p, 5001, 1000, 20000);
	progress_step(&p, 7000, 1100, 26000);
	ck_assert_str_eq(look(),
	    "\r\033[Ktest: looking: 100 directories, 6000 names, "
	    "3000 names/s");
	progress_end(&p);
	ck_assert_str_eq(look(), "\r\033[K");
}
END_TEST

START_TEST(each_work_counts_from_its_own_beginning)
{
	progress_begin(&p, 0);
	progress_step(&p, 0, 10, 100);
	progress_end(&p);
	progress_begin(&p, 5000);
	progress_step(&p, 5000, 1000, 2000);
	progress_step(&p, 6000, 1002, 2004);
	ck_assert_str_eq(look(),
	    "\r\033[Ktest: looking: 2 directories, 4 names, 4 names/s");
}
END_TEST

START_TEST(one_of_each_is_told_as_one)
{
	progress_begin(&p, 0);
	progress_step(&p, 0, 0, 0);
	progress_step(&p, 1000, 1, 1);
	ck_assert_str_eq(look(),
	    "\r\033[Ktest: looking: 1 directory, 1 name, 1 name/s");
	progress_step(&p, 2000, 2, 3);
	ck_assert_str_eq(look(),
	    "\r\033[Ktest: looking: 2 directories, 3 names, 1 name/s");
}
END_TEST

START_TEST(it_is_written_ten_times_a_second_at_most)
{
	progress_begin(&p, 0);
	progress_step(&p, 1000, 1, 1);
	ck_assert_str_ne(look(), "");
	progress_step(&p, 1099, 2, 2);
	ck_assert_str_eq(look(), "");
	progress_step(&p, 1100, 3, 3);
	ck_assert_str_ne(look(), "");
}
END_TEST

START_TEST(hidden_it_comes_back_with_the_next_step)
{
	progress_begin(&p, 0);
	progress_hide(&p);
	ck_assert_str_eq(look(), "");
	progress_step(&p, 1000, 1, 1);
	(void)look();
	progress_hide(&p);
	ck_assert_str_eq(look(), "\r\033[K");
	progress_hide(&p);
	ck_assert_str_eq(look(), "");
	progress_step(&p, 1100, 1, 1);
	ck_assert_ptr_nonnull(strstr(look(), "looking"));
}
END_TEST

START_TEST(outside_of_work_and_without_a_terminal_nothing_is_shown)
{
	progress_step(&p, 9000, 1, 1);
	progress_end(&p);
	progress_begin(&p, 0);
	progress_end(&p);
	progress_step(&p, 9000, 1, 1);
	ck_assert_str_eq(look(), "");
	p = (struct progress)PROGRESS(-1);
	progress_begin(&p, 0);
	progress_step(&p, 9000, 1, 1);
	progress_end(&p);
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(the_line_is_shorter_than_the_terminal_is_wide)
{
	struct winsize size = {.ws_row = 24, .ws_col = 20};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	char got[256];
	ssize_t n;

	ck_assert_int_ne(master, -1);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ne(slave, -1);
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	p = (struct progress)PROGRESS(slave);
	progress_begin(&p, 0);
	progress_step(&p, 2000, 1, 1);
	n = read(master, got, sizeof(got));
	ck_assert_int_gt(n, 0);
	ck_assert_int_le(n, 4 + 19);
	(void)close(slave);
	(void)close(master);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("progress");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_checked_fixture(core, setup, teardown);
	tcase_add_checked_fixture(limits, setup, teardown);
	tcase_add_test(core, work_of_less_than_a_second_shows_nothing);
	tcase_add_test(core,
	    longer_work_shows_what_has_been_done_since_it_began);
	tcase_add_test(core, each_work_counts_from_its_own_beginning);
	tcase_add_test(core, one_of_each_is_told_as_one);
	tcase_add_test(core, it_is_written_ten_times_a_second_at_most);
	tcase_add_test(core, hidden_it_comes_back_with_the_next_step);
	tcase_add_test(limits,
	    outside_of_work_and_without_a_terminal_nothing_is_shown);
	tcase_add_test(limits, the_line_is_shorter_than_the_terminal_is_wide);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
