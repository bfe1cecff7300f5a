/*
 * The contract in backend.h, kept by kqueue: over a kernel that is made up
 * (kqueue/fake.h), and that tells what each of the systems tells. d and e are
 * directories that are watched where a test does so; d/f, d/g and d/h are
 * files.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "backend_kqueue.h"
#include "buf.h"
#include "harness.h"
#include "kqueue/fake.h"
#include "monotonic.h"
#include "scratch.h"

#define POLL_MS 20
#define CONTENT (BACKEND_NAMES | BACKEND_MODIFIED)

static const struct backend_ops *const ops = &backend_kqueue;

static struct scratch s;
static struct backend *b;
static struct buf told;
static const char *watched[16]; /* by id */

static void
begin_on(int system)
{
	fake_begin(&fake_systems[system], 1);
	scratch_open(&s);
	ck_assert_int_eq(fchdir(s.fd), 0);
	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(mkdir("e", 0755), 0);
	scratch_put(AT_FDCWD, "d/f", "four");
	scratch_put(AT_FDCWD, "d/g", "five5");
	scratch_put(AT_FDCWD, "d/h", "sixsix");
	b = backend_kqueue_open(&fake_calls, POLL_MS);
	ck_assert_ptr_nonnull(b);
}

static void
begin(void)
{
	begin_on(0);
}

static void
end(void)
{
	ops->close(b);
	fake_end();
	buf_free(&told);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&s);
}

