#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"
#include "handles.h"
#include "paths.h"
#include "scratch.h"
#include "suite.h"
#include "why.h"

static struct scratch dir;
static struct durable d;
static struct why why;
static struct paths p;
static const char *refused; /* may() says no to this name */
static int asked;

static void
release(void *ctx, struct handle *h)
{
	(void)ctx;
	(void)h;
}

static int
may(void *ctx, int dirfd, const char *name, bool *every_name, char *text,
    size_t size)
{
	(void)ctx;
	(void)dirfd;
	asked++;
	*every_name = refused == NULL;
	if (refused == NULL || strcmp(name, refused) != 0)
		return 0;
	(void)snprintf(text, size, "no %s", name);
	return 1;
}

static void
begin(int walled)
{
	struct paths_options o = {.durable = &d,
	    .why = &why,
	    .walled = walled != 0,
	    .may = may};

	scratch_open(&dir);
	why = (struct why)WHY_NONE;
	refused = NULL;
	asked = 0;
	o.handles = handles_new(8, release, NULL);
	ck_assert_ptr_nonnull(o.handles);
	d = (struct durable){.wanted = true, .handles = o.handles};
	ck_assert_int_eq(paths_init(&p, dir.fd, &o), 0);
}

static void
end(void)
{
	handles_free(p.o.handles);
	scratch_close(&dir);
}

static struct handle *
file(const char *path, int mode)
{
	return paths_file(&p, path, strlen(path), mode);
}

static struct handle *
parent(const char *path, bool make, const char **name)
{
	return paths_parent(&p, path, strlen(path), make, name);
}

START_TEST(the_last_name_and_its_directory_are_told)
{
	size_t len;

	ck_assert_str_eq(paths_name("a/bc/d", 6, &len), "d");
	ck_assert_uint_eq(len, 4);
	ck_assert_str_eq(paths_name("abc", 3, &len), "abc");
	ck_assert_uint_eq(len, 0);
	/* Only as much of it as is asked about. */
	ck_assert_str_eq(paths_name("a/bc/d", 4, &len), "bc/d");
	ck_assert_uint_eq(len, 1);
}
END_TEST

START_TEST(parents_are_made_when_told_to_and_are_due)
{
	struct handle *h, *due;
	const char *name;
	int n = 0;

	begin(_i);
	ck_assert_ptr_null(parent("a/b/c", false, &name));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert(!scratch_has(dir.fd, "a"));
	h = parent("a/b/c", true, &name);
	ck_assert_ptr_nonnull(h);
	ck_assert_str_eq(name, "c");
	ck_assert_str_eq(h->path, "a/b");
	ck_assert_uint_eq(h->pins, 1);
	handles_unpin(h);
	ck_assert(scratch_has(dir.fd, "a/b"));
	/* The root, where a is new, and a, where b is. */
	for (due = handles_first_due(p.o.handles); due != NULL;
	     due = handles_next_due(due))
		n++;
	ck_assert_int_eq(n, 2);
	end();
}
END_TEST

START_TEST(a_directory_that_is_another_by_now_is_opened_anew)
{
	struct handle *h;
	const char *name;
	ino_t ino;

	begin(_i);
	h = parent("a/f", true, &name);
	ck_assert_ptr_nonnull(h);
	ino = h->ino;
	handles_unpin(h);
	ck_assert_int_eq(renameat(dir.fd, "a", dir.fd, "b"), 0);
	ck_assert_int_eq(mkdirat(dir.fd, "a", 0755), 0);
	paths_batch(&p);
	h = parent("a/f", true, &name);
	ck_assert_ptr_nonnull(h);
	ck_assert_uint_ne(h->ino, ino);
	handles_unpin(h);
	/* And a link is not followed. */
	ck_assert_int_eq(unlinkat(dir.fd, "a", AT_REMOVEDIR), 0);
	ck_assert_int_eq(symlinkat("b", dir.fd, "a"), 0);
	paths_batch(&p);
	ck_assert_ptr_null(parent("a/f", true, &name));
	ck_assert_int_eq(errno, ELOOP);
	end();
}
END_TEST

