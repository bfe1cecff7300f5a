/*
 * "The stream is the tree", with random changes from seeds: after each round
 * the folded events must equal the disk. A failure prints its seed; replay it
 * by FOLD_SEED=n build/tests/e2e_fold, and one of the cases only with
 * CK_RUN_CASE=Name. FOLD_SEEDS and FOLD_OPS: how many seeds for the plain
 * case (a quarter for the others), and how many operations a seed. FOLD_PROCS:
 * processes that change at once. FOLD_FROZEN=1: a few changes at a time while
 * the program is stopped, which makes a failure repeatable.
 * FOLD_KEEP=directory: leave the streams and the operations of failing seeds
 * there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "changer.h"
#include "fold.h"
#include "harness.h"
#include "scratch.h"

#define FOLD_ROUNDS    4
#define FOLD_PROCS_MAX 16
#define AWAIT_S	       30
#define SEEDS_APART    1000 /* from one case to the next */

static unsigned
setting(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s != NULL && *s != '\0' ? (unsigned)strtoul(s, NULL, 10) :
					 otherwise;
}

/* What a filtered run shows, so that the disk can be looked at likewise. */
struct view {
	const char *types; /* letters, NULL for all */
	const char *only; /* ERE of names shown, NULL for all */
	const char *without; /* ERE of names left out, not entered */
	unsigned depth; /* 0 for no limit */
};

struct variant {
	const char *args[12];
	const char *roots[4]; /* compared, and given as operands */
	const char *grounds[4]; /* where changes are made; none: in the roots */
	struct view view;
	const char *mark_kind; /* NULL: created */
	bool existing; /* the changes begin before the program */
	bool stalled; /* nothing is read while changes go on */
	bool frozen; /* the program is stopped meanwhile, a few changes only */
	bool restless; /* the way to the root is renamed all the time */
	bool bound; /* d/x can be reached as d/y, too */
	bool bound_now_and_then; /* and that comes and goes */
	bool slow; /* some of it is polled: a mark says little about that */
	const char *limit; /* of the user's inotify watches */
	const char *descriptors; /* ulimit -n */
	bool talks; /* to stderr, of roots lost and found */
	bool may_lack; /* not every build has these options */
	bool no_content; /* files are changed while nobody can see it */
};

struct run {
	struct harness *h;
	struct fold *fold;
	const struct variant *v;
	const char *title;
	unsigned seed;
	bool failed;
	regex_t only, without;
};

static int
choose(void *ctx, const char *name, char type)
{
	const struct run *r = ctx;
	const struct view *w = &r->v->view;
	int what = FOLD_SHOW | FOLD_ENTER;
	unsigned level = 1;
	const char *p;

	for (p = name; *p != '\0'; p++)
		level += *p == '/';
	if (w->without != NULL && regexec(&r->without, name, 0, NULL, 0) == 0)
		return FOLD_NOTHING;
	if (w->only != NULL && regexec(&r->only, name, 0, NULL, 0) != 0)
		what &= ~FOLD_SHOW;
	if (w->types != NULL && strchr(w->types, type) == NULL)
		what &= ~FOLD_SHOW;
	if (w->depth > 0 && level >= w->depth)
		what &= ~FOLD_ENTER;
	return what;
}

static void
go_wrong(struct run *r, const char *report)
{
	if (r->failed)
		return;
	r->failed = true;
	printf("seed %u: %s\n", r->seed, report);
	(void)fflush(stdout);
}

/* Ends a test that has gone wrong, when no changer runs any more: shows what
 * was done to the path in question. */
