#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "claim.h"
#include "loop.h"
#include "sandbox.h"
#include "suite.h"
#include "watcher.h"
#include "scratch.h"

#define NOBODY 65534

/* Each test runs in a process of its own (Check's fork mode), in a new
 * directory, which is also its working directory: paths are relative. All are
 * removed at the end, by the process that main() runs in: a test may have
 * mounted something, or not be allowed to remove anything any more. */
static char base[] = "/tmp/fspipe-loop-XXXXXX";
static char top[sizeof(base) + 8];

static void
make(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
setup(void)
{
	(void)snprintf(top, sizeof(top), "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0755), 0);
	ck_assert_int_eq(chdir(top), 0);
	make("w");
	make("w/a");
	make("w/a/b");
	make("w/a/b/c");
	make("n");
}

static int
open_at(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	return fd;
}

/* Claims path for this process; returns the descriptor that holds it. */
static int
hold(const char *path, struct claim c)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(claim_take(fd, &c), 0);
	return fd;
}

static const struct claim tree = {.kind = CLAIM_TREE,
    .depth = CLAIM_DEPTH_MAX,
    .token = 77};
static const struct claim flat = {.kind = CLAIM_FLAT};

static struct loop *
begin_with(const char *path, const struct loop_options *o)
{
	const char *bad;
	struct loop *l;

	l = loop_open(open_at(path), o, &bad);
	ck_assert_msg(l != NULL, "%s: %s", path, strerror(errno));
	return l;
}

static struct loop *
begin(const char *path)
{
	return begin_with(path, &(struct loop_options){0});
}

static struct loop_verdict verdict;

/* Asks in a new batch. */
static int
ask(struct loop *l, const char *path, const char *name)
{
	int fd = open_at(path), ret;

	loop_batch(l);
	ret = loop_check(l, fd, name, &verdict);
	(void)close(fd);
	return ret;
}

/* Another process that claims path, as uid (or -1: as this one) and under the
 * name comm. */
struct holder {
	pid_t pid;
	int ready;
};

static uint32_t holder_claims = 1; /* of a tree, each with another token */

static struct holder
start_holder(const char *path, const struct claim *c, uid_t uid,
    const char *comm)
{
	struct holder h;
	struct claim one = *c;
	int ready[2], fd;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	h.pid = fork();
	ck_assert_int_ne(h.pid, -1);
	if (h.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (uid != (uid_t)-1 && setresuid(uid, uid, uid) == -1)
			_exit(1);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_DUMPABLE, 1);
		(void)prctl(PR_SET_NAME, comm);
		fd = open(path, O_RDONLY | O_DIRECTORY);
		if (fd == -1 || claim_take(fd, c) == -1)
			_exit(1);
		/* With a gap, so that the kernel does not join them. */
		for (; holder_claims > 1; holder_claims--) {
			one.token = holder_claims * 2;
			if (claim_take(fd, &one) == -1)
				_exit(1);
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	h.ready = ready[0];
	return h;
}

static void
end_holder(struct holder *h)
{
	(void)kill(h->pid, SIGKILL);
	ck_assert_int_eq(waitpid(h->pid, NULL, 0), h->pid);
	(void)close(h->ready);
}

/* Says aloud what was not tried. */
static bool
skips(bool yes, const char *sentence, const char *reason)
{
	if (yes) {
		(void)printf("skip - %s - %s\n", sentence, reason);
		(void)fflush(stdout);
	}
	return yes;
}

static void
bind(const char *from, const char *to)
{
	ck_assert_msg(mount(from, to, NULL, MS_BIND, NULL) == 0, "%s to %s: %s",
	    from, to, strerror(errno));
}

/* Becomes an ordinary user, to whom all of the test's directories belong. */
static void
be_ordinary(void)
{
	char command[64];

	if (geteuid() != 0)
		return;
	(void)snprintf(command, sizeof(command), "chown -R %d %s", NOBODY, top);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

/*
 * Core
 */

START_TEST(what_nobody_watches_is_free)
{
	struct loop *l = begin("w");

	ck_assert_int_eq(ask(l, "w", NULL), LOOP_FREE);
	ck_assert(verdict.every_name);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_FREE);
	ck_assert(loop_sees_claims(l));
	loop_close(l);
}
END_TEST

START_TEST(without_a_loop_everything_is_free)
{
	int fd = hold("w", tree);

	ck_assert_int_eq(ask(NULL, "w", "x"), LOOP_FREE);
	ck_assert(verdict.every_name);
	loop_close(NULL);
	(void)close(fd);
}
END_TEST

START_TEST(a_tree_covers_itself_and_what_is_below)
{
	struct loop *l = begin(".");
	int fd = hold("w", tree);
	char want[sizeof(top) + 2];

	(void)snprintf(want, sizeof(want), "%s/w", top);
	ck_assert_int_eq(ask(l, "w", NULL), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w/a/b/c", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.how, LOOP_BY_CLAIM);
	ck_assert_int_eq(verdict.kind, CLAIM_TREE);
	ck_assert_int_eq(verdict.pid, getpid());
	ck_assert_str_eq(verdict.path, want);
	ck_assert(verdict.every_name);
	/* From above, and a neighbour. */
	ck_assert_int_eq(ask(l, ".", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "n", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_tree_covers_no_deeper_than_its_depth)
{
	struct loop *l = begin("w");
	struct claim c = tree;
	int fd;

	c.depth = 2;
	fd = hold("w", c);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_flat_watch_covers_the_directory_itself_only)
{
	struct loop *l = begin("w");
	int fd = hold("w/a", flat);

	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.kind, CLAIM_FLAT);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(one_name_covers_that_name_only_also_before_it_exists)
{
	struct claim c = {.kind = CLAIM_NAME, .name_hash = claim_hash("x")};
	struct loop *l = begin("w");
	int fd = hold("w", c);

	ck_assert_int_eq(ask(l, "w", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.kind, CLAIM_NAME);
	ck_assert_int_eq(ask(l, "w", "y"), LOOP_FREE);
	ck_assert_msg(!verdict.every_name, "another name may be covered");
	ck_assert_int_eq(ask(l, "w", NULL), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	ck_assert(verdict.every_name);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_name_covers_what_is_below_it_until_the_watcher_has_come)
{
	struct claim c = {.kind = CLAIM_NAME, .name_hash = claim_hash("a")};
	struct loop *l = begin("w");
	int fd = hold("w", c);

	ck_assert_int_eq(ask(l, "w/a", NULL), LOOP_COVERED);
	ck_assert(verdict.every_name);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_COVERED);
	/* Of the same name elsewhere it says nothing. */
	make("w/x");
	make("w/x/a");
	ck_assert_int_eq(ask(l, "w/x/a", "x"), LOOP_FREE);
	make("n/a");
	ck_assert_int_eq(ask(l, "n/a", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_path_covers_its_last_name_and_what_is_below)
{
	struct claim c = {.kind = CLAIM_NAME,
	    .name_hash = claim_hash("a/b/x"),
	    .path = true};
	struct loop *l = begin("w");
	int fd = hold("w", c);

	ck_assert_int_eq(ask(l, "w", "a"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a", "b"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a/b", NULL), LOOP_FREE);
	ck_assert_msg(!verdict.every_name, "one name is covered");
	ck_assert_int_eq(ask(l, "w/a/b", "c"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.kind, CLAIM_NAME);
	ck_assert_int_eq(ask(l, "w/a/b/c", "x"), LOOP_FREE);
	make("w/a/b/x");
	make("w/a/b/x/y");
	ck_assert_int_eq(ask(l, "w/a/b/x", NULL), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w/a/b/x/y", "z"), LOOP_COVERED);
	/* It is a path, and no name that reads like one. */
	(void)close(fd);
	c.path = false;
	fd = hold("w", c);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a/b/x", NULL), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_path_is_asked_for_from_within_and_at_another_place)
{
	struct claim c = {.kind = CLAIM_NAME,
	    .name_hash = claim_hash("a/b/c"),
	    .path = true};
	struct loop *l;
	int fd;

	if (skips(!scratch_mounts(),
		"a path is asked for from within and at another place",
		"no mount namespaces here"))
		return;
	bind("w/a/b", "n");
	fd = hold("w", c);
	l = begin("n");
	ck_assert_int_eq(ask(l, "n/c", "x"), LOOP_COVERED);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_pruned_directory_is_free_of_its_own_tree_only)
{
	struct claim pruned = {.kind = CLAIM_PRUNED, .token = 77};
	struct claim other = tree;
	struct loop *l = begin("w");
	int fds[3];

	fds[0] = hold("w", tree);
	fds[1] = hold("w/a", pruned);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_FREE);
	other.token = 78;
	fds[2] = hold("w", other);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	(void)close(fds[2]);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	/* A root below what was pruned from another one. */
	fds[2] = hold("w/a/b", tree);
	ck_assert_int_eq(ask(l, "w/a/b/c", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(fds[2]);
}
END_TEST

START_TEST(another_process_prunes_nothing_for_this_one)
{
	struct claim pruned = {.kind = CLAIM_PRUNED, .token = 77};
	struct loop *l = begin("w");
	struct holder h;
	int fd = hold("w", tree);

	h = start_holder("w/a", &pruned, (uid_t)-1, WATCHER_NAME);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	end_holder(&h);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_claim_that_comes_or_goes_counts_from_the_next_batch)
{
	struct loop *l = begin("w");
	struct holder h;

	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	h = start_holder("w", &tree, (uid_t)-1, WATCHER_NAME);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.pid, h.pid);
	end_holder(&h);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	loop_close(l);
}
END_TEST

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

START_TEST(a_directory_renamed_into_a_watched_tree_is_noticed_within_a_second)
{
	struct loop *l = begin("n");
	int fd, out = open_at("n"), answer;
	double began, asked;

	make("n/d");
	fd = hold("w", tree);
	ck_assert_int_eq(ask(l, "n", "x"), LOOP_FREE);
	began = now();
	ck_assert_int_eq(rename("n", "w/n"), 0);
	/* At once where nothing has been written yet. */
	ck_assert_int_eq(ask(l, "w/n/d", "x"), LOOP_COVERED);
	/* However slow the machine is: no question that is asked a second
	 * later is answered wrongly. */
	do {
		(void)poll(NULL, 0, 5);
		asked = now();
		loop_batch(l);
		answer = loop_check(l, out, "x", &verdict);
		ck_assert_msg(answer != LOOP_FREE || asked - began < 1,
		    "free after %.1f s", asked - began);
	} while (answer == LOOP_FREE);
	ck_assert_int_eq(answer, LOOP_COVERED);
	loop_close(l);
	(void)close(fd);
	(void)close(out);
}
END_TEST

START_TEST(a_long_batch_asks_again_by_itself)
{
	struct loop *l = begin("w");
	int out = open_at("w/a"), above = open_at("w"), fd, answer;
	double began = now();

	loop_batch(l);
	ck_assert_int_eq(loop_check(l, above, "x", &verdict), LOOP_FREE);
	ck_assert_int_eq(loop_check(l, out, "x", &verdict), LOOP_FREE);
	fd = hold("w", tree);
	do {
		(void)poll(NULL, 0, 5);
		answer = loop_check(l, out, "x", &verdict);
		ck_assert_msg(now() - began < 30, "it was never noticed");
	} while (answer == LOOP_FREE);
	ck_assert_int_eq(answer, LOOP_COVERED);
	loop_close(l);
	(void)close(fd);
	(void)close(out);
}
END_TEST

START_TEST(a_bind_mount_of_the_root_makes_no_difference)
{
	struct loop *l;
	int fd;

	if (skips(!scratch_mounts(),
		"a bind mount of the root makes no difference",
		"no mount namespaces here"))
		return;
	make("m");
	fd = hold("w", tree);
	bind("w", "m");
	l = begin("m");
	ck_assert_int_eq(ask(l, "m", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "m/a", "x"), LOOP_COVERED);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_bind_mount_from_below_the_root_is_found)
{
	struct claim pruned = {.kind = CLAIM_PRUNED, .token = 77};
	struct loop *l;
	int fd, fd2;

	if (skips(!scratch_mounts(),
		"a bind mount from below the root is found",
		"no mount namespaces here"))
		return;
	make("m m");
	l = begin("m m");
	fd = hold("w", tree);
	ck_assert_int_eq(ask(l, "m m", "x"), LOOP_FREE);
	bind("w/a/b", "m m");
	ck_assert_int_eq(ask(l, "m m", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "m m/c", "x"), LOOP_COVERED);
	fd2 = hold("w/a", pruned);
	ck_assert_int_eq(ask(l, "m m/c", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
	(void)close(fd2);
}
END_TEST

START_TEST(a_bind_mount_of_ours_within_a_watched_tree_is_found)
{
	struct loop *l;
	int fd;

	if (skips(!scratch_mounts(),
		"a bind mount of ours within a watched tree is found",
		"no mount namespaces here"))
		return;
	make("n/d");
	fd = hold("w", tree);
	bind("n", "w/a/b/c");
	l = begin("n");
	ck_assert_int_eq(ask(l, "n", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "n/d", "x"), LOOP_COVERED);
	ck_assert_int_eq(umount("w/a/b/c"), 0);
	loop_close(l);
	l = begin("n");
	ck_assert_int_eq(ask(l, "n", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_directory_mounted_on_its_own_child_does_not_end_the_way)
{
	struct loop *l;
	int fd;

	if (skips(!scratch_mounts(),
		"a directory mounted on its own child does not end the way",
		"no mount namespaces here"))
		return;
	make("w/a/same");
	bind("w/a", "w/a/same");
	fd = hold("w", tree);
	/* Without /proc no other place is known, only the way upward. */
	ck_assert_int_eq(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	l = begin("w/a/same");
	ck_assert_int_eq(ask(l, "w/a/same", "x"), LOOP_COVERED);
	loop_close(l);
	/* The sanitizers look there at the end. */
	ck_assert_int_eq(umount("/proc"), 0);
	(void)close(fd);
}
END_TEST

START_TEST(a_watch_of_one_file_system_ends_where_another_is_mounted)
{
	struct claim c = tree;
	struct loop *l;
	int fd;

	if (skips(!scratch_mounts(),
		"a watch of one file system ends where another is mounted",
		"no mount namespaces here"))
		return;
	ck_assert_int_eq(mount("none", "w/a", "tmpfs", 0, NULL), 0);
	l = begin("w/a");
	c.one_fs = true;
	fd = hold("w", c);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_COVERED);
	(void)close(fd);
	fd = hold("w", tree);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(an_ancestor_that_may_not_be_read_is_asked_all_the_same)
{
	struct loop *l;
	int fd;

	be_ordinary();
	fd = hold("w", tree);
	ck_assert_int_eq(chmod("w", 0111), 0);
	ck_assert_int_eq(open("w", O_RDONLY | O_DIRECTORY), -1);
	l = begin("w/a");
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	(void)close(fd);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	ck_assert_int_eq(chmod("w", 0755), 0);
	loop_close(l);
}
END_TEST

START_TEST(an_ancestor_that_may_not_be_searched_is_told_once)
{
	struct loop *l;

	be_ordinary();
	ck_assert_int_eq(chdir("w/a/b"), 0);
	l = begin(".");
	ck_assert_int_eq(chmod("..", 0), 0);
	ck_assert_int_eq(ask(l, ".", "x"), LOOP_WARN);
	ck_assert_int_eq(verdict.how, LOOP_UNKNOWN);
	ck_assert_int_eq(ask(l, ".", "x"), LOOP_FREE);
	ck_assert_int_eq(chmod("..", 0755), 0);
	loop_close(l);
}
END_TEST

START_TEST(a_watcher_of_root_counts_for_all)
{
	struct loop *l;
	struct holder h;

	if (skips(geteuid() != 0, "a watcher of root counts for all",
		"only root can try"))
		return;
	h = start_holder("w", &tree, 0, WATCHER_NAME);
	be_ordinary();
	l = begin("w/a");
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.pid, h.pid);
	loop_close(l);
}
END_TEST

START_TEST(another_users_watcher_is_told_once_and_refuses_nothing)
{
	char text[PATH_MAX + 256];
	struct loop *l;
	struct holder h;

	if (skips(geteuid() != 0,
		"another user's watcher is told once and refuses nothing",
		"only root can try"))
		return;
	h = start_holder("w", &tree, NOBODY, WATCHER_NAME);
	l = begin("w/a");
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_WARN);
	ck_assert(verdict.foreign);
	ck_assert_int_eq(verdict.pid, h.pid);
	ck_assert_ptr_nonnull(
	    strstr(loop_message(&verdict, text, sizeof(text)), "another user"));
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a/b", "x"), LOOP_FREE);
	end_holder(&h);
	loop_close(l);
}
END_TEST

START_TEST(an_unnamed_watcher_counts_when_proc_shows_its_claim)
{
	struct loop *l = begin("w");
	struct holder h;

	h = start_holder("w", &tree, (uid_t)-1, "renamed");
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_COVERED);
	end_holder(&h);
	loop_close(l);
}
END_TEST

START_TEST(a_named_directory_is_watched)
{
	static const char *const watched[] = {"n", "w/a"};
	struct loop_options o = {.watched = watched, .nwatched = 2};
	struct loop *l = begin_with("w", &o);

	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.how, LOOP_BY_OPTION);
	ck_assert_str_eq(verdict.path, "w/a");
	ck_assert_int_eq(ask(l, "w/a/b/c", "x"), LOOP_COVERED);
	loop_close(l);
}
END_TEST

START_TEST(a_named_directory_that_is_missing_is_an_error)
{
	static const char *const watched[] = {"n", "gone"};
	struct loop_options o = {.watched = watched, .nwatched = 2};
	const char *bad;

	ck_assert_ptr_null(loop_open(open_at("w"), &o, &bad));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(bad, "gone");
}
END_TEST

/* A watcher in a mount namespace where n is mounted within w: no path that is
 * known here leads from n up to w. */
static pid_t
start_hidden_watcher(const char *claims, const char *marks)
{
	int ready[2], fd, in;
	pid_t pid;
	char byte = 0;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, WATCHER_NAME);
		if (unshare(CLONE_NEWNS) == -1 ||
		    mount("n", "w/a/b/c", NULL, MS_BIND, NULL) == -1)
			_exit(1);
		in = inotify_init1(0);
		fd = open(claims, O_RDONLY | O_DIRECTORY);
		if (in == -1 || fd == -1 || claim_take(fd, &tree) == -1 ||
		    inotify_add_watch(in, marks, IN_CREATE) == -1 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	return pid;
}

START_TEST(a_watcher_that_reaches_us_in_its_own_namespace_is_found_by_its_mark)
{
	struct loop *l;
	pid_t pid;

	if (skips(!scratch_mounts(),
		"a watcher that reaches us in its own namespace is found by "
		"its mark",
		"no mount namespaces here"))
		return;
	pid = start_hidden_watcher("w", "w/a/b/c");
	l = begin("n");
	ck_assert_int_eq(ask(l, "n", NULL), LOOP_COVERED);
	ck_assert_int_eq(verdict.how, LOOP_BY_MARK);
	ck_assert_int_eq(verdict.pid, pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	ck_assert_int_eq(ask(l, "n", NULL), LOOP_FREE);
	loop_close(l);
}
END_TEST

START_TEST(a_mark_on_the_way_to_a_root_below_is_no_watch)
{
	struct loop *l;
	pid_t pid;

	if (skips(!scratch_mounts(),
		"a mark on the way to a root below is no watch",
		"no mount namespaces here"))
		return;
	pid = start_hidden_watcher("w/a", "w");
	l = begin("w");
	ck_assert_int_eq(ask(l, "w", NULL), LOOP_FREE);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	loop_close(l);
}
END_TEST

/*
 * --chain
 */

static const struct loop_options chained = {.chain = true};

/* A process that reads from one descriptor and writes to another, if not -1,
 * claims path, if not NULL, and closes all the others. */
static pid_t
start_part(int in, int out, const char *path)
{
	int ready[2], fd = -1;
	pid_t pid;
	char byte = 0;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, WATCHER_NAME);
		if (path != NULL)
			fd = open(path, O_RDONLY | O_DIRECTORY);
		if (path != NULL && (fd == -1 || claim_take(fd, &tree) == -1))
			_exit(1);
		for (int i = 0; i < 64; i++) {
			if (i != in && i != out && i != fd && i != ready[1])
				(void)close(i);
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
be_fed(int in)
{
	ck_assert_int_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
	(void)close(in);
}

START_TEST(in_a_chain_the_watcher_that_feeds_us_refuses)
{
	struct loop *l;
	int a[2], b[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(a, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(b, O_CLOEXEC), 0);
	pid = start_part(-1, a[1], "w");
	(void)start_part(a[0], b[1], NULL);
	(void)close(a[0]);
	(void)close(a[1]);
	(void)close(b[1]);
	be_fed(b[0]);
	l = begin_with("w", &chained);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(verdict.pid, pid);
	loop_close(l);
}
END_TEST

START_TEST(in_a_chain_a_watcher_that_feeds_others_is_let_be)
{
	struct loop *l;
	int a[2], b[2], c[2];

	ck_assert_int_eq(pipe2(a, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(b, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(c, O_CLOEXEC), 0);
	/* It watches where we write and feeds another; ours watches n. */
	(void)start_part(-1, c[1], "w");
	(void)start_part(c[0], -1, NULL);
	(void)start_part(-1, a[1], "n");
	(void)start_part(a[0], b[1], NULL);
	(void)close(a[0]);
	(void)close(a[1]);
	(void)close(b[1]);
	(void)close(c[0]);
	(void)close(c[1]);
	be_fed(b[0]);
	l = begin_with(".", &chained);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	ck_assert_int_eq(ask(l, "n", "x"), LOOP_COVERED);
	loop_close(l);
}
END_TEST

START_TEST(a_pipe_that_all_hold_at_both_ends_feeds_nobody)
{
	struct loop *l;
	int jobs[2], b[2];

	ck_assert_int_eq(pipe2(jobs, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(b, O_CLOEXEC), 0);
	/* As below make -j: the pipe of its job server is open everywhere. */
	(void)start_part(jobs[0], jobs[1], "w");
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(b[0]);
		for (;;)
			(void)pause();
	}
	(void)close(b[1]);
	be_fed(b[0]);
	l = begin_with("w", &chained);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	loop_close(l);
}
END_TEST

START_TEST(without_a_pipe_nobody_feeds_us)
{
	struct loop *l;

	be_fed(open("/dev/null", O_RDONLY));
	(void)start_part(-1, -1, "w");
	l = begin_with("w", &chained);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	loop_close(l);
}
END_TEST

START_TEST(the_sandbox_takes_nothing_from_the_answers)
{
	struct claim c = tree;
	struct loop *l;
	int a[2], b[2], go[2], root = open_at("w");
	char byte = 0;

	ck_assert_int_eq(pipe(a), 0);
	ck_assert_int_eq(pipe(b), 0);
	ck_assert_int_eq(pipe(go), 0);
	/* The watcher comes when we are within the sandbox already. */
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(a[0]);
		(void)!read(go[0], &byte, 1);
		(void)start_part(-1, a[1], "w");
		/* One that feeds nobody, and has another token. */
		c.token++;
		(void)hold("n", c);
		(void)prctl(PR_SET_NAME, WATCHER_NAME);
		(void)close(a[1]);
		(void)close(b[0]);
		(void)!write(b[1], "x", 1);
		(void)close(b[1]);
		for (;;)
			(void)pause();
	}
	(void)close(a[1]);
	(void)close(b[1]);
	(void)close(go[0]);
	be_fed(a[0]);
	l = begin_with(".", &chained);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	if (skips(sandbox_writer(root, false) == -1,
		"the sandbox takes nothing from the answers",
		"no Landlock here"))
		return;
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	ck_assert_int_eq(read(b[0], &byte, 1), 1);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	ck_assert_int_eq(ask(l, "n", "x"), LOOP_FREE);
	loop_close(l);
}
END_TEST

/*
 * Limits
 */

START_TEST(more_directories_than_are_remembered_are_all_answered_for)
{
	struct loop *l = begin("w");
	struct rlimit few = {48, 48};
	char path[32];
	int i, round, fd = -1;

	for (i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "w/d%d", i);
		make(path);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 300; i++) {
			(void)snprintf(path, sizeof(path), "w/d%d", i);
			ck_assert_int_eq(ask(l, path, "x"),
			    round == 0 ? LOOP_FREE : LOOP_COVERED);
		}
		if (round == 0)
			fd = hold("w", tree);
	}
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_very_deep_directory_is_answered_for)
{
	struct loop *l = begin("w");
	struct rlimit few = {100, 100};
	int i, fd, out;

	ck_assert_int_eq(chdir("w"), 0);
	for (i = 0; i < 400; i++) {
		make("d");
		ck_assert_int_eq(chdir("d"), 0);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	out = open_at(".");
	ck_assert_int_eq(loop_check(l, out, "x", &verdict), LOOP_FREE);
	ck_assert_int_eq(chdir(top), 0);
	fd = hold("w", tree);
	loop_batch(l);
	ck_assert_int_eq(loop_check(l, out, "x", &verdict), LOOP_COVERED);
	loop_close(l);
	(void)close(fd);
	(void)close(out);
}
END_TEST

START_TEST(many_claims_that_do_not_count_do_not_hide_the_one_that_does)
{
	struct claim c = tree;
	struct loop *l = begin("w");
	int i, fd = -1;

	c.depth = 1;
	for (i = 0; i < 100; i++) {
		c.token = (uint32_t)i * 2;
		(void)hold("w", c);
		if (i == 50)
			fd = hold("w", tree);
	}
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_COVERED);
	(void)close(fd);
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	loop_close(l);
}
END_TEST

START_TEST(thousands_of_claims_of_another_user_stop_nobody)
{
	struct loop *l;
	struct holder h;
	int i;

	if (skips(geteuid() != 0,
		"thousands of claims of another user stop nobody",
		"only root can try"))
		return;
	holder_claims = 3000;
	h = start_holder("w", &tree, NOBODY, WATCHER_NAME);
	holder_claims = 1;
	l = begin("w/a");
	ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_WARN);
	/* In each batch they are found anew. */
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(ask(l, "w/a", "x"), LOOP_FREE);
	end_holder(&h);
	loop_close(l);
}
END_TEST

START_TEST(what_is_no_directory_is_an_error)
{
	struct loop *l = begin("w");
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(loop_check(l, fd, "x", &verdict), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(loop_check(l, -1, "x", &verdict), -1);
	ck_assert_int_eq(errno, EBADF);
	/* And it goes on. */
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	loop_close(l);
}
END_TEST

START_TEST(a_directory_that_has_been_removed_is_answered_for)
{
	struct loop *l = begin("w");
	int fd = open_at("w/a/b/c");

	ck_assert_int_eq(rmdir("w/a/b/c"), 0);
	ck_assert_int_ne(loop_check(l, fd, "x", &verdict), LOOP_COVERED);
	(void)close(fd);
	loop_close(l);
}
END_TEST

/*
 * Hostile
 */

/* Takes the lock that says that pid watches w. */
static int
forge(pid_t pid)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = hold("w", tree), fd2;

	fd2 = open("w", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(fcntl(fd2, F_OFD_GETLK, &fl), 0);
	ck_assert_int_eq(fl.l_type, F_RDLCK);
	(void)close(fd);
	fl.l_start &= ~((off_t)0x3fffff << 32);
	fl.l_start |= (off_t)pid << 32;
	fl.l_pid = 0;
	ck_assert_int_eq(fcntl(fd2, F_OFD_SETLK, &fl), 0);
	return fd2;
}

START_TEST(a_claim_in_the_name_of_another_stops_nobody)
{
	struct loop *l = begin("w");
	int fd;

	fd = forge(_i == 0 ? 1 : getppid());
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_WARN);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_claim_in_nobodys_name_stops_nobody)
{
	struct loop *l = begin("w");
	pid_t pid;
	int fd;

	pid = fork();
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	fd = forge(pid);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_WARN);
	ck_assert_int_eq(ask(l, "w", "x"), LOOP_FREE);
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_path_of_control_characters_stays_on_its_line)
{
	char text[PATH_MAX + 256];
	struct loop *l;
	int fd;

	make("e\n\033[2Jvil");
	fd = hold("e\n\033[2Jvil", tree);
	l = begin("e\n\033[2Jvil");
	ck_assert_int_eq(ask(l, "e\n\033[2Jvil", "x"), LOOP_COVERED);
	(void)loop_message(&verdict, text, sizeof(text));
	ck_assert_ptr_null(strpbrk(text, "\n\033"));
	ck_assert_ptr_nonnull(strstr(text, "e??[2Jvil"));
	loop_close(l);
	(void)close(fd);
}
END_TEST

START_TEST(a_refusal_names_the_process_and_the_ways_out)
{
	char text[PATH_MAX + 256], pid[32];
	struct loop *l = begin("w");
	int fd = hold("w", tree);

	ck_assert_int_eq(ask(l, "w", NULL), LOOP_COVERED);
	(void)loop_message(&verdict, text, sizeof(text));
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_ptr_nonnull(strstr(text, top));
	ck_assert_ptr_nonnull(strstr(text, pid));
	ck_assert_ptr_nonnull(strstr(text, "--prune"));
	ck_assert_ptr_nonnull(strstr(text, "--chain"));
	ck_assert_ptr_nonnull(strstr(text, "another directory"));
	ck_assert_ptr_nonnull(strstr(text, "--force"));
	loop_close(l);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loop");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");
	char command[sizeof(base) + 16];
	int status;

	if (mkdtemp(base) == NULL || chmod(base, 0755) == -1)
		err(EXIT_FAILURE, "%s", base);

	tcase_add_checked_fixture(core, setup, NULL);
	tcase_add_checked_fixture(limits, setup, NULL);
	tcase_add_checked_fixture(hostile, setup, NULL);
	tcase_set_timeout(core, 60);
	tcase_set_timeout(limits, 60);
	tcase_set_timeout(hostile, 60);
	tcase_add_test(core, what_nobody_watches_is_free);
	tcase_add_test(core, without_a_loop_everything_is_free);
	tcase_add_test(core, a_tree_covers_itself_and_what_is_below);
	tcase_add_test(core, a_tree_covers_no_deeper_than_its_depth);
	tcase_add_test(core, a_flat_watch_covers_the_directory_itself_only);
	tcase_add_test(core,
	    one_name_covers_that_name_only_also_before_it_exists);
	tcase_add_test(core,
	    a_name_covers_what_is_below_it_until_the_watcher_has_come);
	tcase_add_test(core, a_path_covers_its_last_name_and_what_is_below);
	tcase_add_test(core,
	    a_path_is_asked_for_from_within_and_at_another_place);
	tcase_add_test(core, a_pruned_directory_is_free_of_its_own_tree_only);
	tcase_add_test(core, another_process_prunes_nothing_for_this_one);
	tcase_add_test(core,
	    a_claim_that_comes_or_goes_counts_from_the_next_batch);
	tcase_add_test(core,
	    a_directory_renamed_into_a_watched_tree_is_noticed_within_a_second);
	tcase_add_test(core, a_long_batch_asks_again_by_itself);
	tcase_add_test(core, a_bind_mount_of_the_root_makes_no_difference);
	tcase_add_test(core, a_bind_mount_from_below_the_root_is_found);
	tcase_add_test(core,
	    a_bind_mount_of_ours_within_a_watched_tree_is_found);
	tcase_add_test(core,
	    a_directory_mounted_on_its_own_child_does_not_end_the_way);
	tcase_add_test(core,
	    a_watch_of_one_file_system_ends_where_another_is_mounted);
	tcase_add_test(core,
	    an_ancestor_that_may_not_be_read_is_asked_all_the_same);
	tcase_add_test(core, an_ancestor_that_may_not_be_searched_is_told_once);
	tcase_add_test(core, a_watcher_of_root_counts_for_all);
	tcase_add_test(core,
	    another_users_watcher_is_told_once_and_refuses_nothing);
	tcase_add_test(core,
	    an_unnamed_watcher_counts_when_proc_shows_its_claim);
	tcase_add_test(core, a_named_directory_is_watched);
	tcase_add_test(core, a_named_directory_that_is_missing_is_an_error);
	tcase_add_test(core,
	    a_watcher_that_reaches_us_in_its_own_namespace_is_found_by_its_mark);
	tcase_add_test(core, a_mark_on_the_way_to_a_root_below_is_no_watch);
	tcase_add_test(core, in_a_chain_the_watcher_that_feeds_us_refuses);
	tcase_add_test(core, in_a_chain_a_watcher_that_feeds_others_is_let_be);
	tcase_add_test(core, a_pipe_that_all_hold_at_both_ends_feeds_nobody);
	tcase_add_test(core, without_a_pipe_nobody_feeds_us);
	tcase_add_test(core, the_sandbox_takes_nothing_from_the_answers);
	tcase_add_test(limits,
	    more_directories_than_are_remembered_are_all_answered_for);
	tcase_add_test(limits, a_very_deep_directory_is_answered_for);
	tcase_add_test(limits,
	    many_claims_that_do_not_count_do_not_hide_the_one_that_does);
	tcase_add_test(hostile,
	    thousands_of_claims_of_another_user_stop_nobody);
	tcase_add_test(limits, what_is_no_directory_is_an_error);
	tcase_add_test(limits,
	    a_directory_that_has_been_removed_is_answered_for);
	tcase_add_loop_test(hostile,
	    a_claim_in_the_name_of_another_stops_nobody, 0, 2);
	tcase_add_test(hostile, a_claim_in_nobodys_name_stops_nobody);
	tcase_add_test(hostile, a_path_of_control_characters_stays_on_its_line);
	tcase_add_test(hostile, a_refusal_names_the_process_and_the_ways_out);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	status = suite_main(s);
	(void)snprintf(command, sizeof(command), "rm -rf %s", base);
	if (system(command) != 0)
		status = EXIT_FAILURE;
	return status;
}
