#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "scratch.h"
#include "suite.h"

static const struct backend_ops *const ops = &backend_poll;

static struct scratch dir;
static struct backend *b;

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
setup(void)
{
	scratch_open(&dir);
	ck_assert_int_eq(fchdir(dir.fd), 0);
}

static void
teardown(void)
{
	if (b != NULL)
		ops->close(b);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&dir);
}

static void
open_with(int64_t poll_ms)
{
	b = ops->open(poll_ms);
	ck_assert_ptr_nonnull(b);
}

static int
open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	return fd;
}

static int
add(const char *path)
{
	int fd, id;

	ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	fd = open_dir(path);
	id = ops->add(b, fd, BACKEND_NAMES);
	ck_assert_int_ge(id, 0);
	(void)close(fd);
	return id;
}

/* Waits as long as it says, and takes one hint. */
static int
next_id(void)
{
	int64_t until = now_ms() + 20000;
	struct hint h;

	for (;;) {
		ck_assert_int_eq(ops->fill(b), 1);
		if (ops->next(b, &h) == 1)
			break;
		ck_assert_int_lt(now_ms(), until);
		ck_assert_int_ne(ops->wait(b), -1);
		(void)poll(NULL, 0, ops->wait(b));
	}
	ck_assert_int_eq(h.kind, HINT_CHANGED);
	ck_assert_uint_eq(h.what, BACKEND_NAMES | BACKEND_MODIFIED);
	ck_assert_uint_eq(h.name_len, 0);
	ck_assert_int_gt(h.time.tv_sec, 0);
	return h.id;
}

static int
more_ids(void)
{
	struct hint h;
	int n = 0;

	while (ops->next(b, &h) == 1)
		n++;
	return n;
}

/* The round is over, as far as the reader is concerned. */
static void
rest(void)
{
	ck_assert_int_eq(more_ids(), 0);
	(void)ops->wait(b);
}

START_TEST(it_is_no_exact_one_and_tells_names_content_and_attributes)
{
	ck_assert(!ops->exact);
	ck_assert_uint_eq(ops->tells,
	    BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_ATTRIB);
	open_with(1000);
	ck_assert_int_eq(ops->fd(b), -1);
}
END_TEST

START_TEST(every_interval_all_may_have_changed)
{
	int one, two, round;
	bool first, second;

	open_with(1);
	one = add("one");
	two = add("two");
	ck_assert_int_ne(one, two);
	for (round = 0; round < 3; round++) {
		int a = next_id(), z = next_id();

		first = a == one || z == one;
		second = a == two || z == two;
		ck_assert(first && second);
		rest();
	}
}
END_TEST

START_TEST(nothing_is_due_before_the_interval_is_over)
{
	int64_t start = now_ms();

	open_with(100);
	(void)add("one");
	(void)next_id();
	ck_assert_int_ge(now_ms() - start, 99);
}
END_TEST

START_TEST(while_nothing_is_polled_there_is_nothing_to_wait_for)
{
	int id;

	open_with(1);
	ck_assert_int_eq(ops->wait(b), -1);
	id = add("one");
	ck_assert_int_ne(ops->wait(b), -1);
	ops->remove(b, id);
	ck_assert_int_eq(ops->wait(b), -1);
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_int_eq(more_ids(), 0);
}
END_TEST

START_TEST(one_directory_has_one_id_by_whatever_name)
{
	int id;

	open_with(1000);
	id = add("one");
	ck_assert_int_eq(add("one"), id);
	ck_assert_int_eq(rename("one", "two"), 0);
	ck_assert_int_eq(add("two"), id);
	ck_assert_int_ne(add("one"), id);
}
END_TEST

START_TEST(a_removed_id_is_not_said_again_and_is_given_to_another)
{
	int one, two;

	open_with(1);
	one = add("one");
	two = add("two");
	(void)next_id(); /* of a round with both */
	ops->remove(b, one);
	ops->remove(b, two);
	ck_assert_int_eq(more_ids(), 0);
	ck_assert(add("three") == one || add("three") == two);
}
END_TEST

/* Far from one round to the next, so that a slow machine does not get there. */
#define LONG_MS 4000

START_TEST(where_a_change_was_found_is_looked_at_more_often)
{
	int one, two, id;
	int64_t start;

	open_with(LONG_MS);
	one = add("one");
	two = add("two");
	start = now_ms();
	ops->found(b, two);
	rest();
	id = next_id();
	ck_assert_int_eq(id, two);
	ck_assert_int_eq(more_ids(), 0);
	ck_assert_int_lt(now_ms() - start, LONG_MS);
	ck_assert_int_ne(one, two);
}
END_TEST

START_TEST(a_change_found_in_between_makes_all_others_due)
{
	int one, two;

	open_with(LONG_MS);
	one = add("one");
	two = add("two");
	ops->found(b, two);
	rest();
	ck_assert_int_eq(next_id(), two);
	ops->found(b, two);
	ck_assert_int_eq(next_id(), one);
	rest();
}
END_TEST

