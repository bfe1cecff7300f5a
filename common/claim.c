#include "claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "grow.h"
#include "mounts.h"

#define MAGIC	    UINT64_C(0x2d)
#define MAGIC_SHIFT 57
#define FLAG	    (UINT64_C(1) << 56) /* one_fs, path */
#define KIND_SHIFT  54
#define KIND_MASK   UINT64_C(0x3)
#define PID_SHIFT   32
#define PID_MASK    UINT64_C(0x3fffff)
#define DEPTH_SHIFT 24
#define DEPTH_MASK  UINT64_C(0xff)
#define TOKEN_MASK  UINT64_C(0xffffff)
#define RANGE_START (MAGIC << MAGIC_SHIFT)
#define RANGE_END   ((MAGIC + 1) << MAGIC_SHIFT) /* the first beyond */

/* How often /proc/locks is read at most, and how often the same, to believe
 * it. */
#define LOCKS_PASSES 16
#define LOCKS_SAME   3

_Static_assert(sizeof(off_t) == 8, "offsets of 64 bits carry the message");

static uint64_t
encode(const struct claim *c, pid_t pid)
{
	uint64_t detail = 0;
	bool flag;

	switch (c->kind) {
	case CLAIM_TREE:
		detail =
		    c->depth > CLAIM_DEPTH_MAX ? CLAIM_DEPTH_MAX : c->depth;
		detail = detail << DEPTH_SHIFT | (c->token & TOKEN_MASK);
		break;
	case CLAIM_PRUNED:
		detail = c->token & TOKEN_MASK;
		break;
	case CLAIM_NAME:
		detail = c->name_hash;
		break;
	case CLAIM_FLAT:
		break;
	}
	flag = c->kind == CLAIM_NAME ? c->path : c->one_fs;
	return RANGE_START | (flag ? FLAG : 0) |
	    (uint64_t)c->kind << KIND_SHIFT |
	    ((uint64_t)pid & PID_MASK) << PID_SHIFT | detail;
}

static void
decode(uint64_t offset, struct claim *c)
{
	uint32_t detail = (uint32_t)offset;

	*c = (struct claim){0};
	c->kind = (enum claim_kind)(offset >> KIND_SHIFT & KIND_MASK);
	c->pid = (pid_t)(offset >> PID_SHIFT & PID_MASK);
	switch (c->kind) {
	case CLAIM_TREE:
		c->one_fs = (offset & FLAG) != 0;
		c->depth = (unsigned)(detail >> DEPTH_SHIFT & DEPTH_MASK);
		c->token = (uint32_t)(detail & TOKEN_MASK);
		break;
	case CLAIM_PRUNED:
		c->token = (uint32_t)(detail & TOKEN_MASK);
		break;
	case CLAIM_NAME:
		c->path = (offset & FLAG) != 0;
		c->name_hash = detail;
		break;
	case CLAIM_FLAT:
		break;
	}
}

int
claim_token(uint32_t *token)
{
	if (getentropy(token, sizeof(*token)) == -1)
		return -1;
	*token &= TOKEN_MASK;
	return 0;
}

/* FNV-1a, 32 bits. */
uint32_t
claim_hash_add(uint32_t hash, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * UINT32_C(16777619);
	return hash;
}

uint32_t
claim_hash(const char *name)
{
	return claim_hash_add(CLAIM_HASH, name, strlen(name));
}

bool
claim_same(const struct claim *a, const struct claim *b)
{
	return encode(a, a->pid) == encode(b, b->pid);
}

static int
set(int dirfd, const struct claim *c, short type)
{
	struct flock fl = {0}; /* l_pid has to be 0 */

	fl.l_type = type;
	fl.l_whence = SEEK_SET;
	fl.l_start = (off_t)encode(c, getpid());
	fl.l_len = 1;
	return compat_ofd_set(dirfd, &fl);
}

int
claim_take(int dirfd, const struct claim *c)
{
	return set(dirfd, c, F_RDLCK);
}

int
claim_drop(int dirfd, const struct claim *c)
{
	return set(dirfd, c, F_UNLCK);
}

bool
claim_parse(const char *line, struct claim_id *id, struct claim *c)
{
	unsigned long long ino, start, end;
	unsigned maj, min;

	/* "1: OFDLCK ADVISORY  READ -1 08:01:1234 128 128"; one that waits has
	 * an arrow after the number, one that reaches the end says EOF. */
	if (sscanf(line, "%*u: OFDLCK %*s READ %*d %x:%x:%llu %llu %llu", &maj,
		&min, &ino, &start, &end) != 5)
		return false;
	if (start != end || start < RANGE_START || start >= RANGE_END)
		return false;
	id->dev = makedev(maj, min);
	id->ino = ino;
	decode(start, c);
	return true;
}

