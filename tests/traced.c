#include "traced.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "scratch.h"

#define TRACED_ARGS 32

/* In a process namespace of its own; strace is its first process. */
static const char *const alone_root[] = {"unshare", "-fp", "--mount-proc",
    NULL};
static const char *const alone_user[] = {"unshare", "-Ur", "-fp",
    "--mount-proc", NULL};

static const char *const *
traced_alone(void)
{
	return geteuid() == 0 ? alone_root : alone_user;
}

/* Puts b behind a, which is of TRACED_ARGS. */
static void
traced_add(const char *a[TRACED_ARGS], const char *const b[])
{
	size_t n;

	for (n = 0; a[n] != NULL; n++)
		;
	for (; *b != NULL; b++) {
		ck_assert_uint_lt(n + 1, TRACED_ARGS);
		a[n++] = *b;
	}
	a[n] = NULL;
}

static bool
traced_may(const char *const before[], const char *sentence)
{
	static const char *const strace[] = {"strace", "-o", "/dev/null",
	    "true", NULL};
	const char *all[TRACED_ARGS] = {NULL};
	struct child s;

	traced_add(all, before);
	traced_add(all, strace);
	if (child_run(&s, all, "") != 0) {
		printf("skip - %s - no %s to be had\n", sentence,
		    before[0] != NULL ? "process namespace" : "strace");
		return false;
	}
	/* Who is traced can not look for its leaks. */
	ck_assert_int_eq(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
	return true;
}

bool
traced_possible(const char *sentence)
{
	return traced_may((const char *const[]){NULL}, sentence);
}

bool
traced_alone_possible(const char *sentence)
{
	return traced_possible(sentence) &&
	    traced_may(traced_alone(), sentence);
}

static void
traced_run(struct child *c, const char *const before[], const char *dir,
    const char *inject, const char *const argv[])
{
	char log[PATH_MAX], program[PATH_MAX];
	const char *const strace[] = {"strace", "-qq", "-o", log, "-e", inject,
	    program, NULL};
	const char *all[TRACED_ARGS] = {NULL};
	const char *bin = getenv("FSPIPE_BIN");

	(void)snprintf(log, sizeof(log), "%s/trace", dir);
	(void)snprintf(program, sizeof(program), "%s/%s",
	    bin != NULL ? bin : ".", argv[0]);
	traced_add(all, before);
	traced_add(all, strace);
	traced_add(all, argv + 1);
	child_start(c, all);
}

void
traced_start(struct child *c, const char *dir, const char *inject,
    const char *const argv[])
{
	traced_run(c, (const char *const[]){NULL}, dir, inject, argv);
}

void
traced_alone_start(struct child *c, const char *dir, const char *inject,
    const char *const argv[])
{
	traced_run(c, traced_alone(), dir, inject, argv);
}

int
traced_count(int dirfd, const char *text)
{
	char *log = scratch_get(dirfd, "trace"), *at;
	int n = 0;

	ck_assert_ptr_nonnull(log);
	for (at = log; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}
