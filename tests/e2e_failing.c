/* fswrite where the system around it fails: full, read-only, gone, too few. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "scratch.h"
#include "suite.h"
#include "traced.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

#define RECORD 1000

static struct scratch dir;
static struct child c;
static char out[128]; /* the directory that is written to */

static void
begin(void)
{
	scratch_open(&dir);
	ck_assert_int_eq(mkdirat(dir.fd, "out", 0755), 0);
	(void)snprintf(out, sizeof(out), "%s/out", dir.path);
}

static void
end(void)
{
	(void)umount2(out, MNT_DETACH);
	scratch_close(&dir);
}

static bool
have_mount(const char *options, const char *sentence)
{
	if (scratch_mounts() && mount("t", out, "tmpfs", 0, options) == 0)
		return true;
	printf("skip - %s - may not mount\n", sentence);
	return false;
}

static void
expect_in_line(const char *text)
{
	const char *is = child_line(&c);

	ck_assert_msg(is != NULL, "no line; stderr: %s", c.err);
	ck_assert_msg(strstr(is, text) != NULL, "%s", is);
}

/* A command with n times the same letter as its content. */
static void
say(const char *op, const char *path, char letter, size_t n)
{
	static char line[700000];
	size_t len;

	len = (size_t)snprintf(line, sizeof(line),
	    "{\"op\":\"%s\",\"path\":\"%s\",\"content\":\"", op, path);
	ck_assert_uint_lt(len + n + 4, sizeof(line));
	memset(line + len, letter, n);
	memcpy(line + len + n, "\"}\n", 4);
	child_say(&c, line);
}

START_TEST(on_a_full_disk_nothing_is_there_in_part_and_old_files_stay)
{
	const char *answer, *option = _i == 0 ? "-q" : "--sync";
	int i, done = 0, refused = 0, root;

	if (!have_mount("size=64k", "on a full disk nothing is there in part"))
		return;
	root = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(root, -1);
	child_start(&c, ARGV("fswrite", "--ack", option, out));
	say("write", "old", 'o', RECORD);
	expect_in_line("\"ok\":true");
	/* All at once: they are written together, and cut together. */
	for (i = 0; i < 100; i++)
		say("append", "log", 'a', RECORD);
	for (i = 0; i < 100; i++) {
		answer = child_line(&c);
		ck_assert_ptr_nonnull(answer);
		if (strstr(answer, "\"ok\":true") != NULL) {
			ck_assert_int_eq(refused, 0);
			done++;
			continue;
		}
		refused++;
		ck_assert_ptr_nonnull(strstr(answer, "\"error\":\"ENOSPC\""));
		ck_assert_ptr_null(strstr(answer, "\"torn\""));
	}
	ck_assert_int_gt(done, 30);
	ck_assert_int_gt(refused, 30);
	ck_assert_int_eq(scratch_size(root, "log"), done * RECORD);

	say("write", "new", 'n', 20 * RECORD);
	expect_in_line("\"error\":\"ENOSPC\"");
	say("overwrite", "old", 'p', 20 * RECORD);
	expect_in_line("\"error\":\"ENOSPC\"");
	ck_assert_int_eq(scratch_size(root, "old"), RECORD);
	ck_assert_int_eq(scratch_get(root, "old")[0], 'o');
	ck_assert_uint_eq(scratch_count(root, "."), 2);

	/* And there is room again. */
	child_say(&c, "{\"op\":\"delete\",\"path\":\"log\"}\n");
	expect_in_line("\"ok\":true");
	say("overwrite", "old", 'p', 20 * RECORD);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_int_eq(scratch_size(root, "old"), 20 * RECORD);
	ck_assert_uint_eq(scratch_count(root, "."), 1);
	(void)close(root);
}
END_TEST

START_TEST(on_a_read_only_disk_each_command_is_refused_with_its_reason)
{
	static const char *const op[] = {"write", "append", "overwrite",
	    "mkdir"};
	size_t i;

	if (!have_mount("size=64k", "on a read-only disk each is refused"))
		return;
	ck_assert_int_eq(mount(NULL, out, NULL, MS_REMOUNT | MS_RDONLY, NULL),
	    0);
	child_start(&c, ARGV("fswrite", "--ack", out));
	for (i = 0; i < sizeof(op) / sizeof(op[0]); i++) {
		say(op[i], "a", 'x', 1);
		expect_in_line("\"error\":\"EROFS\"");
	}
	ck_assert_int_eq(child_wait(&c), 1);
}
END_TEST

