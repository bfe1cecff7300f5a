/*
 * The net effect of what has happened to a group of things, told in an order
 * in which every step is possible: what a thing is in comes before it, what has
 * its name makes room, what leaves a directory goes before that does.
 *
 * Where renames go in a ring, two of them are told as exchanged; where that
 * cannot be either (a directory went into what was in it, under its name) one
 * of them is told as deleted and created, and what is in it is renamed from the
 * one to the other.
 *
 *	net_tell(&all, group, &output);		and the group is empty
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>

#include "event.h"

struct group;
struct thing;
struct things;

/* Something directly in a directory: a directory that is not shown too, since
 * what is in it may be. */
typedef int (
    *net_each)(void *arg, const char *name, enum event_type type, bool shown);

struct net_output {
	unsigned kinds; /* what is told, bits of EVENT_BIT. Without renamed
			 * it is told as deleted and created, each if wanted */
	void *ctx;
	/* An event without stat and time. It is about what is now at name
	 * below root, another place than its own only while the directories
	 * above it are on the way; NULL where it is gone. */
	void (*tell)(void *ctx, struct event *ev, const char *root,
	    const char *name);
	/* Calls each for all that is known to be directly in the directory
	 * that is now at name below root. Returns 0, or -1 as soon as each
	 * does. */
	int (*list)(void *ctx, const char *root, const char *name,
	    net_each each, void *arg);
};

/* Tells it, and lets go of the things; the caller frees the group. Returns 0,
 * or -1 with ENOMEM; then some has not been told. */
int net_tell(struct things *all, struct group *g, const struct net_output *out);

#endif
