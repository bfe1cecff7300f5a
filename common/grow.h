/*
 * Arrays that grow.
 */
#ifndef GROW_H
#define GROW_H

#include <stddef.h>

/* Room for one more element of size bytes in an array that has n of *cap.
 * Returns the array, which may have moved, or NULL with ENOMEM, and then the
 * old one stands. */
void *grow(void *array, size_t *cap, size_t n, size_t size);

#endif
