#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"

static struct scratch s;
static struct content room;

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
	content_free(&room);
	scratch_close(&s);
}

static bool
any(const void *ctx, const struct event_stat *st)
{
	(void)ctx;
	(void)st;
	return true;
}

static bool
none(const void *ctx, const struct event_stat *st)
{
	(void)ctx;
	(void)st;
	return false;
}

static void
whole(const char *name, size_t limit, const void *data, size_t len)
{
	ck_assert_int_eq(content_read(s.fd, name, limit, any, NULL, &room),
	    CONTENT_WHOLE);
	ck_assert_uint_eq(room.bytes.len, len);
	ck_assert_uint_eq(room.st.size, len);
	ck_assert(len == 0 || memcmp(room.bytes.data, data, len) == 0);
}

static void
is(enum content_state state, const char *name)
{
	ck_assert_int_eq(content_read(s.fd, name, 100, any, NULL, &room),
	    state);
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

START_TEST(a_file_is_read_whole_whatever_is_in_it)
{
	int fd;

	whole("f", 100, "text", 4);
	scratch_put(s.fd, "empty", "");
	whole("empty", 100, "", 0);
	whole("empty", 0, "", 0);
	fd = openat(s.fd, "bytes", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "a\0\377b", 4), 4);
	(void)close(fd);
	whole("bytes", 4, "a\0\377b", 4);
	/* What was read before is not in the way. */
	whole("f", 100, "text", 4);
}
END_TEST

START_TEST(the_limit_is_exact)
{
	scratch_put(s.fd, "f", "0123456789");
	whole("f", 10, "0123456789", 10);
	ck_assert_int_eq(content_read(s.fd, "f", 9, any, NULL, &room),
	    CONTENT_LARGE);
	ck_assert_uint_eq(room.st.size, 10);
	/* Its size counts, not what it takes on the disk. */
	scratch_put(s.fd, "sparse", "");
	ck_assert_int_eq(fchdir(s.fd), 0);
	ck_assert_int_eq(truncate("sparse", (off_t)1 << 40), 0);
	ck_assert_int_eq(content_read(s.fd, "sparse", 1 << 20, any, NULL,
			     &room),
	    CONTENT_LARGE);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_file_that_is_being_written_is_not_read)
{
	int fd;

	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		return;
	}
	fd = openat(s.fd, "f", O_WRONLY | O_CLOEXEC);
	is(CONTENT_WRITTEN, "f");
	(void)close(fd);
	is(CONTENT_WHOLE, "f");
	fd = openat(s.fd, "f", O_RDWR | O_CLOEXEC);
	is(CONTENT_WRITTEN, "f");
	(void)close(fd);
	fd = openat(s.fd, "f", O_RDONLY | O_CLOEXEC);
	is(CONTENT_WHOLE, "f");
	(void)close(fd);
}
END_TEST

/* Called before the file is opened and before it is read: the second time
 * somebody else comes. */
struct other {
	int calls;
	int fd;
	int error;
};

