#include <sys/resource.h>

#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "pool.h"
#include "suite.h"

enum { MANY = 40000, SLAB = 32768 };

static struct pool *pool;

static void
begin(void)
{
	pool = pool_new();
	ck_assert_ptr_nonnull(pool);
}

static void
end(void)
{
	pool_end(pool);
}

static void *
take(size_t size)
{
	unsigned char *p = pool_alloc(pool, size);
	size_t i;

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((uintptr_t)p % 8, 0);
	for (i = 0; i < size && p[i] == 0; i++)
		;
	ck_assert_uint_eq(i, size);
	return p;
}

/* Fills what was taken with bytes of its own. */
static void
mark(unsigned char *p, size_t size, size_t i)
{
	memset(p, (int)(i % 251) + 1, size);
}

static void
check_marked(const unsigned char *p, size_t size, size_t i)
{
	size_t k;

	for (k = 0; k < size && p[k] == i % 251 + 1; k++)
		;
	ck_assert_uint_eq(k, size);
}

static size_t
size_of(size_t i)
{
	return i * 7919 % (POOL_SMALL + 100);
}

START_TEST(what_is_handed_out_is_zero_and_nobody_elses)
{
	static unsigned char *p[MANY];
	size_t i, round;

	begin();
	for (i = 0; i < MANY; i++)
		mark(p[i] = take(size_of(i)), size_of(i), i);
	/* Every third is given back and taken again, twice. */
	for (round = 0; round < 2; round++) {
		for (i = round; i < MANY; i += 3)
			pool_free(p[i], size_of(i));
		for (i = round; i < MANY; i += 3)
			mark(p[i] = take(size_of(i)), size_of(i), i);
	}
	for (i = 0; i < MANY; i++) {
		check_marked(p[i], size_of(i), i);
		pool_free(p[i], size_of(i));
	}
	end();
}
END_TEST

START_TEST(more_comes_from_the_pool_that_the_first_came_from)
{
	unsigned char *near, *p;

	begin();
	near = take(16);
	p = pool_alloc_near(near, 24);
	ck_assert_ptr_nonnull(p);
	mark(p, 24, 1);
	mark(near, 16, 2);
	check_marked(p, 24, 1);
	pool_free(p, 24);
	pool_free(near, 16);
	pool_free(NULL, 16);
	end();
}
END_TEST

/* Bytes that malloc(3) has handed out: 0 with some sanitizers. */
static size_t
used(void)
{
	return mallinfo2().uordblks;
}

START_TEST(a_small_thing_costs_no_more_than_its_size_and_goes_back)
{
	static unsigned char *p[MANY];
	size_t i, before, most;

	begin();
	before = used();
	for (i = 0; i < MANY; i++)
		p[i] = take(16);
	most = used();
	ck_assert_uint_le(most - before, MANY * 16 + 2 * SLAB);
	for (i = 0; i < MANY; i++)
		pool_free(p[i], 16);
	/* One is kept for what comes next. */
	ck_assert_uint_lt(used(), before + 2 * SLAB);
	end();
}
END_TEST

START_TEST(what_has_become_empty_is_used_again)
{
	void *a, *b;
	size_t i;

	begin();
	for (i = 0; i < MANY; i++) {
		a = take(8 + i % 64 * 8);
		b = take(8 + i % 64 * 8);
		mark(a, 8, i);
		mark(b, 8, i + 1);
		check_marked(a, 8, i);
		pool_free(a, 8 + i % 64 * 8);
		check_marked(b, 8, i + 1);
		pool_free(b, 8 + i % 64 * 8);
	}
	end();
}
END_TEST

START_TEST(without_memory_nothing_is_handed_out)
{
	struct rlimit was, none;
	size_t i = 0;
	void *p[64];

	if (ALLOC_APART) {
		skip(__func__, "a sanitizer needs much");
		return;
	}
	begin();
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &was), 0);
	none = was;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	errno = 0;
	/* What the heap has left is not for long. */
	while (i < 64 && (p[i] = pool_alloc(pool, POOL_SMALL - i * 8)) != NULL)
		i++;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &was), 0);
	ck_assert_uint_lt(i, 64);
	ck_assert_int_eq(errno, ENOMEM);
	while (i-- > 0)
		pool_free(p[i], POOL_SMALL - i * 8);
	pool_free(take(24), 24);
	end();
}
END_TEST

static Suite *
pool_suite(void)
{
	Suite *s = suite_create("pool");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");

	tcase_add_test(core, what_is_handed_out_is_zero_and_nobody_elses);
	tcase_add_test(core, more_comes_from_the_pool_that_the_first_came_from);
	tcase_add_test(core, what_has_become_empty_is_used_again);
	suite_add_tcase(s, core);
	tcase_add_test(limits,
	    a_small_thing_costs_no_more_than_its_size_and_goes_back);
	tcase_add_test(limits, without_memory_nothing_is_handed_out);
	suite_add_tcase(s, limits);
	return s;
}

int
main(void)
{
	return suite_main(pool_suite());
}
