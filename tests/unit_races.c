#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "harness.h"
#include "hints.h"
#include "looks.h"
#include "recorder.h"
#include "suite.h"
#include "sync.h"
#include "tree.h"

/*
 * What happens while directories are compared: between two takings in of
 * hints, or before they are opened; and what has been lost before.
 */

static struct recorder r;

static void
begin(const char *options)
{
	recorder_open(&r, options);
	recorder_enter(&r);
	recorder_begin_fold(&r);
}

/* The stream is the tree all the same. */
static void
end(void)
{
	recorder_run(&r);
	recorder_check_fold(&r);
	recorder_check_index(&r);
	recorder_close(&r);
}

static struct entry *
entry_at(const char *name)
{
	return tree_find(r.top, name, strlen(name));
}

/* --- directories that leave before they are looked at --- */

START_TEST(what_is_in_a_directory_is_looked_at_where_it_is_by_then)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/u");
	(void)recorder_story(&r);
	make_file("d/s/f");
	make_file("d/s/u/f");
	recorder_deafen(&r);
	core_doubt(&r.core, entry_at("s")->dir, NULL);
	move_to("d/s", "d/t");
	hints_doubts(&r.core);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/s -> d/t\ncreated f d/t/f\n");
	/* What is below it, too. */
	core_doubt_below(&r.core, entry_at("t")->dir, false);
	move_to("d/t", "d/s");
	hints_doubts(&r.core);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/t -> d/s\ncreated f d/s/u/f\n");
	end();
}
END_TEST

