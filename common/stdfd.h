/*
 * The three standard descriptors. A program that is started without one of
 * them would take the next file it opens for it, and write its output into
 * that, or read it as its input.
 *
 *	if (stdfd_fill() == -1)
 *		_exit(1);
 */
#ifndef STDFD_H
#define STDFD_H

/* To be called before anything is opened. Puts /dev/null in the place of each
 * one that is closed: stdin is then at its end, writing to stdout fails with
 * EBADF, as it should, and what goes to stderr is lost. Returns 0, or -1 with
 * the errno of open(2). */
int stdfd_fill(void);

#endif
