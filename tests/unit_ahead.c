#include <sys/resource.h>
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"
#include "backend.h"
#include "scratch.h"
#include "suite.h"

static const struct backend_ops *const ops = &backend_inotify;

static struct scratch dir;
static struct backend *b;
static struct ahead *a;
static uint64_t dev;
/* In place of directories of the index: they are only handed through. */
static char dirs[4 * AHEAD_MAX];

/* With a directory in which the tests make theirs. */
static void
begin(const struct timespec *since)
{
	struct stat st;

	scratch_open(&dir);
	ck_assert_int_eq(fchdir(dir.fd), 0);
	ck_assert_int_eq(fstat(dir.fd, &st), 0);
	dev = st.st_dev;
	b = ops->open(2000);
	ck_assert_ptr_nonnull(b);
	a = ahead_new(ops, b, BACKEND_NAMES, since);
	ck_assert_ptr_nonnull(a);
}

static void
end(void)
{
	ahead_free(a);
	ops->close(b);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&dir);
}

static void
make_dir(const char *path)
{
	ck_assert_int_eq(mkdirat(dir.fd, path, 0755), 0);
}

static void
make_file(const char *path)
{
	scratch_put(dir.fd, path, "");
}

static void
ask(size_t i, const char *path)
{
	ahead_add(a, (struct dir *)(void *)&dirs[i], dir.fd, path, dev, 0);
}

static struct ahead_dir *
next(size_t i)
{
	struct ahead_dir *got = ahead_next(a);

	ck_assert_ptr_nonnull(got);
	ck_assert_ptr_eq(got->dir, &dirs[i]);
	return got;
}

static void
expect_not_had(size_t i)
{
	const struct ahead_dir *got = next(i);

	ck_assert_int_eq(got->fd, -1);
	ck_assert_int_eq(got->id, -1);
}

struct names {
	size_t n;
	size_t old;
	unsigned long sum; /* of names that are numbers */
	char last[256];
};

static int
take(void *ctx, const struct dirent_line *line)
{
	struct names *names = ctx;

	names->n++;
	names->old += line->old;
	names->sum += strtoul(line->name, NULL, 10);
	(void)snprintf(names->last, sizeof(names->last), "%s", line->name);
	return 0;
}

static struct names
read_names(const struct ahead_dir *got)
{
	struct names names = {0};

	ck_assert_int_ne(got->fd, -1);
	ck_assert_int_ge(got->id, 0);
	ck_assert_int_eq(ahead_lines(got, take, &names), 0);
	(void)close(got->fd);
	return names;
}

START_TEST(directories_are_had_in_the_order_they_were_asked_for)
{
	static char name[AHEAD_MAX][16];
	char path[64];
	struct names names;
	size_t i, turn;

	begin(NULL);
	for (i = 0; i < AHEAD_MAX; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "%zu", i);
		make_dir(name[i]);
		(void)snprintf(path, sizeof(path), "%zu/f-%zu", i, i);
		make_file(path);
	}
	/* Both threads are in step for as long as it takes. */
	for (turn = 0; turn < 40; turn++) {
		for (i = 0; i < AHEAD_MAX; i++)
			ask(i, name[i]);
		ahead_run(a);
		for (i = 0; i < AHEAD_MAX; i++) {
			names = read_names(next(i));
			ck_assert_uint_eq(names.n, 1);
			ck_assert_uint_eq(names.old, 0);
			(void)snprintf(path, sizeof(path), "f-%zu", i);
			ck_assert_str_eq(names.last, path);
		}
		ck_assert_ptr_null(ahead_next(a));
	}
	end();
}
END_TEST

/* The watch is what is told of by the back end, for the directory itself. */
START_TEST(what_happens_after_the_listing_is_told)
{
	char name[AHEAD_MAX][16], path[64];
	int id[AHEAD_MAX];
	struct ahead_dir *got;
	struct hint h;
	size_t i;

	begin(NULL);
	for (i = 0; i < AHEAD_MAX; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "%zu", i);
		make_dir(name[i]);
		ask(i, name[i]);
	}
	ahead_run(a);
	for (i = 0; i < AHEAD_MAX; i++) {
		got = next(i);
		id[i] = got->id;
		ck_assert_uint_eq(read_names(got).n, 0);
	}
	for (i = 0; i < AHEAD_MAX; i++) {
		(void)snprintf(path, sizeof(path), "%zu/new-%zu", i, i);
		make_file(path);
	}
	ck_assert_int_eq(ops->fill(b), 1);
	for (i = 0; i < AHEAD_MAX; i++) {
		ck_assert_int_eq(ops->next(b, &h), 1);
		ck_assert_int_eq(h.kind, HINT_CREATED);
		ck_assert_int_eq(h.id, id[i]);
		(void)snprintf(path, sizeof(path), "new-%zu", i);
		ck_assert_str_eq(h.name, path);
	}
	ck_assert_int_eq(ops->next(b, &h), 0);
	end();
}
END_TEST

