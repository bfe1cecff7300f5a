/*
 * A root and the way to it. A root is followed by name: each directory on the
 * way is watched for the one name that leads on, so that its loss, its return
 * and its being replaced are seen, whatever becomes of the directories above.
 * A root that is a directory, or a symbolic link to one, is the top of a tree;
 * anything else is one name in the directory that holds it.
 *
 *	roots_init(&r, core);
 *	roots_add(&r, "inbox");		-1 and ENOENT: not there, and no --wait
 *	roots_check(&r);		whenever core->suspects is set
 *	roots_free(&r);
 */
#ifndef ROOTS_H
#define ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct dir;
struct root;

struct roots {
	struct core *core;
	struct root *first;
	size_t n;
};

/* Returns 0, or -1 with the errno of claim_token(). */
int roots_init(struct roots *r, struct core *c);
void roots_free(struct roots *r);

/* Adds a root, silently: it and what is below it is watched and listed, but
 * nothing is told until roots_speak(). Returns 0 also for one that is waited
 * for; -1 with errno, and then it has not been added. */
int roots_add(struct roots *r, const char *path);

/* Looks at the roots that are suspect. */
void roots_check(struct roots *r);

/* Makes all of them suspect: something on the way to them may have changed
 * without a word (a mount, a directory that may not be read). */
void roots_suspect(struct roots *r);

/* Ends the silence of roots that were added: tells `exists` where that is
 * asked for. Returns 0, or -1 with ENOMEM. */
int roots_speak(struct roots *r);

/* Can no root ever come back? (They were given relative to a directory that
 * has been removed itself.) */
bool roots_ended(const struct roots *r);

/* The tops of the trees that are there: up to max of them; how many there
 * are. */
size_t roots_tops(const struct roots *r, struct dir **tops, size_t max);

/* The top of the root of that path, as typed; NULL where it is not there. */
struct dir *roots_top(const struct roots *r, const char *path);

/* For `ready`: how many roots are there, directories entered and names
 * known. */
void roots_count(const struct roots *r, uint64_t *present, uint64_t *dirs,
    uint64_t *entries);

/* The mount point `path` has come or gone: what is there now? */
void roots_mounted(struct roots *r, const char *path);

#endif
