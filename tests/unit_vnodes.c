#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "vnodes.h"

static struct vnodes all;

static void
begin(void)
{
	vnodes_init(&all);
}

static void
end(void)
{
	struct place *p;
	size_t id;

	for (id = 0; id < all.nplaces; id++) {
		p = all.places[id];
		if (p == NULL)
			continue;
		while (!LIST_EMPTY(&p->files))
			vnodes_drop(&all, LIST_FIRST(&p->files));
		if (p->self != NULL)
			vnodes_drop(&all, p->self);
		vnodes_end(&all, p);
	}
	ck_assert_uint_eq(all.n, 0);
	ck_assert(TAILQ_EMPTY(&all.queue));
	ck_assert(LIST_EMPTY(&all.files));
	vnodes_free(&all);
}

static struct vnode *
put_vnode(struct place *p, const char *name, int fd, uint64_t ino)
{
	struct vnode *t = vnodes_new(&all, p, name, fd);

	ck_assert_ptr_nonnull(t);
	t->dev = 1;
	t->ino = ino;
	vnodes_put(&all, t);
	return t;
}

static struct place *
directory(int fd, uint64_t ino)
{
	struct place *p = vnodes_place(&all, 0);

	ck_assert_ptr_nonnull(p);
	(void)put_vnode(p, "", fd, ino);
	return p;
}

START_TEST(each_is_found_by_what_it_is_known_by)
{
	struct place *d = directory(3, 10), *e = directory(4, 11);
	struct vnode *a = put_vnode(d, "a", 5, 12),
		     *b = put_vnode(e, "a", 6, 12);

	ck_assert_ptr_eq(vnodes_dir(&all, 1, 10), d);
	ck_assert_ptr_eq(vnodes_dir(&all, 1, 11), e);
	ck_assert_ptr_null(vnodes_dir(&all, 2, 10));
	/* A file is no directory, whatever its number. */
	ck_assert_ptr_null(vnodes_dir(&all, 1, 12));
	ck_assert_ptr_eq(vnodes_file(&all, d, "a"), a);
	ck_assert_ptr_eq(vnodes_file(&all, e, "a"), b);
	ck_assert_ptr_null(vnodes_file(&all, d, "b"));
	ck_assert_ptr_eq(vnodes_of_fd(&all, 5), a);
	ck_assert_ptr_eq(vnodes_of_fd(&all, 3), d->self);
	ck_assert_ptr_null(vnodes_of_fd(&all, 7));
	ck_assert_ptr_null(vnodes_of_fd(&all, 1000000));
	ck_assert_ptr_null(vnodes_of_fd(&all, UINTPTR_MAX));
}
END_TEST

START_TEST(what_has_been_dropped_is_not_found)
{
	struct place *d = directory(3, 10);
	struct vnode *a = put_vnode(d, "a", 5, 12);
	uint32_t stamp = a->stamp;

	vnodes_note(&all, a, 1);
	vnodes_drop(&all, a);
	ck_assert_ptr_null(vnodes_file(&all, d, "a"));
	ck_assert_ptr_null(vnodes_of_fd(&all, 5));
	ck_assert(TAILQ_EMPTY(&all.queue));
	/* Its number may come again, and its stamp does not. */
	a = put_vnode(d, "a", 5, 12);
	ck_assert_uint_ne(a->stamp, stamp);
}
END_TEST

START_TEST(the_queue_has_each_once_and_in_order)
{
	struct place *d = directory(3, 10);
	struct vnode *a = put_vnode(d, "a", 4, 11),
		     *b = put_vnode(d, "b", 5, 12);

	vnodes_note(&all, b, 1);
	vnodes_note(&all, a, 2);
	vnodes_note(&all, b, 4);
	vnodes_note(&all, d->self, 0);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.queue), b);
	ck_assert_uint_eq(b->notes, 5);
	vnodes_told(&all, b, 1);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.queue), b);
	vnodes_told(&all, b, 6);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.queue), a);
	ck_assert_ptr_null(TAILQ_NEXT(a, queue));
	/* Telling what was not there changes nothing. */
	vnodes_told(&all, b, 1);
	vnodes_told(&all, a, 2);
	ck_assert(TAILQ_EMPTY(&all.queue));
}
END_TEST

START_TEST(an_id_is_free_again_when_its_directory_has_ended)
{
	struct place *p[200];
	int i;

	for (i = 0; i < 200; i++) {
		p[i] = directory(i, (uint64_t)i);
		ck_assert_int_eq(p[i]->id, i);
	}
	for (i = 60; i > 40; i -= 10) {
		vnodes_drop(&all, p[i]->self);
		vnodes_end(&all, p[i]);
	}
	ck_assert_int_eq(directory(500, 500)->id, 50);
	ck_assert_int_eq(directory(501, 501)->id, 60);
	ck_assert_int_eq(directory(502, 502)->id, 200);
	for (i = 0; i < 200; i++)
		if (i != 50 && i != 60)
			ck_assert_ptr_eq(vnodes_dir(&all, 1, (uint64_t)i),
			    p[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vnodes");
	TCase *tc;

	tc = tcase_create("Core");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, each_is_found_by_what_it_is_known_by);
	tcase_add_test(tc, the_queue_has_each_once_and_in_order);
	suite_add_tcase(suite, tc);
	tc = tcase_create("Limits");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, what_has_been_dropped_is_not_found);
	tcase_add_test(tc, an_id_is_free_again_when_its_directory_has_ended);
	suite_add_tcase(suite, tc);
	return harness_main(suite);
}
