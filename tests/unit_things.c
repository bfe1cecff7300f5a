#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "things.h"

static struct things all;

static void
begin(void)
{
	things_init(&all);
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
			things_drop(&all, LIST_FIRST(&p->files));
		if (p->self != NULL)
			things_drop(&all, p->self);
		things_end(&all, p);
	}
	ck_assert_uint_eq(all.n, 0);
	ck_assert(TAILQ_EMPTY(&all.queue));
	ck_assert(LIST_EMPTY(&all.files));
	things_free(&all);
}

static struct thing *
put_thing(struct place *p, const char *name, int fd, uint64_t ino)
{
	struct thing *t = things_new(&all, p, name, fd);

	ck_assert_ptr_nonnull(t);
	t->dev = 1;
	t->ino = ino;
	things_put(&all, t);
	return t;
}

static struct place *
directory(int fd, uint64_t ino)
{
	struct place *p = things_place(&all, 0);

	ck_assert_ptr_nonnull(p);
	(void)put_thing(p, "", fd, ino);
	return p;
}

START_TEST(each_is_found_by_what_it_is_known_by)
{
	struct place *d = directory(3, 10), *e = directory(4, 11);
	struct thing *a = put_thing(d, "a", 5, 12),
		     *b = put_thing(e, "a", 6, 12);

	ck_assert_ptr_eq(things_dir(&all, 1, 10), d);
	ck_assert_ptr_eq(things_dir(&all, 1, 11), e);
	ck_assert_ptr_null(things_dir(&all, 2, 10));
	/* A file is no directory, whatever its number. */
	ck_assert_ptr_null(things_dir(&all, 1, 12));
	ck_assert_ptr_eq(things_file(&all, d, "a"), a);
	ck_assert_ptr_eq(things_file(&all, e, "a"), b);
	ck_assert_ptr_null(things_file(&all, d, "b"));
	ck_assert_ptr_eq(things_of_fd(&all, 5), a);
	ck_assert_ptr_eq(things_of_fd(&all, 3), d->self);
	ck_assert_ptr_null(things_of_fd(&all, 7));
	ck_assert_ptr_null(things_of_fd(&all, 1000000));
	ck_assert_ptr_null(things_of_fd(&all, UINTPTR_MAX));
}
END_TEST

START_TEST(what_has_been_dropped_is_not_found)
{
	struct place *d = directory(3, 10);
	struct thing *a = put_thing(d, "a", 5, 12);
	uint32_t stamp = a->stamp;

	things_note(&all, a, 1);
	things_drop(&all, a);
	ck_assert_ptr_null(things_file(&all, d, "a"));
	ck_assert_ptr_null(things_of_fd(&all, 5));
	ck_assert(TAILQ_EMPTY(&all.queue));
	/* Its number may come again, and its stamp does not. */
	a = put_thing(d, "a", 5, 12);
	ck_assert_uint_ne(a->stamp, stamp);
}
END_TEST

START_TEST(the_queue_has_each_once_and_in_order)
{
	struct place *d = directory(3, 10);
	struct thing *a = put_thing(d, "a", 4, 11),
		     *b = put_thing(d, "b", 5, 12);

	things_note(&all, b, 1);
	things_note(&all, a, 2);
	things_note(&all, b, 4);
	things_note(&all, d->self, 0);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.queue), b);
	ck_assert_uint_eq(b->notes, 5);
	things_told(&all, b, 1);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.queue), b);
	things_told(&all, b, 6);
	ck_assert_ptr_eq(TAILQ_FIRST(&all.queue), a);
	ck_assert_ptr_null(TAILQ_NEXT(a, queue));
	/* Telling what was not there changes nothing. */
	things_told(&all, b, 1);
	things_told(&all, a, 2);
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
		things_drop(&all, p[i]->self);
		things_end(&all, p[i]);
	}
	ck_assert_int_eq(directory(500, 500)->id, 50);
	ck_assert_int_eq(directory(501, 501)->id, 60);
	ck_assert_int_eq(directory(502, 502)->id, 200);
	for (i = 0; i < 200; i++)
		if (i != 50 && i != 60)
			ck_assert_ptr_eq(things_dir(&all, 1, (uint64_t)i),
			    p[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("things");
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
