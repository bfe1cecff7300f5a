/*
 * The watching side without a program around it: a directory of its own for
 * the test, which becomes the current one, with d to be watched in it and out
 * beside it; the user's options; and all events as lines of text.
 *
 *	struct recorder r;
 *	recorder_open(&r, "-r -e +complete");
 *	recorder_enter(&r);		d, through core.h; or
 *	recorder_watch(&r, "d");	any root, through watch.h
 *	scratch_put(AT_FDCWD, "d/a", "text");
 *	ck_assert_str_eq(recorder_story(&r), "created f d/a\n...");
 *	recorder_close(&r);
 *
 * A line is the kind, the type's letter (f, d, s, o) and the path, and what
 * more there is: "renamed f d/a -> d/b replaced", "modified f d/a = text" with
 * content (or "truncated"), "lost d", "# waiting for d" for a note. A line like
 * the one before it is left out, as it may be for `modified`. Whatever goes
 * wrong here fails the test (Check).
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdbool.h>

#include "buf.h"
#include "content.h"
#include "core.h"
#include "emit.h"
#include "scratch.h"
#include "watch_options.h"

struct fold;
struct watch;

struct recorder {
	struct scratch dir;
	char *args;
	struct watch_options opt;
	struct watch_config cfg;
	struct buf told;
	struct buf line;
	struct buf last;
	bool marks_synthetic; /* add " synthetic" where it is */
	bool repeats; /* what is told twice in a row is twice there */
	unsigned ncreated; /* events of one kind, for tests with many */
	struct fold *fold;
	struct emit emit;
	struct content content; /* of the last event, with --content */

	struct core core; /* after recorder_enter() or recorder_index() */
	struct scope scope;
	struct dir *top;

	struct watch *watch; /* after recorder_watch() */
};

/* options as on a command line, separated by single blanks. */
void recorder_open(struct recorder *r, const char *options);
void recorder_close(struct recorder *r);

/* d is the top of a tree that is empty so far, in no kernel's eyes. */
void recorder_index(struct recorder *r);
/* The same, entered silently: watched and listed. */
void recorder_enter(struct recorder *r);

/* Opens the watch and adds a root, or one more. Returns what watch_add()
 * does. */
int recorder_watch(struct recorder *r, const char *path);

/* Handles all that the kernel has, and what comes of it. */
void recorder_run(struct recorder *r);
/* Looks at all that is polled, as a round of polling would. After
 * recorder_enter() only. */
void recorder_look(struct recorder *r);
/* Takes all that the kernel has and forgets it. */
void recorder_deafen(struct recorder *r);

/* What was told since the last call; recorder_story() runs before. Borrowed
 * until the next call. */
const char *recorder_told(struct recorder *r);
const char *recorder_story(struct recorder *r);

/* Fails unless the index holds just the names and types that are on the disk
 * below d. */
void recorder_check_index(struct recorder *r);

/* Folds all events from now on over what is on the disk now; and fails unless
 * the result is what is on the disk (fold.h). */
void recorder_begin_fold(struct recorder *r);
void recorder_check_fold(struct recorder *r);

/* Changes that a test makes; they fail the test when they fail. */
void make_file(const char *path);
void make_directory(const char *path);
void move_to(const char *from, const char *to);
void exchange(const char *a, const char *b);
void remove_all(const char *path);

#endif