static void
stop_if_wrong(struct run *r)
{
	const char *keep = getenv("FOLD_KEEP");

	if (!r->failed)
		return;
	if (*fold_suspect(r->fold) != '\0') {
		printf("  what was done there, and did not fail:\n");
		(void)fflush(stdout);
		(void)setenv("SUSPECT", fold_suspect(r->fold), 1);
		shell("sort ops/* 2>/dev/null | grep -aF -- \"$SUSPECT\" | "
		      "grep -av ' = ' | tail -n 20 | sed 's/^/      /' || :");
	}
	if (keep != NULL)
		shell("mkdir -p '%s'; sort ops/* >'%s/%s-%u.ops'; "
		      "cp '%s' '%s/%s-%u.stream'",
		    keep, keep, r->title, r->seed, harness_log(r->h), keep,
		    r->title, r->seed);
	ck_abort_msg("the stream is not the tree; again: "
		     "FOLD_SEED=%u CK_RUN_CASE=... build/tests/e2e_fold",
	    r->seed);
}

static void
heed(void *ctx, json_t *ev)
{
	struct run *r = ctx;

	if (!r->failed && fold_event(r->fold, ev) == -1)
		go_wrong(r, fold_fault(r->fold));
}

/* With several names a file's change may be told of another one. */
static bool
watches_content(const struct run *r)
{
	return r->v->view.types == NULL && !r->v->no_content &&
	    r->seed % 2 == 0;
}

static void
check_tree(struct run *r)
{
	char *report;

	if (r->failed)
		return;
	report =
	    fold_compare(r->fold, r->v->roots, choose, r, watches_content(r));
	if (report != NULL)
		go_wrong(r, report);
	free(report);
}

/* Where no mark can say that all has been told: until it has. */
static void
await_tree(struct run *r)
{
	struct timespec begun, now;
	char *report;

	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	for (;;) {
		while (!r->failed && harness_poll(r->h, 20) != NULL)
			;
		if (r->failed)
			return;
		report = fold_compare(r->fold, r->v->roots, choose, r,
		    watches_content(r));
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (report == NULL || now.tv_sec > begun.tv_sec + AWAIT_S)
			break;
		free(report);
	}
	if (report != NULL)
		go_wrong(r, report);
	free(report);
}

/* The way to the root goes away and comes back, in several manners. Always
 * ends with it in place. */
static int
be_restless(unsigned seed, unsigned times)
{
	unsigned i;

	for (i = 0; i < times; i++) {
		switch ((seed + i) % 4) {
		case 0: /* the root */
			if (rename("up/r/d", "up/r/x") == -1 ||
			    rename("up/r/x", "up/r/d") == -1)
				return -1;
			break;
		case 1: /* its parent */
			if (rename("up/r", "up/s") == -1 ||
			    rename("up/s", "up/r") == -1)
				return -1;
			break;
		case 2: /* its parent, to where nobody looks */
			if (rename("up/r", "o/r") == -1 ||
			    rename("o/r", "up/r") == -1)
				return -1;
			break;
		default: /* another directory under its name */
			if (renameat2(AT_FDCWD, "up/r/d", AT_FDCWD, "o/other",
				RENAME_EXCHANGE) == -1)
				return -1;
		}
	}
	return 0;
}

static const char *const *
grounds(const struct variant *v)
{
	return v->grounds[0] != NULL ? v->grounds : v->roots;
}

static int
bind_at_times(unsigned times)
{
	while (times-- > 0)
		if (umount2("d/y", MNT_DETACH) == -1 ||
		    mount("d/x", "d/y", NULL, MS_BIND, NULL) == -1)
			return -1;
	return 0;
}

/* What the first of the processes does instead of random changes. */
static int
be_different(const struct run *r, unsigned ops)
{
	if (r->v->restless)
		return be_restless(r->seed, ops / 40);
	return bind_at_times(ops / 40);
}

/* Starts the changers of one round. They hold a pipe's end as long as they
 * live; its other end is returned. */