START_TEST(a_file_stays_open_until_its_name_leads_elsewhere)
{
	struct handle *h;
	ino_t ino;

	begin(_i);
	h = file("a/f", -1);
	ck_assert_ptr_nonnull(h);
	ino = h->ino;
	ck_assert_ptr_eq(file("a/f", -1), h);
	paths_batch(&p);
	ck_assert_ptr_eq(file("a/f", -1), h);
	ck_assert_int_eq(renameat(dir.fd, "a/f", dir.fd, "a/old"), 0);
	/* Looked at once a batch. */
	ck_assert_ptr_eq(file("a/f", -1), h);
	paths_batch(&p);
	h = file("a/f", 0640);
	ck_assert_ptr_nonnull(h);
	ck_assert_uint_ne(h->ino, ino);
	/* A second name. */
	ck_assert_int_eq(linkat(dir.fd, "a/f", dir.fd, "a/link", 0), 0);
	paths_batch(&p);
	ck_assert_ptr_null(file("a/f", -1));
	ck_assert_str_eq(why.error, "EMLINK");
	end();
}
END_TEST

START_TEST(what_is_no_regular_file_is_not_opened)
{
	begin(_i);
	ck_assert_int_eq(mkdirat(dir.fd, "d", 0755), 0);
	ck_assert_int_eq(mkfifoat(dir.fd, "fifo", 0644), 0);
	ck_assert_ptr_null(file("d", -1));
	ck_assert_str_eq(why.error, "not-regular");
	why.error = NULL;
	ck_assert_ptr_null(file("fifo", -1));
	ck_assert_str_eq(why.error, "not-regular");
	ck_assert_ptr_nonnull(strstr(why.message, "FIFO"));
	end();
}
END_TEST

START_TEST(a_name_that_is_refused_is_not_made)
{
	begin(_i);
	refused = "no";
	ck_assert_ptr_null(file("a/no/f", -1));
	ck_assert_str_eq(why.error, "loop");
	ck_assert_str_eq(why.message, "no no");
	ck_assert(!scratch_has(dir.fd, "a/no"));
	why.error = NULL;
	ck_assert_ptr_null(file("a/no", -1));
	ck_assert_str_eq(why.error, "loop");
	ck_assert(!scratch_has(dir.fd, "a/no"));
	ck_assert_ptr_nonnull(file("a/yes", -1));
	/* Where every name is free that is asked once a batch. */
	refused = NULL;
	paths_batch(&p);
	asked = 0;
	ck_assert_ptr_nonnull(file("a/x", -1));
	ck_assert_ptr_nonnull(file("a/y", -1));
	ck_assert_int_eq(asked, 1);
	end();
}
END_TEST

START_TEST(the_way_to_what_was_there_is_due)
{
	struct handle *h;
	const char *name, *want[] = {"a/b", "a", ""};
	size_t i = 0;

	begin(_i);
	h = parent("a/b/c", true, &name);
	ck_assert_ptr_nonnull(h);
	handles_unpin(h);
	durable_commit(&d);
	ck_assert_int_eq(paths_due_way(&p, "a/b/c", 5), 0);
	for (h = handles_first_due(p.o.handles); h != NULL;
	     h = handles_next_due(h), i++) {
		ck_assert_uint_lt(i, 3);
		ck_assert_str_eq(h->path, want[i]);
	}
	ck_assert_uint_eq(i, 3);
	ck_assert_int_eq(paths_due_way(&p, "x/y", 3), -1);
	ck_assert_int_eq(errno, ENOENT);
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("paths");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	/* Behind a wall, and without. */
	tcase_add_test(core, the_last_name_and_its_directory_are_told);
	tcase_add_loop_test(core, parents_are_made_when_told_to_and_are_due, 0,
	    2);
	tcase_add_loop_test(core,
	    a_file_stays_open_until_its_name_leads_elsewhere, 0, 2);
	tcase_add_loop_test(core, the_way_to_what_was_there_is_due, 0, 2);
	tcase_add_loop_test(hostile,
	    a_directory_that_is_another_by_now_is_opened_anew, 0, 2);
	tcase_add_loop_test(hostile, what_is_no_regular_file_is_not_opened, 0,
	    2);
	tcase_add_loop_test(hostile, a_name_that_is_refused_is_not_made, 0, 2);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
