#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "claim.h"
#include "claims.h"
#include "scratch.h"
#include "suite.h"

#define ROUNDS 20000

static struct scratch dir;
static const struct claim tree = {.kind = CLAIM_TREE,
    .depth = CLAIM_DEPTH_MAX,
    .token = 5};
static const struct claim flat = {.kind = CLAIM_FLAT};

static void
setup(void)
{
	scratch_open(&dir);
	ck_assert_int_eq(mkdirat(dir.fd, "a", 0755), 0);
	ck_assert_int_eq(mkdirat(dir.fd, "a/b", 0755), 0);
}

static void
teardown(void)
{
	scratch_close(&dir);
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

static size_t
ask(const char *name, struct claim *ret)
{
	int fd = openat(dir.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct seen seen = {0};

	ck_assert_msg(fd != -1, "%s: %s", name, strerror(errno));
	ck_assert_int_eq(claim_list(fd, NULL, see, &seen), 0);
	(void)close(fd);
	*ret = seen.last;
	return seen.n;
}

START_TEST(one_claim_takes_the_place_of_another)
{
	struct claims h = CLAIMS_NONE;
	int fd = openat(dir.fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct claim c;

	ck_assert_int_eq(claims_take(&h, dir.fd, &tree), 0);
	ck_assert_uint_eq(ask(".", &c), 1);
	ck_assert_int_eq(c.kind, CLAIM_TREE);
	/* To another directory, by a descriptor only to be looked at. */
	ck_assert_int_eq(claims_take(&h, fd, &flat), 0);
	ck_assert_uint_eq(ask(".", &c), 0);
	ck_assert_uint_eq(ask("a", &c), 1);
	ck_assert_int_eq(c.kind, CLAIM_FLAT);
	claims_drop(&h);
	ck_assert_uint_eq(ask("a", &c), 0);
	(void)close(fd);
}
END_TEST

START_TEST(what_is_pruned_is_told_with_its_token)
{
	char *names[] = {"a/b", "missing", "file", "a"};
	struct claims h = CLAIMS_NONE;
	struct claim c;

	scratch_put(dir.fd, "file", "x");
	claims_take_pruned(&h, dir.fd, names, 4, 9);
	ck_assert_uint_eq(h.npruned, 2);
	ck_assert_uint_eq(ask("a/b", &c), 1);
	ck_assert_int_eq(c.kind, CLAIM_PRUNED);
	ck_assert_uint_eq(c.token, 9);
	ck_assert_uint_eq(ask("a", &c), 1);
	claims_take_pruned(&h, dir.fd, names, 1, 9);
	ck_assert_uint_eq(ask("a/b", &c), 1);
	ck_assert_uint_eq(ask("a", &c), 0);
	claims_take_pruned(&h, dir.fd, NULL, 0, 9);
	ck_assert_uint_eq(ask("a/b", &c), 0);
	claims_drop(&h);
}
END_TEST

START_TEST(dropping_gives_up_all_and_may_be_done_twice)
{
	char *names[] = {"a"};
	struct claims h = CLAIMS_NONE;
	struct claim c;

	claims_take_pruned(&h, dir.fd, names, 1, 9);
	ck_assert_int_eq(claims_take(&h, dir.fd, &tree), 0);
	claims_drop(&h);
	claims_drop(&h);
	ck_assert_int_eq(h.own, -1);
	ck_assert_uint_eq(ask(".", &c), 0);
	ck_assert_uint_eq(ask("a", &c), 0);
}
END_TEST

START_TEST(what_cannot_be_claimed_leaves_no_claim)
{
	struct claims h = CLAIMS_NONE;
	struct claim c;
	int fd;

	scratch_put(dir.fd, "file", "x");
	fd = openat(dir.fd, "file", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(claims_take(&h, dir.fd, &tree), 0);
	ck_assert_int_eq(claims_take(&h, fd, &tree), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(h.own, -1);
	ck_assert_uint_eq(ask(".", &c), 0);
	(void)close(fd);
}
END_TEST

/* Another process that asks again and again; ends with 1 when a claim is not
 * there. */
static pid_t
start_asking(const char *name, struct claims *h)
{
	struct claim c;
	pid_t pid;
	int i;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		claims_drop(h); /* else it holds them, too */
		for (i = 0; i < ROUNDS; i++)
			if (ask(name, &c) == 0)
				_exit(1);
		_exit(0);
	}
	return pid;
}

START_TEST(there_is_no_moment_without_a_claim_that_is_taken_again)
{
	char *names[] = {"a"};
	struct claims h = CLAIMS_NONE;
	int status;
	pid_t pid;

	claims_take_pruned(&h, dir.fd, names, 1, 9);
	ck_assert_int_eq(claims_take(&h, dir.fd, &tree), 0);
	pid = start_asking(_i == 0 ? "." : "a", &h);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (_i == 0)
			ck_assert_int_eq(claims_take(&h, dir.fd, &tree), 0);
		else
			claims_take_pruned(&h, dir.fd, names, 1, 9);
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "a claim was not there");
	claims_drop(&h);
}
END_TEST

START_TEST(whatever_is_linked_has_a_claim_of_its_own)
{
	struct claims_links h = {0};
	struct claim c;
	int a = openat(dir.fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int one, other;

	ck_assert_int_eq(claims_link(&h, &one, dir.fd, &flat), 0);
	ck_assert_int_eq(claims_link(&h, &other, a, &tree), 0);
	ck_assert_uint_eq(ask("a", &c), 1);
	ck_assert_int_eq(c.kind, CLAIM_TREE);
	/* In place of the one before. */
	ck_assert_int_eq(claims_link(&h, &one, a, &flat), 0);
	ck_assert_uint_eq(h.n, 2);
	ck_assert_uint_eq(ask(".", &c), 0);
	ck_assert_uint_eq(ask("a", &c), 2);
	claims_unlink(&h, &other);
	claims_unlink(&h, &other);
	ck_assert_uint_eq(ask("a", &c), 1);
	ck_assert_int_eq(c.kind, CLAIM_FLAT);
	claims_unlink(&h, &one);
	ck_assert_uint_eq(ask("a", &c), 0);
	claims_links_free(&h);
	(void)close(a);
}
END_TEST

START_TEST(links_leave_half_of_the_descriptors_to_others)
{
	const struct rlimit rl = {64, 64};
	struct claims_links h = {0};
	char who[64];
	size_t n = 0;
	int fd;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	while (claims_link(&h, &who[n], dir.fd, &flat) == 0)
		ck_assert_uint_lt(++n, sizeof(who));
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_uint_eq(h.n, n);
	ck_assert_uint_gt(n, 8);
	for (fd = 32; fd < 64; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	while (n > 0)
		claims_unlink(&h, &who[--n]);
	claims_links_free(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("claims");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");
	TCase *all[] = {core, limits, hostile};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		tcase_add_checked_fixture(all[i], setup, teardown);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(core, one_claim_takes_the_place_of_another);
	tcase_add_test(core, what_is_pruned_is_told_with_its_token);
	tcase_add_test(core, dropping_gives_up_all_and_may_be_done_twice);
	tcase_add_test(core, whatever_is_linked_has_a_claim_of_its_own);
	tcase_add_test(limits, links_leave_half_of_the_descriptors_to_others);
	tcase_add_loop_test(limits,
	    there_is_no_moment_without_a_claim_that_is_taken_again, 0, 2);
	tcase_add_test(hostile, what_cannot_be_claimed_leaves_no_claim);
	return suite_main(s);
}
