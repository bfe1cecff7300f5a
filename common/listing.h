/*
 * What is in a directory on the disk, as entries of a tree, as cheaply as it
 * can be had: from its listing alone where that tells enough.
 */
#ifndef LISTING_H
#define LISTING_H

#include <stdbool.h>

struct ahead_dir;
struct core;
struct dir;
struct entry;
struct event_stat;

/* In a listing that was had ahead: its change time is older than ahead_new()
 * was told. */
#define ENTRY_CALM ENTRY_SEEN

/* An entry, in no directory yet, for what looks_classify() has seen under a
 * name. The caller frees it by tree_free(). NULL: out of memory. */
struct entry *listing_entry(const struct core *c, const char *name,
    const struct event_stat *st, bool link);

/* Lists the directory fd into `into`, where names that are there already are
 * passed over. got: what was read of it ahead, or NULL. only: the one name
 * that is looked for, or NULL. Returns 0, or -1 with errno; what was read until
 * then is there. */
int listing_read(struct core *c, int fd, const struct ahead_dir *got,
    const char *only, struct dir *into);

#endif