START_TEST(a_removed_directory_is_an_error_of_each_command_and_no_end)
{
	child_start(&c,
	    ARGV("fswrite", "--ack", _i == 0 ? "-q" : "--sync", out));
	say("append", "a", '1', 1);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(unlinkat(dir.fd, "out/a", 0), 0);
	ck_assert_int_eq(unlinkat(dir.fd, "out", AT_REMOVEDIR), 0);
	/* Another one of its name is another one. */
	ck_assert_int_eq(mkdirat(dir.fd, "out", 0755), 0);
	say("append", "a", '2', 1);
	expect_in_line("\"error\":\"ENOENT\"");
	say("write", "b", '2', 1);
	expect_in_line("\"error\":\"ENOENT\"");
	say("overwrite", "c", '2', 1);
	expect_in_line("\"error\":\"ENOENT\"");
	say("mkdir", "d/e", '2', 1);
	expect_in_line("\"error\":\"ENOENT\"");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 0);
}
END_TEST

START_TEST(a_directory_that_is_moved_stays_the_one_that_is_written_to)
{
	child_start(&c, ARGV("fswrite", "--ack", out));
	say("append", "a", '1', 1);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(renameat(dir.fd, "out", dir.fd, "moved"), 0);
	say("append", "a", '2', 1);
	expect_in_line("\"size\":2");
	say("write", "b", '3', 1);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "moved/a"), "12");
	ck_assert_str_eq(scratch_get(dir.fd, "moved/b"), "3");
	ck_assert(!scratch_has(dir.fd, "out"));
}
END_TEST

START_TEST(a_limit_of_file_size_leaves_old_files_and_nothing_in_part)
{
	struct rlimit rl, before;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	rl = before;
	rl.rlim_cur = 2 * RECORD;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	child_start(&c, ARGV("fswrite", "--ack", out));
	/* Check writes each assertion to a file. */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	say("write", "old", 'o', RECORD);
	expect_in_line("\"ok\":true");
	say("write", "new", 'n', 3 * RECORD);
	expect_in_line("\"error\":\"EFBIG\"");
	say("overwrite", "old", 'p', 3 * RECORD);
	expect_in_line("\"error\":\"EFBIG\"");
	say("append", "old", 'p', 2 * RECORD);
	expect_in_line("\"error\":\"EFBIG\"");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_int_eq(scratch_size(dir.fd, "out/old"), RECORD);
	ck_assert_int_eq(scratch_get(dir.fd, "out/old")[0], 'o');
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 1);
}
END_TEST

START_TEST(few_descriptors_are_enough_for_many_files)
{
	struct rlimit rl;
	char path[64];
	int i;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = 24;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	child_start(&c, ARGV("fswrite", "--ack", "--force", out));
	for (i = 0; i < 200; i++) {
		(void)snprintf(path, sizeof(path), "%d/%d", i % 10, i % 100);
		say("append", path, '1', 1);
	}
	for (i = 0; i < 200; i++)
		expect_in_line(i < 100 ? "\"size\":1" : "\"size\":2");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "out/9/99"), "11");
}
END_TEST

START_TEST(half_a_record_that_has_to_stay_is_told_once)
{
	const char *answer;
	int i, done = 0, torn = 0, refused = 0, root;

	if (!traced_possible("half a record that has to stay is told once") ||
	    !have_mount("size=64k", "half a record that has to stay is told"))
		return;
	root = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(root, -1);
	traced_start(&c, dir.path, "inject=ftruncate:error=EIO",
	    ARGV("fswrite", "--ack", "--force", out));
	for (i = 0; i < 100; i++)
		say("append", "log", 'a', RECORD);
	for (i = 0; i < 100; i++) {
		answer = child_line(&c);
		ck_assert_ptr_nonnull(answer);
		if (strstr(answer, "\"ok\":true") != NULL)
			done++;
		else
			refused++;
		if (strstr(answer, "\"torn\":true") != NULL)
			torn++;
	}
	ck_assert_int_gt(done, 30);
	ck_assert_int_gt(refused, 30);
	/* The first that did not fit. Of those behind it nothing is there. */
	ck_assert_int_eq(torn, 1);
	ck_assert_int_gt(scratch_size(root, "log"), done * RECORD);
	ck_assert_int_lt(scratch_size(root, "log"), (done + 1) * RECORD);
	ck_assert_int_eq(child_wait(&c), 1);
	(void)close(root);
}
END_TEST

