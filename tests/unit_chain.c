#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain.h"
#include "harness.h"
#include "scratch.h"
#include "suite.h"

/* A process that holds only these ends of pipes (-1: none); in a process
 * group of its own where group is set. */
static pid_t
part(int in, int out, bool group)
{
	int ready[2], i;
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (group)
			(void)setpgid(0, 0);
		for (i = 0; i < 64; i++)
			if (i != in && i != out && i != ready[1])
				(void)close(i);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
end_part(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* Ends it while this process waits for something else. */
static void
end_in(pid_t victim, int ms)
{
	pid_t pid;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		closefrom(0);
		(void)poll(NULL, 0, ms);
		(void)kill(victim, SIGKILL);
		_exit(0);
	}
}

static void
be_fed(int fd)
{
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	(void)close(fd);
}

START_TEST(whoever_writes_into_our_stdin_feeds_us)
{
	struct chain *c;
	pid_t writer, other;
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	writer = part(-1, p[1], true);
	other = part(-1, -1, true);
	(void)close(p[1]);
	be_fed(p[0]);
	c = chain_open();
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(chain_feeds(c, writer), 1);
	ck_assert_int_eq(chain_feeds(c, other), 0);
	ck_assert_int_eq(chain_feeds(c, getpid()), 0);
	end_part(writer);
	ck_assert_int_eq(chain_feeds(c, writer), 0);
	chain_close(c);
	end_part(other);
}
END_TEST

START_TEST(who_feeds_those_who_feed_us_does_too)
{
	pid_t first, middle, last, beside;
	int a[2], b[2], d[2], x[2];
	struct chain *c;

	ck_assert_int_eq(pipe(a), 0);
	ck_assert_int_eq(pipe(b), 0);
	ck_assert_int_eq(pipe(d), 0);
	ck_assert_int_eq(pipe(x), 0);
	first = part(-1, a[1], true);
	middle = part(a[0], b[1], true);
	last = part(b[0], d[1], true);
	/* This one reads what goes elsewhere. */
	beside = part(-1, x[1], true);
	(void)close(a[0]);
	(void)close(a[1]);
	(void)close(b[0]);
	(void)close(b[1]);
	(void)close(d[1]);
	be_fed(d[0]);
	c = chain_open();
	ck_assert_int_eq(chain_feeds(c, first), 1);
	ck_assert_int_eq(chain_feeds(c, middle), 1);
	ck_assert_int_eq(chain_feeds(c, last), 1);
	ck_assert_int_eq(chain_feeds(c, beside), 0);
	chain_close(c);
	end_part(first);
	end_part(middle);
	end_part(last);
	end_part(beside);
}
END_TEST

START_TEST(who_feeds_us_only_until_it_runs_its_program_does_not)
{
	int ours[2], theirs[2];
	pid_t other, writer, child;
	struct chain *c;

	ck_assert_int_eq(pipe(ours), 0);
	ck_assert_int_eq(pipe(theirs), 0);
	other = part(-1, theirs[1], true);
	writer = part(-1, ours[1], true);
	/* A shell's child that has not yet closed what is not its own. */
	child = part(theirs[0], ours[1], true);
	(void)close(theirs[0]);
	(void)close(theirs[1]);
	(void)close(ours[1]);
	be_fed(ours[0]);
	c = chain_open();
	ck_assert_ptr_nonnull(c);
	end_in(child, 100);
	ck_assert_int_eq(chain_feeds(c, other), 0);
	ck_assert_int_eq(chain_feeds(c, writer), 1);
	chain_close(c);
	end_part(child);
	end_part(other);
	end_part(writer);
}
END_TEST

START_TEST(who_comes_later_is_found)
{
	struct chain *c;
	struct scratch s;
	pid_t writer;
	int r, w;

	scratch_open(&s);
	ck_assert_int_eq(mkfifoat(s.fd, "p", 0600), 0);
	r = openat(s.fd, "p", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	be_fed(r);
	c = chain_open();
	w = openat(s.fd, "p", O_WRONLY | O_CLOEXEC);
	writer = part(-1, w, true);
	(void)close(w);
	ck_assert_int_eq(chain_feeds(c, writer), 1);
	end_part(writer);
	chain_close(c);
	scratch_close(&s);
}
END_TEST

START_TEST(where_no_pipe_is_nobody_feeds_us)
{
	struct chain *c;
	pid_t group = part(-1, -1, false);

	be_fed(open("/dev/null", O_RDONLY | O_CLOEXEC));
	c = chain_open();
	ck_assert_int_eq(chain_feeds(c, group), 0);
	chain_close(c);
	end_part(group);
}
END_TEST

START_TEST(behind_a_socket_our_process_group_counts)
{
	pid_t ours, other;
	struct chain *c;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = part(-1, -1, false);
	other = part(-1, -1, true);
	/* Both are our children, and so descend from our group. A third is
	 * nobody's. */
	be_fed(pair[0]);
	c = chain_open();
	ck_assert_int_eq(chain_feeds(c, ours), 1);
	ck_assert_int_eq(chain_feeds(c, other), 1);
	ck_assert_int_eq(chain_feeds(c, 1), 0);
	chain_close(c);
	end_part(ours);
	end_part(other);
}
END_TEST

START_TEST(the_helper_keeps_no_end_of_any_pipe)
{
	struct chain *c;
	int p[2], q[2];
	char byte;

	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(pipe(q), 0);
	be_fed(p[0]);
	c = chain_open();
	ck_assert_int_eq(chain_feeds(c, 1), 0);
	(void)close(q[1]);
	ck_assert_int_eq(read(q[0], &byte, 1), 0);
	(void)close(STDIN_FILENO);
	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(write(p[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	chain_close(c);
	/* And it has ended. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	chain_close(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("chain");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_set_timeout(core, 30);
	tcase_set_timeout(hostile, 30);
	tcase_add_test(core, whoever_writes_into_our_stdin_feeds_us);
	tcase_add_test(core, who_feeds_those_who_feed_us_does_too);
	tcase_add_test(core,
	    who_feeds_us_only_until_it_runs_its_program_does_not);
	tcase_add_test(core, who_comes_later_is_found);
	tcase_add_test(core, where_no_pipe_is_nobody_feeds_us);
	tcase_add_test(hostile, behind_a_socket_our_process_group_counts);
	tcase_add_test(hostile, the_helper_keeps_no_end_of_any_pipe);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
