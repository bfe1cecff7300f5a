#include "terminal.h"

#include <sys/ioctl.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
terminal_moves(int fd)
{
	const char *term = getenv("TERM");

	return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0 &&
	    isatty(fd);
}

bool
terminal_colors(int fd)
{
	const char *no = getenv("NO_COLOR");

	return (no == NULL || *no == '\0') && terminal_moves(fd);
}

int
terminal_width(int fd)
{
	struct winsize size;

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) == -1)
		return 0;
	return size.ws_col;
}
