#include "proof.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fold.h"

static void
heed(void *ctx, json_t *ev)
{
	struct proof *p = ctx;
	const char *kind = event_get(ev, "event");

	p->renamed += strcmp(kind, "renamed") == 0;
	p->created += strcmp(kind, "created") == 0;
	p->deleted += strcmp(kind, "deleted") == 0;
	p->modified += strcmp(kind, "modified") == 0;
	if (p->wrong == NULL && fold_event(p->fold, ev) == -1)
		p->wrong = strdup(fold_fault(p->fold));
}

void
proof_open_titled(struct proof *p, const char *title)
{
	memset(p, 0, sizeof(*p));
	p->h = harness_new_titled(title);
	p->fold = fold_new();
	ck_assert_ptr_nonnull(p->fold);
	harness_heed(p->h, heed, p);
}

static void
run(struct proof *p, const char *program, va_list ap)
{
	const char *args[32];
	size_t n = 0, nroots = 0;
	struct stat st;

	while ((args[n] = va_arg(ap, const char *)) != NULL) {
		if (args[n][0] != '-' && stat(args[n], &st) == 0 &&
		    S_ISDIR(st.st_mode)) {
			ck_assert_uint_lt(nroots, PROOF_ROOTS);
			p->roots[nroots++] = args[n];
			ck_assert_int_eq(fold_walk(p->fold, args[n], NULL,
					     NULL),
			    0);
		}
		ck_assert_uint_lt(++n, sizeof(args) / sizeof(args[0]) - 2);
	}
	ck_assert_uint_gt(nroots, 0);
	args[n++] = "-e";
	args[n++] = "+ready,+overflow,+resynced,+lost,+found";
	args[n] = NULL;
	harness_runv(p->h, program, args);
	(void)harness_ready(p->h);
}

void
proof_watch(struct proof *p, ...)
{
	va_list ap;

	va_start(ap, p);
	run(p, "fswatch-events", ap);
	va_end(ap);
}

void
proof_run(struct proof *p, const char *program, ...)
{
	va_list ap;

	va_start(ap, program);
	run(p, program, ap);
	va_end(ap);
}

void
proof_freeze(struct proof *p)
{
	int status;

	harness_signal(p->h, SIGSTOP);
	ck_assert_int_eq(waitpid(harness_pid(p->h), &status, WUNTRACED),
	    harness_pid(p->h));
	ck_assert(WIFSTOPPED(status));
	p->frozen = true;
}

void
proof_thaw(struct proof *p)
{
	if (p->frozen)
		harness_signal(p->h, SIGCONT);
	p->frozen = false;
}

void
proof_until(struct proof *p, const char *path)
{
	while (!fold_has(p->fold, path))
		if (harness_next(p->h) == NULL)
			ck_abort_msg("stdout ended without %s", path);
}

void
proof_compare(struct proof *p)
{
	char *report;

	report = p->wrong != NULL ?
	    strdup(p->wrong) :
	    fold_compare(p->fold, p->roots, NULL, NULL, true);
	if (report == NULL)
		return;
	/* Longer than what Check would print. */
	printf("%s\n", report);
	(void)fflush(stdout);
	ck_abort_msg("the stream is not the tree");
}

void
proof_check(struct proof *p)
{
	size_t i;

	proof_thaw(p);
	for (i = 0; p->roots[i] != NULL; i++)
		harness_mark(p->h, p->roots[i]);
	proof_compare(p);
}

void
proof_close(struct proof *p)
{
	proof_thaw(p);
	harness_heed(p->h, NULL, NULL);
	fold_free(p->fold);
	harness_end(p->h);
}
