/*
 * The work of fswrite(1): commands from stdin to the files below a directory,
 * batch by batch, and with --ack the answers to stdout, until stdin ends, a
 * signal asks for the end, or going on makes no sense.
 *
 *	signals, the loop check, the sandbox
 *	serve(&config, &end)
 *
 * A batch is what has arrived together: it is read until stdin pauses, but not
 * for longer than a tenth of a second and no more than some megabytes, so that
 * under a constant stream answers still come and syncs are shared. All of it
 * has been applied and answered before more is waited for.
 */
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>

#include "say.h"

struct loop;
struct write_options;

enum serve_end {
	SERVE_DONE, /* all was applied */
	SERVE_FAILED, /* something was not */
	SERVE_LOOP /* something was not, because a watcher looks there */
};

/* All of it is borrowed. */
struct serve_config {
	const struct write_options *options;
	struct loop *loop; /* NULL: none is looked for */
	int rootfd; /* the directory */
	int signals; /* of signals_open(): SIGHUP reopens the files, SIGUSR1
		      * says the counts, any other ends after what has
		      * arrived; the second does not wait for the reader */
	bool walled; /* apply.h */

	say_to *say; /* what failed, and with --verbose what was done */
};

/* Serves to the end and closes stdout. SIGPIPE and SIGXFSZ have to be ignored.
 * Returns 0 with *ret_end, or -1 with errno when it could not begin; what
 * happens later is said and goes into *ret_end. */
int serve(const struct serve_config *cfg, enum serve_end *ret_end);

#endif
