#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lines.h"
#include "suite.h"

static int in, out;

static void
open_pipe(void)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
	in = fds[0];
	out = fds[1];
}

static void
close_pipe(void)
{
	(void)close(in);
	(void)close(out);
}

static void
say(const char *s)
{
	ck_assert_int_eq(write(out, s, strlen(s)), (ssize_t)strlen(s));
}

static void
expect(struct lines *l, uint64_t number, const char *text)
{
	struct line line;

	ck_assert(lines_next(l, &line));
	ck_assert_uint_eq(line.number, number);
	if (text == NULL) {
		ck_assert(line.too_long);
		ck_assert_ptr_null(line.data);
		return;
	}
	ck_assert(!line.too_long);
	ck_assert_uint_eq(line.len, strlen(text));
	ck_assert_int_eq(memcmp(line.data, text, line.len), 0);
}

START_TEST(whole_lines_come_out_and_half_a_line_waits)
{
	struct lines *l = lines_new(in, 100);
	struct line line;

	say("one\n\ntw");
	ck_assert_int_gt(lines_fill(l), 0);
	expect(l, 1, "one");
	expect(l, 2, "");
	ck_assert(!lines_next(l, &line));
	say("o\nthree");
	ck_assert_int_gt(lines_fill(l), 0);
	expect(l, 3, "two");
	ck_assert(!lines_next(l, &line));
	(void)close(out);
	ck_assert_int_eq(lines_fill(l), 0);
	expect(l, 4, "three");
	ck_assert(!lines_next(l, &line));
	ck_assert_int_eq(lines_fill(l), 0);
	lines_free(l);
}
END_TEST

START_TEST(a_pipe_is_widened_and_a_wide_one_left_alone)
{
	int other[2], wide, wider;

	/* What may be had at all. */
	ck_assert_int_eq(pipe(other), 0);
	wide = fcntl(other[0], F_SETPIPE_SZ, 256 * 1024);
	wider = fcntl(other[0], F_SETPIPE_SZ, 1024 * 1024);
	if (wide == -1 || wider == -1) {
		printf("skip - a pipe is widened and a wide one left alone"
		       " - no wide pipes to be had\n");
		return;
	}
	ck_assert_int_lt(fcntl(out, F_GETPIPE_SZ), wide);
	lines_free(lines_new(in, 100));
	ck_assert_int_eq(fcntl(out, F_GETPIPE_SZ), wide);
	lines_free(lines_new(other[0], 100));
	ck_assert_int_eq(fcntl(other[1], F_GETPIPE_SZ), wider);
	(void)close(other[0]);
	(void)close(other[1]);
}
END_TEST

START_TEST(errors_of_read_are_handed_on)
{
	struct lines *l = lines_new(in, 100);

	ck_assert_int_eq(lines_fill(l), -1);
	ck_assert_int_eq(errno, EAGAIN);
	lines_free(l);
}
END_TEST

START_TEST(a_line_may_be_as_long_as_the_limit_and_no_longer)
{
	struct lines *l = lines_new(in, 5);
	struct line line;

	say("12345\n123456\n1\n");
	ck_assert_int_gt(lines_fill(l), 0);
	expect(l, 1, "12345");
	expect(l, 2, NULL);
	expect(l, 3, "1");
	ck_assert(!lines_next(l, &line));
	lines_free(l);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_told_before_its_end_and_only_once)
{
	struct lines *l = lines_new(in, 5);
	struct line line;

	say("1234567");
	ck_assert_int_gt(lines_fill(l), 0);
	expect(l, 1, NULL);
	ck_assert(!lines_next(l, &line));
	say("89");
	ck_assert_int_gt(lines_fill(l), 0);
	ck_assert(!lines_next(l, &line));
	say("0\nok\n");
	ck_assert_int_gt(lines_fill(l), 0);
	expect(l, 2, "ok");
	lines_free(l);
}
END_TEST

