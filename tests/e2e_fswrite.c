#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "claim.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"
#include "traced.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

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
	scratch_close(&dir);
}

static void
expect_file(const char *name, const char *content)
{
	char *is = scratch_get(dir.fd, name);

	ck_assert_msg(is != NULL, "no %s; stderr: %s", name, c.err);
	ck_assert_str_eq(is, content);
}

static void
expect_line(const char *text)
{
	const char *is = child_line(&c);

	ck_assert_msg(is != NULL, "no line; stderr: %s", c.err);
	ck_assert_str_eq(is, text);
}

/* The next line of stdout has this text in it. */
static void
expect_in_line(const char *text)
{
	const char *is = child_line(&c);

	ck_assert_msg(is != NULL, "no line; stderr: %s", c.err);
	ck_assert_msg(strstr(is, text) != NULL, "%s", is);
}

START_TEST(each_operation_is_done_and_acknowledged_in_order)
{
	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c,
	    "{\"op\":\"write\",\"path\":\"a/w\",\"content\":\"1\",\"id\":[1]}\n"
	    "{\"op\":\"append\",\"path\":\"a/p\",\"content\":\"2\\n\"}\n"
	    "{\"op\":\"overwrite\",\"path\":\"a/w\",\"content\":\"MzM=\","
	    "\"encoding\":\"base64\"}\n"
	    "{\"op\":\"mkdir\",\"path\":\"d\"}\n"
	    "{\"op\":\"rename\",\"old_path\":\"a/w\",\"path\":\"b/w\"}\n"
	    "{\"op\":\"delete\",\"path\":\"d\"}\n"
	    "{\"op\":\"write\",\"path\":\"b/w\",\"content\":\"33\"}\n");
	expect_line("{\"ok\":true,\"line\":1,\"id\":[1],\"op\":\"write\","
		    "\"path\":\"a/w\",\"size\":1}");
	expect_line("{\"ok\":true,\"line\":2,\"op\":\"append\","
		    "\"path\":\"a/p\",\"size\":2}");
	expect_line("{\"ok\":true,\"line\":3,\"op\":\"overwrite\","
		    "\"path\":\"a/w\",\"size\":2}");
	expect_line("{\"ok\":true,\"line\":4,\"op\":\"mkdir\",\"path\":\"d\"}");
	expect_line("{\"ok\":true,\"line\":5,\"op\":\"rename\","
		    "\"path\":\"b/w\"}");
	expect_line("{\"ok\":true,\"line\":6,\"op\":\"delete\","
		    "\"path\":\"d\"}");
	expect_line("{\"ok\":true,\"line\":7,\"op\":\"write\","
		    "\"path\":\"b/w\",\"size\":2,\"already\":true}");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_str_eq(c.err, "");
	expect_file("out/a/p", "2\n");
	expect_file("out/b/w", "33");
}
END_TEST

START_TEST(a_bad_line_is_reported_by_its_number_and_the_rest_is_applied)
{
	scratch_put(dir.fd, "out/a", "old");
	ck_assert_int_eq(
	    child_run(&c, ARGV("fswrite", out),
		"{\"op\":\"append\",\"path\":\"log\",\"content\":\"1\"}\n"
		"\n"
		"{\"op\":\"write\",\"path\":\"a\",\"content\":\"new\"}\r\n"
		"garbage\n"
		"{\"op\":\"append\",\"path\":\"log\",\"content\":\"2\"}\n"
		"{\"op\":\"appendix\",\"path\":\"log\"}\n"),
	    1);
	ck_assert_ptr_nonnull(
	    strstr(c.err, "fswrite: line 3: write a: File exists\n"));
	ck_assert_ptr_nonnull(strstr(c.err, "fswrite: line 4: bad JSON: "));
	ck_assert_ptr_nonnull(strstr(c.err,
	    "fswrite: line 6: unknown op \"appendix\"; did you mean "
	    "\"append\"?\n"));
	expect_file("out/log", "12");
	expect_file("out/a", "old");
}
END_TEST

START_TEST(what_is_complete_is_applied_while_stdin_stays_open)
{
	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",");
	expect_in_line("\"ok\":true,\"line\":1");
	expect_file("out/a", "1");
	child_say(&c, "\"content\":\"2\"}\n");
	expect_in_line("\"ok\":true,\"line\":2");
	expect_file("out/a", "12");
	ck_assert_int_eq(child_wait(&c), 0);
}
END_TEST

START_TEST(the_last_line_needs_no_newline_if_it_is_complete)
{
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", out),
			     "{\"op\":\"append\",\"path\":\"a\",\"content\":"
			     "\"1\"}"),
	    0);
	expect_file("out/a", "1");
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", out),
			     "{\"op\":\"append\",\"path\":\"a\",\"content\":"),
	    1);
	ck_assert_ptr_nonnull(strstr(c.err, "line 1: "));
	expect_file("out/a", "1");
}
END_TEST

