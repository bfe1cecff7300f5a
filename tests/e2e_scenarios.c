/*
 * "The stream is the tree" where it is hard: each of the situations that
 * watchers are known to lose, one test each. Most run twice: while the program
 * follows, and with all of it in the kernel's queue before the first is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "proof.h"
#include "scratch.h"

enum { FOLLOWED, PILED_UP, BOTH };

static void
begin(struct proof *p, int how)
{
	if (how % 2 == PILED_UP)
		proof_freeze(p);
}

/* kqueue has a descriptor for all that it watches, which keeps a file system
 * busy: it can be unmounted lazily only. */
static bool
holds_descriptors(void)
{
	const char *name = getenv("HARNESS_BACKEND");

	return name != NULL && strcmp(name, "kqueue") == 0;
}

static void
unmount(const char *path, bool lazily)
{
	if (lazily || holds_descriptors())
		ck_assert_msg(umount2(path, MNT_DETACH) == 0, "%s: %s", path,
		    strerror(errno));
	else
		scratch_umount(path);
}

static void
exchange(const char *a, const char *b)
{
	ck_assert_msg(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0,
	    "%s <-> %s: %s", a, b, strerror(errno));
}

/* --- renames --- */

/* The kernel says the same of both. */
START_TEST(an_exchange_and_a_move_there_and_back_are_told_apart)
{
	struct proof p;
	int i;

	proof_open(&p);
	put("d/a", "1");
	put("d/b", "2");
	put("d/x/a", "3");
	make_dir("d/y");
	proof_watch(&p, "-r", "d", NULL);
	for (i = 0; i < 20; i++) {
		begin(&p, _i);
		exchange("d/a", "d/b");
		exchange("d/x", "d/y");
		exchange("d/a", "d/x");
		proof_check(&p);
		exchange("d/a", "d/x");
		begin(&p, _i);
		move("d/a", "d/b");
		move("d/b", "d/a");
		move("d/x", "d/z");
		move("d/z", "d/x");
		proof_check(&p);
		put("d/b", "2");
		begin(&p, _i);
		exchange("d/a", "d/b");
		move("d/a", "d/b");
		move("d/b", "d/a");
		proof_check(&p);
		put("d/b", "2");
	}
	proof_check(&p);
	proof_close(&p);
}
END_TEST

static void
swap_directories(struct proof *p, int how)
{
	int i;

	put("d/a/1/x", "");
	put("d/b/2/y", "");
	proof_watch(p, "-r", "d", NULL);
	for (i = 0; i < 20; i++) {
		begin(p, how);
		move("d/a", "d/t");
		move("d/b", "d/a");
		move("d/t", "d/b");
		append(i % 2 == 0 ? "d/a/2/y" : "d/a/1/x", "more");
		proof_check(p);
		begin(p, how);
		exchange("d/a", "d/b");
		exchange("d/b", "d/a");
		exchange("d/a", "d/b");
		append(i % 2 == 0 ? "d/a/1/x" : "d/a/2/y", "more");
		move("d/a", "d/t");
		move("d/b", "d/a");
		move("d/t", "d/b");
		proof_check(p);
	}
}

START_TEST(two_directories_that_are_swapped_keep_what_is_in_them)
{
	struct proof p;

	proof_open(&p);
	swap_directories(&p, _i);
	proof_close(&p);
}
END_TEST

/* Nothing in them is told to have gone and come, and no exchange twice, though
 * the kernel says it twice. */
START_TEST(each_swap_of_two_directories_is_told_as_it_was_done)
{
	struct proof p;

	proof_open(&p);
	swap_directories(&p, _i);
	ck_assert_uint_eq(p.deleted, 0);
	ck_assert_uint_eq(p.renamed, 20 * (3 + 3 + 3));
	proof_close(&p);
}
END_TEST

static void
rename_in_a_chain(struct proof *p, int how, bool counts)
{
	int i;

	put("d/a/0", "");
	proof_watch(p, "-r", "d", NULL);
	for (i = 1; i <= 20; i++) {
		begin(p, how);
		move("d/a", "d/b");
		put("d/a/sub/1", "");
		move("d/b", "d/c");
		put("d/b/sub/2", "");
		append("d/c/0", "more");
		move("d/a", "d/c/in");
		put("d/a/0", "");
		exchange("d/b", "d/a");
		put("d/a/new", "");
		proof_check(p);
		shell("rm -r d/a d/c; mv d/b d/a");
		proof_check(p);
		if (counts)
			ck_assert_uint_ge(p->renamed, (size_t)i * 2);
	}
}