static int
start_changers(const struct run *r, unsigned round, pid_t *pids, unsigned n,
    unsigned ops)
{
	struct changer c = {.outside = "o", .ops = ops / n};
	pid_t parent = getpid();
	char log[32];
	unsigned i;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	c.roots = grounds(r->v);
	while (c.roots[c.nroots] != NULL)
		c.nroots++;
	c.hard_links = r->seed % 2 == 1;
	c.odd_names = r->seed % 3 == 0;
	for (i = 0; i < n; i++) {
		(void)snprintf(log, sizeof(log), "ops/%u", i);
		c.log = log;
		c.seed =
		    ((uint64_t)r->seed * FOLD_ROUNDS + round) * FOLD_PROCS_MAX +
		    i + 1;
		pids[i] = fork();
		ck_assert_int_ne(pids[i], -1);
		if (pids[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			if (i == 0 && n > 1 &&
			    (r->v->restless || r->v->bound_now_and_then))
				_exit(be_different(r, ops) == 0 ? 0 : 1);
			_exit(changer_run(&c) == 0 ? 0 : 1);
		}
	}
	(void)close(p[1]);
	return p[0];
}

static void
wait_changers(struct run *r, int done, const pid_t *pids, unsigned n)
{
	struct pollfd p[2] = {{done, POLLIN, 0}, {-1, POLLIN, 0}};
	unsigned i;
	int status;

	for (;;) {
		p[1].fd = r->v->stalled ? -1 : harness_fd(r->h);
		ck_assert_msg(poll(p, 2, 100) != -1 || errno == EINTR, "poll");
		if (!r->v->stalled)
			while (harness_poll(r->h, 0) != NULL)
				;
		if (p[0].revents != 0)
			break;
	}
	(void)close(done);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "changer %u: status %d", i, status);
	}
}

/* Returns when it has stopped. */
static void
freeze(struct harness *h)
{
	int status;

	harness_signal(h, SIGSTOP);
	ck_assert_int_eq(waitpid(harness_pid(h), &status, WUNTRACED),
	    harness_pid(h));
	ck_assert(WIFSTOPPED(status));
}

/* The same arguments for sh, which lowers its limit first. */
static const char *const *
with_descriptors(const struct variant *v, const char *const *args,
    const char **all)
{
	const char *head[] = {"-c",
	    "ulimit -n $0; exec \"$FSPIPE_BIN/fswatch-events\" \"$@\"",
	    v->descriptors};
	unsigned n = 0, i;

	for (i = 0; i < 3; i++)
		all[n++] = head[i];
	for (i = 0; args[i] != NULL; i++)
		all[n++] = args[i];
	all[n] = NULL;
	return all;
}

