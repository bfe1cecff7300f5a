/*
 * The emulation in tests/kqueue, against what FreeBSD 13 tells: D and E are
 * directories, E is in D; F and G are files in D; H is another name of F in
 * E. Each has a descriptor with all notes.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "harness.h"
#include "scratch.h"

#define WAIT_MS 20000
#define ALL                                                                 \
	(NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK | \
	    NOTE_RENAME | NOTE_REVOKE)

static const struct timespec at_once;
static struct scratch s;
static struct buf told;
static int kq;
static int fds[4];
static const char *const paths[] = {"D", "D/E", "D/F", "D/G"};

static void
watch(int fd, const char *name, unsigned notes)
{
	struct kevent ev;

	EV_SET(&ev, (uintptr_t)fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, notes, 0,
	    (void *)(uintptr_t)name);
	ck_assert_int_eq(kevent(kq, &ev, 1, NULL, 0, NULL), 0);
}

static void
begin(void)
{
	size_t i;

	scratch_open(&s);
	ck_assert_int_eq(fchdir(s.fd), 0);
	ck_assert_int_eq(mkdir("D", 0755), 0);
	ck_assert_int_eq(mkdir("D/E", 0755), 0);
	scratch_put(AT_FDCWD, "D/F", "four");
	scratch_put(AT_FDCWD, "D/G", "five5");
	ck_assert_int_eq(link("D/F", "D/E/H"), 0);
	kq = kqueue();
	ck_assert_int_ne(kq, -1);
	for (i = 0; i < 4; i++) {
		fds[i] = open(paths[i], O_PATH | O_CLOEXEC);
		ck_assert_int_ne(fds[i], -1);
		watch(fds[i],
		    strrchr(paths[i], '/') == NULL ? paths[i] :
						     strrchr(paths[i], '/') + 1,
		    ALL);
	}
}

static void
end(void)
{
	size_t i;

	for (i = 0; i < 4; i++)
		(void)close(fds[i]);
	(void)close(kq);
	buf_free(&told);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&s);
}

static void
add_event(const struct kevent *ev)
{
	static const struct {
		unsigned bit;
		const char *name;
	} table[] = {
	    {NOTE_DELETE, "DELETE"},
	    {NOTE_WRITE, "WRITE"},
	    {NOTE_EXTEND, "EXTEND"},
	    {NOTE_ATTRIB, "ATTRIB"},
	    {NOTE_LINK, "LINK"},
	    {NOTE_RENAME, "RENAME"},
	    {NOTE_REVOKE, "REVOKE"},
#ifdef NOTE_OPEN
	    {NOTE_OPEN, "OPEN"},
	    {NOTE_CLOSE, "CLOSE"},
	    {NOTE_CLOSE_WRITE, "CLOSE_WRITE"},
	    {NOTE_READ, "READ"},
#endif
	};
	const char *between = " ";
	size_t i;

	if (told.len > 0)
		buf_adds(&told, ", ");
	buf_adds(&told, (const char *)ev->udata);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!(ev->fflags & table[i].bit))
			continue;
		buf_adds(&told, between);
		buf_adds(&told, table[i].name);
		between = "+";
	}
	if (ev->flags & EV_EOF)
		buf_adds(&told, " EOF");
}

/* What is told now, in the order of D, E, F, G: between descriptors there is
 * none. */
static const char *
notes(void)
{
	struct kevent ev[16], *by[4] = {NULL};
	int n, i, k;

	n = kevent(kq, NULL, 0, ev, 16, &at_once);
	ck_assert_int_ge(n, 0);
	buf_clear(&told);
	for (i = 0; i < n; i++)
		for (k = 0; k < 4; k++)
			if (ev[i].ident == (uintptr_t)fds[k])
				by[k] = &ev[i];
	for (k = 0; k < 4; k++)
		if (by[k] != NULL)
			add_event(by[k]);
	buf_addc(&told, '\0');
	return told.data;
}

