#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "base64.h"
#include "beneath.h"
#include "buf.h"
#include "fields.h"
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

/* Room of len bytes and a NUL, which is put there. */
static char *
command_room(size_t len, struct why *bad)
{
	char *p = arena_alloc(len + 1);

	if (p == NULL)
		(void)why_set(bad, "ENOMEM", "%s", strerror(ENOMEM));
	else
		p[len] = '\0';
	return p;
}

/* Decodes what *s is into memory of its own, with a NUL behind. */
static int
command_base64(enum fields_key key, const char **s, size_t *len,
    struct why *bad)
{
	char *p = command_room(BASE64_DECODED_MAX(*len), bad);

	if (p == NULL)
		return -1;
	if (base64_decode(*s, *len, p, len) == -1)
		return why_set(bad, "bad-command", "\"%s\" is not exact base64",
		    fields_name(key));
	p[*len] = '\0';
	*s = p;
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
command_path(const struct fields *f, enum fields_key key, enum fields_key key64,
    const char **ret, size_t *ret_len, struct why *bad)
{
	const char *text, *path, *why, *p, *slash;
	size_t text_len, len, n;
	char *copy;

	if (fields_string(f, key, &text, &text_len, bad) == -1 ||
	    fields_string(f, key64, &path, &len, bad) == -1)
		return -1;
	if (text == NULL && path == NULL)
		return why_set(bad, "bad-command", "no \"%s\"",
		    fields_name(key));
	if (path != NULL) {
		if (command_base64(key64, &path, &len, bad) == -1)
			return -1;
		if (text != NULL && !command_agrees(text, text_len, path, len))
			return why_set(bad, "bad-command",
			    "\"%s\" and \"%s\" are not the same",
			    fields_name(key), fields_name(key64));
	} else {
		/* Nothing ends it where it was read from. */
		len = text_len;
		copy = command_room(len, bad);
		if (copy == NULL)
			return -1;
		memcpy(copy, text, len);
		path = copy;
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

	if (fields_bool(f, FIELD_TRUNCATED, &truncated, bad) == -1)
		return -1;
	if (truncated)
		return why_set(bad, "bad-command",
		    "the content is marked as truncated");
	if (fields_string(f, FIELD_CONTENT, &s, &len, bad) == -1 ||
	    fields_string(f, FIELD_ENCODING, &encoding, &encoding_len, bad) ==
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
	if (command_base64(FIELD_CONTENT, &s, &len, bad) == -1)
		return -1;
	c->content = s;
	c->content_len = len;
	return 0;
}

static int
command_mode(struct command *c, const struct fields *f, struct why *bad)
{
	const char *s;
	size_t len, i;
	mode_t mode = 0;

	if (fields_string(f, FIELD_MODE, &s, &len, bad) == -1)
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

	if (fields_string(f, FIELD_OP, &name, &len, bad) == -1)
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
	int rc;

	memset(c, 0, sizeof(*c));
	c->op = COMMAND_NOPS;
	c->arena = true;
	arena_begin();
	rc = fields_read(&f, line, len, bad);
	arena_end();
	if (rc == -1)
		return -1;
	c->id = f.id;
	c->id_len = f.id_len;
	if (command_op(c, &f, bad) == -1 ||
	    command_path(&f, FIELD_PATH, FIELD_PATH_BASE64, &c->path,
		&c->path_len, bad) == -1)
		return -1;
	if (ops[c->op].old_path &&
	    (command_path(&f, FIELD_OLD_PATH, FIELD_OLD_PATH_BASE64,
		 &c->old_path, &c->old_path_len, bad) == -1 ||
		fields_bool(&f, FIELD_REPLACE, &c->replace, bad) == -1 ||
		fields_bool(&f, FIELD_EXCHANGE, &c->exchange, bad) == -1))
		return -1;
	if (ops[c->op].content && command_content(c, &f, bad) == -1)
		return -1;
	return command_mode(c, &f, bad);
}

void
command_free(struct command *c)
{
	if (c->arena)
		arena_drop();
	c->arena = false;
}
