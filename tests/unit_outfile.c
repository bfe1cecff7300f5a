#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outfile.h"
#include "scratch.h"
#include "suite.h"

static struct scratch dir;

static void
begin(void)
{
	scratch_open(&dir);
}

static void
end(void)
{
	scratch_close(&dir);
}

/* The temporary name that is there, or NULL. */
static const char *
temporary(void)
{
	static char name[256];
	struct dirent *de;
	DIR *d;

	name[0] = '\0';
	/* Not by its path, where somebody else might not be let through. */
	d = fdopendir(openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)) != NULL)
		if (outfile_is_temporary(de->d_name, strlen(de->d_name)))
			(void)snprintf(name, sizeof(name), "%s", de->d_name);
	(void)closedir(d);
	return name[0] != '\0' ? name : NULL;
}

/* For what has the name, or for a file of 0600 of our own. */
static struct outfile *
replacement(const char *name)
{
	struct stat old = {.st_mode = S_IFREG | 0600,
	    .st_uid = geteuid(),
	    .st_gid = getegid()};

	(void)fstatat(dir.fd, name, &old, AT_SYMLINK_NOFOLLOW);
	return outfile_replacement(dir.fd, name, &old);
}

START_TEST(a_new_file_appears_whole)
{
	struct outfile *f = outfile_new(dir.fd, "a", 0640);
	struct stat st;
	mode_t mask = umask(022);

	(void)umask(mask);
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_write(f, "con", 3), 0);
	ck_assert_int_eq(outfile_write(f, "tent", 4), 0);
	ck_assert(!scratch_has(dir.fd, "a"));
	ck_assert_int_eq(outfile_commit(&f), 0);
	ck_assert_ptr_null(f);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "content");
	ck_assert_int_eq(fstatat(dir.fd, "a", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640 & ~mask);
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
}
END_TEST

START_TEST(a_new_file_replaces_nothing)
{
	struct outfile *f;

	scratch_put(dir.fd, "a", "old");
	f = outfile_new(dir.fd, "a", 0644);
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_commit(&f), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_ptr_null(f);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "old");
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
}
END_TEST

START_TEST(a_replacement_takes_the_name_at_once)
{
	struct outfile *f;

	scratch_put(dir.fd, "a", "old");
	f = replacement("a");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_write(f, "new", 3), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "old");
	ck_assert_ptr_nonnull(temporary());
	ck_assert_int_eq(outfile_commit(&f), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "new");
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
}
END_TEST

START_TEST(a_replacement_has_the_mode_of_the_old_one_whatever_the_umask)
{
	static const mode_t modes[] = {0600, 0644, 0640, 0666, 0444, 0200, 0755,
	    04755, 02755, 06777};
	struct outfile *f;
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		scratch_put(dir.fd, "a", "old");
		ck_assert_int_eq(fchmodat(dir.fd, "a", modes[i], 0), 0);
		(void)umask(i % 2 == 0 ? 0 : 077);
		f = replacement("a");
		(void)umask(022);
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(fstat(outfile_fd(f), &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, modes[i] & 0777);
		ck_assert_int_eq(outfile_commit(&f), 0);
		ck_assert_int_eq(unlinkat(dir.fd, "a", 0), 0);
	}
}
END_TEST

START_TEST(for_root_a_replacement_has_the_owner_and_the_group_of_the_old_one)
{
	static const mode_t modes[] = {0644, 0640};
	struct outfile *f;
	struct stat st;
	size_t i;

	if (geteuid() != 0) {
		printf("skip - for root a replacement has the owner and the"
		       " group of the old one - not root\n");
		return;
	}
	scratch_put(dir.fd, "a", "old");
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(fchownat(dir.fd, "a", 12345, 54321, 0), 0);
		ck_assert_int_eq(fchmodat(dir.fd, "a", modes[i], 0), 0);
		f = replacement("a");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(outfile_commit(&f), 0);
		ck_assert_int_eq(fstatat(dir.fd, "a", &st, 0), 0);
		ck_assert_uint_eq(st.st_uid, 12345);
		ck_assert_uint_eq(st.st_gid, 54321);
		ck_assert_uint_eq(st.st_mode & 07777, modes[i]);
	}
}
END_TEST

