/*
 * "The stream is the tree" over a kqueue that is made up (kqueue/fake.h): the
 * whole watch above it, and random changes, also in the middle of whatever
 * the back end is doing. Every seed is the same story each time: FAKE_SEED=n
 * tells one, FAKE_SEEDS says how many (40).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "backend_kqueue.h"
#include "fold.h"
#include "harness.h"
#include "kqueue/fake.h"
#include "monotonic.h"
#include "recorder.h"
#include "watch.h"

#define SEEDS	40
#define ROUNDS	6
#define OPS	12 /* in a round */
#define WAIT_MS 20000

/* This program's back ends, in place of those of backends.c. */
static struct backend_ops fake_ops;
const struct backend_ops *const backends[] = {&fake_ops, &backend_poll, NULL};

static struct recorder r;

static struct backend *
open_fake(int64_t poll_ms)
{
	return backend_kqueue_open(&fake_calls, poll_ms);
}

static void
begin(const struct fake_system *system, uint64_t seed, const char *options)
{
	fake_begin(system, seed);
	recorder_open(&r, options);
	recorder_begin_fold(&r);
}

static void
watch(void)
{
	ck_assert_int_eq(recorder_watch(&r, "d"), 0);
	ck_assert_int_eq(watch_ready(r.watch), 0);
}

static void
end(void)
{
	recorder_close(&r);
	fake_end();
}

/* Takes all that has come, without waiting. */
static void
run(void)
{
	struct pollfd fds[WATCH_NFDS];
	size_t n;

	do {
		n = watch_pollfds(r.watch, fds);
		ck_assert_int_ne(poll(fds, n, 0), -1);
		ck_assert_int_eq(watch_run(r.watch, fds), 0);
		n = watch_pollfds(r.watch, fds);
	} while (poll(fds, 1, 0) == 1 || watch_timeout(r.watch) == 0);
}

static const char *
story(void)
{
	run();
	return recorder_told(&r);
}

/* A random path: of a few names, so that they meet. */
static const char *
any_path(char *buf, size_t size)
{
	static const char *const tops[] = {"d", "d", "d", "d", "d", "out"};
	size_t len, depth = 1 + fake_random(3);

	(void)snprintf(buf, size, "%s", tops[fake_random(6)]);
	for (; depth > 0; depth--) {
		len = strlen(buf);
		(void)snprintf(buf + len, size - len, "/%c",
		    (int)('a' + fake_random(4)));
	}
	return buf;
}

static bool hard_links;

static void
random_op(void)
{
	char a[64], b[64];
	const char *one = any_path(a, sizeof(a)), *two;

	two = any_path(b, sizeof(b));
	switch (fake_random(16)) {
	case 0:
	case 1:
	case 2:
		(void)fake_create(one);
		break;
	case 3:
	case 4:
		(void)fake_mkdir(one);
		break;
	case 5:
	case 6:
	case 7:
		(void)fake_rename(one, two);
		break;
	case 8:
		(void)fake_unlink(one);
		break;
	case 9:
		(void)fake_rmdir(one);
		break;
	case 10:
		(void)fake_append(one, "more");
		break;
	case 11:
		(void)fake_write(one, "X");
		break;
	case 12:
		(void)fake_chmod(one, 0600 | (unsigned)fake_random(0200));
		break;
	case 13:
		if (hard_links)
			(void)fake_link(one, two);
		break;
	case 14:
		(void)fake_symlink("nowhere", one);
		break;
	default:
		(void)fake_truncate(one, 100 + fake_random(100));
	}
}

static void
random_ops(unsigned n)
{
	while (n-- > 0)
		random_op();
}

static char *
compare(void)
{
	static const char *const roots[] = {"d", NULL};

	return fold_compare(r.fold, roots, NULL, NULL, !hard_links);
}

static void
check(const char *what, unsigned seed)
{
	char *report = compare();

	if (report != NULL)
		ck_abort_msg("%s, FAKE_SEED=%u: %s", what, seed, report);
}

/* The same where some things are looked at by the clock only. */
static void
check_in_time(const char *what, unsigned seed)
{
	int64_t until = monotonic_ms() + WAIT_MS;
	char *report;
	int ms;

	run();
	while ((report = compare()) != NULL && monotonic_ms() < until) {
		free(report);
		ms = watch_timeout(r.watch);
		(void)poll(NULL, 0, ms == -1 ? 0 : ms);
		run();
	}
	free(report);
	check(what, seed);
}

