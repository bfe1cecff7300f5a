/*
 * What is known about a process that watches: whose it is, whether it holds the
 * claim that bears its pid, and which directories it has marked. watcher_proc.c
 * asks /proc (proc(5)); in watcher_none.c, and where /proc is not mounted,
 * kill(2) has to do.
 */
#ifndef WATCHER_H
#define WATCHER_H

#include <stdbool.h>
#include <sys/types.h>

struct claim;
struct claim_id;

/* What the kernel calls our watcher (/proc/PID/comm). */
#define WATCHER_NAME "fswatch-events"

enum watcher {
	WATCHER_OURS, /* of our own user or root: it counts */
	WATCHER_FOREIGN, /* another user's */
	WATCHER_UNSEEN /* nobody here has this pid, or not this claim */
};

/* Who has taken the claim c on the inode id? The pid in a claim proves
 * nothing, so a process counts only when it is called fswatch-events, or when
 * /proc shows the very lock among its descriptors (which can be read of our own
 * processes before the sandbox only). Without that any user could stop
 * another's writer by a claim in the name of process 1. */
enum watcher watcher_look(const struct claim *c, const struct claim_id *id);

/* Is pid a process called fswatch-events? */
bool watcher_lives(pid_t pid);

/* Calls each for every fswatch-events of our own user (as root: of root) that
 * has marked the open directory dirfd as part of a tree that it claims, though
 * perhaps by a way that does not show from here. Watchers that only pass here
 * on the way to a root below do not count. A return other than 0 ends the
 * search and is returned. Returns 0 at the end, or -1 with errno. Before the
 * sandbox only. */
int watcher_marks(int dirfd, int (*each)(void *ctx, pid_t pid), void *ctx);

#endif
