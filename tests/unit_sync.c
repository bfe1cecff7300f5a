#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "harness.h"
#include "recorder.h"
#include "statat.h"
#include "looks.h"
#include "suite.h"
#include "sync.h"
#include "pool.h"
#include "tree.h"

static struct recorder r;

static void
begin(const char *options)
{
	recorder_open(&r, options);
	recorder_enter(&r);
}

static void
end(void)
{
	recorder_check_index(&r);
	recorder_close(&r);
}

static struct entry *
entry_at(const char *name)
{
	return tree_find(r.top, name, strlen(name));
}

/* Compares d with the index, as after changes that nobody has told of. */
static const char *
compared(bool deep, const struct timespec *since)
{
	recorder_deafen(&r);
	sync_compare(&r.core, &r.top, 1, deep, since);
	recorder_run(&r);
	return recorder_told(&r);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same lines in another order: that of a listing is the file system's. */
static const char *
sorted(const char *lines)
{
	static char out[1024];
	char *copy = strdup(lines), *rest = copy, *line[32];
	size_t n = 0, i;

	while (rest != NULL && *rest != '\0' && n < 32)
		line[n++] = strsep(&rest, "\n");
	qsort(line, n, sizeof(line[0]), by_text);
	out[0] = '\0';
	for (i = 0; i < n; i++) {
		(void)strlcat(out, line[i], sizeof(out));
		(void)strlcat(out, "\n", sizeof(out));
	}
	free(copy);
	return out;
}

static struct timespec
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ts;
}

/* The moment just after the last change of a file. */
static struct timespec
after_change_of(const char *path)
{
	struct event_stat st;

	ck_assert_int_eq(stat_at(AT_FDCWD, path, false, &st), 0);
	st.ctime.tv_nsec++;
	return st.ctime;
}

/* Writes until the file system's clock shows that it was later than that. */
static void
write_after(const char *path, const struct timespec *since)
{
	struct timespec begun = now();
	struct event_stat st;

	do {
		ck_assert_int_lt(now().tv_sec, begun.tv_sec + 10);
		scratch_put(AT_FDCWD, path, "changed");
		ck_assert_int_eq(stat_at(AT_FDCWD, path, false, &st), 0);
	} while (st.ctime.tv_sec < since->tv_sec ||
	    (st.ctime.tv_sec == since->tv_sec &&
		st.ctime.tv_nsec < since->tv_nsec));
}

/* Not every file system knows when a file was born. */
static bool
knows_births(const char *path)
{
	struct event_stat st;

	ck_assert_int_eq(stat_at(AT_FDCWD, path, false, &st), 0);
	return st.btime.tv_nsec != -1;
}