static unsigned
setting(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s != NULL && *s != '\0' ? (unsigned)strtoul(s, NULL, 10) :
					 otherwise;
}

static void
each_seed(void (*story_of)(const struct fake_system *system, unsigned seed),
    const struct fake_system *system)
{
	unsigned seed = setting("FAKE_SEED", 0);
	unsigned n = seed != 0 ? 1 : setting("FAKE_SEEDS", SEEDS);

	for (seed = seed != 0 ? seed : 1; n > 0; n--, seed++)
		story_of(system, seed);
}

static void
changes_between(const struct fake_system *system, unsigned seed)
{
	int i;

	begin(system, seed, "-r --existing -e +attrib");
	random_ops(40);
	watch();
	check(system->name, seed);
	for (i = 0; i < ROUNDS; i++) {
		random_ops(OPS);
		run();
		check(system->name, seed);
	}
	end();
}

static void
changes_within(const struct fake_system *system, unsigned seed)
{
	int i;

	begin(system, seed, "-r --existing");
	random_ops(40);
	fake_stir(random_op, 20);
	fake_disorder(true);
	watch();
	for (i = 0; i < ROUNDS; i++) {
		fake_stir(random_op, 20);
		random_ops(OPS);
		run();
		fake_stir(NULL, 0);
		run();
		check(system->name, seed);
	}
	end();
}

static void
changes_and_failures(const struct fake_system *system, unsigned seed)
{
	static const int errors[] = {EMFILE, ENFILE, ENOMEM, EACCES, EINTR};
	int i;

	begin(system, seed, "-r --existing --poll 0.001");
	random_ops(40);
	fake_limit(16 + fake_random(32));
	fake_disorder(true);
	watch();
	for (i = 0; i < ROUNDS; i++) {
		fake_fail(FAKE_OPEN, 1 + (unsigned)fake_random(8),
		    1 + (unsigned)fake_random(4), errors[fake_random(5)]);
		fake_fail(FAKE_ADD, 1 + (unsigned)fake_random(8), 1,
		    fake_random(2) == 0 ? ENOMEM : EINTR);
		fake_stir(random_op, 20);
		random_ops(OPS);
		run();
		fake_stir(NULL, 0);
		check_in_time(system->name, seed);
	}
	end();
}

START_TEST(changes_fold_to_the_tree)
{
	hard_links = false;
	each_seed(changes_between, &fake_systems[_i]);
}
END_TEST

START_TEST(changes_of_files_with_several_names_fold_to_the_tree)
{
	hard_links = true;
	each_seed(changes_between, &fake_systems[_i]);
}
END_TEST

START_TEST(changes_in_the_middle_of_a_look_fold_to_the_tree)
{
	hard_links = false;
	each_seed(changes_within, &fake_systems[_i]);
}
END_TEST

START_TEST(changes_while_calls_fail_fold_to_the_tree)
{
	hard_links = false;
	each_seed(changes_and_failures, &fake_systems[_i]);
}
END_TEST

/* And what is told, where it can be said exactly. */

START_TEST(a_rename_between_directories_is_one_event)
{
	begin(&fake_systems[_i], 1, "-r");
	ck_assert(fake_mkdir("d/a"));
	ck_assert(fake_mkdir("d/b"));
	ck_assert(fake_mkdir("d/a/c"));
	ck_assert(fake_create("d/a/f"));
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	ck_assert(fake_rename("d/a/f", "d/b/g"));
	ck_assert_str_eq(story(), "renamed f d/a/f -> d/b/g\n");
	ck_assert(fake_rename("d/a/c", "d/b/c"));
	ck_assert_str_eq(story(), "renamed d d/a/c -> d/b/c\n");
	ck_assert(fake_create("d/b/c/new"));
	ck_assert_str_eq(story(), "created f d/b/c/new\n");
	end();
}
END_TEST

