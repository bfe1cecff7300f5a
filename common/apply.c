#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#include "batch.h"
#include "beneath.h"
#include "command.h"
#include "compat_write.h"
#include "handles.h"
#include "outfile.h"
#include "run.h"

/* Appends that wait, over all files, in bytes. */
#define APPLY_WAITING ((size_t)8 * 1024 * 1024)

#define APPLY_COMPARE ((size_t)32 * 1024) /* bytes read at a time */
#define APPLY_RACES   16 /* others may get between two calls this often */
#define APPLY_SPARE   32 /* descriptors closed at once when they run out */

struct apply {
	const struct apply_options *o;
	struct beneath below;
	struct handles *handles;
	struct handle *root;
	struct batch *answers;
	uint64_t batch; /* number of the batch, from 1 */
	size_t waiting; /* bytes of appends */
	bool stopped;
	int sync_error; /* errno of a failed sync, for good */
	struct apply_stats stats;

	/* Why the command at hand failed, where an errno does not say it. */
	const char *error;
	char message[1024];
};

static int apply_fail(struct apply *a, const char *error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
apply_fail(struct apply *a, const char *error, const char *fmt, ...)
{
	va_list ap;

	a->error = error;
	va_start(ap, fmt);
	(void)vsnprintf(a->message, sizeof(a->message), fmt, ap);
	va_end(ap);
	errno = EINVAL;
	return -1;
}

/* The last name in a path, and how long the path of its directory is. */
static const char *
apply_name(const char *path, size_t *dir_len)
{
	const char *slash = strrchr(path, '/');

	*dir_len = slash != NULL ? (size_t)(slash - path) : 0;
	return slash != NULL ? slash + 1 : path;
}

/* Out of descriptors: closes some. Is it worth another try? */
static bool
apply_shrink(struct apply *a)
{
	if (errno != EMFILE && errno != ENFILE)
		return false;
	return handles_shrink(a->handles, APPLY_SPARE) > 0;
}

static bool
apply_may_pass(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EAGAIN ||
	    error == EBUSY || error == ESTALE || error == EIO;
}

/* Is there another try? It waits for it. */
static bool
apply_again(struct apply *a, int error, unsigned tries)
{
	if (tries >= a->o->retries || !apply_may_pass(error) ||
	    a->sync_error != 0)
		return false;
	if (a->o->pause != NULL && a->o->pause(a->o->ctx) == -1)
		return false;
	a->stats.retries++;
	return true;
}

static void
apply_stop(struct apply *a)
{
	a->stats.failed++;
	if (a->o->stop_on_error)
		a->stopped = true;
}

/* Makes a no of an answer, with the reason in a->error or the errno. */
static void
apply_deny(struct apply *a, struct answer *an, int error)
{
	const char *message;

	an->ok = false;
	an->already = false;
	an->has_size = false;
	if (a->error != NULL) {
		an->error = a->error;
		message = a->message;
	} else {
		an->error = answer_errno(error);
		message = answer_strerror(error);
	}
	an->message = batch_copy(a->answers, message, strlen(message));
	if (an->message == NULL)
		an->message = an->error;
	a->error = NULL;
	apply_stop(a);
}

/* --- sync --- */

static void
apply_sync_failed(struct apply *a, int error)
{
	if (a->sync_error == 0)
		a->sync_error = error;
}

/* What has a new name, lost one, or was written, must be synced. */
static void
apply_unsynced(struct apply *a, struct handle *h)
{
	if (!a->o->sync)
		return;
	h->unsynced = true;
	handles_set_due(a->handles, h);
}

static int
apply_fdatasync(struct apply *a, int fd)
{
	int rc;

	a->stats.syncs++;
	do
		rc = fdatasync(fd);
	while (rc == -1 && errno == EINTR);
	if (rc == -1)
		apply_sync_failed(a, errno);
	return rc;
}

static void
apply_sync(struct apply *a, struct handle *h)
{
	int rc;

	if (!h->unsynced || a->sync_error != 0)
		return;
	h->unsynced = false;
	if (!h->is_dir) {
		(void)apply_fdatasync(a, h->fd);
		return;
	}
	a->stats.syncs++;
	do
		rc = fsync(h->fd);
	while (rc == -1 && errno == EINTR);
	/* EINVAL: a file system that has nothing to sync in a directory. */
	if (rc == -1 && errno != EINVAL)
		apply_sync_failed(a, errno);
}

/* --- appends that wait --- */

/* The file at the end of a stale handle, by its name. */
static void
apply_refresh(struct apply *a, struct handle *h)
{
	struct stat st;
	int fd;

	fd = beneath_open_regular(&a->below, a->below.rootfd, h->path,
	    O_WRONLY | O_APPEND, &st);
	if (fd != -1)
		handles_swap_fd(h, fd);
}

/* Tells the records that were written how long the file was behind each. */
static void
apply_written(struct apply *a, const struct run *r, size_t from, uint64_t end)
{
	struct answer *an;
	size_t i, last;

	if (r->next == from)
		return;
	last = r->records[r->next - 1].end;
	for (i = from; i < r->next; i++) {
		an = batch_at(a->answers, r->records[i].tag);
		an->size = end - (last - r->records[i].end);
		an->has_size = true;
	}
}

static void
apply_flush(struct apply *a, struct handle *h)
{
	struct run *r = &h->run;
	struct answer *an;
	bool was_torn = r->torn;
	unsigned tries = 0;
	uint64_t end, writes = r->writes;
	size_t from, len = r->data.len;
	int error;

	if (r->n == 0)
		return;
	while (run_left(r) > 0 && !a->stopped) {
		from = r->next;
		error = run_write(r, h->fd, &end) == -1 ? errno : 0;
		apply_written(a, r, from, end);
		if (r->next != from)
			tries = 0;
		if (error == 0)
			break;
		if (!r->torn && apply_again(a, error, tries)) {
			if (error == ESTALE)
				apply_refresh(a, h);
			tries++;
			continue;
		}
		an = batch_at(a->answers, run_first(r)->tag);
		an->torn = r->torn;
		apply_deny(a, an, error);
		run_skip(r);
		tries = 0;
	}
	if (r->writes != writes)
		apply_unsynced(a, h);
	/* That a line has to be ended is known only as long as the handle
	 * lives. */
	if (r->torn && !was_torn)
		handles_pin(h);
	else if (!r->torn && was_torn)
		handles_unpin(h);
	a->stats.appends += r->writes - writes;
	a->waiting -= len;
	run_clear(r);
}

static void
apply_flush_all(struct apply *a)
{
	struct handle *h;

	for (h = handles_first_due(a->handles); h != NULL;
	     h = handles_next_due(h))
		apply_flush(a, h);
}

/* A handle is about to be closed. */
static void
apply_release(void *ctx, struct handle *h)
{
	struct apply *a = ctx;

	apply_flush(a, h);
	apply_sync(a, h);
}

/* Writes what must be in the files before this command's turn comes. */
static void
apply_flush_before(struct apply *a, const struct command *c)
{
	struct handle *h = NULL, *other;

	if (c->path != NULL && c->op != COMMAND_RENAME)
		h = handles_find(a->handles, c->path, c->path_len, false);
	if (c->op == COMMAND_APPEND && !a->o->stop_on_error) {
		if (h != NULL && !run_fits(&h->run, c->content_len))
			apply_flush(a, h);
		if (a->waiting > APPLY_WAITING)
			apply_flush_all(a);
	} else if (a->o->stop_on_error) {
		for (other = handles_first_due(a->handles); other != NULL;
		     other = handles_next_due(other))
			if (other != h || c->op != COMMAND_APPEND ||
			    !run_fits(&h->run, c->content_len))
				apply_flush(a, other);
	} else if (c->op == COMMAND_RENAME)
		apply_flush_all(a);
	else if (h != NULL)
		apply_flush(a, h);
}

/* --- directories --- */

/* May this name be made, changed or removed? */
static int
apply_may(struct apply *a, struct handle *dir, const char *name)
{
	char why[sizeof(a->message)] = "";
	bool every_name = false;
	int rc;

	if (a->o->may == NULL || dir->asked == a->batch)
		return 0;
	rc = a->o->may(a->o->ctx, dir->fd, name, &every_name, why, sizeof(why));
	if (rc == 1)
		return apply_fail(a, "loop", "%s", why);
	if (rc == 0 && every_name)
		dir->asked = a->batch;
	return rc;
}

static int
apply_open_dir(struct apply *a, const char *path)
{
	int fd;

	do {
		fd = beneath_open(&a->below, a->below.rootfd, path,
		    O_RDONLY | O_DIRECTORY, 0);
		/* A letter box: names may be put in, but not be listed. There
		 * is no way to sync it. */
		if (fd == -1 && errno == EACCES && !a->o->sync)
			fd = beneath_open(&a->below, a->below.rootfd, path,
			    COMPAT_O_PATH | O_DIRECTORY, 0);
	} while (fd == -1 && apply_shrink(a));
	return fd;
}

/* The directory with the first len bytes of path as its path, if it is there.
 * What is known is looked at once a batch; where no kernel guards us, at each
 * use: it might have been moved out. */
static struct handle *
apply_known_dir(struct apply *a, const char *path, size_t len)
{
	struct handle *h;
	struct stat st;
	char dir[PATH_MAX];
	int fd;

	if (len == 0)
		return a->root;
	h = handles_find(a->handles, path, len, true);
	if (h != NULL && h->batch == a->batch && a->o->walled)
		return h;
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = apply_open_dir(a, dir);
	if (fd == -1)
		return NULL;
	/* Making room may have closed it. */
	h = handles_find(a->handles, path, len, true);
	if (h != NULL) {
		if (fstat(fd, &st) == 0 && st.st_dev == h->dev &&
		    st.st_ino == h->ino) {
			handles_swap_fd(h, fd);
			h->batch = a->batch;
			return h;
		}
		handles_forget(a->handles, h);
	}
	h = handles_add(a->handles, dir, len, fd, true);
	if (h == NULL) {
		(void)close(fd);
		return NULL;
	}
	h->batch = a->batch;
	return h;
}

/* Makes the directory that is called by n bytes of name. */
static int
apply_make_dir(struct apply *a, struct handle *parent, const char *name,
    size_t n)
{
	char one[NAME_MAX + 1];

	memcpy(one, name, n);
	one[n] = '\0';
	if (apply_may(a, parent, one) == -1)
		return -1;
	if (mkdirat(parent->fd, one, 0777) == 0)
		apply_unsynced(a, parent);
	else if (errno != EEXIST)
		return -1;
	return 0;
}

/* The same directory; make: with all its parents it is made if it is not
 * there. Paths may have thousands of components: no recursion. */
static struct handle *
apply_dir(struct apply *a, const char *path, size_t len, bool make)
{
	struct handle *h;
	size_t have = len, begin;

	h = apply_known_dir(a, path, len);
	if (!make)
		return h;
	while (h == NULL && errno == ENOENT) {
		while (have > 0 && path[--have] != '/')
			;
		h = apply_known_dir(a, path, have);
	}
	while (h != NULL && have < len) {
		begin = have == 0 ? 0 : have + 1;
		for (have = begin; have < len && path[have] != '/';)
			have++;
		if (apply_make_dir(a, h, path + begin, have - begin) == -1)
			return NULL;
		h = apply_known_dir(a, path, have);
	}
	return h;
}

/* The directory that a path's last name is in, pinned, and that name; the
 * loop check has passed. */
static struct handle *
apply_parent(struct apply *a, const char *path, bool make, const char **name)
{
	struct handle *dir;
	size_t dir_len;

	*name = apply_name(path, &dir_len);
	dir = apply_dir(a, path, dir_len, make);
	if (dir == NULL)
		return NULL;
	if (apply_may(a, dir, *name) == -1)
		return NULL;
	handles_pin(dir);
	return dir;
}

/* Acknowledging that something has been there before promises that it, and
 * each directory on the way to it, is on the disk. */
static int
apply_unsynced_way(struct apply *a, const char *path)
{
	struct handle *dir;
	size_t len;

	if (!a->o->sync)
		return 0;
	(void)apply_name(path, &len);
	for (;;) {
		dir = apply_dir(a, path, len, false);
		if (dir == NULL)
			return -1;
		apply_unsynced(a, dir);
		if (len == 0)
			return 0;
		while (len > 0 && path[--len] != '/')
			;
	}
}

/* --- files --- */

static int
apply_not_regular(struct apply *a, mode_t mode)
{
	return apply_fail(a, "not-regular", "Not a regular file%s",
	    S_ISDIR(mode)      ? ", but a directory" :
		S_ISLNK(mode)  ? ", but a symbolic link" :
		S_ISFIFO(mode) ? ", but a FIFO" :
		S_ISSOCK(mode) ? ", but a socket" :
				 "");
}

static int
apply_linked(struct apply *a)
{
	return apply_fail(a, "EMLINK", "The file has other hard links");
}

/* Opens a file to append to, or makes it. Returns the descriptor. */
static int
apply_open_file(struct apply *a, struct handle *dir, const char *name,
    const struct command *c)
{
	struct stat st;
	int fd, races;

	for (races = 0; races < APPLY_RACES; races++) {
		st.st_mode = 0;
		do
			fd = beneath_open_regular(&a->below, dir->fd, name,
			    O_WRONLY | O_APPEND, &st);
		while (fd == -1 && apply_shrink(a));
		if (fd != -1 && st.st_nlink > 1) {
			(void)close(fd);
			return apply_linked(a);
		}
		if (fd != -1)
			return fd;
		if (st.st_mode != 0 && !S_ISREG(st.st_mode))
			return apply_not_regular(a, st.st_mode);
		if (errno != ENOENT && errno != EAGAIN)
			return -1;
		if (errno == EAGAIN)
			continue;
		do
			fd = beneath_open(&a->below, dir->fd, name,
			    O_WRONLY | O_APPEND | O_CREAT | O_EXCL,
			    c->has_mode ? c->mode : 0666);
		while (fd == -1 && apply_shrink(a));
		if (fd != -1) {
			apply_unsynced(a, dir);
			if (c->has_mode && fchmod(fd, c->mode) == -1) {
				(void)close(fd);
				return -1;
			}
			return fd;
		}
		if (errno != EEXIST)
			return -1;
	}
	errno = EBUSY;
	return -1;
}

/* The open file that a command appends to. A file whose name leads to another
 * one by now (logrotate) is opened anew: looked at once a batch. */
static struct handle *
apply_file(struct apply *a, const struct command *c)
{
	struct handle *h, *dir;
	struct stat st;
	const char *name;
	int fd = -1;

	h = handles_find(a->handles, c->path, c->path_len, false);
	if (h != NULL && h->batch == a->batch)
		return h;
	dir = apply_parent(a, c->path, true, &name);
	if (dir == NULL)
		return NULL;
	/* Making room may have closed it. */
	h = handles_find(a->handles, c->path, c->path_len, false);
	if (h != NULL) {
		if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == h->dev && st.st_ino == h->ino &&
		    st.st_nlink == 1)
			goto out;
		handles_forget(a->handles, h);
		h = NULL;
	}
	fd = apply_open_file(a, dir, name, c);
	if (fd == -1)
		goto out;
	h = handles_add(a->handles, c->path, c->path_len, fd, false);
	if (h == NULL)
		(void)close(fd);
out:
	if (h != NULL)
		h->batch = a->batch;
	handles_unpin(dir);
	return h;
}

