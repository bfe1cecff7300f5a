#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "apply.h"
#include "beneath.h"
#include "command.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"
#include "why.h"

/* Every test runs three times: behind a wall (directories are looked at once a
 * batch), without, and without openat2. */
#define WAYS 3

static struct scratch dir;
static struct apply_options o;
static struct apply *a;
static uint64_t line;

/* What was answered. */
static struct {
	char error[32];
	uint64_t line;
	uint64_t size;
	bool ok, already, torn, has_size;
} got[4096];
static size_t ngot;

static const char *refused_name; /* may() says no to this one */
static size_t asked; /* how often may() was asked */
static size_t paused;

static void
answered(void *ctx, const struct answer *an)
{
	ck_assert_ptr_eq(ctx, &o);
	ck_assert_uint_lt(ngot, sizeof(got) / sizeof(got[0]));
	(void)snprintf(got[ngot].error, sizeof(got[ngot].error), "%s",
	    an->ok ? "" : an->error);
	got[ngot].line = an->line;
	got[ngot].size = an->size;
	got[ngot].ok = an->ok;
	got[ngot].already = an->already;
	got[ngot].torn = an->torn;
	got[ngot].has_size = an->has_size;
	ngot++;
}

static int
may(void *ctx, int dirfd, const char *name, bool *every_name, char *why,
    size_t why_size)
{
	struct stat st;

	(void)ctx;
	asked++;
	ck_assert_int_eq(fstat(dirfd, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	*every_name = refused_name == NULL;
	if (refused_name == NULL || strcmp(name, refused_name) != 0)
		return 0;
	(void)snprintf(why, why_size, "%s is watched", name);
	return 1;
}

static int
pause_test(void *ctx)
{
	(void)ctx;
	paused++;
	return 0;
}

static void
begin(int way)
{
	scratch_open(&dir);
	memset(&o, 0, sizeof(o));
	o.ops = COMMAND_ALL;
	o.walled = way == 0;
	o.below = way == 2 ? BENEATH_WALK : 0;
	o.max_open = 16;
	o.answered = answered;
	o.ctx = &o;
	ngot = 0;
	line = 0;
	a = apply_open(dir.fd, &o);
	ck_assert_ptr_nonnull(a);
}

/* With the options as they are now. */
static void
again(void)
{
	apply_close(a);
	a = apply_open(dir.fd, &o);
	ck_assert_ptr_nonnull(a);
}

static void
end(void)
{
	apply_close(a);
	scratch_close(&dir);
}

static void
say(const char *json)
{
	struct command c;
	struct why bad;
	int rc;

	rc = command_parse(&c, json, strlen(json), &bad);
	line++;
	ck_assert_int_eq(rc == 0 ? apply_command(a, line, &c) :
				   apply_refuse(a, line, &c, &bad),
	    0);
	command_free(&c);
}

static void
commit(void)
{
	ngot = 0;
	ck_assert_int_eq(apply_commit(a), 0);
}

/* One command, one batch; expects the error, "" for none. */
static void
one(const char *json, const char *error)
{
	say(json);
	commit();
	ck_assert_uint_eq(ngot, 1);
	ck_assert_uint_eq(got[0].line, line);
	ck_assert_msg(strcmp(got[0].error, error) == 0, "%s: \"%s\"", json,
	    got[0].error);
}

static void
expect_file(const char *name, const char *content)
{
	char *is = scratch_get(dir.fd, name);

	ck_assert_msg(is != NULL, "no %s", name);
	ck_assert_str_eq(is, content);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

START_TEST(write_makes_new_files_and_is_content_with_the_same)
{
	begin(_i);
	one("{\"op\":\"write\",\"path\":\"a/b/c\",\"content\":\"x\"}", "");
	ck_assert(got[0].has_size);
	ck_assert_uint_eq(got[0].size, 1);
	ck_assert(!got[0].already);
	expect_file("a/b/c", "x");
	one("{\"op\":\"write\",\"path\":\"a/b/c\",\"content\":\"x\"}", "");
	ck_assert(got[0].already);
	one("{\"op\":\"write\",\"path\":\"a/b/c\",\"content\":\"y\"}",
	    "EEXIST");
	one("{\"op\":\"write\",\"path\":\"a/b/c\",\"content\":\"xx\"}",
	    "EEXIST");
	one("{\"op\":\"write\",\"path\":\"a/b\",\"content\":\"x\"}", "EEXIST");
	one("{\"op\":\"write\",\"path\":\"a/b/c/d\",\"content\":\"x\"}",
	    "ENOTDIR");
	expect_file("a/b/c", "x");
	ck_assert_uint_eq(scratch_count(dir.fd, "a/b"), 1);
	end();
}
END_TEST

START_TEST(append_adds_at_the_end)
{
	begin(_i);
	say("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"one\\n\"}");
	say("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"two\\n\"}");
	commit();
	ck_assert_uint_eq(ngot, 2);
	ck_assert(got[0].ok && got[0].has_size && got[0].size == 4);
	ck_assert(got[1].ok && got[1].has_size && got[1].size == 8);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"3\\n\"}", "");
	ck_assert_uint_eq(got[0].size, 10);
	expect_file("d/log", "one\ntwo\n3\n");
	end();
}
END_TEST

START_TEST(overwrite_replaces_and_keeps_the_mode_but_no_set_user_id)
{
	begin(_i);
	one("{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"1\"}", "");
	expect_file("a", "1");
	ck_assert_int_eq(fchmodat(dir.fd, "a", 04750, 0), 0);
	one("{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"22\"}", "");
	ck_assert_uint_eq(got[0].size, 2);
	expect_file("a", "22");
	ck_assert_uint_eq(mode_of("a"), 0750);
	one("{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"3\","
	    "\"mode\":\"666\"}",
	    "");
	ck_assert_uint_eq(mode_of("a"), 0666);
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
	end();
}
END_TEST

START_TEST(overwrite_keeps_the_owner_as_root)
{
	struct stat st;

	begin(_i);
	if (geteuid() != 0) {
		printf("skip - overwrite keeps the owner as root - not root\n");
		end();
		return;
	}
	scratch_put(dir.fd, "a", "1");
	ck_assert_int_eq(fchownat(dir.fd, "a", 1234, 4321, 0), 0);
	one("{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"2\"}", "");
	ck_assert_int_eq(fstatat(dir.fd, "a", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_uint_eq(st.st_gid, 4321);
	end();
}
END_TEST

START_TEST(modes_are_as_asked_for_and_else_by_the_umask)
{
	begin(_i);
	(void)umask(027);
	one("{\"op\":\"write\",\"path\":\"a\",\"content\":\"\"}", "");
	ck_assert_uint_eq(mode_of("a"), 0640);
	one("{\"op\":\"write\",\"path\":\"b\",\"content\":\"\","
	    "\"mode\":\"0666\"}",
	    "");
	ck_assert_uint_eq(mode_of("b"), 0666);
	one("{\"op\":\"append\",\"path\":\"c\",\"content\":\"\","
	    "\"mode\":\"606\"}",
	    "");
	ck_assert_uint_eq(mode_of("c"), 0606);
	one("{\"op\":\"append\",\"path\":\"c\",\"content\":\"\","
	    "\"mode\":\"600\"}",
	    "");
	ck_assert_uint_eq(mode_of("c"), 0606);
	one("{\"op\":\"mkdir\",\"path\":\"d\"}", "");
	ck_assert_uint_eq(mode_of("d"), 0750);
	one("{\"op\":\"mkdir\",\"path\":\"e\",\"mode\":\"777\"}", "");
	ck_assert_uint_eq(mode_of("e"), 0777);
	ck_assert_int_eq(fchmodat(dir.fd, "e", 02777, 0), 0);
	one("{\"op\":\"mkdir\",\"path\":\"e/g\",\"mode\":\"770\"}", "");
	ck_assert_uint_eq(mode_of("e/g"), 02770);
	end();
}
END_TEST

START_TEST(delete_removes_files_links_and_empty_directories)
{
	begin(_i);
	scratch_put(dir.fd, "f", "x");
	ck_assert_int_eq(symlinkat("f", dir.fd, "l"), 0);
	ck_assert_int_eq(mkdirat(dir.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(dir.fd, "full", 0755), 0);
	scratch_put(dir.fd, "full/x", "x");
	one("{\"op\":\"delete\",\"path\":\"l\"}", "");
	ck_assert(scratch_has(dir.fd, "f"));
	one("{\"op\":\"delete\",\"path\":\"f\"}", "");
	one("{\"op\":\"delete\",\"path\":\"d\"}", "");
	one("{\"op\":\"delete\",\"path\":\"full\"}", "ENOTEMPTY");
	one("{\"op\":\"delete\",\"path\":\"f\"}", "ENOENT");
	one("{\"op\":\"delete\",\"path\":\"no/f\"}", "ENOENT");
	ck_assert(!scratch_has(dir.fd, "no"));
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
	end();
}
END_TEST

START_TEST(mkdir_makes_parents_and_takes_what_is_there)
{
	begin(_i);
	one("{\"op\":\"mkdir\",\"path\":\"a/b/c\"}", "");
	ck_assert(!got[0].already);
	one("{\"op\":\"mkdir\",\"path\":\"a/b\"}", "");
	ck_assert(got[0].already);
	scratch_put(dir.fd, "f", "x");
	one("{\"op\":\"mkdir\",\"path\":\"f\"}", "EEXIST");
	ck_assert_int_eq(symlinkat("a", dir.fd, "l"), 0);
	one("{\"op\":\"mkdir\",\"path\":\"l\"}", "EEXIST");
	one("{\"op\":\"mkdir\",\"path\":\"l/x\"}", "ELOOP");
	ck_assert(!scratch_has(dir.fd, "a/x"));
	end();
}
END_TEST

START_TEST(rename_replaces_only_when_told_to)
{
	begin(_i);
	scratch_put(dir.fd, "a", "A");
	scratch_put(dir.fd, "b", "B");
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"b\"}", "EEXIST");
	expect_file("b", "B");
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"b\","
	    "\"replace\":true}",
	    "");
	expect_file("b", "A");
	one("{\"op\":\"rename\",\"old_path\":\"b\",\"path\":\"x/y/z\"}", "");
	expect_file("x/y/z", "A");
	one("{\"op\":\"rename\",\"old_path\":\"gone\",\"path\":\"q/r\"}",
	    "ENOENT");
	ck_assert(!scratch_has(dir.fd, "q"));
	one("{\"op\":\"rename\",\"old_path\":\"x\",\"path\":\"x/y/x\"}",
	    "EINVAL");
	end();
}
END_TEST

START_TEST(rename_exchanges_when_told_to)
{
	begin(_i);
	scratch_put(dir.fd, "a", "A");
	one("{\"op\":\"append\",\"path\":\"d/x\",\"content\":\"X\"}", "");
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"d\","
	    "\"exchange\":true}",
	    "");
	expect_file("d", "A");
	expect_file("a/x", "X");
	/* What was open is found where it is now. */
	one("{\"op\":\"append\",\"path\":\"a/x\",\"content\":\"Y\"}", "");
	expect_file("a/x", "XY");
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"gone\","
	    "\"exchange\":true}",
	    "ENOENT");
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"gone/b\","
	    "\"exchange\":true}",
	    "ENOENT");
	ck_assert(!scratch_has(dir.fd, "gone"));
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"d\","
	    "\"exchange\":1}",
	    "bad-command");
	end();
}
END_TEST

