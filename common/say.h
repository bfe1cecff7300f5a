/*
 * Lines for people, put together as by printf(3). Where they go, and what
 * stands before them, is the program's business.
 */
#ifndef SAY_H
#define SAY_H

#include <stdint.h>

/* Takes one line without a newline. */
typedef void say_to(const char *text);

/* Passes the line to `to`; out of memory, that it could not be told. */
void say(say_to *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The word that goes with this number: `one` with 1, else `many`. */
const char *say_plural(uintmax_t n, const char *one, const char *many);

#endif