START_TEST(nothing_outside_the_directory_is_ever_touched)
{
	char input[1024];

	scratch_put(dir.fd, "victim", "v");
	ck_assert_int_eq(symlinkat("..", dir.fd, "out/up"), 0);
	ck_assert_int_eq(symlinkat("../victim", dir.fd, "out/l"), 0);
	(void)snprintf(input, sizeof(input),
	    "{\"op\":\"append\",\"path\":\"../victim\",\"content\":\"x\"}\n"
	    "{\"op\":\"append\",\"path\":\"%s/victim\",\"content\":\"x\"}\n"
	    "{\"op\":\"append\",\"path\":\"up/victim\",\"content\":\"x\"}\n"
	    "{\"op\":\"overwrite\",\"path\":\"up/victim\",\"content\":\"\"}\n"
	    "{\"op\":\"append\",\"path\":\"l\",\"content\":\"x\"}\n"
	    "{\"op\":\"overwrite\",\"path\":\"l\",\"content\":\"x\"}\n"
	    "{\"op\":\"write\",\"path\":\"up/new\",\"content\":\"x\"}\n"
	    "{\"op\":\"mkdir\",\"path\":\"up/new\"}\n"
	    "{\"op\":\"delete\",\"path\":\"up/victim\"}\n"
	    "{\"op\":\"rename\",\"old_path\":\"up/victim\",\"path\":\"g\"}\n"
	    "{\"op\":\"rename\",\"old_path\":\"l\",\"path\":\"up/g\"}\n"
	    "{\"op\":\"append\",\"path\":\"a/../../victim\","
	    "\"content\":\"x\"}\n",
	    dir.path);
	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c, input);
	child_end_input(&c);
	while (child_line(&c) != NULL)
		ck_assert_ptr_nonnull(strstr(c.line, "\"ok\":false"));
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("victim", "v");
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 2);
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 2);
}
END_TEST

START_TEST(stop_on_error_stops_at_the_first_failure)
{
	child_start(&c, ARGV("fswrite", "--ack", "--stop-on-error", out));
	/* It ends although stdin stays open. */
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "{\"op\":\"delete\",\"path\":\"none\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n");
	expect_in_line("\"ok\":true,\"line\":1");
	expect_in_line("\"ok\":false,\"line\":2");
	ck_assert_ptr_null(child_line(&c));
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("out/a", "1");
}
END_TEST

START_TEST(only_the_operations_of_ops_are_allowed)
{
	child_start(&c, ARGV("fswrite", "--ack", "--ops", "append", out));
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "{\"op\":\"delete\",\"path\":\"a\"}\n");
	expect_in_line("\"ok\":true");
	expect_in_line("\"error\":\"not-allowed\"");
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("out/a", "1");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_reported_and_skipped_whole)
{
	static char big[300000];

	memset(big, 'x', sizeof(big));
	child_start(&c, ARGV("fswrite", "--ack", "--max-line", "1000", out));
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n");
	child_say_bytes(&c, big, sizeof(big));
	expect_in_line("\"ok\":true,\"line\":1");
	/* Told before its end has come. */
	expect_in_line("\"line\":2,\"error\":\"too-long\"");
	child_say_bytes(&c, big, sizeof(big));
	child_say(&c,
	    "\n{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n");
	expect_in_line("\"ok\":true,\"line\":3");
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("out/a", "12");
}
END_TEST

/* Kilobytes that the process has had in memory at most. */
static long
peak_memory(pid_t pid)
{
	char path[64], text[4096], *at;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd == -1)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "VmHWM:");
	return at != NULL ? strtol(at + 6, NULL, 10) : -1;
}

/* ENDLESS_MB: how long it is. */
START_TEST(an_endless_line_takes_no_memory)
{
	static char big[1 << 20];
	const char *mb = getenv("ENDLESS_MB");
	long before, after;
	int i, n = mb != NULL ? atoi(mb) : 64;

	ck_assert_int_ge(n, 16);

	memset(big, _i == 0 ? '[' : 'x', sizeof(big));
	child_start(&c,
	    ARGV("fswrite", "--ack", "--max-line",
		_i == 0 ? "65536" : "4194304", out));
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"a\"}\n");
	expect_in_line("\"ok\":true");
	before = peak_memory(c.pid);
	for (i = 0; i < n; i++)
		child_say_bytes(&c, big, sizeof(big));
	child_say(&c, "\n{\"op\":\"mkdir\",\"path\":\"b\"}\n");
	expect_in_line("too-long");
	expect_in_line("\"ok\":true,\"line\":3");
	after = peak_memory(c.pid);
	ck_assert_int_eq(child_wait(&c), 1);
	if (before == -1)
		printf("skip - an endless line takes no memory - no /proc\n");
	else
		ck_assert_int_lt(after - before, _i == 0 ? 8192 : 40960);
}
END_TEST

START_TEST(a_dry_run_changes_nothing_and_fails_where_it_would)
{
	child_start(&c, ARGV("fswrite", "-n", "--ack", out));
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"d/a\",\"content\":\"1\"}\n"
	    "{\"op\":\"delete\",\"path\":\"none\"}\n");
	expect_in_line("\"ok\":true,\"line\":1");
	expect_in_line("\"error\":\"ENOENT\"");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 0);
}
END_TEST

