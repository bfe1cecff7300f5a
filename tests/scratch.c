#include "scratch.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

void
scratch_open(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	ck_assert_int_lt(snprintf(s->path, sizeof(s->path), "%s/fspipe-XXXXXX",
			     tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp"),
	    (int)sizeof(s->path));
	ck_assert_ptr_nonnull(mkdtemp(s->path));
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(s->fd, -1);
}

static int
scratch_remove(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP || type == FTW_D || type == FTW_DNR)
		return rmdir(path);
	return unlink(path);
}

void
scratch_close(struct scratch *s)
{
	(void)close(s->fd);
	s->fd = -1;
	ck_assert_int_eq(nftw(s->path, scratch_remove, 16,
			     FTW_DEPTH | FTW_PHYS),
	    0);
}

void
scratch_put(int dirfd, const char *name, const char *content)
{
	size_t len = strlen(content);
	int fd;

	fd =
	    openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_msg(fd != -1, "%s: %s", name, strerror(errno));
	ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

char *
scratch_get(int dirfd, const char *name)
{
	static char *kept[SCRATCH_KEPT];
	static size_t next;
	struct stat st;
	char *data;
	ssize_t n;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	ck_assert_int_eq(fstat(fd, &st), 0);
	data = calloc(1, (size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(data);
	n = read(fd, data, (size_t)st.st_size);
	ck_assert_int_eq(n, (ssize_t)st.st_size);
	(void)close(fd);
	free(kept[next]);
	kept[next] = data;
	next = (next + 1) % SCRATCH_KEPT;
	return data;
}

long long
scratch_size(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return st.st_size;
}

bool
scratch_has(int dirfd, const char *name)
{
	return scratch_size(dirfd, name) != -1;
}

size_t
scratch_count(int dirfd, const char *name)
{
	struct dirent *de;
	size_t n = 0;
	DIR *d;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	d = fdopendir(fd);
	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			n++;
	(void)closedir(d);
	return n;
}

static bool
scratch_say(const char *path, const char *text)
{
	size_t len = strlen(text);
	bool ok;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd != -1 && write(fd, text, len) == (ssize_t)len;
	if (fd != -1)
		(void)close(fd);
	return ok;
}

bool
scratch_mounts(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (uid == 0) {
		if (unshare(CLONE_NEWNS) == -1)
			return false;
	} else {
		if (unshare(CLONE_NEWNS | CLONE_NEWUSER) == -1)
			return false;
		/* Who is not mapped can make no file (EOVERFLOW). */
		(void)scratch_say("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		if (!scratch_say("/proc/self/uid_map", map))
			return false;
		(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		if (!scratch_say("/proc/self/gid_map", map))
			return false;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

void
scratch_umount(const char *path)
{
	int tries;

	for (tries = 0; umount(path) == -1; tries++) {
		ck_assert_msg(errno == EBUSY && tries < 20000, "%s: %s", path,
		    strerror(errno));
		(void)poll(NULL, 0, 1);
	}
}

bool
scratch_limit(const char *name, const char *value)
{
	char text[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER) == -1)
		return false;
	(void)scratch_say("/proc/self/setgroups", "deny");
	(void)snprintf(text, sizeof(text), "0 %u 1", uid);
	if (!scratch_say("/proc/self/uid_map", text))
		return false;
	(void)snprintf(text, sizeof(text), "0 %u 1", gid);
	if (!scratch_say("/proc/self/gid_map", text))
		return false;
	(void)snprintf(text, sizeof(text), "/proc/sys/user/%s", name);
	return scratch_say(text, value);
}
