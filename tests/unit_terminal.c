#include <check.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "suite.h"
#include "terminal.h"

static int master, slave;

static void
begin(void)
{
	const char *name;

	slave = -1;
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master != -1 && grantpt(master) == 0 && unlockpt(master) == 0 &&
	    (name = ptsname(master)) != NULL)
		slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)unsetenv("NO_COLOR");
	ck_assert_int_eq(setenv("TERM", "xterm", 1), 0);
}

static void
end(void)
{
	if (slave != -1)
		(void)close(slave);
	if (master != -1)
		(void)close(master);
}

/* A test without a terminal has nothing to look at. */
static bool
no_terminal(const char *sentence)
{
	if (slave == -1)
		skip(sentence, "no pseudo terminals here");
	return slave == -1;
}

START_TEST(a_terminal_is_coloured_but_where_NO_COLOR_or_TERM_is_against_it)
{
	if (no_terminal(__func__))
		return;
	ck_assert(terminal_colors(slave));
	(void)setenv("NO_COLOR", "", 1);
	ck_assert(terminal_colors(slave));
	(void)setenv("NO_COLOR", "0", 1);
	ck_assert(!terminal_colors(slave));
	(void)unsetenv("NO_COLOR");
	(void)setenv("TERM", "dumb", 1);
	ck_assert(!terminal_colors(slave));
	(void)setenv("TERM", "dumber", 1);
	ck_assert(terminal_colors(slave));
	(void)setenv("TERM", "", 1);
	ck_assert(!terminal_colors(slave));
	(void)unsetenv("TERM");
	ck_assert(!terminal_colors(slave));
}
END_TEST

START_TEST(what_is_no_terminal_has_no_colours_and_no_width)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(!terminal_colors(null));
	ck_assert(!terminal_colors(ends[1]));
	ck_assert(!terminal_colors(-1));
	ck_assert_int_eq(terminal_width(null), 0);
	ck_assert_int_eq(terminal_width(ends[1]), 0);
	ck_assert_int_eq(terminal_width(-1), 0);
	(void)close(null);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

START_TEST(the_width_is_that_of_the_window_as_it_is_now)
{
	struct winsize size = {.ws_row = 24, .ws_col = 97};

	if (no_terminal(__func__))
		return;
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	ck_assert_int_eq(terminal_width(slave), 97);
	size.ws_col = 65535;
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	ck_assert_int_eq(terminal_width(slave), 65535);
	/* It does not tell. */
	size.ws_col = 0;
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	ck_assert_int_eq(terminal_width(slave), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("terminal");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_test(core,
	    a_terminal_is_coloured_but_where_NO_COLOR_or_TERM_is_against_it);
	tcase_add_test(core, what_is_no_terminal_has_no_colours_and_no_width);
	tcase_add_test(limits, the_width_is_that_of_the_window_as_it_is_now);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	return suite_main(suite);
}