static void
run_titled(const char *title, const struct variant *v, unsigned seed)
{
	struct run r = {.v = v, .title = title, .seed = seed};
	pid_t pids[FOLD_PROCS_MAX];
	const char *args[24], *few[32];
	unsigned n = 0, i, round;
	unsigned procs = setting("FOLD_PROCS", seed % 5 == 0 ? 1 : 4);
	unsigned ops = setting("FOLD_OPS", 1000) / FOLD_ROUNDS;
	bool frozen = v->frozen || setting("FOLD_FROZEN", 0) != 0;
	int done = -1;

	if (frozen) {
		procs = 1;
		ops = setting("FOLD_OPS", 4 + seed % 29);
	}

	if ((v->restless || v->bound_now_and_then) && procs < 2)
		procs = 2;
	ck_assert(procs > 0 && procs <= FOLD_PROCS_MAX);
	if (v->view.only != NULL)
		ck_assert_int_eq(regcomp(&r.only, v->view.only,
				     REG_EXTENDED | REG_NOSUB),
		    0);
	if (v->view.without != NULL)
		ck_assert_int_eq(regcomp(&r.without, v->view.without,
				     REG_EXTENDED | REG_NOSUB),
		    0);
	r.h = harness_new_titled(title);
	if (v->may_lack && !harness_knows(r.h, "fswatch-events", v->args)) {
		skip(title, "this build has no such option");
		harness_end(r.h);
		return;
	}
	if (v->limit != NULL &&
	    !scratch_limit("max_inotify_watches", v->limit)) {
		skip(title, "no user namespace with limits of its own");
		harness_end(r.h);
		return;
	}
	r.fold = fold_new();
	ck_assert_ptr_nonnull(r.fold);
	make_dir("o");
	make_dir("ops");
	if (v->restless)
		make_dir("o/other");
	for (i = 0; v->roots[i] != NULL; i++)
		shell("mkdir -p %s", v->roots[i]);
	for (i = 0; v->grounds[i] != NULL; i++)
		shell("mkdir -p %s", v->grounds[i]);
	if (v->bound &&
	    (!scratch_mounts() ||
		mount("d/x", "d/y", NULL, MS_BIND, NULL) == -1)) {
		skip(title, "no mounts here");
		fold_free(r.fold);
		harness_end(r.h);
		return;
	}
	for (i = 0; v->args[i] != NULL; i++)
		args[n++] = v->args[i];
	for (i = 0; v->roots[i] != NULL; i++)
		args[n++] = v->roots[i];
	args[n] = NULL;
	if (v->mark_kind != NULL)
		harness_mark_by(r.h, v->mark_kind, "");

	/* A tree to begin with. */
	if (!v->restless)
		wait_changers(&r, start_changers(&r, 99, pids, 1, 60), pids, 1);
	if (v->existing)
		done = start_changers(&r, 0, pids, procs, ops);
	else
		for (i = 0; v->roots[i] != NULL; i++)
			ck_assert_int_eq(fold_walk(r.fold, v->roots[i], choose,
					     &r),
			    0);
	harness_heed(r.h, heed, &r);
	if (v->descriptors != NULL)
		harness_runv(r.h, "/bin/sh", with_descriptors(v, args, few));
	else
		harness_runv(r.h, "fswatch-events", args);
	(void)harness_ready(r.h);
	if (!v->existing)
		check_tree(&r);
	for (round = 0; round < FOLD_ROUNDS; round++) {
		if (frozen)
			freeze(r.h);
		if (done == -1)
			done = start_changers(&r, round, pids, procs, ops);
		wait_changers(&r, done, pids, procs);
		if (frozen)
			harness_signal(r.h, SIGCONT);
		stop_if_wrong(&r);
		done = -1;
		for (i = 0; grounds(v)[i] != NULL; i++)
			harness_mark(r.h, grounds(v)[i]);
		if (v->slow || !harness_exact())
			await_tree(&r);
		else
			check_tree(&r);
		stop_if_wrong(&r);
	}
	if (v->view.only != NULL)
		regfree(&r.only);
	if (v->view.without != NULL)
		regfree(&r.without);
	fold_free(r.fold);
	if (v->talks)
		(void)harness_err(r.h);
	if (v->bound) {
		ck_assert_int_eq(harness_stop(r.h), 0);
		ck_assert_int_eq(umount2("d/y", MNT_DETACH), 0);
	}
	harness_end(r.h);
}

#define run_variant(v, seed) run_titled(__func__, v, seed)