static int
try_add(const char *dir, unsigned interest)
{
	int fd, id, error;

	fd = open(dir, O_PATH | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	id = ops->add(b, fd, interest);
	error = errno;
	(void)close(fd);
	errno = error;
	return id;
}

static int
add(const char *dir, unsigned interest)
{
	int id = try_add(dir, interest);

	ck_assert_msg(id >= 0 && id < 16, "%s: %s", dir, strerror(errno));
	watched[id] = dir;
	return id;
}

static int
add_name(int id, const char *name)
{
	int fd, ret, error;

	fd = open(watched[id], O_PATH | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ret = ops->add_name(b, id, fd, name);
	error = errno;
	(void)close(fd);
	errno = error;
	return ret;
}

static void
note_hint(const struct hint *h)
{
	static const struct {
		unsigned bit;
		const char *name;
	} table[] = {
	    {BACKEND_NAMES, " names"},
	    {BACKEND_MODIFIED, " content"},
	    {BACKEND_ATTRIB, " attributes"},
	};
	size_t i;

	ck_assert_uint_eq(h->name_len, strlen(h->name));
	if (told.len > 0)
		buf_adds(&told, ", ");
	buf_adds(&told, watched[h->id]);
	if (h->name_len > 0)
		buf_addc(&told, '/');
	buf_adds(&told, h->name);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (h->kind == HINT_CHANGED && (h->what & table[i].bit))
			buf_adds(&told, table[i].name);
	if (h->kind == HINT_CLOSED)
		buf_adds(&told, " closed");
	else if (h->kind == HINT_OPENED)
		buf_adds(&told, " opened");
	else if (h->kind == HINT_ACCESSED)
		buf_adds(&told, " accessed");
	else if (h->kind == HINT_GONE)
		buf_adds(&told, " gone");
	else
		ck_assert_int_eq(h->kind, HINT_CHANGED);
}

/* What is told now. */
static const char *
hints(void)
{
	struct hint h;

	buf_clear(&told);
	ck_assert_int_eq(ops->fill(b), 1);
	while (ops->next(b, &h) == 1)
		note_hint(&h);
	buf_addc(&told, '\0');
	return told.data;
}

static void
await_clock(void)
{
	ck_assert_int_ge(ops->wait(b), 0);
	while (ops->wait(b) > 0)
		(void)poll(NULL, 0, ops->wait(b));
}

/* What is told by the clock. */
static const char *
hints_later(void)
{
	await_clock();
	return hints();
}

/* Every system. */

START_TEST(names_that_come_and_go_are_told_of_their_directory)
{
	begin_on(_i);
	(void)add("d", CONTENT);
	(void)add("e", CONTENT);
	ck_assert(fake_create("d/new"));
	ck_assert_str_eq(hints(), "d names");
	ck_assert(fake_unlink("d/new"));
	ck_assert_str_eq(hints(), "d names");
	ck_assert(fake_symlink("x", "d/new"));
	ck_assert_str_eq(hints(), "d names");
	ck_assert(fake_mkdir("d/sub"));
	ck_assert_str_eq(hints(), "d names");
	ck_assert(fake_rmdir("d/sub"));
	ck_assert_str_eq(hints(), "d names");
	ck_assert(fake_rename("d/f", "d/new"));
	ck_assert_str_eq(hints(), "d names");
	ck_assert(fake_rename("d/new", "e/new"));
	ck_assert_str_eq(hints(), "d names, e names");
	ck_assert_str_eq(hints(), "");
	end();
}
END_TEST

START_TEST(what_happens_to_a_file_is_told_of_it)
{
	int id;

	begin_on(_i);
	id = add("d", CONTENT | BACKEND_ATTRIB);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert(fake_write("d/f", "FOUR"));
	ck_assert_str_eq(hints(), "d/f content");
	ck_assert(fake_append("d/f", "more"));
	ck_assert_str_eq(hints(), "d/f content");
	ck_assert(fake_chmod("d/f", 0600));
	ck_assert_str_eq(hints(), "d/f attributes");
	ck_assert(fake_truncate("d/f", 16));
	ck_assert_str_ne(hints(), "");
	ck_assert(fake_truncate("d/f", 2));
	if (fake_systems[_i].silent_shrink)
		ck_assert_str_eq(hints(), "");
	else
		ck_assert_str_ne(hints(), "");
	ck_assert(fake_unlink("d/f"));
	ck_assert_str_eq(hints(), "d names, d/f attributes");
	end();
}
END_TEST

/* A file that has left its name is let go: a descriptor is not for ever. */
START_TEST(a_descriptor_goes_with_its_name)
{
	int id;

	begin_on(_i);
	id = add("d", CONTENT);
	(void)add("e", CONTENT);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert_int_eq(add_name(id, "h"), 0);
	ck_assert_uint_eq(fake_open_fds(), 5);
	ck_assert(fake_rename("d/f", "e/f"));
	ck_assert(fake_rename("d/h", "d/g"));
	(void)hints();
	ck_assert_uint_eq(fake_open_fds(), 2);
	/* One that has another link left is told as deleted by some: it is
	 * looked at, and watched again. */
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert(fake_link("d/g", "e/link"));
	(void)hints();
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert(fake_unlink("e/link"));
	ck_assert_str_eq(hints(), "e names, d/g attributes");
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert(fake_write("d/g", "again"));
	ck_assert_str_eq(hints(), "d/g content");
	end();
}
END_TEST

START_TEST(a_forced_unmount_ends_the_watch)
{
	int id;

	begin_on(_i);
	id = add("d", CONTENT);
	(void)add("e", CONTENT);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), 0);
	fake_revoke("d/f");
	ck_assert_str_eq(hints(), "d/f attributes");
	ck_assert_uint_eq(fake_open_fds(), 3);
	fake_revoke("d");
	ck_assert_str_eq(hints(), "d gone");
	ck_assert_uint_eq(fake_open_fds(), 1);
	ck_assert(fake_create("d/new"));
	ck_assert_str_eq(hints(), "");
	/* What is there then is watched like any other. */
	(void)add("d", CONTENT);
	ck_assert(fake_create("d/more"));
	ck_assert_str_eq(hints(), "d names");
	end();
}
END_TEST

/* One system is enough. */

START_TEST(a_directory_has_one_id)
{
	int id = add("d", BACKEND_NAMES);

	ck_assert_int_eq(add("e/../d", BACKEND_MODIFIED), id);
	ck_assert_int_ne(add("e", BACKEND_NAMES), id);
	ck_assert(fake_rename("d", "e/d"));
	(void)hints();
	ck_assert_int_eq(add("e/d", BACKEND_NAMES), id);
	ck_assert_uint_eq(fake_open_fds(), 2);
}
END_TEST

START_TEST(where_only_names_are_asked_for_no_file_is_opened)
{
	int id = add("d", BACKEND_NAMES);

	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_uint_eq(fake_open_fds(), 1);
	/* And when more is asked for it is. */
	(void)add("d", BACKEND_MODIFIED);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_uint_eq(fake_open_fds(), 2);
	ck_assert(fake_write("d/f", "FOUR"));
	ck_assert_str_eq(hints(), "d/f content");
}
END_TEST

