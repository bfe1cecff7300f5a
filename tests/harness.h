/*
 * Running the real programs from a Check test: pipes on the three standard
 * descriptors, a fresh directory to work in, deadlines on every wait.
 *
 *	struct harness *h = harness_new();	we are in an empty directory now
 *	put("d/a", "text");
 *	harness_run(h, "fswatch-events", "-e", "+ready", "d", NULL);
 *	harness_ready(h);
 *	put("d/b", "text");
 *	ck_assert_str_eq(harness_story(h, "d"),
 *	    "created d/b\nmodified d/b\n");
 *	harness_end(h);
 *
 * A test waits for events, never for time. The way to know that all has been
 * told is a mark: a file of a name of its own made in a watched directory,
 * and waiting until it is told; the kernel's queue keeps the order. A mark is
 * made twice, one after the other: what the program puts off to the end of a
 * batch it has read is told before the second one. Where the program compares
 * (harness_exact()) it tells what it has found in any order: the rest of that
 * is told before a third.
 *
 * Every line of JSON is checked as it arrives: an object without duplicate
 * keys, its keys known and in their order, seq without a gap, path made of
 * root and name, base64 only where there are bytes that are not UTF-8.
 *
 * Whatever fails calls ck_abort_msg(). What the programs of a failed test
 * said is printed by harness_main() after the results.
 *
 * The programs are looked for in the directory in FSPIPE_BIN, or in the
 * current one. HARNESS_BACKEND: the back end that fswatch-events is run with,
 * where a test does not choose one itself; what it cannot tell is skipped
 * (cannot.h). HARNESS_TIMEOUT: seconds for each wait (20). HARNESS_LINES: how
 * much of a failed test's output is printed (60 lines, the last ones).
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cannot.h"

struct harness;

/* Can HARNESS_BACKEND, and this build, do what the test is about? If not, that
 * is said. */
bool harness_can(const TTest *test);

/* What the lines on stdout are: JSON, plain lines, NUL-terminated paths. */
enum harness_format { HARNESS_JSON, HARNESS_TEXT, HARNESS_PRINT0 };

/* main()'s work: runs the suite, prints what failed tests' programs said,
 * removes all directories. Returns main's exit status. */
int harness_main(Suite *s);

/* A fresh directory, which becomes the current one. title is for the print
 * of a failure. */
struct harness *harness_new_titled(const char *title);
#define harness_new() harness_new_titled(__func__)

/* Starts the program with these arguments, up to NULL: one of ours, or any
 * by its path. One at a time; after harness_finish() another one may be
 * started. The array is not kept. */
void harness_run(struct harness *h, const char *program, ...)
    __attribute__((sentinel));
void harness_runv(struct harness *h, const char *program,
    const char *const *args);
void harness_set_format(struct harness *h, enum harness_format format);

/* Does the program take these options (up to NULL)? For what not every build
 * has: a test of it is skipped aloud. Fails for any error but an unknown
 * option. */
bool harness_knows(struct harness *h, const char *program,
    const char *const *args);

/* The descriptor of stdout, for a caller's own poll(2). */
int harness_fd(const struct harness *h);
pid_t harness_pid(const struct harness *h);
void harness_signal(struct harness *h, int sig);

/* stdin: more bytes, then its end. stdout: go away as a reader. */
void harness_send(struct harness *h, const char *text);
void harness_close_input(struct harness *h);
void harness_close_output(struct harness *h);

/* The next line, borrowed until harness_end(); NULL at the end of stdout.
 * harness_next() is for JSON, harness_line() for all formats. */
json_t *harness_next(struct harness *h);
const char *harness_line(struct harness *h);

/* The next line only if it is there without waiting longer than ms. */
json_t *harness_poll(struct harness *h, int ms);

/* From now on each line of JSON is handed to heed once, as it is consumed by
 * any of these functions. */
void harness_heed(struct harness *h, void (*heed)(void *ctx, json_t *ev),
    void *ctx);

/* Where all that was read is kept until harness_end(). */
const char *harness_log(const struct harness *h);

/* Reads on until an event of this kind (NULL: any) with this path (NULL: any)
 * or note came, and returns it. */
json_t *harness_wait(struct harness *h, const char *kind, const char *path);
json_t *harness_ready(struct harness *h);

/* Reads on until stderr has this text. stderr may then be not empty at the
 * end; harness_err() gives all of it and allows the same. */
void harness_wait_err(struct harness *h, const char *text);
const char *harness_err(struct harness *h);

/* How to mark: what is done to a file mark-N for an event of this kind
 * ("created" at first; "deleted", "renamed", "modified", "closed",
 * "complete", "attrib", "opened", "accessed", or "mkdir"); the ending goes
 * behind the name, for filters. */
void harness_mark_by(struct harness *h, const char *kind, const char *ending);

/* Does the back end that is used tell what has happened, in order? */
bool harness_exact(void);

/* Makes a mark in dir and reads on until it was told. */
void harness_mark(struct harness *h, const char *dir);

/* Marks in dir, and returns what was told since the last story, mark or
 * ready: a line each, "created d/a", "renamed d/a -> d/b replaced"; a line
 * like the one before it is left out, and so are marks. Borrowed until the
 * next call. */
const char *harness_story(struct harness *h, const char *dir);

/* Fails unless a story is what is wanted; where HARNESS_BACKEND only compares,
 * what it comes down to (story.h). */
void harness_told(const char *story, const char *want);

/* The story of what was told until the end of stdout. */
const char *harness_rest(struct harness *h);

/* Reads to the end of stdout and returns the exit status (-signal where one
 * killed it). harness_stop() sends SIGTERM before. */
int harness_finish(struct harness *h);
int harness_stop(struct harness *h);

/* Stops a program that still runs and checks that it exits with 0 and, where
 * nobody has looked at stderr, has said nothing there. Frees h. */
void harness_end(struct harness *h);

/* A string of an event as bytes: from key_base64 where there is one. NULL
 * where there is neither. The caller frees it. */
char *event_bytes(const json_t *ev, const char *key);

/* One line of a story, without its newline. The caller frees it. */
char *event_text(const json_t *ev);

/* ev's string under this key, "" where there is none. */
const char *event_get(const json_t *ev, const char *key);

/* Shorthand for tests; all of them fail the test when they fail. Parents are
 * made. put() replaces in place, append() adds, shell() runs sh -c. */
void put(const char *path, const char *content);
void append(const char *path, const char *content);
void make_dir(const char *path);
void move(const char *from, const char *to);
void erase(const char *path);
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Says that a test is skipped; the test then returns. */
void skip(const char *sentence, const char *reason);

/* Removes a tree. Errors are ignored. */
void remove_tree(const char *path);

#endif
