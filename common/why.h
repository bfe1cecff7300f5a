/*
 * Why something was refused, where an errno does not say it: a word for
 * machines and a text for people.
 *
 *	struct why w = WHY_NONE;
 *	if (...)
 *		return why_set(&w, "bad-path", "the path is empty");
 */
#ifndef WHY_H
#define WHY_H

struct why {
	const char *error; /* bad-json, loop, ...: see fswrite(1); NULL: the
			    * errno says it */
	char message[1024];
};

#define WHY_NONE         \
	{                \
		NULL, "" \
	}

/* Sets both; what does not fit into the message is cut. Returns -1, with errno
 * EINVAL. */
int why_set(struct why *w, const char *error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
