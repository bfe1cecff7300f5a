/*
 * A storm of renames by several processes at once: nearly all must be told as
 * renames. So that the kernel's queue holds them, each process waits for leave
 * to go on, which is given as the watcher tells of what has been done.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fold.h"
#include "harness.h"
#include "proof.h"

#define PROCS 4
/* Of each. A sanitizer sees in a few what there is to be seen in all. */
#define RENAMES (ALLOC_APART ? 5000 : 25000)
#define FILES	40 /* of each */
#define BATCH	500 /* renames for one leave */
/* Two records a rename, and the queue holds 16,384. */
#define AHEAD 6000

static const char *const dirs[] = {"d/a", "d/b", "d/c/sub", "d"};
#define NDIRS (sizeof(dirs) / sizeof(dirs[0]))

/* Where file i of a process is after n renames of it. */
static void
place(char *path, size_t size, int proc, unsigned i, unsigned n)
{
	(void)snprintf(path, size, "%s/%d-%u%s", dirs[(n / 2) % NDIRS], proc, i,
	    n % 2 == 0 ? "" : "-again");
}

static int
rename_all(int proc, int leave)
{
	char from[64], to[64], byte;
	unsigned k;

	for (k = 0; k < RENAMES; k++) {
		if (k % BATCH == 0 && read(leave, &byte, 1) != 1)
			return 1;
		place(from, sizeof(from), proc, k % FILES, k / FILES);
		place(to, sizeof(to), proc, k % FILES, k / FILES + 1);
		if (rename(from, to) == -1)
			return 1;
	}
	return 0;
}

START_TEST(of_many_renames_nearly_all_are_told_as_such)
{
	unsigned given = 0, k;
	pid_t pids[PROCS], parent = getpid();
	char path[64];
	struct proof p;
	json_t *ev;
	int leave[PROCS][2], i, status;
	size_t told, lost = 0;

	proof_open(&p);
	for (k = 0; k < NDIRS; k++)
		shell("mkdir -p %s", dirs[k]);
	for (i = 0; i < PROCS; i++) {
		for (k = 0; k < FILES; k++) {
			place(path, sizeof(path), i, k, 0);
			put(path, "");
		}
	}
	proof_watch(&p, "-r", "d", NULL);
	for (i = 0; i < PROCS; i++) {
		ck_assert_int_eq(pipe(leave[i]), 0);
		pids[i] = fork();
		ck_assert_int_ne(pids[i], -1);
		if (pids[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			(void)close(leave[i][1]);
			_exit(rename_all(i, leave[i][0]));
		}
		(void)close(leave[i][0]);
	}
	/* One that is told in two parts is counted as two. */
	for (told = 0; told - lost < PROCS * RENAMES;) {
		while (given < PROCS * RENAMES && given < told - lost + AHEAD) {
			i = (int)(given / BATCH % PROCS);
			ck_assert_int_eq(write(leave[i][1], "x", 1), 1);
			given += BATCH;
		}
		ev = harness_next(p.h);
		ck_assert_msg(ev != NULL, "stdout ended");
		ck_assert_str_ne(event_get(ev, "event"), "overflow");
		told++;
		lost += strcmp(event_get(ev, "event"), "deleted") == 0;
	}
	for (i = 0; i < PROCS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "process %d: status %d", i, status);
	}
	proof_check(&p);
	printf("%zu of %d renames were told as renamed\n", p.renamed,
	    PROCS * RENAMES);
	ck_assert_uint_ge(p.renamed, PROCS * RENAMES / 1000 * 999);
	proof_close(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("storm");
	TCase *tc = tcase_create("Core");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, of_many_renames_nearly_all_are_told_as_such);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
