#include "apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "batch.h"
#include "command.h"
#include "durable.h"
#include "handles.h"
#include "ops.h"
#include "paths.h"
#include "run.h"
#include "why.h"

/* Appends that wait, over all files, in bytes. */
#define APPLY_WAITING ((size_t)8 * 1024 * 1024)

struct apply {
	const struct apply_options *o;
	struct handles *handles;
	struct durable durable;
	struct paths paths;
	struct batch *answers;
	size_t waiting; /* bytes of appends */
	bool stopped;
	struct why why; /* of the command at hand */
	struct apply_stats stats;
};

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
	    a->durable.error != 0)
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

/* Makes a no of an answer: for this reason, or where it has none (NULL) for
 * the errno. */
static void
apply_deny(struct apply *a, struct answer *an, const struct why *why, int error)
{
	const char *message;

	an->ok = false;
	an->already = false;
	an->has_size = false;
	if (why != NULL && why->error != NULL) {
		an->error = why->error;
		message = why->message;
	} else {
		an->error = answer_errno(error);
		message = answer_strerror(error);
	}
	an->message = batch_copy(a->answers, message, strlen(message));
	if (an->message == NULL)
		an->message = an->error;
	apply_stop(a);
}

/* --- appends that wait --- */

/* Tells the records that were written how long the file was behind each. */
static void
apply_written(struct apply *a, const struct run *r, size_t from, uint64_t end)
{
	struct answer *an;
	size_t i, last;

	if (r->next == from || end == RUN_END_UNKNOWN)
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
		if (!r->tore && apply_again(a, error, tries)) {
			if (error == ESTALE)
				paths_refresh(&a->paths, h);
			tries++;
			continue;
		}
		an = batch_at(a->answers, run_first(r)->tag);
		an->torn = r->tore;
		apply_deny(a, an, NULL, error);
		run_skip(r);
		tries = 0;
	}
	if (r->writes != writes)
		durable_due(&a->durable, h);
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
	durable_handle(&a->durable, h);
}

/* Writes what must be in the files before this command's turn comes. */
static void
apply_flush_before(struct apply *a, const struct command *c)
{
	struct handle *h;

	if (c->op == COMMAND_APPEND || c->op == COMMAND_RENAME) {
		/* An append finds its own file by itself. */
		if (c->op == COMMAND_RENAME || a->waiting > APPLY_WAITING)
			apply_flush_all(a);
		return;
	}
	h = handles_find(a->handles, c->path, c->path_len, false);
	if (h != NULL)
		apply_flush(a, h);
}

/* With stop_on_error: the same, where a command that fails must have nothing
 * behind it. Only appends to one file, one behind the other, are collected. */
static void
apply_flush_others(struct apply *a, const struct command *c)
{
	struct handle *h, *own = NULL;

	if (c->op == COMMAND_APPEND)
		own = handles_find(a->handles, c->path, c->path_len, false);
	for (h = handles_first_due(a->handles); h != NULL;
	     h = handles_next_due(h))
		if (h != own || !run_fits(&h->run, c->content_len))
			apply_flush(a, h);
}

/* Its record waits in the handle of its file. The size of the answer comes
 * when it is written. */
static int
apply_append(struct apply *a, const struct command *c)
{
	struct handle *h;

	h = paths_file(&a->paths, c->path, c->path_len,
	    c->has_mode ? (int)c->mode : -1);
	if (h == NULL)
		return -1;
	if (!run_fits(&h->run, c->content_len))
		apply_flush(a, h);
	if (run_add(&h->run, c->content, c->content_len,
		batch_count(a->answers) - 1) == -1)
		return -1;
	a->waiting += c->content_len;
	handles_set_due(a->handles, h);
	return 0;
}

/* --- from outside --- */