START_TEST(a_name_that_is_watched_stays_so)
{
	int id = add("d", CONTENT), fd;

	ck_assert_int_eq(add_name(id, "f"), 0);
	fd = fake_fd_of("d/f");
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(fake_fd_of("d/f"), fd);
	/* Another file of that name takes its place. */
	ck_assert(fake_rename("d/g", "d/f"));
	ck_assert_int_eq(add_name(id, "f"), 0);
	(void)hints();
	ck_assert(fake_write("d/f", "ninth"));
	ck_assert_str_eq(hints(), "d/f content");
	ck_assert_uint_eq(fake_open_fds(), 2);
}
END_TEST

START_TEST(only_files_and_directories_are_ever_opened)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "d/sock"};
	int id = add("d", CONTENT | BACKEND_ATTRIB), sock;

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(mkfifo("d/fifo", 0644), 0);
	ck_assert_int_eq(symlink("f", "d/link"), 0);
	/* The fake fails the test where one is. */
	ck_assert_int_eq(add_name(id, "sock"), 0);
	ck_assert_int_eq(add_name(id, "fifo"), 0);
	ck_assert_int_eq(add_name(id, "link"), 0);
	ck_assert_int_eq(add_name(id, "nothing"), 1);
	ck_assert_uint_eq(fake_open_fds(), 1);
	(void)close(sock);
}
END_TEST

START_TEST(a_directory_tells_of_itself)
{
	(void)add("d", CONTENT | BACKEND_ATTRIB);
	ck_assert(fake_chmod("d", 0700));
	ck_assert_str_eq(hints(), "d attributes");
	ck_assert(fake_chmod("d", 0755));
	ck_assert(fake_create("d/new"));
	ck_assert_str_eq(hints(), "d names attributes");
}
END_TEST

START_TEST(notes_coalesce_and_are_told_once)
{
	int id = add("d", CONTENT);

	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert(fake_append("d/f", "x"));
	ck_assert(fake_append("d/f", "y"));
	ck_assert(fake_create("d/new"));
	ck_assert(fake_unlink("d/new"));
	ck_assert_str_eq(hints(), "d names, d/f content");
	/* More notes before the first were handed out. */
	ck_assert(fake_append("d/f", "x"));
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert(fake_chmod("d/f", 0600));
	ck_assert_int_eq(ops->fill(b), 1);
	ck_assert(fake_append("d/f", "x"));
	ck_assert_str_eq(hints(), "d/f content, d/f attributes");
}
END_TEST

#ifdef NOTE_CLOSE_WRITE
START_TEST(where_the_kernel_tells_of_closing_so_is_told)
{
	int id = add("d", CONTENT | BACKEND_CLOSED);

	ck_assert_uint_eq(ops->tells & BACKEND_CLOSED, BACKEND_CLOSED);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert(fake_write("d/f", "FOUR"));
	ck_assert_str_eq(hints(), "d/f content, d/f closed");
	(void)add("d", BACKEND_OPENED | BACKEND_ACCESSED);
	ck_assert_int_eq(add_name(id, "f"), 0);
	fake_note("d/f", NOTE_OPEN | NOTE_READ);
	ck_assert_str_eq(hints(), "d/f opened, d/f accessed");
}
END_TEST
#endif

START_TEST(removing_a_watch_closes_all_of_it)
{
	int id = add("d", CONTENT), other = add("e", CONTENT);

	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert(fake_write("d/f", "FOUR"));
	ck_assert_int_eq(ops->fill(b), 1);
	ops->remove(b, id);
	ck_assert_uint_eq(fake_open_fds(), 1);
	ck_assert_str_eq(hints(), "");
	ck_assert(fake_create("e/new"));
	ck_assert_str_eq(hints(), "e names");
	ops->remove(b, other);
}
END_TEST

/* Limits. */

