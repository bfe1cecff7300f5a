#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "buf.h"
#include "cannot.h"
#include "keep.h"
#include "story.h"
#include "suite.h"

#define HARNESS_TIMEOUT                                       \
	20 /* seconds for a wait, unless the environment says \
	    */
#define HARNESS_POLL  "0.05" /* seconds between two looks, when polling */
#define HARNESS_ARGS  64
#define HARNESS_SHOWN 200 /* lines of a transcript that are printed */
#define MARK	      "mark-"

struct line {
	char *text; /* without its terminator, and with a NUL */
	json_t *json; /* NULL where the format is not JSON */
};

struct harness {
	char dir[PATH_MAX];
	char log[PATH_MAX]; /* all that was read, for harness_main() */
	int log_fd;
	int keep_fd; /* keep.h */

	pid_t pid; /* 0 where nothing runs */
	int in, out, err; /* our ends of the pipes, -1 when closed */
	enum harness_format format;
	json_int_t seq; /* of the last line */

	struct buf out_buf; /* read, but not yet a whole line */
	size_t out_used; /* bytes at its beginning that are lines already */
	struct buf err_buf;
	bool err_seen;

	struct line *lines;
	size_t nlines, cap;
	size_t next; /* the line harness_next() gives */
	void (*heed)(void *ctx, json_t *ev);
	void *heed_ctx;
	size_t from; /* where the next story begins */
	struct buf story;

	const char *mark_kind;
	const char *mark_ending;
	unsigned marks;
};

/* The directory of this test program, and where the programs are. Absolute,
 * as every test changes its directory. Set once by harness_main(). */
static char base[PATH_MAX];
static char bin[PATH_MAX];

/* emit.h has the order. */
static const char *const key_order[] = {"event", "type", "path", "path_base64",
    "root", "root_base64", "name", "name_base64", "old_path", "old_path_base64",
    "old_root", "old_root_base64", "old_name", "old_name_base64", "replaced",
    "exchanged", "size", "dev", "ino", "nlink", "mode", "uid", "gid", "mtime",
    "ctime", "btime", "content", "encoding", "truncated", "roots",
    "directories", "entries", "synthetic", "time", "seq"};
#define NKEYS (sizeof(key_order) / sizeof(key_order[0]))

static const char *const names_of_bytes[] = {"path", "root", "name", "old_path",
    "old_root", "old_name"};

static long
timeout_ms(void)
{
	const char *s = getenv("HARNESS_TIMEOUT");
	long seconds = s != NULL ? strtol(s, NULL, 10) : 0;

	return (seconds > 0 ? seconds : HARNESS_TIMEOUT) * 1000;
}

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static char *
cstring(struct buf *b)
{
	char *end = buf_reserve(b, 1);

	ck_assert_msg(end != NULL, "out of memory");
	*end = '\0';
	return b->data;
}

static int
open_up(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)ftw;
	if ((flag == FTW_D || flag == FTW_DNR) && (st->st_mode & 0700) != 0700)
		(void)chmod(path, 0700);
	return 0;
}

void
remove_tree(const char *path)
{
	pid_t pid;

	/* Twice: a directory whose mode was 000 is entered the second time. */
	(void)nftw(path, open_up, 32, FTW_PHYS);
	(void)nftw(path, open_up, 32, FTW_PHYS);
	/* Not nftw(3): a tree may be deeper than a path may be long. */
	pid = fork();
	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	if (pid != -1)
		(void)waitpid(pid, NULL, 0);
}

static void
print_log(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	const char *s = getenv("HARNESS_LINES");
	long shown = s != NULL ? strtol(s, NULL, 10) : HARNESS_SHOWN;
	long total = 0, i = 0;

	if (f == NULL)
		return;
	while (getline(&line, &cap, f) != -1)
		total++;
	rewind(f);
	while ((n = getline(&line, &cap, f)) != -1) {
		if (i < 5 || total - i <= shown)
			printf("  %.*s\n", (int)strcspn(line, "\n"), line);
		else if (i == 5)
			printf("  [%ld lines]\n", total - shown - 5);
		i++;
	}
	free(line);
	(void)fclose(f);
}

