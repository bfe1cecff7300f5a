/*
 * What a back end with a descriptor for each directory and file keeps of them:
 * found by identity, by name, by the number of the descriptor; and a queue of
 * those that something is to be told of. It calls no kernel: descriptors are
 * numbers here.
 *
 *	things_init(&all);
 *	p = things_place(&all, interest);	a directory, with its id
 *	t = things_new(&all, p, name, fd);	"": the directory itself
 *	t->dev = ..., t->ino = ...;
 *	things_put(&all, t);
 *	things_note(&all, t, notes);		it is in the queue now
 *	things_told(&all, t, notes);		and not any more
 *	things_drop(&all, t);			the caller has closed t->fd
 *	things_end(&all, p);			when nothing is in it any more
 *	things_free(&all);
 */
#ifndef THINGS_H
#define THINGS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place;

/* Something with a descriptor: a directory, or a name in one. */
struct thing {
	TAILQ_ENTRY(thing) queue; /* while notes != 0 */
	LIST_ENTRY(thing) all; /* of all files */
	LIST_ENTRY(thing) files; /* of those in its place */
	struct thing *chain; /* of the same hash */
	struct place *place;
	uint64_t dev;
	uint64_t ino;
	uint32_t hash;
	uint32_t stamp; /* no two that ever were have the same */
	int fd;
	unsigned wanted; /* notes asked for */
	unsigned notes; /* that have come and have not been told */
	bool over; /* nothing more will come */
	char name[];
};

/* A directory. */
struct place {
	int id;
	unsigned interest;
	bool lacks; /* some file has no descriptor: looked at by the clock */
	bool due; /* and now is the time */
	struct thing *self; /* NULL until it is put */
	LIST_HEAD(, thing) files;
};

struct things {
	struct place **places; /* by id, with gaps */
	size_t nplaces;
	size_t free_from; /* no lower id is free */
	struct thing **table; /* by hash */
	size_t cap;
	size_t n;
	struct thing **by_fd;
	size_t nfds;
	uint32_t stamp;
	LIST_HEAD(, thing) files;
	TAILQ_HEAD(, thing) queue;
};

void things_init(struct things *all);
/* Everything has been dropped and ended before. */
void things_free(struct things *all);

/* A new directory, of the lowest id that is free. NULL with ENOMEM. */
struct place *things_place(struct things *all, unsigned interest);
void things_end(struct things *all, struct place *p);

/* Something that is not in the tables yet: free(3) undoes it. NULL with
 * ENOMEM; else putting it cannot fail. */
struct thing *things_new(struct things *all, struct place *p, const char *name,
    int fd);
void things_put(struct things *all, struct thing *t);
void things_drop(struct things *all, struct thing *t);

/* The directory of this identity; the file under this name; what this
 * descriptor belongs to. Or NULL. */
struct place *things_dir(const struct things *all, uint64_t dev, uint64_t ino);
struct thing *things_file(const struct things *all, const struct place *p,
    const char *name);
struct thing *things_of_fd(const struct things *all, uintptr_t fd);

bool things_is_dir(const struct thing *t);

void things_note(struct things *all, struct thing *t, unsigned notes);
void things_told(struct things *all, struct thing *t, unsigned notes);

#endif
