/*
 * What a back end with a descriptor for each directory and file keeps of them:
 * found by identity, by name, by the number of the descriptor; and a queue of
 * those that something is to be told of. It calls no kernel: descriptors are
 * numbers here.
 *
 *	vnodes_init(&all);
 *	p = vnodes_place(&all, interest);	a directory, with its id
 *	t = vnodes_new(&all, p, name, fd);	"": the directory itself
 *	t->dev = ..., t->ino = ...;
 *	vnodes_put(&all, t);
 *	vnodes_note(&all, t, notes);		it is in the queue now
 *	vnodes_told(&all, t, notes);		and not any more
 *	vnodes_drop(&all, t);			the caller has closed t->fd
 *	vnodes_end(&all, p);			when nothing is in it any more
 *	vnodes_free(&all);
 */
#ifndef VNODES_H
#define VNODES_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place;

/* Something with a descriptor: a directory, or a name in one. */
struct vnode {
	TAILQ_ENTRY(vnode) queue; /* while notes != 0 */
	LIST_ENTRY(vnode) all; /* of all files */
	LIST_ENTRY(vnode) files; /* of those in its place */
	struct vnode *chain; /* of the same hash */
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
	struct vnode *self; /* NULL until it is put */
	LIST_HEAD(, vnode) files;
};

struct vnodes {
	struct place **places; /* by id, with gaps */
	size_t nplaces;
	size_t free_from; /* no lower id is free */
	struct vnode **table; /* by hash */
	size_t cap;
	size_t n;
	struct vnode **by_fd;
	size_t nfds;
	uint32_t stamp;
	LIST_HEAD(, vnode) files;
	TAILQ_HEAD(, vnode) queue;
};

void vnodes_init(struct vnodes *all);
/* Everything has been dropped and ended before. */
void vnodes_free(struct vnodes *all);

/* A new directory, of the lowest id that is free. NULL with ENOMEM. */
struct place *vnodes_place(struct vnodes *all, unsigned interest);
void vnodes_end(struct vnodes *all, struct place *p);

/* Something that is not in the tables yet: free(3) undoes it. NULL with
 * ENOMEM; else putting it cannot fail. */
struct vnode *vnodes_new(struct vnodes *all, struct place *p, const char *name,
    int fd);
void vnodes_put(struct vnodes *all, struct vnode *t);
void vnodes_drop(struct vnodes *all, struct vnode *t);

/* The directory of this identity; the file under this name; what this
 * descriptor belongs to. Or NULL. */
struct place *vnodes_dir(const struct vnodes *all, uint64_t dev, uint64_t ino);
struct vnode *vnodes_file(const struct vnodes *all, const struct place *p,
    const char *name);
struct vnode *vnodes_of_fd(const struct vnodes *all, uintptr_t fd);

bool vnodes_is_dir(const struct vnode *t);

void vnodes_note(struct vnodes *all, struct vnode *t, unsigned notes);
void vnodes_told(struct vnodes *all, struct vnode *t, unsigned notes);

#endif
