/*
 * What a story comes down to: the difference between one that was told step by
 * step and one that was found by comparing before and after.
 *
 *	if (!story_net_equal(got, "created d/a\nmodified d/a\n"))
 *		ck_abort_msg("%s", got);
 */
#ifndef STORY_H
#define STORY_H

#include <stdbool.h>

/* Do both stories (lines of harness_story()) come to the same? Their order
 * does not count, nor does that what was created was modified as well; and
 * what comes and goes within `want` need not be told. */
bool story_net_equal(const char *got, const char *want);

#endif
