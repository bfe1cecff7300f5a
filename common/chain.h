/*
 * Does a process feed this one? Found by following the pipes upward from our
 * stdin, through the descriptors that /proc/PID/fd shows (chain_proc.c): who
 * can write into a pipe that we read, who can write into one that those read,
 * and so on. In chain_none.c those feed us that are in our process group.
 *
 *	struct chain *c = chain_open();		before the sandbox
 *	switch (chain_feeds(c, pid)) ...
 *	chain_close(c);
 *
 * Watchers may come at any time, a sandbox forbids the look (landlock(7)), and
 * what is asked later has to be answered later: so chain_open forks a process
 * that answers, and knows nothing else. It has no descriptor but its end of a
 * socket, and ends when ours is closed.
 *
 * Pipes and FIFOs are followed, sockets are not. Where a way cannot be seen (a
 * process of root's, a socket as stdin, no /proc) those count as feeding that
 * are, or descend from, a process in our process group.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include <sys/types.h>

struct chain;

/* NULL with errno of socketpair(2) or fork(2) on failure. */
struct chain *chain_open(void);

/* 1 when pid feeds us, 0 when not, -1 with errno when nobody can tell (the
 * helper is gone). Costs a look at each process that may be looked at; in the
 * first second after chain_open it may wait, while the only way leads through a
 * process that has yet to run its program. */
int chain_feeds(struct chain *c, pid_t pid);

void chain_close(struct chain *c);

#endif
