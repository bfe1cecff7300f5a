/*
 * One line of input to a command, or to a reason why not. No I/O.
 *
 *	struct command c;
 *	struct why bad;
 *	if (command_parse(&c, line, len, &bad) == -1)
 *		... bad.error, bad.message; c has what was understood
 *	command_free(&c);
 *
 * A line is a JSON object (RFC 8259); fswrite(1) describes its keys. What
 * comes out of here is safe by its spelling: paths as beneath_why_not() and
 * outfile_is_temporary() want them, modes of at most 0777.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct why;

enum command_op {
	COMMAND_WRITE,
	COMMAND_APPEND,
	COMMAND_OVERWRITE,
	COMMAND_DELETE,
	COMMAND_MKDIR,
	COMMAND_RENAME,
	COMMAND_NOPS
};

#define COMMAND_BIT(op) (1u << (op))
#define COMMAND_ALL	(COMMAND_BIT(COMMAND_NOPS) - 1)

struct command {
	enum command_op op; /* COMMAND_NOPS: not known */
	const char *path; /* NULL: not known */
	size_t path_len; /* bytes; no NUL among them, but one behind */
	const char *old_path; /* rename only */
	size_t old_path_len;
	const void *content; /* write, append, overwrite */
	size_t content_len; /* bytes */
	mode_t mode;
	bool has_mode;
	bool replace; /* rename only */
	bool exchange; /* the same */
	const char *id; /* JSON as it stood in the line; NULL: none */
	size_t id_len;

	/* The id points into the line, content into that or into memory of the
	 * arena (arena.h), the paths into the latter. */
	bool arena; /* it has to be dropped */
};

/* Reads len bytes of a line, which must outlive *c. Returns 0, or -1 with
 * *bad filled in. command_free() is due in either case. */
int command_parse(struct command *c, const char *line, size_t len,
    struct why *bad);
void command_free(struct command *c);

/* Is there nothing but white space on this line? */
bool command_is_blank(const char *line, size_t len);

/* "write" and so on; NULL for COMMAND_NOPS. */
const char *command_op_name(enum command_op op);

/* The operation that was probably meant by a name of len bytes that is none:
 * misspelt, in capitals, or another's word for it; NULL. */
const char *command_guess(const char *name, size_t len);

/* A list of names as --ops takes it ("write,append") to bits of COMMAND_BIT.
 * Returns 0, or -1 with the offending word in *bad, *bad_len. */
int command_parse_ops(const char *list, unsigned *ops, const char **bad,
    size_t *bad_len);

#endif
