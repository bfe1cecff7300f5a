/*
 * The records of inotify(7) that have been read and not yet been handed out,
 * one behind the other as the kernel wrote them, and found again by the
 * directory they are about and by the name in it.
 *
 *	n = read(fd, records_room(r, &room), room);
 *	records_add(r, n);
 *	while ((ev = records_head(r)) != NULL) {
 *		...
 *		records_drop(r);
 *	}
 *
 * Records are looked up far more often than they are many, and a reader that
 * is slow lets them become many: every look-up costs the same however many
 * there are. Only what tells that a name appeared or went (RECORDS_NAMES), or
 * that a file was closed (IN_CLOSE_WRITE), can be looked up.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <sys/inotify.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDS_NAMES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

/* The longest record the kernel writes, in bytes. */
#define RECORDS_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)

struct records;

/* NULL with ENOMEM. */
struct records *records_new(void);
void records_free(struct records *r);

/* Where the next records are to be read to, and how many bytes: less than
 * RECORDS_MAX when a great many are held already. Pointers to records are
 * valid until then. */
char *records_room(struct records *r, size_t *room);

/* So many bytes of whole records have been put there. */
void records_add(struct records *r, size_t n);

/* The oldest record, or NULL. */
struct inotify_event *records_head(const struct records *r);
void records_drop(struct records *r);

/* The one behind ev, or NULL. */
struct inotify_event *records_behind(const struct records *r,
    const struct inotify_event *ev);

/* Where a record stands in all that was ever added, in bytes; with NULL, where
 * the next one will. */
uint64_t records_position(const struct records *r,
    const struct inotify_event *ev);

/* The first record of RECORDS_NAMES for the name in the directory wd, behind
 * ev or, with a NULL ev, from the oldest on. */
struct inotify_event *records_named(const struct records *r, int wd,
    const char *name, size_t len, const struct inotify_event *ev);

/* Is there one of IN_CLOSE_WRITE for the name in the directory wd? */
bool records_closing(const struct records *r, int wd, const char *name,
    size_t len);

/* The first of RECORDS_NAMES, in the same way, for any name in the directory.
 */
struct inotify_event *records_of(const struct records *r, int wd,
    const struct inotify_event *ev);

#endif
