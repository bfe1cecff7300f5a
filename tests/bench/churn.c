/*
 * churn directory files [processes]: each process makes, writes, closes and
 * unlinks that many files, one after the other, then makes one that is called
 * "end" and its number.
 */
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
change(int dir, int process, long files)
{
	char name[64];
	long i;
	int fd;

	for (i = 0; i < files; i++) {
		(void)snprintf(name, sizeof(name), "file-%d-%ld", process, i);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0666);
		if (fd == -1 || write(fd, "content\n", 8) != 8 ||
		    close(fd) == -1 || unlinkat(dir, name, 0) == -1)
			err(1, "%s", name);
	}
}

int
main(int argc, char *argv[])
{
	int dir, i, status, failed = 0;
	int processes = argc > 3 ? atoi(argv[3]) : 1;
	long files = argc > 2 ? atol(argv[2]) : 0;
	pid_t pid;

	if (argc < 3 || argc > 4 || processes < 1)
		errx(2, "usage: churn directory files [processes]");
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		err(1, "%s", argv[1]);
	for (i = 0; i < processes; i++) {
		pid = fork();
		if (pid == -1)
			err(1, "fork");
		if (pid == 0) {
			change(dir, i, files);
			_exit(0);
		}
	}
	while (wait(&status) != -1)
		if (status != 0)
			failed = 1;
	return failed;
}