START_TEST(quiet_says_nothing_and_verbose_says_all)
{
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "-q", out), "x\n"), 1);
	ck_assert_str_eq(c.err, "");
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "-v", out),
			     "{\"op\":\"mkdir\",\"path\":\"d\"}\n"),
	    0);
	ck_assert_ptr_nonnull(
	    strstr(c.err, "fswrite: line 1: mkdir d: done\n"));
	ck_assert_ptr_nonnull(strstr(c.err, "1 command, 0 failed"));
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "-v", out),
			     "{\"op\":\"append\",\"path\":\"v\",\"content\":"
			     "\"12345\"}\n{\"op\":\"append\",\"path\":\"v\","
			     "\"content\":\"678\"}\n"),
	    0);
	ck_assert_ptr_nonnull(strstr(c.err, "2 commands, 0 failed, 8 bytes, "));
	ck_assert_ptr_nonnull(strstr(c.err, "/s, "));
}
END_TEST

START_TEST(wrong_usage_is_2_and_a_missing_directory_1)
{
	ck_assert_int_eq(child_run(&c, ARGV("fswrite"), ""), 2);
	ck_assert_str_eq(c.err,
	    "fswrite: no directory given; --help tells more\n");
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "--nope", out), ""), 2);
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", out, out), ""), 2);
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "/nowhere/x"), ""), 1);
	ck_assert_str_eq(c.err,
	    "fswrite: /nowhere/x: No such file or directory "
	    "(mkdir -p makes it)\n");
	child_start(&c, ARGV("fswrite", "--version"));
	expect_line("fswrite " FSPIPE_VERSION);
	ck_assert_int_eq(child_wait(&c), 0);
	child_start(&c, ARGV("fswrite", "-h"));
	expect_line("usage: fswrite [options] directory");
	ck_assert_int_eq(child_wait(&c), 0);
}
END_TEST

START_TEST(asked_to_end_it_finishes_what_has_arrived_whole)
{
	child_start(&c, ARGV("fswrite", "--ack", "--sync", out));
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":1");
	/* Stopped, it finds all of this at once, the signal first. */
	ck_assert_int_eq(kill(c.pid, SIGSTOP), 0);
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"3\"}");
	ck_assert_int_eq(kill(c.pid, _i == 0 ? SIGTERM : SIGINT), 0);
	ck_assert_int_eq(kill(c.pid, SIGCONT), 0);
	expect_in_line("\"line\":2");
	expect_in_line("\"line\":3");
	ck_assert_ptr_null(child_line(&c));
	ck_assert_int_eq(child_wait(&c), 0);
	expect_file("out/a", "12");
}
END_TEST

START_TEST(asked_to_end_while_idle_it_ends)
{
	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n{\"op\":");
	expect_in_line("\"line\":1");
	ck_assert_int_eq(kill(c.pid, SIGTERM), 0);
	ck_assert_ptr_null(child_line(&c));
	ck_assert_int_eq(child_wait(&c), 0);
}
END_TEST

START_TEST(asked_to_end_it_takes_all_that_is_in_the_pipe)
{
	static const char line[] =
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"x\",\"pad\":"
	    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n";
	int i;

	child_start(&c, ARGV("fswrite", "--ack", out));
	if (fcntl(c.in, F_SETPIPE_SZ, 1 << 20) == -1) {
		printf("skip - asked to end it takes all that is in the pipe"
		       " - no large pipe to be had\n");
		(void)child_wait(&c);
		return;
	}
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":1");
	ck_assert_int_eq(kill(c.pid, SIGSTOP), 0);
	/* More than it reads at once. */
	for (i = 0; i < 6000; i++)
		child_say(&c, line);
	ck_assert_int_eq(kill(c.pid, SIGTERM), 0);
	ck_assert_int_eq(kill(c.pid, SIGCONT), 0);
	while (child_line(&c) != NULL)
		;
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(scratch_size(dir.fd, "out/a"), 6000);
}
END_TEST

START_TEST(asked_to_end_while_it_answers_it_takes_what_has_arrived)
{
	static const char line[] =
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"x\",\"id\":"
	    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n";
	int i, full = 0, n = 0;

	child_start(&c, ARGV("fswrite", "--ack", "--force", out));
	if (fcntl(c.in, F_SETPIPE_SZ, 1 << 20) == -1) {
		printf("skip - asked to end while it answers it takes what has"
		       " arrived - no large pipe to be had\n");
		(void)child_wait(&c);
		return;
	}
	/* The answers are more than a pipe takes: it waits for us, however
	 * much it has read. */
	for (i = 0; i < 2000; i++)
		child_say(&c, line);
	for (i = 0; i < 20000 && full < 60000; i++) {
		ck_assert_int_eq(ioctl(c.out, FIONREAD, &full), 0);
		(void)poll(NULL, 0, 1);
	}
	ck_assert_int_lt(i, 20000);
	for (i = 0; i < 100; i++)
		child_say(&c, line);
	ck_assert_int_eq(kill(c.pid, SIGTERM), 0);
	while (child_line(&c) != NULL)
		n++;
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(n, 2100);
	ck_assert_int_eq(scratch_size(dir.fd, "out/a"), 2100);
}
END_TEST