/* It may be listed, and no more. */
START_TEST(what_may_not_be_looked_at_is_not_gone)
{
	bool root = geteuid() == 0;
	const char *told;

	begin("-r");
	make_directory("d/s");
	make_directory("d/s/u");
	make_file("d/s/u/f");
	(void)recorder_story(&r);
	ck_assert_int_eq(chmod("d/s", 0444), 0);
	recorder_deafen(&r);
	if (root) {
		ck_assert_int_eq(chmod(".", 0755), 0);
		ck_assert_int_eq(chmod("d", 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	sync_compare(&r.core, &r.top, 1, true, NULL);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	/* Nor can it be watched where that goes by its name. */
	told = recorder_told(&r);
	if (strncmp(told, "# d/s: polled", 13) != 0)
		ck_assert_str_eq(told, "");
	ck_assert_int_eq(chmod("d/s", 0755), 0);
	make_file("d/s/u/g");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/u/g\n");
	end();
}
END_TEST

/* --- what happens while a directory is compared --- */

static struct {
	struct backend_ops ops;
	const struct backend_ops *real;
	void (*act)(void);
	bool forgot;
} race;

static void
race_forget(struct backend *b, int id, const char *name, size_t len)
{
	race.forgot = true;
	race.real->forget(b, id, name, len);
}

/* The last thing before a directory is listed, when what was queued about it
 * has been forgotten. */
static uint64_t
race_position(const struct backend *b)
{
	uint64_t position = race.real->position(b);
	void (*act)(void) = race.act;

	if (race.forgot && act != NULL) {
		race.act = NULL;
		act();
	}
	return position;
}

/* Compares all below the top, while that is done to it. */
static void
compare_while(void (*act)(void), const struct timespec *since)
{
	race.real = r.core.side[0].ops;
	race.ops = *race.real;
	race.ops.position = race_position;
	race.ops.forget = race_forget;
	race.act = act;
	race.forgot = false;
	r.core.side[0].ops = &race.ops;
	sync_compare(&r.core, &r.top, 1, true, since);
	r.core.side[0].ops = race.real;
	ck_assert(race.act == NULL);
}

static void
rename_s_to_t(void)
{
	move_to("d/s", "d/t");
}

START_TEST(what_was_left_to_hints_is_compared_when_they_have_been_told)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/u");
	(void)recorder_story(&r);
	make_file("d/s/u/f");
	recorder_deafen(&r); /* an overflow, say */
	compare_while(rename_s_to_t, NULL);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed d d/s -> d/t\ncreated f d/t/u/f\n");
	end();
}
END_TEST

/* The numbers of files are used again at once. */
START_TEST(what_was_made_anew_is_told_though_its_hints_were_left_out)
{
	struct stat st;

	begin("");
	make_file("d/a");
	make_file("d/b");
	(void)recorder_story(&r);
	ck_assert_int_eq(unlink("d/a"), 0);
	make_file("d/a");
	ck_assert_int_eq(stat("d/a", &st), 0);
	entry_at("a")->ino = st.st_ino;
	sync_compare(&r.core, &r.top, 1, false, NULL);
	ck_assert_str_eq(recorder_story(&r), "modified f d/a\n");
	sync_compare(&r.core, &r.top, 1, false, NULL);
	ck_assert_str_eq(recorder_story(&r), "");
	end();
}
END_TEST

static void
rename_a_to_b(void)
{
	move_to("d/a", "d/b");
}

/* Whatever they have told: here nothing. */
START_TEST(a_name_left_to_hints_is_looked_at_when_they_have_been_told)
{
	begin("");
	make_file("d/a");
	(void)recorder_story(&r);
	compare_while(rename_a_to_b, NULL);
	ck_assert_str_eq(recorder_told(&r), "");
	recorder_deafen(&r);
	ck_assert_str_eq(recorder_story(&r), "deleted f d/a\n");
	make_file("d/a");
	ck_assert_int_eq(unlink("d/b"), 0);
	end();
}
END_TEST

START_TEST(a_change_unheard_is_told_though_the_file_is_left_to_hints)
{
	struct stat st;

	begin("-c");
	scratch_put(AT_FDCWD, "d/a", "old");
	(void)recorder_story(&r);
	scratch_put(AT_FDCWD, "d/a", "new");
	recorder_deafen(&r);
	compare_while(rename_a_to_b, &r.core.now);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b\nmodified f d/b = new\n");
	/* What was heard, and left out. */
	scratch_put(AT_FDCWD, "d/a", "old");
	(void)recorder_story(&r);
	ck_assert_int_eq(unlink("d/a"), 0);
	scratch_put(AT_FDCWD, "out/a", "new");
	move_to("out/a", "d/a");
	ck_assert_int_eq(unlink("d/b"), 0);
	ck_assert_int_eq(stat("d/a", &st), 0);
	entry_at("a")->ino = st.st_ino;
	compare_while(rename_a_to_b, NULL);
	ck_assert_str_eq(recorder_story(&r),
	    "renamed f d/a -> d/b replaced\nmodified f d/b = new\n");
	end();
}
END_TEST

/* --- names that change while they are looked at --- */

/* The first time it is asked whether more is told of a name: the answer has
 * been found, and the name is looked at next, if it has not been before. */
static bool
race_awaits(const struct backend *b, int id, const char *name, size_t len)
{
	bool awaits = race.real->awaits(b, id, name, len);
	void (*act)(void) = race.act;

	race.act = NULL;
	if (act != NULL)
		act();
	return awaits;
}

/* Looks at all names in doubt, while that is done. */
static void
look_while(void (*act)(void))
{
	race.real = r.core.side[0].ops;
	race.ops = *race.real;
	race.ops.awaits = race_awaits;
	race.act = act;
	r.core.side[0].ops = &race.ops;
	hints_doubts(&r.core);
	r.core.side[0].ops = race.real;
	ck_assert(race.act == NULL);
}

START_TEST(a_name_that_leaves_as_it_is_looked_at_is_renamed)
{
	begin("-r");
	make_directory("d/s");
	make_file("d/s/f");
	(void)recorder_story(&r);
	core_doubt(&r.core, r.top, "s");
	look_while(rename_s_to_t);
	ck_assert_str_eq(recorder_story(&r), "renamed d d/s -> d/t\n");
	end();
}
END_TEST

START_TEST(a_name_that_is_taken_as_it_is_looked_at_is_replaced)
{
	begin("-r");
	make_file("d/a");
	make_file("d/b");
	(void)recorder_story(&r);
	core_doubt(&r.core, r.top, "b");
	look_while(rename_a_to_b);
	ck_assert_str_eq(recorder_story(&r), "renamed f d/a -> d/b replaced\n");
	end();
}
END_TEST

/* Tells all there is; the first name that is asked about is looked at after
 * that is done. */
static const char *
story_while(void (*act)(void))
{
	race.real = r.core.side[0].ops;
	race.ops = *race.real;
	race.ops.awaits = race_awaits;
	race.act = act;
	r.core.side[0].ops = &race.ops;
	recorder_run(&r);
	r.core.side[0].ops = race.real;
	ck_assert(race.act == NULL);
	return recorder_told(&r);
}

static void
rotate(void)
{
	move_to("d/a", "d/b");
	make_file("d/a");
}

static void
pass_on(void)
{
	move_to("d/a", "d/b");
	move_to("d/z", "d/a");
}

static void
swap_a_and_z(void)
{
	exchange("d/a", "d/z");
}

START_TEST(a_file_that_makes_way_as_it_is_looked_at_is_renamed)
{
	begin("-r");
	make_file("d/z");
	(void)recorder_story(&r);
	make_file("d/a");
	ck_assert_str_eq(story_while(rotate),
	    "created f d/a\nrenamed f d/a -> d/b\ncreated f d/a\n");
	remove_all("d/a");
	(void)recorder_story(&r);
	remove_all("d/b");
	(void)recorder_story(&r);
	make_file("d/a");
	ck_assert_str_eq(story_while(pass_on),
	    "created f d/a\nrenamed f d/a -> d/b\nrenamed f d/z -> d/a\n");
	make_file("d/z");
	remove_all("d/a");
	(void)recorder_story(&r);
	make_file("d/a");
	/* Which of the two it has seen it can not know. */
	ck_assert_str_eq(story_while(swap_a_and_z),
	    "created f d/a\nrenamed f d/a -> d/z exchanged\n"
	    "modified f d/z\n");
	end();
}
END_TEST

static void
move_out_and_replace(void)
{
	move_to("d/a", "out/a");
	make_file("d/a");
}

START_TEST(a_file_that_leaves_as_it_is_looked_at_is_deleted)
{
	begin("-r");
	make_file("d/a");
	ck_assert_str_eq(story_while(move_out_and_replace),
	    "created f d/a\ndeleted f d/a\ncreated f d/a\n");
	end();
}
END_TEST

START_TEST(a_directory_that_makes_way_as_it_is_looked_at_is_renamed)
{
	begin("-r");
	make_directory("d/z");
	make_file("d/z/f");
	(void)recorder_story(&r);
	make_directory("d/a");
	ck_assert_str_eq(story_while(swap_a_and_z),
	    "created d d/a\nrenamed d d/a -> d/z exchanged\n");
	remove_all("d/z");
	move_to("d/a", "d/z");
	(void)recorder_story(&r);
	make_directory("d/a");
	ck_assert_str_eq(story_while(pass_on),
	    "created d d/a\nrenamed d d/a -> d/b\nrenamed d d/z -> d/a\n");
	end();
}
END_TEST

/* --- a rename that is held up in the midst of it --- */

static int kernel; /* speaks in its place */

static void
kernel_says(const struct dir *d, uint32_t mask, const char *name)
{
	struct inotify_event ev = {.wd = d->mark->id,
	    .mask = mask,
	    .cookie = 1,
	    .len = 16};
	char record[sizeof(ev) + 16] = "";

	memcpy(record, &ev, sizeof(ev));
	(void)snprintf(record + sizeof(ev), ev.len, "%s", name);
	ck_assert_int_eq(write(kernel, record, sizeof(record)), sizeof(record));
}

static void
say_the_other_half(void)
{
	kernel_says(entry_at("s")->dir, IN_MOVED_TO, "b");
}

static int
race_half(struct backend *b)
{
	void (*act)(void) = race.act;
	int id = race.real->half(b);

	if (id != -1 && act != NULL) {
		race.act = NULL;
		act();
	}
	return id;
}

START_TEST(a_rename_is_one_however_late_its_other_half_is_said)
{
	struct side *side = &r.core.side[0];
	int p[2];

	begin("-r");
	make_file("d/a");
	make_directory("d/s");
	(void)recorder_story(&r);
	ck_assert_int_eq(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_int_ne(dup3(p[0], side->ops->fd(side->b), O_CLOEXEC), -1);
	(void)close(p[0]);
	kernel = p[1];
	race.real = side->ops;
	race.ops = *race.real;
	race.ops.half = race_half;
	race.act = say_the_other_half;
	side->ops = &race.ops;
	move_to("d/a", "d/s/b");
	kernel_says(r.top, IN_MOVED_FROM, "a");
	ck_assert_str_eq(recorder_story(&r), "renamed f d/a -> d/s/b\n");
	ck_assert(race.act == NULL);
	side->ops = race.real;
	end();
	(void)close(kernel);
}
END_TEST

/* --- what a look sees before it is told --- */

/* As often as the queue has room for, whoever reads it or not. */
#define MOVES 8000

struct mover {
	int fd;
	_Atomic bool done;
};

static struct mover mover;

/* Begins to move things about in d, by that function, and opens an inotify
 * instance for what is said of it. */
static int
begin_moving(pthread_t *thread, void *(*run)(void *arg))
{
	int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ck_assert_int_ne(inotify, -1);
	ck_assert_int_ne(inotify_add_watch(inotify, "d", IN_MOVE), -1);
	ck_assert_int_ne(inotify_add_watch(inotify, "d/s", IN_MOVE), -1);
	mover.done = false;
	mover.fd = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(mover.fd, -1);
	ck_assert_int_eq(pthread_create(thread, NULL, run, NULL), 0);
	return inotify;
}

static void
end_moving(pthread_t thread, int inotify)
{
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	(void)close(inotify);
	(void)close(mover.fd);
}

/* Takes all that can be read. Returns the number of records; sets *last to the
 * number that something was renamed to last, *half to whether what came last is
 * the first half of a rename. */
static int
take_moves(int inotify, int *last, bool *half)
{
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *ev;
	ssize_t n, at;
	int taken = 0;

	*half = false;
	while ((n = read(inotify, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += (ssize_t)(sizeof(*ev) + ev->len)) {
			ev = (const void *)(buf + at);
			*half = (ev->mask & IN_MOVED_FROM) != 0;
			if (ev->mask & IN_MOVED_TO)
				*last = atoi(ev->name);
			taken++;
		}
	return taken;
}

/* Gives a file one name after the other. */
static void *
move_on(void *arg)
{
	char old[16], new[16];
	int i;

	for (i = 0; i < MOVES / 2; i++) {
		(void)snprintf(old, sizeof(old), "%d", i);
		(void)snprintf(new, sizeof(new), "%d", i + 1);
		(void)renameat(mover.fd, old, mover.fd, new);
	}
	mover.done = true;
	return arg;
}

START_TEST(what_a_look_has_seen_is_told_after_a_wait)
{
	struct stat st;
	pthread_t thread;
	char name[16];
	int inotify, last = 0, next;
	bool done, half;

	begin("");
	make_file("d/0");
	make_directory("d/s");
	inotify = begin_moving(&thread, move_on);
	do {
		done = mover.done;
		next = last + 1;
		(void)snprintf(name, sizeof(name), "%d", next);
		if (fstatat(mover.fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
			(void)take_moves(inotify, &last, &half);
			continue;
		}
		looks_wait(mover.fd);
		(void)take_moves(inotify, &last, &half);
		ck_assert_int_ge(last, next);
	} while (!done);
	ck_assert_int_eq(last, MOVES / 2);
	end_moving(thread, inotify);
	recorder_close(&r);
}
END_TEST

/* Takes a file there and back. */
static void *
move_there_and_back(void *arg)
{
	int i;

	for (i = 0; i < MOVES / 4; i++) {
		(void)renameat(mover.fd, "0", mover.fd, "s/1");
		(void)renameat(mover.fd, "s/1", mover.fd, "0");
	}
	mover.done = true;
	return arg;
}

START_TEST(both_halves_of_a_rename_are_told_after_a_wait)
{
	pthread_t thread;
	int inotify, last, taken = 0, more;
	bool done, half;

	begin("");
	make_file("d/0");
	make_directory("d/s");
	inotify = begin_moving(&thread, move_there_and_back);
	do {
		done = mover.done;
		taken += take_moves(inotify, &last, &half);
		if (!half)
			continue;
		looks_wait(mover.fd);
		more = take_moves(inotify, &last, &half);
		ck_assert_int_gt(more, 0);
		taken += more;
	} while (!done);
	ck_assert_int_eq(taken, MOVES);
	end_moving(thread, inotify);
	recorder_close(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("races");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core,
	    what_is_in_a_directory_is_looked_at_where_it_is_by_then);
	tcase_add_test(limits, what_may_not_be_looked_at_is_not_gone);
	tcase_add_test(core,
	    what_was_left_to_hints_is_compared_when_they_have_been_told);
	tcase_add_test(core,
	    what_was_made_anew_is_told_though_its_hints_were_left_out);
	tcase_add_test(core,
	    a_name_left_to_hints_is_looked_at_when_they_have_been_told);
	tcase_add_test(core,
	    a_change_unheard_is_told_though_the_file_is_left_to_hints);
	tcase_add_test(core, a_name_that_leaves_as_it_is_looked_at_is_renamed);
	tcase_add_test(core,
	    a_name_that_is_taken_as_it_is_looked_at_is_replaced);
	tcase_add_test(core,
	    a_file_that_makes_way_as_it_is_looked_at_is_renamed);
	tcase_add_test(core, a_file_that_leaves_as_it_is_looked_at_is_deleted);
	tcase_add_test(core,
	    a_directory_that_makes_way_as_it_is_looked_at_is_renamed);
	tcase_add_test(core,
	    a_rename_is_one_however_late_its_other_half_is_said);
	tcase_add_test(hostile, what_a_look_has_seen_is_told_after_a_wait);
	tcase_add_test(hostile, both_halves_of_a_rename_are_told_after_a_wait);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
