/*
 * main()'s work in a test that only runs its suite.
 */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* Runs the suite, which is freed, and returns main()'s status. */
int suite_main(Suite *s);

#endif