/* Does the file have this content? 1: yes; 0: no, or it is no file; -1: there
 * is nothing of this name, as far as we may see. With --sync it is then on the
 * disk, too. */
static int
apply_same(struct apply *a, struct handle *dir, const char *name,
    const struct command *c)
{
	char data[APPLY_COMPARE];
	struct stat st;
	size_t done = 0;
	ssize_t n;
	int fd, rc = 0;

	do
		fd = beneath_open_regular(&a->below, dir->fd, name, O_RDONLY,
		    &st);
	while (fd == -1 && apply_shrink(a));
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
	if (a->o->sync && !a->o->dry_run)
		(void)apply_fdatasync(a, fd);
out:
	(void)close(fd);
	return rc;
}

/* --- the operations --- */

static int
op_append(struct apply *a, const struct command *c, struct answer *an)
{
	struct handle *h;

	/* The size comes when it is written. */
	(void)an;
	h = apply_file(a, c);
	if (h == NULL)
		return -1;
	if (run_add(&h->run, c->content, c->content_len,
		batch_count(a->answers) - 1) == -1)
		return -1;
	a->waiting += c->content_len;
	handles_set_due(a->handles, h);
	return 0;
}

/* Fills and names a file that is not there yet. */
static int
apply_finish(struct apply *a, struct outfile **f, struct handle *dir,
    const struct command *c)
{
	if (outfile_write(*f, c->content, c->content_len) == -1)
		goto fail;
	if (c->has_mode && fchmod(outfile_fd(*f), c->mode) == -1)
		goto fail;
	if (a->o->sync && apply_fdatasync(a, outfile_fd(*f)) == -1)
		goto fail;
	if (outfile_commit(f) == -1)
		return -1;
	apply_unsynced(a, dir);
	return 0;
fail:
	outfile_abort(f);
	return -1;
}