START_TEST(a_rename_between_roots_is_one_event)
{
	begin(&fake_systems[_i], 1, "-r");
	ck_assert(fake_mkdir("d/a"));
	ck_assert(fake_mkdir("d/a/b"));
	ck_assert(fake_create("d/a/b/f"));
	ck_assert(fake_create("d/g"));
	fold_free(r.fold);
	r.fold = NULL;
	ck_assert_int_eq(recorder_watch(&r, "out"), 0);
	watch();
	ck_assert(fake_rename("d/a", "out/c"));
	ck_assert_str_eq(story(), "renamed d d/a -> out/c\n");
	ck_assert(fake_create("out/c/b/new"));
	ck_assert_str_eq(story(), "created f out/c/b/new\n");
	ck_assert(fake_rename("d/g", "out/c/b/g"));
	ck_assert_str_eq(story(), "renamed f d/g -> out/c/b/g\n");
	end();
}
END_TEST

START_TEST(a_file_that_keeps_a_name_is_not_told_as_deleted)
{
	begin(&fake_systems[_i], 1, "-r");
	ck_assert(fake_create("d/a"));
	ck_assert(fake_link("d/a", "out/b"));
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	ck_assert(fake_unlink("out/b"));
	ck_assert_str_eq(story(), "");
	ck_assert(fake_append("d/a", "x"));
	ck_assert_str_eq(story(), "modified f d/a\n");
	end();
}
END_TEST

/* Time stamps are coarse: the note alone says it. */
START_TEST(two_writes_of_one_length_are_both_told)
{
	struct timespec then[2] = {{1000, 0}, {1000, 0}};

	begin(&fake_systems[_i], 1, "-r");
	ck_assert(fake_create("d/a"));
	ck_assert(fake_append("d/a", "1234"));
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/a", then, 0), 0);
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	ck_assert(fake_write("d/a", "5678"));
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/a", then, 0), 0);
	ck_assert_str_eq(story(), "modified f d/a\n");
	end();
}
END_TEST

static void
write_it(void)
{
	ck_assert(fake_append("d/a", "x"));
}

/* The directory's own note comes later than its file's. */
static void
move_away(void)
{
	ck_assert_int_eq(rename("d/a", "out/a"), 0);
}

static void
move_back(void)
{
	if (rename("out/a", "d/a") == 0)
		fake_note("d", NOTE_WRITE);
}

#define STEPS 12

static void
after_each_step(void (*begin_it)(void), enum fake_point away)
{
	unsigned n;

	for (n = 1; n <= STEPS; n++) {
		begin(&fake_systems[0], 1, "-r");
		fold_free(r.fold);
		r.fold = NULL;
		if (begin_it == NULL)
			ck_assert(fake_create("d/a"));
		watch();
		if (begin_it == NULL) {
			fake_note("d/a", NOTE_RENAME);
			move_away();
		} else {
			begin_it();
			fake_at(away, 1, move_away);
		}
		fake_at(FAKE_KEVENT, n, move_back);
		run();
		move_back();
		run();
		(void)recorder_told(&r);
		write_it();
		ck_assert_msg(strstr(story(), "modified f d/a\n") != NULL,
		    "back before step %u", n);
		end();
	}
}

static void
make_it(void)
{
	ck_assert(fake_create("d/a"));
}

START_TEST(a_file_that_comes_back_to_its_name_is_watched_again)
{
	static const enum fake_point points[] = {FAKE_STAT, FAKE_OPEN, FAKE_ADD,
	    FAKE_ADDED};
	size_t i;

	after_each_step(NULL, FAKE_POINTS);
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		after_each_step(make_it, points[i]);
}
END_TEST

static void
add_one(void)
{
	ck_assert(fake_create("d/new"));
}

/* FAKE_ADD 1: d's own (the way to it comes before); behind it the files'. */
START_TEST(a_write_between_listing_and_watching_is_told)
{
	unsigned adds;

	begin(&fake_systems[_i], 1, "-r");
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	adds = fake_count(FAKE_ADD);
	ck_assert(fake_create("d/a"));
	fake_at(FAKE_ADD, 1, write_it);
	ck_assert_str_ne(story(), "");
	ck_assert_uint_eq(fake_count(FAKE_ADD), adds + 1);
	/* The index has what was there after the note was in place. */
	fake_note("d/a", NOTE_ATTRIB);
	ck_assert_str_eq(story(), "");
	ck_assert(fake_append("d/a", "x"));
	ck_assert_str_eq(story(), "modified f d/a\n");
	end();
}
END_TEST

