/*
 * When the kernel's queue overflows: what is told afterwards is right, and no
 * more than what has changed; and while nobody reads, memory does not grow.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "event.h"
#include "fold.h"
#include "harness.h"
#include "proof.h"
#include "statat.h"

/* What happens while the program is stopped: three records each. */
#define THINGS 20000

/* How much memory may grow while nobody reads: the records taken in (4 MiB at
 * most), and what they are sorted by. */
#define GROWTH_KB 16384

/* Files with long names in one directory; and how much the memory of the
 * program may grow when it finds them: what it tells of them, and what it
 * remembers, is each about as much as that. */
#define MANY	16000
#define MANY_KB 12288
/* What kqueue keeps of each beside that: a descriptor, with the name. (The half
 * of it is the emulation's.) */
#define MORE_KB 12288

static bool
is_kqueue(void)
{
	const char *name = getenv("HARNESS_BACKEND");

	return name != NULL && strcmp(name, "kqueue") == 0;
}

static long
many_kb(void)
{
	return is_kqueue() ? MANY_KB + MORE_KB : MANY_KB;
}

static long
number_in(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	long n = -1;

	if (f == NULL)
		return -1;
	while (n == -1 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			n = strtol(line + strlen(key), NULL, 10);
	(void)fclose(f);
	return n;
}

/* Does the queue hold less than what the tests do? */
static bool
overflows(const char *sentence)
{
	long n = number_in("/proc/sys/fs/inotify/max_queued_events", "");

	if (n > 0 && n < 3 * THINGS)
		return true;
	skip(sentence, "the kernel's queue is longer than usual, or unknown");
	return false;
}

static long
memory_kb(const struct proof *p, const char *key)
{
	char path[64];
	long kb;

	(void)snprintf(path, sizeof(path), "/proc/%d/status",
	    (int)harness_pid(p->h));
	kb = number_in(path, key);
	ck_assert_int_gt(kb, 0);
	return kb;
}

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	(void)close(fd);
}

/* Files that come and go. */
static void
fill_queue(const char *dir, unsigned n)
{
	char path[64];
	unsigned i;
	int fd;

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/passing-%u", dir, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		ck_assert_int_ne(fd, -1);
		ck_assert_int_eq(write(fd, "x", 1), 1);
		(void)close(fd);
		ck_assert_int_eq(unlink(path), 0);
	}
}

static struct timespec
change_time(const char *path)
{
	struct event_stat st;

	ck_assert_int_eq(stat_at(AT_FDCWD, path, false, &st), 0);
	return st.ctime;
}

/* Marks until the clock of the file system has gone on, and the program knows
 * that nothing was queued then: all that is there is older. */
static void
grow_old(struct proof *p, const char *path)
{
	struct timespec old = change_time(path), now;
	long ms;

	do {
		harness_mark(p->h, "d");
		put("o/clock", "x");
		now = change_time("o/clock");
		ms = (now.tv_sec - old.tv_sec) * 1000 +
		    (now.tv_nsec - old.tv_nsec) / 1000000;
	} while (ms < 100);
	harness_mark(p->h, "d");
}

struct told {
	size_t n[8]; /* of each kind in kinds */
	size_t other;
};

static const char *const kinds[] = {"created", "modified", "renamed", "deleted",
    "overflow", "resynced"};

/* Reads on until resynced; what was told from overflow on is counted, but for
 * what only passes and the marks, the last of which were made just before the
 * program was stopped. Nothing may be told about a path with this in it. */
static void
count_differences(struct proof *p, const char *untouched, struct told *t)
{
	const char *kind, *path;
	json_t *ev;
	size_t i;

	memset(t, 0, sizeof(*t));
	(void)harness_wait(p->h, "overflow", NULL);
	do {
		ev = harness_next(p->h);
		ck_assert_ptr_nonnull(ev);
		kind = event_get(ev, "event");
		path = event_get(ev, "path");
		ck_assert_msg(strstr(path, untouched) == NULL, "%s %s", kind,
		    path);
		if (strstr(path, "passing-") != NULL ||
		    strstr(path, "mark-") != NULL)
			continue;
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			t->n[i] += strcmp(kind, kinds[i]) == 0;
	} while (strcmp(kind, "resynced") != 0);
}

