#include "event.h"

#include <string.h>
#include <sys/stat.h>

static const char *const kind_names[EVENT_NKINDS] = {
    [EVENT_EXISTS] = "exists",
    [EVENT_CREATED] = "created",
    [EVENT_MODIFIED] = "modified",
    [EVENT_CLOSED] = "closed",
    [EVENT_COMPLETE] = "complete",
    [EVENT_ATTRIB] = "attrib",
    [EVENT_RENAMED] = "renamed",
    [EVENT_DELETED] = "deleted",
    [EVENT_OPENED] = "opened",
    [EVENT_ACCESSED] = "accessed",
    [EVENT_QUIET] = "quiet",
    [EVENT_READY] = "ready",
    [EVENT_OVERFLOW] = "overflow",
    [EVENT_RESYNCED] = "resynced",
    [EVENT_LOST] = "lost",
    [EVENT_FOUND] = "found",
};

static const struct {
	const char *name;
	const char *letter;
	enum event_type type;
} types[] = {
    {"file", "f", EVENT_FILE},
    {"dir", "d", EVENT_DIR},
    {"symlink", "l", EVENT_SYMLINK},
    {"other", "o", EVENT_OTHER},
};

#define NTYPES (sizeof(types) / sizeof(types[0]))

const char *
event_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

const char *
event_type_name(enum event_type type)
{
	size_t i;

	for (i = 0; i < NTYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return "";
}

enum event_type
event_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EVENT_FILE;
	case S_IFDIR:
		return EVENT_DIR;
	case S_IFLNK:
		return EVENT_SYMLINK;
	default:
		return EVENT_OTHER;
	}
}

static bool
is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

/* The events a word stands for, 0 for none. */
static unsigned
kinds_of(const char *s, size_t len)
{
	unsigned kind;

	if (is_word(s, len, "default"))
		return EVENT_DEFAULT;
	if (is_word(s, len, "all"))
		return EVENT_ALL;
	for (kind = 0; kind < EVENT_NKINDS; kind++)
		if (is_word(s, len, kind_names[kind]))
			return EVENT_BIT(kind);
	return 0;
}

int
event_parse_kinds(const char *list, unsigned *set, bool *given,
    const char **bad, size_t *bad_len)
{
	unsigned result = *set;
	bool plain = *given;
	unsigned kinds;
	size_t len;

	for (;; list += len + 1) {
		bool add = list[0] == '+', take = list[0] == '-';
		size_t sign = add || take ? 1 : 0;

		len = strcspn(list, ",");
		kinds = kinds_of(list + sign, len - sign);
		if (kinds == 0) {
			*bad = list;
			*bad_len = len;
			return -1;
		}
		if (take) {
			result &= ~kinds;
		} else {
			/* What "+" has added before stays. */
			if (!add && !plain) {
				result &= ~EVENT_DEFAULT;
				plain = true;
			}
			result |= kinds;
		}
		if (list[len] == '\0')
			break;
	}
	*set = result;
	*given = plain;
	return 0;
}

int
event_parse_types(const char *list, unsigned *ret_types, const char **bad,
    size_t *bad_len)
{
	unsigned result = *ret_types;
	size_t i, len;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		for (i = 0; i < NTYPES; i++)
			if (is_word(list, len, types[i].name) ||
			    is_word(list, len, types[i].letter))
				break;
		if (i == NTYPES) {
			*bad = list;
			*bad_len = len;
			return -1;
		}
		result |= EVENT_TYPE_BIT(types[i].type);
		if (list[len] == '\0')
			break;
	}
	*ret_types = result;
	return 0;
}
