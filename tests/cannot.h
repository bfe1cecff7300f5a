/*
 * What the back ends cannot tell: the tests that are about it, each with the
 * reason. Everything else is asked of all of them.
 */
#ifndef CANNOT_H
#define CANNOT_H

/* Why a test of this name (a function's, without "_fn") is not for the back
 * end, or NULL where it is. A NULL back end can do all. */
const char *cannot(const char *backend, const char *test);

#endif