START_TEST(commands_to_one_path_take_effect_in_order)
{
	begin(_i);
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}");
	say("{\"op\":\"append\",\"path\":\"d/b\",\"content\":\"2\"}");
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"3\"}");
	say("{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"4\"}");
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"5\"}");
	say("{\"op\":\"rename\",\"old_path\":\"d\",\"path\":\"e\"}");
	say("{\"op\":\"append\",\"path\":\"d/b\",\"content\":\"6\"}");
	say("{\"op\":\"append\",\"path\":\"e/b\",\"content\":\"7\"}");
	say("{\"op\":\"write\",\"path\":\"a\",\"content\":\"45\"}");
	say("{\"op\":\"delete\",\"path\":\"e/b\"}");
	say("{\"op\":\"delete\",\"path\":\"e\"}");
	say("{\"op\":\"append\",\"path\":\"e/b\",\"content\":\"8\"}");
	commit();
	ck_assert_uint_eq(ngot, 12);
	for (ngot = 0; ngot < 12; ngot++)
		ck_assert_msg(got[ngot].ok, "%zu: %s", ngot, got[ngot].error);
	ck_assert(got[8].already);
	ck_assert_uint_eq(got[2].size, 2);
	ck_assert_uint_eq(got[4].size, 2);
	ck_assert_uint_eq(got[7].size, 2);
	expect_file("a", "45");
	expect_file("d/b", "6");
	expect_file("e/b", "8");
	end();
}
END_TEST