START_TEST(a_limit_of_file_size_is_an_error_and_no_end)
{
	char cmd[4096];
	const char *bin = getenv("FSPIPE_BIN");
	char big[6000];
	size_t n;

	n = (size_t)snprintf(big, sizeof(big),
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"");
	memset(big + n, 'x', 5000);
	memcpy(big + n + 5000, "\"}\n", 4);
	(void)snprintf(cmd, sizeof(cmd),
	    "ulimit -f 1; exec %s/fswrite --ack %s", bin != NULL ? bin : ".",
	    out);
	child_start(&c, ARGV("sh", "-c", cmd));
	child_say(&c, big);
	expect_in_line("\"error\":\"EFBIG\"");
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n");
	expect_in_line("\"size\":1");
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("out/a", "1");
}
END_TEST

START_TEST(signals_that_were_ignored_stay_ignored)
{
	char cmd[4096];
	const char *bin = getenv("FSPIPE_BIN");

	(void)snprintf(cmd, sizeof(cmd),
	    "trap '' TERM HUP; exec %s/fswrite --ack %s",
	    bin != NULL ? bin : ".", out);
	child_start(&c, ARGV("sh", "-c", cmd));
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":1");
	ck_assert_int_eq(kill(c.pid, SIGTERM), 0);
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"e\"}\n");
	expect_in_line("\"line\":2");
	ck_assert_int_eq(child_wait(&c), 0);
}
END_TEST

/* Does the program have the file open? */
static bool
has_open(const char *name)
{
	struct stat file, st;
	char path[64];
	int fd;

	ck_assert_int_eq(fstatat(dir.fd, name, &file, 0), 0);
	for (fd = 3; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)c.pid,
		    fd);
		if (stat(path, &st) == 0 && st.st_dev == file.st_dev &&
		    st.st_ino == file.st_ino)
			return true;
	}
	return false;
}

START_TEST(hup_reopens_and_usr1_counts)
{
	bool before, after;

	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n");
	expect_in_line("\"line\":1");
	before = has_open("out/a");
	ck_assert_int_eq(kill(c.pid, SIGHUP), 0);
	ck_assert_int_eq(kill(c.pid, SIGUSR1), 0);
	child_until_err(&c, "1 command, 0 failed");
	/* Between these two it has come to what is done between batches. */
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":2");
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":3");
	after = has_open("out/a");
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n");
	expect_in_line("\"size\":2");
	ck_assert_int_eq(child_wait(&c), 0);
	expect_file("out/a", "12");
	if (access("/proc/self/fd", X_OK) == -1)
		printf("skip - hup reopens - no /proc\n");
	else
		ck_assert(before && !after);
}
END_TEST

START_TEST(a_reader_of_answers_who_goes_away_is_noticed_at_once)
{
	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":1");
	(void)close(c.out);
	c.out = -1;
	/* stdin stays open, and nothing comes. */
	child_until_err(&c, "stdout: nobody reads the answers any more\n");
	ck_assert_int_eq(child_wait(&c), 1);
}
END_TEST

START_TEST(a_reader_of_answers_who_does_not_read_can_not_hold_it)
{
	int i;

	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	expect_in_line("\"line\":1");
	/* Less than a pipe takes, and more in answers. */
	for (i = 0; i < 2000; i++)
		child_say(&c, "{\"op\":\"mkdir\",\"path\":\"d\"}\n");
	/* The first asks to end, and the second means it. */
	ck_assert_int_eq(kill(c.pid, SIGTERM), 0);
	for (i = 0; i < 1000 && waitpid(c.pid, NULL, WNOHANG) == 0; i++) {
		(void)kill(c.pid, SIGTERM);
		(void)poll(NULL, 0, 10);
	}
	ck_assert_int_lt(i, 1000);
}
END_TEST

START_TEST(missing_standard_descriptors_do_no_harm)
{
	char cmd[4096];
	const char *bin = getenv("FSPIPE_BIN");

	if (bin == NULL)
		bin = ".";
	scratch_put(dir.fd, "in",
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "garbage\n");
	(void)snprintf(cmd, sizeof(cmd),
	    "%s/fswrite %s <%s/in >&- 2>&-; echo $?; "
	    "%s/fswrite %s <&-; echo $?; "
	    "%s/fswrite --ack %s <%s/in >&-; echo $?",
	    bin, out, dir.path, bin, out, bin, out, dir.path);
	child_start(&c, ARGV("sh", "-c", cmd));
	expect_line("1");
	expect_line("0");
	expect_line("1");
	(void)child_wait(&c);
	/* No message has found its way into a file. */
	expect_file("out/a", "11");
	ck_assert_ptr_nonnull(strstr(c.err, "stdout: Bad file descriptor"));
}
END_TEST

