/*
 * fswrite killed: at each system call of a short run (by strace), and in the
 * middle of many batches. What was acknowledged is there, nothing is there in
 * part, and what was left behind goes when its target is used again. And the
 * same run with each system call failing once: one command is refused, with
 * the right reason, and the others are done.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "scratch.h"
#include "suite.h"
#include "traced.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

#define CALLS_MAX 1024
#define NAME_SIZE 32

#define KILLED (128 + SIGKILL)

static struct scratch dir;
static struct child c;
static char out[128]; /* the directory that is written to */

static void
begin(void)
{
	scratch_open(&dir);
	(void)snprintf(out, sizeof(out), "%s/out", dir.path);
}

static void
end(void)
{
	scratch_close(&dir);
}

/* One line of the answers, 0 for one that says no. */
static int
done_line(const char *answer)
{
	int n = 0;

	if (sscanf(answer, "{\"ok\":true,\"line\":%d,", &n) != 1)
		return 0;
	return n;
}

/* An empty directory to write to; that of before is out of the way. */
static void
fresh(void)
{
	static int n;
	char old[32];

	(void)snprintf(old, sizeof(old), "before.%d", n++);
	(void)renameat(dir.fd, "out", dir.fd, old);
	ck_assert_int_eq(mkdirat(dir.fd, "out", 0755), 0);
}

/* Is something there that a killed run has left behind? */
static bool
leftovers(void)
{
	struct dirent *e;
	bool yes = false;
	DIR *d = opendir(out);

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		yes = yes || strncmp(e->d_name, ".fswrite-", 9) == 0;
	(void)closedir(d);
	return yes;
}

/* The next use of each target clears up. */
static void
check_cleared(const char *input, const char *at)
{
	(void)child_run(&c, ARGV("fswrite", "--force", "-q", out), input);
	ck_assert_msg(!leftovers(), "%s: a leftover", at);
}

/* --- at each system call --- */

/* Two batches, so that something has been answered when the second dies. */
static const char *const batches[] = {
    "{\"op\":\"write\",\"path\":\"d/w\",\"content\":\"one whole file\"}\n"
    "{\"op\":\"append\",\"path\":\"log\",\"content\":\"record 1\\n\"}\n"
    "{\"op\":\"overwrite\",\"path\":\"ow\",\"content\":\"the new one\"}\n",

    "{\"op\":\"append\",\"path\":\"log\",\"content\":\"record 2\\n\"}\n"
    "{\"op\":\"append\",\"path\":\"log\",\"content\":\"record 3\\n\"}\n"
    "{\"op\":\"mkdir\",\"path\":\"e/f\"}\n"
    "{\"op\":\"rename\",\"old_path\":\"ow\",\"path\":\"e/ow\"}\n"
    "{\"op\":\"delete\",\"path\":\"x\"}\n"
    "{\"op\":\"write\",\"path\":\"d/v\",\"content\":\"another\","
    "\"mode\":\"0640\"}\n"
    "{\"op\":\"overwrite\",\"path\":\"new\",\"content\":\"made\"}\n",
};
#define LINES_FIRST 3
#define LINES	    10

/* How it is run. */
static const struct how {
	const char *sync;
	bool search; /* for watchers, which makes most of the calls */
} hows[] = {
    {"-q", false},
    {"--sync", false},
    {"--sync", true},
};
#define HOWS (int)(sizeof(hows) / sizeof(hows[0]))

struct result {
	bool done[LINES + 1]; /* answered as done */
	int answers;
	int denied;
	char no[256]; /* the last answer that says no */
	int status;
};

static void
take_answer(struct result *r, const char *answer)
{
	int n = done_line(answer);

	r->answers++;
	if (n != 0) {
		ck_assert_msg(n >= 1 && n <= LINES, "%s", answer);
		r->done[n] = true;
		return;
	}
	ck_assert_msg(strncmp(answer, "{\"ok\":false,", 12) == 0, "%s", answer);
	r->denied++;
	(void)snprintf(r->no, sizeof(r->no), "%.200s", answer);
}