START_TEST(who_can_not_keep_the_group_lets_nobody_new_in)
{
	static const mode_t modes[][2] = {{0640, 0600}, {0664, 0644},
	    {0755, 0755}, {0604, 0600}};
	struct outfile *f;
	struct stat st;
	size_t i;

	if (geteuid() != 0) {
		printf("skip - who can not keep the group lets nobody new in"
		       " - not root\n");
		return;
	}
	scratch_put(dir.fd, "a", "old");
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(fchownat(dir.fd, "a", 12345, 54321, 0), 0);
		ck_assert_int_eq(fchmodat(dir.fd, "a", modes[i][0], 0), 0);
		ck_assert_int_eq(fchown(dir.fd, 12346, 12346), 0);
		ck_assert_int_eq(setegid(12346), 0);
		ck_assert_int_eq(seteuid(12346), 0);
		f = replacement("a");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(outfile_commit(&f), 0);
		ck_assert_int_eq(fstatat(dir.fd, "a", &st, 0), 0);
		ck_assert_int_eq(seteuid(0), 0);
		ck_assert_int_eq(setegid(0), 0);
		ck_assert_uint_eq(st.st_gid, 12346);
		ck_assert_uint_eq(st.st_mode & 07777, modes[i][1]);
	}
}
END_TEST

START_TEST(what_is_aborted_leaves_nothing)
{
	struct outfile *f = replacement("a");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_write(f, "x", 1), 0);
	outfile_abort(&f);
	ck_assert_ptr_null(f);
	outfile_abort(&f);
	f = outfile_new(dir.fd, "a", 0644);
	ck_assert_ptr_nonnull(f);
	outfile_abort(&f);
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 0);
}
END_TEST

START_TEST(what_a_killed_process_left_is_replaced_at_the_next_use)
{
	struct outfile *f;
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		f = replacement("a");
		if (f == NULL || outfile_write(f, "half", 4) == -1)
			_exit(1);
		(void)raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_ptr_nonnull(temporary());
	f = replacement("a");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_write(f, "w", 1), 0);
	ck_assert_int_eq(outfile_commit(&f), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "w");
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
}
END_TEST

START_TEST(another_process_at_work_is_waited_for_and_not_disturbed)
{
	struct outfile *f;
	int ready[2], go[2], status;
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		f = replacement("a");
		if (f == NULL || outfile_write(f, "first", 5) == -1 ||
		    write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) != 1 ||
		    outfile_commit(&f) == -1)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	/* It goes on while we wait for the name. */
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	f = replacement("a");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "first");
	ck_assert_int_eq(outfile_write(f, "second", 6), 0);
	ck_assert_int_eq(outfile_commit(&f), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "second");
}
END_TEST

/* As nobody, where we are root: whom the modes of files concern. */
static void
be_nobody(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fchmod(dir.fd, 0777), 0);
	ck_assert_int_eq(setegid(65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
}

START_TEST(what_is_in_use_is_not_taken_for_left_behind_whatever_its_mode)
{
	struct outfile *f, *other;

	be_nobody();
	scratch_put(dir.fd, "a", "old");
	ck_assert_int_eq(fchmodat(dir.fd, "a", 0200, 0), 0);
	f = replacement("a");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_write(f, "new", 3), 0);
	/* Which waits as long as it ever does. */
	other = replacement("a");
	ck_assert_ptr_null(other);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_ptr_nonnull(temporary());
	ck_assert_int_eq(outfile_commit(&f), 0);
	ck_assert_int_eq(fchmodat(dir.fd, "a", 0600, 0), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "new");
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_int_eq(setegid(getgid()), 0);
}
END_TEST

