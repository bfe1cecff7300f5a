#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RUN_KEEP ((size_t)64 * 1024) /* bytes kept by an idle run */

#define RUN_TRIES 50
#define RUN_PAUSE 2000000 /* nanoseconds */

bool
run_fits(const struct run *r, size_t len)
{
	return r->n == 0 || (len <= RUN_MAX && r->data.len <= RUN_MAX - len);
}

int
run_add(struct run *r, const void *data, size_t len, size_t tag)
{
	struct run_record *p;
	size_t cap;

	if (r->n == r->cap) {
		cap = r->cap == 0 ? 16 : r->cap * 2;
		p = reallocarray(r->records, cap, sizeof(*p));
		if (p == NULL)
			return -1;
		r->records = p;
		r->cap = cap;
	}
	buf_add(&r->data, data, len);
	if (r->data.failed) {
		r->data.failed = false;
		errno = ENOMEM;
		return -1;
	}
	r->records[r->n].end = r->data.len;
	r->records[r->n].tag = tag;
	r->n++;
	return 0;
}

size_t
run_left(const struct run *r)
{
	return r->n - r->next;
}

const struct run_record *
run_first(const struct run *r)
{
	return &r->records[r->next];
}

void
run_skip(struct run *r)
{
	r->next++;
}

/* Where the first record that is left begins. */
static size_t
run_start(const struct run *r)
{
	return r->next == 0 ? 0 : r->records[r->next - 1].end;
}

static bool
run_lock(int fd, int how)
{
	const struct timespec pause = {0, RUN_PAUSE};
	int tries;

	for (tries = 0; tries < RUN_TRIES; tries++) {
		if (flock(fd, how | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* Cuts off the last n bytes of the file, which ends at `end` unless somebody
 * has added to it. */
static bool
run_take_back(int fd, off_t end, size_t n)
{
	struct stat st;

	return run_lock(fd, LOCK_EX) && fstat(fd, &st) == 0 &&
	    st.st_size == end && ftruncate(fd, end - (off_t)n) == 0;
}

/* Writes data from r's offset `off`; a newline goes before it where half a
 * record stands. Returns how many bytes of data were written. */
static ssize_t
run_put(struct run *r, int fd, size_t off)
{
	char nl = '\n';
	struct iovec iov[2] = {
	    {&nl, 1},
	    {r->data.data + off, r->data.len - off},
	};
	ssize_t n;

	do
		n = r->torn ? writev(fd, iov, 2) :
			      write(fd, iov[1].iov_base, iov[1].iov_len);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n;
	r->writes++;
	if (r->torn) {
		r->torn = false;
		n--;
	}
	return n;
}

int
run_write(struct run *r, int fd, uint64_t *end)
{
	size_t begin = run_start(r), off = begin, whole;
	off_t at = 0, was;
	bool joined = true; /* no foreign bytes among ours */
	ssize_t n = 0;
	int saved = 0;

	*end = 0;
	r->tore = false;
	(void)run_lock(fd, LOCK_SH);
	while (off < r->data.len) {
		n = run_put(r, fd, off);
		if (n == -1)
			break;
		was = at;
		at = lseek(fd, 0, SEEK_CUR);
		if (at == -1 || (off > begin && at != was + n))
			joined = false;
		off += (size_t)n;
	}
	if (n == -1)
		saved = errno;
	else if (off == begin)
		/* Nothing but empty records. */
		at = lseek(fd, 0, SEEK_END);
	whole = begin;
	while (r->next < r->n && r->records[r->next].end <= off) {
		whole = r->records[r->next].end;
		r->next++;
	}
	if (off > whole) {
		if (!joined || !run_take_back(fd, at, off - whole))
			r->torn = r->tore = true;
		if (at != -1)
			at -= (off_t)(off - whole);
	}
	(void)flock(fd, LOCK_UN);
	if (whole > begin || saved == 0)
		*end = at != -1 ? (uint64_t)at : RUN_END_UNKNOWN;
	errno = saved;
	return saved == 0 ? 0 : -1;
}

void
run_clear(struct run *r)
{
	r->n = 0;
	r->next = 0;
	if (r->data.cap > RUN_KEEP)
		buf_free(&r->data);
	else
		buf_clear(&r->data);
	if (r->cap > RUN_KEEP / sizeof(*r->records)) {
		free(r->records);
		r->records = NULL;
		r->cap = 0;
	}
}

void
run_free(struct run *r)
{
	free(r->records);
	r->records = NULL;
	r->cap = 0;
	r->n = 0;
	r->next = 0;
	buf_free(&r->data);
}