static int
op_write(struct apply *a, const struct command *c, struct answer *an)
{
	struct outfile *f;
	struct handle *dir;
	const char *name;
	int rc = -1, error, same;

	dir = apply_parent(a, c->path, true, &name);
	if (dir == NULL)
		return -1;
	an->size = c->content_len;
	an->has_size = true;
	do
		f = outfile_new(dir->fd, name, c->has_mode ? c->mode : 0666);
	while (f == NULL && apply_shrink(a));
	if (f != NULL)
		rc = apply_finish(a, &f, dir, c);
	if (rc == 0)
		goto out;
	/* Whatever went wrong, it does not matter to what is there already. */
	error = errno;
	same = apply_same(a, dir, name, c);
	if (same == 1 && apply_unsynced_way(a, c->path) == 0) {
		an->already = true;
		rc = 0;
	} else
		errno = same == -1 ? error : EEXIST;
out:
	handles_unpin(dir);
	return rc;
}

/* Owner, group and mode of the file that is replaced. Set-user-id and its like
 * go: the content is another one. */
static int
apply_inherit(int fd, const struct stat *old)
{
	struct stat st;
	bool root = geteuid() == 0;

	if (fstat(fd, &st) == -1)
		return -1;
	if ((st.st_uid != old->st_uid && root) || st.st_gid != old->st_gid)
		if (fchown(fd, root ? old->st_uid : (uid_t)-1, old->st_gid) ==
			-1 &&
		    root)
			return -1;
	return fchmod(fd, old->st_mode & 0777);
}

