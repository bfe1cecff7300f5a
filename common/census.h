/*
 * How many directories lie below one that is watched without -r: so that a
 * person who did not know of -r is told what is missing. Looks for a limited
 * time, and only at the file system of the directory itself.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;

/* Counts the directories below path, as far as the filter's expressions let
 * them be entered (its depth is not asked). *ret_all: all were counted before
 * monotonic_ms() was at until_ms. What cannot be opened counts as 0: a path
 * that is no directory has none below it. */
size_t census(const char *path, const struct filter *f, int64_t until_ms,
    bool *ret_all);

#endif
