/*
 * What one line says, by the keys that mean something. Nearly all lines are
 * read by flat_read(), all others by jansson: from here on there is no
 * difference.
 *
 *	struct fields f;
 *	arena_begin();
 *	if (fields_read(&f, line, len, &bad) == -1 ||
 *	    fields_string(&f, FIELD_PATH, &path, &path_len, &bad) == -1)
 *		... bad
 *	arena_end();
 *	...
 *	arena_drop();
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "flat.h"

struct why;

enum fields_key {
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

struct fields {
	/* FLAT_NULL where a key is not there, or null: {path_base64:
	 * .name_base64} in jq gives null where there is none. */
	struct flat_value v[FIELDS];
	const char *id; /* JSON as it stands in the line, so that it is given
			 * back byte for byte; null is one, too. NULL: none */
	size_t id_len;
};

/* Reads len bytes of a line, which must outlive *f; memory for it is taken of
 * the arena (arena.h), which has to be begun. Returns 0, or -1 with *bad filled
 * in for what is no JSON, or no object. */
int fields_read(struct fields *f, const char *line, size_t len,
    struct why *bad);

/* "path" and so on. */
const char *fields_name(enum fields_key key);

/* A string, or NULL in *s where there is none: *len bytes of UTF-8 with no NUL
 * behind. Returns 0, or -1 with *bad when it is something else. */
int fields_string(const struct fields *f, enum fields_key key, const char **s,
    size_t *len, struct why *bad);

/* The same for true and false, which is also what is not there. */
int fields_bool(const struct fields *f, enum fields_key key, bool *yes,
    struct why *bad);

#endif
