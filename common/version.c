#include "version.h"

#include <stdlib.h>

#include "backend.h"
#include "buf.h"

/* The Makefile knows FSPIPE_VERSION, and of FSPIPE_LIBBSD, FSPIPE_JANSSON and
 * FSPIPE_SANDBOX what was there when this was built. */

static void
first_line(struct buf *b, const char *program)
{
	buf_adds(b, program);
	buf_adds(b, " " FSPIPE_VERSION "\n");
}

void
version_watch(struct buf *b)
{
	size_t i;

	first_line(b, "fswatch-events");
	buf_adds(b, "back ends:");
	for (i = 0; backends[i] != NULL; i++) {
		buf_adds(b, i > 0 ? ", " : " ");
		buf_adds(b, backends[i]->name);
	}
	buf_adds(b, "\nbuilt with " FSPIPE_LIBBSD "\n");
	buf_addc(b, '\0');
}

void
version_write(struct buf *b)
{
	first_line(b, "fswrite");
	buf_adds(b,
	    "sandbox: " FSPIPE_SANDBOX "\n"
	    "built with " FSPIPE_JANSSON ", " FSPIPE_LIBBSD "\n");
	buf_addc(b, '\0');
}
