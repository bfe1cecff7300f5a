/*
 * For --rescan: which versions of which names have been met lately, so that a
 * comparison does not tell again what the kernel had told. A version is known
 * by its change time, its content by size and modification time; kept are
 * sixteen bytes for each, and only those since the last comparison began: what
 * is older is judged by its change time alone.
 *
 *	seen_turn(s);				a comparison begins
 *	if (!seen_has(s, dir, ino, name, st))	... it has changed
 *	seen_add(s, dir, ino, name, st);	it is known now
 */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stdint.h>

struct event_stat;
struct seen;

/* NULL with ENOMEM. */
struct seen *seen_new(void);
void seen_free(struct seen *s);

/* A comparison begins: what was added before the last one is forgotten. */
void seen_turn(struct seen *s);

/* The file with this stat, under a name in the directory (dev, ino), has been
 * met. Where memory is short it has not. */
void seen_add(struct seen *s, uint64_t dev, uint64_t ino, const char *name,
    const struct event_stat *st);
bool seen_has(const struct seen *s, uint64_t dev, uint64_t ino,
    const char *name, const struct event_stat *st);

/* Has a version been met that had this content, by its modification time and
 * size, whatever has become of its name, mode or links since? */
bool seen_content(const struct seen *s, uint64_t dev, uint64_t ino,
    const char *name, const struct event_stat *st);

#endif