START_TEST(the_current_directory_stays_what_it_is)
{
	char name[AHEAD_MAX][16], before[4096], after[4096];
	size_t i, turn;

	begin(NULL);
	for (i = 0; i < AHEAD_MAX; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "%zu", i);
		make_dir(name[i]);
	}
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	for (turn = 0; turn < 20; turn++) {
		for (i = 0; i < AHEAD_MAX; i++)
			ask(i, name[i]);
		ahead_run(a);
		ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
		ck_assert_str_eq(after, before);
		for (i = 0; i < AHEAD_MAX; i++)
			(void)read_names(next(i));
	}
	end();
}
END_TEST

START_TEST(what_is_not_plain_is_not_had)
{
	struct stat st;

	begin(NULL);
	make_dir("is");
	make_file("file");
	ck_assert_int_eq(symlinkat("is", dir.fd, "link"), 0);
	ck_assert_int_eq(fstatat(dir.fd, "is", &st, 0), 0);
	ask(0, "is");
	ask(1, "missing");
	ask(2, "file");
	ask(3, "link");
	ask(4, NULL);
	ahead_add(a, (struct dir *)(void *)&dirs[5], dir.fd, "is", dev + 1, 0);
	ahead_add(a, (struct dir *)(void *)&dirs[6], dir.fd, "is", dev,
	    st.st_ino + 1);
	ahead_add(a, (struct dir *)(void *)&dirs[7], dir.fd, "is", dev,
	    st.st_ino);
	ahead_run(a);
	ck_assert_uint_eq(read_names(next(0)).n, 0);
	expect_not_had(1);
	expect_not_had(2);
	expect_not_had(3);
	expect_not_had(4);
	expect_not_had(5);
	expect_not_had(6);
	ck_assert_uint_eq(read_names(next(7)).n, 0);
	ck_assert_ptr_null(ahead_next(a));
	end();
}
END_TEST

START_TEST(old_files_are_known_from_new_ones)
{
	struct timespec since = {0};
	struct stat st, since_st;
	struct names names;

	begin(&since);
	make_dir("d");
	make_file("d/1");
	make_file("d/2");
	make_dir("d/4");
	/* The clock of files goes on in ticks. */
	ck_assert_int_eq(fstatat(dir.fd, "d/2", &st, 0), 0);
	do {
		(void)unlinkat(dir.fd, "d/8", 0);
		make_file("d/8");
		ck_assert_int_eq(fstatat(dir.fd, "d/8", &since_st, 0), 0);
	} while (since_st.st_ctim.tv_sec == st.st_ctim.tv_sec &&
	    since_st.st_ctim.tv_nsec == st.st_ctim.tv_nsec);
	since = since_st.st_ctim;
	ask(0, "d");
	ahead_run(a);
	names = read_names(next(0));
	ck_assert_uint_eq(names.n, 4);
	ck_assert_uint_eq(names.sum, 15);
	ck_assert_uint_eq(names.old, 2);
	end();
}
END_TEST

/* More than is read of one, and of all together. */
START_TEST(large_directories_are_had_whole)
{
	enum { DIRS = 20, FILES = 700 };
	char name[DIRS][16], path[300];
	struct names names;
	size_t i, k;

	begin(NULL);
	for (i = 0; i < DIRS; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "%zu", i);
		make_dir(name[i]);
		for (k = 0; k < FILES; k++) {
			(void)snprintf(path, sizeof(path),
			    "%zu/%zu-with-a-name-of-some-length", i, k);
			make_file(path);
		}
		ask(i, name[i]);
	}
	ahead_run(a);
	for (i = 0; i < DIRS; i++) {
		names = read_names(next(i));
		ck_assert_uint_eq(names.n, FILES);
		ck_assert_uint_eq(names.sum, FILES * (FILES - 1) / 2);
	}
	end();
}
END_TEST

START_TEST(with_few_descriptors_nothing_is_had)
{
	struct rlimit was, few;

	begin(NULL);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_ptr_null(ahead_new(ops, b, BACKEND_NAMES, NULL));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	end();
}
END_TEST

START_TEST(only_a_back_end_for_two_threads_is_asked)
{
	begin(NULL);
	ck_assert_ptr_null(ahead_new(&backend_poll, b, BACKEND_NAMES, NULL));
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ahead");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_set_timeout(core, 120);
	tcase_add_test(core,
	    directories_are_had_in_the_order_they_were_asked_for);
	tcase_add_test(core, what_happens_after_the_listing_is_told);
	tcase_add_test(core, the_current_directory_stays_what_it_is);
	tcase_add_test(core, what_is_not_plain_is_not_had);
	tcase_add_test(core, old_files_are_known_from_new_ones);
	suite_add_tcase(s, core);
	tcase_set_timeout(limits, 120);
	tcase_add_test(limits, large_directories_are_had_whole);
	tcase_add_test(limits, with_few_descriptors_nothing_is_had);
	tcase_add_test(limits, only_a_back_end_for_two_threads_is_asked);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