static bool
opens_for_writing(const void *ctx, const struct event_stat *st)
{
	struct other *o = (struct other *)(uintptr_t)ctx;

	(void)st;
	if (++o->calls == 2) {
		o->fd = openat(s.fd, "f", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		o->error = errno;
	}
	return true;
}

START_TEST(nobody_can_begin_to_write_while_it_is_read)
{
	struct other o = {.fd = -1};
	int fd;

	if (!has_leases()) {
		skip(__func__, "no leases on this file system");
		return;
	}
	ck_assert_int_eq(content_read(s.fd, "f", 100, opens_for_writing, &o,
			     &room),
	    CONTENT_WHOLE);
	ck_assert_int_eq(o.calls, 2);
	ck_assert_int_eq(o.fd, -1);
	ck_assert_int_eq(o.error, EWOULDBLOCK);
	/* And afterwards nothing is in the way. */
	fd = openat(s.fd, "f", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}
END_TEST

static bool
is_written_to(const void *ctx, const struct event_stat *st)
{
	struct other *o = (struct other *)(uintptr_t)ctx;

	(void)st;
	if (++o->calls == 2)
		ck_assert_int_eq(pwrite(o->fd, "more", 4, 4), 4);
	return true;
}

START_TEST(without_leases_a_change_is_seen_by_its_times)
{
	struct other o = {.fd = -1};

	if (geteuid() != 0) {
		skip(__func__, "not root, whose files others may not lease");
		return;
	}
	ck_assert_int_eq(fchmod(s.fd, 0755), 0);
	ck_assert_int_eq(fchmodat(s.fd, "f", 0644, 0), 0);
	o.fd = openat(s.fd, "f", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(seteuid(65534), 0);
	/* Nobody can tell that it is open for writing. */
	is(CONTENT_WHOLE, "f");
	ck_assert_int_eq(content_read(s.fd, "f", 100, is_written_to, &o, &room),
	    CONTENT_CHANGED);
	ck_assert_int_eq(seteuid(0), 0);
	(void)close(o.fd);
}
END_TEST

/* Puts a FIFO where the file was, when that has been looked at. */
static bool
becomes_fifo(const void *ctx, const struct event_stat *st)
{
	struct other *o = (struct other *)(uintptr_t)ctx;

	(void)st;
	if (++o->calls == 1) {
		ck_assert_int_eq(unlinkat(s.fd, "f", 0), 0);
		ck_assert_int_eq(mkfifoat(s.fd, "f", 0600), 0);
		ck_assert_int_eq(fchdir(s.fd), 0);
		ck_assert_int_ne(inotify_add_watch(o->fd, "f", IN_OPEN), -1);
		ck_assert_int_eq(chdir("/"), 0);
	}
	return true;
}

static size_t
opened(int in)
{
	char buf[4096];
	ssize_t n = read(in, buf, sizeof(buf));

	return n == -1 ? 0 : (size_t)n;
}

START_TEST(what_is_no_regular_file_is_never_opened)
{
	struct other o = {.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ck_assert_int_eq(mkfifoat(s.fd, "p", 0600), 0);
	ck_assert_int_eq(mkdirat(s.fd, "d", 0700), 0);
	ck_assert_int_eq(symlinkat("f", s.fd, "l"), 0);
	ck_assert_int_ne(inotify_add_watch(in, s.path, IN_OPEN), -1);
	is(CONTENT_NONE, "p");
	is(CONTENT_NONE, "d");
	is(CONTENT_NONE, "l");
	if (mknodat(s.fd, "n", S_IFCHR | 0600, 0x103) == 0)
		is(CONTENT_NONE, "n");
	ck_assert_uint_eq(opened(in), 0);
	/* Though it take the place of a file just before it is opened. */
	ck_assert_int_eq(content_read(s.fd, "f", 100, becomes_fifo, &o, &room),
	    CONTENT_WHOLE);
	ck_assert_uint_eq(room.bytes.len, 4);
	is(CONTENT_NONE, "f");
	ck_assert_uint_eq(opened(o.fd), 0);
	(void)close(o.fd);
	(void)close(in);
}
END_TEST

START_TEST(another_file_than_the_one_meant_is_not_opened)
{
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ck_assert_int_ne(inotify_add_watch(in, s.path, IN_OPEN), -1);
	ck_assert_int_eq(content_read(s.fd, "f", 100, none, NULL, &room),
	    CONTENT_CHANGED);
	is(CONTENT_CHANGED, "missing");
	ck_assert_uint_eq(opened(in), 0);
	(void)close(in);
	ck_assert_int_eq(content_read(-1, "f", 100, any, NULL, &room),
	    CONTENT_NONE);
}
END_TEST

START_TEST(a_file_that_may_not_be_read_has_no_content)
{
	bool root = geteuid() == 0;

	ck_assert_int_eq(fchmod(s.fd, 0755), 0);
	ck_assert_int_eq(fchmodat(s.fd, "f", 0, 0), 0);
	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	is(CONTENT_NONE, "f");
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC), i, fd;
	static const char *const names[] = {"f", "p", "missing"};

	(void)close(lowest);
	ck_assert_int_eq(mkfifoat(s.fd, "p", 0600), 0);
	for (i = 0; i < 30; i++) {
		(void)content_read(s.fd, names[i % 3], 100, any, NULL, &room);
		(void)content_read(s.fd, names[i % 3], 1, any, NULL, &room);
		(void)content_read(s.fd, names[i % 3], 100, none, NULL, &room);
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fd, lowest);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("content");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, a_file_is_read_whole_whatever_is_in_it);
	tcase_add_test(core, a_file_that_is_being_written_is_not_read);
	tcase_add_test(core, nobody_can_begin_to_write_while_it_is_read);
	tcase_add_test(core, without_leases_a_change_is_seen_by_its_times);
	tcase_add_test(limits, the_limit_is_exact);
	tcase_add_test(limits, no_descriptor_is_left_open);
	tcase_add_test(hostile, what_is_no_regular_file_is_never_opened);
	tcase_add_test(hostile, another_file_than_the_one_meant_is_not_opened);
	tcase_add_test(hostile, a_file_that_may_not_be_read_has_no_content);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