START_TEST(a_size_that_nobody_can_tell_is_not_told)
{
	const char *answer;

	if (!traced_possible("a size that nobody can tell is not told"))
		return;
	traced_start(&c, dir.path, "inject=lseek:error=EIO",
	    ARGV("fswrite", "--ack", "--force", out));
	say("append", "log", 'a', 10);
	answer = child_line(&c);
	ck_assert_ptr_nonnull(answer);
	ck_assert_ptr_nonnull(strstr(answer, "\"ok\":true"));
	ck_assert_ptr_null(strstr(answer, "size"));
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_ge(traced_count(dir.fd, "INJECTED"), 1);
	ck_assert_int_eq(scratch_size(dir.fd, "out/log"), 10);
}
END_TEST

#define LARGE ((size_t)512 * 1024)

START_TEST(records_of_512_KiB_go_out_in_one_write)
{
	if (!traced_possible("records of 512 KiB go out in one write"))
		return;
	traced_start(&c, dir.path, "trace=write",
	    ARGV("fswrite", "--ack", "--force", out));
	say("append", "log", 'a', LARGE);
	say("append", "log", 'b', LARGE);
	say("append", "log", 'c', 1);
	say("append", "log", 'd', LARGE);
	expect_in_line("\"size\":524288}");
	expect_in_line("\"size\":1048576}");
	expect_in_line("\"size\":1048577}");
	expect_in_line("\"size\":1572865}");
	ck_assert_int_eq(child_wait(&c), 0);
	/* Neither split nor together with what goes before. */
	ck_assert_int_eq(traced_count(dir.fd, ", 524288) = 524288"), 3);
}
END_TEST

START_TEST(a_disk_that_empties_meanwhile_is_written_to)
{
	static const char *const op[] = {"append", "write", "overwrite"};
	static char filler[60000];
	int root, waited;

	if (!have_mount("size=64k", "a disk that empties meanwhile is used"))
		return;
	root = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(root, -1);
	memset(filler, 'f', sizeof(filler) - 1);
	scratch_put(root, "filler", filler);
	child_start(&c,
	    ARGV("fswrite", "--ack", "--force", "--retry", "1000000",
		"--retry-delay", "0.001", out));
	/* From now on it takes signals. */
	say("mkdir", "ready", 'x', 1);
	expect_in_line("\"ok\":true");
	say(op[_i], "log", 'a', 20 * RECORD);
	/* It has tried again, and goes on to. */
	for (waited = 0; waited < 10000; waited++) {
		c.nerr = 0;
		memset(c.err, 0, sizeof(c.err));
		ck_assert_int_eq(kill(c.pid, SIGUSR1), 0);
		child_until_err(&c, "\n");
		if (strstr(c.err, " 0 retries") == NULL)
			break;
	}
	ck_assert_int_lt(waited, 10000);
	ck_assert_int_eq(unlinkat(root, "filler", 0), 0);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(scratch_size(root, "log"), 20 * RECORD);
	ck_assert_uint_eq(scratch_count(root, "."), 2);
	(void)close(root);
}
END_TEST

/* The how manieth openat is that of an unnamed file? */
static int
nth_unnamed(void)
{
	char *line;
	int n = 0;

	traced_start(&c, dir.path, "trace=openat",
	    ARGV("fswrite", "--ack", "--force", out));
	say("write", "first", 'x', 1);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(unlinkat(dir.fd, "out/first", 0), 0);
	for (line = strtok(scratch_get(dir.fd, "trace"), "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		n++;
		if (strstr(line, "O_TMPFILE") != NULL)
			return n;
	}
	return 0;
}

START_TEST(where_there_are_no_locks_nothing_is_replaced_and_nothing_left)
{
	if (!traced_possible("where there are no locks nothing is replaced"))
		return;
	scratch_put(dir.fd, "out/a", "old");
	traced_start(&c, dir.path, "inject=flock:error=ENOLCK",
	    ARGV("fswrite", "--ack", "--force", out));
	say("overwrite", "a", 'x', RECORD);
	say("append", "b", 'x', RECORD);
	expect_in_line("\"error\":\"ENOLCK\"");
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_str_eq(scratch_get(dir.fd, "out/a"), "old");
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 2);
}
END_TEST