START_TEST(appends_that_arrive_together_are_one_write_a_file)
{
	int i;

	begin(_i);
	for (i = 0; i < 1000; i++) {
		say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"x\\n\"}");
		say("{\"op\":\"append\",\"path\":\"b\",\"content\":\"y\\n\"}");
	}
	commit();
	ck_assert_uint_eq(apply_stats(a)->appends, 2);
	ck_assert_int_eq(scratch_size(dir.fd, "a"), 2000);
	ck_assert_int_eq(scratch_size(dir.fd, "b"), 2000);
	ck_assert_uint_eq(got[1999].size, 2000);
	end();
}
END_TEST

START_TEST(a_bad_command_costs_itself_only)
{
	begin(_i);
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}");
	say("{\"op\":\"append\",\"path\":\"../a\",\"content\":\"2\"}");
	say("garbage");
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"3\"}");
	commit();
	ck_assert_uint_eq(ngot, 4);
	ck_assert(got[0].ok && got[3].ok);
	ck_assert_str_eq(got[1].error, "bad-path");
	ck_assert_str_eq(got[2].error, "bad-json");
	expect_file("a", "13");
	ck_assert_uint_eq(apply_stats(a)->failed, 2);
	end();
}
END_TEST

START_TEST(nothing_behind_a_failure_is_applied_if_told_to_stop)
{
	begin(_i);
	o.stop_on_error = true;
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}");
	say("{\"op\":\"append\",\"path\":\"b\",\"content\":\"1\"}");
	ck_assert(!apply_stopped(a));
	say("{\"op\":\"delete\",\"path\":\"none\"}");
	ck_assert(apply_stopped(a));
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"2\"}");
	say("{\"op\":\"mkdir\",\"path\":\"d\"}");
	say("garbage");
	commit();
	ck_assert_uint_eq(ngot, 3);
	expect_file("a", "1");
	expect_file("b", "1");
	ck_assert(!scratch_has(dir.fd, "d"));
	end();
}
END_TEST

