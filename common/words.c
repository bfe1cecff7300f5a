#include "words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "misspelt.h"

/* What stands before a word elsewhere: inotify(7), kqueue(2), fanotify(7),
 * java.nio, FSEvents, the handlers of Python's watchdog. */
static const char *const prefixes[] = {"IN_", "NOTE_", "FAN_", "ENTRY_",
    "kFSEventStreamEventFlagItem", "Item", "on_"};

/* What events are called elsewhere, in lower case and without "_", "-" and
 * the prefix; and what to answer. */
static const struct {
	const char *word;
	const char *ours;
} table[] = {
    /* inotifywait(1), inotify(7) */
    {"access", "accessed"},
    {"modify", "modified"},
    {"attribute", "attrib"},
    {"attributes", "attrib"},
    {"closewrite", "closed (or complete: a file is whole)"},
    {"closenowrite", "opened or accessed: closing tells no more"},
    {"closednowrite", "opened or accessed: closing tells no more"},
    {"close", "closed"},
    {"open", "opened"},
    {"movedto", "renamed (or created: from outside)"},
    {"movedfrom", "renamed (or deleted: to outside)"},
    {"move", "renamed"},
    {"moved", "renamed"},
    {"moveself", "lost"},
    {"create", "created"},
    {"delete", "deleted"},
    {"deleteself", "lost"},
    {"unmount", "lost"},
    {"unmounted", "lost"},
    {"qoverflow", "overflow"},
    {"isdir", "-t dir"},
    {"allevents", "all"},
    /* fswatch(1) */
    {"updated", "modified"},
    {"removed", "deleted"},
    {"ownermodified", "attrib"},
    {"attributemodified", "attrib"},
    {"link", "created or deleted"},
    {"isfile", "-t file"},
    {"issymlink", "-t symlink"},
    {"noop", "nothing: what does not matter is not told"},
    {"platformspecific", "nothing: what does not matter is not told"},
    /* fsnotify, notify, watchexec(1), kqueue(2), fs.watch() */
    {"write", "modified"},
    {"rename", "renamed"},
    {"remove", "deleted"},
    {"chmod", "attrib"},
    {"metadata", "attrib"},
    {"extend", "modified"},
    {"revoke", "lost"},
    {"read", "accessed"},
    {"any", "all"},
    /* chokidar, watchman(1) and others for JavaScript */
    {"add", "created"},
    {"adddir", "created (with -t dir)"},
    {"added", "created"},
    {"change", "modified"},
    {"changed", "modified"},
    {"new", "created"},
    {"unlink", "deleted"},
    {"unlinkdir", "deleted (with -t dir)"},
    /* FSEvents */
    {"inodemetamod", "attrib"},
    {"xattrmod", "attrib"},
    {"changeowner", "attrib"},
    {"finderinfomod", "attrib"},
};

static void
normalize(const char *word, size_t len, char *out, size_t out_size)
{
	size_t i, prefix, n = 0;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		prefix = strlen(prefixes[i]);
		if (len > prefix &&
		    strncasecmp(word, prefixes[i], prefix) == 0) {
			word += prefix;
			len -= prefix;
			break;
		}
	}
	for (i = 0; i < len && n + 1 < out_size; i++)
		if (word[i] != '_' && word[i] != '-')
			out[n++] = (char)tolower((unsigned char)word[i]);
	out[n] = '\0';
}

/* One who writes `-e '\.git'` comes from fswatch(1). */
static bool
is_expression(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '_' &&
		    word[i] != '-' && word[i] != ' ')
			return true;
	return false;
}

static const char *
known_elsewhere(const char *plain)
{
	size_t i;

	for (i = 0; i < EVENT_NKINDS; i++)
		if (strcmp(plain, event_kind_name((enum event_kind)i)) == 0)
			return event_kind_name((enum event_kind)i);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(plain, table[i].word) == 0)
			return table[i].ours;
	return NULL;
}

void
words_wrong_event(const char *word, size_t len, char *msg, size_t msg_size)
{
	const char *stem = word, *ours, *near = NULL;
	size_t stem_len = len;
	size_t best = SIZE_MAX;
	char plain[48];
	size_t i, used;

	if (stem_len > 0 && (*stem == '+' || *stem == '-')) {
		stem++;
		stem_len--;
	}
	if (is_expression(stem, stem_len)) {
		(void)snprintf(msg, msg_size,
		    "-e %.*s: not an event; to leave out paths by an "
		    "expression use -x",
		    misspelt_clip(len), word);
		return;
	}
	normalize(stem, stem_len, plain, sizeof(plain));
	ours = known_elsewhere(plain);
	if (ours != NULL) {
		(void)snprintf(msg, msg_size, "-e %.*s: here this is %s",
		    misspelt_clip(len), word, ours);
		return;
	}
	for (i = 0; i < EVENT_NKINDS; i++)
		if (misspelt_nearer(plain, strlen(plain),
			event_kind_name((enum event_kind)i), &best))
			near = event_kind_name((enum event_kind)i);
	if (near != NULL) {
		(void)snprintf(msg, msg_size,
		    "-e %.*s: no such event; did you mean %s?",
		    misspelt_clip(len), word, near);
		return;
	}
	(void)snprintf(msg, msg_size, "-e %.*s: no such event; there are",
	    misspelt_clip(len), word);
	for (i = 0; i < EVENT_NKINDS; i++) {
		used = strlen(msg);
		(void)snprintf(msg + used, msg_size - used, " %s,",
		    event_kind_name((enum event_kind)i));
	}
	used = strlen(msg);
	(void)snprintf(msg + used, msg_size - used, " default and all");
}