START_TEST(many_at_one_target_leave_one_whole_file)
{
	struct outfile *f;
	pid_t pids[4];
	char data[1500], *got;
	int i, n, status;

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		ck_assert_int_ne(pids[i], -1);
		if (pids[i] != 0)
			continue;
		memset(data, 'a' + i, sizeof(data));
		for (n = 0; n < 500; n++) {
			f = replacement("a");
			if (f == NULL || outfile_write(f, data, 1500) == -1 ||
			    outfile_write(f, data, 1500) == -1 ||
			    outfile_commit(&f) == -1)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(scratch_size(dir.fd, "a"), 3000);
	got = scratch_get(dir.fd, "a");
	for (i = 0; i < 3000; i++)
		ck_assert_int_eq(got[i], got[0]);
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 1);
}
END_TEST

/* Somebody lays a trap under the temporary name. */
START_TEST(a_trap_under_the_temporary_name_is_removed_not_used)
{
	struct outfile *f;
	char name[256];

	f = replacement("a");
	ck_assert_ptr_nonnull(f);
	(void)snprintf(name, sizeof(name), "%s", temporary());
	outfile_abort(&f);
	scratch_put(dir.fd, "victim", "precious");
	if (_i == 0)
		ck_assert_int_eq(symlinkat("victim", dir.fd, name), 0);
	else if (_i == 1)
		ck_assert_int_eq(linkat(dir.fd, "victim", dir.fd, name, 0), 0);
	else
		ck_assert_int_eq(mkfifoat(dir.fd, name, 0666), 0);
	f = replacement("a");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(outfile_write(f, "new", 3), 0);
	ck_assert_int_eq(outfile_commit(&f), 0);
	ck_assert_str_eq(scratch_get(dir.fd, "victim"), "precious");
	ck_assert_str_eq(scratch_get(dir.fd, "a"), "new");
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 2);
}
END_TEST

START_TEST(temporary_names_are_known_by_their_shape)
{
	ck_assert(outfile_is_temporary(".fswrite-0123456789abcdef", 25));
	ck_assert(!outfile_is_temporary(".fswrite-0123456789abcdeg", 25));
	ck_assert(!outfile_is_temporary(".fswrite-0123456789abcde", 24));
	ck_assert(!outfile_is_temporary(".fswrite-", 9));
	ck_assert(!outfile_is_temporary("xfswrite-0123456789abcdef", 25));
}
END_TEST

START_TEST(a_full_file_system_is_an_error_and_leaves_nothing)
{
	struct outfile *f = replacement("a");
	int full;

	ck_assert_ptr_nonnull(f);
	full = open("/dev/full", O_WRONLY);
	ck_assert_int_ne(full, -1);
	ck_assert_int_eq(dup2(full, outfile_fd(f)), outfile_fd(f));
	ck_assert_int_eq(outfile_write(f, "x", 1), -1);
	ck_assert_int_eq(errno, ENOSPC);
	outfile_abort(&f);
	ck_assert_uint_eq(scratch_count(dir.fd, "."), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("outfile");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, begin, end);
	tcase_add_checked_fixture(limits, begin, end);
	tcase_add_checked_fixture(hostile, begin, end);
	tcase_set_timeout(limits, 30);
	tcase_add_test(core, a_new_file_appears_whole);
	tcase_add_test(core, a_new_file_replaces_nothing);
	tcase_add_test(core, a_replacement_takes_the_name_at_once);
	tcase_add_test(core,
	    a_replacement_has_the_mode_of_the_old_one_whatever_the_umask);
	tcase_add_test(core,
	    for_root_a_replacement_has_the_owner_and_the_group_of_the_old_one);
	tcase_add_test(core, who_can_not_keep_the_group_lets_nobody_new_in);
	tcase_add_test(core, what_is_aborted_leaves_nothing);
	tcase_add_test(core, temporary_names_are_known_by_their_shape);
	tcase_add_test(core,
	    what_a_killed_process_left_is_replaced_at_the_next_use);
	tcase_add_test(limits,
	    another_process_at_work_is_waited_for_and_not_disturbed);
	tcase_add_test(limits,
	    what_is_in_use_is_not_taken_for_left_behind_whatever_its_mode);
	tcase_add_test(limits, many_at_one_target_leave_one_whole_file);
	tcase_add_test(limits,
	    a_full_file_system_is_an_error_and_leaves_nothing);
	tcase_add_loop_test(hostile,
	    a_trap_under_the_temporary_name_is_removed_not_used, 0, 3);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
