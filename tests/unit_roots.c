#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claim.h"
#include "recorder.h"
#include "suite.h"
#include "watch.h"

static struct recorder r;

static void
end(void)
{
	recorder_close(&r);
}

/* A watch of path, ready; what is there is made before. */
static void
watch(const char *path)
{
	ck_assert_msg(recorder_watch(&r, path) == 0, "%s: %s", path,
	    strerror(errno));
	ck_assert_int_eq(watch_ready(r.watch), 0);
}

struct seen {
	struct claim last;
	size_t n;
};

static int
see(void *ctx, const struct claim *c)
{
	struct seen *seen = ctx;

	seen->last = *c;
	seen->n++;
	return 0;
}

/* The claim that is held on this directory; fails unless there are n. */
static struct claim
claims_on(const char *path, size_t n)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct seen seen = {0};

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(claim_list(fd, NULL, see, &seen), 0);
	(void)close(fd);
	ck_assert_msg(seen.n == n, "%s: %zu claims, not %zu", path, seen.n, n);
	return seen.last;
}

START_TEST(a_directory_tells_its_own_names_or_all_below)
{
	recorder_open(&r, "");
	make_directory("d/s");
	watch("d");
	make_file("d/a");
	make_file("d/s/b");
	make_file("out/c");
	ck_assert_str_eq(recorder_story(&r), "created f d/a\n");
	end();
	recorder_open(&r, "-r");
	make_directory("d/s");
	watch("d");
	make_file("d/a");
	make_file("d/s/b");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\ncreated f d/s/b\n");
	end();
}
END_TEST

START_TEST(a_root_is_told_as_it_was_typed)
{
	recorder_open(&r, "");
	watch("./out/../d");
	make_file("d/a");
	ck_assert_str_eq(recorder_story(&r), "created f ./out/../d/a\n");
	end();
}
END_TEST

START_TEST(a_file_is_watched_by_its_name)
{
	recorder_open(&r, "");
	make_file("d/f");
	make_file("d/other");
	watch("d/f");
	scratch_put(AT_FDCWD, "d/f", "text");
	scratch_put(AT_FDCWD, "d/other", "text");
	make_file("d/ff");
	ck_assert_str_eq(recorder_story(&r), "modified f d/f\n");
	/* A save by rename, a rotation, deletion and return. */
	move_to("d/other", "d/f");
	ck_assert_str_eq(recorder_story(&r), "modified f d/f\n");
	move_to("d/f", "d/f.1");
	ck_assert_ptr_nonnull(strstr(recorder_story(&r), "deleted f d/f\n"));
	make_file("d/f");
	ck_assert_ptr_nonnull(strstr(recorder_story(&r), "created f d/f\n"));
	scratch_put(AT_FDCWD, "d/f", "more");
	ck_assert_str_eq(recorder_story(&r), "modified f d/f\n");
	end();
}
END_TEST

START_TEST(a_link_to_a_directory_is_followed_wherever_it_leads)
{
	recorder_open(&r, "-r");
	make_file("d/one");
	make_file("out/two");
	ck_assert_int_eq(symlink("d", "link"), 0);
	watch("link");
	make_file("d/a");
	ck_assert_str_eq(recorder_story(&r), "created f link/a\n");
	ck_assert_int_eq(symlink("out", "new"), 0);
	move_to("new", "link");
	ck_assert_ptr_nonnull(
	    strstr(recorder_story(&r), "created f link/two\n"));
	make_file("d/b");
	make_file("out/b");
	ck_assert_str_eq(recorder_story(&r), "created f link/b\n");
	end();
}
END_TEST

START_TEST(absolute_links_and_dots_lead_where_they_say)
{
	char target[128];

	recorder_open(&r, "");
	make_directory("d/s");
	(void)snprintf(target, sizeof(target), "%s/d/./s/..//s", r.dir.path);
	ck_assert_int_eq(symlink(target, "out/link"), 0);
	watch("out/link/");
	watch(".//d/s");
	make_file("d/s/a");
	recorder_run(&r);
	ck_assert_uint_eq(r.ncreated, 2);
	end();
}
END_TEST

