#include "notes.h"

#include <sys/resource.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* More than is needed, as a round number. */
static uintmax_t
enough(uintmax_t need, uintmax_t least)
{
	while (least <= need && least < UINTMAX_MAX / 4)
		least *= 2;
	return least;
}

/* What a limit is, and what it has to be at least; missing may be 0. */
static void
value_text(struct buf *b, const char *setting, uintmax_t value,
    uintmax_t missing)
{
	char text[160];

	(void)snprintf(text, sizeof(text), " (%s is %ju", setting, value);
	buf_adds(b, text);
	if (missing > 0) {
		(void)snprintf(text, sizeof(text), ", at least %ju needed",
		    value + missing);
		buf_adds(b, text);
	}
	buf_addc(b, ')');
}

/* How to raise a setting of the kernel's. Where we may not, somebody else has
 * to, or, in a container, somebody elsewhere. */
static void
raise_text(struct buf *b, const char *setting, uintmax_t to)
{
	char text[160], file[128], *p;
	const char *as = "raise it with: ";

	(void)snprintf(file, sizeof(file), "/proc/sys/%s", setting);
	for (p = file + strlen("/proc/sys/"); *p != '\0'; p++)
		if (*p == '.')
			*p = '/';
	if (access(file, W_OK) == -1 && errno != ENOENT)
		as = errno == EROFS || geteuid() == 0 ?
		    "raise it outside of this container with: " :
		    "raise it with: sudo ";
	(void)snprintf(text, sizeof(text), "%ssysctl -w %s=%ju", as, setting,
	    to);
	buf_adds(b, text);
}

/* Names the limit that was met, and how to raise it. missing: how many more
 * watches are needed, where that is known. */
static void
limit_text(struct buf *b, int error, uint64_t missing)
{
	char text[128];
	const char *setting;
	struct rlimit rl;
	long value;

	if (error == EMFILE && getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		buf_adds(b, strerror(error));
		value_text(b, "ulimit -n", rl.rlim_cur, missing);
		(void)snprintf(text, sizeof(text),
		    ": polled from here on; raise it with: ulimit -n %ju%s",
		    enough(rl.rlim_cur + missing, 1024),
		    rl.rlim_cur < rl.rlim_max || geteuid() == 0 ?
			"" :
			" (in a shell of the superuser)");
		buf_adds(b, text);
		return;
	}
	setting = watch_limit(error, &value);
	if (error != ENOSPC || setting == NULL) {
		buf_adds(b, "not watched from here on, but polled: ");
		buf_adds(b, strerror(error));
		return;
	}
	buf_adds(b, "no more watches");
	value_text(b, setting, (uintmax_t)value, missing);
	buf_adds(b, ": polled from here on; ");
	raise_text(b, setting, enough((uintmax_t)value + missing, 8192));
}

/* A back end could not be opened. */
static void
instances_text(struct buf *b, enum watch_note note, int error)
{
	const char *setting;
	long value;

	setting = error == EMFILE ? watch_limit(error, &value) : NULL;
	if (setting == NULL) {
		buf_adds(b, strerror(error));
		if (note == NOTE_ALL_POLLED)
			buf_adds(b, "; all is polled");
		return;
	}
	buf_adds(b, "too many instances, or open files");
	value_text(b, setting, (uintmax_t)value, 0);
	buf_adds(b, "; ");
	raise_text(b, setting, enough((uintmax_t)value, 256));
	if (note == NOTE_ALL_POLLED)
		buf_adds(b, "; until then all is polled");
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
		instances_text(b, note, error);
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
note_missing(struct buf *b, const char *path, int error, uint64_t missing)
{
	buf_clear(b);
	plain_add(b, path);
	buf_adds(b, ": ");
	limit_text(b, error, missing);
	buf_addc(b, '\0');
}
