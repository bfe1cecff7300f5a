#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "output.h"
#include "scratch.h"
#include "suite.h"

static struct scratch s;
static struct output out;

static void
begin(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	scratch_open(&s);
}

static void
end(void)
{
	scratch_close(&s);
}

/* More than any pipe or socket takes at once, none of it like the rest. */
#define MUCH ((size_t)8 * 1024 * 1024)

static void
add_much(struct buf *b)
{
	char *p = buf_reserve(b, MUCH);
	uint32_t x = 1;
	size_t i;

	ck_assert_ptr_nonnull(p);
	for (i = 0; i < MUCH; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (char)(x >> 24);
	}
	b->len += MUCH;
}

static bool
ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) == 1;
}

/* Reads what is there without waiting. */
static void
read_some(int fd, struct buf *b, size_t most)
{
	size_t begun = b->len;
	ssize_t n;
	char *p;

	while (b->len - begun < most && ready(fd, POLLIN)) {
		p = buf_reserve(b, 65536);
		ck_assert_ptr_nonnull(p);
		n = read(fd, p, 65536);
		if (n <= 0)
			break;
		b->len += (size_t)n;
	}
}

/* A reader that reads now and then gets all of it; no flush waits for it.
 * (If one did, the test would time out.) */
static void
feed_slow_reader(int reader, int writer)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	int ret, waits = 0;

	output_open(&out, writer);
	add_much(&out.buf);
	add_much(&want);
	while ((ret = output_flush(&out)) == 0) {
		waits++;
		ck_assert(!ready(output_fd(&out), POLLOUT));
		/* Nor does it wait or lose anything when asked again. */
		ck_assert_int_eq(output_flush(&out), 0);
		read_some(reader, &got, 200000);
		ck_assert(ready(output_fd(&out), POLLOUT));
	}
	ck_assert_int_eq(ret, 1);
	ck_assert_int_gt(waits, 1);
	ck_assert_uint_eq(out.buf.len, 0);
	read_some(reader, &got, MUCH);
	ck_assert_uint_eq(got.len, want.len);
	ck_assert_int_eq(memcmp(got.data, want.data, want.len), 0);
	ck_assert_int_eq(output_close(&out), 0);
	buf_free(&want);
	buf_free(&got);
}

START_TEST(a_slow_reader_of_a_pipe_gets_all_and_keeps_nobody_waiting)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	feed_slow_reader(ends[0], ends[1]);
	(void)close(ends[0]);
}
END_TEST

START_TEST(a_slow_reader_of_a_fifo_does_too)
{
	int r, w;

	ck_assert_int_eq(mkfifoat(s.fd, "p", 0600), 0);
	r = openat(s.fd, "p", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	w = openat(s.fd, "p", O_WRONLY | O_CLOEXEC);
	feed_slow_reader(r, w);
	(void)close(r);
}
END_TEST

START_TEST(what_others_share_is_left_as_it_was)
{
	int ends[2], pair[2], flags;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	flags = fcntl(ends[1], F_GETFL);
	output_open(&out, ends[1]);
	buf_adds(&out.buf, "text");
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL), flags);
	ck_assert_int_eq(fcntl(ends[0], F_GETFL), O_RDONLY);
	/* No program that is started gets more than it should. */
	ck_assert_int_eq(fcntl(output_fd(&out), F_GETFD) & FD_CLOEXEC,
	    output_fd(&out) == ends[1] ? 0 : FD_CLOEXEC);
	ck_assert_int_eq(output_close(&out), 0);
	flags = fcntl(pair[1], F_GETFL);
	output_open(&out, pair[1]);
	buf_adds(&out.buf, "text");
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert_int_eq(fcntl(pair[1], F_GETFL), flags);
	ck_assert_int_eq(output_close(&out), 0);
	(void)close(ends[0]);
	(void)close(pair[0]);
}
END_TEST

START_TEST(after_close_the_reader_sees_the_end)
{
	int ends[2];
	char c[8];

	ck_assert_int_eq(pipe(ends), 0);
	output_open(&out, ends[1]);
	buf_adds(&out.buf, "abc");
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert_int_eq(output_close(&out), 0);
	ck_assert_int_eq(read(ends[0], c, sizeof(c)), 3);
	ck_assert_int_eq(read(ends[0], c, sizeof(c)), 0);
	ck_assert_int_eq(fcntl(ends[1], F_GETFD), -1);
	(void)close(ends[0]);
}
END_TEST

