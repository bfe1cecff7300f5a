/* The standard descriptors of a program that is started without them. */
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "stdfd.h"
#include "suite.h"

/* What a child that has closed the descriptors in the mask finds when it has
 * called stdfd_fill(): 0, or the number of what did not hold. */
static int
child(unsigned closed)
{
	pid_t pid = fork();
	int status, fd;
	char c;

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		for (fd = 0; fd <= 2; fd++)
			if ((closed & (1U << fd)) != 0)
				(void)close(fd);
		if (stdfd_fill() == -1)
			_exit(10);
		for (fd = 0; fd <= 2; fd++)
			if (fcntl(fd, F_GETFD) == -1)
				_exit(11);
		fd = open("/dev/null", O_RDONLY);
		if (fd <= 2)
			_exit(12);
		if ((closed & 1U) != 0 && read(0, &c, 1) != 0)
			_exit(13);
		if ((closed & 2U) != 0 &&
		    (write(1, "x", 1) != -1 || errno != EBADF))
			_exit(14);
		if ((closed & 4U) != 0 && write(2, "x", 1) != 1)
			_exit(15);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(what_is_open_stays_as_it_is)
{
	ck_assert_int_eq(child(0), 0);
}
END_TEST

START_TEST(each_that_is_closed_is_filled)
{
	unsigned mask;

	for (mask = 1; mask < 8; mask++)
		ck_assert_msg(child(mask) == 0, "mask %u: %d", mask,
		    child(mask));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stdfd");
	TCase *tc = tcase_create("Core");

	tcase_add_test(tc, what_is_open_stays_as_it_is);
	suite_add_tcase(s, tc);
	tc = tcase_create("Hostile");
	tcase_add_test(tc, each_that_is_closed_is_filled);
	suite_add_tcase(s, tc);
	return suite_main(s);
}
