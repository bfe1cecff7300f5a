/*
 * The clock that waits are measured by: CLOCK_MONOTONIC (clock_gettime(2)),
 * which nobody sets.
 */
#ifndef MONOTONIC_H
#define MONOTONIC_H

#include <stdint.h>

int64_t monotonic_ms(void);
int64_t monotonic_us(void);

/* Shortens *timeout, as poll(2) has it (-1: for ever), to so many milliseconds
 * from now; 0 where those have passed already. */
void monotonic_sooner(int *timeout, int64_t ms);

#endif
