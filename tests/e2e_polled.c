/* What no kernel watches is polled, and the rest is not: mount by mount. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "harness.h"
#include "scratch.h"
#include "story.h"

#define PROGRAM "fswatch-events"

/* Without a back end that tells by name there is nothing to be told apart. */
static bool
is_exact(const char *sentence)
{
	if (backends[0]->exact && getenv("HARNESS_BACKEND") == NULL)
		return true;
	skip(sentence, "everything is compared here");
	return false;
}

static bool
is_synthetic(const json_t *ev)
{
	return json_is_true(json_object_get(ev, "synthetic"));
}

/* A file system made by the kernel, with names in it that we can change. */
static bool
mount_pseudo(const char *path)
{
	return mount("p", path, "bpf", 0, NULL) == 0;
}

START_TEST(a_pseudo_file_system_is_polled_and_what_is_beside_it_is_not)
{
	struct harness *h = harness_new();

	make_dir("d/p");
	make_dir("d/t");
	if (!is_exact(__func__)) {
		harness_end(h);
		return;
	}
	if (!scratch_mounts() || !mount_pseudo("d/p") ||
	    mount("t", "d/t", "tmpfs", 0, NULL) == -1) {
		skip(__func__, "no mounts here");
		harness_end(h);
		return;
	}
	harness_run(h, PROGRAM, "-v", "-r", "-e", "+ready", "--poll", "0.02",
	    "d", NULL);
	(void)harness_ready(h);
	harness_wait_err(h,
	    "d/p: polled: its file system does not tell of changes");
	ck_assert_ptr_null(strstr(harness_err(h), "d/t: polled"));
	make_dir("d/p/x");
	ck_assert(is_synthetic(harness_wait(h, "created", "d/p/x")));
	make_dir("d/t/x");
	ck_assert(!is_synthetic(harness_wait(h, "created", "d/t/x")));
	make_dir("d/x");
	ck_assert(!is_synthetic(harness_wait(h, "created", "d/x")));
	/* Below what is polled, too. */
	make_dir("d/p/x/y");
	ck_assert(is_synthetic(harness_wait(h, "created", "d/p/x/y")));
	move("d/p/x/y", "d/p/z");
	ck_assert(is_synthetic(harness_wait(h, "renamed", "d/p/z")));
	erase("d/p/z");
	(void)harness_wait(h, "deleted", "d/p/z");
	ck_assert_int_eq(harness_stop(h), 0);
	(void)umount2("d/p", MNT_DETACH);
	(void)umount2("d/t", MNT_DETACH);
	harness_end(h);
}
END_TEST

START_TEST(a_mount_that_comes_later_is_polled_from_then_on)
{
	struct harness *h = harness_new();

	make_dir("d/p");
	if (!is_exact(__func__)) {
		harness_end(h);
		return;
	}
	if (!scratch_mounts()) {
		skip(__func__, "no mounts here");
		harness_end(h);
		return;
	}
	harness_run(h, PROGRAM, "-r", "-e", "+ready", "--poll", "0.02", "d",
	    NULL);
	(void)harness_ready(h);
	make_dir("d/p/before");
	ck_assert(!is_synthetic(harness_wait(h, "created", "d/p/before")));
	if (!mount_pseudo("d/p")) {
		skip(__func__, "no such mount here");
		(void)harness_err(h);
		harness_end(h);
		return;
	}
	(void)harness_wait(h, "deleted", "d/p/before");
	make_dir("d/p/x");
	ck_assert(is_synthetic(harness_wait(h, "created", "d/p/x")));
	ck_assert_int_eq(umount2("d/p", MNT_DETACH), 0);
	(void)harness_wait(h, "created", "d/p/before");
	make_dir("d/p/after");
	ck_assert(!is_synthetic(harness_wait(h, "created", "d/p/after")));
	harness_end(h);
}
END_TEST

START_TEST(events_that_polling_cannot_tell_are_not_missed_in_silence)
{
	struct harness *h = harness_new();

	make_dir("d/p");
	if (!is_exact(__func__)) {
		harness_end(h);
		return;
	}
	if (!scratch_mounts() || !mount_pseudo("d/p")) {
		skip(__func__, "no mounts here");
		harness_end(h);
		return;
	}
	harness_run(h, PROGRAM, "-r", "-e", "ready,closed", "d", NULL);
	(void)harness_ready(h);
	harness_wait_err(h, "d/p: polled");
	harness_wait_err(h, "closed, opened and accessed are not told there");
	ck_assert_int_eq(harness_stop(h), 0);
	(void)umount2("d/p", MNT_DETACH);
	harness_end(h);
}
END_TEST

/* A change behind the back of the kernel that is asked: the directory under a
 * FUSE mount. */
