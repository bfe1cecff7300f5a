#include "durable.h"

#include <errno.h>
#include <unistd.h>

#include "compat_write.h"
#include "handles.h"

static int
durable_failed(struct durable *d)
{
	if (d->error == 0)
		d->error = errno;
	return -1;
}

void
durable_due(struct durable *d, struct handle *h)
{
	if (!d->wanted)
		return;
	h->unsynced = true;
	handles_set_due(d->handles, h);
}

int
durable_fd(struct durable *d, int fd)
{
	int rc;

	d->syncs++;
	do
		rc = compat_fdatasync(fd);
	while (rc == -1 && errno == EINTR);
	return rc == -1 ? durable_failed(d) : 0;
}

static int
durable_dir(struct durable *d, int fd)
{
	int rc;

	d->syncs++;
	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	/* EINVAL: a file system that has nothing to sync in a directory. */
	return rc == -1 && errno != EINVAL ? durable_failed(d) : 0;
}

void
durable_handle(struct durable *d, struct handle *h)
{
	if (!h->unsynced || d->error != 0)
		return;
	h->unsynced = false;
	if (h->is_dir)
		(void)durable_dir(d, h->fd);
	else
		(void)durable_fd(d, h->fd);
}

void
durable_commit(struct durable *d)
{
	struct handle *h;

	while ((h = handles_first_due(d->handles)) != NULL) {
		durable_handle(d, h);
		handles_clear_due(d->handles, h);
	}
}