START_TEST(a_name_is_classified_by_what_is_there)
{
	struct event_stat st;
	bool link;
	int fd;

	begin("-r -L");
	make_file("d/f");
	make_directory("d/s");
	ck_assert_int_eq(symlink("s", "d/l"), 0);
	ck_assert_int_eq(symlink("f", "d/m"), 0);
	ck_assert_int_eq(symlink("none", "d/n"), 0);
	fd = open("d", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(looks_classify(&r.core, fd, "f", &st, &link), 0);
	ck_assert(S_ISREG(st.mode) && !link);
	ck_assert_int_eq(looks_classify(&r.core, fd, "s", &st, &link), 0);
	ck_assert(S_ISDIR(st.mode) && !link);
	ck_assert_int_eq(looks_classify(&r.core, fd, "l", &st, &link), 0);
	ck_assert(S_ISDIR(st.mode) && link);
	ck_assert_int_eq(looks_classify(&r.core, fd, "m", &st, &link), 0);
	ck_assert(S_ISLNK(st.mode) && !link);
	ck_assert_int_eq(looks_classify(&r.core, fd, "n", &st, &link), 0);
	ck_assert(S_ISLNK(st.mode) && !link);
	ck_assert_int_eq(looks_classify(&r.core, fd, "no", &st, &link), -1);
	ck_assert_int_eq(errno, ENOENT);
	(void)close(fd);
	recorder_close(&r);
	begin("-r");
	make_directory("d/s");
	ck_assert_int_eq(symlink("s", "d/l"), 0);
	fd = open("d", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(looks_classify(&r.core, fd, "l", &st, &link), 0);
	ck_assert(S_ISLNK(st.mode) && !link);
	(void)close(fd);
	recorder_run(&r);
	end();
}
END_TEST

START_TEST(the_same_is_what_has_type_and_number)
{
	struct pool *pool = pool_new();
	struct entry *f = tree_new(pool, "f", 1, EVENT_FILE, 7);
	struct entry *unseen = tree_new(pool, "g", 1, EVENT_FILE, 0);
	struct entry *d = tree_new(pool, "d", 1, EVENT_DIR, 0);
	struct event_stat st = {.ino = 7, .dev = 3, .mode = S_IFREG | 0644};

	ck_assert(looks_same(f, &st));
	ck_assert(looks_same(unseen, &st));
	ck_assert(!looks_same(d, &st));
	st.ino = 8;
	ck_assert(!looks_same(f, &st));
	st.mode = S_IFLNK | 0777;
	st.ino = 7;
	ck_assert(!looks_same(f, &st));
	st.mode = S_IFDIR | 0755;
	d->dir->ino = 7;
	d->dir->dev = 3;
	ck_assert(looks_same(d, &st));
	st.dev = 4;
	ck_assert(!looks_same(d, &st));
	tree_free(f);
	tree_free(unseen);
	tree_free(d);
	pool_end(pool);
}
END_TEST

START_TEST(a_top_is_entered_with_all_below_it_parents_first)
{
	recorder_open(&r, "-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	recorder_index(&r);
	ck_assert_int_eq(sync_enter(&r.core, r.top, COMPLETE_FOUND), 0);
	ck_assert_str_eq(recorder_told(&r),
	    "created d d/s\ncreated d d/s/t\ncreated f d/s/t/f\n");
	make_file("d/s/t/g");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/t/g\n");
	end();
}
END_TEST

START_TEST(a_top_that_cannot_be_listed_is_an_error)
{
	recorder_open(&r, "-r");
	recorder_index(&r);
	ck_assert_int_eq(rmdir("d"), 0);
	ck_assert_int_eq(sync_enter(&r.core, r.top, COMPLETE_FOUND), -1);
	ck_assert_int_eq(errno, ENOENT);
	make_file("d");
	ck_assert_int_eq(sync_enter(&r.core, r.top, COMPLETE_FOUND), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	recorder_close(&r);
}
END_TEST

START_TEST(what_nobody_told_is_found_by_comparing)
{
	begin("-r");
	r.marks_synthetic = true;
	make_file("d/a");
	make_directory("d/s");
	make_file("d/s/b");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	ck_assert_str_eq(compared(true, NULL), "");
	ck_assert_int_eq(unlink("d/a"), 0);
	make_file("d/s/c");
	ck_assert_int_eq(unlink("d/s/b"), 0);
	make_directory("d/s/t");
	make_file("d/s/t/f");
	ck_assert_str_eq(sorted(compared(true, NULL)),
	    "created d d/s/t synthetic\ncreated f d/s/c synthetic\n"
	    "created f d/s/t/f synthetic\ndeleted f d/a synthetic\n"
	    "deleted f d/s/b synthetic\n");
	recorder_check_fold(&r);
	/* And it is watched now. */
	make_file("d/s/t/g");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/t/g\n");
	end();
}
END_TEST

START_TEST(a_shallow_comparison_looks_at_its_directory_only)
{
	begin("-r");
	make_directory("d/s");
	(void)recorder_story(&r);
	make_file("d/a");
	make_file("d/s/b");
	recorder_deafen(&r);
	sync_compare(&r.core, &r.top, 1, false, NULL);
	ck_assert_str_eq(recorder_told(&r), "created f d/a\n");
	sync_compare(&r.core, &entry_at("s")->dir, 1, false, NULL);
	ck_assert_str_eq(recorder_told(&r), "created f d/s/b\n");
	end();
}
END_TEST

/* As after a hint that came when the name was gone again: it is known to be a
 * directory, and nobody could look into it. */
START_TEST(a_directory_told_and_never_entered_is_told_with_what_it_holds)
{
	bool deep;
	int i;

	for (i = 0; i < 2; i++) {
		deep = i == 1;
		begin("-r");
		make_directory("d/s");
		make_file("d/s/f");
		recorder_deafen(&r);
		ck_assert_int_eq(tree_link(r.top,
				     tree_new(r.core.pool, "s", 1, EVENT_DIR,
					 0)),
		    0);
		ck_assert_str_eq(compared(deep, NULL), "created f d/s/f\n");
		end();
	}
}
END_TEST

START_TEST(another_type_under_the_same_name_is_another_thing)
{
	begin("-r");
	make_file("d/a");
	make_directory("d/s");
	make_file("d/s/f");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	ck_assert_int_eq(unlink("d/a"), 0);
	make_directory("d/a");
	remove_all("d/s");
	ck_assert_int_eq(symlink("a", "d/s"), 0);
	(void)compared(true, NULL);
	recorder_check_fold(&r);
	end();
}
END_TEST

START_TEST(only_files_changed_since_then_are_told_as_modified)
{
	struct timespec since;

	begin("-r -e +complete");
	make_directory("d/s");
	scratch_put(AT_FDCWD, "d/s/old", "text");
	scratch_put(AT_FDCWD, "d/s/new", "text");
	(void)recorder_story(&r);
	since = after_change_of("d/s/new");
	write_after("d/s/new", &since);
	ck_assert_str_eq(compared(true, &since),
	    "modified f d/s/new\ncomplete f d/s/new\n");
	/* Where only names are compared nothing is. */
	ck_assert_str_eq(compared(true, NULL), "");
	end();
}
END_TEST

START_TEST(another_file_under_the_same_name_is_modified)
{
	begin("-r");
	make_file("d/a");
	(void)recorder_story(&r);
	make_file("out/a");
	move_to("out/a", "d/a");
	ck_assert_str_eq(compared(true, NULL), "modified f d/a\n");
	end();
}
END_TEST

START_TEST(a_file_born_before_is_told_as_renamed)
{
	struct timespec since;

	begin("-r");
	make_directory("d/s");
	make_file("d/a");
	make_file("d/b");
	make_file("d/c");
	(void)recorder_story(&r);
	if (!knows_births("d/a")) {
		skip(__func__, "no birth times on this file system");
		end();
		return;
	}
	since = now();
	move_to("d/a", "d/s/z");
	move_to("d/b", "d/c");
	ck_assert_str_eq(sorted(compared(true, &since)),
	    "renamed f d/a -> d/s/z\nrenamed f d/b -> d/c replaced\n");
	/* Without a moment to compare with numbers prove nothing. */
	move_to("d/s/z", "d/y");
	ck_assert_str_eq(compared(true, NULL),
	    "created f d/y\ndeleted f d/s/z\n");
	end();
}
END_TEST

START_TEST(a_file_born_later_is_another_one)
{
	struct timespec since;

	begin("");
	since = now();
	since.tv_sec -= 10;
	make_file("d/a");
	(void)recorder_story(&r);
	move_to("d/a", "d/b");
	ck_assert_str_eq(compared(true, &since),
	    "created f d/b\ndeleted f d/a\n");
	end();
}
END_TEST

START_TEST(a_directory_is_known_again_by_its_watch)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	make_directory("d/u");
	(void)recorder_story(&r);
	move_to("d/s/t", "d/u/t");
	ck_assert_str_eq(compared(true, NULL), "renamed d d/s/t -> d/u/t\n");
	make_file("d/u/t/x");
	ck_assert_str_eq(recorder_story(&r), "created f d/u/t/x\n");
	end();
}
END_TEST

START_TEST(names_that_changed_places_are_told_so_that_a_fold_follows)
{
	struct timespec since;

	begin("-r");
	make_file("d/a");
	make_file("d/b");
	make_file("d/1");
	make_file("d/2");
	make_file("d/3");
	make_directory("d/s");
	make_file("d/s/x");
	make_directory("d/t");
	make_file("d/t/y");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	since = now();
	exchange("d/a", "d/b");
	exchange("d/s", "d/t");
	move_to("d/1", "out/1");
	move_to("d/2", "d/1");
	move_to("d/3", "d/2");
	move_to("out/1", "d/3");
	(void)compared(true, &since);
	recorder_check_fold(&r);
	end();
}
END_TEST

START_TEST(what_the_kernel_will_tell_is_told_once)
{
	begin("-r");
	make_directory("d/s");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	/* These are in the queue, and on the disk. */
	make_file("d/a");
	make_file("d/s/b");
	sync_compare(&r.core, &r.top, 1, true, NULL);
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/a\ncreated f d/s/b\n");
	ck_assert_uint_eq(r.ncreated, 3);
	recorder_check_fold(&r);
	end();
}
END_TEST

/* The back end, with a change made just before a watch is added: that is
 * between what was queued before and the listing. */
static struct backend_ops racing;

static int
add_late(struct backend *b, int dirfd, unsigned interest)
{
	if (faccessat(AT_FDCWD, "d/late", F_OK, AT_SYMLINK_NOFOLLOW) == -1) {
		make_file("d/late");
		make_file("d/passing");
		ck_assert_int_eq(unlink("d/passing"), 0);
	}
	return backend_inotify.add(b, dirfd, interest);
}

START_TEST(what_comes_between_queue_and_listing_is_told_once)
{
	racing = backend_inotify;
	racing.add = add_late;
	begin("-r");
	r.marks_synthetic = true;
	make_file("d/a");
	(void)recorder_story(&r);
	make_file("d/b");
	recorder_deafen(&r);
	r.core.side[0].ops = &racing;
	sync_compare(&r.core, &r.top, 1, true, NULL);
	/* Left to the hints. */
	ck_assert_str_eq(recorder_told(&r), "created f d/b synthetic\n");
	ck_assert_str_eq(recorder_story(&r),
	    "created f d/late\ncreated f d/passing\n"
	    "deleted f d/passing\n");
	end();
}
END_TEST

/* The last moment at which nobody watches. */
static int
add_early(struct backend *b, int dirfd, unsigned interest)
{
	if (faccessat(AT_FDCWD, "d/s/early", F_OK, AT_SYMLINK_NOFOLLOW) == -1)
		make_file("d/s/early");
	return backend_inotify.add(b, dirfd, interest);
}

START_TEST(a_directory_is_watched_before_it_is_listed)
{
	racing = backend_inotify;
	racing.add = add_early;
	begin("-r");
	r.core.side[0].ops = &racing;
	make_directory("d/s");
	ck_assert_str_eq(recorder_story(&r),
	    "created d d/s\ncreated f d/s/early\n");
	end();
}
END_TEST

/* The directory above moves on just when one of two places is entered. */
static int
add_and_move(struct backend *b, int dirfd, unsigned interest)
{
	int id = backend_inotify.add(b, dirfd, interest);

	if (faccessat(AT_FDCWD, "d/x/s/a", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		move_to("d/x/s", "d/x/t");
	return id;
}

START_TEST(two_places_of_a_directory_are_not_taken_for_a_rename)
{
	recorder_open(&r, "-r");
	make_directory("d/x");
	make_directory("d/x/s");
	make_directory("d/y");
	if (!scratch_mounts() ||
	    mount("d/x", "d/y", NULL, MS_BIND, NULL) == -1) {
		skip(__func__, "no mounts here");
		recorder_close(&r);
		return;
	}
	recorder_enter(&r);
	recorder_begin_fold(&r);
	racing = backend_inotify;
	racing.add = add_and_move;
	r.core.side[0].ops = &racing;
	/* Both places are open from here on, for as long as it lasts. */
	make_file("d/x/s/f");
	make_directory("d/x/s/a");
	ck_assert_str_eq(sorted(recorder_story(&r)),
	    "created d d/x/s/a\ncreated d d/y/s/a\n"
	    "created f d/x/s/f\ncreated f d/y/s/f\n"
	    "renamed d d/x/s -> d/x/t\nrenamed d d/y/s -> d/y/t\n");
	make_file("d/x/t/a/f");
	ck_assert_str_eq(sorted(recorder_story(&r)),
	    "created f d/x/t/a/f\ncreated f d/y/t/a/f\n");
	recorder_check_fold(&r);
	ck_assert_int_eq(umount2("d/y", MNT_DETACH), 0);
	recorder_close(&r);
}
END_TEST

START_TEST(another_directory_under_the_name_is_not_taken_for_the_one_known)
{
	struct dir *s;

	begin("-r");
	make_directory("d/s");
	make_file("d/s/f");
	make_directory("out/s");
	make_file("out/s/x");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	s = entry_at("s")->dir;
	exchange("d/s", "out/s");
	recorder_deafen(&r);
	(void)sync_name(&r.core, s, "x", COMPLETE_FOUND);
	/* Nothing of the one is told as being in the other, */
	ck_assert_str_eq(recorder_told(&r), "");
	recorder_run(&r);
	recorder_check_fold(&r);
	/* and it is watched, not the one that has gone. */
	(void)recorder_told(&r);
	make_file("d/s/more");
	make_file("out/s/more");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/more\n");
	end();
}
END_TEST

/* Where a directory is gone and something else has its name, in whatever
 * order a listing has the names. */
START_TEST(what_has_left_a_directory_that_is_gone_is_told_first)
{
	struct timespec since;
	char a[32], b[32], dir[32];
	const char *story;
	size_t n = 0;
	int i;

	begin("-r");
	for (i = 0; i < 20; i++) {
		(void)snprintf(dir, sizeof(dir), "d/%d", i);
		(void)snprintf(a, sizeof(a), "d/%d/f", i);
		make_directory(dir);
		if (i % 2 == 0)
			make_file(a);
		else
			make_directory(a);
	}
	(void)recorder_story(&r);
	if (!knows_births("d/0/f")) {
		skip(__func__, "no birth times on this file system");
		end();
		return;
	}
	since = now();
	recorder_begin_fold(&r);
	for (i = 0; i < 20; i++) {
		(void)snprintf(dir, sizeof(dir), "d/%d", i);
		(void)snprintf(a, sizeof(a), "d/%d/f", i);
		(void)snprintf(b, sizeof(b), "d/f%d", i);
		move_to(a, b);
		remove_all(dir);
		make_file(dir);
	}
	story = compared(true, &since);
	while ((story = strstr(story, "renamed ")) != NULL) {
		story++;
		n++;
	}
	ck_assert_uint_eq(n, 20);
	recorder_check_fold(&r);
	end();
}
END_TEST

START_TEST(a_name_is_compared_alone)
{
	begin("-r");
	r.marks_synthetic = true;
	make_file("d/a");
	make_file("d/b");
	(void)recorder_story(&r);
	make_file("d/c");
	ck_assert_int_eq(unlink("d/a"), 0);
	ck_assert_int_eq(unlink("d/b"), 0);
	recorder_deafen(&r);
	ck_assert(sync_name(&r.core, r.top, "a", COMPLETE_FOUND));
	ck_assert_str_eq(recorder_told(&r), "deleted f d/a synthetic\n");
	ck_assert(sync_name(&r.core, r.top, "c", COMPLETE_FOUND));
	ck_assert_str_eq(recorder_told(&r), "created f d/c synthetic\n");
	ck_assert(sync_name(&r.core, r.top, "c", COMPLETE_FOUND));
	ck_assert(sync_name(&r.core, r.top, "none", COMPLETE_FOUND));
	ck_assert_str_eq(recorder_told(&r), "");
	ck_assert_ptr_nonnull(entry_at("b"));
	ck_assert(sync_name(&r.core, r.top, "b", COMPLETE_FOUND));
	ck_assert_uint_eq(r.core.doubts.n, 0);
	end();
}
END_TEST

START_TEST(a_name_that_is_pending_is_put_off)
{
	begin("");
	r.marks_synthetic = true;
	make_file("d/a");
	ck_assert(!sync_name(&r.core, r.top, "a", COMPLETE_FOUND));
	ck_assert_str_eq(recorder_told(&r), "");
	ck_assert_uint_eq(r.core.doubts.n, 1);
	ck_assert_str_eq(recorder_story(&r), "created f d/a\n");
	end();
}
END_TEST

START_TEST(what_has_appeared_is_told_with_what_it_holds)
{
	struct event_stat st;

	begin("-r");
	make_directory("d/s");
	make_file("d/s/f");
	recorder_deafen(&r);
	ck_assert_int_eq(stat_at(AT_FDCWD, "d/s", false, &st), 0);
	sync_created(&r.core, r.top, "s", &st, false, COMPLETE_ASK);
	ck_assert_str_eq(recorder_told(&r), "created d d/s\ncreated f d/s/f\n");
	end();
}
END_TEST

START_TEST(what_may_not_be_read_is_said_and_told_when_it_may)
{
	recorder_open(&r, "-r");
	if (geteuid() == 0) {
		skip(__func__, "root may read everything");
		recorder_close(&r);
		return;
	}
	recorder_enter(&r);
	make_directory("d/s");
	make_file("d/s/f");
	ck_assert_int_eq(chmod("d/s", 0), 0);
	ck_assert_str_eq(sorted(recorder_story(&r)),
	    "# d/s: not watched: Permission denied\ncreated d d/s\n");
	ck_assert_int_eq(chmod("d/s", 0755), 0);
	ck_assert_str_eq(recorder_story(&r), "created f d/s/f\n");
	end();
}
END_TEST

START_TEST(thousands_of_names_and_levels_are_compared)
{
	char path[4096] = "d";
	int i;

	begin("-r");
	for (i = 0; i < 300; i++) {
		(void)snprintf(path + strlen(path), 8, "/l");
		make_directory(path);
	}
	for (i = 0; i < 3000; i++) {
		(void)snprintf(path, sizeof(path), "d/%d", i);
		make_file(path);
	}
	(void)compared(true, NULL);
	ck_assert_uint_eq(r.ncreated, 3300);
	(void)compared(true, NULL);
	ck_assert_uint_eq(r.ncreated, 3300);
	end();
}
END_TEST

START_TEST(a_directory_that_is_another_one_now_is_told_anew)
{
	begin("-r");
	make_directory("d/s");
	make_file("d/s/old");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	move_to("d/s", "out/s");
	make_directory("d/s");
	make_file("d/s/new");
	(void)compared(true, NULL);
	recorder_check_fold(&r);
	make_file("out/s/more");
	ck_assert_str_eq(recorder_story(&r), "");
	make_file("d/s/more");
	ck_assert_str_eq(recorder_story(&r), "created f d/s/more\n");
	end();
}
END_TEST

START_TEST(a_directory_that_has_moved_is_compared_too)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	move_to("d/s/t", "d/t");
	make_file("d/t/new");
	ck_assert_int_eq(unlink("d/t/f"), 0);
	(void)compared(true, NULL);
	recorder_check_fold(&r);
	end();
}
END_TEST

START_TEST(a_directory_that_went_into_one_that_moved_is_found)
{
	begin("-r");
	make_directory("d/s");
	make_directory("d/s/t");
	make_file("d/s/t/f");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	move_to("d/s/t", "d/t");
	move_to("d/s", "d/t/s");
	(void)compared(true, NULL);
	recorder_check_fold(&r);
	end();
}
END_TEST

/* While p and q are compared a directory moves from the one to the other, and
 * p is exchanged with another one for a moment. */
static int
add_and_stir(struct backend *b, int dirfd, unsigned interest)
{
	int id = backend_inotify.add(b, dirfd, interest);

	if (faccessat(dirfd, "other", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		exchange("out/p", "d/p");
	else if (faccessat(dirfd, "moves", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    faccessat(AT_FDCWD, "d/p/n", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		move_to("d/p/n", "d/q/n");
	return id;
}

START_TEST(what_was_found_in_two_places_was_told_in_neither)
{
	struct dir *dirs[3];

	begin("-r");
	make_directory("d/p");
	make_directory("d/q");
	make_directory("out/p");
	make_file("out/p/other");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	make_directory("d/p/n");
	make_file("d/p/n/moves");
	exchange("d/p", "out/p");
	recorder_deafen(&r);
	dirs[0] = r.top;
	dirs[1] = entry_at("p")->dir;
	dirs[2] = entry_at("q")->dir;
	racing = backend_inotify;
	racing.add = add_and_stir;
	r.core.side[0].ops = &racing;
	sync_compare(&r.core, dirs, 3, false, NULL);
	recorder_run(&r);
	recorder_check_fold(&r);
	end();
}
END_TEST

START_TEST(a_directory_below_the_one_that_took_its_name_can_be_followed)
{
	begin("-r");
	make_directory("d/a");
	make_file("d/a/1");
	make_directory("d/b");
	make_file("d/b/2");
	(void)recorder_story(&r);
	recorder_begin_fold(&r);
	exchange("d/a", "d/b");
	move_to("d/b", "d/a/a");
	(void)compared(true, NULL);
	recorder_check_fold(&r);
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sync");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_set_timeout(core, 30);
	tcase_set_timeout(limits, 60);
	tcase_add_test(core, a_name_is_classified_by_what_is_there);
	tcase_add_test(core, the_same_is_what_has_type_and_number);
	tcase_add_test(core, a_top_is_entered_with_all_below_it_parents_first);
	tcase_add_test(core, a_top_that_cannot_be_listed_is_an_error);
	tcase_add_test(core, what_nobody_told_is_found_by_comparing);
	tcase_add_test(core, a_shallow_comparison_looks_at_its_directory_only);
	tcase_add_test(core,
	    a_directory_told_and_never_entered_is_told_with_what_it_holds);
	tcase_add_test(core, another_type_under_the_same_name_is_another_thing);
	tcase_add_test(core,
	    only_files_changed_since_then_are_told_as_modified);
	tcase_add_test(core, another_file_under_the_same_name_is_modified);
	tcase_add_test(core, a_file_born_before_is_told_as_renamed);
	tcase_add_test(core, a_file_born_later_is_another_one);
	tcase_add_test(core, a_directory_that_has_moved_is_compared_too);
	tcase_add_test(core,
	    a_directory_that_went_into_one_that_moved_is_found);
	tcase_add_test(core,
	    a_directory_below_the_one_that_took_its_name_can_be_followed);
	tcase_add_test(core, what_was_found_in_two_places_was_told_in_neither);
	tcase_add_test(core, a_directory_is_known_again_by_its_watch);
	tcase_add_test(core,
	    names_that_changed_places_are_told_so_that_a_fold_follows);
	tcase_add_test(core, what_the_kernel_will_tell_is_told_once);
	tcase_add_test(core, what_comes_between_queue_and_listing_is_told_once);
	tcase_add_test(core, a_directory_is_watched_before_it_is_listed);
	tcase_add_test(core,
	    another_directory_under_the_name_is_not_taken_for_the_one_known);
	tcase_add_test(core,
	    two_places_of_a_directory_are_not_taken_for_a_rename);
	tcase_add_test(core,
	    what_has_left_a_directory_that_is_gone_is_told_first);
	tcase_add_test(core, a_name_is_compared_alone);
	tcase_add_test(core, a_name_that_is_pending_is_put_off);
	tcase_add_test(core, what_has_appeared_is_told_with_what_it_holds);
	tcase_add_test(limits, thousands_of_names_and_levels_are_compared);
	tcase_add_test(hostile,
	    what_may_not_be_read_is_said_and_told_when_it_may);
	tcase_add_test(hostile,
	    a_directory_that_is_another_one_now_is_told_anew);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
