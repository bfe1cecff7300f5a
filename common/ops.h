/*
 * What the operations do, but for append, whose records are collected
 * (apply.h): write, overwrite, delete, mkdir and rename are done when they
 * are asked for.
 *
 *	if (ops_do(&paths, &command, &answer) == -1)
 *		... errno, or the reason in paths.o.why
 *
 * What is to be synced at the end of the batch is due afterwards (durable.h);
 * a file's content is synced before it gets its name.
 */
#ifndef OPS_H
#define OPS_H

struct answer;
struct command;
struct paths;

/* Sets an->size and an->already where they apply. Returns 0, or -1 with
 * nothing changed but parents that were made. */
int ops_do(struct paths *p, const struct command *c, struct answer *an);

/* --dry-run: would it work, as things are? What earlier commands of the input
 * would have made or removed is not taken into account. */
int ops_check(struct paths *p, const struct command *c, struct answer *an);

#endif
