/*
 * "The stream is the tree" with many names at once, and through a whole pipe.
 * FOLD_FILES: how many files come and go in the audit.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fold.h"
#include "harness.h"
#include "proof.h"

static void
make_big_tree(void)
{
	shell("for a in 0 1 2 3 4 5 6 7; do for b in 0 1 2 3 4 5 6 7; do "
	      "mkdir -p o/big/$a/$b/deep; cd o/big/$a/$b; "
	      "for c in 0 1 2 3 4 5 6 7 8 9; do for d in 0 1 2 3 4; do "
	      "echo $c >$c$d; done; ln -s $c deep/$c; done; cd ../../../..; "
	      "done; done");
}

START_TEST(a_big_tree_copied_in_is_told_whole)
{
	struct proof p;

	proof_open(&p);
	make_dir("d");
	make_dir("o");
	proof_watch(&p, "-r", "d", NULL);
	make_big_tree();
	shell("cp -r o/big d/copy");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

START_TEST(a_big_tree_unpacked_is_told_whole)
{
	struct proof p;

	proof_open(&p);
	make_dir("d");
	make_dir("o");
	proof_watch(&p, "-r", "d", NULL);
	make_big_tree();
	/* tar sets times back: an event then seems to be late, never early */
	shell("tar -cf - -C o big | tar -xf - -C d");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

START_TEST(a_big_tree_moved_in_is_told_whole_and_moved_out_again)
{
	struct proof p;

	proof_open(&p);
	make_dir("d");
	make_dir("o");
	proof_watch(&p, "-r", "d", NULL);
	make_big_tree();
	shell("mv o/big d/big");
	proof_check(&p);
	ck_assert_uint_gt(fold_count(p.fold), 3000);
	shell("mv d/big/3 d/three; mv d/big o/big; mkdir d/big");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

START_TEST(a_big_tree_removed_while_it_is_made_leaves_nothing)
{
	struct proof p;

	proof_open(&p);
	make_dir("d");
	make_dir("o");
	proof_watch(&p, "-r", "d", NULL);
	make_big_tree();
	shell("(cp -r o/big d/x 2>/dev/null; : >o/done) & "
	      "until [ -e o/done ]; do rm -rf d/x 2>/dev/null; done; wait; rm "
	      "-rf d/x");
	proof_check(&p);
	proof_close(&p);
}
END_TEST

#define AUDIT_FILES 20000 /* unless FOLD_FILES says otherwise */
#define AUDIT_AHEAD 2000 /* files made and not told yet */

static void
check_audit(const char *log, size_t lines)
{
	FILE *f = fopen(log, "re");
	char *line = NULL;
	size_t cap = 0, n = 0;
	json_t *ev;

	ck_assert_msg(f != NULL, "%s: %s", log, strerror(errno));
	while (getline(&line, &cap, f) != -1) {
		ev = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		ck_assert_msg(ev != NULL, "not JSON: %s", line);
		n++;
		ck_assert_msg(json_integer_value(json_object_get(ev, "seq")) ==
			(json_int_t)n,
		    "line %zu: %s", n, line);
		json_decref(ev);
	}
	free(line);
	(void)fclose(f);
	ck_assert_uint_eq(n, lines);
}

START_TEST(the_audit_log_of_many_files_is_complete_and_in_order)
{
	static const char script[] =
	    "set -e; PATH=$FSPIPE_BIN:$PATH; exec 3>&1; "
	    "{ sh -c 'echo $$ >pid; exec fswatch-events -r -e +ready inbox'; "
	    "echo $? >status; } | tee /dev/fd/3 | "
	    "jq --unbuffered -c '{op:\"append\", path:\"audit.log\","
	    " content:(tojson+\"\\n\")}' | fswrite archive";
	struct harness *h = harness_new();
	size_t told = 0, created = 0, deleted = 0;
	char path[64];
	const char *files = getenv("FOLD_FILES");
	unsigned n, i;
	const char *kind;
	json_t *ev;
	FILE *f;
	int pid, fd;

	if (system("test -x $FSPIPE_BIN/fswrite && command -v jq >/dev/null") !=
	    0) {
		skip("the audit log of many files is complete and in order",
		    "no fswrite or no jq here");
		harness_end(h);
		return;
	}
	n = files != NULL ? (unsigned)strtoul(files, NULL, 10) : AUDIT_FILES;
	make_dir("inbox");
	make_dir("archive");
	harness_run(h, "/bin/sh", "-c", script, NULL);
	(void)harness_ready(h);
	told = 1;
	for (i = 0; i < n || deleted < n;) {
		if (i < n && i - deleted < AUDIT_AHEAD) {
			(void)snprintf(path, sizeof(path), "inbox/%u", i++);
			fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0644);
			ck_assert_int_ne(fd, -1);
			(void)close(fd);
			ck_assert_int_eq(unlink(path), 0);
			continue;
		}
		ev = harness_next(h);
		ck_assert_msg(ev != NULL, "the pipe ended early");
		told++;
		kind = event_get(ev, "event");
		created += strcmp(kind, "created") == 0;
		deleted += strcmp(kind, "deleted") == 0;
	}
	ck_assert_uint_eq(created, n);
	f = fopen("pid", "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(harness_finish(h), 0);
	shell("[ $(cat status) -eq 0 ]");
	check_audit("archive/audit.log", told);
	harness_end(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("big");
	TCase *tc = tcase_create("Big");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, a_big_tree_copied_in_is_told_whole);
	tcase_add_test(tc, a_big_tree_unpacked_is_told_whole);
	tcase_add_test(tc,
	    a_big_tree_moved_in_is_told_whole_and_moved_out_again);
	tcase_add_test(tc, a_big_tree_removed_while_it_is_made_leaves_nothing);
	suite_add_tcase(s, tc);
	tc = tcase_create("Audit");
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc,
	    the_audit_log_of_many_files_is_complete_and_in_order);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
