#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "buf.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"

/*
 * The contract in backend.h, kept by inotify. Changes are made in d and e,
 * which are watched where a test does so, and in out, which is not. The
 * kernel queues a change before the system call that makes it returns, so
 * nothing here waits but for what wait() asks for.
 */

static const struct backend_ops *const ops = &backend_inotify;

static struct scratch s;
static struct backend *b;
static struct buf told;
static const char *watched[64]; /* by id */

static void
begin(void)
{
	scratch_open(&s);
	ck_assert_int_eq(mkdirat(s.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(s.fd, "e", 0755), 0);
	ck_assert_int_eq(mkdirat(s.fd, "out", 0755), 0);
	ck_assert_int_eq(fchdir(s.fd), 0);
	b = ops->open(2000);
	ck_assert_ptr_nonnull(b);
}

static void
end(void)
{
	ops->close(b);
	buf_free(&told);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&s);
}

static int
add(const char *dir, unsigned interest)
{
	int fd, id;

	fd = open(dir, O_PATH | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	id = ops->add(b, fd, interest);
	ck_assert_msg(id >= 0, "%s: %s", dir, strerror(errno));
	ck_assert_int_lt(id, 64);
	(void)close(fd);
	watched[id] = dir;
	return id;
}

static void
make(const char *path)
{
	scratch_put(AT_FDCWD, path, "");
}

static void
go(const char *from, const char *to)
{
	ck_assert_msg(rename(from, to) == 0, "%s: %s", from, strerror(errno));
}

static void
gone(const char *path)
{
	ck_assert_msg(remove(path) == 0, "%s: %s", path, strerror(errno));
}

static void
note_hint(const struct hint *h)
{
	static const char *const names[] = {
	    [HINT_CREATED] = "created",
	    [HINT_DELETED] = "deleted",
	    [HINT_RENAMED] = "renamed",
	    [HINT_MODIFIED] = "modified",
	    [HINT_CLOSED] = "closed",
	    [HINT_ATTRIB] = "attrib",
	    [HINT_OPENED] = "opened",
	    [HINT_ACCESSED] = "accessed",
	    [HINT_GONE] = "gone",
	    [HINT_OVERFLOW] = "overflow",
	};

	buf_adds(&told, names[h->kind]);
	if (h->kind != HINT_OVERFLOW) {
		ck_assert_int_ge(h->id, 0);
		buf_addc(&told, ' ');
		buf_adds(&told, watched[h->id]);
	}
	ck_assert_uint_eq(h->name_len, strlen(h->name));
	if (h->name_len > 0) {
		buf_addc(&told, '/');
		buf_adds(&told, h->name);
	}
	if (h->kind == HINT_RENAMED) {
		ck_assert_uint_eq(h->to_len, strlen(h->to_name));
		buf_adds(&told, " -> ");
		buf_adds(&told, watched[h->to_id]);
		buf_addc(&told, '/');
		buf_adds(&told, h->to_name);
	} else if (h->moved) {
		buf_adds(&told, " moved");
	}
	if (h->isdir)
		buf_adds(&told, " dir");
	buf_addc(&told, '\n');
}

/* Gives up what has been waited for long enough. */
static int
next(struct hint *h)
{
	return ops->next(b, h) == 1 ||
	    (ops->half(b) != -1 && ops->next(b, h) == 1);
}

/* What next() hands out now. */
static const char *
now_told(void)
{
	struct hint h;

	buf_clear(&told);
	while (next(&h) == 1)
		note_hint(&h);
	buf_addc(&told, '\0');
	return told.data;
}

/* Waits as long as is asked for; next() is due after that. */
static void
wait_as_asked(void)
{
	int ms = ops->wait(b);

	ck_assert_int_ge(ms, 0);
	/* It promises not to block others for longer than a moment. */
	ck_assert_int_le(ms, 100);
	/* poll(2) may come back up to a millisecond early by our clock. */
	ck_assert_int_eq(poll(NULL, 0, ms + 1), 0);
}

/* All that the kernel has, and all that comes of it. */
static const char *
story(void)
{
	struct hint h;

	ck_assert_int_eq(ops->fill(b), 1);
	buf_clear(&told);
	for (;;) {
		while (next(&h) == 1)
			note_hint(&h);
		if (ops->wait(b) == -1)
			break;
		wait_as_asked();
	}
	buf_addc(&told, '\0');
	return told.data;
}

static void
note_name(void *ctx, const char *name, size_t len)
{
	struct buf *out = ctx;

	ck_assert_uint_eq(len, strlen(name));
	buf_add(out, name, len);
	buf_addc(out, ' ');
}

static const char *
pending(int id, uint64_t since)
{
	buf_clear(&told);
	ops->pending(b, id, since, note_name, &told);
	buf_addc(&told, '\0');
	return told.data;
}

START_TEST(what_happens_is_told_in_the_order_in_which_it_happened)
{
	int fd;

	add("d",
	    BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_CLOSED | BACKEND_ATTRIB |
		BACKEND_OPENED | BACKEND_ACCESSED);
	fd = open("d/a", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(pread(fd, (char[1]){0}, 1, 0), 1);
	ck_assert_int_eq(fchmod(fd, 0600), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(mkdir("d/b", 0755), 0);
	gone("d/a");
	gone("d/b");
	ck_assert_str_eq(story(),
	    "created d/a\nopened d/a\nmodified d/a\naccessed d/a\n"
	    "attrib d/a\nclosed d/a\ncreated d/b dir\n"
	    "deleted d/a\ndeleted d/b dir\n");
	ck_assert_str_eq(story(), "");
}
END_TEST

START_TEST(only_what_was_asked_for_is_told_and_more_can_be_asked_for)
{
	int id = add("d", BACKEND_NAMES);

	scratch_put(s.fd, "d/a", "1");
	ck_assert_str_eq(story(), "created d/a\n");
	ck_assert_int_eq(add("d", BACKEND_MODIFIED), id);
	scratch_put(s.fd, "d/b", "1");
	ck_assert_str_eq(story(), "created d/b\nmodified d/b\n");
	ck_assert_int_ne(add("e", BACKEND_CLOSED), id);
	scratch_put(s.fd, "e/b", "1");
	ck_assert_str_eq(story(), "closed e/b\n");
}
END_TEST

START_TEST(a_directory_keeps_its_id_by_whatever_way_it_is_reached)
{
	int id = add("d", BACKEND_NAMES);

	go("d", "x");
	ck_assert_int_eq(symlink("x", "link"), 0);
	ck_assert_int_eq(add("x", BACKEND_NAMES), id);
	ck_assert_int_eq(add("link/.", BACKEND_NAMES), id);
}
END_TEST

START_TEST(a_descriptor_becomes_readable_when_there_is_something)
{
	struct pollfd p = {.fd = ops->fd(b), .events = POLLIN};

	add("d", BACKEND_NAMES);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	make("d/a");
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_str_eq(story(), "created d/a\n");
	ck_assert_int_eq(poll(&p, 1, 0), 0);
}
END_TEST

START_TEST(a_hint_carries_the_time_at_which_it_was_read)
{
	struct timespec before, after;
	struct hint h;

	add("d", BACKEND_NAMES);
	make("d/a");
	(void)clock_gettime(CLOCK_REALTIME, &before);
	ck_assert_int_eq(ops->fill(b), 1);
	(void)clock_gettime(CLOCK_REALTIME, &after);
	ck_assert_int_eq(ops->next(b, &h), 1);
	ck_assert(h.time.tv_sec > before.tv_sec ||
	    (h.time.tv_sec == before.tv_sec &&
		h.time.tv_nsec >= before.tv_nsec));
	ck_assert(h.time.tv_sec < after.tv_sec ||
	    (h.time.tv_sec == after.tv_sec && h.time.tv_nsec <= after.tv_nsec));
}
END_TEST

START_TEST(both_halves_of_a_rename_are_told_as_one)
{
	add("d", BACKEND_NAMES);
	add("e", BACKEND_NAMES);
	make("d/a");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	(void)story();
	go("d/a", "d/b");
	go("d/b", "e/a");
	go("d/s", "e/s");
	ck_assert_str_eq(story(),
	    "renamed d/a -> d/b\nrenamed d/b -> e/a\n"
	    "renamed d/s -> e/s dir\n");
}
END_TEST

START_TEST(a_name_moved_out_is_a_departure_after_a_moment)
{
	struct hint h;

	add("d", BACKEND_NAMES);
	make("d/a");
	(void)story();
	ck_assert_int_eq(ops->wait(b), -1);
	go("d/a", "out/a");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_int_eq(ops->next(b, &h), 0);
	wait_as_asked();
	ck_assert_str_eq(now_told(), "deleted d/a moved\n");
	ck_assert_int_eq(ops->wait(b), -1);
}
END_TEST

START_TEST(a_name_moved_in_is_an_arrival_at_once)
{
	add("d", BACKEND_NAMES);
	make("out/a");
	ck_assert_int_eq(mkdir("out/s", 0755), 0);
	go("out/a", "d/a");
	go("out/s", "d/s");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_str_eq(now_told(),
	    "created d/a moved\ncreated d/s moved dir\n");
}
END_TEST

START_TEST(what_came_behind_a_departure_is_held_back_no_longer_than_it)
{
	struct hint h;

	add("d", BACKEND_NAMES);
	make("d/a");
	make("d/b");
	(void)story();
	go("d/a", "out/a");
	make("d/c");
	go("d/b", "out/b");
	make("d/e");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_int_eq(ops->next(b, &h), 0);
	wait_as_asked();
	/* One wait is enough for all that was there when it began. */
	ck_assert_str_eq(now_told(),
	    "deleted d/a moved\ncreated d/c\n"
	    "deleted d/b moved\ncreated d/e\n");
	ck_assert_int_eq(ops->wait(b), -1);
}
END_TEST

START_TEST(what_comes_before_a_departure_is_not_held_back)
{
	add("d", BACKEND_NAMES);
	make("d/a");
	go("d/a", "out/a");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_str_eq(now_told(), "created d/a\n");
	wait_as_asked();
	ck_assert_str_eq(now_told(), "deleted d/a moved\n");
}
END_TEST

/* A pipe in the kernel's place, to end a read wherever a test wants it. */
static int
speak_for_the_kernel(void)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_int_ne(dup3(p[0], ops->fd(b), O_CLOEXEC), -1);
	(void)close(p[0]);
	return p[1];
}

static void
kernel_says(int to, int id, uint32_t mask, uint32_t cookie, const char *name)
{
	struct inotify_event ev = {.wd = id, .mask = mask, .cookie = cookie};
	char record[sizeof(ev) + 16] = "";

	ev.len = sizeof(record) - sizeof(ev);
	memcpy(record, &ev, sizeof(ev));
	(void)strlcpy(record + sizeof(ev), name, ev.len);
	ck_assert_int_eq(write(to, record, sizeof(record)), sizeof(record));
	ck_assert_int_eq(ops->fill(b), 1);
}

/* A read may end between them, and others' records may come between. */
START_TEST(the_second_half_of_a_rename_is_waited_for)
{
	int d = add("d", BACKEND_NAMES), e = add("e", BACKEND_NAMES), to;
	uint32_t cookie = 1;
	struct hint h;
	int ms;

	to = speak_for_the_kernel();
	do {
		ck_assert_uint_lt(cookie, 1000);
		kernel_says(to, d, IN_MOVED_FROM, ++cookie, "a");
		ck_assert_int_eq(ops->next(b, &h), 0);
		/* 0: this test itself was held up for longer than that. */
		ms = ops->wait(b);
		kernel_says(to, d, IN_CREATE, 0, "other");
		kernel_says(to, e, IN_MOVED_TO, cookie, "b");
		ck_assert_str_eq(now_told(),
		    "renamed d/a -> e/b\ncreated d/other\n");
	} while (ms <= 0);
	/* Too late, it is something that comes from elsewhere. */
	kernel_says(to, d, IN_MOVED_FROM, ++cookie, "a");
	ck_assert_int_eq(ops->next(b, &h), 0);
	wait_as_asked();
	ck_assert_str_eq(now_told(), "deleted d/a moved\n");
	kernel_says(to, e, IN_MOVED_TO, cookie, "b");
	ck_assert_str_eq(now_told(), "created e/b moved\n");
	(void)close(to);
}
END_TEST

/* Somebody may have been held up between the two for longer than that, which
 * can be seen where the directory is. */
START_TEST(half_of_a_rename_is_given_up_when_that_has_been_said)
{
	int d = add("d", BACKEND_NAMES), e = add("e", BACKEND_NAMES), to;
	struct hint h;

	to = speak_for_the_kernel();
	ck_assert_int_eq(ops->half(b), -1);
	kernel_says(to, d, IN_CREATE, 0, "c");
	ck_assert_int_eq(ops->half(b), -1);
	kernel_says(to, d, IN_MOVED_FROM, 1, "a");
	ck_assert_str_eq(now_told(), "created d/c\n");
	wait_as_asked();
	ck_assert_int_eq(ops->next(b, &h), 0);
	ck_assert_int_eq(ops->half(b), d);
	kernel_says(to, e, IN_MOVED_TO, 1, "b");
	ck_assert_str_eq(now_told(), "renamed d/a -> e/b\n");
	ck_assert_int_eq(ops->wait(b), -1);
	/* What has come since it is waited for waits for itself. */
	kernel_says(to, e, IN_MOVED_FROM, 2, "a");
	ck_assert_int_eq(ops->next(b, &h), 0);
	wait_as_asked();
	kernel_says(to, d, IN_MOVED_FROM, 3, "b");
	ck_assert_int_eq(ops->half(b), e);
	ck_assert_int_eq(ops->next(b, &h), 1);
	ck_assert_int_eq(h.id, e);
	ck_assert_int_eq(ops->next(b, &h), 0);
	wait_as_asked();
	ck_assert_int_eq(ops->half(b), d);
	ck_assert_int_eq(ops->next(b, &h), 1);
	ck_assert_int_eq(h.kind, HINT_DELETED);
	(void)close(to);
}
END_TEST

START_TEST(pending_names_are_those_that_came_or_went_since_a_position)
{
	int d = add("d", BACKEND_NAMES | BACKEND_CLOSED), e;
	uint64_t start = ops->position(b), middle;
	struct hint h;

	e = add("e", BACKEND_NAMES);
	make("d/a");
	make("d/b");
	gone("d/a");
	ck_assert_str_eq(pending(d, start), "");
	ck_assert_int_eq(ops->fill(b), 1);
	middle = ops->position(b);
	ck_assert_uint_gt(middle, start);
	ck_assert_str_eq(pending(d, start), "a b a ");
	ck_assert_str_eq(pending(d, middle), "");
	ck_assert_str_eq(pending(e, start), "");
	go("d/b", "e/c");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_str_eq(pending(d, middle), "b ");
	ck_assert_str_eq(pending(e, middle), "c ");
	/* What has been handed out is pending no longer. */
	ck_assert_int_eq(ops->next(b, &h), 1);
	ck_assert_str_eq(pending(d, start), "b a b ");
	(void)story();
	ck_assert_str_eq(pending(d, start), "");
	ck_assert_str_eq(pending(e, start), "");
	ck_assert_uint_ge(ops->position(b), middle);
}
END_TEST

START_TEST(the_second_half_of_a_rename_is_not_pending_once_it_is_told)
{
	int d = add("d", BACKEND_NAMES);
	struct hint h;

	make("d/a");
	(void)story();
	go("d/a", "d/b");
	make("d/c");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_str_eq(pending(d, 0), "a b c ");
	ck_assert_int_eq(ops->next(b, &h), 1);
	ck_assert_str_eq(pending(d, 0), "c ");
}
END_TEST

START_TEST(closing_says_whether_a_close_will_be_told_of_that_name)
{
	int d = add("d", BACKEND_NAMES | BACKEND_CLOSED);
	int e = add("e", BACKEND_NAMES | BACKEND_CLOSED), fd;

	fd = open("d/ab", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert(!ops->closing(b, d, "ab", 2));
	(void)close(fd);
	ck_assert(!ops->closing(b, d, "ab", 2));
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert(ops->closing(b, d, "ab", 2));
	ck_assert(!ops->closing(b, d, "a", 1));
	ck_assert(!ops->closing(b, d, "abc", 3));
	ck_assert(!ops->closing(b, e, "ab", 2));
	(void)story();
	ck_assert(!ops->closing(b, d, "ab", 2));
}
END_TEST

START_TEST(leaving_says_where_the_next_rename_takes_a_name)
{
	char to[NAME_MAX + 1];
	int d = add("d", BACKEND_NAMES), e = add("e", BACKEND_NAMES), id = -1;
	bool isdir = true;

	make("d/a");
	make("d/o");
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	(void)story();
	go("d/a", "e/b");
	go("d/s", "d/t");
	go("d/o", "out/o");
	make("d/n");
	go("d/n", "d/m");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_int_eq(ops->leaving(b, d, "a", 1, &id, to, &isdir), 1);
	ck_assert_int_eq(id, e);
	ck_assert_str_eq(to, "b");
	ck_assert(!isdir);
	ck_assert_int_eq(ops->leaving(b, d, "s", 1, &id, to, &isdir), 1);
	ck_assert_int_eq(id, d);
	ck_assert_str_eq(to, "t");
	ck_assert(isdir);
	/* It goes where nobody looks, as far as can be said; it appears first;
	 * it arrives; nothing is known of it. */
	ck_assert_int_eq(ops->leaving(b, d, "o", 1, &id, to, &isdir), -1);
	ck_assert_int_eq(ops->leaving(b, d, "n", 1, &id, to, &isdir), 0);
	ck_assert_int_eq(ops->leaving(b, e, "b", 1, &id, to, &isdir), 0);
	ck_assert_int_eq(ops->leaving(b, e, "a", 1, &id, to, &isdir), -1);
	(void)story();
	ck_assert_int_eq(ops->leaving(b, d, "a", 1, &id, to, &isdir), -1);
}
END_TEST

START_TEST(forgotten_names_are_not_told)
{
	int d = add("d", BACKEND_NAMES | BACKEND_CLOSED);

	add("e", BACKEND_NAMES);
	make("d/a");
	make("d/ab");
	make("e/a");
	ck_assert_int_eq(ops->fill(b), 1);
	ops->forget(b, d, "a", 1);
	ck_assert_str_eq(pending(d, 0), "ab ");
	/* Only that it has appeared is forgotten. */
	ck_assert_str_eq(story(),
	    "closed d/a\ncreated d/ab\nclosed d/ab\ncreated e/a\n");
	gone("d/a");
	gone("d/ab");
	gone("e/a");
	ck_assert_int_eq(ops->fill(b), 1);
	ops->forget(b, d, NULL, 0);
	ck_assert_str_eq(story(), "deleted e/a\n");
	/* What comes later is. */
	make("d/a");
	ck_assert_str_eq(story(), "created d/a\nclosed d/a\n");
}
END_TEST

START_TEST(half_of_a_rename_that_is_forgotten_leaves_the_other_half)
{
	int d = add("d", BACKEND_NAMES), e = add("e", BACKEND_NAMES);

	make("d/a");
	make("d/b");
	(void)story();
	go("d/a", "e/a");
	go("d/b", "e/b");
	ck_assert_int_eq(ops->fill(b), 1);
	ops->forget(b, d, "a", 1);
	ops->forget(b, e, "b", 1);
	ck_assert_str_eq(story(), "created e/a moved\ndeleted d/b moved\n");
}
END_TEST

START_TEST(after_remove_nothing_comes_but_that_the_watch_is_gone)
{
	int d = add("d", BACKEND_NAMES), again;

	add("e", BACKEND_NAMES);
	ops->remove(b, d);
	make("d/a");
	make("e/a");
	ck_assert_str_eq(story(), "gone d\ncreated e/a\n");
	/* Twice does no harm, nor does a number that never was one. */
	ops->remove(b, d);
	ops->remove(b, 63);
	again = add("d", BACKEND_NAMES);
	gone("d/a");
	ck_assert_str_eq(story(), "deleted d/a\n");
	ops->remove(b, d == again ? 63 : d);
	make("d/a");
	ck_assert_str_eq(story(), "created d/a\n");
}
END_TEST

START_TEST(a_directory_that_is_removed_is_gone)
{
	add("d", BACKEND_NAMES);
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	(void)story();
	add("d/s", BACKEND_NAMES);
	gone("d/s");
	ck_assert_str_eq(story(), "gone d/s\ndeleted d/s dir\n");
}
END_TEST

START_TEST(what_is_written_to_a_removed_file_is_not_told)
{
	int fd;

	add("d", BACKEND_NAMES | BACKEND_MODIFIED | BACKEND_CLOSED);
	fd = open("d/a", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	gone("d/a");
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_str_eq(story(), "created d/a\ndeleted d/a\n");
}
END_TEST

/* Names as long as they may be: 255 bytes of this letter in this directory. */
static const char *
long_name(const char *dir, char letter)
{
	static char kept[4][300];
	static size_t next;
	char *p = kept[next++ % 4];

	(void)snprintf(p, sizeof(kept[0]), "%s/", dir);
	memset(p + strlen(p), letter, NAME_MAX);
	p[strlen(dir) + 1 + NAME_MAX] = '\0';
	return p;
}

START_TEST(names_of_255_bytes_are_told_whole)
{
	char to[NAME_MAX + 1], want[2048];
	int d = add("d", BACKEND_NAMES), id;
	bool isdir;

	make(long_name("d", 'x'));
	go(long_name("d", 'x'), long_name("d", 'y'));
	ck_assert_int_eq(ops->fill(b), 1);
	(void)snprintf(want, sizeof(want), "%s %s %s ", long_name("d", 'x') + 2,
	    long_name("d", 'x') + 2, long_name("d", 'y') + 2);
	ck_assert_str_eq(pending(d, 0), want);
	ops->forget(b, d, long_name("d", 'x') + 2, NAME_MAX - 1);
	ck_assert_str_eq(pending(d, 0), want);
	(void)snprintf(want, sizeof(want), "created %s\nrenamed %s -> %s\n",
	    long_name("d", 'x'), long_name("d", 'x'), long_name("d", 'y'));
	ck_assert_str_eq(story(), want);
	go(long_name("d", 'y'), long_name("d", 'z'));
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_int_eq(ops->leaving(b, d, long_name("d", 'y') + 2, NAME_MAX,
			     &id, to, &isdir),
	    1);
	ck_assert_str_eq(to, long_name("d", 'z') + 2);
}
END_TEST

/* The most that the kernel keeps; 0 where nobody says. */
static long
queue_size(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld", &n) != 1)
		n = 0;
	(void)fclose(f);
	return n;
}

START_TEST(more_hints_than_there_is_room_for_wait_in_the_kernel)
{
	const char *x = long_name("d", 'x'), *y = long_name("d", 'y');
	const int rounds = 12, each = 1000;
	int i, k, renames = 0, full = 0, got;
	uint64_t last, now;
	struct hint h;

	if (queue_size() < 4L * each) {
		skip(__func__, "the kernel's queue is very small");
		return;
	}
	add("d", BACKEND_NAMES);
	make(x);
	(void)story();
	/* Twice: the room that the first time took is given back. */
	for (k = 0; k < 2; k++) {
		for (i = 0; i < rounds * each / 2; i++) {
			go(x, y);
			go(y, x);
			if (i % each == each - 1)
				full += ops->fill(b) == 0;
		}
		ck_assert_int_gt(full, k);
		last = ops->position(b);
		do {
			while (ops->next(b, &h) == 1) {
				ck_assert_int_eq(h.kind, HINT_RENAMED);
				ck_assert_int_eq(h.name[0],
				    renames % 2 == 0 ? 'x' : 'y');
				ck_assert_int_eq(h.to_name[0],
				    renames % 2 == 0 ? 'y' : 'x');
				renames++;
			}
			got = ops->fill(b);
			ck_assert_int_ne(got, -1);
			now = ops->position(b);
			ck_assert_uint_ge(now, last);
			last = now;
		} while (got == 0 || renames < (k + 1) * rounds * each);
		ck_assert_int_eq(renames, (k + 1) * rounds * each);
	}
	gone(x);
	ck_assert_ptr_nonnull(strstr(story(), "deleted d/xx"));
}
END_TEST

START_TEST(a_position_holds_while_hints_come_and_go)
{
	const char *x = long_name("d", 'x'), *y = long_name("d", 'y');
	int d = add("d", BACKEND_NAMES), i, k;
	uint64_t before;
	struct hint h;

	make(x);
	for (k = 0; k < 20; k++) {
		for (i = 0; i < 50; i++) {
			go(x, y);
			go(y, x);
		}
		ck_assert_int_eq(ops->fill(b), 1);
		/* All but a few. */
		for (i = 0; i < 98; i++)
			ck_assert_int_eq(ops->next(b, &h), 1);
		before = ops->position(b);
		ck_assert_str_eq(pending(d, before), "");
		make("d/new");
		gone("d/new");
		ck_assert_int_eq(ops->fill(b), 1);
		ck_assert_str_eq(pending(d, before), "new new ");
	}
	(void)story();
	gone(x);
}
END_TEST

START_TEST(an_overflow_of_the_queue_is_told_and_watching_goes_on)
{
	long n = queue_size(), i, overflows = 0;
	struct hint h;

	if (n == 0 || n > 100000) {
		skip(__func__, "the kernel's queue is very large");
		return;
	}
	add("d", BACKEND_NAMES);
	make("d/a");
	for (i = 0; i < n / 4 + 10; i++) {
		go("d/a", "d/b");
		go("d/b", "d/a");
	}
	while (ops->fill(b) != -1 && ops->next(b, &h) == 1) {
		overflows += h.kind == HINT_OVERFLOW;
		if (overflows == 0)
			ck_assert_int_ge(h.id, 0);
	}
	if (ops->wait(b) >= 0) {
		wait_as_asked();
		while (next(&h) == 1)
			overflows += h.kind == HINT_OVERFLOW;
	}
	ck_assert_int_eq(overflows, 1);
	make("d/c");
	ck_assert_str_eq(story(), "created d/c\n");
}
END_TEST

START_TEST(a_limit_is_named_with_its_value)
{
	long value = 0, of_instances = 0;

	ck_assert_str_eq(ops->limit(ENOSPC, &value),
	    "fs.inotify.max_user_watches");
	ck_assert_int_gt(value, 0);
	ck_assert_str_eq(ops->limit(EMFILE, &of_instances),
	    "fs.inotify.max_user_instances");
	ck_assert_int_gt(of_instances, 0);
	ck_assert_int_ne(value, of_instances);
}
END_TEST

static bool
set_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done =
	    fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd != -1)
		(void)close(fd);
	return done;
}

START_TEST(beyond_the_limits_open_and_add_say_which_one)
{
	int d, e;

	if (!scratch_limit("max_inotify_watches", "1")) {
		skip(__func__, "no user namespaces here");
		return;
	}
	ops->close(b);
	b = ops->open(2000);
	ck_assert_ptr_nonnull(b);
	d = open("d", O_PATH | O_CLOEXEC);
	e = open("e", O_PATH | O_CLOEXEC);
	ck_assert_int_ge(ops->add(b, d, BACKEND_NAMES), 0);
	ck_assert_int_eq(ops->add(b, e, BACKEND_NAMES), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert(set_number("/proc/sys/user/max_inotify_instances", "1"));
	ck_assert_ptr_null(ops->open(2000));
	ck_assert_int_eq(errno, EMFILE);
	(void)close(d);
	(void)close(e);
}
END_TEST

START_TEST(names_may_hold_any_bytes)
{
	char to[NAME_MAX + 1];
	int d = add("d", BACKEND_NAMES), id;
	bool isdir;

	make("d/ \n\\\"\t");
	go("d/ \n\\\"\t", "d/\xff\xfe\x80");
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert_int_eq(ops->leaving(b, d, " \n", 2, &id, to, &isdir), -1);
	ck_assert_str_eq(story(),
	    "created d/ \n\\\"\t\nrenamed d/ \n\\\"\t -> d/\xff\xfe\x80\n");
}
END_TEST

START_TEST(what_is_no_directory_is_not_watched)
{
	int fd;

	make("d/a");
	fd = open("d/a", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(ops->add(b, fd, BACKEND_NAMES), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	(void)close(fd);
	ck_assert_int_eq(ops->add(b, -1, BACKEND_NAMES), -1);
}
END_TEST

START_TEST(a_directory_that_may_not_be_read_is_not_watched)
{
	int fd;

	ck_assert_int_eq(chmod(s.path, 0755), 0);
	ck_assert_int_eq(chmod("d", 0311), 0);
	fd = open("d", O_PATH | O_CLOEXEC);
	if (geteuid() == 0) {
		ck_assert_int_eq(seteuid(65534), 0);
		/* For /proc/self/fd to stay ours. */
		ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
	}
	ck_assert_int_eq(ops->add(b, fd, BACKEND_NAMES), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(seteuid(getuid()), 0);
	(void)close(fd);
}
END_TEST

#define OTHERS 500

/* Another process that makes and removes so many files in d for each byte that
 * is written to *leave, so that it cannot fill the queue while we wait for our
 * turn. It ends with the pipe. */
static pid_t
start_others(int *leave)
{
	int p[2], fd, i;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	*leave = p[1];
	if (pid != 0) {
		(void)close(p[0]);
		return pid;
	}
	(void)close(p[1]);
	while (read(p[0], &byte, 1) == 1) {
		for (i = 0; i < OTHERS; i++) {
			fd = open("d/other", O_WRONLY | O_CREAT, 0644);
			if (fd == -1 || close(fd) == -1 ||
			    unlink("d/other") == -1)
				_exit(1);
		}
	}
	_exit(0);
}

START_TEST(renames_find_their_halves_among_what_others_do)
{
	const int n = 3000;
	int i, leave, status, renames = 0, others = 0, given = 0;
	struct hint h;
	pid_t pid;

	add("d", BACKEND_NAMES);
	add("e", BACKEND_NAMES);
	make("d/a");
	(void)story();
	pid = start_others(&leave);
	for (i = 0; i < n || others == 0; i++) {
		if (others == given) {
			ck_assert_int_eq(write(leave, "x", 1), 1);
			given += OTHERS;
		}
		go("d/a", "e/b");
		go("e/b", "d/a");
		ck_assert_int_ne(ops->fill(b), -1);
		while (ops->next(b, &h) == 1) {
			ck_assert_int_ne(h.kind, HINT_OVERFLOW);
			ck_assert_msg(!h.moved || h.kind == HINT_RENAMED,
			    "half of a rename of %s", h.name);
			renames += h.kind == HINT_RENAMED;
			others += h.kind == HINT_CREATED;
		}
	}
	(void)close(leave);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	while (ops->fill(b) != -1 && ops->next(b, &h) == 1)
		renames += h.kind == HINT_RENAMED;
	ck_assert_int_eq(renames, 2 * i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backend_inotify");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_set_timeout(limits, 60);
	tcase_set_timeout(hostile, 60);
	tcase_add_test(core,
	    what_happens_is_told_in_the_order_in_which_it_happened);
	tcase_add_test(core,
	    only_what_was_asked_for_is_told_and_more_can_be_asked_for);
	tcase_add_test(core,
	    a_directory_keeps_its_id_by_whatever_way_it_is_reached);
	tcase_add_test(core,
	    a_descriptor_becomes_readable_when_there_is_something);
	tcase_add_test(core, a_hint_carries_the_time_at_which_it_was_read);
	tcase_add_test(core, both_halves_of_a_rename_are_told_as_one);
	tcase_add_test(core, a_name_moved_out_is_a_departure_after_a_moment);
	tcase_add_test(core, the_second_half_of_a_rename_is_waited_for);
	tcase_add_test(core,
	    half_of_a_rename_is_given_up_when_that_has_been_said);
	tcase_add_test(core, a_name_moved_in_is_an_arrival_at_once);
	tcase_add_test(core,
	    what_came_behind_a_departure_is_held_back_no_longer_than_it);
	tcase_add_test(core, what_comes_before_a_departure_is_not_held_back);
	tcase_add_test(core,
	    pending_names_are_those_that_came_or_went_since_a_position);
	tcase_add_test(core,
	    the_second_half_of_a_rename_is_not_pending_once_it_is_told);
	tcase_add_test(core,
	    closing_says_whether_a_close_will_be_told_of_that_name);
	tcase_add_test(core, leaving_says_where_the_next_rename_takes_a_name);
	tcase_add_test(core, forgotten_names_are_not_told);
	tcase_add_test(core,
	    half_of_a_rename_that_is_forgotten_leaves_the_other_half);
	tcase_add_test(core,
	    after_remove_nothing_comes_but_that_the_watch_is_gone);
	tcase_add_test(core, a_directory_that_is_removed_is_gone);
	tcase_add_test(core, what_is_written_to_a_removed_file_is_not_told);
	tcase_add_test(limits, names_of_255_bytes_are_told_whole);
	tcase_add_test(limits,
	    more_hints_than_there_is_room_for_wait_in_the_kernel);
	tcase_add_test(limits, a_position_holds_while_hints_come_and_go);
	tcase_add_test(limits,
	    an_overflow_of_the_queue_is_told_and_watching_goes_on);
	tcase_add_test(limits, a_limit_is_named_with_its_value);
	tcase_add_test(limits, beyond_the_limits_open_and_add_say_which_one);
	tcase_add_test(hostile, names_may_hold_any_bytes);
	tcase_add_test(hostile, what_is_no_directory_is_not_watched);
	tcase_add_test(hostile,
	    a_directory_that_may_not_be_read_is_not_watched);
	tcase_add_test(hostile, renames_find_their_halves_among_what_others_do);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
