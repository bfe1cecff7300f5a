#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "base64.h"
#include "beneath.h"
#include "buf.h"
#include "json.h"
#include "misspelt.h"
#include "outfile.h"
#include "why.h"

static const struct {
	const char *name;
	bool content;
	bool old_path;
} ops[COMMAND_NOPS] = {
    [COMMAND_WRITE] = {"write", true, false},
    [COMMAND_APPEND] = {"append", true, false},
    [COMMAND_OVERWRITE] = {"overwrite", true, false},
    [COMMAND_DELETE] = {"delete", false, false},
    [COMMAND_MKDIR] = {"mkdir", false, false},
    [COMMAND_RENAME] = {"rename", false, true},
};

const char *
command_op_name(enum command_op op)
{
	return op < COMMAND_NOPS ? ops[op].name : NULL;
}

/* A string may have a NUL in it. */
static bool
command_is(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

static enum command_op
command_find_op(const char *name, size_t len)
{
	int op;

	for (op = 0; op < COMMAND_NOPS; op++)
		if (command_is(name, len, ops[op].name))
			break;
	return (enum command_op)op;
}

int
command_parse_ops(const char *list, unsigned *ret, const char **bad,
    size_t *bad_len)
{
	unsigned set = 0;
	enum command_op op;
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		op = command_find_op(list, n);
		if (op == COMMAND_NOPS) {
			*bad = list;
			*bad_len = n;
			return -1;
		}
		set |= COMMAND_BIT(op);
		if (list[n] == '\0')
			break;
	}
	*ret = set;
	return 0;
}

bool
command_is_blank(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (strchr(" \t\r\n", line[i]) == NULL || line[i] == '\0')
			return false;
	return true;
}

/* What others call our operations. */
static const struct {
	const char *name;
	enum command_op op;
} others[] = {
    {"create", COMMAND_WRITE},
    {"new", COMMAND_WRITE},
    {"add", COMMAND_APPEND},
    {"update", COMMAND_OVERWRITE},
    {"replace", COMMAND_OVERWRITE},
    {"put", COMMAND_OVERWRITE},
    {"remove", COMMAND_DELETE},
    {"unlink", COMMAND_DELETE},
    {"rm", COMMAND_DELETE},
    {"rmdir", COMMAND_DELETE},
    {"move", COMMAND_RENAME},
    {"mv", COMMAND_RENAME},
};

const char *
command_guess(const char *name, size_t len)
{
	const char *guess = NULL;
	char word[16];
	size_t i, best = SIZE_MAX;

	if (len >= sizeof(word))
		return NULL;
	for (i = 0; i < len; i++)
		word[i] = (char)tolower((unsigned char)name[i]);
	word[len] = '\0';
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].name, word) == 0)
			return ops[others[i].op].name;
	for (i = 0; i < COMMAND_NOPS; i++)
		if (misspelt_nearer(word, len, ops[i].name, &best))
			guess = ops[i].name;
	return guess;
}

