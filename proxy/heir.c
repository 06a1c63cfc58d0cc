#include "proxy/announce.h"
#include "proxy/estate.h"
#include "proxy/succession.h"
#include "proxy/systemd.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* As long as all workers of a generation have, and what loading takes before. */
enum { READY_MS = 60 * 1000, LETTER_BYTES = 4096 };

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The path of our program; what was installed over it since is what is meant. */
static bool own_path(char *path, size_t size)
{
	static const char GONE[] = " (deleted)";
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	if (len <= 0)
		return false;
	path[len] = '\0';
	size_t end = (size_t)len - (sizeof(GONE) - 1);
	if ((size_t)len > sizeof(GONE) && strcmp(path + end, GONE) == 0)
		path[end] = '\0';
	return true;
}

/* ----------------------------------------------------------------------------------- starting */

/* What is in the hands of the new process, the text of the estate first. */
enum { PASS_TEXT, PASS_CHANNEL, PASS_KEYS, PASS_BANS, PASSED };

static void say(int channel, char letter, const char *text)
{
	char letters[LETTER_BYTES];
	int len = snprintf(letters, sizeof(letters), "%c%s", letter, text);
	size_t most = sizeof(letters) - 1;
	send(channel, letters, (size_t)len < most ? (size_t)len : most, MSG_NOSIGNAL);
}

static _Noreturn void become_heir(const struct crews *crews, const int *passed, char *const *argv)
{
	char path[PATH_MAX], text[64 + PATH_MAX];
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("WATCHDOG_PID", text, getenv("WATCHDOG_USEC") != NULL);
	path[0] = '\0';
	/* Signals stay blocked until it waits for them itself. */
	if (estate_pass(crews, passed, PASSED) && own_path(path, sizeof(path)))
		execv(path, argv);
	snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
	say(passed[PASS_CHANNEL], 'F', text);
	_exit(EXIT_FAILURE);
}

/* It is nobody's child but the system's, so that systemd hears when it ends. */
static bool fork_heir(const struct crews *crews, const int *passed, char *const *argv)
{
	fflush(NULL);
	pid_t middle = fork();
	if (middle == 0) {
		pid_t heir = fork();
		if (heir == 0)
			become_heir(crews, passed, argv);
		char text[16];
		snprintf(text, sizeof(text), "%d", (int)heir);
		say(passed[PASS_CHANNEL], 'P', text);
		_exit(heir < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	int status;
	return middle > 0 && waitpid(middle, &status, 0) == middle && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int write_keys(const struct ticket_keys *keys)
{
	int fd = memfd_create("keys", MFD_CLOEXEC);
	if (fd >= 0 && !ticket_keys_write(keys, fd))
		close_if_open(&fd);
	return fd;
}

bool succession_start(struct crews *crews, char *const *argv, struct complaints *complaints)
{
	struct succession *succession = &crews->succession;
	int ends[2] = { -1, -1 };
	int keys = write_keys(crews->upkeep.keys);
	int bans = memfd_create("bans", MFD_CLOEXEC);
	bool good = keys >= 0 && bans >= 0 && estate_write_bans(&crews->shared.addresses, bans) &&
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
	int text = good ? estate_write(crews, ends[1], keys, bans) : -1;
	good = text >= 0 && fork_heir(crews, (int[]){ text, ends[1], keys, bans }, argv);
	if (!good)
		complain(complaints, "the new program", "it cannot be started: %s",
			 strerror(errno));
	close_if_open(&text);
	close_if_open(&keys);
	close_if_open(&ends[1]);
	if (!good) {
		close_if_open(&bans);
		close_if_open(&ends[0]);
		return false;
	}
	succession->heir = ends[0];
	succession->heir_bans = bans;
	succession->heir_pid = 0;
	succession->due_ms = clock_ms() + READY_MS;
	return true;
}

/* ------------------------------------------------------------------------------------ hearing */

static enum heir_news give_up(struct succession *succession, struct complaints *complaints,
			      const char *why)
{
	for (struct slice rest = slice_str(why); rest.len > 0;) {
		struct slice line = slice_head(rest, slice_find(rest, '\n', 0));
		rest = slice_skip(rest, line.len + 1);
		complain(complaints, "the new program", "%.*s", (int)line.len, line.ptr);
	}
	close_if_open(&succession->heir);
	close_if_open(&succession->heir_bans);
	return HEIR_FAILED;
}

/* From now on whoever speaks to systemd is the heir. */
static enum heir_news hand_over(struct crews *crews)
{
	struct succession *succession = &crews->succession;
	estate_write_bans(&crews->shared.addresses, succession->heir_bans);
	close_if_open(&succession->heir_bans);
	systemd_notify("MAINPID=%d", (int)succession->heir_pid);
	unsetenv("NOTIFY_SOCKET");
	sockets_lend(&crews->sockets);
	hatches_lend(&crews->keeper.hatches);
	say(succession->heir, 'G', "");
	succession->left = true;
	/* Two programs at a time: whom we have followed has had its time. */
	succession_pass_on(succession, SIGTERM);
	return HEIR_READY;
}

static void take_pid(struct succession *succession, struct slice text)
{
	uint64_t pid;
	if (slice_number(text, &pid) && pid > 1 && pid <= INT32_MAX)
		succession->heir_pid = (pid_t)pid;
}

/* The next that the heir says: how much, or as recv(2). Which process it is, is ours to note. */
static ssize_t next_letter(struct succession *succession, char letters[LETTER_BYTES])
{
	ssize_t len = recv(succession->heir, letters, LETTER_BYTES - 1, MSG_DONTWAIT);
	if (len <= 0)
		return len;
	letters[len] = '\0';
	if (letters[0] == 'P')
		take_pid(succession, slice_str(letters + 1));
	return len;
}

static void kill_heir(const struct succession *succession)
{
	if (succession->heir_pid > 1)
		kill(succession->heir_pid, SIGKILL);
}

void succession_cancel(struct succession *succession)
{
	char letters[LETTER_BYTES];
	if (succession->heir < 0 || succession->left)
		return;
	/* What is not read would destroy our own word on its way. */
	while (next_letter(succession, letters) > 0)
		continue;
	say(succession->heir, 'C', "");
	kill_heir(succession);
	close_if_open(&succession->heir);
	close_if_open(&succession->heir_bans);
}

enum heir_news succession_hear(struct crews *crews, struct complaints *complaints)
{
	struct succession *succession = &crews->succession;
	char letters[LETTER_BYTES];
	ssize_t len = next_letter(succession, letters);
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (clock_ms() < succession->due_ms)
			return HEIR_NOTHING;
		kill_heir(succession);
		return give_up(succession, complaints, "it was not ready in time");
	}
	if (len <= 0)
		return give_up(succession, complaints, "it ended before it was ready");
	if (letters[0] == 'F')
		return give_up(succession, complaints, letters + 1);
	return letters[0] == 'R' ? hand_over(crews) : HEIR_NOTHING;
}

int succession_signal(struct succession *succession)
{
	static const int passed_on[] = { SIGTERM, SIGQUIT, SIGINT, SIGUSR1 };
	char letters[2];
	ssize_t len = recv(succession->heir, letters, sizeof(letters), MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len <= 0) {
		close_if_open(&succession->heir);
		return 0;
	}
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		if (len == 2 && letters[0] == 'S' && letters[1] == (char)passed_on[i])
			return passed_on[i];
	}
	return 0;
}

void succession_leave(const struct succession *succession)
{
	const int fds[] = { succession->heir, succession->heir_bans, succession->ancestor,
			    succession->ancestor_bans };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}
