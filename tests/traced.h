/*
 * A program run under strace(1), which writes down its system calls and makes
 * some of them fail.
 *
 *	if (!traced_possible("what is shown"))
 *		return;
 *	traced_start(&c, dir.path, "inject=fsync:error=EIO:when=2",
 *	    ARGV("fswrite", "--ack", out));
 *	... child.h ...
 *	traced_count(dir.fd, "EIO")
 *
 * The calls stand in the file "trace" of the directory.
 */
#ifndef TRACED_H
#define TRACED_H

#include <stdbool.h>

struct child;

/* Is strace(1) here, and may it trace? Says that the sentence is skipped where
 * not. */
bool traced_possible(const char *sentence);

/* As child_start(); inject is what strace's -e takes. */
void traced_start(struct child *c, const char *dir, const char *inject,
    const char *const argv[]);

/* The same where it sees no processes but its own: so what it looks for among
 * them takes as many calls each time. alone_possible: may that be done? */
bool traced_alone_possible(const char *sentence);
void traced_alone_start(struct child *c, const char *dir, const char *inject,
    const char *const argv[]);

/* How often the text is there in what was written down. */
int traced_count(int dirfd, const char *text);

#endif
