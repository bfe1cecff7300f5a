#include <check.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "harness.h"
#include "mountwatch.h"
#include "scratch.h"
#include "suite.h"

static struct scratch s;
static struct mountwatch *m;
static struct buf told;

static void
begin(void)
{
	scratch_open(&s);
	ck_assert_int_eq(fchdir(s.fd), 0);
}

static void
end(void)
{
	mountwatch_close(m);
	buf_free(&told);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&s);
}

/* Nobody else's mounts and unmounts are seen in a namespace of our own. */
static bool
may_mount(const char *sentence)
{
	if (!scratch_mounts()) {
		skip(sentence, "no mounts here");
		return false;
	}
	m = mountwatch_open();
	ck_assert_ptr_nonnull(m);
	return true;
}

static void
put_on(const char *path)
{
	ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, "size=64k"), 0);
}

static bool
stirred(void)
{
	struct pollfd p = {.fd = mountwatch_fd(m), .events = POLLPRI};

	return poll(&p, 1, 0) == 1;
}

static void
note_path(void *ctx, const char *path)
{
	size_t len = strlen(s.path);

	(void)ctx;
	ck_assert_int_eq(path[0], '/');
	/* What is ours, as "./name". */
	if (strncmp(path, s.path, len) == 0 && path[len] == '/') {
		buf_addc(&told, '.');
		path += len;
	}
	buf_adds(&told, path);
	buf_addc(&told, '\n');
}

static const char *
news(void)
{
	buf_clear(&told);
	ck_assert_int_eq(mountwatch_read(m, note_path, NULL), 0);
	buf_addc(&told, '\0');
	return told.data;
}

START_TEST(a_mount_and_an_unmount_are_told_once)
{
	if (!may_mount(__func__))
		return;
	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert(!stirred());
	ck_assert_str_eq(news(), "");
	put_on("a");
	ck_assert(stirred());
	ck_assert_str_eq(news(), "./a\n");
	ck_assert_str_eq(news(), "");
	ck_assert(!stirred());
	ck_assert_int_eq(umount("a"), 0);
	ck_assert(stirred());
	ck_assert_str_eq(news(), "./a\n");
	ck_assert_str_eq(news(), "");
}
END_TEST

START_TEST(what_has_come_and_gone_unseen_is_not_told)
{
	if (!may_mount(__func__))
		return;
	ck_assert_int_eq(mkdir("a", 0755), 0);
	put_on("a");
	ck_assert_int_eq(umount("a"), 0);
	ck_assert_str_eq(news(), "");
}
END_TEST

START_TEST(a_mount_on_top_of_another_is_told)
{
	if (!may_mount(__func__))
		return;
	ck_assert_int_eq(mkdir("a", 0755), 0);
	put_on("a");
	ck_assert_str_eq(news(), "./a\n");
	put_on("a");
	ck_assert_str_eq(news(), "./a\n");
	ck_assert_int_eq(umount("a"), 0);
	ck_assert_str_eq(news(), "./a\n");
	ck_assert_int_eq(umount("a"), 0);
	ck_assert_str_eq(news(), "./a\n");
}
END_TEST

START_TEST(another_mount_in_the_place_of_one_is_told)
{
	if (!may_mount(__func__))
		return;
	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert_int_eq(mkdir("b", 0755), 0);
	put_on("a");
	put_on("b");
	ck_assert_ptr_nonnull(strstr(news(), "./a\n"));
	/* The kernel gives the number of the first away again at once. */
	ck_assert_int_eq(umount("a"), 0);
	ck_assert_int_eq(mount("b", "a", NULL, MS_BIND, NULL), 0);
	ck_assert_ptr_nonnull(strstr(news(), "./a\n"));
	ck_assert_int_eq(umount("a"), 0);
	ck_assert_int_eq(umount("b"), 0);
}
END_TEST

START_TEST(many_mounts_are_all_told)
{
	char name[16], line[20];
	const char *all;
	int i, n = 0;

	if (!may_mount(__func__))
		return;
	for (i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		ck_assert_int_eq(mkdir(name, 0755), 0);
		put_on(name);
	}
	all = news();
	for (i = 0; i < 60; i++) {
		(void)snprintf(line, sizeof(line), "./m%d\n", i);
		ck_assert_ptr_nonnull(strstr(all, line));
		(void)snprintf(name, sizeof(name), "m%d", i);
		ck_assert_int_eq(umount(name), 0);
	}
	for (; (all = strchr(all, '\n')) != NULL; all++)
		n++;
	ck_assert_int_eq(n, 60);
}
END_TEST

START_TEST(names_that_the_table_escapes_are_told_as_they_are)
{
	static const char *const names[] = {"a b", "t\tt", "n\nn", "b\\b",
	    "\\040", "\xff\xfe", "#", "\\"};
	char line[32];
	size_t i;

	if (!may_mount(__func__))
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(mkdir(names[i], 0755), 0);
		put_on(names[i]);
		(void)snprintf(line, sizeof(line), "./%s\n", names[i]);
		ck_assert_str_eq(news(), line);
		ck_assert_int_eq(umount(names[i]), 0);
		ck_assert_str_eq(news(), line);
	}
}
END_TEST

START_TEST(nothing_is_told_where_nothing_happens)
{
	m = mountwatch_open();
	ck_assert_ptr_nonnull(m);
	ck_assert_int_ge(mountwatch_fd(m), 0);
	/* Others may mount meanwhile; then it has stirred before. */
	ck_assert(*news() == '\0' || *news() == '\0' || stirred());
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mountwatch");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_add_test(core, a_mount_and_an_unmount_are_told_once);
	tcase_add_test(core, what_has_come_and_gone_unseen_is_not_told);
	tcase_add_test(core, a_mount_on_top_of_another_is_told);
	tcase_add_test(core, nothing_is_told_where_nothing_happens);
	tcase_add_test(core, another_mount_in_the_place_of_one_is_told);
	tcase_add_test(limits, many_mounts_are_all_told);
	tcase_add_test(hostile,
	    names_that_the_table_escapes_are_told_as_they_are);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, hostile);
	return suite_main(suite);
}