START_TEST(the_stream_is_the_tree)
{
	static const struct variant v = {.args = {"-r", "-e", "+ready"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_stream_with_content_is_the_tree_with_content)
{
	static const struct variant v = {.args = {"-r", "-c", "-e", "+ready"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(complete_with_content_is_the_tree_with_content)
{
	static const struct variant v = {.args = {"-r", "-c", "--existing",
					     "-e",
					     "created,complete,renamed,deleted,"
					     "ready"},
	    .roots = {"d"},
	    .existing = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(what_has_piled_up_is_told_with_content)
{
	static const struct variant v = {.args = {"-r", "-c", "-e", "+ready"},
	    .roots = {"d", "e"},
	    .frozen = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_stream_of_two_roots_is_both_trees)
{
	static const struct variant v = {.args = {"-r", "-e", "+ready"},
	    .roots = {"d", "e"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(without_r_the_stream_is_the_first_level)
{
	static const struct variant v = {.args = {"-e", "+ready"},
	    .roots = {"d"},
	    .view = {.depth = 1}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(with_depth_the_stream_is_the_tree_to_that_depth)
{
	static const struct variant v = {.args = {"--depth", "2", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .view = {.depth = 2}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(with_types_the_stream_is_the_files)
{
	static const struct variant v = {.args = {"-r", "-t", "f", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .view = {.types = "f"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(with_types_the_stream_is_the_directories)
{
	static const struct variant v = {.args = {"-r", "-t", "d", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .view = {.types = "d"},
	    .mark_kind = "mkdir"};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(with_an_include_the_stream_is_what_matches)
{
	static const struct variant v = {.args = {"-r", "-i",
					     "(^|/)([ab]|mark-.*)$", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .view = {.only = "(^|/)([ab]|mark-.*)$"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(with_an_exclude_the_stream_is_the_rest)
{
	static const struct variant v = {.args = {"-r", "-x", "(^|/)c$", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .view = {.without = "(^|/)c$"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

/* Not the name decides here, but the place: a rename changes what is shown
 * below it. */
START_TEST(with_an_exclude_by_place_the_stream_is_the_rest)
{
	static const struct variant v = {.args = {"-r", "-x", "^a/(b|c/d)$",
					     "-e", "+ready"},
	    .roots = {"d"},
	    .view = {.without = "^a/(b|c/d)$"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(without_renamed_created_and_deleted_tell_all)
{
	static const struct variant v = {.args = {"-r", "-e",
					     "-renamed,+ready"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(existing_and_what_follows_leave_no_gap_and_no_double)
{
	static const struct variant v = {.args = {"-r", "--existing", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .existing = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(a_reader_that_stops_still_gets_the_tree)
{
	static const struct variant v = {.args = {"-r", "-e", "+ready"},
	    .roots = {"d"},
	    .stalled = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

/* One process, and all that it does in the queue before the first of it is
 * read: such a failure can be had again, step by step. */
START_TEST(what_has_piled_up_is_told_right)
{
	static const struct variant v = {.args = {"-r", "-e", "+ready"},
	    .roots = {"d"},
	    .frozen = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(a_root_that_goes_and_comes_is_the_tree_in_the_end)
{
	static const struct variant v = {.args = {"-r", "-e",
					     "+ready,+lost,+found"},
	    .roots = {"up/r/d"},
	    .restless = true,
	    .talks = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

/* The second is a name in the first: a directory, a file, a link, nothing. */
START_TEST(the_stream_of_roots_that_overlap_is_the_tree_of_each)
{
	static const struct variant v = {.args = {"-r", "-w", "-e", "+ready"},
	    .roots = {"d", "./d/a", "./d/b/a"},
	    .grounds = {"d"},
	    .talks = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(a_directory_that_is_in_the_tree_twice_is_told_in_both_places)
{
	static const struct variant v = {.args = {"-r", "-e", "+ready"},
	    .roots = {"d"},
	    .grounds = {"d/x", "d/y", "d"},
	    .bound = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(bind_mounts_that_come_and_go_are_the_tree_in_the_end)
{
	static const struct variant v = {.args = {"-r", "-e", "+ready"},
	    .roots = {"d"},
	    .grounds = {"d/x", "d/y", "d"},
	    .bound = true,
	    .bound_now_and_then = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(beyond_the_limit_of_watches_the_stream_is_the_tree)
{
	static const struct variant v = {.args = {"-r", "--poll", "0.02", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .limit = "12",
	    .slow = true,
	    .talks = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(with_few_descriptors_the_stream_is_the_tree)
{
	const char *name = getenv("HARNESS_BACKEND");
	struct variant v = {.args = {"-r", "--poll", "0.02", "-e", "+ready"},
	    .roots = {"d"},
#ifdef FSP_PORTABLE
	    /* What is there at first has to be listed by them, and the
	     * watch on a directory takes one more for a moment. */
	    .descriptors = "17",
#else
	    .descriptors = "13",
#endif
	    .slow = true,
	    .talks = true};

	/* The emulation has three, and each directory has one. */
	if (name != NULL && strcmp(name, "kqueue") == 0)
		v.descriptors = "32";
	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(every_kind_of_event_together_is_the_tree)
{
	static const struct variant v = {.args = {"-r", "-e", "all"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(rescans_leave_the_stream_the_tree)
{
	static const struct variant v = {.args = {"-r", "--rescan", "0.02",
					     "-e", "+ready"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(rescans_of_a_settled_stream_leave_it_the_tree)
{
	static const struct variant v = {.args = {"-r", "--rescan", "0.02",
					     "-s", "0.02,0.05", "-e", "+ready"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(polling_tells_the_tree_too)
{
	static const struct variant v = {.args = {"-r", "--backend", "poll",
					     "--poll", "0.02", "-e", "+ready"},
	    .roots = {"d"},
	    .slow = true,
	    .may_lack = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(what_is_polled_settles_to_the_tree)
{
	static const struct variant v = {.args = {"-r", "--backend", "poll",
					     "--poll", "0.02", "-s",
					     "0.02,0.05", "-e", "+ready"},
	    .roots = {"d"},
	    .may_lack = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_settled_stream_is_the_tree)
{
	static const struct variant v = {.args = {"-r", "-s", "0.05", "-e",
					     "+ready"},
	    .roots = {"d"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_settled_stream_with_a_maximum_is_the_tree)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02,0.05", "-e",
					     "+ready"},
	    .roots = {"d", "e"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_settled_stream_without_renamed_is_the_tree)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02,0.05", "-e",
					     "-renamed,+ready"},
	    .roots = {"d", "e"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_settled_stream_of_files_is_the_files)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02,0.05", "-t",
					     "f", "-e", "+ready"},
	    .roots = {"d"},
	    .view = {.types = "f"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_settled_stream_of_what_matches_is_what_matches)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02,0.05", "-i",
					     "(^|/)([ab]|mark-.*)$", "-e",
					     "+ready"},
	    .roots = {"d"},
	    .view = {.only = "(^|/)([ab]|mark-.*)$"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(the_settled_stream_by_place_is_the_rest)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02,0.05", "-x",
					     "^a/(b|c/d)$", "-e", "+ready"},
	    .roots = {"d"},
	    .view = {.without = "^a/(b|c/d)$"}};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(what_has_piled_up_settles_right)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02", "-e",
					     "all,-opened,-accessed"},
	    .roots = {"d"},
	    .frozen = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

START_TEST(a_root_that_goes_and_comes_settles_right)
{
	static const struct variant v = {.args = {"-r", "-s", "0.02,0.05", "-e",
					     "+ready"},
	    .roots = {"up/r/d"},
	    .restless = true};

	run_variant(&v, (unsigned)_i);
}
END_TEST

/* For the tests below: watch d with these arguments and fold. */
static void
begin_titled(const char *title, struct run *r, const struct variant *v)
{
	const char *args[24] = {"-r", "-e", "+ready,+overflow,+resynced", "d"};
	unsigned n = 4, i;

	for (i = 0; v->args[i] != NULL; i++)
		args[n++] = v->args[i];
	r->v = v;
	r->title = title;
	r->h = harness_new_titled(title);
	r->fold = fold_new();
	ck_assert_ptr_nonnull(r->fold);
	make_dir("d");
	make_dir("o");
	make_dir("ops");
	harness_heed(r->h, heed, r);
	harness_runv(r->h, "fswatch-events", args);
	(void)harness_ready(r->h);
}

static void
finish(struct run *r)
{
	harness_mark(r->h, "d");
	check_tree(r);
	stop_if_wrong(r);
	fold_free(r->fold);
	harness_end(r->h);
}

static const struct variant plain = {.roots = {"d"}};
static const struct variant settled = {.args = {"-s", "0.02,0.05"},
    .roots = {"d"}};

static long
queue_length(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long n = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	(void)fclose(f);
	return n;
}

/* A stopped program does not read its queue: it overflows. */
static void
overflow_once(const char *title, const struct variant *v, unsigned seed)
{
	struct run r = {.seed = seed * 2};
	pid_t pids[4];
	char path[64];
	long n = queue_length(), i;
	int fd;

	if (n <= 0 || n > 200000) {
		skip(title, "the queue's length is unknown or too large");
		return;
	}
	begin_titled(title, &r, v);
	wait_changers(&r, start_changers(&r, 0, pids, 4, 400), pids, 4);
	harness_mark(r.h, "d");
	check_tree(&r);
	freeze(r.h);
	wait_changers(&r, start_changers(&r, 1, pids, 4, 400), pids, 4);
	shell("mkdir d/many");
	for (i = 0; i < n + 1000; i++) {
		(void)snprintf(path, sizeof(path), "d/many/%ld", i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		ck_assert_int_ne(fd, -1);
		(void)close(fd);
		(void)snprintf(path, sizeof(path), "d/%ld", i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		ck_assert_int_ne(fd, -1);
		(void)close(fd);
		if (i % 3 != 0)
			(void)unlink(path);
	}
	wait_changers(&r, start_changers(&r, 2, pids, 4, 1000), pids, 4);
	harness_signal(r.h, SIGCONT);
	(void)harness_wait(r.h, "overflow", NULL);
	(void)harness_wait(r.h, "resynced", NULL);
	finish(&r);
}

START_TEST(after_an_overflow_the_stream_is_the_tree)
{
	overflow_once(__func__, &plain, (unsigned)_i);
}
END_TEST

START_TEST(after_an_overflow_the_settled_stream_is_the_tree)
{
	overflow_once(__func__, &settled, (unsigned)_i);
}
END_TEST

/* While it reads, and others go on changing: overflow after overflow. */
static void
overflow_on_and_on(const char *title, const struct variant *from, unsigned seed)
{
	struct run r = {.seed = seed * 2};
	struct variant v = *from;
	pid_t pids[4];
	int done, i;

	v.stalled = true;
	begin_titled(title, &r, &v);
	freeze(r.h);
	done = start_changers(&r, 0, pids, 4, 40000);
	for (i = 0; i < 20; i++) {
		struct pollfd p = {done, POLLIN, 0};

		harness_signal(r.h, SIGCONT);
		while (harness_poll(r.h, 0) != NULL)
			;
		freeze(r.h);
		if (poll(&p, 1, 50) == 1)
			break;
	}
	harness_signal(r.h, SIGCONT);
	v.stalled = false;
	wait_changers(&r, done, pids, 4);
	finish(&r);
}

START_TEST(overflows_while_changes_go_on_end_with_the_tree)
{
	overflow_on_and_on(__func__, &plain, (unsigned)_i);
}
END_TEST

START_TEST(overflows_while_changes_go_on_settle_to_the_tree)
{
	overflow_on_and_on(__func__, &settled, (unsigned)_i);
}
END_TEST

struct named_test {
	const char *name;
	const TTest *test;
	unsigned share; /* of the seeds, in quarters */
};

int
main(void)
{
	const struct named_test tests[] = {
	    {"Tree", the_stream_is_the_tree, 4},
	    {"Roots", the_stream_of_two_roots_is_both_trees, 1},
	    {"Flat", without_r_the_stream_is_the_first_level, 1},
	    {"Depth", with_depth_the_stream_is_the_tree_to_that_depth, 1},
	    {"Files", with_types_the_stream_is_the_files, 1},
	    {"Directories", with_types_the_stream_is_the_directories, 1},
	    {"Include", with_an_include_the_stream_is_what_matches, 1},
	    {"Exclude", with_an_exclude_the_stream_is_the_rest, 1},
	    {"Place", with_an_exclude_by_place_the_stream_is_the_rest, 1},
	    {"Unpaired", without_renamed_created_and_deleted_tell_all, 1},
	    {"Existing", existing_and_what_follows_leave_no_gap_and_no_double,
		1},
	    {"Stalled", a_reader_that_stops_still_gets_the_tree, 1},
	    {"Frozen", what_has_piled_up_is_told_right, 8},
	    {"Restless", a_root_that_goes_and_comes_is_the_tree_in_the_end, 1},
	    {"Content", the_stream_with_content_is_the_tree_with_content, 2},
	    {"Complete", complete_with_content_is_the_tree_with_content, 2},
	    {"Piled", what_has_piled_up_is_told_with_content, 4},
	    {"Overlap", the_stream_of_roots_that_overlap_is_the_tree_of_each,
		1},
	    {"Bind",
		a_directory_that_is_in_the_tree_twice_is_told_in_both_places,
		1},
	    {"Mounts", bind_mounts_that_come_and_go_are_the_tree_in_the_end, 1},
	    {"Limited", beyond_the_limit_of_watches_the_stream_is_the_tree, 1},
	    {"Descriptors", with_few_descriptors_the_stream_is_the_tree, 1},
	    {"All", every_kind_of_event_together_is_the_tree, 1},
	    {"Rescan", rescans_leave_the_stream_the_tree, 1},
	    {"SettleRescan", rescans_of_a_settled_stream_leave_it_the_tree, 1},
	    {"Poll", polling_tells_the_tree_too, 1},
	    {"Settle", the_settled_stream_is_the_tree, 1},
	    {"SettleMax", the_settled_stream_with_a_maximum_is_the_tree, 1},
	    {"SettleUnpaired", the_settled_stream_without_renamed_is_the_tree,
		1},
	    {"SettleFiles", the_settled_stream_of_files_is_the_files, 1},
	    {"SettleInclude",
		the_settled_stream_of_what_matches_is_what_matches, 1},
	    {"SettlePlace", the_settled_stream_by_place_is_the_rest, 1},
	    {"SettleFrozen", what_has_piled_up_settles_right, 4},
	    {"SettleRestless", a_root_that_goes_and_comes_settles_right, 1},
	    {"SettlePoll", what_is_polled_settles_to_the_tree, 1},
	};
	Suite *s = suite_create("fold of the real thing");
	unsigned seeds = setting("FOLD_SEEDS", 16);
	unsigned first = setting("FOLD_SEED", 0), from, n, i;
	TCase *tc;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!harness_can(tests[i].test))
			continue;
		tc = tcase_create(tests[i].name);
		tcase_set_timeout(tc, 300);
		tcase_set_tags(tc, "random");
		/* No two cases try the same seeds. */
		from = first != 0 ? first : i * SEEDS_APART + 1;
		n = first != 0 ? 1 : seeds * tests[i].share / 4;
		tcase_add_loop_test(tc, tests[i].test, (int)from,
		    (int)(from + n));
		suite_add_tcase(s, tc);
	}
	tc = tcase_create("Overflow");
	tcase_set_timeout(tc, 300);
	tcase_set_tags(tc, "random");
	from = first != 0 ? first : 1;
	n = first != 0 ? 1 : seeds / 20 + 1;
	if (harness_can(after_an_overflow_the_stream_is_the_tree))
		tcase_add_loop_test(tc,
		    after_an_overflow_the_stream_is_the_tree, (int)from,
		    (int)(from + n));
	tcase_add_loop_test(tc, overflows_while_changes_go_on_end_with_the_tree,
	    (int)from, (int)(from + n));
	suite_add_tcase(s, tc);
	tc = tcase_create("SettleOverflow");
	tcase_set_timeout(tc, 300);
	tcase_set_tags(tc, "random");
	if (harness_can(after_an_overflow_the_settled_stream_is_the_tree))
		tcase_add_loop_test(tc,
		    after_an_overflow_the_settled_stream_is_the_tree, (int)from,
		    (int)(from + n));
	tcase_add_loop_test(tc,
	    overflows_while_changes_go_on_settle_to_the_tree, (int)from,
	    (int)(from + n));
	suite_add_tcase(s, tc);
	return harness_main(s);
}
