#include "fields.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "why.h"

/* What jansson says, in our codes. */
static int
fields_bad_json(struct why *bad, const json_error_t *e)
{
	switch (json_error_code(e)) {
	case json_error_end_of_input_expected:
		return why_set(bad, "bad-json",
		    "more than one value on the line (column %d)", e->column);
	case json_error_premature_end_of_input:
		return why_set(bad, "bad-json",
		    "the line ends in the middle of the JSON value");
	case json_error_stack_overflow:
		return why_set(bad, "bad-json", "nested too deeply");
	case json_error_duplicate_key:
		return why_set(bad, "bad-json", "a key stands there twice (%s)",
		    e->text);
	case json_error_out_of_memory:
		return why_set(bad, "ENOMEM", "%s", strerror(ENOMEM));
	default:
		break;
	}
	if (strncmp(e->text, "invalid Unicode", 15) == 0)
		return why_set(bad, "lone-surrogate",
		    "half of a surrogate pair (column %d): %s", e->column,
		    "use toWellFormed() in JavaScript, "
		    "errors=\"replace\" in Python");
	return why_set(bad, "bad-json", "bad JSON: %s (column %d)", e->text,
	    e->column);
}

/* The end of the string whose first quote is at s. */
static const char *
fields_string_end(const char *s, const char *end)
{
	const char *quote = s, *p;

	do {
		quote = memchr(quote + 1, '"', (size_t)(end - quote) - 1);
		if (quote == NULL)
			return end;
		for (p = quote; p[-1] == '\\';)
			p--;
	} while ((quote - p) % 2 != 0);
	return quote + 1;
}

/* The end of the JSON value that starts at s, in JSON that is known to be
 * well-formed. */
static const char *
fields_value_end(const char *s, const char *end)
{
	size_t depth = 0;

	while (s < end) {
		switch (*s) {
		case '"':
			s = fields_string_end(s, end);
			if (depth == 0)
				return s;
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (depth == 0)
				return s;
			if (--depth == 0)
				return s + 1;
			break;
		case ',':
		case ':':
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			if (depth == 0)
				return s;
			break;
		default:
			break;
		}
		s++;
	}
	return s;
}

/* Finds the id as it is spelt in the line, so that it is given back byte for
 * byte: 1.10 as 1.10, and numbers of any size. Only a key spelt with escapes
 * is not found. */
static void
fields_find_id(struct fields *f, const char *line, size_t len)
{
	const char *s = line, *end = line + len, *key;
	size_t key_len;

	while (s < end && *s != '{')
		s++;
	for (s++; s < end; s++) {
		if (*s != '"')
			continue;
		key = s;
		s = fields_value_end(s, end);
		key_len = (size_t)(s - key);
		while (s < end && strchr(": \t\r\n", *s) != NULL)
			s++;
		key = key_len == 4 && memcmp(key, "\"id\"", 4) == 0 ? s : NULL;
		s = fields_value_end(s, end);
		if (key != NULL) {
			f->id = key;
			f->id_len = (size_t)(s - key);
			return;
		}
		s--;
	}
}

#define FIELD(name)                    \
	{                              \
		name, sizeof(name) - 1 \
	}

static const struct {
	const char *name;
	size_t len;
} names[FIELDS] = {
    [FIELD_OP] = FIELD("op"),
    [FIELD_PATH] = FIELD("path"),
    [FIELD_PATH_BASE64] = FIELD("path_base64"),
    [FIELD_OLD_PATH] = FIELD("old_path"),
    [FIELD_OLD_PATH_BASE64] = FIELD("old_path_base64"),
    [FIELD_CONTENT] = FIELD("content"),
    [FIELD_ENCODING] = FIELD("encoding"),
    [FIELD_TRUNCATED] = FIELD("truncated"),
    [FIELD_MODE] = FIELD("mode"),
    [FIELD_REPLACE] = FIELD("replace"),
    [FIELD_EXCHANGE] = FIELD("exchange"),
};

const char *
fields_name(enum fields_key key)
{
	return names[key].name;
}

/* Takes one member, whoever has read it. Returns whether it is the id. */
static bool
fields_take(struct fields *f, const char *key, size_t len,
    const struct flat_value *v)
{
	int i;

	for (i = 0; i < FIELDS; i++)
		if (len == names[i].len &&
		    memcmp(key, names[i].name, len) == 0) {
			f->v[i] = *v;
			return false;
		}
	return len == 2 && memcmp(key, "id", 2) == 0;
}

static void
fields_gather_flat(struct fields *f, const struct flat *flat)
{
	const struct flat_member *m;

	for (m = flat->members; m < flat->members + flat->n; m++)
		if (fields_take(f, m->key, m->key_len, &m->value)) {
			f->id = m->raw;
			f->id_len = m->raw_len;
		}
}

/* A value of jansson's as if flat_read() had read it. */
static struct flat_value
fields_value(const json_t *json)
{
	struct flat_value v = {FLAT_OTHER, NULL, 0};

	switch (json_typeof(json)) {
	case JSON_STRING:
		v.kind = FLAT_STRING;
		v.s = json_string_value(json);
		v.len = json_string_length(json);
		break;
	case JSON_TRUE:
		v.kind = FLAT_TRUE;
		break;
	case JSON_FALSE:
		v.kind = FLAT_FALSE;
		break;
	case JSON_NULL:
		v.kind = FLAT_NULL;
		break;
	default:
		break;
	}
	return v;
}

/* One way through the object: to ask it for each key costs more. */
static int
fields_gather_json(struct fields *f, json_t *json, const char *line, size_t len,
    struct why *bad)
{
	struct flat_value v;
	const char *key;
	json_t *value;

	json_object_foreach(json, key, value)
	{
		v = fields_value(value);
		if (!fields_take(f, key, strlen(key), &v))
			continue;
		fields_find_id(f, line, len);
		if (f->id == NULL)
			return why_set(bad, "bad-command",
			    "the key \"id\" is spelt with escapes");
	}
	return 0;
}

int
fields_read(struct fields *f, const char *line, size_t len, struct why *bad)
{
	struct flat flat;
	json_error_t e;
	json_t *json;

	memset(f, 0, sizeof(*f));
	if (flat_read(&flat, line, len)) {
		fields_gather_flat(f, &flat);
		return 0;
	}
	json = json_loadb(line, len, FLAT_FLAGS, &e);
	if (json == NULL)
		return fields_bad_json(bad, &e);
	if (!json_is_object(json))
		return why_set(bad, "bad-command", "not an object");
	return fields_gather_json(f, json, line, len, bad);
}

int
fields_string(const struct fields *f, enum fields_key key, const char **s,
    size_t *len, struct why *bad)
{
	const struct flat_value *v = &f->v[key];

	*s = NULL;
	*len = 0;
	if (v->kind == FLAT_NULL)
		return 0;
	if (v->kind != FLAT_STRING)
		return why_set(bad, "bad-command", "\"%s\" is not a string",
		    names[key].name);
	*s = v->s;
	*len = v->len;
	return 0;
}

int
fields_bool(const struct fields *f, enum fields_key key, bool *yes,
    struct why *bad)
{
	enum flat_kind kind = f->v[key].kind;

	*yes = kind == FLAT_TRUE;
	if (kind != FLAT_NULL && kind != FLAT_TRUE && kind != FLAT_FALSE)
		return why_set(bad, "bad-command",
		    "\"%s\" is not true or false", names[key].name);
	return 0;
}