/* What jansson says, in our codes. */
static int
command_bad_json(struct why *bad, const json_error_t *e)
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
command_string_end(const char *s, const char *end)
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
command_value_end(const char *s, const char *end)
{
	size_t depth = 0;

	while (s < end) {
		switch (*s) {
		case '"':
			s = command_string_end(s, end);
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
command_find_id(struct command *c, const char *line, size_t len)
{
	const char *s = line, *end = line + len, *key;
	size_t key_len;

	while (s < end && *s != '{')
		s++;
	for (s++; s < end; s++) {
		if (*s != '"')
			continue;
		key = s;
		s = command_value_end(s, end);
		key_len = (size_t)(s - key);
		while (s < end && strchr(": \t\r\n", *s) != NULL)
			s++;
		key = key_len == 4 && memcmp(key, "\"id\"", 4) == 0 ? s : NULL;
		s = command_value_end(s, end);
		if (key != NULL) {
			c->id = key;
			c->id_len = (size_t)(s - key);
			return;
		}
		s--;
	}
}

/* The keys that mean something. */
enum field {
	FIELD_OP,
	FIELD_PATH,
	FIELD_PATH_BASE64,
	FIELD_OLD_PATH,
	FIELD_OLD_PATH_BASE64,
	FIELD_CONTENT,
	FIELD_ENCODING,
	FIELD_TRUNCATED,
	FIELD_MODE,
	FIELD_REPLACE,
	FIELD_EXCHANGE,
	FIELDS
};

static const char *const field_names[FIELDS] = {
    [FIELD_OP] = "op",
    [FIELD_PATH] = "path",
    [FIELD_PATH_BASE64] = "path_base64",
    [FIELD_OLD_PATH] = "old_path",
    [FIELD_OLD_PATH_BASE64] = "old_path_base64",
    [FIELD_CONTENT] = "content",
    [FIELD_ENCODING] = "encoding",
    [FIELD_TRUNCATED] = "truncated",
    [FIELD_MODE] = "mode",
    [FIELD_REPLACE] = "replace",
    [FIELD_EXCHANGE] = "exchange",
};

/* Their values; NULL where a key is not there, or null: {path_base64:
 * .name_base64} in jq gives null where there is none. */
struct fields {
	json_t *v[FIELDS];
	bool has_id; /* null is one, too */
};

/* One way through the object: to ask it for each key costs more. */
static void
command_gather(struct fields *f, json_t *json)
{
	const char *key;
	json_t *v;
	int i;

	memset(f, 0, sizeof(*f));
	json_object_foreach(json, key, v)
	{
		for (i = 0; i < FIELDS && strcmp(key, field_names[i]) != 0;)
			i++;
		if (i < FIELDS)
			f->v[i] = json_is_null(v) ? NULL : v;
		else if (strcmp(key, "id") == 0)
			f->has_id = true;
	}
}

/* A string, or NULL in *s where there is none. */
static int
command_string(const struct fields *f, enum field key, const char **s,
    size_t *len, struct why *bad)
{
	json_t *v = f->v[key];

	*s = NULL;
	*len = 0;
	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return why_set(bad, "bad-command", "\"%s\" is not a string",
		    field_names[key]);
	*s = json_string_value(v);
	*len = json_string_length(v);
	return 0;
}

static int
command_bool(const struct fields *f, enum field key, bool *yes, struct why *bad)
{
	json_t *v = f->v[key];

	*yes = v != NULL && json_is_true(v);
	if (v != NULL && !json_is_boolean(v))
		return why_set(bad, "bad-command",
		    "\"%s\" is not true or false", field_names[key]);
	return 0;
}

/* Decodes into memory of *slot, with a NUL behind. */
static int
command_base64(enum field key, const char *s, size_t len, char **slot,
    size_t *out_len, struct why *bad)
{
	*slot = malloc(BASE64_DECODED_MAX(len) + 1);
	if (*slot == NULL)
		return why_set(bad, "ENOMEM", "%s", strerror(ENOMEM));
	if (base64_decode(s, len, *slot, out_len) == -1)
		return why_set(bad, "bad-command", "\"%s\" is not exact base64",
		    field_names[key]);
	(*slot)[*out_len] = '\0';
	return 0;
}

/* Is text what these bytes read as, each ill-formed part of them U+FFFD? */
static bool
command_agrees(const char *text, size_t text_len, const char *bytes,
    size_t bytes_len)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	bool same;

	(void)json_text(&a, text, text_len);
	(void)json_text(&b, bytes, bytes_len);
	same = !a.failed && !b.failed && a.len == b.len &&
	    memcmp(a.data, b.data, a.len) == 0;
	buf_free(&a);
	buf_free(&b);
	return same;
}

static int
command_path(const struct fields *f, enum field key, enum field key64,
    char **slot, const char **ret, size_t *ret_len, struct why *bad)
{
	const char *path, *path64, *why, *p, *slash;
	size_t len, len64, n;

	if (command_string(f, key, &path, &len, bad) == -1 ||
	    command_string(f, key64, &path64, &len64, bad) == -1)
		return -1;
	if (path == NULL && path64 == NULL)
		return why_set(bad, "bad-command", "no \"%s\"",
		    field_names[key]);
	if (path64 != NULL) {
		if (command_base64(key64, path64, len64, slot, &n, bad) == -1)
			return -1;
		if (path != NULL && !command_agrees(path, len, *slot, n))
			return why_set(bad, "bad-command",
			    "\"%s\" and \"%s\" are not the same",
			    field_names[key], field_names[key64]);
		path = *slot;
		len = n;
	}
	why = beneath_why_not(path, len);
	if (why != NULL)
		return why_set(bad, "bad-path", "%s", why);
	for (p = path; p != NULL; p = slash != NULL ? slash + 1 : NULL) {
		slash = strchr(p, '/');
		n = slash != NULL ? (size_t)(slash - p) : strlen(p);
		if (outfile_is_temporary(p, n))
			return why_set(bad, "bad-path",
			    "the path has a name of fswrite's own in it");
	}
	*ret = path;
	*ret_len = len;
	return 0;
}

static int
command_content(struct command *c, const struct fields *f, struct why *bad)
{
	const char *s, *encoding;
	size_t len, encoding_len;
	bool truncated;

	if (command_bool(f, FIELD_TRUNCATED, &truncated, bad) == -1)
		return -1;
	if (truncated)
		return why_set(bad, "bad-command",
		    "the content is marked as truncated");
	if (command_string(f, FIELD_CONTENT, &s, &len, bad) == -1 ||
	    command_string(f, FIELD_ENCODING, &encoding, &encoding_len, bad) ==
		-1)
		return -1;
	if (s == NULL)
		return why_set(bad, "bad-command", "no \"content\"");
	c->content = s;
	c->content_len = len;
	if (encoding == NULL || command_is(encoding, encoding_len, "utf-8"))
		return 0;
	if (!command_is(encoding, encoding_len, "base64"))
		return why_set(bad, "bad-command",
		    "\"encoding\" is neither \"utf-8\" nor \"base64\"");
	if (command_base64(FIELD_CONTENT, s, len, &c->bytes[2], &len, bad) ==
	    -1)
		return -1;
	c->content = c->bytes[2];
	c->content_len = len;
	return 0;
}

static int
command_mode(struct command *c, const struct fields *f, struct why *bad)
{
	const char *s;
	size_t len, i;
	mode_t mode = 0;

	if (command_string(f, FIELD_MODE, &s, &len, bad) == -1)
		return -1;
	if (s == NULL)
		return 0;
	for (i = 0; i < len && i < 5 && s[i] >= '0' && s[i] <= '7'; i++)
		mode = mode * 8 + (mode_t)(s[i] - '0');
	if (len == 0 || i < len || mode > 0777)
		return why_set(bad, "bad-command",
		    "\"mode\" is not octal digits up to 0777");
	c->mode = mode;
	c->has_mode = true;
	return 0;
}

static int
command_op(struct command *c, const struct fields *f, struct why *bad)
{
	struct buf shown = BUF_INIT;
	const char *name, *guess;
	size_t len;

	if (command_string(f, FIELD_OP, &name, &len, bad) == -1)
		return -1;
	if (name == NULL)
		return why_set(bad, "bad-command", "no \"op\"");
	c->op = command_find_op(name, len);
	if (c->op != COMMAND_NOPS)
		return 0;
	guess = command_guess(name, len);
	(void)json_text(&shown, name, len < 32 ? len : 32);
	(void)why_set(bad, "unknown-op", "unknown op %.*s; %s%s%s",
	    shown.failed ? 0 : (int)shown.len, shown.failed ? "" : shown.data,
	    guess != NULL ? "did you mean \"" :
			    "there are write, append, overwrite, delete, "
			    "mkdir and rename",
	    guess != NULL ? guess : "", guess != NULL ? "\"?" : "");
	buf_free(&shown);
	return -1;
}

int
command_parse(struct command *c, const char *line, size_t len, struct why *bad)
{
	struct fields f;
	json_error_t e;

	memset(c, 0, sizeof(*c));
	c->op = COMMAND_NOPS;
	/* Numbers matter only within an id, which is given back as it stood:
	 * so that integers of any size get through, read them as reals. */
	arena_begin();
	c->json = json_loadb(line, len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY |
		JSON_DECODE_INT_AS_REAL,
	    &e);
	arena_end();
	if (c->json == NULL) {
		arena_drop();
		return command_bad_json(bad, &e);
	}
	if (!json_is_object(c->json))
		return why_set(bad, "bad-command", "not an object");
	command_gather(&f, c->json);
	if (f.has_id) {
		command_find_id(c, line, len);
		if (c->id == NULL)
			return why_set(bad, "bad-command",
			    "the key \"id\" is spelt with escapes");
	}
	if (command_op(c, &f, bad) == -1 ||
	    command_path(&f, FIELD_PATH, FIELD_PATH_BASE64, &c->bytes[0],
		&c->path, &c->path_len, bad) == -1)
		return -1;
	if (ops[c->op].old_path &&
	    (command_path(&f, FIELD_OLD_PATH, FIELD_OLD_PATH_BASE64,
		 &c->bytes[1], &c->old_path, &c->old_path_len, bad) == -1 ||
		command_bool(&f, FIELD_REPLACE, &c->replace, bad) == -1 ||
		command_bool(&f, FIELD_EXCHANGE, &c->exchange, bad) == -1))
		return -1;
	if (ops[c->op].content && command_content(c, &f, bad) == -1)
		return -1;
	return command_mode(c, &f, bad);
}

void
command_free(struct command *c)
{
	size_t i;

	if (c->json != NULL)
		arena_drop();
	c->json = NULL;
	for (i = 0; i < sizeof(c->bytes) / sizeof(c->bytes[0]); i++) {
		free(c->bytes[i]);
		c->bytes[i] = NULL;
	}
}