struct apply *
apply_open(int rootfd, const struct apply_options *o)
{
	struct paths_options po = {.below = o->below,
	    .walled = o->walled,
	    .may = o->may,
	    .ctx = o->ctx};
	struct apply *a;
	int saved;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->o = o;
	a->answers = batch_new();
	if (a->answers == NULL)
		goto fail;
	a->handles = handles_new(o->max_open, apply_release, a);
	if (a->handles == NULL)
		goto fail;
	a->durable.wanted = o->sync;
	a->durable.handles = po.handles = a->handles;
	po.durable = &a->durable;
	po.why = &a->why;
	if (paths_init(&a->paths, rootfd, &po) == -1)
		goto fail;
	return a;
fail:
	saved = errno;
	apply_close(a);
	errno = saved;
	return NULL;
}

/* Begins the answer to a line with what is known of it. NULL, and none begun,
 * where memory is short. */
static struct answer *
apply_answer(struct apply *a, uint64_t line, const struct command *c)
{
	struct answer *an;

	an = batch_add(a->answers);
	if (an == NULL)
		return NULL;
	an->line = line;
	an->op = command_op_name(c->op);
	an->content_len = c->content_len;
	if (c->id != NULL) {
		an->id = batch_copy(a->answers, c->id, c->id_len);
		an->id_len = c->id_len;
		if (an->id == NULL)
			goto fail;
	}
	if (c->path != NULL) {
		an->path = batch_copy(a->answers, c->path, c->path_len);
		if (an->path == NULL)
			goto fail;
	}
	a->stats.commands++;
	return an;
fail:
	batch_take_back(a->answers);
	return NULL;
}

int
apply_refuse(struct apply *a, uint64_t line, const struct command *c,
    const struct why *bad)
{
	struct answer *an;

	if (a->o->stop_on_error)
		apply_flush_all(a);
	if (a->stopped)
		return 0;
	an = apply_answer(a, line, c);
	if (an == NULL)
		return -1;
	apply_deny(a, an, bad, 0);
	return 0;
}

/* Returns 0, or -1 with the reason in a->why or errno. */
static int
apply_one(struct apply *a, const struct command *c, struct answer *an)
{
	if (a->o->dry_run)
		return ops_check(&a->paths, c, an);
	if (c->op == COMMAND_APPEND)
		return apply_append(a, c);
	return ops_do(&a->paths, c, an);
}

int
apply_command(struct apply *a, uint64_t line, const struct command *c)
{
	struct answer *an;
	unsigned tries = 0;
	int rc;

	if (a->o->stop_on_error)
		apply_flush_others(a, c);
	else
		apply_flush_before(a, c);
	if (a->stopped)
		return 0;
	an = apply_answer(a, line, c);
	if (an == NULL)
		return -1;
	an->ok = true;
	a->why.error = NULL;
	if ((a->o->ops & COMMAND_BIT(c->op)) == 0)
		rc = why_set(&a->why, "not-allowed", "Not allowed by --ops");
	else
		do
			rc = apply_one(a, c, an);
		while (rc == -1 && a->why.error == NULL &&
		    apply_again(a, errno, tries++));
	if (rc == -1)
		apply_deny(a, an, &a->why, errno);
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
	(void)why_set(&a->why, answer_errno(a->durable.error), "Not synced: %s",
	    strerror(a->durable.error));
	apply_deny(a, an, &a->why, 0);
}

int
apply_commit(struct apply *a)
{
	struct answer *an;
	size_t i;

	apply_flush_all(a);
	durable_commit(&a->durable);
	for (i = 0; i < batch_count(a->answers); i++) {
		an = batch_at(a->answers, i);
		if (an->ok && a->durable.error != 0)
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
	paths_batch(&a->paths);
	a->stats.batches++;
	errno = a->durable.error;
	return a->durable.error == 0 ? 0 : -1;
}

void
apply_reopen(struct apply *a)
{
	handles_forget_all(a->handles);
}

const struct apply_stats *
apply_stats(struct apply *a)
{
	a->stats.syncs = a->durable.syncs;
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
