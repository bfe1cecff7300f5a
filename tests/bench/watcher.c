/*
 * watcher throughput|latency|setup|idle|changes|rename|resync N DIRECTORY WORD
 *     command ...
 *
 * Starts a command that watches the directory, waits until it says WORD on
 * stdout or stderr (where WORD is "-": until it tells of files that are made
 * for that), measures one thing and ends it. Prints one line of figures:
 *
 * throughput	Two processes make, write, close and unlink N files each.
 *		Microseconds of processor time for each of these 8 N calls;
 *		the lines read.
 * latency	Makes N files, one every few milliseconds. The median and the
 *		99th percentile of the microseconds from before open(2) to the
 *		line that has the file's name (or, with "echo", any).
 * setup	Milliseconds from exec to WORD; those of processor time; the
 *		proportional memory then in KiB (proc(5)). N is not used.
 * idle		How often it was scheduled in N milliseconds of nothing; its
 *		resident memory in KiB; and milliseconds from exec to WORD.
 * changes	Makes, writes, closes and unlinks N files, one after the other,
 *		in ten of the directories two levels below. Microseconds of
 *		processor time for each line; the lines read.
 * rename	Renames DIRECTORY/moved N times. The median and the 99th
 *		percentile of the microseconds from before rename(2) to the
 *		line that says "renamed".
 * resync	Makes and unlinks N files while the command is stopped, which
 *		overflows its queue. Milliseconds by the times of its events
 *		overflow and resynced, and from exec to WORD; the first in
 *		hundredths of the second.
 *
 * A command that ends or takes more than a minute is given up, with a line on
 * stderr and status 1.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds, then SIGALRM */
#define PLACES	 10 /* directories for changes */

struct watcher {
	pid_t pid;
	FILE *out;
	int dir;
	double ready_ms; /* from exec to WORD */
	char line[65536];
};

static struct watcher the;

/* What is measured does not come to an end. */
static void
give_up(int sig)
{
	static const char text[] = "watcher: took more than a minute\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	if (the.pid > 0)
		(void)kill(the.pid, SIGKILL);
	_exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
pause_ns(long ns)
{
	struct timespec ts = {.tv_sec = ns / 1000000000,
	    .tv_nsec = ns % 1000000000};

	(void)nanosleep(&ts, NULL);
}

static void
read_line(struct watcher *w)
{
	if (fgets(w->line, sizeof(w->line), w->out) == NULL)
		errx(1, "the command has ended");
}

static void
make(int dir, const char *name, bool keep)
{
	int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd == -1 || write(fd, "content\n", 8) != 8 || close(fd) == -1 ||
	    (!keep && unlinkat(dir, name, 0) == -1))
		err(1, "%s", name);
}

/* For a command that does not say when it is ready. Afterwards it has told all
 * that was made. */
static void
probe(struct watcher *w)
{
	struct pollfd p = {.fd = fileno(w->out), .events = POLLIN};
	char name[64];
	int i, n = 0;

	do {
		(void)snprintf(name, sizeof(name), "probe-%d", n++);
		make(w->dir, name, true);
	} while (poll(&p, 1, 50) == 0);
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "probe-%d", i);
		(void)unlinkat(w->dir, name, 0);
	}
	make(w->dir, "probed", false);
	while (poll(&p, 1, 1500) == 1)
		read_line(w);
}

static void
start(struct watcher *w, const char *dir, const char *word, char *argv[])
{
	int64_t began;
	int fds[2];

	w->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dir == -1 || pipe2(fds, O_CLOEXEC) == -1)
		err(1, "%s", dir);
	began = now_ns();
	w->pid = vfork();
	if (w->pid == -1)
		err(1, "vfork");
	if (w->pid == 0) {
		if (dup2(fds[1], 1) != -1 && dup2(fds[1], 2) != -1)
			(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)close(fds[1]);
	w->out = fdopen(fds[0], "r");
	if (w->out == NULL)
		err(1, "fdopen");
	if (strcmp(word, "-") == 0) {
		probe(w);
		return;
	}
	do
		read_line(w);
	while (strstr(w->line, word) == NULL);
	w->ready_ms = (double)(now_ns() - began) / 1e6;
}