/* Offsets of claims, each once. */
struct offsets {
	uint64_t *v;
	size_t n;
	size_t cap;
};

static int
offsets_add(struct offsets *o, uint64_t offset)
{
	uint64_t *v;
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->v[i] == offset)
			return 0;
	v = grow(o->v, &o->cap, o->n, sizeof(*v));
	if (v == NULL)
		return -1;
	o->v = v;
	o->v[o->n++] = offset;
	return 0;
}

static int
read_locks(const struct claim_id *id, struct offsets *o)
{
	struct claim_id theirs;
	struct claim c;
	char *line = NULL;
	size_t cap = 0;
	int ret = 0, saved;
	FILE *f;

	f = fopen("/proc/locks", "re");
	if (f == NULL)
		return -1;
	while (ret == 0 && getline(&line, &cap, f) != -1) {
		if (claim_parse(line, &theirs, &c) && theirs.dev == id->dev &&
		    theirs.ino == id->ino)
			ret = offsets_add(o, encode(&c, c.pid));
	}
	if (ret == 0 && ferror(f))
		ret = -1;
	saved = errno;
	free(line);
	(void)fclose(f);
	errno = saved;
	return ret;
}

/* The kernel gives the list page by page and goes on by number: where somebody
 * lets go a lock between two pages, one is left out. So it is read until that
 * has brought nothing new a few times. */
static int
list_proc(int dirfd, const struct claim_id *id,
    int (*each)(void *ctx, const struct claim *c), void *ctx)
{
	struct offsets o = {0};
	struct claim_id mine;
	struct claim c;
	size_t before, i;
	int ret = -1, pass, same = 0;

	if (id == NULL) {
		if (mounts_kernel_id(dirfd, &mine.dev, &mine.ino) == -1)
			return -1;
		id = &mine;
	}
	for (pass = 0; pass < LOCKS_PASSES && same < LOCKS_SAME; pass++) {
		before = o.n;
		if (read_locks(id, &o) == -1)
			goto out;
		same = pass > 0 && o.n == before ? same + 1 : 0;
	}
	for (i = 0, ret = 0; i < o.n && ret == 0; i++) {
		decode(o.v[i], &c);
		ret = each(ctx, &c);
	}
out:
	free(o.v);
	return ret;
}

/* The claims that dirfd was told of, by asking it. */
struct asked {
	uint64_t offset[CLAIM_ASK_MAX];
	size_t n;
};

/* F_OFD_GETLK tells of one lock in the way, the first in the kernel's list
 * and not the lowest: so what lies before it and what lies behind are asked
 * again. Returns 0, 1 when asking leads nowhere (a longer lock lies across, or
 * there are too many), -1 with errno. */
static int
ask(int dirfd, uint64_t start, uint64_t end, struct asked *a)
{
	struct flock fl = {0};
	uint64_t at;
	int ret;

	if (start >= end)
		return 0;
	fl.l_type = F_WRLCK;
	fl.l_whence = SEEK_SET;
	fl.l_start = (off_t)start;
	fl.l_len = (off_t)(end - start);
	if (compat_ofd_get(dirfd, &fl) == -1)
		return -1;
	if (fl.l_type == F_UNLCK)
		return 0;
	at = (uint64_t)fl.l_start;
	/* A lock of a process (F_SETLK) is no claim, however short. */
	if (fl.l_len != 1 || fl.l_pid != -1 || at < start || at >= end ||
	    a->n == CLAIM_ASK_MAX)
		return 1;
	a->offset[a->n++] = at;
	ret = ask(dirfd, start, at, a);
	if (ret != 0)
		return ret;
	return ask(dirfd, at + 1, end, a);
}

int
claim_list(int dirfd, const struct claim_id *id,
    int (*each)(void *ctx, const struct claim *c), void *ctx)
{
	struct asked a;
	struct claim c;
	size_t i;
	int ret;

	a.n = 0;
	ret = ask(dirfd, RANGE_START, RANGE_END, &a);
	if (ret == 1 || (ret == -1 && errno == EBADF))
		return list_proc(dirfd, id, each, ctx);
	if (ret == -1)
		return -1;
	for (i = 0; i < a.n; i++) {
		decode(a.offset[i], &c);
		ret = each(ctx, &c);
		if (ret != 0)
			return ret;
	}
	return 0;
}
