/* changer SEED OPERATIONS ROOT OUTSIDE: random changes below ROOT, with any
 * names and no hard links, as the tests of the watcher make them (changer.h).
 * A line for each goes to the file changes.log. */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>

#include "changer.h"

int
main(int argc, char *argv[])
{
	const char *roots[1];
	struct changer c = {.roots = roots,
	    .nroots = 1,
	    .log = "changes.log",
	    .odd_names = true};

	if (argc != 5)
		errx(2, "usage: changer seed operations root outside");
	c.seed = strtoull(argv[1], NULL, 10);
	c.ops = (unsigned)strtoul(argv[2], NULL, 10);
	roots[0] = argv[3];
	c.outside = argv[4];
	if (changer_run(&c) == -1)
		err(1, "%s", argv[3]);
	return 0;
}
