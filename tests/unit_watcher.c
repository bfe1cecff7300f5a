#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claim.h"
#include "harness.h"
#include "mounts.h"
#include "scratch.h"
#include "suite.h"
#include "watcher.h"

static struct scratch s;
static pid_t child;

static void
begin(void)
{
	scratch_open(&s);
	ck_assert_int_eq(fchmod(s.fd, 0755), 0);
	ck_assert_int_eq(fchdir(s.fd), 0);
	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(mkdir("d/s", 0755), 0);
	ck_assert_int_eq(mkdir("other", 0755), 0);
	child = 0;
}

static void
stop(void)
{
	if (child != 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
	}
	child = 0;
}

static void
end(void)
{
	stop();
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&s);
}

static int
open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	return fd;
}

static const struct claim tree = {.kind = CLAIM_TREE,
    .depth = CLAIM_DEPTH_MAX,
    .token = 77};
static const struct claim flat = {.kind = CLAIM_FLAT};

/* A process of this name and user (-1: ours) that claims one directory and
 * has a mark on another; either may be NULL. */
static void
start(const char *name, uid_t uid, const char *claimed, const struct claim *c,
    const char *marked)
{
	int ready[2], fd;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		if (uid != (uid_t)-1 && setresuid(uid, uid, uid) == -1)
			_exit(1);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_DUMPABLE, 1);
		(void)prctl(PR_SET_NAME, name);
		if (claimed != NULL) {
			fd = open(claimed, O_RDONLY | O_DIRECTORY);
			if (fd == -1 || claim_take(fd, c) == -1)
				_exit(1);
		}
		if (marked != NULL &&
		    inotify_add_watch(inotify_init1(0), marked, IN_CREATE) ==
			-1)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
}

static int
keep_claim(void *ctx, const struct claim *c)
{
	*(struct claim *)ctx = *c;
	return 1;
}

/* Who holds the claim that is on d? */
static enum watcher
look(struct claim *c)
{
	struct claim_id id;
	int fd = open_dir("d");

	ck_assert_int_eq(mounts_kernel_id(fd, &id.dev, &id.ino), 0);
	if (c->pid == 0)
		ck_assert_int_eq(claim_list(fd, &id, keep_claim, c), 1);
	(void)close(fd);
	return watcher_look(c, &id);
}

static int
count(void *ctx, pid_t pid)
{
	int *n = ctx;

	if (pid == child)
		*n += 1;
	return 0;
}

static int
stop_at_child(void *ctx, pid_t pid)
{
	(void)ctx;
	return pid == child ? 42 : 0;
}

/* How often our child is told as having marked path. */
static int
marks(const char *path)
{
	int fd = open_dir(path), n = 0;

	ck_assert_int_eq(watcher_marks(fd, count, &n), 0);
	(void)close(fd);
	return n;
}

START_TEST(a_watcher_lives_under_its_name_until_it_ends)
{
	pid_t pid;

	start(WATCHER_NAME, (uid_t)-1, NULL, NULL, NULL);
	pid = child;
	ck_assert(watcher_lives(pid));
	stop();
	ck_assert(!watcher_lives(pid));
	start("fswatch-event", (uid_t)-1, NULL, NULL, NULL);
	ck_assert(!watcher_lives(child));
	ck_assert(!watcher_lives(getpid()));
	ck_assert(!watcher_lives(-1));
	ck_assert(!watcher_lives(0));
}
END_TEST

START_TEST(a_claim_is_ours_while_its_watcher_lives)
{
	struct claim c = {0};

	start(WATCHER_NAME, (uid_t)-1, "d", &tree, NULL);
	ck_assert_int_eq(look(&c), WATCHER_OURS);
	ck_assert_int_eq(c.pid, child);
	stop();
	ck_assert_int_eq(look(&c), WATCHER_UNSEEN);
}
END_TEST

START_TEST(another_name_needs_the_very_lock)
{
	struct claim c = {0};

	start("something", (uid_t)-1, "d", &tree, NULL);
	ck_assert_int_eq(look(&c), WATCHER_OURS);
	c.token++;
	ck_assert_int_eq(look(&c), WATCHER_UNSEEN);
	c.token--;
	c.kind = CLAIM_PRUNED;
	ck_assert_int_eq(look(&c), WATCHER_UNSEEN);
}
END_TEST

START_TEST(another_users_watcher_is_foreign)
{
	struct claim c = {0};

	if (geteuid() != 0) {
		skip(__func__, "not root");
		return;
	}
	start(WATCHER_NAME, 65534, "d", &tree, NULL);
	ck_assert_int_eq(look(&c), WATCHER_FOREIGN);
}
END_TEST

START_TEST(a_claim_in_the_name_of_a_bystander_is_unseen)
{
	struct claim c = tree;

	c.pid = 1;
	if (watcher_lives(1)) {
		skip(__func__, "process 1 is called as the watcher is");
		return;
	}
	ck_assert_int_eq(look(&c), WATCHER_UNSEEN);
	c.pid = -1;
	ck_assert_int_eq(look(&c), WATCHER_UNSEEN);
	c.pid = 0x3fffff;
	ck_assert_int_eq(look(&c), WATCHER_UNSEEN);
}
END_TEST

START_TEST(a_mark_counts_where_its_watcher_claims_a_tree)
{
	int fd;

	/* As if another way led from the tree to this directory. */
	start(WATCHER_NAME, (uid_t)-1, "other", &tree, "d");
	ck_assert_int_eq(marks("d"), 1);
	ck_assert_int_eq(marks("d/s"), 0);
	ck_assert_int_eq(marks("other"), 0);
	fd = open_dir("d");
	ck_assert_int_eq(watcher_marks(fd, stop_at_child, NULL), 42);
	(void)close(fd);
	stop();
	ck_assert_int_eq(marks("d"), 0);
}
END_TEST

START_TEST(a_mark_without_a_tree_does_not_count)
{
	start(WATCHER_NAME, (uid_t)-1, "other", &flat, "d");
	ck_assert_int_eq(marks("d"), 0);
	stop();
	start(WATCHER_NAME, (uid_t)-1, NULL, NULL, "d");
	ck_assert_int_eq(marks("d"), 0);
	stop();
	start("something", (uid_t)-1, "other", &tree, "d");
	ck_assert_int_eq(marks("d"), 0);
}
END_TEST

START_TEST(a_mark_on_the_way_to_a_root_does_not_count)
{
	start(WATCHER_NAME, (uid_t)-1, "d/s", &tree, "d");
	ck_assert_int_eq(marks("d"), 0);
}
END_TEST

START_TEST(what_is_no_descriptor_is_an_error)
{
	ck_assert_int_eq(watcher_marks(-1, count, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("watcher");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, a_watcher_lives_under_its_name_until_it_ends);
	tcase_add_test(core, a_claim_is_ours_while_its_watcher_lives);
	tcase_add_test(core, another_name_needs_the_very_lock);
	tcase_add_test(core, a_mark_counts_where_its_watcher_claims_a_tree);
	tcase_add_test(core, a_mark_without_a_tree_does_not_count);
	tcase_add_test(core, a_mark_on_the_way_to_a_root_does_not_count);
	tcase_add_test(hostile, another_users_watcher_is_foreign);
	tcase_add_test(hostile, a_claim_in_the_name_of_a_bystander_is_unseen);
	tcase_add_test(hostile, what_is_no_descriptor_is_an_error);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