START_TEST(killed_at_any_moment_a_file_is_the_old_one_or_the_new_one)
{
	static char input[70000];
	char *is;
	int i;
	size_t n;

	for (i = 0; i < 20; i++) {
		n = (size_t)snprintf(input, sizeof(input),
		    "{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"");
		memset(input + n, 'a' + i, 60000);
		memcpy(input + n + 60000, "\"}\n", 4);
		child_start(&c, ARGV("fswrite", "--ack", out));
		child_say(&c, input);
		expect_in_line("\"ok\":true");
		memset(input + n, 'A' + i, 60000);
		child_say(&c, input);
		ck_assert_int_eq(kill(c.pid, SIGKILL), 0);
		ck_assert_int_eq(child_wait(&c), 128 + SIGKILL);
		is = scratch_get(dir.fd, "out/a");
		ck_assert_uint_eq(strlen(is), 60000);
		ck_assert(is[0] == 'a' + i || is[0] == 'A' + i);
		ck_assert_int_eq(is[0], is[59999]);
	}
	/* At most one leftover, and the next use removes it. */
	ck_assert_uint_le(scratch_count(dir.fd, "out"), 2);
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", out), input), 0);
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 1);
}
END_TEST

START_TEST(two_writers_of_one_file_mix_no_lines)
{
	static char input[2][200000];
	struct child other;
	char *is, *line;
	int i, n = 0;
	size_t len[2] = {0, 0};

	for (i = 0; i < 2000; i++) {
		len[0] += (size_t)sprintf(input[0] + len[0],
		    "{\"op\":\"append\",\"path\":\"a\",\"content\":"
		    "\"aaaaaaaaaaaaaaaaaaaa\\n\"}\n");
		len[1] += (size_t)sprintf(input[1] + len[1],
		    "{\"op\":\"append\",\"path\":\"a\",\"content\":"
		    "\"bbbbbbbbbb\\n\"}\n");
	}
	child_start(&c, ARGV("fswrite", out));
	child_start(&other, ARGV("fswrite", out));
	for (i = 0; i < 2000; i += 100) {
		child_say_bytes(&c, input[0] + len[0] / 20 * ((size_t)i / 100),
		    len[0] / 20);
		child_say_bytes(&other,
		    input[1] + len[1] / 20 * ((size_t)i / 100), len[1] / 20);
	}
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(child_wait(&other), 0);
	is = scratch_get(dir.fd, "out/a");
	for (line = strtok(is, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		ck_assert(strcmp(line, "aaaaaaaaaaaaaaaaaaaa") == 0 ||
		    strcmp(line, "bbbbbbbbbb") == 0);
		n++;
	}
	ck_assert_int_eq(n, 4000);
}
END_TEST

/* --- with strace --- */

/* fswrite under strace, with --ack and two more options. */
static void
start_traced(const char *inject, const char *option, const char *option2)
{
	traced_start(&c, dir.path, inject,
	    ARGV("fswrite", "--ack", option, option2, out));
}

START_TEST(appends_that_arrive_together_are_one_write)
{
	int i;

	if (!traced_possible("appends that arrive together are one write"))
		return;
	start_traced("trace=write,fdatasync,fsync", "--sync", "-v");
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"x\"}\n");
	expect_in_line("\"ok\":true");
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"one\\n\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"two\\n\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"three\\n\"}\n");
	for (i = 0; i < 3; i++)
		expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	ck_assert_int_eq(traced_count(dir.fd, "\"one\\ntwo\\nthree\\n\""), 1);
	ck_assert_int_eq(traced_count(dir.fd, "fdatasync("), 2);
	ck_assert_int_eq(traced_count(dir.fd, "fsync("), 1);
}
END_TEST

START_TEST(with_sync_no_answer_comes_before_the_disk_has_it)
{
	char *log, *at;

	if (!traced_possible(
		"with sync no answer comes before the disk has it"))
		return;
	start_traced("trace=write,fdatasync,fsync,linkat,renameat", "--sync",
	    "-q");
	child_say(&c,
	    "{\"op\":\"write\",\"path\":\"p/a\",\"content\":\"file a\"}\n");
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	log = scratch_get(dir.fd, "trace");
	at = strstr(log, "\"file a\"");
	ck_assert_ptr_nonnull(at);
	at = strstr(at, "fdatasync(");
	ck_assert_ptr_nonnull(at);
	at = strstr(at, "linkat(");
	ck_assert_ptr_nonnull(at);
	/* The directory, and the one it was made in. */
	at = strstr(at, "fsync(");
	ck_assert_ptr_nonnull(at);
	at = strstr(at + 1, "fsync(");
	ck_assert_ptr_nonnull(at);
	at = strstr(at, "write(1, \"{\\\"ok\\\":true");
	ck_assert_ptr_nonnull(at);
}
END_TEST