START_TEST(a_failed_append_stops_too_and_what_follows_is_not_written)
{
	struct rlimit rl = {4, RLIM_INFINITY};

	begin(_i);
	o.stop_on_error = true;
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"123\"}");
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"456\"}");
	say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"7\"}");
	say("{\"op\":\"append\",\"path\":\"b\",\"content\":\"8\"}");
	commit();
	ck_assert_uint_eq(ngot, 2);
	ck_assert(got[0].ok);
	ck_assert_str_eq(got[1].error, "EFBIG");
	expect_file("a", "123");
	ck_assert(!scratch_has(dir.fd, "b"));
	end();
}
END_TEST

START_TEST(only_allowed_operations_are_done)
{
	begin(_i);
	o.ops = COMMAND_BIT(COMMAND_APPEND);
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}", "");
	one("{\"op\":\"overwrite\",\"path\":\"a\",\"content\":\"2\"}",
	    "not-allowed");
	one("{\"op\":\"delete\",\"path\":\"a\"}", "not-allowed");
	expect_file("a", "1");
	end();
}
END_TEST

START_TEST(a_dry_run_checks_and_changes_nothing)
{
	begin(_i);
	o.dry_run = true;
	scratch_put(dir.fd, "f", "x");
	ck_assert_int_eq(mkdirat(dir.fd, "d", 0755), 0);
	one("{\"op\":\"append\",\"path\":\"f\",\"content\":\"1\"}", "");
	one("{\"op\":\"append\",\"path\":\"new/f\",\"content\":\"1\"}", "");
	one("{\"op\":\"append\",\"path\":\"d\",\"content\":\"1\"}",
	    "not-regular");
	one("{\"op\":\"append\",\"path\":\"f/x\",\"content\":\"1\"}",
	    "ENOTDIR");
	one("{\"op\":\"write\",\"path\":\"f\",\"content\":\"x\"}", "");
	ck_assert(got[0].already);
	one("{\"op\":\"write\",\"path\":\"f\",\"content\":\"y\"}", "EEXIST");
	one("{\"op\":\"overwrite\",\"path\":\"f\",\"content\":\"y\"}", "");
	one("{\"op\":\"overwrite\",\"path\":\"d\",\"content\":\"y\"}",
	    "not-regular");
	one("{\"op\":\"mkdir\",\"path\":\"d\"}", "");
	one("{\"op\":\"mkdir\",\"path\":\"f\"}", "EEXIST");
	one("{\"op\":\"mkdir\",\"path\":\"p/q/r\"}", "");
	one("{\"op\":\"delete\",\"path\":\"f\"}", "");
	one("{\"op\":\"delete\",\"path\":\"g\"}", "ENOENT");
	one("{\"op\":\"rename\",\"old_path\":\"f\",\"path\":\"g\"}", "");
	one("{\"op\":\"rename\",\"old_path\":\"f\",\"path\":\"d\"}", "EEXIST");
	one("{\"op\":\"rename\",\"old_path\":\"g\",\"path\":\"h\"}", "ENOENT");
	one("{\"op\":\"rename\",\"old_path\":\"f\",\"path\":\"d\","
	    "\"exchange\":true}",
	    "");
	one("{\"op\":\"rename\",\"old_path\":\"f\",\"path\":\"g\","
	    "\"exchange\":true}",
	    "ENOENT");
	one("{\"op\":\"rename\",\"old_path\":\"f\",\"path\":\"p/g\","
	    "\"exchange\":true}",
	    "ENOENT");
	expect_file("f", "x");
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 2);
	end();
}
END_TEST

