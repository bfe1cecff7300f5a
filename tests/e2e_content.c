/* fswatch-events --content: a version of a file whole, or none. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base64.h"
#include "harness.h"

#define PROGRAM "fswatch-events"

#define watch(h, ...)                                                      \
	do {                                                               \
		harness_run(h, PROGRAM, "-c", "-e", "+ready", __VA_ARGS__, \
		    NULL);                                                 \
		(void)harness_ready(h);                                    \
	} while (0)

static void
put_bytes(const char *path, const void *data, size_t len)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(rename("new", path), 0);
}

/* The content of an event, decoded by what it says of itself; NULL where it
 * has none. The caller frees it. */
static char *
content_of(const json_t *ev, size_t *len)
{
	const json_t *content = json_object_get(ev, "content");
	const char *encoding = event_get(ev, "encoding");
	char *data;

	ck_assert_int_eq(content == NULL, *encoding == '\0');
	if (content == NULL)
		return NULL;
	*len = json_string_length(content);
	data = malloc(*len + 1);
	ck_assert_ptr_nonnull(data);
	memcpy(data, json_string_value(content), *len);
	if (strcmp(encoding, "base64") == 0)
		ck_assert_int_eq(base64_decode(data, *len, data, len), 0);
	else
		ck_assert_str_eq(encoding, "utf-8");
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")),
	    (json_int_t)*len);
	return data;
}

static void
has(const json_t *ev, const char *encoding, const void *want, size_t want_len)
{
	size_t len = 0;
	char *data = content_of(ev, &len);

	ck_assert_ptr_nonnull(data);
	ck_assert_str_eq(event_get(ev, "encoding"), encoding);
	ck_assert_uint_eq(len, want_len);
	ck_assert_int_eq(memcmp(data, want, len), 0);
	free(data);
}

START_TEST(text_is_told_as_text_and_all_else_in_base64)
{
	static const struct {
		const char *data;
		size_t len;
		const char *encoding;
	} files[] = {
	    {"", 0, "utf-8"}, {"text\n", 5, "utf-8"},
	    {"\"quotes\" \\ \t\r\n$(id)", 19, "utf-8"}, {"a\0b", 3, "utf-8"},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\x01", 11, "utf-8"},
	    {"\xff", 1, "base64"}, {"good \xc3", 6, "base64"},
	    {"\xed\xa0\x80", 3, "base64"}, /* a surrogate */
	    {"\xc0\x80", 2, "base64"}, /* an overlong NUL */
	    {"\xf4\x90\x80\x80", 4, "base64"}, /* beyond Unicode */
	};
	struct harness *h = harness_new();
	size_t i;
	char path[32];

	make_dir("d");
	watch(h, "d");
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "d/%zu", i);
		put_bytes(path, files[i].data, files[i].len);
		has(harness_wait(h, "created", path), files[i].encoding,
		    files[i].data, files[i].len);
	}
	(void)harness_stop(h);
	harness_run(h, PROGRAM, "-c", "--encoding", "base64", "--existing",
	    "-e", "exists,ready", "d", NULL);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "d/%zu", i);
		has(harness_wait(h, "exists", path), "base64", files[i].data,
		    files[i].len);
	}
	harness_end(h);
}
END_TEST

START_TEST(the_limit_is_exact_and_beyond_it_is_said_so)
{
	struct harness *h = harness_new();
	size_t big = 1024 * 1024;
	char *data = malloc(big + 1);
	json_t *ev;

	ck_assert_ptr_nonnull(data);
	memset(data, 1, big + 1); /* six characters each in JSON */
	make_dir("d");
	watch(h, "--content-limit", "10", "d");
	put_bytes("d/ten", data, 10);
	has(harness_wait(h, "created", "d/ten"), "utf-8", data, 10);
	put_bytes("d/eleven", data, 11);
	ev = harness_wait(h, "created", "d/eleven");
	ck_assert_ptr_null(json_object_get(ev, "content"));
	ck_assert_ptr_null(json_object_get(ev, "encoding"));
	ck_assert(json_is_true(json_object_get(ev, "truncated")));
	ck_assert_int_eq(json_integer_value(json_object_get(ev, "size")), 11);
	(void)harness_stop(h);
	watch(h, "d");
	put_bytes("d/most", data, big);
	has(harness_wait(h, "created", "d/most"), "utf-8", data, big);
	put_bytes("d/more", data, big + 1);
	ev = harness_wait(h, "created", "d/more");
	ck_assert_ptr_null(json_object_get(ev, "content"));
	ck_assert(json_is_true(json_object_get(ev, "truncated")));
	harness_end(h);
	free(data);
}
END_TEST

