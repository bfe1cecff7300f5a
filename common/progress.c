#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "terminal.h"

#define SHORT_MS 1000 /* work that is not worth a line */
#define EVERY_MS 100 /* how often the line is written */

void
progress_begin(struct progress *p, int64_t now)
{
	p->works = true;
	p->counts = false;
	p->began_at = now;
	p->shown_at = now;
}

void
progress_step(struct progress *p, int64_t now, uint64_t directories,
    uint64_t names)
{
	char line[256];
	uint64_t rate;
	int width, n;

	if (p->fd == -1 || !p->works)
		return;
	if (!p->counts) {
		p->directories = directories;
		p->names = names;
		p->counts = true;
	}
	directories -= p->directories;
	names -= p->names;
	if (now - p->began_at < SHORT_MS || now - p->shown_at < EVERY_MS)
		return;
	p->shown_at = now;
	rate = names * 1000 / (uint64_t)(now - p->began_at);
	n = snprintf(line, sizeof(line),
	    "%s: looking: %" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s/s",
	    getprogname(), directories,
	    say_plural(directories, "directory", "directories"), names,
	    say_plural(names, "name", "names"), rate,
	    say_plural(rate, "name", "names"));
	/* A line that wraps could not be taken away. */
	width = terminal_width(p->fd);
	if (width > 0 && n >= width)
		n = width - 1;
	(void)!write(p->fd, "\r\033[K", 4);
	(void)!write(p->fd, line, (size_t)n);
	p->visible = true;
}

void
progress_hide(struct progress *p)
{
	if (p->visible)
		(void)!write(p->fd, "\r\033[K", 4);
	p->visible = false;
}

void
progress_end(struct progress *p)
{
	progress_hide(p);
	p->works = false;
}
