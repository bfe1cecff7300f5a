#include "watcher.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim.h"
#include "mounts.h"

/* linux/kdev_t.h: how a device number looks inside of the kernel, which is
 * what fdinfo's sdev shows. */
#define KERNEL_MINOR_BITS 20

bool
watcher_lives(pid_t pid)
{
	char path[64], name[64];
	bool yes = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(name, sizeof(name), f) != NULL) {
		name[strcspn(name, "\n")] = '\0';
		yes = strcmp(name, WATCHER_NAME) == 0;
	}
	(void)fclose(f);
	return yes;
}

/* A line of fdinfo of one process, descriptor by descriptor. */
static int
each_fdinfo(pid_t pid, int (*each)(void *ctx, const char *fd, const char *line),
    void *ctx)
{
	char path[64], *line = NULL;
	struct dirent *e;
	size_t cap = 0;
	int ret = 0, fd;
	DIR *d;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	d = opendir(path);
	if (d == NULL)
		return -1;
	while (ret == 0 && (e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		/* It may have been closed, or the process be gone. */
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			continue;
		f = fdopen(fd, "r");
		if (f == NULL) {
			(void)close(fd);
			continue;
		}
		while (ret == 0 && getline(&line, &cap, f) != -1)
			ret = each(ctx, e->d_name, line);
		(void)fclose(f);
	}
	free(line);
	(void)closedir(d);
	return ret;
}

static bool
fdinfo_claim(const char *line, struct claim_id *id, struct claim *c)
{
	return strncmp(line, "lock:", 5) == 0 && claim_parse(line + 5, id, c);
}

struct wanted {
	const struct claim *c;
	const struct claim_id *id;
};

static int
is_wanted(void *ctx, const char *fd, const char *line)
{
	const struct wanted *w = ctx;
	struct claim_id id;
	struct claim c;

	(void)fd;
	return fdinfo_claim(line, &id, &c) && id.dev == w->id->dev &&
	    id.ino == w->id->ino && claim_same(&c, w->c);
}

enum watcher
watcher_look(const struct claim *c, const struct claim_id *id)
{
	struct wanted w = {c, id};
	char path[64];
	struct stat st;

	if (c->pid <= 0)
		return WATCHER_UNSEEN;
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)c->pid);
	if (stat(path, &st) == -1) {
		if (access("/proc/self", F_OK) == 0)
			return WATCHER_UNSEEN;
		if (kill(c->pid, 0) == 0)
			return WATCHER_OURS;
		return errno == EPERM ? WATCHER_FOREIGN : WATCHER_UNSEEN;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return WATCHER_FOREIGN;
	if (watcher_lives(c->pid) || each_fdinfo(c->pid, is_wanted, &w) == 1)
		return WATCHER_OURS;
	return WATCHER_UNSEEN;
}

/* What one watcher has to do with one directory. */
struct marks {
	pid_t pid;
	int dirfd;
	dev_t dev; /* of the directory, as the kernel has it */
	uint64_t ino;
	bool marked;
	bool tree; /* it claims a tree somewhere */
	bool passes; /* the directory is above something that it claims */
};

/* Is the directory that the watcher has open as fd the marked one, or below it?
 * The way upward is the watcher's, in its mount namespace. */
static bool
is_below(const struct marks *m, const char *fd)
{
	struct mounts_id up, here, top;
	char path[64];
	bool yes = false;
	int at, next;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", (int)m->pid,
	    fd);
	at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at == -1)
		return false;
	if (mounts_identify(m->dirfd, &top) == -1 ||
	    mounts_identify(at, &here) == -1)
		goto out;
	for (;;) {
		if (here.dev == top.dev && here.ino == top.ino) {
			yes = true;
			break;
		}
		next = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next == -1)
			break;
		(void)close(at);
		at = next;
		if (mounts_identify(at, &up) == -1 ||
		    (up.dev == here.dev && up.ino == here.ino &&
			up.mnt == here.mnt))
			break;
		here = up;
	}
out:
	(void)close(at);
	return yes;
}

static int
read_mark(void *ctx, const char *fd, const char *line)
{
	unsigned long ino, sdev;
	struct marks *m = ctx;
	struct claim_id id;
	struct claim c;

	if (fdinfo_claim(line, &id, &c)) {
		if (c.kind == CLAIM_TREE)
			m->tree = true;
		if (c.kind != CLAIM_PRUNED && is_below(m, fd))
			m->passes = true;
		return 0;
	}
	if (sscanf(line, "inotify wd:%*x ino:%lx sdev:%lx", &ino, &sdev) == 2 &&
	    ino == m->ino &&
	    makedev((unsigned)(sdev >> KERNEL_MINOR_BITS),
		(unsigned)(sdev & ((1UL << KERNEL_MINOR_BITS) - 1))) == m->dev)
		m->marked = true;
	return 0;
}

int
watcher_marks(int dirfd_, int (*each)(void *ctx, pid_t pid), void *ctx)
{
	struct marks m = {.dirfd = dirfd_};
	struct dirent *e;
	struct stat st;
	int ret = 0;
	long pid;
	DIR *d;

	if (mounts_kernel_id(dirfd_, &m.dev, &m.ino) == -1)
		return -1;
	d = opendir("/proc");
	if (d == NULL)
		return -1;
	while (ret == 0 && (e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		pid = strtol(e->d_name, NULL, 10);
		if (pid == getpid() || !watcher_lives((pid_t)pid) ||
		    fstatat(dirfd(d), e->d_name, &st, 0) == -1 ||
		    st.st_uid != geteuid())
			continue;
		m.pid = (pid_t)pid;
		m.marked = m.tree = m.passes = false;
		(void)each_fdinfo(m.pid, read_mark, &m);
		if (m.marked && m.tree && !m.passes)
			ret = each(ctx, m.pid);
	}
	(void)closedir(d);
	return ret;
}
