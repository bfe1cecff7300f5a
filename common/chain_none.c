#include "chain.h"

#include <stdlib.h>
#include <unistd.h>

struct chain {
	pid_t group;
};

struct chain *
chain_open(void)
{
	struct chain *c;

	c = malloc(sizeof(*c));
	if (c != NULL)
		c->group = getpgrp();
	return c;
}

int
chain_feeds(struct chain *c, pid_t pid)
{
	return getpgid(pid) == c->group;
}

void
chain_close(struct chain *c)
{
	free(c);
}