START_TEST(where_files_need_a_name_they_are_whole_or_not_there_either)
{
	static const char *const errors[] = {"EOPNOTSUPP", "EISDIR", "EINVAL",
	    "ENOSYS"};
	char inject[64];
	int n;

	if (!traced_possible("where files need a name they are whole or not"))
		return;
	n = nth_unnamed();
	if (n == 0) {
		printf("skip - where files need a name they are whole or not"
		       " - no unnamed files here at all\n");
		return;
	}
	(void)snprintf(inject, sizeof(inject), "inject=openat:error=%s:when=%d",
	    errors[_i], n);
	traced_start(&c, dir.path, inject,
	    ARGV("fswrite", "--ack", "--force", "--sync", out));
	say("write", "a", 'x', RECORD);
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(traced_count(dir.fd, "INJECTED"), 1);
	ck_assert_int_ge(traced_count(dir.fd, "\".fswrite-"), 1);
	ck_assert_int_eq(scratch_size(dir.fd, "out/a"), RECORD);
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 1);
	/* What has the name meanwhile stays. */
	traced_start(&c, dir.path, inject,
	    ARGV("fswrite", "--ack", "--force", "--sync", out));
	say("write", "a", 'y', RECORD);
	expect_in_line("\"error\":\"EEXIST\"");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_int_eq(scratch_get(dir.fd, "out/a")[0], 'x');
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 1);
}
END_TEST

START_TEST(a_log_may_be_rotated_at_any_time)
{
	child_start(&c,
	    ARGV("fswrite", "--ack", _i == 0 ? "-q" : "--sync", out));
	say("append", "log", '1', 1);
	expect_in_line("\"size\":1");
	/* By renaming; the new one is made by fswrite, or by who renames. */
	ck_assert_int_eq(renameat(dir.fd, "out/log", dir.fd, "out/log.1"), 0);
	say("append", "log", '2', 2);
	expect_in_line("\"size\":2");
	ck_assert_int_eq(renameat(dir.fd, "out/log", dir.fd, "out/log.2"), 0);
	scratch_put(dir.fd, "out/log", "");
	say("append", "log", '3', 3);
	expect_in_line("\"size\":3");
	/* By copying and cutting it. */
	scratch_put(dir.fd, "out/log", "");
	say("append", "log", '4', 4);
	expect_in_line("\"size\":4");
	/* By removing it. */
	ck_assert_int_eq(unlinkat(dir.fd, "out/log", 0), 0);
	say("append", "log", '5', 5);
	expect_in_line("\"size\":5");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "out/log"), "55555");
	ck_assert_str_eq(scratch_get(dir.fd, "out/log.1"), "1");
	ck_assert_str_eq(scratch_get(dir.fd, "out/log.2"), "22");
}
END_TEST

/* With its actions for signals given back before it is gone it could be killed
 * by one that it had been asked to end with. */
START_TEST(a_signal_at_the_very_end_does_not_change_the_status)
{
	const char *const *argv = _i == 0 ?
	    ARGV("fswrite", out) :
	    ARGV("fswatch-events", "--timeout", "0.01", out);
	int status;

	if (!traced_possible(__func__))
		return;
	/* Each from the last ones on by which the actions are taken. */
	traced_start(&c, dir.path, "inject=rt_sigaction:signal=TERM:when=10+",
	    argv);
	status = child_wait(&c);
	ck_assert_msg(status == 0 || status == 3, "%d: %s", status, c.err);
	ck_assert_int_gt(traced_count(dir.fd, "SIGTERM"), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fswrite, failing systems");
	TCase *core = tcase_create("Limits");

	tcase_add_checked_fixture(core, begin, end);
	tcase_set_timeout(core, 60);
	tcase_add_loop_test(core,
	    on_a_full_disk_nothing_is_there_in_part_and_old_files_stay, 0, 2);
	tcase_add_test(core,
	    on_a_read_only_disk_each_command_is_refused_with_its_reason);
	tcase_add_loop_test(core,
	    a_removed_directory_is_an_error_of_each_command_and_no_end, 0, 2);
	tcase_add_test(core,
	    a_directory_that_is_moved_stays_the_one_that_is_written_to);
	tcase_add_test(core,
	    a_limit_of_file_size_leaves_old_files_and_nothing_in_part);
	tcase_add_test(core, few_descriptors_are_enough_for_many_files);
	tcase_add_test(core, half_a_record_that_has_to_stay_is_told_once);
	tcase_add_test(core, a_size_that_nobody_can_tell_is_not_told);
	tcase_add_test(core, records_of_512_KiB_go_out_in_one_write);
	tcase_add_test(core,
	    where_there_are_no_locks_nothing_is_replaced_and_nothing_left);
	tcase_add_loop_test(core, a_disk_that_empties_meanwhile_is_written_to,
	    0, 3);
	tcase_add_loop_test(core,
	    where_files_need_a_name_they_are_whole_or_not_there_either, 0, 4);
	tcase_add_loop_test(core, a_log_may_be_rotated_at_any_time, 0, 2);
	tcase_add_loop_test(core,
	    a_signal_at_the_very_end_does_not_change_the_status, 0, 2);
	suite_add_tcase(s, core);
	return suite_main(s);
}
