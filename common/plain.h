/*
 * Names in messages for people: a file name may hold what moves a terminal's
 * cursor, changes its colours or ends its line.
 */
#ifndef PLAIN_H
#define PLAIN_H

struct buf;

/* Adds s as text that a terminal only shows: control characters, those of
 * ASCII and those of Unicode (U+0080 to U+009F), and bytes that are not UTF-8
 * become \x0a and the like. No NUL is added. */
void plain_add(struct buf *b, const char *s);

#endif
