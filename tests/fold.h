/*
 * Promise 1 put to the proof: "the stream is the tree". Folds events over a
 * set of paths and compares the set with what is on the disk.
 *
 *	struct fold *f = fold_new();
 *	fold_walk(f, "d", NULL, NULL);		the tree as it was at ready
 *	while ((ev = harness_next(h)) != NULL)
 *		if (fold_event(f, ev) == -1)
 *			ck_abort_msg("%s", fold_fault(f));
 *	report = fold_compare(f, roots, NULL, NULL, true);
 *	if (report != NULL)
 *		ck_abort_msg("%s", report);
 *	fold_free(f);
 *
 * created and exists add a path, deleted removes it and all below, renamed
 * removes what stood at the new path and moves the old one and all below, or,
 * with exchanged, swaps the two. It is strict: what is told twice, or about a
 * path that was never told, is a fault.
 *
 * A path is bytes; two are the same when their bytes are.
 */
#ifndef FOLD_H
#define FOLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct fold;

/* What a walk does with a name. path is the whole path, name the part below
 * the root; type is 'f', 'd', 'l' or 'o'. */
enum fold_choice { FOLD_NOTHING = 0, FOLD_SHOW = 1, FOLD_ENTER = 2 };
typedef int (*fold_choose)(void *ctx, const char *name, char type);

/* NULL where memory is short. */
struct fold *fold_new(void);
void fold_free(struct fold *f);

/* Adds what is below the directory root on the disk, as far as choose says
 * (bits of fold_choice; NULL: all). A root that is no directory, nor a link to
 * one, is the one path there is; nothing where there is nothing. Returns 0, or
 * -1 with errno. */
int fold_walk(struct fold *f, const char *root, fold_choose choose, void *ctx);

/* Applies one event. Kinds that do not change the set are checked only: what
 * they speak about must be there. Returns 0, or -1: fold_fault() then says
 * what is wrong with it, with the last lines about that path. */
int fold_event(struct fold *f, const json_t *ev);
const char *fold_fault(const struct fold *f);

/* The path the last fault or report was first about, for further research;
 * "" where there was none. */
const char *fold_suspect(const struct fold *f);

/* Is this path in the set? Returns its type's letter, or 0. */
char fold_has(const struct fold *f, const char *path);
size_t fold_count(const struct fold *f);

/* Compares with the disk below all of roots (up to NULL), path for path and
 * type for type. With content, also: each regular file that has been modified
 * since the walk has had an event that was read after it. That does not hold
 * for a file with several names, where the event may have named another one.
 * Where events carry content (--content) instead: the content last told of
 * each file that was created or modified since is what is there.
 * Returns NULL where all is equal, else a report: the shortest differing
 * paths, and the last lines about each. The caller frees it. */
char *fold_compare(struct fold *f, const char *const *roots, fold_choose choose,
    void *ctx, bool content);

#endif
