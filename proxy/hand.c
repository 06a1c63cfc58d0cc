#include "proxy/hand.h"
#include "proxy/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What went wrong in the new process, as it tells the old one. */
struct failure {
	const char *what; /* a literal: the same in both */
	int error;
};

void hand_hatches(struct hand *hand, const struct hatches *hatches)
{
	size_t next = HANDED_METRICS - HANDED_FIRST;
	hand->fds[HANDED_CONTROL - HANDED_FIRST] = hatches->control ? hatches->item[0].fd : -1;
	for (size_t i = hatches->control; i < hatches->count; i++)
		hand->fds[next++] = hatches->item[i].fd;
	while (next < HAND_FDS)
		hand->fds[next++] = -1;
}

static void close_end(int *end)
{
	if (*end >= 0)
		close(*end);
	*end = -1;
}

/* First out of the way of the numbers that they are to have. */
static bool take_in_hand(const int fds[HAND_FDS])
{
	int away[HAND_FDS];
	for (size_t i = 0; i < HAND_FDS; i++) {
		away[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, HANDED_END);
		if (fds[i] >= 0 && away[i] < 0)
			return false;
	}
	for (size_t i = 0; i < HAND_FDS; i++) {
		int number = HANDED_FIRST + (int)i;
		if (away[i] >= 0 && dup2(away[i], number) < 0)
			return false;
		if (away[i] < 0)
			close(number);
	}
	return true;
}

/*
 * All other descriptors are closed by the exec: ours are marked so, and those that were left open
 * by whoever started us are marked here. Kernels before 5.11 do not know how.
 */
static void drop_others(void)
{
	close_range(HANDED_END, ~0U, CLOSE_RANGE_CLOEXEC);
}

/*
 * What is sent to all processes of a terminal or a service is for the master alone. Ignored before
 * the exec, for it lasts: the program would be too late for the first ones. They were blocked.
 */
static void ignore_signals(void)
{
	static const int ignored[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2
	};
	sigset_t none;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The new process, up to the exec. What it returns with has gone wrong. */
static const char *become(const struct hand *hand, const int fds[HAND_FDS], int program,
			  pid_t parent)
{
	char *argv[] = { (char *)hand->name, (char *)hand->path, NULL };
	if (!take_in_hand(fds))
		return "descriptors cannot be had";
	drop_others();
	if (!privilege_drop(hand->privilege) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return "privileges cannot be dropped";
	/* Changed credentials would have cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return "the master is gone";
	ignore_signals();
	fexecve(program, argv, environ);
	return hand->name;
}

static _Noreturn void child_main(const struct hand *hand, int channel, int report, pid_t parent)
{
	int fds[HAND_FDS];
	memcpy(fds, hand->fds, sizeof(fds));
	fds[HANDED_CHANNEL - HANDED_FIRST] = channel;
	int program = fcntl(hand->program, F_DUPFD_CLOEXEC, HANDED_END);
	int away = fcntl(report, F_DUPFD_CLOEXEC, HANDED_END);
	struct failure failure = { "descriptors cannot be had", errno };
	if (program >= 0 && away >= 0)
		failure = (struct failure){ become(hand, fds, program, parent), errno };
	ssize_t written = write(away >= 0 ? away : report, &failure, sizeof(failure));
	_exit(written > 0 ? EXIT_FAILURE : EXIT_FAILURE + 1);
}

/* Waits for the exec, which closes the pipe, or for what went wrong before. */
static bool wait_for_it(int report, char *why, size_t why_size)
{
	struct failure failure;
	ssize_t len;
	do
		len = read(report, &failure, sizeof(failure));
	while (len < 0 && errno == EINTR);
	if (len == 0)
		return true;
	snprintf(why, why_size, "%s: %s", len > 0 ? failure.what : "it is not known why",
		 strerror(len > 0 ? failure.error : errno));
	return false;
}

bool hand_start(const struct hand *hand, pid_t *pid, int *channel, char *why, size_t why_size)
{
	pid_t parent = getpid(), child = -1;
	int ends[2] = { -1, -1 }, report[2] = { -1, -1 };
	if (channel_open(ends) && pipe2(report, O_CLOEXEC) == 0) {
		fflush(NULL); /* or the new process might write what is buffered once more */
		child = fork();
	}
	if (child == 0)
		child_main(hand, ends[1], report[1], parent);
	snprintf(why, why_size, "%s", strerror(errno));
	close_end(&ends[1]);
	close_end(&report[1]);
	bool good = child > 0 && wait_for_it(report[0], why, why_size);
	close_end(&report[0]);
	if (child > 0 && !good)
		waitpid(child, NULL, 0);
	if (!good)
		close_end(&ends[0]);
	*pid = good ? child : 0;
	*channel = ends[0];
	return good;
}
