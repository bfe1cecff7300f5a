#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#include "beneath.h"
#include "command.h"
#include "compat_write.h"
#include "durable.h"
#include "handles.h"
#include "outfile.h"
#include "paths.h"
#include "why.h"

#define OPS_COMPARE ((size_t)32 * 1024) /* bytes read at a time */
#define OPS_RACES   16 /* others may get between two calls this often */

/* Does the file have this content? 1: yes; 0: no, or it is no file; -1: there
 * is nothing of this name, as far as we may see. sync: it is then on the disk,
 * too. */
static int
ops_same(struct paths *p, struct handle *dir, const char *name,
    const struct command *c, bool sync)
{
	char data[OPS_COMPARE];
	struct stat st;
	size_t done = 0;
	ssize_t n;
	int fd, rc = 0;

	fd = paths_open_regular(p, dir, name, O_RDONLY, &st);
	if (fd == -1) /* not a file; or one, or a directory, that we may not
		       * read: then the name tells which */
		return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ?
		    -1 :
		    0;
	if (st.st_size < 0 || (uint64_t)st.st_size != c->content_len)
		goto out;
	while (done < c->content_len) {
		n = read(fd, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || (size_t)n > c->content_len - done ||
		    memcmp(data, (const char *)c->content + done, (size_t)n) !=
			0)
			goto out;
		done += (size_t)n;
	}
	rc = 1;
	if (sync)
		(void)durable_fd(p->o.durable, fd);
out:
	(void)close(fd);
	return rc;
}

/* Fills and names a file that is not there yet. */
static int
ops_finish(struct paths *p, struct outfile **f, struct handle *dir,
    const struct command *c)
{
	if (outfile_write(*f, c->content, c->content_len) == -1)
		goto fail;
	if (c->has_mode && fchmod(outfile_fd(*f), c->mode) == -1)
		goto fail;
	if (p->o.durable->wanted &&
	    durable_fd(p->o.durable, outfile_fd(*f)) == -1)
		goto fail;
	if (outfile_commit(f) == -1)
		return -1;
	durable_due(p->o.durable, dir);
	return 0;
fail:
	outfile_abort(f);
	return -1;
}

static int
ops_write(struct paths *p, const struct command *c, struct answer *an)
{
	struct outfile *f;
	struct handle *dir;
	const char *name;
	int rc = -1, error, same;

	dir = paths_parent(p, c->path, c->path_len, true, &name);
	if (dir == NULL)
		return -1;
	an->size = c->content_len;
	an->has_size = true;
	do
		f = outfile_new(dir->fd, name, c->has_mode ? c->mode : 0666);
	while (f == NULL && paths_shrink(p));
	if (f != NULL)
		rc = ops_finish(p, &f, dir, c);
	if (rc == 0)
		goto out;
	/* Whatever went wrong, it does not matter to what is there already. */
	error = errno;
	same = ops_same(p, dir, name, c, p->o.durable->wanted);
	if (same == 1 && paths_due_way(p, c->path, c->path_len) == 0) {
		an->already = true;
		rc = 0;
	} else
		errno = same == -1 ? error : EEXIST;
out:
	handles_unpin(dir);
	return rc;
}

