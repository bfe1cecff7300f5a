#include "filter.h"

#include <regex.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	regex_t regex;
	enum filter_sense sense;
};

struct filter {
	struct rule *rules; /* owned, in the order given */
	size_t nrules;
	unsigned types;
	size_t depth;
	bool no_junk;
};

struct filter *
filter_new(void)
{
	struct filter *f;

	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->types = EVENT_TYPES_ALL;
	f->depth = SIZE_MAX;
	return f;
}

void
filter_free(struct filter *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->nrules; i++)
		regfree(&f->rules[i].regex);
	free(f->rules);
	free(f);
}

int
filter_add(struct filter *f, enum filter_sense sense, const char *ere,
    char *msg, size_t msg_size)
{
	struct rule *rules;
	struct rule *rule;
	int error;

	/* regcomp(3) leaves open what an empty one means. */
	if (ere[0] == '\0') {
		(void)snprintf(msg, msg_size, "Empty expression");
		return -1;
	}
	rules = reallocarray(f->rules, f->nrules + 1, sizeof(*rules));
	if (rules == NULL) {
		(void)snprintf(msg, msg_size, "Out of memory");
		return -1;
	}
	f->rules = rules;
	rule = &rules[f->nrules];
	rule->sense = sense;
	error = regcomp(&rule->regex, ere, REG_EXTENDED | REG_NOSUB);
	if (error != 0) {
		(void)regerror(error, &rule->regex, msg, msg_size);
		return -1;
	}
	f->nrules++;
	return 0;
}

void
filter_no_junk(struct filter *f)
{
	f->no_junk = true;
}

void
filter_set_types(struct filter *f, unsigned types)
{
	f->types = types;
}

void
filter_set_depth(struct filter *f, size_t depth)
{
	f->depth = depth;
}

/* The rule that decides on a name: the last one that matches, or NULL. */
static const struct rule *
deciding_rule(const struct filter *f, const char *name)
{
	size_t i;

	for (i = f->nrules; i-- > 0;)
		if (regexec(&f->rules[i].regex, name, 0, NULL, 0) == 0)
			return &f->rules[i];
	return NULL;
}

static bool
is_junk(const char *name)
{
	static const char *const whole[] = {".DS_Store", "Thumbs.db",
	    "desktop.ini", "4913"};
	const char *slash = strrchr(name, '/');
	const char *base = slash == NULL ? name : slash + 1;
	size_t len = strlen(base);
	size_t i;

	for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(base, whole[i]) == 0)
			return true;
	if (len > 0 && base[len - 1] == '~')
		return true;
	if (base[0] != '.')
		return false;
	return base[1] == '#' ||
	    (len >= 5 && memcmp(base + len - 4, ".sw", 3) == 0);
}

static size_t
level_of(const char *name)
{
	size_t level = 1;

	for (; (name = strchr(name, '/')) != NULL; name++)
		level++;
	return level;
}

bool
filter_shows(const struct filter *f, const char *name, enum event_type type)
{
	const struct rule *rule;

	if (type != EVENT_NOTYPE && !(f->types & EVENT_TYPE_BIT(type)))
		return false;
	if (f->depth != SIZE_MAX && level_of(name) > f->depth)
		return false;
	if (f->no_junk && is_junk(name))
		return false;
	if (f->nrules == 0)
		return true;
	rule = deciding_rule(f, name);
	if (rule == NULL)
		return f->rules[0].sense == FILTER_EXCLUDE;
	return rule->sense == FILTER_INCLUDE;
}

bool
filter_excludes(const struct filter *f, const char *name)
{
	const struct rule *rule;

	if (f->no_junk && is_junk(name))
		return true;
	rule = deciding_rule(f, name);
	return rule != NULL && rule->sense == FILTER_EXCLUDE;
}

bool
filter_enters(const struct filter *f, const char *name, size_t level)
{
	return level < f->depth && !filter_excludes(f, name);
}

bool
filter_hides_dirs(const struct filter *f)
{
	return !(f->types & EVENT_TYPE_BIT(EVENT_DIR));
}

bool
filter_by_name(const struct filter *f)
{
	return f->nrules > 0 || f->no_junk || f->depth != SIZE_MAX;
}
