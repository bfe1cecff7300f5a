/*
 * Memory for what is read of one line: handed out from one block, and given
 * back all at once. jansson allocates a dozen times for a line, and
 * malloc(3) and free(3) would be a tenth of all that a command costs.
 *
 *	arena_begin();
 *	json = json_loadb(...);
 *	arena_end();
 *	... json ... no json_decref() is needed
 *	arena_drop();
 *
 * json_set_alloc_funcs() knows no context, so there is one arena for the
 * process, and one thread may use it. What jansson allocates outside of
 * arena_begin() and arena_end() comes from malloc(3) and may live longer.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

/* From here to arena_end() jansson's memory comes from the arena. */
void arena_begin(void);
void arena_end(void);

/* n bytes of it, until arena_drop(). NULL and ENOMEM where there are none. */
void *arena_alloc(size_t n);

/* One for each arena_begin(). With the last, all is given back. */
void arena_drop(void);

#endif