static int
ops_overwrite(struct paths *p, const struct command *c, struct answer *an)
{
	struct outfile *f;
	struct handle *dir;
	struct stat old;
	const char *name;
	bool there;
	int races, rc = -1;

	dir = paths_parent(p, c->path, c->path_len, true, &name);
	if (dir == NULL)
		return -1;
	an->size = c->content_len;
	an->has_size = true;
	for (races = 0; races < OPS_RACES; races++) {
		there = fstatat(dir->fd, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
		if (!there && errno != ENOENT)
			break;
		if (there && !S_ISREG(old.st_mode)) {
			rc = paths_not_regular(p, old.st_mode);
			break;
		}
		/* A new one gets what mode the kernel gives: the umask or the
		 * directory's default ACL. */
		do
			f = there ? outfile_replacement(dir->fd, name, &old) :
				    outfile_new(dir->fd, name,
					c->has_mode ? c->mode : 0666);
		while (f == NULL && paths_shrink(p));
		if (f == NULL)
			break;
		rc = ops_finish(p, &f, dir, c);
		if (rc == 0 || there || errno != EEXIST)
			break;
	}
	if (rc == 0)
		handles_forget_path(p->o.handles, c->path, c->path_len, false);
	handles_unpin(dir);
	return rc;
}

static int
ops_delete(struct paths *p, const struct command *c, struct answer *an)
{
	struct handle *dir;
	const char *name;
	bool below = false;
	int rc;

	(void)an;
	dir = paths_parent(p, c->path, c->path_len, false, &name);
	if (dir == NULL)
		return -1;
	rc = unlinkat(dir->fd, name, 0);
	/* POSIX has EPERM for a directory, Linux EISDIR. */
	if (rc == -1 && (errno == EISDIR || errno == EPERM)) {
		rc = unlinkat(dir->fd, name, AT_REMOVEDIR);
		if (rc == -1 && errno == ENOTDIR)
			errno = EPERM;
		below = true;
	}
	if (rc == 0) {
		durable_due(p->o.durable, dir);
		handles_forget_path(p->o.handles, c->path, c->path_len, below);
	}
	handles_unpin(dir);
	return rc;
}

/* The exact mode of a directory just made, whatever the umask. Inherited bits
 * (set-group-id) stay. */
static int
ops_dir_mode(struct paths *p, struct handle *dir, const char *name, mode_t mode)
{
	char fdname[COMPAT_FDNAME_SIZE];
	struct stat st;
	int fd, rc = -1, saved;

	fd = beneath_open(&p->below, dir->fd, name, COMPAT_O_PATH | O_DIRECTORY,
	    0);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		goto out;
	if ((st.st_mode & 0777) == mode) {
		rc = 0;
		goto out;
	}
	mode |= st.st_mode & 07000;
	rc = chmod(compat_fdname(fdname, fd), mode);
	if (rc == -1 && (errno == ENOENT || errno == ENOTDIR)) {
		/* No /proc. */
		(void)close(fd);
		fd = beneath_open(&p->below, dir->fd, name,
		    O_RDONLY | O_DIRECTORY, 0);
		if (fd == -1)
			return -1;
		rc = fchmod(fd, mode);
	}
out:
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

static int
ops_mkdir(struct paths *p, const struct command *c, struct answer *an)
{
	struct handle *dir;
	struct stat st;
	const char *name;
	int rc;

	dir = paths_parent(p, c->path, c->path_len, true, &name);
	if (dir == NULL)
		return -1;
	rc = mkdirat(dir->fd, name, c->has_mode ? c->mode : 0777);
	if (rc == 0) {
		durable_due(p->o.durable, dir);
		if (c->has_mode)
			rc = ops_dir_mode(p, dir, name, c->mode);
	} else if (errno == EEXIST &&
	    fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		if (S_ISDIR(st.st_mode) &&
		    paths_due_way(p, c->path, c->path_len) == 0) {
			an->already = true;
			rc = 0;
		}
	}
	handles_unpin(dir);
	return rc;
}

/* rename(2) that replaces nothing, also where the file system can not. */
static int
ops_rename_new(struct handle *from, const char *old, struct handle *to,
    const char *new)
{
	struct stat st;

	if (compat_rename_new(from->fd, old, to->fd, new) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(to->fd, new, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (errno != ENOENT)
		return -1;
	return renameat(from->fd, old, to->fd, new);
}

/* It is the old one that is missing. What may pass is tried again. */
static void
no_old(struct paths *p)
{
	if (p->o.why->error == NULL && (errno == ENOENT || errno == ENOTDIR))
		(void)why_set(p->o.why, answer_errno(errno), "old_path: %s",
		    answer_strerror(errno));
}

static int
ops_rename(struct paths *p, const struct command *c, struct answer *an)
{
	struct handle *from, *to = NULL;
	struct stat st;
	const char *old, *new;
	int rc = -1;

	(void)an;
	from = paths_parent(p, c->old_path, c->old_path_len, false, &old);
	if (from == NULL) {
		no_old(p);
		return -1;
	}
	/* No parents are made for what can not come. */
	if (fstatat(from->fd, old, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		no_old(p);
		goto out;
	}
	to = paths_parent(p, c->path, c->path_len, !c->exchange, &new);
	if (to == NULL)
		goto out;
	if (c->exchange)
		rc = compat_exchange(from->fd, old, to->fd, new);
	else
		rc = c->replace ? renameat(from->fd, old, to->fd, new) :
				  ops_rename_new(from, old, to, new);
	if (rc == 0) {
		durable_due(p->o.durable, from);
		durable_due(p->o.durable, to);
		handles_forget_path(p->o.handles, c->old_path, c->old_path_len,
		    true);
		handles_forget_path(p->o.handles, c->path, c->path_len, true);
	}
out:
	if (to != NULL)
		handles_unpin(to);
	handles_unpin(from);
	return rc;
}

typedef int (
    *ops_op)(struct paths *p, const struct command *c, struct answer *an);

static const ops_op ops[COMMAND_NOPS] = {
    [COMMAND_WRITE] = ops_write,
    [COMMAND_OVERWRITE] = ops_overwrite,
    [COMMAND_DELETE] = ops_delete,
    [COMMAND_MKDIR] = ops_mkdir,
    [COMMAND_RENAME] = ops_rename,
};

int
ops_do(struct paths *p, const struct command *c, struct answer *an)
{
	return ops[c->op](p, c, an);
}

/* --- --dry-run --- */

/* The directory that is there and would be written in, pinned. *is_parent: it
 * is that of the last name. */
static struct handle *
ops_nearest(struct paths *p, const struct command *c, bool *is_parent)
{
	char path[PATH_MAX];
	struct handle *dir;
	const char *name;
	size_t len = c->path_len;

	memcpy(path, c->path, len + 1);
	for (;;) {
		dir = paths_parent(p, path, len, false, &name);
		if (dir != NULL || errno != ENOENT || len == 0 ||
		    c->op == COMMAND_DELETE || c->exchange ||
		    p->o.why->error != NULL)
			break;
		(void)paths_name(path, len, &len);
		path[len] = '\0';
	}
	*is_parent = len == c->path_len;
	return dir;
}

/* Would it work although there is something of this name? */
static int
ops_check_there(struct paths *p, const struct command *c, struct answer *an,
    struct handle *dir, const char *name, const struct stat *st)
{
	switch (c->op) {
	case COMMAND_APPEND:
	case COMMAND_OVERWRITE:
		if (!S_ISREG(st->st_mode))
			return paths_not_regular(p, st->st_mode);
		if (c->op == COMMAND_APPEND && st->st_nlink > 1)
			return paths_linked(p);
		if (c->op == COMMAND_APPEND)
			return faccessat(dir->fd, name, W_OK, AT_EACCESS);
		break;
	case COMMAND_WRITE:
		an->already = ops_same(p, dir, name, c, false) == 1;
		errno = EEXIST;
		return an->already ? 0 : -1;
	case COMMAND_MKDIR:
		an->already = S_ISDIR(st->st_mode);
		errno = EEXIST;
		return an->already ? 0 : -1;
	case COMMAND_RENAME:
		errno = EEXIST;
		if (!c->replace && !c->exchange)
			return -1;
		break;
	default:
		break;
	}
	return faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS);
}

int
ops_check(struct paths *p, const struct command *c, struct answer *an)
{
	struct handle *dir;
	const char *name;
	struct stat st;
	size_t dir_len;
	bool is_parent;
	int rc = -1;

	if (c->op == COMMAND_RENAME) {
		dir =
		    paths_parent(p, c->old_path, c->old_path_len, false, &name);
		if (dir == NULL)
			return -1;
		rc = fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW);
		handles_unpin(dir);
		if (rc == -1)
			return -1;
	}
	dir = ops_nearest(p, c, &is_parent);
	if (dir == NULL)
		return -1;
	name = paths_name(c->path, c->path_len, &dir_len);
	if (!is_parent)
		rc = faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS);
	else if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = ops_check_there(p, c, an, dir, name, &st);
	else if (errno == ENOENT && c->op != COMMAND_DELETE && !c->exchange)
		rc = faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS);
	else
		rc = -1;
	handles_unpin(dir);
	return rc;
}