/* Ends the command. Returns its processor time in microseconds. */
static double
stop(struct watcher *w)
{
	struct rusage used;

	(void)kill(w->pid, SIGKILL);
	if (wait4(w->pid, NULL, 0, &used) == -1)
		err(1, "wait");
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* The processor time so far, from /proc/PID/schedstat, in microseconds, and how
 * often it was given a processor. */
static double
used_so_far(const struct watcher *w, unsigned long *times)
{
	unsigned long long ran = 0, waited = 0;
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)w->pid);
	f = fopen(path, "re");
	if (f == NULL || fscanf(f, "%llu %llu %lu", &ran, &waited, times) != 3)
		err(1, "%s", path);
	(void)fclose(f);
	return (double)ran / 1e3;
}

/* A number in KiB behind a key of a file in /proc/PID. */
static long
memory_of(const struct watcher *w, const char *file, const char *key)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)w->pid, file);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtol(line + strlen(key), NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return kib;
}

static void
churn(int dir, int process, long files)
{
	char name[64];
	long i;

	for (i = 0; i < files; i++) {
		(void)snprintf(name, sizeof(name), "file-%d-%ld", process, i);
		make(dir, name, false);
	}
}

/* Two processes, and then the last file. */
static void
conduct(int dir, long files)
{
	int i;

	for (i = 0; i < 2; i++)
		if (fork() == 0) {
			churn(dir, i, files);
			_exit(0);
		}
	while (wait(NULL) != -1)
		;
	make(dir, "end", true);
}