#ifdef NOTE_CLOSE_WRITE
/* The first systems have it. */
#define CLOSING_SYSTEMS 3

START_TEST(a_file_is_told_as_complete_once_each_time_it_is_closed)
{
	ck_assert(fake_systems[_i].has_close_write);
	begin(&fake_systems[_i], 1, "-r -e complete");
	r.repeats = true;
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	ck_assert(fake_create("d/a"));
	fake_at(FAKE_ADDED, 1, write_it);
	ck_assert_str_eq(story(), "complete f d/a\n");
	write_it();
	ck_assert_str_eq(story(), "complete f d/a\n");
	fake_note("d/a", NOTE_ATTRIB);
	ck_assert_str_eq(story(), "");
	end();
}
END_TEST

/* Where `opened` is told nobody asks whether a file is open: what was found may
 * still be written. */
START_TEST(what_may_be_open_is_complete_when_it_is_closed_or_left_alone)
{
	int64_t until = monotonic_ms() + WAIT_MS;

	ck_assert(fake_systems[_i].has_close_write);
	begin(&fake_systems[_i], 1, "-r -e complete,opened --poll 0.2");
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	ck_assert(fake_create("d/a"));
	ck_assert_str_eq(story(), "");
	write_it();
	ck_assert_str_eq(story(), "complete f d/a\n");
	ck_assert(fake_create("d/b"));
	run();
	while (strstr(recorder_told(&r), "complete f d/b\n") == NULL) {
		ck_assert_int_lt(monotonic_ms(), until);
		(void)poll(NULL, 0, watch_timeout(r.watch));
		run();
	}
	end();
}
END_TEST
#endif

START_TEST(a_name_that_comes_before_a_directory_is_listed_is_told)
{
	begin(&fake_systems[_i], 1, "-r -e +lost");
	fold_free(r.fold);
	r.fold = NULL;
	watch();
	ck_assert(fake_rename("d", "out/d"));
	ck_assert_str_eq(story(), "lost d\n# d: gone\n");
	ck_assert(fake_rename("out/d", "d"));
	fake_at(FAKE_ADD, 1, add_one);
	ck_assert_ptr_nonnull(strstr(story(), "created f d/new\n"));
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backend_kqueue under a tree");
	TCase *tc;

	fake_ops = backend_kqueue;
	fake_ops.open = open_fake;
	tc = tcase_create("Core");
	tcase_add_loop_test(tc, a_rename_between_directories_is_one_event, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, a_rename_between_roots_is_one_event, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, a_file_that_keeps_a_name_is_not_told_as_deleted,
	    0, FAKE_SYSTEMS);
	tcase_add_loop_test(tc, two_writes_of_one_length_are_both_told, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc, a_write_between_listing_and_watching_is_told, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc,
	    a_name_that_comes_before_a_directory_is_listed_is_told, 0,
	    FAKE_SYSTEMS);
	tcase_add_test(tc, a_file_that_comes_back_to_its_name_is_watched_again);
#ifdef NOTE_CLOSE_WRITE
	tcase_add_loop_test(tc,
	    a_file_is_told_as_complete_once_each_time_it_is_closed, 0,
	    CLOSING_SYSTEMS);
	tcase_add_loop_test(tc,
	    what_may_be_open_is_complete_when_it_is_closed_or_left_alone, 0,
	    CLOSING_SYSTEMS);
#endif
	suite_add_tcase(suite, tc);
	tc = tcase_create("Fold");
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, changes_fold_to_the_tree, 0, FAKE_SYSTEMS);
	tcase_add_loop_test(tc,
	    changes_of_files_with_several_names_fold_to_the_tree, 0,
	    FAKE_SYSTEMS);
	tcase_add_loop_test(tc,
	    changes_in_the_middle_of_a_look_fold_to_the_tree, 0, FAKE_SYSTEMS);
	tcase_add_loop_test(tc, changes_while_calls_fail_fold_to_the_tree, 0,
	    FAKE_SYSTEMS);
	suite_add_tcase(suite, tc);
	return harness_main(suite);
}
