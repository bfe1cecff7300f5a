/*
 * Which names are told and which directories are entered: -i, -x, --no-junk,
 * -t and --depth. Pure: no I/O, no state that a look-up changes.
 *
 *	struct filter *f = filter_new();
 *	filter_add(f, FILTER_EXCLUDE, "(^|/)\\.git$", msg, sizeof(msg));
 *	filter_shows(f, "a/b.c", EVENT_FILE)	is this name told?
 *	filter_enters(f, "a", 1)		is this directory entered?
 *	filter_free(f);
 *
 * The expressions are POSIX extended ones (regex(7)), matched against a name:
 * a path below its root, as bytes ("a/b.c"). The last expression that matches
 * wins; where none does the name is in, unless the first of them is an
 * include. A directory that an exclude wins for is not entered; an include
 * never stops the descent.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"

struct filter;

enum filter_sense { FILTER_INCLUDE, FILTER_EXCLUDE };

/* NULL and ENOMEM on failure. */
struct filter *filter_new(void);
void filter_free(struct filter *f);

/* Adds one expression. Returns 0, or -1 with the reason in msg (regerror(3)'s
 * words; the caller names the expression). */
int filter_add(struct filter *f, enum filter_sense sense, const char *ere,
    char *msg, size_t msg_size);

/* --no-junk: leaves out what editors and desktops leave behind: .DS_Store,
 * Thumbs.db, desktop.ini, *~, .#*, .*.sw?, 4913. */
void filter_no_junk(struct filter *f);

/* Bits of EVENT_TYPE_BIT; the default is all. */
void filter_set_types(struct filter *f, unsigned types);

/* How many levels below a root are told: 1 is the root's own names.
 * The default is SIZE_MAX. */
void filter_set_depth(struct filter *f, size_t depth);

/* Is this name told? EVENT_NOTYPE passes every choice of types. */
bool filter_shows(const struct filter *f, const char *name,
    enum event_type type);

/* Is the directory with this name entered, so that its children are known?
 * level is the number of components of name (1 for a root's own child). */
bool filter_enters(const struct filter *f, const char *name, size_t level);

/* Is it left out of the watching whatever the level, by -x or --no-junk? */
bool filter_excludes(const struct filter *f, const char *name);

/* Is any directory hidden from the events by its type (-t)? */
bool filter_hides_dirs(const struct filter *f);

/* May a directory's new name change what is told or entered below it
 * (expressions are there, or a limit of depth)? Then a rename has to look at
 * each name below. --no-junk alone asks only for the last component of each
 * name and for the names of the directories above it: it counts too. */
bool filter_by_name(const struct filter *f);

#endif