START_TEST(a_chain_of_renames_with_new_directories_under_the_old_names)
{
	struct proof p;

	proof_open(&p);
	rename_in_a_chain(&p, _i, false);
	proof_close(&p);
}
END_TEST

START_TEST(renames_in_a_chain_are_told_as_such)
{
	struct proof p;

	proof_open(&p);
	rename_in_a_chain(&p, _i, true);
	proof_close(&p);
}
END_TEST

START_TEST(a_directory_moved_in_with_changes_below_it_at_once)
{
	struct proof p;
	char from[32], to[32];
	int i;

	proof_open(&p);
	make_dir("d");
	for (i = 0; i < 50; i++)
		shell("mkdir -p o/%d/x/y; echo 1 >o/%d/x/y/f; echo >o/%d/g", i,
		    i, i);
	proof_watch(&p, "-r", "d", NULL);
	begin(&p, _i);
	for (i = 0; i < 50; i++) {
		(void)snprintf(from, sizeof(from), "o/%d", i);
		(void)snprintf(to, sizeof(to), "d/%d", i);
		move(from, to);
		ck_assert_int_eq(chdir(to), 0);
		append("x/y/f", "more");
		put("x/y/z/new", "");
		move("g", "x/g");
		move("x/y", "y");
		erase("y/z/new");
		ck_assert_int_eq(chdir("../.."), 0);
	}
	proof_check(&p);
	proof_close(&p);
}
END_TEST

