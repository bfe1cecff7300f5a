/*
 * A line of JSON (RFC 8259) in the shape that nearly all commands have: one
 * object whose values are strings, numbers, true, false or null. It is read
 * here many times as fast as jansson does it.
 *
 *	struct flat f;
 *	arena_begin();
 *	if (flat_read(&f, line, len))
 *		for (i = 0; i < f.n; i++)
 *			... f.members[i]
 *	else
 *		... json_loadb(line, len, FLAT_FLAGS, &e)
 *	arena_drop();
 *
 * It takes a line only where it is certain that jansson takes it with these
 * flags, and reads the same values. All else it leaves to jansson, who is the
 * judge of what is unusual and has the words for what is wrong: so there is
 * no error here. Left to jansson, though it may well be JSON, is what has
 * arrays or objects in it, a key with escapes, more than FLAT_MEMBERS members,
 * a number with an exponent or of more than FLAT_DIGITS characters, and what
 * there is no memory for.
 */
#ifndef FLAT_H
#define FLAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Numbers matter only within an id, which is given back as it stood: so that
 * integers of any size get through, they are read as reals. */
#define FLAT_FLAGS                                                   \
	(JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY | \
	    JSON_DECODE_INT_AS_REAL)

#define FLAT_MEMBERS 32
#define FLAT_DIGITS  64

enum flat_kind {
	FLAT_NULL,
	FLAT_TRUE,
	FLAT_FALSE,
	FLAT_STRING,
	FLAT_OTHER /* a number; whose value is not read */
};

struct flat_value {
	enum flat_kind kind;
	const char *s; /* FLAT_STRING: its bytes, UTF-8; a NUL may be among
			* them, and none stands behind */
	size_t len; /* bytes */
};

struct flat_member {
	const char *key; /* in the line; no two are the same */
	size_t key_len;
	struct flat_value value;
	const char *raw; /* the value as it stands in the line */
	size_t raw_len;
};

struct flat {
	size_t n;
	struct flat_member members[FLAT_MEMBERS];
};

/* Reads len bytes of a line. Returns true with the members in *f, in their
 * order; they point into the line, and into memory of the arena (arena.h),
 * which has to be begun. False: not one for us, and *f means nothing. */
bool flat_read(struct flat *f, const char *line, size_t len);

#endif