START_TEST(with_sync_already_waits_for_the_disk_too)
{
	if (!traced_possible("with sync already waits for the disk too"))
		return;
	ck_assert_int_eq(mkdirat(dir.fd, "out/p", 0755), 0);
	scratch_put(dir.fd, "out/p/a", "1");
	start_traced("trace=fdatasync,fsync", "--sync", "-q");
	child_say(&c,
	    "{\"op\":\"write\",\"path\":\"p/a\",\"content\":\"1\"}\n");
	expect_in_line("\"already\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	/* The attempt, the file that is there; its directory and the root. */
	ck_assert_int_eq(traced_count(dir.fd, "fdatasync("), 2);
	ck_assert_int_eq(traced_count(dir.fd, "fsync("), 2);
}
END_TEST

START_TEST(after_a_failed_sync_nothing_is_acknowledged)
{
	if (!traced_possible("after a failed sync nothing is acknowledged"))
		return;
	start_traced(_i == 0 ? "inject=fdatasync:error=EIO:when=2" :
			       "inject=fsync:error=EIO:when=2",
	    "--sync", "-q");
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n");
	expect_in_line("\"ok\":true,\"line\":1");
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n"
	    "{\"op\":\"mkdir\",\"path\":\"d\"}\n"
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"3\"}\n");
	expect_in_line("\"ok\":false,\"line\":2");
	expect_in_line("\"ok\":false,\"line\":3");
	expect_in_line("\"error\":\"EIO\"");
	/* It ends, although stdin is open, and tries no second time. */
	ck_assert_ptr_null(child_line(&c));
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_int_eq(traced_count(dir.fd, "EIO"), 1);
	ck_assert_int_eq(traced_count(dir.fd, "sync("), _i == 0 ? 3 : 4);
}
END_TEST

START_TEST(what_may_pass_is_tried_again)
{
	if (!traced_possible("what may pass is tried again"))
		return;
	/* The first two writes to the file, not those to stdout. */
	start_traced("inject=write:error=ENOSPC:when=1..2", "--retry=3",
	    "--retry-delay=0.01");
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n");
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	expect_file("out/a", "1");
	ck_assert_int_eq(traced_count(dir.fd, "INJECTED"), 2);
	start_traced("inject=write:error=ENOSPC:when=1..2", "--retry=1",
	    "--retry-delay=0.01");
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n");
	expect_in_line("\"error\":\"ENOSPC\"");
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("out/a", "1");
}
END_TEST

START_TEST(without_openat2_paths_are_walked_just_as_safely)
{
	static const char *const how[] = {
	    "inject=openat2:error=ENOSYS",
	    "inject=openat2:error=EPERM",
	    "inject=openat2,landlock_create_ruleset:error=ENOSYS",
	    "inject=landlock_create_ruleset:error=EOPNOTSUPP",
	};

	if (!traced_possible("without openat2 paths are walked just as safely"))
		return;
	scratch_put(dir.fd, "victim", "v");
	ck_assert_int_eq(symlinkat("..", dir.fd, "out/up"), 0);
	start_traced(how[_i], "--sync", "-q");
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"d/e/a\",\"content\":\"1\"}\n"
	    "{\"op\":\"write\",\"path\":\"d/e/w\",\"content\":\"1\"}\n"
	    "{\"op\":\"rename\",\"old_path\":\"d/e/w\",\"path\":\"d/x\"}\n"
	    "{\"op\":\"overwrite\",\"path\":\"d/x\",\"content\":\"2\"}\n"
	    "{\"op\":\"append\",\"path\":\"up/victim\",\"content\":\"x\"}\n"
	    "{\"op\":\"delete\",\"path\":\"up/victim\"}\n");
	expect_in_line("\"ok\":true,\"line\":1");
	expect_in_line("\"ok\":true,\"line\":2");
	expect_in_line("\"ok\":true,\"line\":3");
	expect_in_line("\"ok\":true,\"line\":4");
	expect_in_line("\"error\":\"ELOOP\"");
	expect_in_line("\"error\":\"ELOOP\"");
	ck_assert_int_eq(child_wait(&c), 1);
	expect_file("out/d/e/a", "1");
	expect_file("out/d/x", "2");
	expect_file("victim", "v");
	ck_assert_int_ge(traced_count(dir.fd, "INJECTED"), 1);
}
END_TEST

START_TEST(a_path_that_is_refused_as_it_is_spelt_gets_no_system_call)
{
	static const char *const paths[] = {"/victim", "../victim",
	    "a/../victim", "./victim", "victim/", "a//victim", "victim/.",
	    "victim\\u0000", ".fswrite-0123456789abcdef/victim"};
	char line[256];
	size_t i;

	if (!traced_possible("a path that is refused as it is spelt gets no "
			     "system call"))
		return;
	start_traced("trace=%file", "--force", "-q");
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		(void)snprintf(line, sizeof(line),
		    "{\"op\":\"append\",\"path\":\"%s\",\"content\":\"x\"}\n"
		    "{\"op\":\"rename\",\"path\":\"b\",\"old_path\":\"%s\"}\n",
		    paths[i], paths[i]);
		child_say(&c, line);
		expect_in_line("\"error\":\"bad-path\"");
		expect_in_line("\"error\":\"bad-path\"");
	}
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"good\",\"content\":\"x\"}\n");
	expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_int_gt(traced_count(dir.fd, "\"good\""), 0);
	ck_assert_int_eq(traced_count(dir.fd, "victim"), 0);
	ck_assert_int_eq(traced_count(dir.fd, "\"b\""), 0);
}
END_TEST