static void
throughput(struct watcher *w, long files)
{
	unsigned long lines = 0, times;
	double before = used_so_far(w, &times);
	pid_t pid = fork();

	if (pid == 0) {
		conduct(w->dir, files);
		_exit(0);
	}
	do {
		read_line(w);
		lines++;
	} while (strstr(w->line, "end") == NULL);
	(void)waitpid(pid, NULL, 0);
	(void)unlinkat(w->dir, "end", 0);
	(void)printf("%.3f %lu\n", (stop(w) - before) / (8.0 * (double)files),
	    lines);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
time_lines(struct watcher *w, long files, bool any)
{
	double *us = calloc((size_t)files, sizeof(*us));
	char name[64];
	int64_t began;
	long i;
	int fd;

	if (us == NULL || files < 1)
		errx(1, "latency of %ld files", files);
	for (i = 0; i < files; i++) {
		(void)snprintf(name, sizeof(name), "lone-%ld", i);
		pause_ns(3000000 + i % 7 * 300000);
		began = now_ns();
		fd = openat(w->dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		read_line(w);
		while (strstr(w->line, any ? "" : name) == NULL)
			read_line(w);
		us[i] = (double)(now_ns() - began) / 1e3;
		if (fd == -1 || close(fd) == -1)
			err(1, "%s", name);
	}
	for (i = 0; i < files; i++) {
		(void)snprintf(name, sizeof(name), "lone-%ld", i);
		(void)unlinkat(w->dir, name, 0);
	}
	qsort(us, (size_t)files, sizeof(*us), by_size);
	(void)printf("%.1f %.1f\n", us[files / 2], us[files * 99 / 100]);
	free(us);
	(void)stop(w);
}

static void
latency(struct watcher *w, long files)
{
	time_lines(w, files, false);
}

static void
echo(struct watcher *w, long files)
{
	time_lines(w, files, true);
}

/* Directories two levels below, at most PLACES. */
static long
find_places(int top, char places[PLACES][512])
{
	struct dirent *de, *below;
	DIR *d = fdopendir(dup(top)), *e;
	long n = 0;
	int fd;

	while (d != NULL && (de = readdir(d)) != NULL) {
		fd = de->d_name[0] == '.' ?
		    -1 :
		    openat(top, de->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		e = fd == -1 ? NULL : fdopendir(fd);
		while (e != NULL && (below = readdir(e)) != NULL)
			if (below->d_name[0] != '.' && n < PLACES)
				(void)snprintf(places[n++], sizeof(places[0]),
				    "%s/%s", de->d_name, below->d_name);
		if (e != NULL)
			(void)closedir(e);
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static void
changes(struct watcher *w, long files)
{
	static char places[PLACES][512];
	char name[600];
	unsigned long lines = 0, times;
	long i, n = find_places(w->dir, places);
	double before = used_so_far(w, &times);
	pid_t pid;

	if (n == 0)
		errx(1, "nothing two levels below");
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < files; i++) {
			(void)snprintf(name, sizeof(name), "%s/change-%ld",
			    places[i % n], i);
			make(w->dir, name, false);
		}
		make(w->dir, "end", false);
		_exit(0);
	}
	do {
		read_line(w);
		lines++;
	} while (strstr(w->line, "end\"") == NULL);
	(void)waitpid(pid, NULL, 0);
	(void)printf("%.3f %lu\n",
	    (used_so_far(w, &times) - before) / (double)lines, lines);
	(void)stop(w);
}

static void
rename_often(struct watcher *w, long often)
{
	double *us = calloc((size_t)often, sizeof(*us));
	int64_t began;
	long i;

	if (us == NULL || often < 1)
		errx(1, "renaming %ld times", often);
	for (i = 0; i < often; i++) {
		pause_ns(3000000);
		began = now_ns();
		if (renameat(w->dir, i % 2 == 0 ? "moved" : "back", w->dir,
			i % 2 == 0 ? "back" : "moved") == -1)
			err(1, "rename");
		do
			read_line(w);
		while (strstr(w->line, "renamed") == NULL);
		us[i] = (double)(now_ns() - began) / 1e3;
	}
	if (often % 2 != 0)
		(void)renameat(w->dir, "back", w->dir, "moved");
	qsort(us, (size_t)often, sizeof(*us), by_size);
	(void)printf("%.1f %.1f\n", us[often / 2], us[often * 99 / 100]);
	free(us);
	(void)stop(w);
}

/* The time that a line carries, in seconds. */
static double
time_of(struct watcher *w, const char *event)
{
	const char *at;

	do
		read_line(w);
	while (strstr(w->line, event) == NULL);
	at = strstr(w->line, "\"time\":");
	return at == NULL ? 0 : strtod(at + strlen("\"time\":"), NULL);
}

static void
resync(struct watcher *w, long files)
{
	double began, ms;
	int status;

	(void)kill(w->pid, SIGSTOP);
	if (waitpid(w->pid, &status, WUNTRACED) != w->pid ||
	    !WIFSTOPPED(status))
		err(1, "wait");
	churn(w->dir, 0, files);
	(void)kill(w->pid, SIGCONT);
	began = time_of(w, "\"overflow\"");
	ms = (time_of(w, "\"resynced\"") - began) * 1e3;
	(void)printf("%.2f %.2f %.0f\n", ms, w->ready_ms,
	    100 * ms / w->ready_ms);
	(void)stop(w);
}

static void
setup(struct watcher *w, long n)
{
	long kib = memory_of(w, "smaps_rollup", "Pss:");
	double used = stop(w) / 1e3; /* of all its threads */

	(void)n;
	(void)printf("%.2f %.2f %ld\n", w->ready_ms, used, kib);
}

static void
idle(struct watcher *w, long ms)
{
	unsigned long before, after;

	pause_ns(1000000000);
	(void)used_so_far(w, &before);
	pause_ns(ms * 1000000);
	(void)used_so_far(w, &after);
	(void)printf("%lu %ld %.2f\n", after - before,
	    memory_of(w, "status", "VmRSS:"), w->ready_ms);
	(void)stop(w);
}

int
main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		void (*measure)(struct watcher *w, long n);
	} table[] = {
	    {"throughput", throughput},
	    {"latency", latency},
	    {"echo", echo},
	    {"setup", setup},
	    {"idle", idle},
	    {"changes", changes},
	    {"rename", rename_often},
	    {"resync", resync},
	};
	size_t i = 0, n = sizeof(table) / sizeof(table[0]);

	while (argc >= 6 && i < n && strcmp(table[i].name, argv[1]) != 0)
		i++;
	if (argc < 6 || i == n)
		errx(2,
		    "usage: watcher throughput|latency|echo|setup|idle|"
		    "changes|rename|resync N directory word command ...");
	(void)signal(SIGALRM, give_up);
	(void)alarm(PATIENCE);
	start(&the, argv[3], argv[4], &argv[5]);
	table[i].measure(&the, atol(argv[2]));
	return 0;
}
