#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "harness.h"
#include "mounts.h"
#include "scratch.h"
#include "suite.h"

static struct scratch s;
static struct mounts *m;
static struct buf places;

static void
begin(void)
{
	scratch_open(&s);
	ck_assert_int_eq(fchdir(s.fd), 0);
	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert_int_eq(mkdir("a/b", 0755), 0);
	ck_assert_int_eq(mkdir("c", 0755), 0);
}

static void
end(void)
{
	mounts_free(m);
	buf_free(&places);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&s);
}

static bool
may_mount(const char *sentence)
{
	if (!scratch_mounts() || chdir(s.path) == -1) {
		skip(sentence, "no mounts here");
		return false;
	}
	return true;
}

static int
open_path(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	return fd;
}

/* Takes down what lies in our directory, as "./name". */
static int
note_place(void *ctx, const char *path)
{
	size_t len = strlen(s.path);

	(void)ctx;
	if (strncmp(path, s.path, len) == 0) {
		buf_addc(&places, '.');
		buf_adds(&places, path + len);
		buf_addc(&places, '\n');
	}
	return 0;
}

static int
stop_at_once(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	return 7;
}

static const char *
places_of(const char *path)
{
	int fd = open_path(path);

	mounts_free(m);
	m = mounts_read();
	ck_assert_ptr_nonnull(m);
	buf_clear(&places);
	ck_assert_int_eq(mounts_places(m, fd, note_place, NULL), 0);
	buf_addc(&places, '\0');
	(void)close(fd);
	return places.data;
}

START_TEST(a_directory_is_identified_by_whatever_name)
{
	struct mounts_id x, y;
	struct stat st;
	int fd = open_path("a/b"), again = open_path("c/../a/b");

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(mounts_identify(fd, &x), 0);
	ck_assert_int_eq(mounts_identify(again, &y), 0);
	ck_assert_uint_eq(x.dev, st.st_dev);
	ck_assert_uint_eq(x.ino, st.st_ino);
	ck_assert_uint_eq(y.ino, x.ino);
	ck_assert_uint_eq(y.mnt, x.mnt);
	(void)close(fd);
	(void)close(again);
	ck_assert_int_eq(mounts_identify(-1, &x), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(the_path_of_a_descriptor_is_told)
{
	char path[4096], want[4096];
	int fd = open_path("c/../a/b");

	(void)snprintf(want, sizeof(want), "%s/a/b", s.path);
	ck_assert(mounts_path(fd, path, sizeof(path)));
	ck_assert_str_eq(path, want);
	(void)close(fd);
	ck_assert(!mounts_path(-1, path, sizeof(path)));
	ck_assert_str_eq(path, "");
}
END_TEST

START_TEST(the_kernels_own_name_tells_directories_apart)
{
	uint64_t ino, other;
	dev_t dev, same;
	int fd = open_path("a"), fd2 = open_path("c");

	ck_assert_int_eq(mounts_kernel_id(fd, &dev, &ino), 0);
	ck_assert_int_eq(mounts_kernel_id(fd2, &same, &other), 0);
	ck_assert_uint_eq(dev, same);
	ck_assert_uint_ne(ino, other);
	(void)close(fd);
	(void)close(fd2);
	ck_assert_int_eq(mounts_kernel_id(-1, &dev, &ino), -1);
}
END_TEST

START_TEST(other_ways_to_a_directory_are_found)
{
	struct mounts_id x, y;
	int fd;

	if (!may_mount(__func__))
		return;
	ck_assert_str_eq(places_of("a/b"), "");
	ck_assert_int_eq(mount("a", "c", NULL, MS_BIND, NULL), 0);
	ck_assert_str_eq(places_of("a/b"), "./c/b\n");
	ck_assert_str_eq(places_of("a"), "./c\n");
	ck_assert_str_eq(places_of("c/b"), "./a/b\n");
	ck_assert_str_eq(places_of("."), "");
	fd = open_path("a");
	ck_assert_int_eq(mounts_places(m, fd, stop_at_once, NULL), 7);
	/* The same directory in two mounts. */
	ck_assert_int_eq(mounts_identify(fd, &x), 0);
	(void)close(fd);
	fd = open_path("c");
	ck_assert_int_eq(mounts_identify(fd, &y), 0);
	(void)close(fd);
	ck_assert_uint_eq(x.ino, y.ino);
	if (x.mnt != 0)
		ck_assert_uint_ne(x.mnt, y.mnt);
	ck_assert_int_eq(umount("c"), 0);
	ck_assert_str_eq(places_of("a/b"), "");
}
END_TEST

START_TEST(a_change_of_the_table_is_seen_once)
{
	if (!may_mount(__func__))
		return;
	m = mounts_read();
	ck_assert_ptr_nonnull(m);
	ck_assert(!mounts_changed(m));
	ck_assert_int_eq(mount("a", "c", NULL, MS_BIND, NULL), 0);
	ck_assert(mounts_changed(m));
	ck_assert(!mounts_changed(m));
	ck_assert_int_eq(umount("c"), 0);
	ck_assert(mounts_changed(m));
}
END_TEST

START_TEST(names_that_the_table_escapes_are_found_as_they_are)
{
	if (!may_mount(__func__))
		return;
	ck_assert_int_eq(mkdir("x \t\n\\", 0755), 0);
	ck_assert_int_eq(mkdir("x \t\n\\/y", 0755), 0);
	ck_assert_int_eq(mkdir("to \\040", 0755), 0);
	ck_assert_int_eq(mount("x \t\n\\", "to \\040", NULL, MS_BIND, NULL), 0);
	ck_assert_str_eq(places_of("x \t\n\\/y"), "./to \\040/y\n");
	ck_assert_str_eq(places_of("to \\040/y"), "./x \t\n\\/y\n");
	ck_assert_int_eq(umount("to \\040"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mounts");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, a_directory_is_identified_by_whatever_name);
	tcase_add_test(core, the_path_of_a_descriptor_is_told);
	tcase_add_test(core, the_kernels_own_name_tells_directories_apart);
	tcase_add_test(core, other_ways_to_a_directory_are_found);
	tcase_add_test(core, a_change_of_the_table_is_seen_once);
	tcase_add_test(hostile,
	    names_that_the_table_escapes_are_found_as_they_are);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