START_TEST(landlock_of_any_version_is_used_as_far_as_it_goes)
{
	char inject[128];
	int here, walls;

	if (!traced_possible("Landlock of any version is used as far as it "
			     "goes"))
		return;
	start_traced("trace=landlock_create_ruleset", "--force", "-q");
	ck_assert_int_eq(child_wait(&c), 0);
	if (traced_count(dir.fd, "-1 E") > 0) {
		printf("skip - Landlock of any version is used as far as it"
		       " goes - none here\n");
		return;
	}
	/* More than this kernel has would be refused. */
	here = atoi(strchr(strstr(scratch_get(dir.fd, "trace"), "= "), ' '));
	if (_i > here)
		return;
	(void)snprintf(inject, sizeof(inject),
	    "inject=landlock_create_ruleset:retval=%d:when=1", _i);
	traced_start(&c, dir.path, inject,
	    ARGV("fswrite", "-v", "--ack", "--force", out));
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"d/e/a\",\"content\":\"1\"}\n"
	    "{\"op\":\"write\",\"path\":\"d/e/w\",\"content\":\"1\"}\n"
	    "{\"op\":\"rename\",\"old_path\":\"d/e/w\",\"path\":\"d/x\"}\n"
	    "{\"op\":\"overwrite\",\"path\":\"d/x\",\"content\":\"2\"}\n"
	    "{\"op\":\"delete\",\"path\":\"d/e/a\"}\n"
	    "{\"op\":\"delete\",\"path\":\"d/e\"}\n");
	for (here = 0; here < 6; here++)
		expect_in_line("\"ok\":true");
	ck_assert_int_eq(child_wait(&c), 0);
	/* The first forbids to move files between directories. */
	walls = strstr(c.err, "no Landlock") == NULL;
	ck_assert_int_eq(walls, _i > 1);
	ck_assert_int_eq(traced_count(dir.fd, "landlock_create_ruleset("),
	    1 + walls);
}
END_TEST

START_TEST(without_unnamed_files_a_write_is_still_whole_or_nothing)
{
	if (!traced_possible("without unnamed files a write is still whole"))
		return;
	/* The first openat after the input has come is that of /dev/urandom,
	 * so fail renameat2 instead, for the other half of the way. */
	start_traced("inject=linkat,renameat2:error=EINVAL", "-q", "-q");
	child_say(&c,
	    "{\"op\":\"mkdir\",\"path\":\"d\"}\n"
	    "{\"op\":\"write\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "{\"op\":\"rename\",\"old_path\":\"d\",\"path\":\"e\"}\n");
	expect_in_line("\"ok\":true");
	expect_in_line("\"error\":\"EINVAL\"");
	expect_in_line("\"ok\":true,\"line\":3");
	ck_assert_int_eq(child_wait(&c), 1);
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 1);
}
END_TEST

/* --- loops --- */

START_TEST(a_watched_directory_is_refused_at_the_start)
{
	struct claim claim = {.kind = CLAIM_TREE,
	    .depth = CLAIM_DEPTH_MAX,
	    .token = 7};
	int fd = open(out, O_RDONLY | O_DIRECTORY);

	ck_assert_int_ne(fd, -1);
	if (claim_take(fd, &claim) == -1) {
		printf("skip - a watched directory is refused at the start"
		       " - no claims here\n");
		return;
	}
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", out),
			     "{\"op\":\"append\",\"path\":\"a\",\"content\":"
			     "\"1\"}\n"),
	    3);
	ck_assert_str_ne(c.err, "");
	ck_assert_uint_eq(scratch_count(dir.fd, "out"), 0);
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "--force", out),
			     "{\"op\":\"append\",\"path\":\"a\",\"content\":"
			     "\"1\"}\n"),
	    0);
	expect_file("out/a", "1");
	(void)close(fd);
}
END_TEST

START_TEST(a_watcher_that_comes_later_is_noticed)
{
	struct claim claim = {.kind = CLAIM_TREE,
	    .depth = CLAIM_DEPTH_MAX,
	    .token = 7};
	int fd = open(out, O_RDONLY | O_DIRECTORY);

	ck_assert_int_ne(fd, -1);
	/* Behind its wall fswrite knows a watcher by the process' name. */
	ck_assert_int_eq(prctl(PR_SET_NAME, "fswatch-events"), 0);
	child_start(&c, ARGV("fswrite", "--ack", out));
	child_say(&c, "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n");
	expect_in_line("\"ok\":true");
	if (claim_take(fd, &claim) == -1)
		printf("skip - a watcher that comes later is noticed"
		       " - no claims here\n");
	else {
		child_say(&c,
		    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}\n");
		expect_in_line("\"error\":\"loop\"");
		ck_assert_int_eq(claim_drop(fd, &claim), 0);
		child_say(&c,
		    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"3\"}\n");
		expect_in_line("\"ok\":true");
		ck_assert_int_eq(child_wait(&c), 3);
		expect_file("out/a", "13");
	}
	(void)close(fd);
}
END_TEST