START_TEST(links_and_special_files_are_never_written_to)
{
	begin(_i);
	scratch_put(dir.fd, "victim", "v");
	ck_assert_int_eq(symlinkat("victim", dir.fd, "l"), 0);
	ck_assert_int_eq(symlinkat("nowhere", dir.fd, "dangling"), 0);
	ck_assert_int_eq(symlinkat("/tmp", dir.fd, "out"), 0);
	ck_assert_int_eq(mkfifoat(dir.fd, "fifo", 0666), 0);
	ck_assert_int_eq(linkat(dir.fd, "victim", dir.fd, "hard", 0), 0);
	one("{\"op\":\"append\",\"path\":\"l\",\"content\":\"x\"}",
	    "not-regular");
	one("{\"op\":\"append\",\"path\":\"dangling\",\"content\":\"x\"}",
	    "not-regular");
	one("{\"op\":\"append\",\"path\":\"fifo\",\"content\":\"x\"}",
	    "not-regular");
	one("{\"op\":\"append\",\"path\":\"hard\",\"content\":\"x\"}",
	    "EMLINK");
	one("{\"op\":\"overwrite\",\"path\":\"l\",\"content\":\"x\"}",
	    "not-regular");
	one("{\"op\":\"overwrite\",\"path\":\"fifo\",\"content\":\"x\"}",
	    "not-regular");
	one("{\"op\":\"write\",\"path\":\"l\",\"content\":\"v\"}", "EEXIST");
	one("{\"op\":\"write\",\"path\":\"fifo\",\"content\":\"\"}", "EEXIST");
	one("{\"op\":\"write\",\"path\":\"out/fspipe-evil\","
	    "\"content\":\"x\"}",
	    "ELOOP");
	one("{\"op\":\"rename\",\"old_path\":\"out/x\",\"path\":\"y\"}",
	    "ELOOP");
	one("{\"op\":\"rename\",\"old_path\":\"hard\",\"path\":\"out/y\"}",
	    "ELOOP");
	expect_file("victim", "v");
	ck_assert(!scratch_has(dir.fd, "nowhere"));
	/* A replaced name leaves the other name's content alone. */
	one("{\"op\":\"overwrite\",\"path\":\"hard\",\"content\":\"new\"}", "");
	expect_file("victim", "v");
	end();
}
END_TEST

START_TEST(a_file_moved_away_by_others_is_opened_anew_in_the_next_batch)
{
	begin(_i);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"1\"}", "");
	ck_assert_int_eq(renameat(dir.fd, "d/log", dir.fd, "d/log.1"), 0);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"2\"}", "");
	expect_file("d/log.1", "1");
	expect_file("d/log", "2");
	ck_assert_int_eq(renameat(dir.fd, "d", dir.fd, "e"), 0);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"3\"}", "");
	expect_file("e/log", "2");
	expect_file("d/log", "3");
	ck_assert_int_eq(unlinkat(dir.fd, "d/log", 0), 0);
	ck_assert_int_eq(symlinkat("../e/log", dir.fd, "d/log"), 0);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"4\"}",
	    "not-regular");
	expect_file("e/log", "2");
	ck_assert_int_eq(unlinkat(dir.fd, "d/log", 0), 0);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"5\"}", "");
	ck_assert_int_eq(linkat(dir.fd, "d/log", dir.fd, "d/other", 0), 0);
	one("{\"op\":\"append\",\"path\":\"d/log\",\"content\":\"6\"}",
	    "EMLINK");
	expect_file("d/other", "5");
	end();
}
END_TEST

START_TEST(a_directory_that_became_a_link_is_not_followed)
{
	begin(_i);
	one("{\"op\":\"write\",\"path\":\"d/a\",\"content\":\"1\"}", "");
	ck_assert_int_eq(renameat(dir.fd, "d", dir.fd, "e"), 0);
	ck_assert_int_eq(symlinkat("e", dir.fd, "d"), 0);
	one("{\"op\":\"write\",\"path\":\"d/b\",\"content\":\"1\"}", "ELOOP");
	one("{\"op\":\"append\",\"path\":\"d/a\",\"content\":\"2\"}", "ELOOP");
	expect_file("e/a", "1");
	ck_assert_uint_eq(scratch_count(dir.fd, "e"), 1);
	end();
}
END_TEST

/* Makes d a directory and a link to one outside in turn, as fast as it can. */
static void
race(void)
{
	while (renameat2(dir.fd, "d", dir.fd, "link", RENAME_EXCHANGE) == 0)
		;
	_exit(0);
}

