/*
 * floor_writes FILE: the least that appending lines to a file can cost, with
 * no parsing: one write(2) a line of stdin.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int fd;

	if (argc != 2)
		errx(2, "usage: floor_writes FILE");
	fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd == -1)
		err(1, "%s", argv[1]);
	while ((n = getline(&line, &size, stdin)) > 0)
		if (write(fd, line, (size_t)n) != n)
			err(1, "%s", argv[1]);
	if (ferror(stdin))
		err(1, "stdin");
	free(line);
	return 0;
}