/* Runs both batches under strace, which does what inject says. */
static void
run_traced(const char *inject, const struct how *how, struct result *r)
{
	const char *answer = "";
	size_t i;
	int want;

	fresh();
	scratch_put(dir.fd, "out/ow", "the old one");
	scratch_put(dir.fd, "out/x", "x");
	memset(r, 0, sizeof(*r));
	if (how->search)
		traced_alone_start(&c, dir.path, inject,
		    ARGV("fswrite", "--ack", how->sync, out));
	else
		traced_start(&c, dir.path, inject,
		    ARGV("fswrite", "--ack", how->sync, "--force", out));
	for (i = 0; i < 2 && answer != NULL; i++) {
		child_say(&c, batches[i]);
		want = i == 0 ? LINES_FIRST : LINES - LINES_FIRST;
		while (want-- > 0 && (answer = child_line(&c)) != NULL)
			take_answer(r, answer);
	}
	r->status = child_wait(&c);
}

static bool
may_run(const struct how *how, const char *sentence)
{
	return how->search ? traced_alone_possible(sentence) :
			     traced_possible(sentence);
}

/* Every call since the first input has come: its name, and the how manieth of
 * that name it is. */
static size_t
calls_of_a_run(const struct how *how, char names[][NAME_SIZE], int nth[])
{
	static char seen[CALLS_MAX][NAME_SIZE];
	struct result r;
	bool input = false;
	char *log, *line, name[NAME_SIZE];
	size_t n = 0, nseen = 0, i;
	int count;

	run_traced("trace=all", how, &r);
	ck_assert_int_eq(r.status, 0);
	log = scratch_get(dir.fd, "trace");
	for (line = strtok(log, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		if (sscanf(line, "%31[a-z0-9_](", name) != 1 ||
		    strncmp(name, "exit", 4) == 0)
			continue;
		input = input || strncmp(line, "read(0,", 7) == 0;
		ck_assert_uint_lt(nseen, CALLS_MAX);
		memcpy(seen[nseen++], name, NAME_SIZE);
		if (!input)
			continue;
		for (count = 0, i = 0; i < nseen; i++)
			count += strcmp(seen[i], name) == 0;
		memcpy(names[n], name, NAME_SIZE);
		nth[n++] = count;
	}
	return n;
}

static bool
is(const char *name, const char *content)
{
	char *there = scratch_get(dir.fd, name);

	return there != NULL && strcmp(there, content) == 0;
}

/* Not there, or this. */
static bool
none_or(const char *name, const char *content)
{
	return scratch_get(dir.fd, name) == NULL || is(name, content);
}

/* Whole records in their order, each once, and those that were answered. */
static void
check_log(const bool done[LINES + 1], const char *at)
{
	static const int line[] = {0, 2, 4, 5};
	const char *there = scratch_get(dir.fd, "out/log");
	bool has[4] = {false};
	int n, last = 0;

	for (; there != NULL && *there != '\0'; there += 9) {
		ck_assert_msg(sscanf(there, "record %1d", &n) == 1 &&
			n > last && n < 4 && there[8] == '\n',
		    "%s: %s", at, there);
		has[n] = true;
		last = n;
	}
	for (n = 1; n < 4; n++)
		ck_assert_msg(has[n] || !done[line[n]], "%s: record %d", at, n);
}

/* What may be there, given what was answered; at says where it died. */
static void
check_what_is_there(const bool done[LINES + 1], const char *at)
{
	bool at_old, at_new;
	struct stat st;

	ck_assert_msg(none_or("out/d/w", "one whole file"), "%s", at);
	ck_assert_msg(none_or("out/d/v", "another"), "%s", at);
	ck_assert_msg(none_or("out/new", "made"), "%s", at);
	if (fstatat(dir.fd, "out/d/v", &st, 0) == 0)
		ck_assert_uint_eq(st.st_mode & 07777, 0640);
	check_log(done, at);
	at_old = is("out/ow", "the new one") ||
	    (!done[3] && is("out/ow", "the old one"));
	at_new = is("out/e/ow", "the new one") ||
	    (!done[3] && is("out/e/ow", "the old one"));
	ck_assert_msg(at_old != at_new, "%s: the overwritten file", at);
	ck_assert_msg(at_new == scratch_has(dir.fd, "out/e/ow"), "%s", at);

	ck_assert_msg(!done[1] || is("out/d/w", "one whole file"), "%s", at);
	ck_assert_msg(!done[6] || scratch_has(dir.fd, "out/e/f"), "%s", at);
	ck_assert_msg(!done[7] || at_new, "%s", at);
	ck_assert_msg(!done[8] || !scratch_has(dir.fd, "out/x"), "%s", at);
	ck_assert_msg(!done[9] || is("out/d/v", "another"), "%s", at);
	ck_assert_msg(!done[10] || is("out/new", "made"), "%s", at);
}

START_TEST(killed_at_any_system_call_it_has_done_what_it_answered)
{
	static char names[CALLS_MAX][NAME_SIZE];
	static int nth[CALLS_MAX];
	const struct how *how = &hows[_i];
	struct result r;
	size_t n, i, killed = 0;
	char inject[128];
	bool left = false;

	if (!may_run(how,
		"killed at any system call it has done what it answered"))
		return;
	n = calls_of_a_run(how, names, nth);
	ck_assert_uint_gt(n, 40);
	for (i = 0; i < n; i++) {
		(void)snprintf(inject, sizeof(inject),
		    "inject=%s:signal=KILL:when=%d", names[i], nth[i]);
		run_traced(inject, how, &r);
		ck_assert_msg(r.status == 0 || r.status == KILLED, "%s: %d",
		    inject, r.status);
		ck_assert_msg(r.denied == 0, "%s: %s", inject, r.no);
		killed += r.status == KILLED;
		check_what_is_there(r.done, inject);
		if (!leftovers())
			continue;
		left = true;
		check_cleared("{\"op\":\"overwrite\",\"path\":\"ow\","
			      "\"content\":\"\"}\n"
			      "{\"op\":\"overwrite\",\"path\":\"new\","
			      "\"content\":\"\"}\n",
		    inject);
	}
	/* The calls of two runs may differ a bit (memory), but not by much;
	 * and some death did leave a file behind. */
	ck_assert_uint_ge(killed, n - n / 8);
	ck_assert(left);
}
END_TEST

/* --- each system call failing --- */

/* Calls for memory: they fail with nothing but ENOMEM, and a sanitizer makes
 * them, too, and gives up. */
static bool
is_memory(const char *name)
{
	return strstr(name, "map") != NULL || strcmp(name, "brk") == 0 ||
	    strcmp(name, "madvise") == 0 || strcmp(name, "mprotect") == 0;
}

static const struct {
	const char *name;
	bool search; /* for watchers, too */
} errors[] = {
    {"ENOSPC", false},
    {"EDQUOT", false},
    {"EIO", false},
    {"EIO", true},
    {"EINTR", false},
    {"EMFILE", false},
    {"EMFILE", true},
    {"EROFS", false},
};
#define ERRORS (int)(sizeof(errors) / sizeof(errors[0]))

/* name is the call that failed once, with error. */
static void
check_refusals(const struct result *r, const char *name, const char *error,
    const char *at)
{
	bool is_sync = strstr(name, "sync") != NULL;
	char want[64];

	ck_assert_msg(r->status == 0 || r->status == 1, "%s: %d", at,
	    r->status);
	if (r->denied == 0) {
		/* Without a way in or out there is no going on. */
		if (strcmp(name, "read") == 0 || strcmp(name, "write") == 0 ||
		    strcmp(name, "poll") == 0 || strcmp(name, "close") == 0)
			ck_assert_int_eq(r->status == 0,
			    r->answers == LINES && c.nerr == 0);
		else
			ck_assert_msg(r->answers == LINES && r->status == 0,
			    "%s: %d answers, %d: %.300s", at, r->answers,
			    r->status, c.err);
		return;
	}
	(void)snprintf(want, sizeof(want), "\"error\":\"%s\"", error);
	ck_assert_msg(strstr(r->no, want) != NULL, "%s: %s", at, r->no);
	ck_assert_msg(r->status == 1, "%s: %d", at, r->status);
	/* A failed sync costs its batch, and all that would follow. */
	ck_assert_msg(r->denied == 1 || is_sync, "%s: %d lines", at, r->denied);
	if (is_sync)
		ck_assert_msg(strstr(c.err, "nothing since the last good one"),
		    "%s: %.300s", at, c.err);
}

START_TEST(a_system_call_that_fails_costs_one_command_and_tells_why)
{
	static char names[CALLS_MAX][NAME_SIZE];
	static int nth[CALLS_MAX];
	const struct how *how = &hows[errors[_i].search ? 2 : 1];
	const char *error = errors[_i].name;
	struct result r;
	char inject[128];
	size_t n, i, denied = 0;

	if (!may_run(how,
		"a system call that fails costs one command and tells why"))
		return;
	n = calls_of_a_run(how, names, nth);
	for (i = 0; i < n; i++) {
		if (is_memory(names[i]))
			continue;
		(void)snprintf(inject, sizeof(inject),
		    "inject=%s:error=%s:when=%d", names[i], error, nth[i]);
		run_traced(inject, how, &r);
		check_what_is_there(r.done, inject);
		ck_assert_msg(!leftovers() || strcmp(names[i], "unlinkat") == 0,
		    "%s: a leftover", inject);
		check_refusals(&r, names[i], error, inject);
		denied += r.denied > 0;
	}
	ck_assert_uint_gt(denied, 5);
}
END_TEST

/* --- in the middle of many batches --- */

#define ROUNDS 20
#define CHUNK  20

/* The nth command: appends a record, makes a file, or replaces one. */
static size_t
command(char *buf, size_t size, int n)
{
	int len;

	if (n % 3 == 0)
		len = snprintf(buf, size,
		    "{\"op\":\"append\",\"path\":\"log\","
		    "\"content\":\"%06d\\n\"}\n",
		    n);
	else if (n % 3 == 1)
		len = snprintf(buf, size,
		    "{\"op\":\"write\",\"path\":\"w/%d\","
		    "\"content\":\"%06d\"}\n",
		    n, n);
	else
		len = snprintf(buf, size,
		    "{\"op\":\"overwrite\",\"path\":\"o\","
		    "\"content\":\"%06d\"}\n",
		    n);
	return (size_t)len;
}

/* last: the last line that was answered, said: that was sent. */
static void
check_stream(int last, int said)
{
	char name[64], want[16];
	const char *log = scratch_get(dir.fd, "out/log"), *is_there;
	int i, n, records;

	records = log != NULL ? (int)(strlen(log) / 7) : 0;
	ck_assert_uint_eq(log != NULL ? strlen(log) % 7 : 0, 0);
	for (i = 0; i < records; i++) {
		(void)snprintf(want, sizeof(want), "%06d\n", (i + 1) * 3);
		ck_assert_int_eq(strncmp(log + i * 7, want, 7), 0);
	}
	ck_assert_int_ge(records, last / 3);
	for (n = 1; n <= said; n += 3) {
		(void)snprintf(name, sizeof(name), "out/w/%d", n);
		(void)snprintf(want, sizeof(want), "%06d", n);
		is_there = scratch_get(dir.fd, name);
		ck_assert(is_there != NULL || n > last);
		ck_assert(is_there == NULL || strcmp(is_there, want) == 0);
	}
	is_there = scratch_get(dir.fd, "out/o");
	n = is_there != NULL ? atoi(is_there) : 0;
	ck_assert(is_there == NULL || strlen(is_there) == 6);
	ck_assert_int_ge(n, last >= 2 ? last - (last - 2) % 3 : 0);
}

START_TEST(killed_at_random_moments_it_has_done_what_it_answered)
{
	const char *option = _i == 0 ? "-q" : "--sync", *answer;
	unsigned seed = (unsigned)getpid();
	char line[128];
	int round, chunks, said, last, i;
	bool midway = false;

	printf("the seed is %u\n", seed);
	for (round = 0; round < ROUNDS; round++) {
		fresh();
		chunks = 1 + rand_r(&seed) % 20;
		said = last = 0;
		child_start(&c,
		    ARGV("fswrite", "--force", "--ack", option, out));
		/* It works while it is fed; now and then we wait for it. */
		while (chunks-- > 0) {
			for (i = 0; i < CHUNK; i++)
				child_say_bytes(&c, line,
				    command(line, sizeof(line), ++said));
			if (rand_r(&seed) % 4 == 0) {
				answer = child_line(&c);
				ck_assert_ptr_nonnull(answer);
				last = done_line(answer);
			}
		}
		ck_assert_int_eq(kill(c.pid, SIGKILL), 0);
		while ((answer = child_line(&c)) != NULL)
			last = done_line(answer);
		ck_assert_int_eq(child_wait(&c), KILLED);
		midway = midway || (last > 0 && last < said);
		check_stream(last, said);
		check_cleared("{\"op\":\"overwrite\",\"path\":\"o\","
			      "\"content\":\"\"}\n",
		    "at random");
	}
	/* Else nothing was seen. */
	ck_assert(midway);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fswrite, killed");
	TCase *core = tcase_create("Core");

	tcase_add_checked_fixture(core, begin, end);
	tcase_set_timeout(core, 120);
	tcase_add_loop_test(core,
	    killed_at_any_system_call_it_has_done_what_it_answered, 0, HOWS);
	tcase_add_loop_test(core,
	    a_system_call_that_fails_costs_one_command_and_tells_why, 0,
	    ERRORS);
	tcase_add_loop_test(core,
	    killed_at_random_moments_it_has_done_what_it_answered, 0, 2);
	suite_add_tcase(s, core);
	return suite_main(s);
}
