#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"
#include "scratch.h"
#include "suite.h"

static struct scratch dir;
static int fd;

static int
append_to(const char *name)
{
	return openat(dir.fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
	    0644);
}

static void
begin(void)
{
	scratch_open(&dir);
	fd = append_to("f");
	ck_assert_int_ne(fd, -1);
}

static void
end(void)
{
	(void)close(fd);
	scratch_close(&dir);
}

static void
add(struct run *r, const char *s, size_t tag)
{
	ck_assert_int_eq(run_add(r, s, strlen(s), tag), 0);
}

/* From here on the file can not become longer than this. */
static void
limit_file(rlim_t bytes)
{
	struct rlimit rl = {bytes, RLIM_INFINITY};

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

/* A process that knows nothing of locks adds to the file, just before run asks
 * where its own part ends. */
static int intruder = -1;

off_t
lseek(int where, off_t offset, int whence)
{
	if (intruder != -1 && where == fd) {
		limit_file(RLIM_INFINITY);
		ck_assert_int_eq(write(intruder, "foreign", 7), 7);
		(void)close(intruder);
		intruder = -1;
		limit_file(8);
	}
	return (off_t)syscall(SYS_lseek, where, offset, whence);
}

START_TEST(a_run_is_one_write)
{
	struct run r = RUN_INIT;
	uint64_t size;
	int i;

	for (i = 0; i < 1000; i++)
		add(&r, "line\n", (size_t)i);
	ck_assert_uint_eq(run_left(&r), 1000);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_uint_eq(size, 5000);
	ck_assert_uint_eq(run_left(&r), 0);
	ck_assert_uint_eq(r.writes, 1);
	run_clear(&r);
	add(&r, "more", 0);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_uint_eq(size, 5004);
	ck_assert_int_eq(scratch_size(dir.fd, "f"), 5004);
	run_free(&r);
}
END_TEST

START_TEST(empty_records_are_records)
{
	struct run r = RUN_INIT;
	uint64_t size;

	scratch_put(dir.fd, "f", "abc");
	add(&r, "", 1);
	add(&r, "", 2);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_uint_eq(run_left(&r), 0);
	run_free(&r);
}
END_TEST

START_TEST(a_run_takes_512_KiB_and_a_larger_record_alone)
{
	static char big[RUN_MAX + 1];
	struct run r = RUN_INIT;
	uint64_t size;

	ck_assert(run_fits(&r, sizeof(big)));
	add(&r, "x", 0);
	ck_assert(run_fits(&r, RUN_MAX - 1));
	ck_assert(!run_fits(&r, RUN_MAX));
	ck_assert(!run_fits(&r, sizeof(big)));
	ck_assert(!run_fits(&r, SIZE_MAX));
	run_clear(&r);
	ck_assert_int_eq(run_add(&r, big, sizeof(big), 0), 0);
	ck_assert(!run_fits(&r, 0));
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_uint_eq(size, sizeof(big));
	run_free(&r);
}
END_TEST

START_TEST(what_does_not_fit_is_taken_back_and_what_fits_stays)
{
	struct run r = RUN_INIT;
	uint64_t size;

	add(&r, "one\n", 11);
	add(&r, "two\n", 12);
	add(&r, "three\n", 13);
	add(&r, "", 14);
	add(&r, "4", 15);
	limit_file(10);
	ck_assert_int_eq(run_write(&r, fd, &size), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_uint_eq(run_first(&r)->tag, 13);
	ck_assert_uint_eq(size, 8);
	ck_assert(!r.torn);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "one\ntwo\n");
	run_skip(&r);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_uint_eq(size, 9);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "one\ntwo\n4");
	run_free(&r);
}
END_TEST

START_TEST(a_run_that_failed_may_be_tried_again)
{
	struct run r = RUN_INIT;
	uint64_t size;

	add(&r, "12345", 1);
	limit_file(3);
	ck_assert_int_eq(run_write(&r, fd, &size), -1);
	ck_assert_uint_eq(size, 0);
	ck_assert_int_eq(scratch_size(dir.fd, "f"), 0);
	limit_file(RLIM_INFINITY);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "12345");
	run_free(&r);
}
END_TEST

START_TEST(nothing_is_taken_back_where_another_holds_the_file)
{
	struct run r = RUN_INIT;
	uint64_t size;
	int other;

	/* As another fswrite does that is at work: it might add to it. */
	other = append_to("f");
	ck_assert_int_eq(flock(other, LOCK_SH), 0);
	add(&r, "12345", 1);
	limit_file(3);
	ck_assert_int_eq(run_write(&r, fd, &size), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert(r.torn && r.tore);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "123");
	run_skip(&r);
	run_clear(&r);
	/* Of this one nothing gets there. */
	add(&r, "nothing", 2);
	ck_assert_int_eq(run_write(&r, fd, &size), -1);
	ck_assert(r.torn && !r.tore);
	run_skip(&r);
	run_clear(&r);
	/* The next record begins on a line of its own. */
	limit_file(RLIM_INFINITY);
	add(&r, "next\n", 2);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert(!r.torn);
	ck_assert_uint_eq(size, 9);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "123\nnext\n");
	ck_assert_uint_eq(r.writes, 2);
	(void)close(other);
	run_free(&r);
}
END_TEST

START_TEST(nothing_is_taken_back_where_somebody_has_added_to_it)
{
	struct run r = RUN_INIT;
	uint64_t size;

	add(&r, "one\n", 1);
	add(&r, "12345678", 2);
	intruder = append_to("f");
	limit_file(8);
	ck_assert_int_eq(run_write(&r, fd, &size), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(intruder, -1);
	ck_assert_uint_eq(run_first(&r)->tag, 2);
	ck_assert(r.torn);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "one\n1234foreign");
	run_free(&r);
}
END_TEST

START_TEST(a_foreign_lock_does_not_stop_us)
{
	struct run r = RUN_INIT;
	uint64_t size;
	int other;

	other = append_to("f");
	ck_assert_int_eq(flock(other, LOCK_EX), 0);
	add(&r, "x", 1);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "f"), "x");
	(void)close(other);
	run_free(&r);
}
END_TEST

START_TEST(no_lock_is_left_behind)
{
	struct run r = RUN_INIT;
	uint64_t size;
	int other;

	other = append_to("f");
	add(&r, "12345", 1);
	ck_assert_int_eq(run_write(&r, fd, &size), 0);
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(flock(other, LOCK_UN), 0);
	limit_file(7);
	run_clear(&r);
	add(&r, "12345", 1);
	ck_assert_int_eq(run_write(&r, fd, &size), -1);
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
	(void)close(other);
	run_free(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("run");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, a_run_is_one_write);
	tcase_add_test(core, empty_records_are_records);
	tcase_add_test(core, a_run_that_failed_may_be_tried_again);
	tcase_add_test(core, no_lock_is_left_behind);
	tcase_add_test(limits, a_run_takes_512_KiB_and_a_larger_record_alone);
	tcase_add_test(limits,
	    what_does_not_fit_is_taken_back_and_what_fits_stays);
	tcase_add_test(hostile,
	    nothing_is_taken_back_where_another_holds_the_file);
	tcase_add_test(hostile,
	    nothing_is_taken_back_where_somebody_has_added_to_it);
	tcase_add_test(hostile, a_foreign_lock_does_not_stop_us);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
