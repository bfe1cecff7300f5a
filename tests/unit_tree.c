#include <check.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "pool.h"
#include "suite.h"
#include "tree.h"

static struct pool *pool;

static struct dir *
begin(void)
{
	struct dir *top;

	pool = pool_new();
	ck_assert_ptr_nonnull(pool);
	top = tree_top(pool, NULL);
	ck_assert_ptr_nonnull(top);
	return top;
}

static void
end(struct dir *top)
{
	tree_free_top(top);
	pool_end(pool);
}

static struct entry *
add(struct dir *d, const char *name, enum event_type type)
{
	struct entry *e = tree_new(pool, name, strlen(name), type, 1);

	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(tree_link(d, e), 0);
	return e;
}

static struct entry *
find(const struct dir *d, const char *name)
{
	return tree_find(d, name, strlen(name));
}

static void
assert_name(const struct dir *d, const char *name, const char *want)
{
	struct buf b = BUF_INIT;

	tree_name(d, name, name != NULL ? strlen(name) : 0, &b);
	ck_assert_str_eq(b.data, want);
	ck_assert_uint_eq(b.len, strlen(want));
	buf_free(&b);
}

START_TEST(a_path_is_put_together_from_the_parents)
{
	struct dir *top = begin();
	struct dir *a = add(top, "a", EVENT_DIR)->dir;
	struct dir *b = add(a, "bb", EVENT_DIR)->dir;

	assert_name(b, "c", "a/bb/c");
	assert_name(b, NULL, "a/bb");
	assert_name(top, "x", "x");
	assert_name(top, NULL, "");
	ck_assert_uint_eq(tree_level(top), 1);
	ck_assert_uint_eq(tree_level(b), 3);
	end(top);
}
END_TEST

START_TEST(a_moved_directory_takes_all_below_it_along)
{
	struct dir *top = begin();
	struct entry *a = add(top, "a", EVENT_DIR);
	struct dir *z = add(top, "z", EVENT_DIR)->dir;
	struct dir *deep = add(a->dir, "deep", EVENT_DIR)->dir;

	add(deep, "file", EVENT_FILE);
	a = tree_move(top, a, z, "moved", 5);
	ck_assert_ptr_nonnull(a);
	assert_name(deep, "file", "z/moved/deep/file");
	ck_assert_ptr_null(find(top, "a"));
	ck_assert_ptr_eq(find(z, "moved"), a);
	ck_assert(tree_below(deep, z));
	ck_assert(!tree_below(z, deep));
	end(top);
}
END_TEST

START_TEST(an_exchange_swaps_the_objects_and_keeps_the_names)
{
	struct dir *top = begin();
	struct entry *d = add(top, "d", EVENT_DIR);
	struct entry *f = add(top, "f", EVENT_FILE);
	struct dir *dir = d->dir;

	f->ino = 77;
	add(dir, "in", EVENT_FILE);
	tree_exchange(top, d, top, f);
	ck_assert_int_eq(find(top, "d")->type, EVENT_FILE);
	ck_assert_uint_eq(find(top, "d")->ino, 77);
	ck_assert_ptr_eq(find(top, "f")->dir, dir);
	assert_name(dir, "in", "f/in");
	end(top);
}
END_TEST

START_TEST(a_large_directory_keeps_what_is_added_and_loses_what_is_removed)
{
	enum { MANY = 5000 };
	struct dir *top = begin();
	struct entry *e;
	char name[32];
	uint32_t pos = 0;
	int i, seen = 0;

	for (i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		add(top, name, EVENT_FILE);
	}
	for (i = 0; i < MANY; i += 3) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		e = find(top, name);
		ck_assert_ptr_nonnull(e);
		tree_unlink(top, e);
		tree_free(e);
	}
	for (i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		ck_assert_int_eq(find(top, name) != NULL, i % 3 != 0);
	}
	while (tree_next(top, &pos) != NULL)
		seen++;
	ck_assert_int_eq(seen, (int)top->count);
	ck_assert_int_eq(seen, MANY - (MANY + 2) / 3);
	end(top);
}
END_TEST

/* With what an entry takes itself that is less than 32 bytes and the name. */
START_TEST(a_hundred_entries_take_no_more_than_128_slots)
{
	struct dir *top = begin();
	char name[16];
	int i;

	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		(void)add(top, name, EVENT_FILE);
	}
	ck_assert_uint_le(top->cap, 128);
	end(top);
}
END_TEST

START_TEST(a_tree_deeper_than_any_stack_is_freed)
{
	struct dir *top = begin(), *d = top;
	int i;

	for (i = 0; i < 300000; i++) {
		add(d, "f", EVENT_FILE);
		d = add(d, "d", EVENT_DIR)->dir;
	}
	end(top);
}
END_TEST

START_TEST(a_name_of_255_bytes_fits_and_a_longer_one_does_not)
{
	struct dir *top = begin();
	char name[257];
	struct entry *e;

	memset(name, 'n', sizeof(name));
	e = tree_new(pool, name, 255, EVENT_FILE, 0);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(strlen(e->name), 255);
	tree_free(e);
	ck_assert_ptr_null(tree_new(pool, name, 256, EVENT_FILE, 0));
	end(top);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tree");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core, a_path_is_put_together_from_the_parents);
	tcase_add_test(core, a_moved_directory_takes_all_below_it_along);
	tcase_add_test(core, an_exchange_swaps_the_objects_and_keeps_the_names);
	tcase_set_timeout(limits, 60);
	tcase_add_test(limits,
	    a_large_directory_keeps_what_is_added_and_loses_what_is_removed);
	tcase_add_test(limits, a_hundred_entries_take_no_more_than_128_slots);
	tcase_add_test(limits, a_tree_deeper_than_any_stack_is_freed);
	tcase_add_test(limits,
	    a_name_of_255_bytes_fits_and_a_longer_one_does_not);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	return suite_main(s);
}