static void
print_logs(void)
{
	DIR *d = opendir(base);
	struct dirent *de;
	char path[PATH_MAX * 2];

	if (d == NULL)
		return;
	while ((de = readdir(d)) != NULL) {
		if (strncmp(de->d_name, "log.", 4) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", base, de->d_name);
		print_log(path);
	}
	(void)closedir(d);
}

int
harness_main(Suite *s)
{
	const char *where = getenv("FSPIPE_BIN");
	const char *tmp = getenv("TMPDIR");
	int status;

	if (realpath(where != NULL ? where : ".", bin) == NULL) {
		perror(where != NULL ? where : ".");
		return EXIT_FAILURE;
	}
	(void)setenv("FSPIPE_BIN", bin, 1);
	(void)snprintf(base, sizeof(base), "%s/fspipe-test.XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(base) == NULL) {
		perror(base);
		return EXIT_FAILURE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	status = suite_main(s);
	if (status != EXIT_SUCCESS)
		print_logs();
	(void)fflush(stdout);
	if (chdir("/") == -1)
		status = EXIT_FAILURE;
	remove_tree(base);
	return status;
}

bool
harness_can(const TTest *test)
{
	const char *why = cannot(getenv("HARNESS_BACKEND"), test->name);

	if (why != NULL)
		skip(test->name, why);
	return why == NULL;
}

void
harness_add(TCase *tc, const TTest *test)
{
	if (harness_can(test))
		_tcase_add_test(tc, test, 0, 0, 0, 1);
}

struct harness *
harness_new_titled(const char *title)
{
	struct harness *h = calloc(1, sizeof(*h));
	size_t len;

	ck_assert_ptr_nonnull(h);
	h->in = h->out = h->err = -1;
	h->mark_kind = "created";
	h->mark_ending = "";
	h->keep_fd = -1;
	ck_assert_int_lt(snprintf(h->log, sizeof(h->log), "%.*s/log.XXXXXX",
			     PATH_MAX - 16, base),
	    PATH_MAX);
	h->log_fd = mkostemp(h->log, O_CLOEXEC | O_APPEND);
	ck_assert_msg(h->log_fd != -1, "%s: %s", h->log, strerror(errno));
	/* Check's functions end in "_fn". */
	len = strlen(title);
	if (len > 3 && strcmp(title + len - 3, "_fn") == 0)
		len -= 3;
	(void)dprintf(h->log_fd, "-- %.*s\n", (int)len, title);
	ck_assert_int_lt(snprintf(h->dir, sizeof(h->dir), "%.*s/t.XXXXXX",
			     PATH_MAX - 16, base),
	    PATH_MAX);
	ck_assert_msg(mkdtemp(h->dir) != NULL, "%s: %s", h->dir,
	    strerror(errno));
	ck_assert_int_eq(chdir(h->dir), 0);
	return h;
}

void
harness_set_format(struct harness *h, enum harness_format format)
{
	h->format = format;
}

/* Is that one of the arguments? */
static bool
has_arg(const char *const *args, const char *arg)
{
	for (; *args != NULL; args++)
		if (strcmp(*args, arg) == 0)
			return true;
	return false;
}

/* The options of HARNESS_BACKEND. Returns how many there are. */
static int
add_backend(const char **argv, const char *program, const char *const *args)
{
	const char *name = getenv("HARNESS_BACKEND");
	int n = 0;

	if (name == NULL || *name == '\0' ||
	    strcmp(program, "fswatch-events") != 0 ||
	    has_arg(args, "--backend"))
		return 0;
	argv[n++] = "--backend";
	argv[n++] = name;
	if (!has_arg(args, "--poll")) {
		argv[n++] = "--poll";
		argv[n++] = HARNESS_POLL;
	}
	return n;
}

void
harness_runv(struct harness *h, const char *program, const char *const *args)
{
	char path[PATH_MAX * 2];
	const char *argv[HARNESS_ARGS];
	int in[2], out[2], err[2], n = 0;
	sigset_t none;
	pid_t parent = getpid();

	ck_assert_int_eq(h->pid, 0);
	h->keep_fd = strcmp(program, "fswatch-events") == 0 ?
	    keep_open("events", keep_number()) :
	    -1;
	if (strchr(program, '/') != NULL)
		(void)snprintf(path, sizeof(path), "%s", program);
	else
		(void)snprintf(path, sizeof(path), "%s/%s", bin, program);
	argv[n++] = program;
	n += add_backend(&argv[n], program, args);
	(void)dprintf(h->log_fd, "$ %s%s", program, n > 1 ? " [...]" : "");
	for (; *args != NULL; args++) {
		ck_assert_int_lt(n, HARNESS_ARGS - 1);
		argv[n++] = *args;
		(void)dprintf(h->log_fd, " %s", *args);
	}
	argv[n] = NULL;
	(void)dprintf(h->log_fd, "\n");
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	h->pid = fork();
	ck_assert_int_ne(h->pid, -1);
	if (h->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		if (dup2(in[0], 0) == -1 || dup2(out[1], 1) == -1 ||
		    dup2(err[1], 2) == -1)
			_exit(127);
		(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
		(void)execv(path, (char **)(uintptr_t)argv);
		perror(path);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(err[1]);
	h->in = in[1];
	h->out = out[0];
	h->err = err[0];
	(void)fcntl(h->out, F_SETFL, O_NONBLOCK);
	(void)fcntl(h->err, F_SETFL, O_NONBLOCK);
	h->seq = 0;
	buf_clear(&h->out_buf);
	h->out_used = 0;
	buf_clear(&h->err_buf);
	h->from = h->next = h->nlines;
}

void
harness_run(struct harness *h, const char *program, ...)
{
	const char *args[HARNESS_ARGS];
	va_list ap;
	int n = 0;

	va_start(ap, program);
	do {
		ck_assert_int_lt(n, HARNESS_ARGS);
		args[n] = va_arg(ap, const char *);
	} while (args[n++] != NULL);
	va_end(ap);
	harness_runv(h, program, args);
}

int
harness_fd(const struct harness *h)
{
	return h->out;
}

pid_t
harness_pid(const struct harness *h)
{
	return h->pid;
}

void
harness_signal(struct harness *h, int sig)
{
	ck_assert_int_eq(kill(h->pid, sig), 0);
}

void
harness_send(struct harness *h, const char *text)
{
	size_t len = strlen(text);

	ck_assert_int_eq(write(h->in, text, len), (ssize_t)len);
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

void
harness_close_input(struct harness *h)
{
	close_fd(&h->in);
}

void
harness_close_output(struct harness *h)
{
	close_fd(&h->out);
	/* What was cut off here is no fault of the program. */
	buf_clear(&h->out_buf);
}

static int
base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	return p == NULL ? -1 : (int)(p - digits);
}

/* Strict: padding, and no bits behind the end. NULL where it is not base64. */
static char *
base64_decode(const char *s)
{
	size_t len = strlen(s), n = 0, i;
	unsigned bits = 0, have = 0;
	char *out = malloc(len + 1);

	ck_assert_ptr_nonnull(out);
	if (len % 4 != 0)
		goto bad;
	while (len > 0 && s[len - 1] == '=' && have < 2) {
		len--;
		have++;
	}
	have = 0;
	for (i = 0; i < len; i++) {
		int v = base64_value(s[i]);

		if (v == -1)
			goto bad;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	if ((bits & ((1U << have) - 1)) != 0)
		goto bad;
	out[n] = '\0';
	return out;
bad:
	free(out);
	return NULL;
}

char *
event_bytes(const json_t *ev, const char *key)
{
	char key64[64];
	const char *s;
	char *bytes;

	(void)snprintf(key64, sizeof(key64), "%s_base64", key);
	s = json_string_value(json_object_get(ev, key64));
	if (s != NULL) {
		bytes = base64_decode(s);
		ck_assert_msg(bytes != NULL, "%s is not base64: %s", key64, s);
		return bytes;
	}
	s = json_string_value(json_object_get(ev, key));
	if (s == NULL)
		return NULL;
	bytes = strdup(s);
	ck_assert_ptr_nonnull(bytes);
	return bytes;
}

const char *
event_get(const json_t *ev, const char *key)
{
	const char *s = json_string_value(json_object_get(ev, key));

	return s != NULL ? s : "";
}

static void
add_visible(struct buf *b, const char *s)
{
	char hex[8];

	for (; *s != '\0'; s++) {
		if (isprint((unsigned char)*s) && *s != '\\') {
			buf_addc(b, *s);
			continue;
		}
		(void)snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)*s);
		buf_adds(b, hex);
	}
}

char *
event_text(const json_t *ev)
{
	struct buf b = BUF_INIT;
	char *path = event_bytes(ev, "path");
	char *old = event_bytes(ev, "old_path");

	buf_adds(&b, event_get(ev, "event"));
	if (old != NULL) {
		buf_addc(&b, ' ');
		add_visible(&b, old);
		buf_adds(&b, " ->");
	}
	if (path != NULL) {
		buf_addc(&b, ' ');
		add_visible(&b, path);
	}
	if (json_is_true(json_object_get(ev, "replaced")))
		buf_adds(&b, " replaced");
	if (json_is_true(json_object_get(ev, "exchanged")))
		buf_adds(&b, " exchanged");
	free(path);
	free(old);
	return cstring(&b);
}

/* Well-formed UTF-8? Asked of jansson, so that it is not our own answer. */
static bool
is_utf8(const char *s)
{
	json_t *j = json_string(s);
	bool yes = j != NULL;

	json_decref(j);
	return yes;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void
check_place(const json_t *ev, const char *text, const char *path_key,
    const char *root_key, const char *name_key)
{
	char *path = event_bytes(ev, path_key);
	char *root = event_bytes(ev, root_key);
	char *name = event_bytes(ev, name_key);
	size_t len;

	if (root == NULL && strcmp(root_key, "old_root") == 0)
		root = event_bytes(ev, "root");
	if (path == NULL || root == NULL)
		goto out;
	if (name == NULL) {
		ck_assert_msg(strcmp(path, root) == 0,
		    "path is not the root: %s", text);
		goto out;
	}
	len = strlen(root);
	if (len > 0 && root[len - 1] == '/')
		len--;
	ck_assert_msg((strncmp(path, root, len) == 0 && path[len] == '/' &&
			  strcmp(path + len + 1, name) == 0) ||
		(strcmp(path, root) == 0 && strcmp(base_name(root), name) == 0),
	    "%s is not made of %s and %s: %s", path_key, root_key, name_key,
	    text);
out:
	free(path);
	free(root);
	free(name);
}

static void
check_event(struct harness *h, json_t *ev, const char *text)
{
	size_t at = 0, i;
	const char *key;
	json_t *value;

	ck_assert_msg(json_is_object(ev), "not an object: %s", text);
	json_object_foreach(ev, key, value)
	{
		while (at < NKEYS && strcmp(key_order[at], key) != 0)
			at++;
		ck_assert_msg(at < NKEYS, "key \"%s\" is not in its place: %s",
		    key, text);
	}
	ck_assert_msg(*event_get(ev, "event") != '\0', "no event: %s", text);
	ck_assert_msg(json_is_real(json_object_get(ev, "time")), "no time: %s",
	    text);
	ck_assert_msg(json_integer_value(json_object_get(ev, "seq")) ==
		h->seq + 1,
	    "seq is not %lld: %s", (long long)h->seq + 1, text);
	h->seq++;
	for (i = 0; i < sizeof(names_of_bytes) / sizeof(names_of_bytes[0]);
	     i++) {
		char key64[64];
		char *bytes;

		(void)snprintf(key64, sizeof(key64), "%s_base64",
		    names_of_bytes[i]);
		if (json_object_get(ev, key64) == NULL)
			continue;
		ck_assert_msg(*event_get(ev, names_of_bytes[i]) != '\0',
		    "%s without its name: %s", key64, text);
		bytes = event_bytes(ev, names_of_bytes[i]);
		ck_assert_msg(!is_utf8(bytes), "%s where it is UTF-8: %s",
		    key64, text);
		free(bytes);
	}
	check_place(ev, text, "path", "root", "name");
	check_place(ev, text, "old_path", "old_root", "old_name");
}

static void
add_line(struct harness *h, const char *text, size_t len)
{
	struct line *l;
	json_error_t err;

	if (h->nlines == h->cap) {
		h->cap = h->cap == 0 ? 256 : h->cap * 2;
		h->lines = realloc(h->lines, h->cap * sizeof(*h->lines));
		ck_assert_ptr_nonnull(h->lines);
	}
	l = &h->lines[h->nlines];
	l->json = NULL;
	l->text = malloc(len + 1);
	ck_assert_ptr_nonnull(l->text);
	memcpy(l->text, text, len);
	l->text[len] = '\0';
	h->nlines++;
	if (h->format != HARNESS_JSON)
		return;
	keep(h->keep_fd, text, len);
	keep(h->keep_fd, "\n", 1);
	l->json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
	    &err);
	ck_assert_msg(l->json != NULL, "not JSON (%s): %s", err.text, l->text);
	check_event(h, l->json, l->text);
}

/* Takes the whole lines out of what has been read. */
static void
cut_lines(struct harness *h)
{
	const char end = h->format == HARNESS_PRINT0 ? '\0' : '\n';
	struct buf *b = &h->out_buf;
	char *start, *p;

	while (b->len > h->out_used &&
	    (p = memchr(b->data + h->out_used, end, b->len - h->out_used)) !=
		NULL) {
		start = b->data + h->out_used;
		h->out_used += (size_t)(p - start) + 1;
		add_line(h, start, (size_t)(p - start));
	}
	if (h->out_used > 0) {
		memmove(b->data, b->data + h->out_used, b->len - h->out_used);
		b->len -= h->out_used;
		h->out_used = 0;
	}
}

/* Reads once what is there; closes at the end. */
static void
take(struct harness *h, int *fd, struct buf *b)
{
	char *p = buf_reserve(b, 65536);
	ssize_t n;

	ck_assert_ptr_nonnull(p);
	n = read(*fd, p, 65536);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	ck_assert_int_ne(n, -1);
	if (n == 0) {
		close_fd(fd);
		return;
	}
	(void)!write(h->log_fd, p, (size_t)n);
	b->len += (size_t)n;
}

/* Waits for more on stdout or stderr until the deadline (now_ms()). Returns
 * false when the time is over or both are closed. */
static bool
more(struct harness *h, long deadline)
{
	struct pollfd fds[2] = {{h->out, POLLIN, 0}, {h->err, POLLIN, 0}};
	long left = deadline - now_ms();
	int n;

	if (h->out == -1 && h->err == -1)
		return false;
	n = poll(fds, 2, left > 0 ? (int)left : 0);
	if (n == -1 && errno == EINTR)
		return true;
	ck_assert_int_ne(n, -1);
	if (n == 0)
		return false;
	if (fds[1].revents != 0)
		take(h, &h->err, &h->err_buf);
	if (fds[0].revents != 0) {
		take(h, &h->out, &h->out_buf);
		cut_lines(h);
	}
	return true;
}

static struct line *
next_line(struct harness *h, long deadline)
{
	struct line *l;

	while (h->next == h->nlines) {
		if (h->out == -1)
			return NULL;
		if (!more(h, deadline) && now_ms() >= deadline)
			return NULL;
	}
	l = &h->lines[h->next++];
	if (h->heed != NULL && l->json != NULL)
		h->heed(h->heed_ctx, l->json);
	return l;
}

void
harness_heed(struct harness *h, void (*heed)(void *ctx, json_t *ev), void *ctx)
{
	h->heed = heed;
	h->heed_ctx = ctx;
}

const char *
harness_log(const struct harness *h)
{
	return h->log;
}

const char *
harness_line(struct harness *h)
{
	struct line *l = next_line(h, now_ms() + timeout_ms());

	ck_assert_msg(l != NULL || h->out == -1, "no line came in time");
	return l != NULL ? l->text : NULL;
}

json_t *
harness_next(struct harness *h)
{
	struct line *l = next_line(h, now_ms() + timeout_ms());

	ck_assert_msg(l != NULL || h->out == -1, "no event came in time");
	return l != NULL ? l->json : NULL;
}

json_t *
harness_poll(struct harness *h, int ms)
{
	struct line *l = next_line(h, now_ms() + ms);

	return l != NULL ? l->json : NULL;
}

static bool
is_about(const json_t *ev, const char *kind, const char *path)
{
	char *p;
	bool yes;

	if (kind != NULL && strcmp(event_get(ev, "event"), kind) != 0)
		return false;
	if (path == NULL)
		return true;
	p = event_bytes(ev, "path");
	yes = p != NULL && strcmp(p, path) == 0;
	free(p);
	return yes;
}

json_t *
harness_wait(struct harness *h, const char *kind, const char *path)
{
	long deadline = now_ms() + timeout_ms();
	struct line *l;

	while ((l = next_line(h, deadline)) != NULL)
		if (is_about(l->json, kind, path))
			return l->json;
	ck_abort_msg("%s while waiting for %s %s",
	    h->out == -1 ? "stdout ended" : "time ran out",
	    kind != NULL ? kind : "an event", path != NULL ? path : "");
}

json_t *
harness_ready(struct harness *h)
{
	json_t *ev = harness_wait(h, "ready", NULL);

	h->from = h->next;
	return ev;
}

const char *
harness_err(struct harness *h)
{
	h->err_seen = true;
	return cstring(&h->err_buf);
}

void
harness_wait_err(struct harness *h, const char *text)
{
	long deadline = now_ms() + timeout_ms();

	while (strstr(harness_err(h), text) == NULL) {
		ck_assert_msg(h->err != -1, "stderr ended without \"%s\"",
		    text);
		if (!more(h, deadline))
			ck_assert_msg(now_ms() < deadline,
			    "stderr has no \"%s\"", text);
	}
}

void
harness_mark_by(struct harness *h, const char *kind, const char *ending)
{
	h->mark_kind = kind;
	h->mark_ending = ending;
}

static void
mark_once(struct harness *h, const char *dir)
{
	const char *kind = h->mark_kind;
	char path[PATH_MAX], to[PATH_MAX + 8];
	char byte = 'x';
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" MARK "%u%s", dir, ++h->marks,
	    h->mark_ending);
	if (strcmp(kind, "mkdir") == 0) {
		ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path,
		    strerror(errno));
		(void)harness_wait(h, "created", path);
		return;
	}
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	if (strcmp(kind, "created") != 0)
		ck_assert_int_eq(write(fd, &byte, 1), 1);
	if (strcmp(kind, "accessed") == 0)
		ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	if (strcmp(kind, "attrib") == 0)
		ck_assert_int_eq(fchmod(fd, 0600), 0);
	(void)close(fd);
	if (strcmp(kind, "deleted") == 0)
		ck_assert_int_eq(unlink(path), 0);
	if (strcmp(kind, "renamed") == 0) {
		(void)snprintf(to, sizeof(to), "%s/" MARK "%u-to%s", dir,
		    h->marks, h->mark_ending);
		ck_assert_int_eq(rename(path, to), 0);
		(void)harness_wait(h, kind, to);
		return;
	}
	(void)harness_wait(h, kind, path);
}

bool
harness_exact(void)
{
	const char *name = getenv("HARNESS_BACKEND");
	size_t i;

	for (i = 0; name != NULL && backends[i] != NULL; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i]->exact;
	return backends[0]->exact;
}

void
harness_mark(struct harness *h, const char *dir)
{
	mark_once(h, dir);
	mark_once(h, dir);
	if (!harness_exact())
		mark_once(h, dir);
	h->from = h->next;
}

static bool
is_mark(const char *text)
{
	const char *p = strstr(text, "/" MARK);

	return p != NULL && isdigit((unsigned char)p[sizeof(MARK)]);
}

static const char *
tell_story(struct harness *h, size_t from, size_t to)
{
	char *last = NULL;
	char *text;
	size_t i;

	buf_clear(&h->story);
	for (i = from; i < to; i++) {
		text = h->lines[i].json != NULL ? event_text(h->lines[i].json) :
						  strdup(h->lines[i].text);
		ck_assert_ptr_nonnull(text);
		if (is_mark(text) ||
		    (last != NULL && strcmp(last, text) == 0)) {
			free(text);
			continue;
		}
		buf_adds(&h->story, text);
		buf_addc(&h->story, '\n');
		free(last);
		last = text;
	}
	free(last);
	return cstring(&h->story);
}

const char *
harness_story(struct harness *h, const char *dir)
{
	size_t from = h->from;

	harness_mark(h, dir);
	return tell_story(h, from, h->from);
}

void
harness_told(const char *story, const char *want)
{
	if (harness_exact())
		ck_assert_str_eq(story, want);
	else
		ck_assert_msg(story_net_equal(story, want),
		    "told:\n%swanted, in any order:\n%s", story, want);
}

static void
drain(struct harness *h)
{
	long deadline = now_ms() + timeout_ms();

	while (h->out != -1 || h->err != -1) {
		if (more(h, deadline))
			continue;
		ck_assert_msg(now_ms() < deadline ||
			(h->out == -1 && h->err == -1),
		    "the program did not end in time");
	}
}

const char *
harness_rest(struct harness *h)
{
	size_t from = h->from;

	drain(h);
	h->from = h->next = h->nlines;
	return tell_story(h, from, h->nlines);
}

int
harness_finish(struct harness *h)
{
	struct pollfd p = {-1, POLLIN, 0};
	int status;

	drain(h);
	p.fd = pidfd_open(h->pid, 0);
	ck_assert_int_ne(p.fd, -1);
	ck_assert_msg(poll(&p, 1, (int)timeout_ms()) == 1,
	    "the program did not exit in time");
	(void)close(p.fd);
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	h->pid = 0;
	close_fd(&h->in);
	ck_assert_msg(h->format != HARNESS_JSON || h->out_buf.len == 0,
	    "the last line has no end: %s", cstring(&h->out_buf));
	status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	(void)dprintf(h->log_fd, "[exit %d]\n", status);
	if (h->keep_fd != -1)
		(void)close(h->keep_fd);
	h->keep_fd = -1;
	return status;
}

bool
harness_knows(struct harness *h, const char *program, const char *const *args)
{
	enum harness_format format = h->format;
	const char *all[HARNESS_ARGS];
	int n = 0, status;

	for (; args[n] != NULL; n++) {
		ck_assert_int_lt(n, HARNESS_ARGS - 2);
		all[n] = args[n];
	}
	all[n++] = "--version";
	all[n] = NULL;
	h->format = HARNESS_TEXT;
	harness_runv(h, program, all);
	status = harness_finish(h);
	h->format = format;
	ck_assert_msg(status == 0 ||
		strstr(cstring(&h->err_buf), "unknown option") != NULL,
	    "%s", cstring(&h->err_buf));
	buf_clear(&h->err_buf);
	return status == 0;
}

int
harness_stop(struct harness *h)
{
	harness_signal(h, SIGTERM);
	return harness_finish(h);
}

void
harness_end(struct harness *h)
{
	size_t i;

	if (h->pid != 0)
		ck_assert_int_eq(harness_stop(h), 0);
	if (!h->err_seen)
		ck_assert_str_eq(cstring(&h->err_buf), "");
	ck_assert_int_eq(chdir(base), 0);
	remove_tree(h->dir);
	(void)unlink(h->log);
	(void)close(h->log_fd);
	for (i = 0; i < h->nlines; i++) {
		free(h->lines[i].text);
		json_decref(h->lines[i].json);
	}
	free(h->lines);
	buf_free(&h->out_buf);
	buf_free(&h->err_buf);
	buf_free(&h->story);
	free(h);
}

static void
make_parents(const char *path)
{
	char *copy = strdup(path);
	char *p;

	ck_assert_ptr_nonnull(copy);
	for (p = copy + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		ck_assert_msg(mkdir(copy, 0755) == 0 || errno == EEXIST,
		    "%s: %s", copy, strerror(errno));
		*p = '/';
	}
	free(copy);
}

static void
write_file(const char *path, const char *content, int flags)
{
	size_t len = strlen(content);
	int fd;

	make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

void
put(const char *path, const char *content)
{
	write_file(path, content, O_TRUNC);
}

void
append(const char *path, const char *content)
{
	write_file(path, content, O_APPEND);
}

void
make_dir(const char *path)
{
	make_parents(path);
	ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
}

void
move(const char *from, const char *to)
{
	ck_assert_msg(rename(from, to) == 0, "%s -> %s: %s", from, to,
	    strerror(errno));
}

void
erase(const char *path)
{
	ck_assert_msg(remove(path) == 0, "%s: %s", path, strerror(errno));
}

void
shell(const char *fmt, ...)
{
	char *cmd;
	va_list ap;
	int status;

	va_start(ap, fmt);
	ck_assert_int_ne(vasprintf(&cmd, fmt, ap), -1);
	va_end(ap);
	status = system(cmd);
	ck_assert_msg(status == 0, "%s: status %d", cmd, status);
	free(cmd);
}

void
skip(const char *sentence, const char *reason)
{
	size_t len = strlen(sentence), i;

	/* A function's name will do, too. */
	if (len > 3 && strcmp(sentence + len - 3, "_fn") == 0)
		len -= 3;
	printf("skip - ");
	for (i = 0; i < len; i++)
		(void)putchar(sentence[i] == '_' ? ' ' : sentence[i]);
	printf(" - %s\n", reason);
	(void)fflush(stdout);
}