START_TEST(the_last_line_is_checked_for_its_length_too)
{
	struct lines *l = lines_new(in, 5);
	struct line line;

	say("x\n123456");
	(void)close(out);
	ck_assert_int_gt(lines_fill(l), 0);
	expect(l, 1, "x");
	expect(l, 2, NULL);
	ck_assert_int_eq(lines_fill(l), 0);
	ck_assert(!lines_next(l, &line));
	lines_free(l);
}
END_TEST

START_TEST(an_endless_line_takes_no_memory)
{
	struct lines *l = lines_new(in, 1000);
	struct rlimit rl = {0, 0};
	static char block[32768];
	struct line line;
	size_t i, told = 0;

	memset(block, 'x', sizeof(block));
	block[0] = '"';
	/* No more memory than there is now. */
	(void)getrlimit(RLIMIT_DATA, &rl);
	for (i = 0; i < 3000; i++) {
		ck_assert_int_eq(write(out, block, sizeof(block)),
		    (ssize_t)sizeof(block));
		ck_assert_int_gt(lines_fill(l), 0);
		while (lines_next(l, &line))
			told++;
		if (i == 10) {
			rl.rlim_cur = 0;
			(void)setrlimit(RLIMIT_DATA, &rl);
		}
	}
	ck_assert_uint_eq(told, 1);
	lines_free(l);
}
END_TEST

START_TEST(a_long_line_in_small_pieces_comes_out_whole)
{
	struct lines *l = lines_new(in, 4 << 20);
	static char block[4096];
	struct line line;
	size_t i;

	memset(block, 'y', sizeof(block));
	for (i = 0; i < 500; i++) {
		ck_assert_int_eq(write(out, block, sizeof(block)),
		    (ssize_t)sizeof(block));
		ck_assert_int_gt(lines_fill(l), 0);
		ck_assert(!lines_next(l, &line));
	}
	say("\nz\n");
	ck_assert_int_gt(lines_fill(l), 0);
	ck_assert(lines_next(l, &line));
	ck_assert_uint_eq(line.len, 500 * sizeof(block));
	/* One assertion: Check writes each into a pipe. */
	for (i = 0; i < line.len && line.data[i] == 'y'; i++)
		;
	ck_assert_uint_eq(i, line.len);
	expect(l, 2, "z");
	lines_free(l);
}
END_TEST

START_TEST(behind_a_long_line_no_more_is_read_at_once_than_before)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);
	struct lines *l = lines_new(fd, 4 << 20);
	static char block[4096];
	struct line line;
	size_t i, told = 0;
	ssize_t n;

	memset(block, 'y', sizeof(block));
	for (i = 0; i < 1000; i++) {
		if (i == 500)
			memset(block, '\n', sizeof(block));
		ck_assert_int_eq(write(fd, block, sizeof(block)),
		    (ssize_t)sizeof(block));
	}
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	while ((n = lines_fill(l)) > 0) {
		ck_assert_int_le(n, 256 * 1024);
		while (lines_next(l, &line))
			told++;
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(told, 500 * sizeof(block));
	lines_free(l);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lines");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, open_pipe, close_pipe);
	tcase_add_checked_fixture(limits, open_pipe, close_pipe);
	tcase_add_checked_fixture(hostile, open_pipe, close_pipe);
	tcase_add_test(core, whole_lines_come_out_and_half_a_line_waits);
	tcase_add_test(core, errors_of_read_are_handed_on);
	tcase_add_test(core, a_pipe_is_widened_and_a_wide_one_left_alone);
	tcase_add_test(limits,
	    a_line_may_be_as_long_as_the_limit_and_no_longer);
	tcase_add_test(limits,
	    a_line_that_is_too_long_is_told_before_its_end_and_only_once);
	tcase_add_test(limits, the_last_line_is_checked_for_its_length_too);
	tcase_add_test(limits, a_long_line_in_small_pieces_comes_out_whole);
	tcase_add_test(limits,
	    behind_a_long_line_no_more_is_read_at_once_than_before);
	tcase_add_test(hostile, an_endless_line_takes_no_memory);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
