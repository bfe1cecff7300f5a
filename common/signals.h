/*
 * Signals as one more descriptor for poll(2): a pipe to ourselves, so that no
 * work is done in a handler and no signal is lost between looking and waiting.
 *
 *	static const int set[] = { SIGTERM, SIGINT, SIGHUP };
 *	int fd = signals_open(set, 3);
 *	poll: fd is readable
 *	while ((sig = signals_read(fd)) != 0)
 *		...
 *	signals_close(fd);
 *
 * A process has one such descriptor at a time. System calls are restarted
 * where they can be (SA_RESTART); poll(2) never is and fails with EINTR.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stddef.h>

/* Asks for counters, as SIGUSR1 does: what ^T sends at a terminal, where there
 * is such a signal. */
#ifdef SIGINFO
#define SIGNALS_INFO SIGINFO
#else
#define SIGNALS_INFO SIGUSR1
#endif

/* Catches the n signals of set (one may be in it twice), except those that were
 * ignored before (as nohup(1) and shells without job control do): they stay
 * ignored. Returns a descriptor for poll, or -1 with errno (EBUSY: there is one
 * already). */
int signals_open(const int *set, size_t n);

/* The number of a signal that came, or 0 when there is none (left). A signal
 * that comes many times between two looks may be told less often. */
int signals_read(int fd);

/* Gives the signals back to what they did before, and closes fd (-1: does
 * nothing). */
void signals_close(int fd);

/* Ignores a signal for good: SIGPIPE and SIGXFSZ, so that write(2) says it. */
int signals_ignore(int sig);

#endif