START_TEST(a_change_behind_a_fuse_mount_is_seen)
{
	struct harness *h = harness_new();

	put("src/a", "text");
	make_dir("d/m");
	if (system("command -v bindfs >/dev/null") != 0 || !scratch_mounts() ||
	    system("bindfs src d/m 2>/dev/null") != 0) {
		skip(__func__, "no bindfs, or no FUSE, here");
		harness_end(h);
		return;
	}
	harness_run(h, PROGRAM, "-r", "-e", "+ready,+complete", "--poll",
	    "0.02", "d", NULL);
	(void)harness_ready(h);
	put("src/b", "text");
	ck_assert(is_synthetic(harness_wait(h, "created", "d/m/b")));
	(void)harness_wait(h, "complete", "d/m/b");
	append("src/a", "more");
	(void)harness_wait(h, "modified", "d/m/a");
	erase("src/a");
	(void)harness_wait(h, "deleted", "d/m/a");
	(void)harness_err(h);
	ck_assert_int_eq(harness_stop(h), 0);
	shell("umount d/m");
	harness_end(h);
}
END_TEST

START_TEST(a_root_behind_a_directory_that_may_not_be_read_is_found_by_looking)
{
	struct harness *h = harness_new();

	make_dir("way/d");
	ck_assert_int_eq(chmod("way", 0111), 0);
	/* What root may is dropped from the programs we start. */
	if (getuid() == 0 &&
	    (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == -1 ||
		prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == -1)) {
		skip(__func__, "root may read it all the same");
		harness_end(h);
		return;
	}
	harness_run(h, PROGRAM, "-e", "+ready,+lost,+found", "--poll", "0.02",
	    "way/d", NULL);
	(void)harness_ready(h);
	if (is_exact(__func__))
		harness_wait_err(h, "a directory on the way");
	ck_assert_int_eq(chmod("way", 0755), 0);
	move("way/d", "way/e");
	ck_assert_int_eq(chmod("way", 0111), 0);
	(void)harness_wait(h, "lost", "way/d");
	ck_assert_int_eq(chmod("way", 0755), 0);
	move("way/e", "way/d");
	ck_assert_int_eq(chmod("way", 0111), 0);
	(void)harness_wait(h, "found", "way/d");
	put("way/d/a", "");
	(void)harness_wait(h, "created", "way/d/a");
	(void)harness_err(h);
	harness_end(h);
}
END_TEST

/* Voluntary switches of the program, which it makes when it waits. */
static long
switches(pid_t pid)
{
	char path[64], *line = NULL;
	size_t cap = 0;
	long n = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && n == -1 && getline(&line, &cap, f) != -1)
		(void)sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	if (f != NULL)
		(void)fclose(f);
	free(line);
	return n;
}

/* Another one, which polls, is the clock. */
START_TEST(while_nothing_is_polled_nothing_wakes_it)
{
	struct harness *h = harness_new(), *clock = harness_new();
	long before;
	int i;

	make_dir("idle");
	make_dir("d");
	if (!is_exact(__func__) || switches(getpid()) == -1) {
		harness_end(clock);
		harness_end(h);
		return;
	}
	harness_run(h, PROGRAM, "-r", "-e", "+ready", "--poll", "0.01", "idle",
	    NULL);
	(void)harness_ready(h);
	harness_run(clock, PROGRAM, "-r", "-e", "+ready", "--backend", "poll",
	    "--poll", "0.01", "d", NULL);
	(void)harness_ready(clock);
	before = switches(harness_pid(h));
	for (i = 0; i < 10; i++)
		harness_mark(clock, "d");
	ck_assert_int_le(switches(harness_pid(h)), before + 1);
	/* Its root is in the other one's directory, and goes with that. */
	harness_end(h);
	harness_end(clock);
}
END_TEST

START_TEST(when_asked_to_end_it_looks_once_more)
{
	struct harness *h = harness_new();
	const char *story;

	put("d/s/b", "1");
	put("d/c", "");
	harness_run(h, PROGRAM, "-r", "-e", "+ready", "--backend", "poll",
	    "--poll", "3600", "d", NULL);
	(void)harness_ready(h);
	put("d/a", "");
	append("d/s/b", "more");
	move("d/c", "d/s/c");
	harness_signal(h, SIGTERM);
	story = harness_rest(h);
	ck_assert_msg(story_net_equal(story,
			  "renamed d/c -> d/s/c\ncreated d/a\nmodified "
			  "d/s/b\n"),
	    "%s", story);
	ck_assert_int_eq(harness_finish(h), 0);
	harness_end(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("what is polled");
	TCase *tc = tcase_create("Polled");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc,
	    a_pseudo_file_system_is_polled_and_what_is_beside_it_is_not);
	tcase_add_test(tc, a_mount_that_comes_later_is_polled_from_then_on);
	tcase_add_test(tc,
	    events_that_polling_cannot_tell_are_not_missed_in_silence);
	tcase_add_test(tc, a_change_behind_a_fuse_mount_is_seen);
	tcase_add_test(tc,
	    a_root_behind_a_directory_that_may_not_be_read_is_found_by_looking);
	tcase_add_test(tc, while_nothing_is_polled_nothing_wakes_it);
	tcase_add_test(tc, when_asked_to_end_it_looks_once_more);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
