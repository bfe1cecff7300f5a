/*
 * kqueue(2) for tests on Linux: what the back end needs of <sys/event.h>, with
 * the names, the values and the layout of FreeBSD 14. Behind it stands the
 * emulation in kqueue.c, over inotify(7), or a test's own fake. With
 * KQUEUE_PLAIN there are only the notes that every BSD has.
 *
 * kqueue.c needs the linker's --wrap=close: closing a descriptor ends its
 * notes.
 */
#ifndef TESTS_KQUEUE_SYS_EVENT_H
#define TESTS_KQUEUE_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_VNODE (-4)

#define EV_ADD	   0x0001
#define EV_DELETE  0x0002
#define EV_ENABLE  0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR   0x0020
#define EV_RECEIPT 0x0040
#define EV_ERROR   0x4000
#define EV_EOF	   0x8000

#define NOTE_DELETE 0x0001
#define NOTE_WRITE  0x0002
#define NOTE_EXTEND 0x0004
#define NOTE_ATTRIB 0x0008
#define NOTE_LINK   0x0010
#define NOTE_RENAME 0x0020
#define NOTE_REVOKE 0x0040
#ifndef KQUEUE_PLAIN
#define NOTE_OPEN	 0x0080
#define NOTE_CLOSE	 0x0100
#define NOTE_CLOSE_WRITE 0x0200
#define NOTE_READ	 0x0400
#endif

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(kev, id, fil, fl, ffl, dat, ud)   \
	(*(kev) = (struct kevent){.ident = (id), \
	     .filter = (short)(fil),             \
	     .flags = (unsigned short)(fl),      \
	     .fflags = (unsigned int)(ffl),      \
	     .data = (dat),                      \
	     .udata = (ud)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout);

#endif