START_TEST(no_race_leads_out_of_the_directory)
{
	static const char *const forms[] = {
	    "{\"op\":\"write\",\"path\":\"d/w%d\",\"content\":\"x\"}",
	    "{\"op\":\"append\",\"path\":\"d/victim\",\"content\":\"%d\"}",
	    "{\"op\":\"append\",\"path\":\"d/e/a%d\",\"content\":\"x\"}",
	    "{\"op\":\"overwrite\",\"path\":\"d/victim\","
	    "\"content\":\"%d\"}",
	    "{\"op\":\"mkdir\",\"path\":\"d/m%d\"}",
	    "{\"op\":\"delete\",\"path\":\"d/v%d\"}",
	    "{\"op\":\"rename\",\"old_path\":\"d/w%d\","
	    "\"path\":\"d/v\",\"replace\":true}",
	};
	struct scratch outside;
	/* How many to try; .ci/run wants more of them. */
	const char *commands = getenv("RACE_COMMANDS");
	int batch, batches = (commands != NULL ? atoi(commands) : 1000) / 7;
	time_t deadline = time(NULL) + 50;
	size_t i, done = 0;
	char json[128];
	pid_t pid;

	begin(_i);
	scratch_open(&outside);
	scratch_put(outside.fd, "victim", "v");
	scratch_put(outside.fd, "v", "v");
	ck_assert_int_eq(mkdirat(dir.fd, "d", 0755), 0);
	ck_assert_int_eq(symlinkat(outside.path, dir.fd, "link"), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		race();
	/* Until some came through too: else it would have tried nothing. */
	for (batch = 0; batch < batches || done <= 10; batch++) {
		ck_assert_msg(time(NULL) <= deadline, "nothing gets done");
		for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			(void)snprintf(json, sizeof(json), forms[i], batch);
			say(json);
		}
		commit();
		for (i = 0; i < ngot; i++)
			done += got[i].ok;
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(scratch_count(outside.fd, "."), 2);
	ck_assert_str_eq(scratch_get(outside.fd, "victim"), "v");
	ck_assert_str_eq(scratch_get(outside.fd, "v"), "v");
	scratch_close(&outside);
	end();
}
END_TEST

START_TEST(many_files_need_few_descriptors)
{
	struct rlimit rl;
	char json[128];
	int i, round;

	begin(_i);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = (rlim_t)dup(0) + 30;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 100; i++) {
			(void)snprintf(json, sizeof(json),
			    "{\"op\":\"append\",\"path\":\"%d/%d\","
			    "\"content\":\"x\"}",
			    i % 50, i);
			say(json);
		}
		commit();
		for (i = 0; i < 100; i++)
			ck_assert_msg(got[i].ok &&
				got[i].size == (uint64_t)round + 1,
			    "%d: %s", i, got[i].error);
	}
	ck_assert_int_eq(scratch_size(dir.fd, "49/99"), 2);
	end();
}
END_TEST

START_TEST(running_out_of_descriptors_closes_what_is_kept_open)
{
	struct rlimit rl;
	char json[128];
	int i;

	begin(_i);
	o.max_open = 10000;
	again();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = (rlim_t)dup(0) + 30;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	for (i = 0; i < 200; i++) {
		(void)snprintf(json, sizeof(json),
		    "{\"op\":\"%s\",\"path\":\"%d/%d\",\"content\":\"x\"}",
		    i % 3 == 0	   ? "append" :
			i % 3 == 1 ? "write" :
				     "overwrite",
		    i % 70, i);
		say(json);
	}
	commit();
	for (i = 0; i < 200; i++)
		ck_assert_msg(got[i].ok, "%d: %s", i, got[i].error);
	end();
}
END_TEST

/* As the loop check, which opens each directory on a long way. */
static int
may_greedily(void *ctx, int dirfd, const char *name, bool *every_name,
    char *why, size_t why_size)
{
	int fds[20], n, rc = 0;

	for (n = 0; n < 20; n++) {
		fds[n] = dup(dirfd);
		if (fds[n] == -1)
			break;
	}
	if (n == 20)
		rc = may(ctx, dirfd, name, every_name, why, why_size);
	else
		rc = -1;
	while (n-- > 0)
		(void)close(fds[n]);
	if (rc == -1)
		errno = EMFILE;
	return rc;
}

START_TEST(a_question_that_needs_descriptors_gets_them)
{
	struct rlimit rl;
	char json[128];
	int i;

	begin(_i);
	o.max_open = 10000;
	o.may = may_greedily;
	again();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = (rlim_t)dup(0) + 40;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	for (i = 0; i < 100; i++) {
		(void)snprintf(json, sizeof(json),
		    "{\"op\":\"append\",\"path\":\"%d/%d/%d\","
		    "\"content\":\"x\"}",
		    i % 7, i % 5, i);
		say(json);
	}
	commit();
	for (i = 0; i < 100; i++)
		ck_assert_msg(got[i].ok, "%d: %s", i, got[i].error);
	end();
}
END_TEST

