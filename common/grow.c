#include "grow.h"

#include <stdlib.h>

#define GROW_FIRST 16

void *
grow(void *array, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap == 0 ? GROW_FIRST : *cap * 2;
	void *p;

	if (n < *cap)
		return array;
	p = reallocarray(array, more, size);
	if (p != NULL)
		*cap = more;
	return p;
}
