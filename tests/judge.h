/*
 * Is what flat_read() takes what jansson takes? Put to one line, whatever
 * bytes it has:
 *
 *	what = judge_line(line, len, &taken);
 *	if (what != NULL)
 *		... they differ in what it says
 *
 * And is the command the same whoever of the two has read the line? Another
 * member, that only jansson reads and that means nothing, must not matter.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stddef.h>

/* *taken: by flat_read(). Returns NULL, or what differs. */
const char *judge_line(const char *line, size_t len, bool *taken);

#endif
