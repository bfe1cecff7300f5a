/*
 * feed FILE PROGRAM [ARG ...]: runs the program with the file's content coming
 * through a pipe, and prints how long that took, in seconds, and the time of a
 * processor that the program and what it waited for have used. Fails when the
 * program does.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

int
main(int argc, char *argv[])
{
	struct rusage used;
	struct stat st;
	double begin;
	char *data, *p;
	ssize_t n;
	int fd, in[2], status;
	pid_t pid;

	if (argc < 3)
		errx(2, "usage: feed FILE PROGRAM [ARG ...]");
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "%s", argv[1]);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (data == MAP_FAILED || pipe2(in, O_CLOEXEC) == -1)
		err(1, "%s", argv[1]);
	(void)signal(SIGPIPE, SIG_IGN);
	begin = now();
	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	(void)close(in[0]);
	for (p = data; p < data + st.st_size; p += n) {
		n = write(in[1], p, (size_t)(data + st.st_size - p));
		if (n == -1)
			err(1, "%s does not read", argv[2]);
	}
	(void)close(in[1]);
	if (wait4(pid, &status, 0, &used) == -1)
		err(1, "wait");
	(void)printf("%.6f %.6f\n", now() - begin,
	    seconds(&used.ru_utime) + seconds(&used.ru_stime));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