START_TEST(what_is_no_directory_is_a_name)
{
	recorder_open(&r, "");
	ck_assert_int_eq(symlink("nowhere", "d/dangling"), 0);
	ck_assert_int_eq(mkfifo("d/fifo", 0600), 0);
	watch("d/dangling");
	watch("d/fifo");
	ck_assert_int_eq(unlink("d/dangling"), 0);
	ck_assert_ptr_nonnull(
	    strstr(recorder_story(&r), "deleted s d/dangling\n"));
	ck_assert_int_eq(unlink("d/fifo"), 0);
	ck_assert_ptr_nonnull(strstr(recorder_story(&r), "deleted o d/fifo\n"));
	end();
}
END_TEST

START_TEST(what_is_not_there_is_an_error_or_waited_for)
{
	recorder_open(&r, "-e +found,+lost");
	ck_assert_int_eq(recorder_watch(&r, "no/such"), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(recorder_watch(&r, ""), -1);
	ck_assert_int_eq(errno, ENOENT);
	make_file("f");
	ck_assert_int_eq(recorder_watch(&r, "f/below"), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	/* A slash at the end asks for a directory. */
	ck_assert_int_eq(recorder_watch(&r, "f/"), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(symlink("f", "link"), 0);
	ck_assert_int_eq(recorder_watch(&r, "link/"), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	end();
	recorder_open(&r, "-w -r -e +found,+lost");
	ck_assert_int_eq(recorder_watch(&r, "no/such"), 0);
	ck_assert_str_eq(recorder_told(&r), "# waiting for no/such\n");
	ck_assert_int_eq(watch_ready(r.watch), 0);
	make_directory("no");
	ck_assert_str_eq(recorder_story(&r), "");
	make_directory("no/such");
	make_file("no/such/a");
	ck_assert_str_eq(recorder_story(&r),
	    "found no/such\n# no/such: found\ncreated f no/such/a\n");
	make_file("no/such/b");
	ck_assert_str_eq(recorder_story(&r), "created f no/such/b\n");
	end();
}
END_TEST

START_TEST(a_root_is_lost_and_found)
{
	recorder_open(&r, "-r -e +lost,+found");
	make_directory("d/s");
	make_file("d/s/f");
	watch("d");
	move_to("d", "elsewhere");
	ck_assert_str_eq(recorder_story(&r),
	    "deleted f d/s/f\ndeleted d d/s\nlost d\n# d: gone\n");
	make_file("elsewhere/unseen");
	ck_assert_str_eq(recorder_story(&r), "");
	make_directory("d");
	make_file("d/new");
	ck_assert_str_eq(recorder_story(&r),
	    "found d\n# d: found\ncreated f d/new\n");
	/* Another one in its place, at once. */
	remove_all("d");
	move_to("elsewhere", "d");
	ck_assert_ptr_nonnull(
	    strstr(recorder_story(&r), "created f d/unseen\n"));
	make_file("d/s/g");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/g\n");
	end();
}
END_TEST

START_TEST(whatever_becomes_of_the_way_the_root_is_followed)
{
	recorder_open(&r, "-r");
	make_directory("out/p");
	make_directory("out/p/root");
	make_file("out/p/root/f");
	watch("out/p/root");
	move_to("out", "away");
	ck_assert_ptr_nonnull(
	    strstr(recorder_story(&r), "deleted f out/p/root/f\n"));
	make_file("away/p/root/g");
	ck_assert_str_eq(recorder_story(&r), "");
	make_directory("out");
	make_directory("out/p");
	ck_assert_str_eq(recorder_story(&r), "");
	move_to("away/p/root", "out/p/root");
	ck_assert_ptr_nonnull(
	    strstr(recorder_story(&r), "created f out/p/root/g\n"));
	end();
}
END_TEST

START_TEST(a_pruned_directory_is_left_out)
{
	recorder_open(&r, "-r --prune d/s/skip --prune d/later");
	make_directory("d/s");
	make_directory("d/s/skip");
	make_file("d/s/skip/old");
	watch("d");
	make_file("d/s/skip/a");
	make_file("d/s/b");
	make_directory("d/later");
	make_file("d/later/c");
	ck_assert_int_eq(chmod("d/s/skip", 0700), 0);
	ck_assert_str_eq(recorder_story(&r), "created f d/s/b\n");
	move_to("d/s/skip/a", "d/a");
	move_to("d/s/b", "d/later/b");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\ndeleted f d/s/b\n");
	end();
}
END_TEST

START_TEST(a_claim_says_what_is_watched)
{
	struct claim c;

	recorder_open(&r, _i == 0 ? "-r --one-file-system --depth 2" : "");
	make_file("f");
	ck_assert_int_eq(recorder_watch(&r, "d"), 0);
	/* Before `ready`. */
	c = claims_on("d", 1);
	ck_assert_int_eq(c.pid, getpid());
	ck_assert_int_eq(c.kind, _i == 0 ? CLAIM_TREE : CLAIM_FLAT);
	ck_assert(c.one_fs == (_i == 0));
	ck_assert_uint_eq(c.depth, _i == 0 ? 2 : 0);
	ck_assert_int_eq(recorder_watch(&r, "f"), 0);
	c = claims_on(".", 1);
	ck_assert_int_eq(c.kind, CLAIM_NAME);
	ck_assert_uint_eq(c.name_hash, claim_hash("f"));
	end();
}
END_TEST

START_TEST(a_claim_moves_when_the_root_is_replaced)
{
	recorder_open(&r, "-r");
	make_directory("n");
	watch("d");
	ck_assert_int_eq(claims_on("d", 1).kind, CLAIM_TREE);
	exchange("d", "n");
	(void)recorder_story(&r);
	ck_assert_int_eq(claims_on("d", 1).kind, CLAIM_TREE);
	(void)claims_on("n", 0);
	end();
}
END_TEST

START_TEST(a_root_that_is_waited_for_is_claimed_by_its_name)
{
	recorder_open(&r, "-w");
	make_directory("p");
	watch("p/r");
	ck_assert_int_eq(claims_on("p", 1).kind, CLAIM_NAME);
	ck_assert_uint_eq(claims_on("p", 1).name_hash, claim_hash("r"));
	/* The name in what p was is no longer the one. */
	move_to("p", "q");
	(void)recorder_story(&r);
	(void)claims_on("q", 0);
	make_directory("p");
	(void)recorder_story(&r);
	ck_assert_int_eq(claims_on("p", 1).kind, CLAIM_NAME);
	make_directory("p/r");
	(void)recorder_story(&r);
	(void)claims_on("p", 0);
	ck_assert_int_eq(claims_on("p/r", 1).kind, CLAIM_FLAT);
	remove_all("p/r");
	(void)recorder_story(&r);
	ck_assert_int_eq(claims_on("p", 1).kind, CLAIM_NAME);
	end();
}
END_TEST

START_TEST(what_is_missing_is_claimed_by_its_path)
{
	recorder_open(&r, "-w");
	watch("p//q/./r");
	ck_assert_int_eq(claims_on(".", 1).kind, CLAIM_NAME);
	ck_assert(claims_on(".", 1).path);
	ck_assert_uint_eq(claims_on(".", 1).name_hash, claim_hash("p/q/r"));
	make_directory("p");
	(void)recorder_story(&r);
	(void)claims_on(".", 0);
	ck_assert(claims_on("p", 1).path);
	ck_assert_uint_eq(claims_on("p", 1).name_hash, claim_hash("q/r"));
	/* No directory: it is still to come. */
	make_file("p/q");
	(void)recorder_story(&r);
	ck_assert_uint_eq(claims_on("p", 1).name_hash, claim_hash("q/r"));
	remove_all("p/q");
	make_directory("p/q");
	(void)recorder_story(&r);
	(void)claims_on("p", 0);
	ck_assert(!claims_on("p/q", 1).path);
	ck_assert_uint_eq(claims_on("p/q", 1).name_hash, claim_hash("r"));
	make_directory("p/q/r");
	(void)recorder_story(&r);
	(void)claims_on("p/q", 0);
	ck_assert_int_eq(claims_on("p/q/r", 1).kind, CLAIM_FLAT);
	remove_all("p");
	(void)recorder_story(&r);
	ck_assert_uint_eq(claims_on(".", 1).name_hash, claim_hash("p/q/r"));
	end();
	/* Where ".." leads then nobody knows. */
	recorder_open(&r, "-w");
	watch("p/../r");
	(void)claims_on(".", 0);
	end();
}
END_TEST

START_TEST(what_a_followed_link_leads_to_is_claimed)
{
	char *out;

	recorder_open(&r, "-r -L --depth 3");
	make_directory("d/s");
	make_directory("out/t");
	out = realpath("out", NULL);
	ck_assert_int_eq(symlink(out, "d/s/link"), 0);
	watch("d");
	ck_assert_uint_eq(claims_on("d", 1).depth, 3);
	(void)claims_on("out", 1);
	move_to("d/s/link", "d/link");
	(void)recorder_story(&r);
	ck_assert_int_eq(claims_on("out", 1).kind, CLAIM_TREE);
	ck_assert_uint_eq(claims_on("out", 1).depth, 2);
	/* By two links. */
	ck_assert_int_eq(symlink(out, "d/link2"), 0);
	(void)recorder_story(&r);
	(void)claims_on("out", 1);
	remove_all("d/link");
	(void)recorder_story(&r);
	(void)claims_on("out", 1);
	/* To another directory. */
	ck_assert_int_eq(symlink("../out/t", "d/new"), 0);
	move_to("d/new", "d/link2");
	(void)recorder_story(&r);
	(void)claims_on("out", 0);
	ck_assert_int_eq(claims_on("out/t", 1).kind, CLAIM_TREE);
	move_to("d", "e");
	(void)recorder_story(&r);
	(void)claims_on("out/t", 0);
	free(out);
	end();
	/* Not where claims are not wanted. */
	recorder_open(&r, "-r -L --no-claim");
	ck_assert_int_eq(symlink("../out", "d/link"), 0);
	watch("d");
	(void)claims_on("out", 0);
	end();
}
END_TEST

START_TEST(a_pruned_directory_has_its_claim_whenever_it_comes)
{
	recorder_open(&r, "-r --prune d/s/skip --prune d/t/new");
	make_directory("d/s");
	make_directory("d/s/skip");
	make_directory("d/t");
	watch("d");
	ck_assert_int_eq(claims_on("d/s/skip", 1).kind, CLAIM_PRUNED);
	ck_assert_uint_eq(claims_on("d/s/skip", 1).token,
	    claims_on("d", 1).token);
	make_directory("d/t/new");
	(void)recorder_story(&r);
	ck_assert_int_eq(claims_on("d/t/new", 1).kind, CLAIM_PRUNED);
	move_to("d/s", "d/u");
	(void)recorder_story(&r);
	(void)claims_on("d/u/skip", 0);
	make_directory("d/s");
	make_directory("d/s/skip");
	(void)recorder_story(&r);
	ck_assert_int_eq(claims_on("d/s/skip", 1).kind, CLAIM_PRUNED);
	end();
}
END_TEST

START_TEST(who_wants_no_claim_takes_none)
{
	recorder_open(&r, "-r -w --no-claim --prune d/skip");
	make_directory("d/skip");
	watch("d");
	ck_assert_int_eq(recorder_watch(&r, "later"), 0);
	(void)claims_on("d", 0);
	(void)claims_on("d/skip", 0);
	(void)claims_on(".", 0);
	end();
}
END_TEST

START_TEST(roots_that_overlap_tell_once_for_each)
{
	recorder_open(&r, "-r");
	make_directory("d/s");
	watch("d");
	watch("d/s");
	make_file("d/s/a");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/s/a\n"); /* the same line twice */
	ck_assert_uint_eq(r.ncreated, 2);
	end();
}
END_TEST

/* The second root is entered before the first one has been told of the rename
 * that leads there: it does not take the directory away. */
START_TEST(roots_that_overlap_leave_each_other_their_directories)
{
	const char *story;

	recorder_open(&r, "-r");
	make_directory("d/b");
	make_directory("d/b/a");
	make_directory("d/e");
	make_directory("d/e/k");
	make_file("d/e/k/f");
	watch("d");
	watch("./d/b/a");
	move_to("d/b/a", "d/b/old");
	make_directory("d/b/a");
	move_to("d/e/k", "d/b/a/z");
	story = recorder_story(&r);
	ck_assert_ptr_nonnull(strstr(story, "renamed d d/e/k -> d/b/a/z\n"));
	ck_assert_ptr_nonnull(strstr(story, "created d ./d/b/a/z\n"));
	ck_assert_ptr_nonnull(strstr(story, "created f ./d/b/a/z/f\n"));
	make_file("d/b/a/z/g");
	story = recorder_story(&r);
	ck_assert_ptr_nonnull(strstr(story, "created f d/b/a/z/g\n"));
	ck_assert_ptr_nonnull(strstr(story, "created f ./d/b/a/z/g\n"));
	end();
}
END_TEST

START_TEST(a_rename_from_root_to_root_is_one_event)
{
	recorder_open(&r, "-r");
	make_file("d/a");
	watch("d");
	watch("out");
	move_to("d/a", "out/b");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/a -> out/b\n");
	end();
}
END_TEST

START_TEST(what_is_there_is_listed_oldest_first_then_ready)
{
	const struct timespec old[2] = {{1000, 0}, {1000, 0}};
	const struct timespec older[2] = {{500, 0}, {500, 0}};
	const char *told;

	recorder_open(&r, "-r --existing -e default,ready");
	make_directory("d/s");
	make_file("d/new");
	make_file("d/s/b");
	make_file("d/a");
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/s/b", older, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/a", old, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/s", old, 0), 0);
	ck_assert_int_eq(recorder_watch(&r, "d"), 0);
	make_file("d/late");
	ck_assert_str_eq(recorder_told(&r), "");
	ck_assert_int_eq(watch_ready(r.watch), 0);
	/* The two that are left are as old as the clock is coarse. */
	told = recorder_told(&r);
	ck_assert_ptr_eq(strstr(told,
			     "exists f d/s/b\nexists f d/a\nexists d d/s\n"),
	    told);
	ck_assert_ptr_nonnull(strstr(told, "exists f d/new\n"));
	ck_assert_ptr_nonnull(strstr(told, "exists f d/late\n"));
	ck_assert_str_eq(strstr(told, "ready"), "ready\n");
	make_file("d/later");
	ck_assert_str_eq(recorder_story(&r), "created f d/later\n");
	end();
}
END_TEST

START_TEST(the_counters_count)
{
	struct watch_counters n;

	recorder_open(&r, "-r");
	make_directory("d/s");
	make_file("d/s/f");
	watch("d");
	watch("d/s/f");
	make_file("d/g");
	(void)recorder_story(&r);
	watch_counters(r.watch, &n);
	ck_assert_uint_eq(n.roots, 2);
	ck_assert_uint_eq(n.directories, 2);
	ck_assert_uint_eq(n.entries, 4);
	/* The two, and those on the way to them. */
	ck_assert_uint_ge(n.watches, 3);
	ck_assert_uint_eq(n.events, 1);
	ck_assert_uint_ge(n.hints, 1);
	ck_assert_uint_eq(n.overflows, 0);
	/* One that is not there now is none. */
	ck_assert_int_eq(unlink("d/s/f"), 0);
	recorder_run(&r);
	watch_counters(r.watch, &n);
	ck_assert_uint_eq(n.roots, 1);
	end();
}
END_TEST

START_TEST(where_no_root_can_return_watching_ends)
{
	recorder_open(&r, "-w");
	make_directory("cwd");
	ck_assert_int_eq(chdir("cwd"), 0);
	make_directory("root");
	watch("root");
	ck_assert(!watch_ended(r.watch));
	ck_assert_int_eq(rmdir("root"), 0);
	(void)recorder_story(&r);
	ck_assert(!watch_ended(r.watch));
	ck_assert_int_eq(rmdir("../cwd"), 0);
	(void)recorder_story(&r);
	ck_assert(watch_ended(r.watch));
	end();
}
END_TEST

START_TEST(links_that_lead_round_are_names_and_no_trap)
{
	recorder_open(&r, "-r");
	ck_assert_int_eq(symlink("y", "x"), 0);
	ck_assert_int_eq(symlink("x", "y"), 0);
	if (recorder_watch(&r, "x") == 0) {
		ck_assert_int_eq(watch_ready(r.watch), 0);
		ck_assert_int_eq(unlink("x"), 0);
		make_directory("x");
		make_file("x/f");
		ck_assert_ptr_nonnull(
		    strstr(recorder_story(&r), "created f x/f\n"));
	} else {
		ck_assert_int_eq(errno, ELOOP);
	}
	ck_assert_int_eq(recorder_watch(&r, "y/below"), -1);
	end();
}
END_TEST

START_TEST(a_directory_that_becomes_a_file_and_back_is_followed)
{
	recorder_open(&r, "-r");
	make_file("d/a");
	watch("d");
	remove_all("d");
	make_file("d");
	ck_assert_ptr_nonnull(strstr(recorder_story(&r), "created f d\n"));
	ck_assert_int_eq(unlink("d"), 0);
	make_directory("d");
	make_file("d/b");
	ck_assert_ptr_nonnull(strstr(recorder_story(&r), "created f d/b\n"));
	make_file("d/c");
	ck_assert_str_eq(recorder_story(&r), "created f d/c\n");
	end();
}
END_TEST

START_TEST(a_name_of_any_bytes_is_a_root)
{
	recorder_open(&r, "");
	make_directory("\xff \n\"\\");
	watch("\xff \n\"\\");
	make_file("\xff \n\"\\/a");
	ck_assert_str_eq(recorder_story(&r), "created f \xff \n\"\\/a\n");
	end();
}
END_TEST

START_TEST(ten_deep_and_a_hundred_roots_are_watched)
{
	char path[64] = "out";
	int i;

	recorder_open(&r, "");
	for (i = 0; i < 10; i++) {
		(void)strlcat(path, "/x", sizeof(path));
		make_directory(path);
	}
	watch(path);
	for (i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		make_directory(path);
		watch(path);
	}
	make_file("out/x/x/x/x/x/x/x/x/x/x/f");
	ck_assert_ptr_nonnull(strstr(recorder_story(&r),
	    "created f out/x/x/x/x/x/x/x/x/x/x/f\n"));
	for (i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "d/%d/f", i);
		make_file(path);
	}
	recorder_run(&r);
	ck_assert_uint_eq(r.ncreated, 101);
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("roots");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_set_timeout(core, 30);
	tcase_set_timeout(limits, 30);
	tcase_set_timeout(hostile, 30);
	tcase_add_test(core, a_directory_tells_its_own_names_or_all_below);
	tcase_add_test(core, a_root_is_told_as_it_was_typed);
	tcase_add_test(core, a_file_is_watched_by_its_name);
	tcase_add_test(core,
	    a_link_to_a_directory_is_followed_wherever_it_leads);
	tcase_add_test(core, absolute_links_and_dots_lead_where_they_say);
	tcase_add_test(core, what_is_no_directory_is_a_name);
	tcase_add_test(core, what_is_not_there_is_an_error_or_waited_for);
	tcase_add_test(core, a_root_is_lost_and_found);
	tcase_add_test(core, whatever_becomes_of_the_way_the_root_is_followed);
	tcase_add_test(core, a_pruned_directory_is_left_out);
	tcase_add_loop_test(core, a_claim_says_what_is_watched, 0, 2);
	tcase_add_test(core, a_claim_moves_when_the_root_is_replaced);
	tcase_add_test(core, a_root_that_is_waited_for_is_claimed_by_its_name);
	tcase_add_test(core, what_is_missing_is_claimed_by_its_path);
	tcase_add_test(core, what_a_followed_link_leads_to_is_claimed);
	tcase_add_test(core,
	    a_pruned_directory_has_its_claim_whenever_it_comes);
	tcase_add_test(core, who_wants_no_claim_takes_none);
	tcase_add_test(core, roots_that_overlap_tell_once_for_each);
	tcase_add_test(core,
	    roots_that_overlap_leave_each_other_their_directories);
	tcase_add_test(core, a_rename_from_root_to_root_is_one_event);
	tcase_add_test(core, what_is_there_is_listed_oldest_first_then_ready);
	tcase_add_test(core, the_counters_count);
	tcase_add_test(limits, ten_deep_and_a_hundred_roots_are_watched);
	tcase_add_test(limits, where_no_root_can_return_watching_ends);
	tcase_add_test(hostile, links_that_lead_round_are_names_and_no_trap);
	tcase_add_test(hostile,
	    a_directory_that_becomes_a_file_and_back_is_followed);
	tcase_add_test(hostile, a_name_of_any_bytes_is_a_root);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
