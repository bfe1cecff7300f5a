/*
 * What the programs under test read and wrote, kept for schema_test.sh: where
 * the directory $FSPIPE_KEEP is set, one file for each run of a program.
 */
#ifndef KEEP_H
#define KEEP_H

#include <stddef.h>

/* A file $FSPIPE_KEEP/kind.PID.N for each of the kinds ("events", or
 * "commands" and "answers", which belong together by their number). -1 where
 * nothing is to be kept. */
int keep_open(const char *kind, unsigned long number);
/* A number that no other run in this process has. */
unsigned long keep_number(void);

/* Adds to it; fd -1 does nothing. */
void keep(int fd, const void *data, size_t n);

#endif