START_TEST(what_is_removed_again_and_again_needs_few_descriptors)
{
	static const char *const again_gone[] = {"delete", "overwrite"};
	struct rlimit rl;
	char json[128];
	int i;

	begin(_i);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = (rlim_t)dup(0) + 30;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	for (i = 0; i < 200; i++) {
		(void)snprintf(json, sizeof(json),
		    "{\"op\":\"%s\",\"path\":\"a\",\"content\":\"%c\"}",
		    i % 2 == 0 ? "append" : again_gone[i / 2 % 2],
		    'a' + i % 26);
		say(json);
	}
	commit();
	for (i = 0; i < 200; i++)
		ck_assert_msg(got[i].ok, "%d: %s", i, got[i].error);
	expect_file("a", "r");
	end();
}
END_TEST

START_TEST(a_path_of_thousands_of_components_is_made)
{
	struct rlimit rl;
	static char json[5000] = "{\"op\":\"mkdir\",\"path\":\"x";
	rlim_t was;
	int i;

	begin(_i);
	for (i = 0; i < 2000; i++)
		strcat(json, "/x");
	strcat(json, "\"}");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	was = rl.rlim_cur;
	rl.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	one(json, "");
	one(json, "");
	ck_assert(got[0].already);
	rl.rlim_cur = was;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	end();
}
END_TEST

START_TEST(what_can_not_pass_is_not_tried_again)
{
	struct rlimit rl = {2, RLIM_INFINITY};

	begin(_i);
	o.retries = 3;
	o.pause = pause_test;
	paused = 0;
	one("{\"op\":\"delete\",\"path\":\"none\"}", "ENOENT");
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"123\"}", "EFBIG");
	ck_assert_uint_eq(paused, 0);
	ck_assert_uint_eq(apply_stats(a)->retries, 0);
	end();
}
END_TEST

START_TEST(a_watched_name_is_refused_and_the_rest_is_not)
{
	begin(_i);
	o.may = may;
	again();
	refused_name = "w";
	asked = 0;
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}", "");
	ck_assert_uint_eq(asked, 1);
	one("{\"op\":\"append\",\"path\":\"w\",\"content\":\"1\"}", "loop");
	one("{\"op\":\"mkdir\",\"path\":\"w/x/y\"}", "loop");
	one("{\"op\":\"write\",\"path\":\"d/w\",\"content\":\"1\"}", "loop");
	one("{\"op\":\"overwrite\",\"path\":\"d/w\",\"content\":\"1\"}",
	    "loop");
	one("{\"op\":\"rename\",\"old_path\":\"a\",\"path\":\"w\"}", "loop");
	one("{\"op\":\"rename\",\"old_path\":\"w\",\"path\":\"b\"}", "loop");
	one("{\"op\":\"delete\",\"path\":\"w\"}", "loop");
	ck_assert(!scratch_has(dir.fd, "w"));
	ck_assert(!scratch_has(dir.fd, "d/w"));
	end();
}
END_TEST

START_TEST(a_directory_that_is_free_as_a_whole_is_asked_about_once_a_batch)
{
	int i;

	begin(_i);
	o.may = may;
	again();
	refused_name = NULL;
	asked = 0;
	for (i = 0; i < 10; i++) {
		say("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}");
		say("{\"op\":\"append\",\"path\":\"b\",\"content\":\"1\"}");
		say("{\"op\":\"overwrite\",\"path\":\"c\",\"content\":\"1\"}");
	}
	commit();
	ck_assert_uint_eq(asked, 1);
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"1\"}", "");
	ck_assert_uint_eq(asked, 2);
	end();
}
END_TEST

START_TEST(sync_costs_one_call_a_file_and_a_changed_directory)
{
	uint64_t n;
	int i;

	begin(_i);
	o.sync = true;
	again();
	for (i = 0; i < 100; i++)
		say("{\"op\":\"append\",\"path\":\"p/q/log\","
		    "\"content\":\"x\\n\"}");
	commit();
	/* The file, its directory, and each that a parent was made in. */
	ck_assert_uint_eq(apply_stats(a)->syncs, 4);
	n = apply_stats(a)->syncs;
	for (i = 0; i < 100; i++)
		say("{\"op\":\"append\",\"path\":\"p/q/log\","
		    "\"content\":\"x\\n\"}");
	commit();
	ck_assert_uint_eq(apply_stats(a)->syncs, n + 1);
	say("{\"op\":\"delete\",\"path\":\"p/q/log\"}");
	say("{\"op\":\"mkdir\",\"path\":\"p/q/r\"}");
	say("{\"op\":\"mkdir\",\"path\":\"p/q/s\"}");
	say("{\"op\":\"rename\",\"old_path\":\"p/q/s\",\"path\":\"p/s\"}");
	commit();
	ck_assert_uint_eq(apply_stats(a)->syncs, n + 3);
	say("{\"op\":\"append\",\"path\":\"l\",\"content\":\"x\"}");
	say("{\"op\":\"delete\",\"path\":\"l\"}");
	commit();
	for (i = 0; i < (int)ngot; i++)
		ck_assert(got[i].ok);
	end();
}
END_TEST

