/*
 * The command line of fswrite(1).
 */
#ifndef WRITE_OPTIONS_H
#define WRITE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct write_options {
	const char *dir; /* the operand */
	bool ack;
	bool sync;
	bool stop_on_error;
	bool mounts;
	bool dry_run;
	bool quiet;
	bool verbose;
	unsigned ops; /* bits of COMMAND_BIT */
	size_t max_line; /* bytes */
	unsigned retries;
	double retry_delay; /* seconds */

	/* The loop check. */
	bool force;
	bool chain;
	const char **watched; /* owned */
	size_t nwatched;
};

enum write_options_result {
	WRITE_OPTIONS_RUN,
	WRITE_OPTIONS_HELP,
	WRITE_OPTIONS_VERSION,
	WRITE_OPTIONS_BAD /* why has the reason */
};

/* Reads the command line into *o, which points into argv afterwards. why gets
 * the reason for WRITE_OPTIONS_BAD. write_options_free() is due in any case. */
enum write_options_result write_options_parse(struct write_options *o, int argc,
    char **argv, char *why, size_t why_size);
void write_options_free(struct write_options *o);

/* The text of --help. */
const char *write_options_help(void);

#endif