START_TEST(a_file_takes_all_at_once_where_it_stands)
{
	int fd;

	scratch_put(s.fd, "f", "before\n");
	fd = openat(s.fd, "f", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 7);
	output_open(&out, fd);
	buf_adds(&out.buf, "after\n");
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert_str_eq(scratch_get(s.fd, "f"), "before\nafter\n");
	add_much(&out.buf);
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert_int_eq(scratch_size(s.fd, "f"), 13 + (long long)MUCH);
	ck_assert_int_eq(output_close(&out), 0);
}
END_TEST

START_TEST(there_is_room_until_a_write_is_worth_while)
{
	size_t n;

	output_open(&out, open("/dev/null", O_WRONLY | O_CLOEXEC));
	ck_assert(output_room(&out));
	for (n = 0; output_room(&out); n++) {
		buf_addc(&out.buf, 'x');
		ck_assert_uint_lt(n, MUCH);
	}
	/* A line is never worth one of its own. */
	ck_assert_uint_ge(n, 4096);
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert(output_room(&out));
	ck_assert_int_eq(output_flush(&out), 1);
	ck_assert_int_eq(output_close(&out), 0);
}
END_TEST

START_TEST(a_slow_reader_keeps_nobody_waiting_where_a_pipe_cannot_be_reopened)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	feed_slow_reader(pair[0], pair[1]);
	(void)close(pair[0]);
}
END_TEST

/* A pipe of another user's: /proc/self/fd gives no new descriptor. */
START_TEST(a_slow_reader_of_somebody_elses_pipe_keeps_nobody_waiting)
{
	int ends[2];

	if (geteuid() != 0) {
		skip(__func__, "not root");
		return;
	}
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
	feed_slow_reader(ends[0], ends[1]);
	ck_assert_int_eq(seteuid(0), 0);
	(void)close(ends[0]);
}
END_TEST

START_TEST(a_reader_that_is_gone_is_an_error_and_shows)
{
	int ends[2];
	struct pollfd p = {.events = 0};

	ck_assert_int_eq(pipe(ends), 0);
	output_open(&out, ends[1]);
	p.fd = output_fd(&out);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	(void)close(ends[0]);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_ne(p.revents & (POLLERR | POLLHUP), 0);
	/* Nothing to write, nothing to fail. */
	ck_assert_int_eq(output_flush(&out), 1);
	buf_adds(&out.buf, "text");
	ck_assert_int_eq(output_flush(&out), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(output_close(&out), 0);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	output_open(&out, open("/dev/full", O_WRONLY | O_CLOEXEC));
	buf_adds(&out.buf, "text");
	ck_assert_int_eq(output_flush(&out), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_uint_eq(out.buf.len, 4);
	(void)output_close(&out);
}
END_TEST

START_TEST(what_could_not_be_collected_is_an_error)
{
	output_open(&out, open("/dev/null", O_WRONLY | O_CLOEXEC));
	buf_adds(&out.buf, "text");
	out.buf.failed = true;
	ck_assert_int_eq(output_flush(&out), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_int_eq(output_close(&out), 0);
}
END_TEST

START_TEST(a_descriptor_that_is_closed_is_an_error)
{
	output_open(&out, 99);
	buf_adds(&out.buf, "text");
	ck_assert_int_eq(output_flush(&out), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(output_close(&out), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("output");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_set_timeout(core, 30);
	tcase_set_timeout(hostile, 30);
	tcase_add_test(core,
	    a_slow_reader_of_a_pipe_gets_all_and_keeps_nobody_waiting);
	tcase_add_test(core, a_slow_reader_of_a_fifo_does_too);
	tcase_add_test(core, what_others_share_is_left_as_it_was);
	tcase_add_test(core, after_close_the_reader_sees_the_end);
	tcase_add_test(core, a_file_takes_all_at_once_where_it_stands);
	tcase_add_test(limits, there_is_room_until_a_write_is_worth_while);
	tcase_add_test(hostile,
	    a_slow_reader_keeps_nobody_waiting_where_a_pipe_cannot_be_reopened);
	tcase_add_test(hostile,
	    a_slow_reader_of_somebody_elses_pipe_keeps_nobody_waiting);
	tcase_add_test(hostile, a_reader_that_is_gone_is_an_error_and_shows);
	tcase_add_test(hostile, a_full_disk_is_an_error);
	tcase_add_test(hostile, what_could_not_be_collected_is_an_error);
	tcase_add_test(hostile, a_descriptor_that_is_closed_is_an_error);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