START_TEST(what_is_no_regular_file_is_told_without_waiting)
{
	struct harness *h = harness_new();

	make_dir("d");
	shell("mkfifo d/p; ln -s p d/l; ln -s /dev/zero d/z");
	harness_run(h, PROGRAM, "-c", "--existing", "-e", "+ready", "d", NULL);
	ck_assert_ptr_null(
	    json_object_get(harness_wait(h, "exists", "d/p"), "content"));
	(void)harness_ready(h);
	put("d/a", "text");
	shell("rm d/a; mkfifo d/a; mkdir d/s");
	harness_mark(h, "d");
	/* Nobody has it open for reading. */
	ck_assert_int_eq(open("d/p", O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
	ck_assert_int_eq(errno, ENXIO);
	harness_end(h);
}
END_TEST

/* Writes version after version, in the same file, each by truncating it and
 * writing it in pieces: as many copies of its own number, in eight digits, as
 * make its own length. */
static void
rewrite_for_ever(const char *path)
{
	char number[9];
	unsigned n, i;
	int fd;

	for (n = 1;; n++) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd == -1)
			_exit(1);
		(void)snprintf(number, sizeof(number), "%08u", n);
		for (i = 0; i < 1 + n % 64; i++)
			if (write(fd, number, 8) != 8)
				_exit(1);
		(void)close(fd);
	}
}

static void
check_version(const char *data, size_t len)
{
	char number[9];
	unsigned long n;
	size_t i;

	ck_assert_uint_ge(len, 8);
	memcpy(number, data, 8);
	number[8] = '\0';
	n = strtoul(number, NULL, 10);
	ck_assert_uint_eq(len, 8 * (1 + n % 64));
	for (i = 0; i < len; i += 8)
		ck_assert_msg(memcmp(data + i, number, 8) == 0,
		    "two versions in one: %.*s", (int)len, data);
}

static void
rewrite_and_read(struct harness *h, const char *events)
{
	/* Who looks only now and then seldom finds it closed. */
	const char *name = getenv("HARNESS_BACKEND");
	size_t enough = name != NULL && strcmp(name, "poll") == 0 ? 10 : 300;
	size_t len = 0, told = 0, without = 0;
	char *data;
	json_t *ev;
	pid_t pid;

	make_dir("d");
	watch(h, "-e", events, "d");
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		rewrite_for_ever("d/a");
	}
	while (told < enough) {
		ev = harness_next(h);
		ck_assert_ptr_nonnull(ev);
		data = content_of(ev, &len);
		if (data == NULL) {
			without++;
			continue;
		}
		check_version(data, len);
		told++;
		free(data);
	}
	/* It was not for want of trouble. */
	ck_assert_uint_gt(without, 0);
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	harness_end(h);
}

START_TEST(a_file_that_is_rewritten_all_the_time_is_told_whole_or_not)
{
	rewrite_and_read(harness_new(), "default,+complete,+ready");
}
END_TEST

START_TEST(a_file_that_is_closed_all_the_time_is_told_whole_or_not)
{
	rewrite_and_read(harness_new(), "default,+closed,+complete,+ready");
}
END_TEST

START_TEST(a_file_held_open_is_told_whole_when_it_is_closed)
{
	struct harness *h = harness_new();
	json_t *ev;
	int fd;

	put("d/a", "");
	watch(h, "d");
	fd = open("d/a", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, "half", 4), 4);
	ev = harness_wait(h, "modified", "d/a");
	if (json_object_get(ev, "content") != NULL) {
		skip(__func__, "no leases on this file system");
		(void)close(fd);
		harness_end(h);
		return;
	}
	ck_assert_int_eq(write(fd, " whole", 6), 6);
	ck_assert_int_eq(close(fd), 0);
	do
		ev = harness_wait(h, "modified", "d/a");
	while (json_object_get(ev, "content") == NULL);
	has(ev, "utf-8", "half whole", 10);
	harness_end(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("content");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_set_timeout(core, 120);
	tcase_set_timeout(limits, 120);
	tcase_set_timeout(hostile, 120);
	tcase_add_test(core, text_is_told_as_text_and_all_else_in_base64);
	tcase_add_test(core, a_file_held_open_is_told_whole_when_it_is_closed);
	tcase_add_test(limits, the_limit_is_exact_and_beyond_it_is_said_so);
	tcase_add_test(hostile,
	    what_is_no_regular_file_is_told_without_waiting);
	tcase_add_test(hostile,
	    a_file_that_is_rewritten_all_the_time_is_told_whole_or_not);
	tcase_add_test(hostile,
	    a_file_that_is_closed_all_the_time_is_told_whole_or_not);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return harness_main(s);
}
