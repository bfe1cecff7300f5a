#include "ahead.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

/* Room for the names that one thread reads at a time, and for those of one
 * directory: who has more is read to the end by who takes it. */
#define LINES_MAX ((size_t)256 * 1024)
#define LINES_ONE ((size_t)32 * 1024)
/* A line of getdents64(2) is not longer. */
#define LINES_MIN 1024
/* With fewer descriptors than that, others need them. */
#define FILES_MIN 512
/* Bytes of the second thread's stack; it is not deep. */
#define STACK ((size_t)64 * 1024)

struct job {
	struct ahead_dir got;
	int at;
	const char *path;
	uint64_t dev;
};

struct worker {
	struct ahead *ahead;
	char *lines;
	size_t used;
	bool own_cwd; /* its current directory is nobody else's */
};

struct ahead {
	const struct backend_ops *ops;
	struct backend *backend;
	unsigned interest;
	const struct timespec *since;

	struct job job[AHEAD_MAX];
	size_t njobs;
	size_t taken; /* by ahead_next() */
	atomic_size_t next; /* the first that nobody works at */
	struct worker worker[2];

	bool started;
	bool alone; /* there is no second thread, nor can there be */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t change; /* of what follows */
	unsigned turn; /* of ahead_run() */
	bool open; /* the turn is on */
	bool busy; /* the second thread takes part in it */
	bool ending;
};

static int
watch(const struct worker *w, int fd)
{
	const struct ahead *a = w->ahead;

	/* That way the kernel does not have to look for it in /proc. */
	if (w->own_cwd && fchdir(fd) == 0)
		return a->ops->add_here(a->backend, a->interest);
	return a->ops->add(a->backend, fd, a->interest);
}

static void
read_lines(struct worker *w, struct ahead_dir *got)
{
	const struct timespec *since = w->ahead->since;
	char *lines = w->lines + w->used;
	size_t room = LINES_MAX - w->used;
	ssize_t n = 1;

	got->lines = lines;
	if (room > LINES_ONE)
		room = LINES_ONE;
	while (room - got->len >= LINES_MIN) {
		n = dirents_read(got->fd, lines + got->len, room - got->len);
		if (n <= 0)
			break;
		got->len += (size_t)n;
	}
	got->whole = n == 0;
	w->used += got->len;
	if (since != NULL)
		dirents_age(got->fd, lines, got->len, since);
}

static void
do_job(struct worker *w, struct job *j)
{
	struct ahead_dir *got = &j->got;
	struct stat st;
	int fd;

	if (j->path == NULL)
		return;
	fd = openat(j->at, j->path,
	    O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == -1 || st.st_dev != j->dev ||
	    (got->ino != 0 && st.st_ino != got->ino) ||
	    (got->id = watch(w, fd)) == -1) {
		(void)close(fd);
		return;
	}
	got->ino = st.st_ino;
	got->fd = fd;
	read_lines(w, got);
}

static void
work(struct worker *w)
{
	struct ahead *a = w->ahead;
	size_t i;

	w->used = 0;
	while ((i = atomic_fetch_add(&a->next, 1)) < a->njobs)
		do_job(w, &a->job[i]);
}

static void *
second(void *ctx)
{
	struct worker *w = ctx;
	struct ahead *a = w->ahead;
	unsigned turn = 0;

	w->own_cwd = a->ops->add_here != NULL && unshare(CLONE_FS) == 0;
	(void)pthread_mutex_lock(&a->lock);
	while (!a->ending) {
		if (!a->open || a->turn == turn) {
			(void)pthread_cond_wait(&a->change, &a->lock);
			continue;
		}
		turn = a->turn;
		a->busy = true;
		(void)pthread_mutex_unlock(&a->lock);
		work(w);
		(void)pthread_mutex_lock(&a->lock);
		a->busy = false;
		(void)pthread_cond_broadcast(&a->change);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* Signals are for the first thread. */
static void
start(struct ahead *a)
{
	pthread_attr_t attr;
	sigset_t all, was;

	a->started = a->alone = true;
	if (pthread_attr_init(&attr) != 0)
		return;
	(void)pthread_attr_setstacksize(&attr, STACK);
	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &was) == 0) {
		a->alone = pthread_create(&a->thread, &attr, second,
			       &a->worker[1]) != 0;
		(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	}
	(void)pthread_attr_destroy(&attr);
}

struct ahead *
ahead_new(const struct backend_ops *ops, struct backend *b, unsigned interest,
    const struct timespec *since)
{
	struct rlimit files;
	struct ahead *a;
	size_t i;

	if (!ops->threads || getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur < FILES_MIN)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->ops = ops;
	a->backend = b;
	a->interest = interest;
	a->since = since;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->change, NULL);
	for (i = 0; i < 2; i++) {
		a->worker[i].ahead = a;
		a->worker[i].lines = malloc(LINES_MAX);
		if (a->worker[i].lines == NULL) {
			ahead_free(a);
			return NULL;
		}
	}
	return a;
}

void
ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	if (a->started && !a->alone) {
		(void)pthread_mutex_lock(&a->lock);
		a->ending = true;
		(void)pthread_cond_broadcast(&a->change);
		(void)pthread_mutex_unlock(&a->lock);
		(void)pthread_join(a->thread, NULL);
	}
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->change);
	free(a->worker[0].lines);
	free(a->worker[1].lines);
	free(a);
}

void
ahead_add(struct ahead *a, struct dir *dir, int at, const char *path,
    uint64_t dev, uint64_t ino)
{
	if (a->taken == a->njobs)
		a->njobs = a->taken = 0;
	a->job[a->njobs++] = (struct job){
	    .got = {.dir = dir, .ino = ino, .fd = -1, .id = -1},
	    .at = at,
	    .path = path,
	    .dev = dev,
	};
}

void
ahead_run(struct ahead *a)
{
	if (!a->started)
		start(a);
	atomic_store(&a->next, 0);
	if (a->alone) {
		work(&a->worker[0]);
		return;
	}
	(void)pthread_mutex_lock(&a->lock);
	a->turn++;
	a->open = true;
	(void)pthread_cond_broadcast(&a->change);
	(void)pthread_mutex_unlock(&a->lock);
	work(&a->worker[0]);
	/* Not waited for, if it has not even begun. */
	(void)pthread_mutex_lock(&a->lock);
	a->open = false;
	while (a->busy)
		(void)pthread_cond_wait(&a->change, &a->lock);
	(void)pthread_mutex_unlock(&a->lock);
}

struct ahead_dir *
ahead_next(struct ahead *a)
{
	return a->taken < a->njobs ? &a->job[a->taken++].got : NULL;
}

int
ahead_lines(const struct ahead_dir *got,
    int (*each)(void *ctx, const struct dirent_line *line), void *ctx)
{
	int ret = dirents_lines(got->lines, got->len, each, ctx);

	return ret != 0 || got->whole ? ret : dirents_rest(got->fd, each, ctx);
}
