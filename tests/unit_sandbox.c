#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"
#include "scratch.h"
#include "suite.h"

static struct scratch in, out;

/* Who is behind the wall can not tidy up: a directory for all tests, which is
 * made and removed by the process that runs them. */
static struct scratch top;

static void
begin(void)
{
	scratch_open(&top);
}

static void
end(void)
{
	scratch_close(&top);
}

static void
open_below(struct scratch *s, const char *name)
{
	ck_assert_int_lt(snprintf(s->path, sizeof(s->path), "%s/%d%s", top.path,
			     (int)getpid(), name),
	    (int)sizeof(s->path));
	ck_assert_int_eq(mkdir(s->path, 0755), 0);
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(s->fd, -1);
}

/* Returns false where this kernel has no such wall: said aloud. */
static bool
wall(bool moves)
{
	open_below(&in, "in");
	open_below(&out, "out");
	scratch_put(in.fd, "f", "inside");
	scratch_put(out.fd, "f", "outside");
	ck_assert_int_eq(mkdirat(in.fd, "d", 0755), 0);
	if (sandbox_writer(in.fd, moves) == 0)
		return true;
	printf("skip - the kernel keeps a writer below its directory - %s\n",
	    strerror(errno));
	return false;
}

static void
denied(int rc, const char *what)
{
	ck_assert_msg(rc == -1, "%s was let through", what);
	ck_assert_msg(errno == EACCES || errno == EXDEV || errno == EPERM,
	    "%s: %s", what, strerror(errno));
}

START_TEST(below_the_directory_everything_works)
{
	int fd;

	if (!wall(true))
		return;
	scratch_put(in.fd, "new", "x");
	fd = openat(in.fd, "f", O_WRONLY | O_TRUNC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	(void)close(fd);
	ck_assert_int_eq(mkdirat(in.fd, "e", 0755), 0);
	ck_assert_int_eq(renameat(in.fd, "f", in.fd, "d/f"), 0);
	ck_assert_int_eq(linkat(in.fd, "d/f", in.fd, "g", 0), 0);
	ck_assert_int_eq(unlinkat(in.fd, "g", 0), 0);
	ck_assert_int_eq(unlinkat(in.fd, "e", AT_REMOVEDIR), 0);
	fd = openat(in.fd, ".", O_TMPFILE | O_WRONLY, 0600);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	ck_assert_str_eq(scratch_get(in.fd, "new"), "x");
}
END_TEST

START_TEST(outside_nothing_can_be_made_changed_or_removed)
{
	char path[128];

	if (!wall(true))
		return;
	denied(openat(out.fd, "f", O_WRONLY), "opening for writing");
	denied(openat(out.fd, "new", O_WRONLY | O_CREAT, 0600), "making");
	denied(openat(out.fd, ".", O_TMPFILE | O_WRONLY, 0600), "O_TMPFILE");
	denied(mkdirat(out.fd, "d", 0755), "mkdir");
	denied(unlinkat(out.fd, "f", 0), "unlink");
	denied(renameat(out.fd, "f", out.fd, "g"), "rename");
	denied(renameat(in.fd, "f", out.fd, "g"), "moving out");
	denied(renameat(out.fd, "f", in.fd, "g"), "moving in");
	denied(linkat(in.fd, "f", out.fd, "g", 0), "linking out");
	denied(symlinkat("x", out.fd, "s"), "symlink");
	denied(mkfifoat(out.fd, "p", 0600), "mkfifo");
	(void)snprintf(path, sizeof(path), "%s/f", out.path);
	denied(truncate(path, 0), "truncate");
	/* Neither are special files made inside. */
	denied(symlinkat("x", in.fd, "s"), "symlink inside");
	denied(mkfifoat(in.fd, "p", 0600), "mkfifo inside");
	ck_assert_str_eq(scratch_get(out.fd, "f"), "outside");
	ck_assert_uint_eq(scratch_count(out.fd, "."), 1);
}
END_TEST

START_TEST(a_directory_that_is_moved_out_is_out)
{
	char from[128], to[128], c;
	int go[2], done[2], d;
	pid_t pid;

	/* The mover is not behind the wall. */
	ck_assert_int_eq(pipe(go), 0);
	ck_assert_int_eq(pipe(done), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		if (read(go[0], from, sizeof(from)) != sizeof(from) ||
		    read(go[0], to, sizeof(to)) != sizeof(to) ||
		    rename(from, to) == -1)
			_exit(1);
		_exit(write(done[1], "x", 1) != 1);
	}
	(void)close(done[1]);
	if (!wall(true)) {
		(void)close(go[1]);
		return;
	}
	d = openat(in.fd, "d", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(d, -1);
	scratch_put(d, "before", "x");
	(void)snprintf(from, sizeof(from), "%s/d", in.path);
	(void)snprintf(to, sizeof(to), "%s/d", out.path);
	ck_assert_int_eq(write(go[1], from, sizeof(from)), sizeof(from));
	ck_assert_int_eq(write(go[1], to, sizeof(to)), sizeof(to));
	ck_assert_int_eq(read(done[0], &c, 1), 1);
	denied(openat(d, "after", O_WRONLY | O_CREAT, 0600), "making");
	denied(unlinkat(d, "before", 0), "unlink");
	ck_assert(scratch_has(out.fd, "d/before"));
}
END_TEST

START_TEST(without_moves_files_stay_in_their_directory)
{
	if (!wall(false))
		return;
	ck_assert_int_eq(renameat(in.fd, "f", in.fd, "g"), 0);
	denied(renameat(in.fd, "g", in.fd, "d/g"), "moving");
	ck_assert(scratch_has(in.fd, "g"));
}
END_TEST

START_TEST(reading_is_as_it_was)
{
	int fd;

	if (!wall(true))
		return;
	ck_assert_str_eq(scratch_get(out.fd, "f"), "outside");
	fd = open("/proc/self/status", O_RDONLY);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	ck_assert_uint_gt(scratch_count(out.fd, ".."), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_unchecked_fixture(core, begin, end);
	tcase_add_unchecked_fixture(hostile, begin, end);
	tcase_add_test(core, below_the_directory_everything_works);
	tcase_add_test(core, reading_is_as_it_was);
	tcase_add_test(core, without_moves_files_stay_in_their_directory);
	tcase_add_test(hostile, outside_nothing_can_be_made_changed_or_removed);
	tcase_add_test(hostile, a_directory_that_is_moved_out_is_out);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