START_TEST(after_an_overflow_only_what_has_changed_is_told)
{
	struct event_stat st;
	struct told t;
	struct proof p;
	char a[64], b[64];
	int i, k;

	if (!overflows(__func__))
		return;
	proof_open(&p);
	make_dir("o");
	for (i = 0; i < 20; i++) {
		(void)snprintf(a, sizeof(a), "d/%d/sub", i);
		make_dir(a);
		for (k = 0; k < 50; k++) {
			(void)snprintf(a, sizeof(a), "d/%d/quiet-%d", i, k);
			make_file(a);
			(void)snprintf(a, sizeof(a), "d/%d/sub/quiet-%d", i, k);
			make_file(a);
		}
		(void)snprintf(a, sizeof(a), "d/%d/f", i);
		make_file(a);
		(void)snprintf(a, sizeof(a), "d/%d/g", i);
		make_file(a);
		(void)snprintf(a, sizeof(a), "d/%d/h", i);
		make_file(a);
	}
	put("d/moves/in/it", "");
	put("d/there/in/it", "");
	proof_watch(&p, "-r", "d", NULL);
	grow_old(&p, "d/there/in/it");

	proof_freeze(&p);
	fill_queue("d", THINGS);
	for (i = 0; i < 20; i++) {
		(void)snprintf(a, sizeof(a), "d/%d/f", i);
		(void)snprintf(b, sizeof(b), "d/%d/sub/f", (i + 7) % 20);
		if (i < 8)
			append(a, "more");
		else if (i < 13)
			erase(a);
		else
			move(a, b);
	}
	for (i = 0; i < 20; i++) {
		(void)snprintf(a, sizeof(a), "d/%d/g", i);
		(void)snprintf(b, sizeof(b), "d/%d/new", i);
		if (i < 6) {
			put(b, "new");
		} else if (i < 10) {
			/* Another file, likely of the same number. */
			erase(a);
			put(a, "another");
		} else if (i < 14) {
			/* Nor is this one that has moved. */
			erase(a);
			put(b, "likewise");
		} else {
			/* Swapped, and a ring. */
			move(a, "d/t");
			(void)snprintf(b, sizeof(b), "d/%d/h", i);
			move(b, a);
			move("d/t", b);
		}
	}
	move("d/moves", "d/moved");
	move("d/there/in", "d/0/in");
	put("d/moved/in/new", "");
	proof_thaw(&p);

	count_differences(&p, "quiet-", &t);
	proof_check(&p);
	/* f: 8 appended to; g: 4 others under the same name */
	ck_assert_uint_eq(t.n[1], 8 + 4);
	/* f: 5; g: 4, known not to be the new ones */
	ck_assert_uint_eq(t.n[3], 5 + 4);
	/* new: 6 and 4; in a directory that moved: 1 */
	ck_assert_uint_eq(t.n[0], 6 + 4 + 1);
	ck_assert_int_eq(stat_at(AT_FDCWD, "d/0/f", false, &st), 0);
	if (st.btime.tv_nsec == -1) {
		skip("a rename across the gap is told as one",
		    "this file system knows no birth times");
	} else {
		/* f: 7; g and h: 6 exchanges; two directories */
		ck_assert_uint_eq(t.n[2], 7 + 6 + 2);
	}
	proof_close(&p);
}
END_TEST

START_TEST(overflow_and_resynced_are_told_on_request_only)
{
	struct harness *h = harness_new();
	json_t *ev;
	const char *kind;

	if (!overflows(__func__)) {
		harness_end(h);
		return;
	}
	make_dir("d");
	harness_run(h, "fswatch-events", "-e", "+ready", "d", NULL);
	(void)harness_ready(h);
	harness_signal(h, SIGSTOP);
	fill_queue("d", THINGS);
	put("d/last", "");
	harness_signal(h, SIGCONT);
	do {
		ev = harness_next(h);
		ck_assert_ptr_nonnull(ev);
		kind = event_get(ev, "event");
		ck_assert_str_ne(kind, "overflow");
		ck_assert_str_ne(kind, "resynced");
	} while (strcmp(event_get(ev, "path"), "d/last") != 0);
	ck_assert(json_is_true(json_object_get(ev, "synthetic")));
	harness_end(h);
}
END_TEST

START_TEST(while_nobody_reads_memory_does_not_grow)
{
	struct proof p;
	long before;

	if (!overflows(__func__))
		return;
	proof_open(&p);
	put("d/a", "");
	proof_watch(&p, "-r", "d", NULL);
	before = memory_kb(&p, "VmRSS:");
	/* Lines of some 30 MiB. */
	fill_queue("d", 2 * THINGS);
	put("d/b", "");
	move("d/a", "d/c");
#if defined(__SANITIZE_ADDRESS__)
	(void)before;
	skip(__func__, "the sanitizers need memory of their own");
#else
	ck_assert_int_lt(memory_kb(&p, "VmHWM:"), before + GROWTH_KB);
#endif
	proof_check(&p);
#if !defined(__SANITIZE_ADDRESS__)
	/* And when it is read again, no more: all but a few names are gone. */
	ck_assert_int_lt(memory_kb(&p, "VmHWM:"), before + GROWTH_KB);
#endif
	proof_close(&p);
}
END_TEST

