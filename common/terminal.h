/*
 * What a descriptor can show a person.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

/* Is fd a terminal that may be coloured? Not where NO_COLOR is set to
 * anything but nothing (no-color.org), or TERM is "dumb" or not set. */
bool terminal_colors(int fd);

/* Is fd a terminal on which the cursor can be moved? Not where TERM is "dumb"
 * or not set. */
bool terminal_moves(int fd);

/* The columns of the terminal fd; 0 where it is none or does not tell. */
int terminal_width(int fd);

#endif
