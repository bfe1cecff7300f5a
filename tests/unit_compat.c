/*
 * What takes the place of what other systems lack, or have in another way:
 * the names that only they have are made up here.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef EFTYPE
#define EFTYPE 1079
#endif
#ifndef F_FULLFSYNC
#define F_FULLFSYNC 1051
#endif

static int full_errors[4]; /* of each call; 0: none */
static unsigned nfull, nsyncs;

static int
fake_fcntl(int fd, int cmd, ...)
{
	(void)fd;
	ck_assert_int_eq(cmd, F_FULLFSYNC);
	errno = full_errors[nfull++];
	return errno == 0 ? 0 : -1;
}

static int
fake_fsync(int fd)
{
	(void)fd;
	nsyncs++;
	return 0;
}

#define fcntl fake_fcntl
#define fsync fake_fsync
#undef F_SETPIPE_SZ
#undef F_OFD_SETLK
#include "compat_write.h"
#include "suite.h"

START_TEST(the_last_of_a_byte_is_found)
{
	static const char s[] = "/a/b\xff"
				"c";

	ck_assert_ptr_eq(compat_memrchr(s, '/', 6), s + 2);
	ck_assert_ptr_eq(compat_memrchr(s, '/', 3), s + 2);
	ck_assert_ptr_eq(compat_memrchr(s, '/', 2), s);
	ck_assert_ptr_eq(compat_memrchr(s, 0xff, 6), s + 4);
	ck_assert_ptr_eq(compat_memrchr(s, -1, 6), s + 4);
	ck_assert_ptr_eq(compat_memrchr(s, '\0', sizeof(s)), s + 6);
	ck_assert_ptr_null(compat_memrchr(s, 'x', sizeof(s)));
	ck_assert_ptr_null(compat_memrchr(s, '/', 0));
}
END_TEST

START_TEST(each_word_for_a_symbolic_link_is_known)
{
	ck_assert(compat_says_link(ELOOP));
	ck_assert(compat_says_link(EMLINK));
	ck_assert(compat_says_link(EFTYPE));
	ck_assert(!compat_says_link(ENOENT));
	ck_assert(!compat_says_link(ENOTDIR));
}
END_TEST

START_TEST(a_disk_is_asked_for_what_is_in_its_cache)
{
	static const int errors[] = {0, ENOTSUP, EIO, EINTR};

	memcpy(full_errors, errors, sizeof(errors));
	ck_assert_int_eq(compat_fdatasync(7), 0);
	ck_assert_uint_eq(nsyncs, 0);
	/* That file system does not know it. */
	ck_assert_int_eq(compat_fdatasync(7), 0);
	ck_assert_uint_eq(nsyncs, 1);
	ck_assert_int_eq(compat_fdatasync(7), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_int_eq(compat_fdatasync(7), -1);
	ck_assert_int_eq(errno, EINTR);
	ck_assert_uint_eq(nsyncs, 1);
	ck_assert_uint_eq(nfull, 4);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compat");
	TCase *tc = tcase_create("Core");

	tcase_add_test(tc, the_last_of_a_byte_is_found);
	tcase_add_test(tc, each_word_for_a_symbolic_link_is_known);
	tcase_add_test(tc, a_disk_is_asked_for_what_is_in_its_cache);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