/* All from one listing: a directory that is moved in. */
START_TEST(what_is_found_at_once_waits_for_the_reader_too)
{
	char path[320];
	struct proof p;
	struct rlimit rl;
	long most;
	unsigned i;

	/* Each takes one there, and a few are left over. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	if (is_kqueue() && rl.rlim_max < MANY + 1000) {
		skip(__func__, "too few descriptors");
		return;
	}
	proof_open(&p);
	put("d/there", "");
	make_dir("o/many");
	/* Lines of some 10 MiB, and half of that to be remembered. */
	for (i = 0; i < MANY; i++) {
		(void)snprintf(path, sizeof(path), "o/many/%0250u", i);
		make_file(path);
	}
	proof_watch(&p, "-r", "d", NULL);
	most = memory_kb(&p, "VmRSS:") + many_kb();
	move("o/many", "d/many");
	proof_check(&p);
#if defined(__SANITIZE_ADDRESS__)
	(void)most;
	skip(__func__, "the sanitizers need memory of their own");
#else
	ck_assert_int_lt(memory_kb(&p, "VmHWM:"), most);
#endif
	proof_close(&p);
}
END_TEST

/* System calls in a trace, before something is written and after something. */
static size_t
count_calls(const char *trace, const char *call, const char *before,
    const char *after)
{
	FILE *f = fopen(trace, "re");
	char *line = NULL, *at;
	size_t cap = 0, n = 0;
	bool counts = after == NULL;

	ck_assert_ptr_nonnull(f);
	while (getline(&line, &cap, f) != -1) {
		if (before != NULL && strstr(line, before) != NULL)
			break;
		if (after != NULL && strstr(line, after) != NULL)
			counts = true;
		/* Behind the number of the thread. */
		at = line + strspn(line, "0123456789 ");
		n += counts && strncmp(at, call, strlen(call)) == 0;
	}
	free(line);
	(void)fclose(f);
	return n;
}

static bool
may_trace(void)
{
	return system("strace -D -o /dev/null true 2>/dev/null") == 0;
}

/* Not by time: a listing of each directory, and one look at each file, whose
 * time of change says whether it has changed. */
START_TEST(comparing_all_costs_one_look_at_each_file)
{
	static const char *const listing[] = {"getdents64(", "openat(",
	    "inotify_add_watch("};
	const char *s = getenv("FOLD_FILES"), *bin = getenv("FSPIPE_BIN");
	unsigned files = s != NULL ? (unsigned)strtoul(s, NULL, 10) : 20000;
	unsigned dirs = files / 100, i;
	size_t first, again;
	struct proof p;
	char a[64], b[64], program[4096];

	if (!overflows(__func__))
		return;
	if (!may_trace()) {
		skip(__func__, "no strace here");
		return;
	}
	proof_open(&p);
	make_dir("o");
	put("d/there", "");
	for (i = 0; i < files; i++) {
		(void)snprintf(a, sizeof(a), "d/%u", i % dirs);
		if (i < dirs)
			make_dir(a);
		(void)snprintf(a, sizeof(a), "d/%u/%u", i % dirs, i);
		make_file(a);
	}
	/* No tracer may be under another one. */
	(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	(void)snprintf(program, sizeof(program), "%s/fswatch-events", bin);
	proof_run(&p, "/usr/bin/env", "strace", "-f", "-D", "-qq", "-o",
	    "trace", "-e",
	    "trace=getdents64,statx,newfstatat,openat,inotify_add_watch,write",
	    program, "-r", "d", NULL);
	grow_old(&p, a);
	proof_freeze(&p);
	/* They cost no look, since they are known to be gone. */
	for (i = 0; i < THINGS / 2; i++) {
		make_file("d/passing-by");
		erase("d/passing-by");
	}
	proof_thaw(&p);
	/* And what comes meanwhile is told once. */
	for (i = 0; i < 100; i++) {
		(void)snprintf(a, sizeof(a), "d/%u/%u", i, i);
		(void)snprintf(b, sizeof(b), "d/%u/%u-new", dirs - i - 1, i);
		move(a, b);
		make_file(a);
		erase(b);
	}
	(void)harness_wait(p.h, "resynced", NULL);
	proof_check(&p);
	ck_assert_int_eq(harness_stop(p.h), 0);
	for (i = 0; i < 3; i++) {
		first = count_calls("trace", listing[i], "\"ready", NULL);
		again = count_calls("trace", listing[i], NULL, "SIGSTOP");
		ck_assert_msg(again <= first + first / 4 + 1000,
		    "%s: %zu at first, %zu after the overflow", listing[i],
		    first, again);
	}
	again = count_calls("trace", "statx(", NULL, "SIGSTOP") +
	    count_calls("trace", "newfstatat(", NULL, "SIGSTOP");
	ck_assert_uint_ge(again, files / 2);
	ck_assert_msg(again <= files + files / 4 + 2000,
	    "%zu looks at %u files", again, files);
	proof_close(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("overflow");
	TCase *tc = tcase_create("Core");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, after_an_overflow_only_what_has_changed_is_told);
	tcase_add_test(tc, overflow_and_resynced_are_told_on_request_only);
	tcase_add_test(tc, while_nobody_reads_memory_does_not_grow);
	tcase_add_test(tc, what_is_found_at_once_waits_for_the_reader_too);
	tcase_add_test(tc, comparing_all_costs_one_look_at_each_file);
	suite_add_tcase(s, tc);
	return harness_main(s);
}
