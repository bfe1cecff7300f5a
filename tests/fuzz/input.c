/*
 * libFuzzer's way through all of fswrite but its main: bytes that are read in
 * small pieces, cut into lines, and applied below a directory that begins
 * empty. There is one answer for each line that is not blank, in order, and
 * beside the directory nothing changes.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "apply.h"
#include "buf.h"
#include "command.h"
#include "lines.h"
#include "why.h"

#define LINE_MAX_BYTES 2048
#define PER_BATCH      4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t last; /* line */
	size_t answers;
	struct buf text;
};

static void
must(int holds)
{
	if (!holds)
		abort();
}

static void
answered(void *ctx, const struct answer *an)
{
	struct seen *s = ctx;

	must(an->line > s->last);
	must(an->ok || an->error != NULL);
	s->last = an->line;
	s->answers++;
	answer_emit(an, &s->text);
	answer_describe(an, &s->text);
	buf_clear(&s->text);
}

/* Removes what is below, however deep. */
static void
empty(char *path)
{
	char *const paths[] = {path, NULL};
	FTSENT *e;
	FTS *fts;

	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOSTAT, NULL);
	must(fts != NULL);
	while ((e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_D)
			(void)chmod(e->fts_accpath, 0700);
		else if (e->fts_info != FTS_DP)
			must(unlink(e->fts_accpath) == 0);
		else if (e->fts_level > 0)
			must(rmdir(e->fts_accpath) == 0);
	}
	(void)fts_close(fts);
}

/* Returns how many lines are not blank. */
static size_t
apply_all(struct apply *a, struct lines *l)
{
	struct why bad = {.error = "too-long", .message = "too long"};
	struct command c;
	struct line line;
	size_t n = 0;
	ssize_t got;

	do {
		got = lines_fill(l);
		must(got >= 0);
		while (lines_next(l, &line)) {
			if (line.too_long) {
				memset(&c, 0, sizeof(c));
				c.op = COMMAND_NOPS;
				must(apply_refuse(a, line.number, &c, &bad) ==
				    0);
				n++;
				continue;
			}
			if (command_is_blank(line.data, line.len))
				continue;
			n++;
			if (command_parse(&c, line.data, line.len, &bad) == 0)
				must(apply_command(a, line.number, &c) == 0);
			else
				must(apply_refuse(a, line.number, &c, &bad) ==
				    0);
			command_free(&c);
			if (n % PER_BATCH == 0)
				must(apply_commit(a) == 0);
		}
	} while (got > 0);
	must(apply_commit(a) == 0);
	return n;
}

static char base[48]; /* of the directory, with nothing else in it */

static void
remove_base(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/in", base);
	(void)rmdir(path);
	(void)rmdir(base);
}

/* The directory that is written to, made once. */
static int
root(char path[64])
{
	static int fd = -1;

	if (fd == -1) {
		(void)snprintf(base, sizeof(base), "%s/fspipe-fuzz.XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		must(mkdtemp(base) != NULL);
		must(atexit(remove_base) == 0);
	}
	(void)snprintf(path, 64, "%s/in", base);
	if (fd == -1) {
		must(mkdir(path, 0755) == 0);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(fd != -1);
	}
	return fd;
}

static void
check_beside(void)
{
	char *const paths[] = {base, NULL};
	FTSENT *e;
	FTS *fts;
	int n = 0;

	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOSTAT, NULL);
	must(fts != NULL && fts_read(fts) != NULL);
	for (e = fts_children(fts, FTS_NAMEONLY); e != NULL; e = e->fts_link)
		must(++n == 1 && strcmp(e->fts_name, "in") == 0);
	must(n == 1);
	(void)fts_close(fts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {.text = BUF_INIT};
	/* The first byte chooses how it runs. */
	struct apply_options o = {.ops = COMMAND_ALL,
	    .max_open = 4,
	    .answered = answered,
	    .ctx = &seen};
	struct apply *a;
	struct lines *l;
	char path[64];
	int fd, in;
	size_t n;

	if (size == 0)
		return 0;
	o.dry_run = (data[0] & 1) != 0;
	o.walled = (data[0] & 2) != 0;
	o.sync = (data[0] & 4) != 0;
	fd = root(path);
	in = memfd_create("input", MFD_CLOEXEC);
	must(in != -1);
	must(write(in, data + 1, size - 1) == (ssize_t)(size - 1));
	must(lseek(in, 0, SEEK_SET) == 0);
	a = apply_open(fd, &o);
	l = lines_new(in, LINE_MAX_BYTES);
	must(a != NULL && l != NULL);

	n = apply_all(a, l);
	must(seen.answers == n);
	check_beside();

	lines_free(l);
	apply_close(a);
	buf_free(&seen.text);
	(void)close(in);
	empty(path);
	return 0;
}
