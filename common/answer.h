/*
 * What became of one line of input: as a line of JSON (--ack), and the text
 * for people. No I/O.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct answer {
	bool ok;
	bool already; /* ok: it was so before */
	bool torn; /* not ok: a part of it is in the file */
	bool has_size;
	uint64_t line; /* number of the line */
	uint64_t size; /* bytes in the file when this command was done */
	uint64_t content_len; /* bytes of the command's content; not told */
	const char *id; /* JSON; NULL: none */
	size_t id_len;
	const char *op; /* NULL: not known, as in a line that is no JSON */
	const char *path; /* bytes, NUL-terminated; NULL: not known */
	const char *error; /* not ok: an errno's name or a word of ours */
	const char *message; /* not ok: the same for people */
};

/* Appends the answer as one line. Its keys, in this order: ok, line, id, op,
 * path, path_base64 (where path is not UTF-8), size, already, torn, error,
 * message; absent where they do not apply. Errors stick in b (buf.h). */
void answer_emit(const struct answer *a, struct buf *b);

/* Appends "line 8: write a/b: File exists", without a newline, safe for a
 * terminal: control characters and what is not UTF-8 as \x0a. */
void answer_describe(const struct answer *a, struct buf *b);

/* The name of an errno ("EEXIST"); "errno" for one without a name here. */
const char *answer_errno(int error);

/* The text for it: as strerror(3), but in our terms where the system's would
 * mislead (ELOOP, EXDEV). */
const char *answer_strerror(int error);

#endif