START_TEST(a_torn_append_is_answered_and_the_next_begins_a_line)
{
	struct rlimit rl = {3, RLIM_INFINITY};
	int other;

	begin(_i);
	(void)signal(SIGXFSZ, SIG_IGN);
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"\"}", "");
	other = openat(dir.fd, "a", O_RDONLY);
	ck_assert_int_eq(flock(other, LOCK_SH), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"12345\\n\"}",
	    "EFBIG");
	ck_assert(got[0].torn);
	rl.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	apply_reopen(a);
	one("{\"op\":\"append\",\"path\":\"a\",\"content\":\"next\\n\"}", "");
	ck_assert(!got[0].torn);
	ck_assert_uint_eq(got[0].size, 9);
	expect_file("a", "123\nnext\n");
	(void)close(other);
	end();
}
END_TEST

START_TEST(reopening_forgets_what_was_open)
{
	begin(_i);
	one("{\"op\":\"append\",\"path\":\"d/a\",\"content\":\"1\"}", "");
	apply_reopen(a);
	one("{\"op\":\"append\",\"path\":\"d/a\",\"content\":\"2\"}", "");
	expect_file("d/a", "12");
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("apply");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_set_timeout(limits, 60);
	tcase_add_loop_test(core,
	    write_makes_new_files_and_is_content_with_the_same, 0, WAYS);
	tcase_add_loop_test(core, append_adds_at_the_end, 0, WAYS);
	tcase_add_loop_test(core,
	    overwrite_replaces_and_keeps_the_mode_but_no_set_user_id, 0, WAYS);
	tcase_add_test(core, overwrite_keeps_the_owner_as_root);
	tcase_add_loop_test(core, modes_are_as_asked_for_and_else_by_the_umask,
	    0, WAYS);
	tcase_add_loop_test(core,
	    delete_removes_files_links_and_empty_directories, 0, WAYS);
	tcase_add_loop_test(core, mkdir_makes_parents_and_takes_what_is_there,
	    0, WAYS);
	tcase_add_loop_test(core, rename_replaces_only_when_told_to, 0, WAYS);
	if (harness_can(rename_exchanges_when_told_to))
		tcase_add_loop_test(core, rename_exchanges_when_told_to, 0,
		    WAYS);
	tcase_add_loop_test(core, commands_to_one_path_take_effect_in_order, 0,
	    WAYS);
	tcase_add_loop_test(core,
	    appends_that_arrive_together_are_one_write_a_file, 0, WAYS);
	tcase_add_loop_test(core, a_bad_command_costs_itself_only, 0, WAYS);
	tcase_add_test(core,
	    nothing_behind_a_failure_is_applied_if_told_to_stop);
	tcase_add_test(core,
	    a_failed_append_stops_too_and_what_follows_is_not_written);
	tcase_add_test(core, only_allowed_operations_are_done);
	tcase_add_loop_test(core, a_dry_run_checks_and_changes_nothing, 0,
	    WAYS);
	tcase_add_test(core, what_can_not_pass_is_not_tried_again);
	tcase_add_loop_test(core, a_watched_name_is_refused_and_the_rest_is_not,
	    0, WAYS);
	tcase_add_loop_test(core,
	    a_directory_that_is_free_as_a_whole_is_asked_about_once_a_batch, 0,
	    WAYS);
	tcase_add_loop_test(core,
	    sync_costs_one_call_a_file_and_a_changed_directory, 0, WAYS);
	tcase_add_test(core, reopening_forgets_what_was_open);
	tcase_add_loop_test(limits, many_files_need_few_descriptors, 0, WAYS);
	tcase_add_loop_test(limits,
	    running_out_of_descriptors_closes_what_is_kept_open, 0, WAYS);
	tcase_add_loop_test(limits,
	    what_is_removed_again_and_again_needs_few_descriptors, 0, WAYS);
	tcase_add_loop_test(limits, a_question_that_needs_descriptors_gets_them,
	    0, WAYS);
	tcase_add_test(limits, a_path_of_thousands_of_components_is_made);
	tcase_add_test(limits,
	    a_torn_append_is_answered_and_the_next_begins_a_line);
	tcase_add_loop_test(hostile,
	    links_and_special_files_are_never_written_to, 0, WAYS);
	tcase_add_loop_test(hostile,
	    a_file_moved_away_by_others_is_opened_anew_in_the_next_batch, 0,
	    WAYS);
	tcase_add_loop_test(hostile,
	    a_directory_that_became_a_link_is_not_followed, 0, WAYS);
	tcase_set_timeout(hostile, 60);
	tcase_add_loop_test(hostile, no_race_leads_out_of_the_directory, 0,
	    WAYS);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