static void
save(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

START_TEST(a_directory_tells_that_its_names_have_changed)
{
	save("D/new", "", 0);
	ck_assert_str_eq(notes(), "D WRITE");
	ck_assert_int_eq(unlink("D/new"), 0);
	ck_assert_str_eq(notes(), "D WRITE");
	ck_assert_int_eq(symlink("x", "D/new"), 0);
	ck_assert_str_eq(notes(), "D WRITE");
	ck_assert_int_eq(mkdir("D/sub", 0755), 0);
	ck_assert_str_eq(notes(), "D WRITE+LINK");
	ck_assert_int_eq(rmdir("D/sub"), 0);
	ck_assert_str_eq(notes(), "D WRITE+LINK");
}
END_TEST

START_TEST(a_directory_tells_nothing_of_its_childrens_content)
{
	save("D/new", "", 0);
	(void)notes();
	save("D/new", "text", 0);
	ck_assert_int_eq(chmod("D/new", 0600), 0);
	ck_assert_int_eq(truncate("D/new", 0), 0);
	ck_assert_int_eq(chmod("D/new", 0640), 0);
	ck_assert_str_eq(notes(), "");
}
END_TEST

START_TEST(a_rename_is_told_to_the_directories_and_to_the_file)
{
	ck_assert_int_eq(rename("D/F", "D/new"), 0);
	ck_assert_str_eq(notes(), "D WRITE, F RENAME");
	ck_assert_int_eq(rename("D/new", "D/E/new"), 0);
	ck_assert_str_eq(notes(), "D WRITE, E WRITE, F RENAME");
	ck_assert_int_eq(rename("D/E", "D/e"), 0);
	ck_assert_str_eq(notes(), "D WRITE+LINK, E RENAME");
}
END_TEST

START_TEST(what_is_renamed_over_is_deleted)
{
	ck_assert_int_eq(rename("D/F", "D/G"), 0);
	ck_assert_str_eq(notes(), "D WRITE, F RENAME, G DELETE");
}
END_TEST

START_TEST(a_file_that_keeps_a_link_is_told_as_deleted)
{
	ck_assert_int_eq(unlink("D/E/H"), 0);
	ck_assert_str_eq(notes(), "E WRITE, F DELETE");
	ck_assert_int_eq(unlink("D/F"), 0);
	ck_assert_str_eq(notes(), "D WRITE, F DELETE");
}
END_TEST

START_TEST(a_new_link_is_told)
{
	ck_assert_int_eq(link("D/F", "D/new"), 0);
	ck_assert_str_eq(notes(), "D WRITE, F LINK");
}
END_TEST

START_TEST(writing_and_adding_are_told_apart)
{
	save("D/F", "two2", 0);
	ck_assert_str_eq(notes(), "F WRITE");
	save("D/F", "more", O_APPEND);
	ck_assert_str_eq(notes(), "F WRITE+EXTEND");
}
END_TEST

START_TEST(a_truncation_is_a_change_of_attributes)
{
	ck_assert_int_eq(truncate("D/F", 0), 0);
	ck_assert_str_eq(notes(), "F ATTRIB");
	ck_assert_int_eq(chmod("D/F", 0600), 0);
	ck_assert_str_eq(notes(), "F ATTRIB");
	ck_assert_int_eq(chmod("D", 0700), 0);
	ck_assert_str_eq(notes(), "D ATTRIB");
	ck_assert_int_eq(truncate("D/G", 0), 0);
	save("D/G", "now", 0);
	ck_assert_str_eq(notes(), "G WRITE+ATTRIB");
}
END_TEST

START_TEST(notes_coalesce)
{
	ck_assert_int_eq(chmod("D/F", 0600), 0);
	save("D/F", "more", O_APPEND);
	save("D/F", "more", O_APPEND);
	ck_assert_int_eq(rename("D/F", "D/new"), 0);
	ck_assert_int_eq(rename("D/new", "D/F"), 0);
	ck_assert_str_eq(notes(), "D WRITE, F WRITE+EXTEND+ATTRIB+RENAME");
	ck_assert_str_eq(notes(), "");
}
END_TEST

START_TEST(a_removed_directory_is_told_although_it_is_open)
{
	struct pollfd p = {.fd = kq, .events = POLLIN};

	ck_assert_int_eq(unlink("D/E/H"), 0);
	(void)notes();
	ck_assert_int_eq(rmdir("D/E"), 0);
	ck_assert_str_eq(notes(), "D WRITE+LINK, E DELETE");
	ck_assert_int_eq(unlink("D/F"), 0);
	ck_assert_int_eq(unlink("D/G"), 0);
	(void)notes();
	/* Nobody watches what D is in: the clock tells. */
	ck_assert_int_eq(rmdir("D"), 0);
	do
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	while (*notes() == '\0');
	ck_assert_str_eq(told.data, "D DELETE");
}
END_TEST

START_TEST(two_descriptors_of_one_file_are_both_told)
{
	int more = open("D/E/H", O_PATH | O_CLOEXEC);
	struct kevent ev[4];

	watch(more, "H", ALL);
	save("D/F", "more", O_APPEND);
	ck_assert_int_eq(kevent(kq, NULL, 0, ev, 4, &at_once), 2);
	/* And one stays when the other is closed. */
	(void)close(more);
	save("D/F", "more", O_APPEND);
	ck_assert_str_eq(notes(), "F WRITE+EXTEND");
}
END_TEST

START_TEST(a_closed_descriptor_tells_nothing_any_more)
{
	int again;

	save("D/F", "more", O_APPEND);
	(void)close(fds[2]);
	ck_assert_str_eq(notes(), "");
	save("D/F", "more", O_APPEND);
	again = open("D/G", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(again, fds[2]);
	save("D/F", "more", O_APPEND);
	ck_assert_str_eq(notes(), "");
}
END_TEST

START_TEST(what_there_was_no_room_for_comes_the_next_time)
{
	struct pollfd p = {.fd = kq, .events = POLLIN};
	struct kevent ev[2];

	save("D/new", "", 0);
	save("D/F", "more", O_APPEND);
	save("D/G", "more", O_APPEND);
	ck_assert_int_eq(kevent(kq, NULL, 0, ev, 2, &at_once), 2);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(kevent(kq, NULL, 0, ev, 2, NULL), 1);
	ck_assert_int_eq(kevent(kq, NULL, 0, ev, 2, &at_once), 0);
}
END_TEST

START_TEST(what_was_moved_with_its_directory_is_still_watched)
{
	ck_assert_int_eq(rename("D", "d"), 0);
	ck_assert_str_eq(notes(), "D RENAME");
	save("d/F", "more", O_APPEND);
	save("d/E/new", "", 0);
	ck_assert_str_eq(notes(), "E WRITE, F WRITE+EXTEND");
}
END_TEST

START_TEST(what_cannot_be_added_is_an_error)
{
	struct kevent ev, back;

	EV_SET(&ev, 999, EVFILT_VNODE, EV_ADD | EV_CLEAR, ALL, 0, NULL);
	ck_assert_int_eq(kevent(kq, &ev, 1, NULL, 0, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(kevent(kq, &ev, 1, &back, 1, NULL), 1);
	ck_assert_int_eq(back.flags & EV_ERROR, EV_ERROR);
	ck_assert_int_eq((int)back.data, EBADF);
	ev.ident = (uintptr_t)fds[0];
	ev.flags = EV_DELETE;
	ck_assert_int_eq(kevent(kq, &ev, 1, NULL, 0, NULL), 0);
	save("D/new", "", 0);
	ck_assert_str_eq(notes(), "");
	ck_assert_int_eq(kevent(kq, &ev, 1, NULL, 0, NULL), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

#ifdef NOTE_OPEN
START_TEST(opening_reading_and_closing_are_told_where_asked_for)
{
	char c;
	int fd;

	watch(fds[2], "F", NOTE_OPEN | NOTE_READ | NOTE_CLOSE);
	watch(fds[3], "G", NOTE_CLOSE_WRITE);
	fd = open("D/F", O_RDONLY | O_CLOEXEC);
	ck_assert_str_eq(notes(), "F OPEN");
	ck_assert_int_eq(read(fd, &c, 1), 1);
	ck_assert_str_eq(notes(), "F READ");
	(void)close(fd);
	ck_assert_str_eq(notes(), "F CLOSE");
	save("D/G", "more", O_APPEND);
	ck_assert_str_eq(notes(), "G CLOSE_WRITE");
}
END_TEST
#endif

int
main(void)
{
	Suite *suite = suite_create("kqueue, emulated");
	TCase *tc;

	tc = tcase_create("Core");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_directory_tells_that_its_names_have_changed);
	tcase_add_test(tc, a_directory_tells_nothing_of_its_childrens_content);
	tcase_add_test(tc, a_rename_is_told_to_the_directories_and_to_the_file);
	tcase_add_test(tc, what_is_renamed_over_is_deleted);
	tcase_add_test(tc, a_file_that_keeps_a_link_is_told_as_deleted);
	tcase_add_test(tc, a_new_link_is_told);
	tcase_add_test(tc, writing_and_adding_are_told_apart);
	tcase_add_test(tc, a_truncation_is_a_change_of_attributes);
	tcase_add_test(tc, notes_coalesce);
	tcase_add_test(tc, a_removed_directory_is_told_although_it_is_open);
#ifdef NOTE_OPEN
	tcase_add_test(tc,
	    opening_reading_and_closing_are_told_where_asked_for);
#endif
	suite_add_tcase(suite, tc);
	tc = tcase_create("Limits");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, two_descriptors_of_one_file_are_both_told);
	tcase_add_test(tc, a_closed_descriptor_tells_nothing_any_more);
	tcase_add_test(tc, what_there_was_no_room_for_comes_the_next_time);
	tcase_add_test(tc, what_was_moved_with_its_directory_is_still_watched);
	tcase_add_test(tc, what_cannot_be_added_is_an_error);
	suite_add_tcase(suite, tc);
	return harness_main(suite);
}