static int
op_overwrite(struct apply *a, const struct command *c, struct answer *an)
{
	struct outfile *f;
	struct handle *dir;
	struct stat old;
	const char *name;
	bool there;
	int races, rc = -1;

	dir = apply_parent(a, c->path, true, &name);
	if (dir == NULL)
		return -1;
	an->size = c->content_len;
	an->has_size = true;
	for (races = 0; races < APPLY_RACES; races++) {
		there = fstatat(dir->fd, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
		if (!there && errno != ENOENT)
			break;
		if (there && !S_ISREG(old.st_mode)) {
			rc = apply_not_regular(a, old.st_mode);
			break;
		}
		/* A new one gets what mode the kernel gives: the umask or the
		 * directory's default ACL. */
		do
			f = there ? outfile_replacement(dir->fd, name) :
				    outfile_new(dir->fd, name,
					c->has_mode ? c->mode : 0666);
		while (f == NULL && apply_shrink(a));
		if (f == NULL)
			break;
		if (there && apply_inherit(outfile_fd(f), &old) == -1) {
			outfile_abort(&f);
			break;
		}
		rc = apply_finish(a, &f, dir, c);
		if (rc == 0 || there || errno != EEXIST)
			break;
	}
	if (rc == 0)
		handles_forget_path(a->handles, c->path, c->path_len, false);
	handles_unpin(dir);
	return rc;
}

static int
op_delete(struct apply *a, const struct command *c, struct answer *an)
{
	struct handle *dir;
	const char *name;
	bool below = false;
	int rc;

	(void)an;
	dir = apply_parent(a, c->path, false, &name);
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
		apply_unsynced(a, dir);
		handles_forget_path(a->handles, c->path, c->path_len, below);
	}
	handles_unpin(dir);
	return rc;
}