START_TEST(nothing_is_told_of_what_was_moved_out)
{
	static const char gone[] = "deleted d/t/s/f\ndeleted d/t/s\n"
				   "deleted d/t/a\ndeleted d/t\n";
	static const char gone_too[] = "deleted d/t/a\ndeleted d/t/s/f\n"
				       "deleted d/t/s\ndeleted d/t\n";
	struct proof p;
	const char *story;
	int fd;

	proof_open(&p);
	put("d/t/a", "");
	put("d/t/s/f", "");
	make_dir("o");
	proof_watch(&p, "-r", "d", NULL);
	fd = open("d/t/a", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	begin(&p, _i);
	move("d/t", "o/t");
	put("o/t/new", "");
	append("o/t/a", "more");
	ck_assert_int_eq(write(fd, "x", 1), 1);
	put("o/t/s/dir/new", "");
	move("o/t/s/f", "o/f");
	shell("chmod 700 o/t/s; rm -r o/t/s/dir");
	proof_thaw(&p);
	story = harness_story(p.h, "d");
	ck_assert_msg(strcmp(story, gone) == 0 || strcmp(story, gone_too) == 0,
	    "%s", story);
	proof_check(&p);
	append("o/t/a", "more");
	ck_assert_int_eq(close(fd), 0);
	ck_assert_str_eq(harness_story(p.h, "d"), "");
	/* Back again, and it is new. */
	move("o/t", "d/t");
	put("d/t/s/f", "");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

START_TEST(a_link_replaced_by_a_directory_and_back)
{
	struct proof p;
	int i;

	proof_open(&p);
	put("o/f", "");
	make_dir("d");
	ck_assert_int_eq(symlink("../o", "d/l"), 0);
	ck_assert_int_eq(symlink("l", "d/m"), 0);
	proof_watch(&p, "-r", "d", NULL);
	for (i = 0; i < 20; i++) {
		begin(&p, _i);
		erase("d/l");
		put("d/l/f", "");
		put("d/l/sub/g", "");
		shell("mkdir d/t; echo >d/t/h; ln -s t d/n; mv -T d/n d/m");
		proof_check(&p);
		begin(&p, _i);
		shell("rm -r d/l; ln -s ../o d/l");
		exchange("d/t", "d/m");
		put("d/m/h", "");
		proof_check(&p);
		shell("rm -r d/t d/m; ln -s l d/m");
	}
	proof_check(&p);
	proof_close(&p);
}
END_TEST

/* --- many at once --- */

START_TEST(chains_of_new_directories_filled_by_many)
{
	struct proof p;

	proof_open(&p);
	make_dir("d");
	proof_watch(&p, "-r", "d", NULL);
	begin(&p, _i);
	shell("for w in 1 2 3 4 5 6; do ("
	      " for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do"
	      " mkdir -p d/$i/$w/c/e d/$i/b/c/e; echo $w >d/$i/b/c/e/$w;"
	      " echo $w >d/$i/$w/c/e/x; echo $w >d/$i/b/$w; done ) & done;"
	      " wait");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

START_TEST(twenty_thousand_files_are_unpacked)
{
	struct proof p;

	proof_open(&p);
	make_dir("d");
	shell("mkdir o; cd o; i=0; while [ $i -lt 200 ]; do"
	      " mkdir -p t/$i/s; i=$((i + 1)); done;"
	      " for d in t/*; do (cd $d && seq 1 50 | xargs touch &&"
	      " cd s && seq 1 50 | xargs touch); done; tar -cf t.tar t");
	proof_watch(&p, "-r", "d", NULL);
	shell("tar -xf o/t.tar -C d");
	proof_check(&p);
	ck_assert_uint_ge(p.created, 20000 + 400);
	shell("rm -r d/t");
	proof_check(&p);
	ck_assert_uint_ge(p.deleted, 20000 + 400);
	proof_close(&p);
}
END_TEST

START_TEST(branches_are_checked_out_back_and_forth)
{
	struct proof p;

	if (system("command -v git >/dev/null") != 0) {
		skip(__func__, "no git here");
		return;
	}
	proof_open(&p);
	(void)setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	(void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	shell("git init -q d && cd d && git config user.name t &&"
	      " git config user.email t && git config gc.auto 0 &&"
	      " for i in 1 2 3 4 5 6 7 8; do mkdir -p a/$i/x b/$i;"
	      " for k in 1 2 3 4 5 6 7 8 9; do echo $k >a/$i/$k;"
	      " echo $i$k >a/$i/x/$k; echo $k >b/$i/$k; done; done;"
	      " ln -s a l; git add . && git commit -qm 1 &&"
	      " git branch -M one && git checkout -qb two &&"
	      " git mv a c && git rm -qr b/1 && echo >b/1 &&"
	      " git rm -q l && mkdir l && echo >l/f && rm c/2/3 &&"
	      " mkdir c/2/3 && echo >c/2/3/f &&"
	      " for i in 3 4 5; do echo more >>b/$i/7; done;"
	      " git add -A && git commit -qm 2 && git checkout -q one");
	proof_watch(&p, "-r", "d", NULL);
	begin(&p, _i);
	shell("cd d; for i in 1 2 3 4 5; do git checkout -q two &&"
	      " git checkout -q one; done && git checkout -q two");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

/* --- names --- */

START_TEST(names_as_long_as_can_be_and_of_any_bytes)
{
	static const char bytes[] = "\xff\xfe\x80\n\t\"\\\x01\xc3(";
	char a[300], b[300], c[600];
	struct proof p;
	size_t i;

	proof_open(&p);
	make_dir("d");
	(void)strcpy(a, "d/");
	for (i = 0; i < 255; i++)
		a[2 + i] = bytes[i % (sizeof(bytes) - 1)];
	a[2 + 255] = '\0';
	(void)strcpy(b, a);
	b[2] = 'b';
	proof_watch(&p, "-r", "d", NULL);
	begin(&p, _i);
	put(a, "");
	move(a, b);
	make_dir(a);
	(void)snprintf(c, sizeof(c), "%s/%s", a, b + 2);
	move(b, c);
	move(a, b);
	(void)snprintf(c, sizeof(c), "%s/%s", b, a + 2);
	make_dir(c);
	proof_check(&p);
	ck_assert_uint_gt(p.created, 0);
	exchange(b, c[0] == 'd' ? "d/mark-1" : b);
	proof_check(&p);
	proof_close(&p);
}
END_TEST

/* Opens the directory `level` names below at; the caller closes it. */
static int
open_level(int at, const char *name, int level)
{
	int fd = dup(at), next;

	while (level-- > 0) {
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ne(next, -1);
		(void)close(fd);
		fd = next;
	}
	return fd;
}

START_TEST(paths_longer_than_a_path_may_be)
{
	enum { LEVELS = 24 };
	struct proof p;
	char name[256];
	int top, fd, mid, i;

	proof_open(&p);
	make_dir("d");
	proof_watch(&p, "-r", "d", NULL);
	memset(name, 'n', 255);
	name[255] = '\0';
	begin(&p, _i);
	top = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(top, -1);
	for (i = 0; i < LEVELS; i++) {
		fd = open_level(top, name, i);
		ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
		(void)close(fd);
	}
	fd = open_level(top, name, LEVELS);
	ck_assert_int_eq(mkdirat(fd, "last", 0755), 0);
	ck_assert_int_eq(mkdirat(fd, "last/one", 0755), 0);
	proof_check(&p);
	ck_assert_uint_ge(p.created, LEVELS + 2);
	/* Below a renamed one, and moved about from down there. */
	begin(&p, _i);
	mid = open_level(top, name, LEVELS / 2);
	ck_assert_int_eq(renameat(mid, name, mid, "mid"), 0);
	ck_assert_int_eq(mkdirat(fd, "last/two", 0755), 0);
	ck_assert_int_eq(renameat(fd, "last", top, "last"), 0);
	ck_assert_int_eq(mkdirat(fd, "again", 0755), 0);
	proof_check(&p);
	/* By looking, what moves meanwhile may be found gone and come. */
	if (getenv("HARNESS_BACKEND") == NULL)
		ck_assert_uint_eq(p.renamed, 2);
	(void)close(mid);
	(void)close(fd);
	(void)close(top);
	shell("rm -rf d/n*");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

/* --- roots --- */

START_TEST(a_parent_of_the_root_is_renamed_and_renamed_back)
{
	struct proof p;
	int i;

	proof_open(&p);
	put("1/2/r/a/b", "");
	proof_watch(&p, "-r", "1/2/r", NULL);
	for (i = 0; i < 10; i++) {
		begin(&p, _i);
		move("1", "x");
		put("x/2/r/while", "");
		move("x", "1");
		move("1/2", "1/y");
		append("1/y/r/a/b", "more");
		put("1/2/t", "");
		shell("rm -r 1/2");
		move("1/y", "1/2");
		erase("1/2/r/while");
		proof_check(&p);
	}
	(void)harness_err(p.h);
	proof_close(&p);
}
END_TEST

START_TEST(a_root_is_removed_and_made_again)
{
	struct proof p;
	int i;

	proof_open(&p);
	put("up/r/a/b", "");
	proof_watch(&p, "-r", "up/r", NULL);
	for (i = 0; i < 10; i++) {
		begin(&p, _i);
		shell("rm -r up/r");
		if (_i == FOLLOWED)
			(void)harness_wait(p.h, "lost", "up/r");
		make_dir("up/r");
		if (_i == FOLLOWED)
			(void)harness_wait(p.h, "found", "up/r");
		put("up/r/a/new", "");
		proof_check(&p);
	}
	(void)harness_err(p.h);
	proof_close(&p);
}
END_TEST

START_TEST(a_root_is_renamed_away_with_another_in_its_place)
{
	struct proof p;
	int i;

	proof_open(&p);
	put("up/r/a/b", "");
	proof_watch(&p, "-r", "up/r", NULL);
	for (i = 0; i < 10; i++) {
		shell("mkdir up/n up/n/sub; echo >up/n/sub/new; echo >up/n/a");
		begin(&p, _i);
		move("up/r", "up/old");
		move("up/n", "up/r");
		put("up/old/not", "told");
		put("up/r/sub/at", "once");
		proof_check(&p);
		begin(&p, _i);
		exchange("up/r", "up/old");
		erase("up/r/not");
		proof_check(&p);
		shell("rm -r up/old");
	}
	ck_assert_str_eq(harness_story(p.h, "up/r"), "");
	(void)harness_err(p.h);
	proof_close(&p);
}
END_TEST

/* Removed and made again before anybody could look: the number of the inode
 * is likely the same, too. */
START_TEST(a_root_is_replaced_within_a_tick)
{
	struct proof p;
	int i;

	proof_open(&p);
	make_dir("up/r");
	proof_watch(&p, "-r", "up/r", NULL);
	for (i = 0; i < 50; i++) {
		begin(&p, _i);
		put("up/r/was", "");
		remove_tree("up/r");
		ck_assert_int_eq(mkdir("up/r", 0755), 0);
		put("up/r/is", "");
		erase("up/r/is");
		ck_assert_int_eq(rmdir("up/r"), 0);
		ck_assert_int_eq(mkdir("up/r", 0755), 0);
		put(i % 2 == 0 ? "up/r/sub/x" : "up/r/y", "");
		proof_check(&p);
	}
	(void)harness_err(p.h);
	proof_close(&p);
}
END_TEST

static bool
may_mount(struct proof *p, const char *sentence, const char *at)
{
	if (!scratch_mounts() || mount("t", at, "tmpfs", 0, NULL) == -1) {
		skip(sentence, "no mounts here");
		proof_close(p);
		return false;
	}
	return true;
}

START_TEST(a_root_on_a_file_system_that_is_unmounted)
{
	struct proof p;

	proof_open(&p);
	put("m/r/under", "");
	if (!may_mount(&p, __func__, "m"))
		return;
	put("m/r/a/over", "");
	/* A claim would keep the file system busy. */
	proof_watch(&p, "--no-claim", "-r", "m/r", NULL);
	put("m/r/a/b", "");
	proof_check(&p);
	/* While all is quiet nothing of ours holds it. */
	unmount("m", _i == PILED_UP);
	(void)harness_wait(p.h, "found", "m/r");
	proof_check(&p);
	ck_assert_int_eq(mount("t", "m", "tmpfs", 0, NULL), 0);
	(void)harness_wait(p.h, "lost", "m/r");
	put("m/r/again", "");
	(void)harness_wait(p.h, "found", "m/r");
	proof_check(&p);
	ck_assert_int_eq(umount2("m", MNT_DETACH), 0);
	(void)harness_wait(p.h, "found", "m/r");
	proof_check(&p);
	(void)harness_err(p.h);
	proof_close(&p);
}
END_TEST

/* --- mounts --- */

START_TEST(a_mount_over_a_directory_that_is_watched)
{
	struct proof p;

	proof_open(&p);
	put("d/m/under/a", "");
	if (!scratch_mounts()) {
		skip(__func__, "no mounts here");
		proof_close(&p);
		return;
	}
	proof_watch(&p, "-r", "d", NULL);
	begin(&p, _i);
	put("d/m/under/b", "");
	ck_assert_int_eq(mount("t", "d/m", "tmpfs", 0, NULL), 0);
	put("d/m/under/c", "");
	put("d/m/over", "");
	proof_thaw(&p);
	(void)harness_wait(p.h, "created", "d/m/over");
	proof_check(&p);
	ck_assert_int_eq(mount("t", "d/m/under", "tmpfs", 0, NULL), 0);
	(void)harness_wait(p.h, "deleted", "d/m/under/c");
	put("d/m/under/d", "");
	(void)harness_wait(p.h, "created", "d/m/under/d");
	proof_check(&p);
	begin(&p, _i);
	unmount("d/m/under", false);
	put("d/m/under/e", "");
	unmount("d/m", false);
	put("d/m/under/f", "");
	proof_thaw(&p);
	(void)harness_wait(p.h, "created", "d/m/under/f");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

/* Lazily: the file system lives on, in the hands of who has a file open. */
START_TEST(a_lazy_unmount_and_what_goes_on_there)
{
	struct proof p;
	int fd, at;

	proof_open(&p);
	put("d/m/under", "");
	if (!may_mount(&p, __func__, "d/m"))
		return;
	put("d/m/a", "");
	put("d/m/s/b", "");
	proof_watch(&p, "-r", "d", NULL);
	fd = open("d/m/a", O_WRONLY | O_CLOEXEC);
	at = open("d/m/s", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_ne(at, -1);
	begin(&p, _i);
	ck_assert_int_eq(umount2("d/m", MNT_DETACH), 0);
	proof_thaw(&p);
	(void)harness_wait(p.h, "created", "d/m/under");
	proof_check(&p);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(mkdirat(at, "new", 0755), 0);
	ck_assert_int_eq(unlinkat(at, "b", 0), 0);
	ck_assert_str_eq(harness_story(p.h, "d"), "");
	(void)close(fd);
	(void)close(at);
	append("d/m/under", "more");
	ck_assert_str_eq(harness_story(p.h, "d"), "modified d/m/under\n");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

/* --- permission --- */

/* Drops from the programs we start what makes root read everything; we keep
 * it. Without root nothing is to be dropped. */
static bool
takes_permission(void)
{
	return getuid() != 0 ||
	    (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0 &&
		prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == 0);
}

START_TEST(permission_is_taken_and_given_back)
{
	/* Of the directory itself, and of one above it. */
	const char *mode = _i / 2 == 0 ? "d/w/x" : "d/w";
	struct proof p;
	bool root = getuid() == 0;
	int i;

	proof_open(&p);
	put("d/w/x/y/a", "");
	put("d/w/x/b", "");
	if (!takes_permission()) {
		skip(__func__, "root may read it all the same");
		proof_close(&p);
		return;
	}
	proof_watch(&p, "-r", "d", NULL);
	for (i = 0; i < 5; i++) {
		begin(&p, _i);
		ck_assert_int_eq(chmod(mode, 0000), 0);
		if (root) {
			/* Somebody else may still change it. */
			put("d/w/x/new/c", "");
			move("d/w/x/y", "d/w/x/z");
			put("d/w/x/z/e", "");
			erase("d/w/x/b");
			ck_assert_int_eq(symlink("x", "d/w/x/l"), 0);
		}
		if (_i % 2 == FOLLOWED)
			harness_mark(p.h, "d");
		ck_assert_int_eq(chmod(mode, 0755), 0);
		put("d/w/x/given", "");
		proof_thaw(&p);
		proof_until(&p, "d/w/x/given");
		if (root)
			proof_until(&p, "d/w/x/new/c");
		proof_check(&p);
		shell("cd d/w/x; rm -rf new l given; [ ! -e z ] || mv z y;"
		      " echo >b");
		proof_check(&p);
	}
	(void)harness_err(p.h);
	proof_close(&p);
}
END_TEST

struct scenario {
	const TTest *test;
	int ways;
};

int
main(void)
{
	const struct scenario scenarios[] = {
	    {an_exchange_and_a_move_there_and_back_are_told_apart, BOTH},
	    {two_directories_that_are_swapped_keep_what_is_in_them, BOTH},
	    {each_swap_of_two_directories_is_told_as_it_was_done, BOTH},
	    {a_chain_of_renames_with_new_directories_under_the_old_names, BOTH},
	    {renames_in_a_chain_are_told_as_such, BOTH},
	    {a_directory_moved_in_with_changes_below_it_at_once, BOTH},
	    {nothing_is_told_of_what_was_moved_out, BOTH},
	    {a_link_replaced_by_a_directory_and_back, BOTH},
	    {chains_of_new_directories_filled_by_many, BOTH},
	    {twenty_thousand_files_are_unpacked, 1},
	    {branches_are_checked_out_back_and_forth, BOTH},
	    {names_as_long_as_can_be_and_of_any_bytes, BOTH},
	    {paths_longer_than_a_path_may_be, BOTH},
	    {a_parent_of_the_root_is_renamed_and_renamed_back, BOTH},
	    {a_root_is_removed_and_made_again, BOTH},
	    {a_root_is_renamed_away_with_another_in_its_place, BOTH},
	    {a_root_is_replaced_within_a_tick, BOTH},
	    {a_root_on_a_file_system_that_is_unmounted, BOTH},
	    {a_mount_over_a_directory_that_is_watched, BOTH},
	    {a_lazy_unmount_and_what_goes_on_there, BOTH},
	    {permission_is_taken_and_given_back, 2 * BOTH},
	};
	Suite *s = suite_create("scenarios");
	TCase *tc = tcase_create("Core");
	size_t i;

	tcase_set_timeout(tc, 300);
	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (harness_can(scenarios[i].test))
			tcase_add_loop_test(tc, scenarios[i].test, 0,
			    scenarios[i].ways);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