START_TEST(beyond_the_limit_files_are_looked_at_by_the_clock)
{
	int id = add("d", CONTENT);

	ck_assert_int_eq(ops->wait(b), -1);
	fake_fail(FAKE_OPEN, 2, 1, EMFILE);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), -1);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_int_le(ops->wait(b), POLL_MS);
	ck_assert_str_eq(hints_later(), "d names content");
	/* Still so, and then not any more. */
	fake_fail(FAKE_OPEN, 1, 1, ENFILE);
	ck_assert_int_eq(add_name(id, "g"), -1);
	ck_assert_int_eq(errno, ENFILE);
	ck_assert_str_eq(hints_later(), "d names content");
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert_int_eq(ops->wait(b), -1);
	ck_assert(fake_write("d/g", "FIVE5"));
	ck_assert_str_eq(hints(), "d/g content");
}
END_TEST

static void
spend(int64_t ms)
{
	int64_t until = monotonic_ms() + ms;

	while (monotonic_ms() < until)
		;
}

/* Else one who has much to look at would look for ever. */
START_TEST(a_look_that_takes_long_is_rested_from)
{
	int id = add("d", CONTENT);
	int64_t begun, rested;

	fake_fail(FAKE_OPEN, 1, 100, EMFILE);
	ck_assert_int_eq(add_name(id, "g"), -1);
	ck_assert_str_eq(hints_later(), "d names content");
	spend(3 * POLL_MS);
	ck_assert_int_eq(add_name(id, "g"), -1);
	spend(3 * POLL_MS);
	ck_assert_str_eq(hints(), "");
	ck_assert_int_ge(ops->wait(b), 12 * POLL_MS);
	/* But not from waiting for a reader. */
	await_clock();
	begun = monotonic_ms();
	ck_assert_str_eq(hints(), "d names content");
	ck_assert_int_eq(add_name(id, "g"), -1);
	spend(12 * POLL_MS);
	ops->waited(b, 12 * POLL_MS);
	rested = ops->wait(b);
	ck_assert_int_le(rested,
	    POLL_MS + 3 * (monotonic_ms() - begun - 12 * POLL_MS));
	/* Nor at the end. */
	spend(POLL_MS);
	ck_assert_str_eq(hints_later(), "d names content");
	spend(3 * POLL_MS);
	ck_assert_int_eq(add_name(id, "g"), -1);
	ops->look_now(b);
	ck_assert_int_eq(ops->wait(b), 0);
	ck_assert_str_eq(hints(), "d names content");
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_looked_at_by_the_clock)
{
	int id = add("d", CONTENT);

	fake_fail_name("g", EACCES);
	ck_assert_int_eq(add_name(id, "g"), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_str_eq(hints_later(), "d names content");
}
END_TEST

START_TEST(directories_come_before_files)
{
	int id;

	ops->close(b);
	fake_limit(8);
	b = backend_kqueue_open(&fake_calls, POLL_MS);
	ck_assert_ptr_nonnull(b);
	id = add("d", CONTENT);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert_int_eq(add_name(id, "h"), 0);
	ck_assert_uint_eq(fake_open_fds(), 4);
	ck_assert_int_eq(mkdir("e/1", 0755), 0);
	ck_assert_int_eq(mkdir("e/2", 0755), 0);
	(void)add("e", CONTENT);
	ck_assert_uint_eq(fake_open_fds(), 4);
	ck_assert_str_eq(hints(), "d names content");
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert_int_eq(add_name(id, "h"), -1);
	(void)add("e/1", CONTENT);
	(void)add("e/2", CONTENT);
	ck_assert_int_eq(try_add(".", CONTENT), -1);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_uint_eq(fake_open_fds(), 4);
}
END_TEST

START_TEST(a_file_system_without_notes_is_an_error)
{
	fake_fail(FAKE_ADD, 1, 1, EOPNOTSUPP);
	ck_assert_int_eq(try_add("d", CONTENT), -1);
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_uint_eq(fake_open_fds(), 0);
	fake_fail(FAKE_ADD, 1, 1, ENOMEM);
	ck_assert_int_eq(try_add("d", CONTENT), -1);
	ck_assert_int_eq(errno, ENOMEM);
	(void)add("d", CONTENT);
}
END_TEST

START_TEST(interrupted_calls_are_made_again)
{
	int id;

	fake_fail(FAKE_OPEN, 1, 2, EINTR);
	fake_fail(FAKE_ADD, 1, 2, EINTR);
	id = add("d", CONTENT);
	fake_fail(FAKE_OPEN, 1, 1, EINTR);
	fake_fail(FAKE_ADD, 1, 1, EINTR);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert(fake_write("d/f", "FOUR"));
	fake_fail(FAKE_KEVENT, 1, 2, EINTR);
	ck_assert_str_eq(hints(), "d/f content");
	fake_fail(FAKE_KEVENT, 1, 1, EBADF);
	ck_assert_int_eq(ops->fill(b), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(more_events_than_one_call_gives_are_all_taken)
{
	char name[16], path[32];
	unsigned i, n = 0;
	struct hint h;
	int id = add("d", CONTENT);

	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		(void)snprintf(path, sizeof(path), "d/n%u", i);
		ck_assert(fake_create(path));
		ck_assert_int_eq(add_name(id, name), 0);
		ck_assert(fake_append(path, "x"));
	}
	ck_assert_int_eq(ops->fill(b), 1);
	while (ops->next(b, &h) == 1)
		n += h.name_len > 0;
	ck_assert_uint_eq(n, 300);
}
END_TEST

/* Hostile. */

START_TEST(an_event_of_a_number_that_is_used_again_is_nobodys)
{
	int id = add("d", CONTENT), fd;

	ck_assert_int_eq(add_name(id, "f"), 0);
	fd = fake_fd_of("d/f");
	ck_assert(fake_rename("d/f", "e/f"));
	(void)hints();
	ck_assert_int_eq(add_name(id, "g"), 0);
	ck_assert_int_eq(fake_fd_of("d/g"), fd);
	fake_stale(fd, NOTE_WRITE);
	ck_assert_str_eq(hints(), "");
	fake_stale(fd, NOTE_DELETE | NOTE_REVOKE);
	fake_stale(1000, NOTE_WRITE);
	ck_assert_str_eq(hints(), "");
	ck_assert(fake_write("d/g", "FIVE5"));
	ck_assert_str_eq(hints(), "d/g content");
}
END_TEST

START_TEST(an_error_in_an_event_ends_its_watch)
{
	int id = add("d", CONTENT);

	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_int_eq(add_name(id, "g"), 0);
	fake_error("d/f", EIO);
	ck_assert_str_eq(hints(), "d/f attributes");
	ck_assert_uint_eq(fake_open_fds(), 2);
	fake_error("d", EIO);
	ck_assert_str_eq(hints(), "d gone");
	ck_assert_uint_eq(fake_open_fds(), 0);
}
END_TEST

static void
replace(void)
{
	ck_assert(fake_rename("d/g", "d/f"));
}

static void
replace_by_link(void)
{
	ck_assert(fake_unlink("d/f"));
	ck_assert(fake_symlink("g", "d/f"));
}

static void
replace_by_fifo(void)
{
	ck_assert(fake_unlink("d/f"));
	ck_assert_int_eq(mkfifo("d/f", 0644), 0);
}

static void
remove_it(void)
{
	ck_assert(fake_unlink("d/f"));
}

static void
move_away(void)
{
	ck_assert(fake_rename("d/f", "e/f"));
}

static void
write_it(void)
{
	ck_assert(fake_write("d/f", "FOUR"));
}

/* Whatever happens in the middle: either the directory says so, or the file
 * is watched; and no descriptor stays for what is elsewhere. */
START_TEST(a_name_may_change_while_it_is_watched)
{
	static void (*const changes[])(void) = {replace, replace_by_link,
	    replace_by_fifo, remove_it, move_away};
	static const struct {
		enum fake_point point;
		unsigned nth;
	} moments[] = {
	    {FAKE_STAT, 1},
	    {FAKE_OPEN, 1},
	    {FAKE_STAT, 2},
	    {FAKE_ADD, 1},
	    {FAKE_ADDED, 1},
	    {FAKE_STAT, 3},
	    {FAKE_STAT, 4},
	};
	size_t n = sizeof(moments) / sizeof(moments[0]);
	size_t change = (size_t)_i / n, moment = (size_t)_i % n;
	int id;

	begin();
	id = add("d", CONTENT);
	fake_at(moments[moment].point, moments[moment].nth, changes[change]);
	ck_assert_int_ne(add_name(id, "f"), -1);
	ck_assert_msg(strstr(hints(), "d names") != NULL, "%s", told.data);
	ck_assert_int_eq(add_name(id, "f"),
	    changes[change] == remove_it || changes[change] == move_away);
	ck_assert_uint_eq(fake_open_fds(), changes[change] == replace ? 2 : 1);
	if (changes[change] == replace) {
		ck_assert(fake_append("d/f", "more"));
		ck_assert_str_eq(hints(), "d/f content");
	}
	end();
}
END_TEST

START_TEST(what_is_written_after_the_note_is_in_place_is_told)
{
	int id = add("d", CONTENT);

	fake_at(FAKE_ADDED, 1, write_it);
	ck_assert_int_eq(add_name(id, "f"), 0);
	ck_assert_str_eq(hints(), "d/f content");
}
END_TEST

static void
create_it(void)
{
	ck_assert(fake_create("d/new"));
}

START_TEST(names_that_come_as_soon_as_the_note_is_in_place_are_told)
{
	fake_at(FAKE_ADDED, 1, create_it);
	(void)add("d", CONTENT);
	ck_assert_str_eq(hints(), "d names");
}
END_TEST

START_TEST(names_may_hold_any_bytes)
{
	int id = add("d", CONTENT);

	scratch_put(AT_FDCWD, "d/\xff\n\x01", "x");
	ck_assert_int_eq(add_name(id, "\xff\n\x01"), 0);
	(void)hints();
	ck_assert(fake_append("d/\xff\n\x01", "y"));
	ck_assert_str_eq(hints(), "d/\xff\n\x01 content");
}
END_TEST

START_TEST(what_is_no_directory_is_not_watched)
{
	ck_assert_int_eq(try_add("d/f", CONTENT), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_uint_eq(fake_open_fds(), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backend_kqueue");
	TCase *tc;

	tc = tcase_create("Systems");
	tcase_add_loop_test(tc,
	    names_that_come_and_go_are_told_of_their_directory, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, what_happens_to_a_file_is_told_of_it, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, a_descriptor_goes_with_its_name, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, a_forced_unmount_ends_the_watch, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, a_name_may_change_while_it_is_watched, 0,
	    5 * 7);
	suite_add_tcase(suite, tc);
	tc = tcase_create("Core");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_directory_has_one_id);
	tcase_add_test(tc, where_only_names_are_asked_for_no_file_is_opened);
	tcase_add_test(tc, a_name_that_is_watched_stays_so);
	tcase_add_test(tc, only_files_and_directories_are_ever_opened);
	tcase_add_test(tc, a_directory_tells_of_itself);
	tcase_add_test(tc, notes_coalesce_and_are_told_once);
#ifdef NOTE_CLOSE_WRITE
	tcase_add_test(tc, where_the_kernel_tells_of_closing_so_is_told);
#endif
	tcase_add_test(tc, removing_a_watch_closes_all_of_it);
	suite_add_tcase(suite, tc);
	tc = tcase_create("Limits");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_look_that_takes_long_is_rested_from);
	tcase_add_test(tc, beyond_the_limit_files_are_looked_at_by_the_clock);
	tcase_add_test(tc,
	    a_file_that_may_not_be_read_is_looked_at_by_the_clock);
	tcase_add_test(tc, directories_come_before_files);
	tcase_add_test(tc, a_file_system_without_notes_is_an_error);
	tcase_add_test(tc, interrupted_calls_are_made_again);
	tcase_add_test(tc, more_events_than_one_call_gives_are_all_taken);
	suite_add_tcase(suite, tc);
	tc = tcase_create("Hostile");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, an_event_of_a_number_that_is_used_again_is_nobodys);
	tcase_add_test(tc, an_error_in_an_event_ends_its_watch);
	tcase_add_test(tc, what_is_written_after_the_note_is_in_place_is_told);
	tcase_add_test(tc,
	    names_that_come_as_soon_as_the_note_is_in_place_are_told);
	tcase_add_test(tc, names_may_hold_any_bytes);
	tcase_add_test(tc, what_is_no_directory_is_not_watched);
	suite_add_tcase(suite, tc);
	return harness_main(suite);
}
