#include "notes.h"

#include <sys/resource.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "plain.h"
#include "watch.h"

bool
note_is_warning(enum watch_note note)
{
	switch (note) {
	case NOTE_UNREADABLE:
	case NOTE_LIMIT:
	case NOTE_NO_BACKEND:
	case NOTE_ALL_POLLED:
	case NOTE_POLLED_LESS:
	case NOTE_UNTAKEN:
	case NOTE_WAY:
	case NOTE_LOOP:
		return true;
	case NOTE_POLLED: /* only slower */
	case NOTE_NO_CLAIMS:
	case NOTE_OVERFLOW: /* the stream is right again in a moment */
	case NOTE_WAITING:
	case NOTE_LOST:
	case NOTE_FOUND:
		break;
	}
	return false;
}

/* At least this much more than there is, as a round number. */
static long
enough(long value, uint64_t missing)
{
	uint64_t need = (uint64_t)(value > 0 ? value : 0) + missing;
	long n = 8192;

	while ((uint64_t)n <= need && n < LONG_MAX / 4)
		n *= 2;
	return n;
}

/* Names the limit that was met, and how to raise it. missing: how many more
 * watches are needed, where that is known. */
static void
limit_text(struct buf *b, int error, uint64_t missing)
{
	char text[256], more[64] = "";
	const char *setting;
	struct rlimit rl;
	long value;

	if (error == EMFILE && getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		(void)snprintf(text, sizeof(text),
		    "%s (ulimit -n is %ju): polled from here "
		    "on; raise it with: ulimit -n %ju",
		    strerror(error), (uintmax_t)rl.rlim_cur,
		    (uintmax_t)rl.rlim_cur * 4);
		buf_adds(b, text);
		return;
	}
	setting = watch_limit(error, &value);
	if (error != ENOSPC || setting == NULL) {
		buf_adds(b, "not watched from here on, but polled: ");
		buf_adds(b, strerror(error));
		return;
	}
	if (missing > 0)
		(void)snprintf(more, sizeof(more),
		    ", and %" PRIu64 " more %s needed", missing,
		    missing == 1 ? "is" : "are");
	(void)snprintf(text, sizeof(text),
	    "no more watches (%s is %ld%s): polled from here on; "
	    "raise it with: sysctl -w %s=%ld",
	    setting, value, more, setting, enough(value, missing));
	buf_adds(b, text);
}

/* A back end could not be opened. */
static void
instances_text(struct buf *b, int error)
{
	char text[160];
	const char *setting;
	long value;

	setting = error == EMFILE ? watch_limit(error, &value) : NULL;
	if (setting == NULL) {
		buf_adds(b, strerror(error));
		return;
	}
	(void)snprintf(text, sizeof(text),
	    "too many instances, or open files (%s is %ld); raise it with: "
	    "sysctl -w %s=%ld",
	    setting, value, setting, value * 2);
	buf_adds(b, text);
}

void
note_text(struct buf *b, enum watch_note note, const char *path, int error)
{
	buf_clear(b);
	if (note == NOTE_WAITING)
		buf_adds(b, "waiting for ");
	plain_add(b, path);
	if (note != NOTE_WAITING)
		buf_adds(b, ": ");
	switch (note) {
	case NOTE_WAITING:
		break;
	case NOTE_LOST:
		buf_adds(b, "gone");
		break;
	case NOTE_FOUND:
		buf_adds(b, "found");
		break;
	case NOTE_UNREADABLE:
		buf_adds(b, "not watched: ");
		buf_adds(b, strerror(error));
		break;
	case NOTE_LIMIT:
		limit_text(b, error, 0);
		break;
	case NOTE_NO_BACKEND:
	case NOTE_ALL_POLLED:
		instances_text(b, error);
		if (note == NOTE_ALL_POLLED)
			buf_adds(b, "; until then all is polled");
		break;
	case NOTE_POLLED:
	case NOTE_POLLED_LESS:
		buf_adds(b, "polled: ");
		buf_adds(b,
		    error != 0 ? strerror(error) :
				 "its file system does not tell of changes");
		if (note == NOTE_POLLED_LESS)
			buf_adds(b,
			    "; closed, opened and accessed are not told there");
		break;
	case NOTE_LOOP:
		buf_adds(b, "leads to a directory above it: not entered");
		break;
	case NOTE_OVERFLOW:
		buf_adds(b,
		    "the kernel's queue was full: comparing everything");
		break;
	case NOTE_UNTAKEN:
		buf_adds(b, "no claim (fswrite cannot see this watch): ");
		buf_adds(b, strerror(error));
		break;
	case NOTE_NO_CLAIMS:
		buf_adds(b,
		    "no claim (fswrite cannot see this watch): "
		    "not on this system");
		break;
	case NOTE_WAY:
		buf_adds(b,
		    "a directory on the way to it cannot be watched: "
		    "looked at now and then");
		break;
	}
	buf_addc(b, '\0');
}

void
note_missing(struct buf *b, const char *path, uint64_t missing)
{
	buf_clear(b);
	plain_add(b, path);
	buf_adds(b, ": ");
	limit_text(b, ENOSPC, missing);
	buf_addc(b, '\0');
}