/* The exact mode of a directory just made, whatever the umask. Inherited bits
 * (set-group-id) stay. */
static int
apply_dir_mode(struct apply *a, struct handle *dir, const char *name,
    mode_t mode)
{
	char fdname[COMPAT_FDNAME_SIZE];
	struct stat st;
	int fd, rc = -1, saved;

	fd = beneath_open(&a->below, dir->fd, name, COMPAT_O_PATH | O_DIRECTORY,
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
		fd = beneath_open(&a->below, dir->fd, name,
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
op_mkdir(struct apply *a, const struct command *c, struct answer *an)
{
	struct handle *dir;
	struct stat st;
	const char *name;
	int rc;

	dir = apply_parent(a, c->path, true, &name);
	if (dir == NULL)
		return -1;
	rc = mkdirat(dir->fd, name, c->has_mode ? c->mode : 0777);
	if (rc == 0) {
		apply_unsynced(a, dir);
		if (c->has_mode)
			rc = apply_dir_mode(a, dir, name, c->mode);
	} else if (errno == EEXIST &&
	    fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		if (S_ISDIR(st.st_mode) &&
		    apply_unsynced_way(a, c->path) == 0) {
			an->already = true;
			rc = 0;
		}
	}
	handles_unpin(dir);
	return rc;
}

/* rename(2) that replaces nothing, also where the file system can not. */
static int
apply_rename_new(struct handle *from, const char *old, struct handle *to,
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

static int
op_rename(struct apply *a, const struct command *c, struct answer *an)
{
	struct handle *from, *to = NULL;
	struct stat st;
	const char *old, *new;
	int rc = -1;

	(void)an;
	from = apply_parent(a, c->old_path, false, &old);
	if (from == NULL)
		return -1;
	/* No parents are made for what can not come. */
	if (fstatat(from->fd, old, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		(void)apply_fail(a, answer_errno(errno), "old_path: %s",
		    answer_strerror(errno));
		goto out;
	}
	to = apply_parent(a, c->path, true, &new);
	if (to == NULL)
		goto out;
	rc = c->replace ? renameat(from->fd, old, to->fd, new) :
			  apply_rename_new(from, old, to, new);
	if (rc == 0) {
		apply_unsynced(a, from);
		apply_unsynced(a, to);
		handles_forget_path(a->handles, c->old_path, c->old_path_len,
		    true);
		handles_forget_path(a->handles, c->path, c->path_len, true);
	}
out:
	if (to != NULL)
		handles_unpin(to);
	handles_unpin(from);
	return rc;
}

/* --dry-run: would it work, as things are? What earlier commands of the input
 * would have made or removed is not taken into account. */
static int
apply_check(struct apply *a, const struct command *c, struct answer *an)
{
	bool makes = c->op != COMMAND_DELETE, is_there = false;
	struct handle *dir = NULL;
	char path[PATH_MAX];
	const char *name;
	struct stat st;
	size_t len;
	int rc = -1, same;

	if (c->op == COMMAND_RENAME) {
		dir = apply_parent(a, c->old_path, false, &name);
		if (dir == NULL)
			return -1;
		rc = fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW);
		handles_unpin(dir);
		if (rc == -1)
			return -1;
	}
	/* The directory that is there and would be written in. */
	memcpy(path, c->path, c->path_len + 1);
	for (;;) {
		dir = apply_parent(a, path, false, &name);
		if (dir != NULL || errno != ENOENT || !makes ||
		    a->error != NULL)
			break;
		(void)apply_name(path, &len);
		path[len] = '\0';
	}
	if (dir == NULL)
		return -1;
	if (strlen(path) == c->path_len) {
		is_there =
		    fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (!is_there && (errno != ENOENT || !makes))
			goto out;
	}
	rc = 0;
	if (is_there &&
	    (c->op == COMMAND_APPEND || c->op == COMMAND_OVERWRITE)) {
		if (!S_ISREG(st.st_mode))
			rc = apply_not_regular(a, st.st_mode);
		else if (c->op == COMMAND_APPEND && st.st_nlink > 1)
			rc = apply_linked(a);
		else if (c->op == COMMAND_APPEND) {
			rc = faccessat(dir->fd, name, W_OK, AT_EACCESS);
			goto out;
		}
	} else if (is_there && c->op == COMMAND_WRITE) {
		same = apply_same(a, dir, name, c);
		an->already = same == 1;
		rc = same == 1 ? 0 : -1;
		errno = EEXIST;
	} else if (is_there && c->op == COMMAND_MKDIR) {
		an->already = S_ISDIR(st.st_mode);
		rc = an->already ? 0 : -1;
		errno = EEXIST;
	} else if (is_there && c->op == COMMAND_RENAME && !c->replace) {
		rc = -1;
		errno = EEXIST;
	}
	if (rc == 0 && !an->already)
		rc = faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS);
out:
	handles_unpin(dir);
	return rc;
}

typedef int (
    *apply_op)(struct apply *a, const struct command *c, struct answer *an);

static const apply_op ops[COMMAND_NOPS] = {
    [COMMAND_WRITE] = op_write,
    [COMMAND_APPEND] = op_append,
    [COMMAND_OVERWRITE] = op_overwrite,
    [COMMAND_DELETE] = op_delete,
    [COMMAND_MKDIR] = op_mkdir,
    [COMMAND_RENAME] = op_rename,
};

/* --- from outside --- */

struct apply *
apply_open(int rootfd, const struct apply_options *o)
{
	struct apply *a;
	int fd, saved;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->o = o;
	a->batch = 1;
	beneath_init(&a->below, rootfd, o->below);
	a->answers = batch_new();
	if (a->answers == NULL)
		goto fail;
	a->handles = handles_new(o->max_open, apply_release, a);
	if (a->handles == NULL)
		goto fail;
	/* The table closes what it holds, and rootfd is not ours. */
	fd = fcntl(rootfd, F_DUPFD_CLOEXEC, 3);
	if (fd == -1)
		goto fail;
	a->root = handles_add(a->handles, "", 0, fd, true);
	if (a->root == NULL) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		goto fail;
	}
	return a;
fail:
	saved = errno;
	apply_close(a);
	errno = saved;
	return NULL;
}

/* Begins the answer to a line with what is known of it. */
static struct answer *
apply_answer(struct apply *a, uint64_t line, const struct command *c)
{
	struct answer *an;

	an = batch_add(a->answers);
	if (an == NULL)
		return NULL;
	a->stats.commands++;
	an->line = line;
	an->op = command_op_name(c->op);
	an->content_len = c->content_len;
	if (c->id != NULL) {
		an->id = batch_copy(a->answers, c->id, c->id_len);
		an->id_len = c->id_len;
		if (an->id == NULL)
			return NULL;
	}
	if (c->path != NULL) {
		an->path = batch_copy(a->answers, c->path, c->path_len);
		if (an->path == NULL)
			return NULL;
	}
	return an;
}

int
apply_refuse(struct apply *a, uint64_t line, const struct command *c,
    const struct command_bad *bad)
{
	struct answer *an;

	if (a->o->stop_on_error)
		apply_flush_all(a);
	if (a->stopped)
		return 0;
	an = apply_answer(a, line, c);
	if (an == NULL)
		return -1;
	(void)apply_fail(a, bad->error, "%s", bad->message);
	apply_deny(a, an, 0);
	return 0;
}

int
apply_command(struct apply *a, uint64_t line, const struct command *c)
{
	struct answer *an;
	unsigned tries = 0;
	int rc;

	apply_flush_before(a, c);
	if (a->stopped)
		return 0;
	an = apply_answer(a, line, c);
	if (an == NULL)
		return -1;
	an->ok = true;
	a->error = NULL;
	if ((a->o->ops & COMMAND_BIT(c->op)) == 0)
		rc = apply_fail(a, "not-allowed", "Not allowed by --ops");
	else
		do
			rc = a->o->dry_run ? apply_check(a, c, an) :
					     ops[c->op](a, c, an);
		while (rc == -1 && a->error == NULL &&
		    apply_again(a, errno, tries++));
	if (rc == -1)
		apply_deny(a, an, errno);
	return 0;
}

bool
apply_stopped(const struct apply *a)
{
	return a->stopped;
}

/* None of this batch is known to be on the disk. */
static void
apply_unacknowledged(struct apply *a, struct answer *an)
{
	(void)apply_fail(a, answer_errno(a->sync_error), "Not synced: %s",
	    strerror(a->sync_error));
	apply_deny(a, an, 0);
}

int
apply_commit(struct apply *a)
{
	struct handle *h;
	struct answer *an;
	size_t i;

	apply_flush_all(a);
	while ((h = handles_first_due(a->handles)) != NULL) {
		apply_sync(a, h);
		handles_clear_due(a->handles, h);
	}
	for (i = 0; i < batch_count(a->answers); i++) {
		an = batch_at(a->answers, i);
		if (an->ok && a->sync_error != 0)
			apply_unacknowledged(a, an);
		if (an->ok && !an->already)
			a->stats.bytes += an->content_len;
		if (a->o->answered != NULL)
			a->o->answered(a->o->ctx, an);
		/* What stands behind the first failure was not applied. */
		if (!an->ok && a->o->stop_on_error)
			break;
	}
	batch_clear(a->answers);
	a->batch++;
	a->stats.batches++;
	errno = a->sync_error;
	return a->sync_error == 0 ? 0 : -1;
}

void
apply_reopen(struct apply *a)
{
	handles_forget_all(a->handles);
}

const struct apply_stats *
apply_stats(const struct apply *a)
{
	return &a->stats;
}

void
apply_close(struct apply *a)
{
	if (a == NULL)
		return;
	handles_free(a->handles);
	batch_free(a->answers);
	free(a);
}
