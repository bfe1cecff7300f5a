#include <sys/file.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim.h"
#include "mounts.h"
#include "suite.h"

static char dir[] = "/tmp/fspipe-claim-XXXXXX";

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/fspipe-claim-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
open_flags(int flags)
{
	int fd = open(dir, flags | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	return fd;
}

struct found {
	struct claim v[4096];
	size_t n;
};

static int
collect(void *ctx, const struct claim *c)
{
	struct found *f = ctx;

	ck_assert_uint_lt(f->n, sizeof(f->v) / sizeof(f->v[0]));
	f->v[f->n++] = *c;
	return 0;
}

static struct found found;

static size_t
list(int fd)
{
	found.n = 0;
	ck_assert_int_eq(claim_list(fd, NULL, collect, &found), 0);
	return found.n;
}

static const struct claim kinds[] = {
    {.kind = CLAIM_TREE, .depth = CLAIM_DEPTH_MAX, .token = 0xabcdef},
    {.kind = CLAIM_TREE, .depth = 3, .token = 1},
    {.kind = CLAIM_TREE, .depth = 1, .token = 2, .one_fs = true},
    {.kind = CLAIM_FLAT},
    {.kind = CLAIM_NAME, .name_hash = 0xffffffff},
    {.kind = CLAIM_NAME, .name_hash = 0},
    {.kind = CLAIM_NAME, .name_hash = 5, .path = true},
    {.kind = CLAIM_PRUNED, .token = 0xffffff},
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
assert_same(const struct claim *got, const struct claim *want)
{
	ck_assert_int_eq(got->kind, want->kind);
	ck_assert_int_eq(got->pid, getpid());
	ck_assert_uint_eq(got->depth, want->depth);
	ck_assert_uint_eq(got->token, want->token);
	ck_assert_uint_eq(got->name_hash, want->name_hash);
	ck_assert(got->one_fs == want->one_fs);
	ck_assert(got->path == want->path);
}

START_TEST(a_claim_of_each_kind_is_found_as_it_was_taken)
{
	int mine = open_flags(O_RDONLY), asks = open_flags(O_RDONLY);

	ck_assert_int_eq(claim_take(mine, &kinds[_i]), 0);
	ck_assert_uint_eq(list(asks), 1);
	assert_same(&found.v[0], &kinds[_i]);
	(void)close(mine);
	(void)close(asks);
}
END_TEST

START_TEST(a_claim_ends_when_it_is_dropped)
{
	int mine = open_flags(O_RDONLY), asks = open_flags(O_RDONLY);

	ck_assert_int_eq(claim_take(mine, &kinds[0]), 0);
	ck_assert_int_eq(claim_take(mine, &kinds[3]), 0);
	ck_assert_uint_eq(list(asks), 2);
	ck_assert_int_eq(claim_drop(mine, &kinds[0]), 0);
	ck_assert_uint_eq(list(asks), 1);
	assert_same(&found.v[0], &kinds[3]);
	(void)close(mine);
	ck_assert_uint_eq(list(asks), 0);
	(void)close(asks);
}
END_TEST

START_TEST(a_claim_ends_when_its_process_is_killed)
{
	int ready[2], asks = open_flags(O_RDONLY), status;
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		if (claim_take(open_flags(O_RDONLY), &kinds[0]) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_uint_eq(list(asks), 1);
	ck_assert_int_eq(found.v[0].pid, pid);
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_eq(list(asks), 0);
	(void)close(asks);
}
END_TEST

START_TEST(every_name_of_a_directory_leads_to_its_claims)
{
	char path[64];
	int mine = open_flags(O_RDONLY), asks;

	ck_assert_int_eq(claim_take(mine, &kinds[0]), 0);
	(void)snprintf(path, sizeof(path), "%s-link", dir);
	ck_assert_int_eq(symlink(dir, path), 0);
	asks = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(asks, -1);
	(void)unlink(path);
	ck_assert_uint_eq(list(asks), 1);
	(void)close(mine);
	(void)close(asks);
}
END_TEST

START_TEST(names_have_hashes_of_their_own)
{
	ck_assert_uint_eq(claim_hash(""), 2166136261U);
	/* FNV-1a's own test vectors. */
	ck_assert_uint_eq(claim_hash("a"), 0xe40c292cU);
	ck_assert_uint_eq(claim_hash("foobar"), 0xbf9cf968U);
}
END_TEST

START_TEST(a_hash_may_be_had_piece_by_piece)
{
	uint32_t hash = claim_hash_add(CLAIM_HASH, "a/bc", 1);

	ck_assert_uint_eq(hash, claim_hash("a"));
	hash = claim_hash_add(hash, "", 0);
	hash = claim_hash_add(hash, "/bcd", 3);
	ck_assert_uint_eq(hash, claim_hash("a/bc"));
}
END_TEST

START_TEST(no_two_claims_are_the_same)
{
	struct claim c;
	size_t i;

	for (i = 0; i < NKINDS; i++) {
		c = kinds[i];
		ck_assert(claim_same(&c, &kinds[_i]) == (i == (size_t)_i));
	}
	c = kinds[_i];
	c.pid = 1;
	ck_assert(!claim_same(&c, &kinds[_i]));
}
END_TEST

START_TEST(tokens_differ_and_fit)
{
	uint32_t a, b, c;

	ck_assert_int_eq(claim_token(&a), 0);
	ck_assert_int_eq(claim_token(&b), 0);
	ck_assert_int_eq(claim_token(&c), 0);
	ck_assert_uint_eq(a >> 24, 0);
	ck_assert(a != b || b != c);
}
END_TEST

static int
stop_at_first(void *ctx, const struct claim *c)
{
	size_t *n = ctx;

	(void)c;
	(*n)++;
	return 7;
}

START_TEST(a_search_ends_when_the_caller_has_seen_enough)
{
	int mine = open_flags(O_RDONLY), asks = open_flags(_i);
	struct claim c = {.kind = CLAIM_TREE};
	size_t n = 0;

	for (c.token = 0; c.token < 30; c.token += 10)
		ck_assert_int_eq(claim_take(mine, &c), 0);
	ck_assert_int_eq(claim_list(asks, NULL, stop_at_first, &n), 7);
	ck_assert_uint_eq(n, 1);
	(void)close(mine);
	(void)close(asks);
}
END_TEST

/* Claims in an order that no search by lowest offset would meet. */
static void
take_many(int *fds, size_t n)
{
	struct claim c = {.kind = CLAIM_TREE};
	size_t i;

	for (i = 0; i < n; i++) {
		fds[i] = open_flags(O_RDONLY);
		c.token = (uint32_t)(i * 7919 % n);
		ck_assert_int_eq(claim_take(fds[i], &c), 0);
	}
}

static void
assert_tokens(size_t n)
{
	bool seen[2048] = {false};
	size_t i;

	for (i = 0; i < found.n; i++) {
		ck_assert_uint_lt(found.v[i].token, n);
		seen[found.v[i].token] = true;
	}
	for (i = 0; i < n; i++)
		ck_assert_msg(seen[i], "claim %zu was not found", i);
}

static const size_t amounts[] = {2, 3, CLAIM_ASK_MAX - 1, CLAIM_ASK_MAX,
    CLAIM_ASK_MAX + 1, 500};

START_TEST(many_claims_on_one_directory_are_all_found)
{
	size_t i, n = amounts[_i];
	int fds[500], asks = open_flags(O_RDONLY);

	take_many(fds, n);
	(void)list(asks);
	assert_tokens(n);
	for (i = 0; i < n; i++)
		(void)close(fds[i]);
	(void)close(asks);
}
END_TEST

START_TEST(the_deepest_and_the_unlimited_differ)
{
	struct claim c = {.kind = CLAIM_TREE, .depth = CLAIM_DEPTH_MAX + 5};
	int mine = open_flags(O_RDONLY), asks = open_flags(O_RDONLY);

	ck_assert_int_eq(claim_take(mine, &c), 0);
	c.depth = CLAIM_DEPTH_MAX - 1;
	ck_assert_int_eq(claim_take(mine, &c), 0);
	ck_assert_uint_eq(list(asks), 2);
	ck_assert_uint_eq(found.v[0].depth + found.v[1].depth,
	    2 * CLAIM_DEPTH_MAX - 1);
	(void)close(mine);
	(void)close(asks);
}
END_TEST

START_TEST(a_directory_that_may_only_be_looked_at_is_asked_too)
{
	int mine = open_flags(O_RDONLY), asks = open_flags(O_PATH);
	struct claim_id id;

	ck_assert_uint_eq(list(asks), 0);
	ck_assert_int_eq(claim_take(mine, &kinds[0]), 0);
	ck_assert_uint_eq(list(asks), 1);
	assert_same(&found.v[0], &kinds[0]);
	ck_assert_int_eq(mounts_kernel_id(asks, &id.dev, &id.ino), 0);
	found.n = 0;
	ck_assert_int_eq(claim_list(asks, &id, collect, &found), 0);
	ck_assert_uint_eq(found.n, 1);
	id.ino = 0; /* no file's: any other may have its claims just now */
	found.n = 0;
	ck_assert_int_eq(claim_list(asks, &id, collect, &found), 0);
	ck_assert_uint_eq(found.n, 0);
	(void)close(mine);
	(void)close(asks);
}
END_TEST

START_TEST(no_claim_can_be_taken_without_the_right_to_read)
{
	int fd = open_flags(O_PATH);

	ck_assert_int_eq(claim_take(fd, &kinds[0]), -1);
	ck_assert_int_eq(errno, EBADF);
	(void)close(fd);
}
END_TEST

START_TEST(what_is_no_directory_open_at_all_cannot_be_asked)
{
	ck_assert_int_eq(claim_list(-1, NULL, collect, &found), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* What other programs may do to a directory. Start, length, and with which
 * command; 0 is flock(2). */
static const struct {
	off_t start;
	off_t len;
	int cmd;
} others[] = {
    {0, 0, 0},
    {0, 0, F_SETLK},
    {0, 0, F_OFD_SETLK},
    {0, 1, F_OFD_SETLK},
    {0x5a00000000000000, 2, F_OFD_SETLK},
    {0x5a00000000000000, 1, F_SETLK},
    {0x5a00000000000000, 0, F_OFD_SETLK},
    {0x5a00123400001234, 64, F_SETLK},
    {0x5bffffffffffffff, 2, F_OFD_SETLK},
};
#define NOTHERS (sizeof(others) / sizeof(others[0]))

/* In a process of its own: locks of a process would be its own, else. */
static pid_t
start_other(size_t i)
{
	struct flock fl = {0};
	int ready[2], fd, ret;
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		fd = open(dir, O_RDONLY | O_DIRECTORY);
		fl.l_type = F_RDLCK;
		fl.l_whence = SEEK_SET;
		fl.l_start = others[i].start;
		fl.l_len = others[i].len;
		ret = others[i].cmd == 0 ? flock(fd, LOCK_EX) :
					   fcntl(fd, others[i].cmd, &fl);
		if (ret == 0)
			(void)!write(ready[1], "x", 1);
		(void)close(ready[1]);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return pid;
}

START_TEST(locks_of_other_programs_are_no_claims_and_hide_none)
{
	int mine, asks = open_flags(O_RDONLY);
	pid_t pid;

	pid = start_other((size_t)_i);
	ck_assert_uint_eq(list(asks), 0);
	mine = open_flags(O_RDONLY);
	ck_assert_int_eq(claim_take(mine, &kinds[1]), 0);
	ck_assert_uint_eq(list(asks), 1);
	assert_same(&found.v[0], &kinds[1]);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(mine);
	(void)close(asks);
}
END_TEST

START_TEST(lines_that_show_no_claim_are_passed_over)
{
	static const char *const lines[] = {
	    "",
	    "1: FLOCK  ADVISORY  WRITE 1 00:01:2 0 EOF",
	    "1: POSIX  ADVISORY  READ  1 00:01:2 "
	    "6485183463413514240 6485183463413514240",
	    "1: OFDLCK ADVISORY  WRITE -1 00:01:2 "
	    "6485183463413514240 6485183463413514240",
	    "1: -> OFDLCK ADVISORY  READ -1 00:01:2 "
	    "6485183463413514240 6485183463413514240",
	    "1: OFDLCK ADVISORY  READ -1 00:01:2 6485183463413514240 EOF",
	    "1: OFDLCK ADVISORY  READ -1 00:01:2 5 5",
	    "1: OFDLCK ADVISORY  READ -1 00:01:2 "
	    "6485183463413514239 6485183463413514239",
	    "1: OFDLCK ADVISORY  READ -1 00:01:2 "
	    "6629298651489370112 6629298651489370112",
	    "1: OFDLCK ADVISORY  READ -1 00:01:2 "
	    "6485183463413514240 6485183463413514241",
	    "1: OFDLCK ADVISORY  READ -1 00:01",
	};
	struct claim_id id;
	struct claim c;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(!claim_parse(lines[i], &id, &c), "%s", lines[i]);
	ck_assert(claim_parse("7: OFDLCK ADVISORY  READ -1 fd:0a:77 "
			      "6485183463413514240 6485183463413514240",
	    &id, &c));
	ck_assert_uint_eq(id.ino, 77);
	ck_assert_int_eq(c.kind, CLAIM_TREE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("claim");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, setup, teardown);
	tcase_add_checked_fixture(limits, setup, teardown);
	tcase_add_checked_fixture(hostile, setup, teardown);
	tcase_add_loop_test(core, a_claim_of_each_kind_is_found_as_it_was_taken,
	    0, NKINDS);
	tcase_add_test(core, a_claim_ends_when_it_is_dropped);
	tcase_add_test(core, a_claim_ends_when_its_process_is_killed);
	tcase_add_test(core, every_name_of_a_directory_leads_to_its_claims);
	tcase_add_test(core, names_have_hashes_of_their_own);
	tcase_add_test(core, a_hash_may_be_had_piece_by_piece);
	tcase_add_loop_test(core, no_two_claims_are_the_same, 0, NKINDS);
	tcase_add_test(core, tokens_differ_and_fit);
	tcase_add_loop_test(core, a_search_ends_when_the_caller_has_seen_enough,
	    O_RDONLY, O_RDONLY + 1);
	tcase_add_loop_test(core, a_search_ends_when_the_caller_has_seen_enough,
	    O_PATH, O_PATH + 1);
	tcase_add_loop_test(limits, many_claims_on_one_directory_are_all_found,
	    0, sizeof(amounts) / sizeof(amounts[0]));
	tcase_add_test(limits, the_deepest_and_the_unlimited_differ);
	tcase_add_test(limits,
	    a_directory_that_may_only_be_looked_at_is_asked_too);
	tcase_add_test(limits, no_claim_can_be_taken_without_the_right_to_read);
	tcase_add_test(limits,
	    what_is_no_directory_open_at_all_cannot_be_asked);
	tcase_add_loop_test(hostile,
	    locks_of_other_programs_are_no_claims_and_hide_none, 0, NOTHERS);
	tcase_add_test(hostile, lines_that_show_no_claim_are_passed_over);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