START_TEST(a_look_that_takes_long_is_rested_from_for_longer)
{
	int64_t begun;

	open_with(1);
	(void)add("one");
	(void)next_id();
	begun = now_ms();
	while (now_ms() < begun + 50) /* a slow look */
		;
	ck_assert_int_eq(more_ids(), 0);
	ck_assert_int_ge(ops->wait(b), 2 * 50);
}
END_TEST

START_TEST(a_reader_that_was_waited_for_is_not_rested_from)
{
	int64_t begun, since, waited;
	int rest;

	open_with(1);
	(void)add("one");
	begun = now_ms();
	(void)next_id();
	since = now_ms();
	while ((waited = now_ms() - since) < 200)
		;
	ops->waited(b, waited);
	ck_assert_int_eq(more_ids(), 0);
	rest = ops->wait(b);
	/* By what else it took at the most. */
	ck_assert_int_le(rest, 3 * (now_ms() - begun - waited) + 20);
}
END_TEST

#define PROBES_MAX 64 /* HOT_PROBES of backend_poll.c */

START_TEST(what_stays_as_it_is_is_not_looked_at_more_often_for_ever)
{
	int two, i, probes = 0;

	open_with(80);
	(void)add("one");
	two = add("two");
	ops->found(b, two);
	rest();
	/* Rounds say both, probes only the one. On a slow machine there may be
	 * nothing but rounds. */
	for (i = 0; i < 200 && probes < PROBES_MAX; i++) {
		(void)next_id();
		probes += more_ids() == 0;
		rest();
	}
	for (i = 0; i < 3 && probes == PROBES_MAX; i++) {
		(void)next_id();
		ck_assert_int_eq(more_ids(), 1);
		rest();
	}
}
END_TEST

START_TEST(before_the_end_all_is_looked_at_whatever_the_clock_says)
{
	int one, two, i;

	open_with(3600 * 1000);
	one = add("one");
	two = add("two");
	ck_assert_int_gt(ops->wait(b), 60 * 1000);
	for (i = 0; i < 2; i++) {
		ops->look_now(b);
		ck_assert_int_eq(ops->wait(b), 0);
		ck_assert_int_eq(next_id(), one);
	}
	/* The second time the first round was not over. */
	ck_assert_int_eq(next_id(), two);
	rest();
	ck_assert_int_gt(ops->wait(b), 60 * 1000);
}
END_TEST

#define MANY 600

START_TEST(many_are_each_said_once_a_round)
{
	static int seen[MANY];
	char name[16];
	int i, id;

	open_with(1);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		id = add(name);
		ck_assert_int_lt(id, MANY);
		ck_assert_int_eq(seen[id]++, 0);
	}
	for (i = 0; i < MANY; i++)
		ck_assert_int_eq(seen[next_id()]++, 1);
	rest();
}
END_TEST

START_TEST(what_is_no_directory_is_refused)
{
	int fd;

	open_with(1);
	scratch_put(AT_FDCWD, "file", "");
	fd = open("file", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(ops->add(b, fd, BACKEND_NAMES), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	(void)close(fd);
	ck_assert_int_eq(ops->add(b, fd, BACKEND_NAMES), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(ops->wait(b), -1);
}
END_TEST

START_TEST(a_directory_that_is_gone_is_said_all_the_same)
{
	int id;

	open_with(1);
	id = add("one");
	ck_assert_int_eq(rmdir("one"), 0);
	ck_assert_int_eq(next_id(), id);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("backend_poll");
	TCase *core = tcase_create("Core"), *limits = tcase_create("Limits"),
	      *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, setup, teardown);
	tcase_add_checked_fixture(limits, setup, teardown);
	tcase_add_checked_fixture(hostile, setup, teardown);
	tcase_set_timeout(core, 60);
	tcase_set_timeout(limits, 60);
	tcase_add_test(core,
	    it_is_no_exact_one_and_tells_names_content_and_attributes);
	tcase_add_test(core, every_interval_all_may_have_changed);
	tcase_add_test(core, nothing_is_due_before_the_interval_is_over);
	tcase_add_test(core,
	    while_nothing_is_polled_there_is_nothing_to_wait_for);
	tcase_add_test(core, one_directory_has_one_id_by_whatever_name);
	tcase_add_test(core,
	    a_removed_id_is_not_said_again_and_is_given_to_another);
	tcase_add_test(core, where_a_change_was_found_is_looked_at_more_often);
	tcase_add_test(core, a_change_found_in_between_makes_all_others_due);
	tcase_add_test(core,
	    before_the_end_all_is_looked_at_whatever_the_clock_says);
	tcase_add_test(limits,
	    a_look_that_takes_long_is_rested_from_for_longer);
	tcase_add_test(limits, a_reader_that_was_waited_for_is_not_rested_from);
	tcase_add_test(limits,
	    what_stays_as_it_is_is_not_looked_at_more_often_for_ever);
	tcase_add_test(limits, many_are_each_said_once_a_round);
	tcase_add_test(hostile, what_is_no_directory_is_refused);
	tcase_add_test(hostile, a_directory_that_is_gone_is_said_all_the_same);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
