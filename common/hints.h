/*
 * What the kernel's hints mean. A hint that fits the index becomes a change
 * directly, so that the exact history is told, with files that come and go;
 * one that does not fit, or whose object is not the one that is there, has the
 * name compared with the disk (sync).
 */
#ifndef HINTS_H
#define HINTS_H

struct core;
struct hint;

/* Handles one hint. Roots that it puts in doubt are looked at by check_roots,
 * before a name's appearance is told and after its going is. */
void hints_handle(struct core *c, const struct hint *h,
    void (*check_roots)(void *ctx), void *ctx);

/* Looks at what was left in doubt, once nothing is pending any more. */
void hints_doubts(struct core *c);

#endif
