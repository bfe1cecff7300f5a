/*
 * A program under test, with pipes to it.
 *
 *	struct child c;
 *	child_start(&c, argv);		argv[0]: in $FSPIPE_BIN, else in $PATH
 *	child_say(&c, "{...}\n");
 *	line = child_line(&c);		a line of its stdout, waited for
 *	child_end_input(&c);
 *	status = child_wait(&c);	exit status, 128 + n for a signal
 *	c.err				what it said on stderr by then
 *
 * Everything waits for 20 seconds at most and then fails the test.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stddef.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int in; /* its stdin; -1 when closed */
	int out; /* its stdout */
	int err_fd;
	int keep_in; /* keep.h */
	int keep_out;
	char line[65536];
	char pending[65536];
	size_t npending;
	char err[65536]; /* stderr as far as it has been read */
	size_t nerr;
};

void child_start(struct child *c, const char *const argv[]);

/* Writes a string, or n bytes, to its stdin. */
void child_say(struct child *c, const char *s);
void child_say_bytes(struct child *c, const void *data, size_t n);
void child_end_input(struct child *c);

/* The next line of stdout, without the newline; NULL at its end. */
const char *child_line(struct child *c);

/* Waits until stderr holds the text. */
void child_until_err(struct child *c, const char *text);

/* Reads stdout and stderr to their ends and waits. */
int child_wait(struct child *c);

/* All at once: start, say, end, wait. Returns the exit status. */
int child_run(struct child *c, const char *const argv[], const char *input);

#endif
