/*
 * A kernel below the kqueue back end, for tests: real directories and files,
 * and notes that are made up as one system or another tells them. A test
 * makes its changes through it, so that they and their notes are one; it
 * says what goes wrong, and when; and a seed decides all the rest, so that
 * what happens once happens again.
 *
 *	fake_begin(&fake_systems[0], 1);
 *	b = backend_kqueue_open(&fake_calls, 2000);
 *	fake_at(FAKE_ADD, 3, function);	before the third registration
 *	fake_rename("d/a", "d/b");
 *	...
 *	fake_end();
 *
 * Changes that cannot be made (ENOENT and so on) are not made and tell
 * nothing; the functions return whether they were made.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend_kqueue.h"

/* What a system tells of each change, as in a table with a row for each
 * operation: to the directory (of a rename: from, to), to the file, and to
 * what a rename replaces. */
struct fake_system {
	const char *name;
	struct fake_row {
		unsigned dir;
		unsigned to;
		unsigned file;
		unsigned victim;
	} create, unlink, unlink_linked, mkdir, rmdir, rename, move, move_dir,
	    link, write, append, shrink, grow, chmod;
	bool has_close_write;
	bool silent_shrink; /* it tells nothing of some truncations */
	unsigned short revoke_flags;
};

#define FAKE_SYSTEMS 5
extern const struct fake_system fake_systems[FAKE_SYSTEMS];

extern const struct kqueue_calls fake_calls;

void fake_begin(const struct fake_system *system, uint64_t seed);
/* Fails the test when something is still open. */
void fake_end(void);

/* The places at which something can go wrong: before each. */
enum fake_point {
	FAKE_STAT, /* of a name, or of a descriptor */
	FAKE_OPEN,
	FAKE_ADD, /* EV_ADD */
	FAKE_ADDED, /* and after it */
	FAKE_KEVENT, /* asking for events */
	FAKE_POINTS
};

/* The nth from now (1: the next) is preceded by do_this. */
void fake_at(enum fake_point point, unsigned nth, void (*do_this)(void));
/* The nth from now, and so many more, fails with this errno. */
void fake_fail(enum fake_point point, unsigned nth, unsigned count, int error);
/* Opening what has this name fails. NULL: none any more. */
void fake_fail_name(const char *name, int error);
/* Before each of them, now and then (once in `in` times), do_this. */
void fake_stir(void (*do_this)(void), unsigned in);
/* How many descriptors the process may have; default 1024. */
void fake_limit(size_t n);
/* Events are given back in any order, not all at once; others are made up. */
void fake_disorder(bool on);

/* How often that point has been passed; how many descriptors are open. */
unsigned fake_count(enum fake_point point);
size_t fake_open_fds(void);
/* The descriptor that is registered for this file; -1 where there is none. */
int fake_fd_of(const char *path);

bool fake_create(const char *path);
bool fake_write(const char *path, const char *text);
bool fake_append(const char *path, const char *text);
bool fake_truncate(const char *path, size_t size);
bool fake_chmod(const char *path, unsigned mode);
bool fake_unlink(const char *path);
bool fake_symlink(const char *target, const char *path);
bool fake_link(const char *from, const char *to);
bool fake_mkdir(const char *path);
bool fake_rmdir(const char *path);
bool fake_rename(const char *from, const char *to);

/* Notes without a change: for whoever watches this path. */
void fake_note(const char *path, unsigned notes);
void fake_revoke(const char *path);
void fake_error(const char *path, int error);
/* An event as it was queued for a descriptor's earlier owner: of the number
 * fd, with what was given along with its last registration but one. */
void fake_stale(int fd, unsigned notes);

/* The next random number below n. */
uint64_t fake_random(uint64_t n);

#endif
