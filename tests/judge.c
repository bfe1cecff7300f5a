#include "judge.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "command.h"
#include "flat.h"
#include "why.h"

/* Spelt so that flat_read() leaves it to jansson. */
#define OTHER_KEY    "\\u007eother"
#define OTHER_KEY_IS "~other"
#define OTHER_MEMBER "\"" OTHER_KEY "\":[]"

static bool
same(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* --- the members --- */

static const char *
judge_member(const struct flat_member *m, const char *key, json_t *want,
    const char *line, size_t len)
{
	const struct flat_value *v = &m->value;
	json_t *raw;

	if (!same(m->key, m->key_len, key, strlen(key)))
		return "a key";
	if (m->raw < line || m->raw_len == 0 ||
	    m->raw_len > (size_t)(line + len - m->raw))
		return "where a value stands";
	raw = json_loadb(m->raw, m->raw_len, FLAT_FLAGS, NULL);
	if (raw == NULL || json_equal(raw, want) != 1)
		return "how a value is spelt";
	switch (json_typeof(want)) {
	case JSON_STRING:
		if (v->kind != FLAT_STRING)
			return "what is a string";
		if (!same(v->s, v->len, json_string_value(want),
			json_string_length(want)))
			return "a string";
		break;
	case JSON_TRUE:
		return v->kind == FLAT_TRUE ? NULL : "true";
	case JSON_FALSE:
		return v->kind == FLAT_FALSE ? NULL : "false";
	case JSON_NULL:
		return v->kind == FLAT_NULL ? NULL : "null";
	case JSON_REAL:
		return v->kind == FLAT_OTHER ? NULL : "a number";
	default:
		return "what there may be in it";
	}
	return NULL;
}

static const char *
judge_members(const struct flat *f, const char *line, size_t len)
{
	const char *key, *what = NULL;
	json_t *json, *v;
	size_t i = 0;

	json = json_loadb(line, len, FLAT_FLAGS, NULL);
	if (json == NULL)
		return "what jansson refuses";
	if (!json_is_object(json))
		return "what is no object";
	if (json_object_size(json) != f->n)
		return "the number of members";
	json_object_foreach(json, key, v)
	{
		what = judge_member(&f->members[i], key, v, line, len);
		if (what != NULL)
			break;
		i++;
	}
	return what;
}

/* --- the command --- */

static const char *
judge_commands(const struct command *a, const struct command *b)
{
	if (a->op != b->op)
		return "the command's op";
	if (!same_text(a->path, b->path) || a->path_len != b->path_len ||
	    !same_text(a->old_path, b->old_path) ||
	    a->old_path_len != b->old_path_len)
		return "the command's paths";
	if ((a->content == NULL) != (b->content == NULL) ||
	    !same(a->content, a->content_len, b->content, b->content_len))
		return "the command's content";
	if (a->has_mode != b->has_mode || a->mode != b->mode ||
	    a->replace != b->replace || a->exchange != b->exchange)
		return "how the command is to be done";
	if ((a->id == NULL) != (b->id == NULL) ||
	    !same(a->id, a->id_len, b->id, b->id_len))
		return "the command's id";
	return NULL;
}

/* The line with one more member at its end, which is at `brace`. */
static char *
with_another(const char *line, size_t len, size_t brace, bool only, size_t *ret)
{
	static const char member[] = "," OTHER_MEMBER;
	const char *add = only ? member + 1 : member;
	size_t n = strlen(add);
	char *p = malloc(len + n);

	if (p == NULL)
		abort();
	memcpy(p, line, brace);
	memcpy(p + brace, add, n);
	memcpy(p + brace + n, line + brace, len - brace);
	*ret = len + n;
	return p;
}

static const char *
judge_command(const struct flat *f, const char *line, size_t len)
{
	struct why why = WHY_NONE, other_why = WHY_NONE;
	struct command c, other_c;
	const char *what = NULL;
	size_t i, brace = len, other_len;
	struct flat unused;
	char *other;
	int rc, other_rc;

	for (i = 0; i < f->n; i++)
		if (same(f->members[i].key, f->members[i].key_len, OTHER_KEY_IS,
			strlen(OTHER_KEY_IS)))
			return NULL;
	while (line[--brace] != '}')
		;
	other = with_another(line, len, brace, f->n == 0, &other_len);
	if (flat_read(&unused, other, other_len)) {
		free(other);
		return "what is jansson's";
	}
	rc = command_parse(&c, line, len, &why);
	other_rc = command_parse(&other_c, other, other_len, &other_why);
	if (rc != other_rc)
		what = "whether it is a command";
	else if (rc == -1 &&
	    (!same_text(why.error, other_why.error) ||
		!same_text(why.message, other_why.message)))
		what = "why it is none";
	else
		what = judge_commands(&c, &other_c);
	command_free(&c);
	command_free(&other_c);
	free(other);
	return what;
}

const char *
judge_line(const char *line, size_t len, bool *taken)
{
	const char *what = NULL;
	struct flat f;
	/* Of its own, so that a sanitizer sees a byte too many. */
	char *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, line, len);
	arena_begin();
	*taken = flat_read(&f, copy, len);
	if (*taken)
		what = judge_members(&f, copy, len);
	arena_end();
	if (*taken && what == NULL)
		what = judge_command(&f, copy, len);
	arena_drop();
	free(copy);
	return what;
}
