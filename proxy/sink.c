#include "proxy/sink.h"
#include "proxy/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * In the new process. It has a group of its own, so that Ctrl-C at the terminal is for the proxy
 * alone, and does not outlive it.
 */
static _Noreturn void sink_exec(int out, pid_t parent)
{
	char path[PATH_MAX];
	char name[] = "postern-sink";
	char address[] = "127.0.0.1:0";
	char *argv[] = { name, address, NULL };
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 && getppid() == parent &&
	    dup2(out, STDOUT_FILENO) >= 0) {
		if (beside(name, path, sizeof(path)))
			execv(path, argv);
		execvp(name, argv);
	}
	fprintf(stderr, "postern demo: %s cannot be started: %s\n", name, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* Its first line is `listening on ADDRESS`. */
static bool sink_read_address(struct sink_process *sink, int in)
{
	static const char intro[] = "listening on ";
	FILE *lines = fdopen(in, "re");
	char line[ADDR_TEXT_BYTES];
	if (lines == NULL) {
		close(in);
		return false;
	}
	bool good = fgets(line, sizeof(line), lines) != NULL &&
		    strncmp(line, intro, sizeof(intro) - 1) == 0;
	fclose(lines);
	if (!good)
		return false;
	line[strcspn(line, "\n")] = '\0';
	snprintf(sink->address, sizeof(sink->address), "%s", line + sizeof(intro) - 1);
	return true;
}

bool sink_start(struct sink_process *sink)
{
	pid_t parent = getpid();
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fflush(NULL);
	sink->pid = fork();
	if (sink->pid == 0)
		sink_exec(ends[1], parent);
	close(ends[1]);
	if (sink->pid > 0 && sink_read_address(sink, ends[0]))
		return true;
	if (sink->pid < 0)
		close(ends[0]);
	fprintf(stderr, "postern demo: postern-sink does not listen\n");
	return false;
}

void sink_stop(struct sink_process *sink)
{
	if (sink->pid <= 0)
		return;
	kill(sink->pid, SIGTERM);
	while (waitpid(sink->pid, NULL, 0) < 0 && errno == EINTR)
		;
	sink->pid = 0;
}