START_TEST(a_directory_named_as_watched_is_not_written_in)
{
	char sub[160];

	ck_assert_int_eq(mkdirat(dir.fd, "out/w", 0755), 0);
	(void)snprintf(sub, sizeof(sub), "%s/w", out);
	child_start(&c, ARGV("fswrite", "--ack", "--watched", sub, out));
	child_say(&c,
	    "{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}\n"
	    "{\"op\":\"append\",\"path\":\"w/a\",\"content\":\"1\"}\n"
	    "{\"op\":\"mkdir\",\"path\":\"w/d/e\"}\n");
	expect_in_line("\"ok\":true");
	expect_in_line("\"error\":\"loop\"");
	expect_in_line("\"error\":\"loop\"");
	ck_assert_int_eq(child_wait(&c), 3);
	ck_assert_uint_eq(scratch_count(dir.fd, "out/w"), 0);
	ck_assert_int_eq(child_run(&c, ARGV("fswrite", "--watched", out, out),
			     ""),
	    3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fswrite");
	TCase *core = tcase_create("Core");
	TCase *ends = tcase_create("Ends");
	TCase *sync = tcase_create("Sync");
	TCase *hostile = tcase_create("Hostile");
	TCase *loops = tcase_create("Loops");
	TCase *all[] = {core, ends, sync, hostile, loops};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		tcase_add_checked_fixture(all[i], begin, end);
		tcase_set_timeout(all[i], 60);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(core, each_operation_is_done_and_acknowledged_in_order);
	tcase_add_test(core,
	    a_bad_line_is_reported_by_its_number_and_the_rest_is_applied);
	tcase_add_test(core,
	    what_is_complete_is_applied_while_stdin_stays_open);
	tcase_add_test(core, the_last_line_needs_no_newline_if_it_is_complete);
	tcase_add_test(core, stop_on_error_stops_at_the_first_failure);
	tcase_add_test(core, only_the_operations_of_ops_are_allowed);
	tcase_add_test(core,
	    a_line_that_is_too_long_is_reported_and_skipped_whole);
	tcase_add_test(core,
	    a_dry_run_changes_nothing_and_fails_where_it_would);
	tcase_add_test(core, quiet_says_nothing_and_verbose_says_all);
	tcase_add_test(core, wrong_usage_is_2_and_a_missing_directory_1);
	tcase_add_loop_test(ends,
	    asked_to_end_it_finishes_what_has_arrived_whole, 0, 2);
	tcase_add_test(ends, asked_to_end_while_idle_it_ends);
	tcase_add_test(ends, asked_to_end_it_takes_all_that_is_in_the_pipe);
	tcase_add_test(ends,
	    asked_to_end_while_it_answers_it_takes_what_has_arrived);
	tcase_add_test(ends, a_limit_of_file_size_is_an_error_and_no_end);
	tcase_add_test(ends, signals_that_were_ignored_stay_ignored);
	tcase_add_test(ends, hup_reopens_and_usr1_counts);
	tcase_add_test(ends,
	    a_reader_of_answers_who_goes_away_is_noticed_at_once);
	tcase_add_test(ends,
	    a_reader_of_answers_who_does_not_read_can_not_hold_it);
	tcase_add_test(ends, missing_standard_descriptors_do_no_harm);
	tcase_add_test(sync, appends_that_arrive_together_are_one_write);
	tcase_add_test(sync, with_sync_no_answer_comes_before_the_disk_has_it);
	tcase_add_test(sync, with_sync_already_waits_for_the_disk_too);
	tcase_add_loop_test(sync, after_a_failed_sync_nothing_is_acknowledged,
	    0, 2);
	tcase_add_test(sync, what_may_pass_is_tried_again);
	tcase_add_test(sync,
	    killed_at_any_moment_a_file_is_the_old_one_or_the_new_one);
	tcase_add_test(sync, two_writers_of_one_file_mix_no_lines);
	/* ENDLESS_MB */
	tcase_set_timeout(hostile, 600);
	tcase_add_test(hostile, nothing_outside_the_directory_is_ever_touched);
	tcase_add_loop_test(hostile, an_endless_line_takes_no_memory, 0, 2);
	if (harness_can(without_openat2_paths_are_walked_just_as_safely))
		tcase_add_loop_test(hostile,
		    without_openat2_paths_are_walked_just_as_safely, 0, 4);
	tcase_add_test(hostile,
	    a_path_that_is_refused_as_it_is_spelt_gets_no_system_call);
	if (harness_can(landlock_of_any_version_is_used_as_far_as_it_goes))
		tcase_add_loop_test(hostile,
		    landlock_of_any_version_is_used_as_far_as_it_goes, 1, 8);
	tcase_add_test(hostile,
	    without_unnamed_files_a_write_is_still_whole_or_nothing);
	tcase_add_test(loops, a_watched_directory_is_refused_at_the_start);
	tcase_add_test(loops, a_watcher_that_comes_later_is_noticed);
	tcase_add_test(loops, a_directory_named_as_watched_is_not_written_in);
	return suite_main(s);
}
