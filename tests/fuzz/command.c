/*
 * libFuzzer's way into command_parse(): a line of bytes. What comes out must
 * be as command.h promises, and the answer to it must be one line of JSON.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "beneath.h"
#include "buf.h"
#include "command.h"
#include "why.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
	if (!holds)
		abort();
}

static void
check_path(const char *path, size_t len)
{
	must(path != NULL && strlen(path) == len);
	must(beneath_why_not(path, len) == NULL);
}

static void
check_command(const struct command *c)
{
	must(c->op < COMMAND_NOPS);
	check_path(c->path, c->path_len);
	if (c->op == COMMAND_RENAME)
		check_path(c->old_path, c->old_path_len);
	if (c->op <= COMMAND_OVERWRITE)
		must(c->content != NULL);
	must(!c->has_mode || c->mode <= 0777);
}

/* The line that --ack would print. */
static void
check_answer(const struct command *c, const struct why *bad)
{
	struct answer an = {.ok = bad == NULL,
	    .line = 1,
	    .id = c->id,
	    .id_len = c->id_len,
	    .op = command_op_name(c->op),
	    .path = c->path,
	    .error = bad != NULL ? bad->error : NULL,
	    .message = bad != NULL ? bad->message : NULL};
	struct buf b = BUF_INIT;
	json_t *json;

	answer_emit(&an, &b);
	must(!b.failed && b.len > 0);
	must(memchr(b.data, '\n', b.len) == b.data + b.len - 1);
	/* As the id was read. */
	json = json_loadb(b.data, b.len,
	    JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	must(json_is_object(json));
	must((json_object_get(json, "id") != NULL) == (c->id != NULL));
	json_decref(json);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct why bad = {0};
	struct command c;
	char *line;

	/* What stands on a line: a newline would be its end. */
	if (memchr(data, '\n', size) != NULL)
		return 0;
	/* Of its own, so that a byte too many is seen. */
	line = malloc(size > 0 ? size : 1);
	if (line == NULL)
		return 0;
	memcpy(line, data, size);
	if (!command_is_blank(line, size)) {
		if (command_parse(&c, line, size, &bad) == 0) {
			check_command(&c);
			check_answer(&c, NULL);
		} else {
			must(bad.error != NULL && bad.message[0] != '\0');
			check_answer(&c, &bad);
		}
		command_free(&c);
	}
	free(line);
	return 0;
}
