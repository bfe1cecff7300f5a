/*
 * What the back ends cannot tell, and what a build without Linux's own means
 * (make PORTABLE=1) cannot do: the tests that are about it, each with the
 * reason. Everything else is asked of all of them.
 */
#ifndef CANNOT_H
#define CANNOT_H

#include <check.h>

/* Why a test of this name (a function's, without "_fn") is not for the back
 * end (NULL: the best), or not for this build; NULL where it is. */
const char *cannot(const char *backend, const char *test);

/* Adds a test, unless HARNESS_BACKEND or this build cannot do what it is
 * about: then that is said. */
void harness_add(TCase *tc, const TTest *test);
#undef tcase_add_test
#define tcase_add_test(tc, test) harness_add(tc, test)

#endif
