#include "proxy/resolver.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASK_SECONDS = 30, ANSWER_FD = 3 };

/* What comes through the pipe: one write(2), so whole. */
struct answer {
	uint32_t row;
	char why[64]; /* where there is no address */
	struct server_addresses addresses;
};

_Static_assert(sizeof(struct answer) <= PIPE_BUF, "answers do not mix");

/* ------------------------------------------------------------------------------ the processes */

static void add_address(struct server_addresses *found, const struct addrinfo *info, in_port_t port)
{
	struct addr *addr = &found->item[found->count];
	if (found->count == SERVER_ADDRESSES_MAX || info->ai_addrlen > sizeof(addr->local))
		return;
	*addr = (struct addr){ .len = info->ai_addrlen };
	memcpy(&addr->any, info->ai_addr, info->ai_addrlen);
	if (addr->any.sa_family == AF_INET)
		addr->v4.sin_port = port;
	else if (addr->any.sa_family == AF_INET6)
		addr->v6.sin6_port = port;
	else
		return;
	found->count++;
}

void resolver_ask(const char *name, struct server_addresses *found, const char **why)
{
	char host[SERVER_NAME_BYTES] = { 0 };
	uint64_t port = 0;
	size_t colon = slice_find(slice_str(name), ':', 0);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *info;
	*found = (struct server_addresses){ .count = 0 };
	memcpy(host, name, colon < sizeof(host) - 1 ? colon : sizeof(host) - 1);
	slice_number(slice_skip(slice_str(name), colon + 1), &port);
	int error = getaddrinfo(host, NULL, &hints, &info);
	*why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
	if (error != 0)
		return;
	for (const struct addrinfo *at = info; at != NULL; at = at->ai_next)
		add_address(found, at, htons((uint16_t)port));
	freeaddrinfo(info);
}

/* Ends with the process that forked it, and in any case. */
static bool be_bounded(pid_t parent)
{
	alarm(ASK_SECONDS);
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

static _Noreturn void ask_one(const struct roster_row *row, uint32_t number, pid_t parent)
{
	struct answer answer = { .row = number };
	const char *why;
	if (!be_bounded(parent))
		_exit(EXIT_FAILURE);
	resolver_ask(row->name, &answer.addresses, &why);
	memcpy(answer.why, why, strnlen(why, sizeof(answer.why) - 1));
	_exit(write(ANSWER_FD, &answer, sizeof(answer)) == sizeof(answer) ? EXIT_SUCCESS
									  : EXIT_FAILURE);
}

/* One process a name, so that none waits for another; then waits for all of them. */
static _Noreturn void ask_all(const struct roster *roster, int pipe,
			      const struct privilege *privilege, pid_t master)
{
	pid_t self = getpid();
	/* Of all that is the master's nothing is left. */
	if (dup2(pipe, ANSWER_FD) < 0 || close_range(ANSWER_FD + 1, UINT_MAX, 0) != 0 ||
	    !be_bounded(master) || !privilege_drop(privilege))
		_exit(EXIT_FAILURE);
	for (uint32_t i = 0; i < SERVERS_MAX; i++) {
		if (roster->rows[i].asked && fork() == 0)
			ask_one(&roster->rows[i], i, self);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	_exit(EXIT_SUCCESS);
}

/* ---------------------------------------------------------------------------------- the master */

void resolver_tend(struct resolver *resolver, struct roster *roster,
		   const struct privilege *privilege)
{
	uint64_t now_ms = clock_ms();
	int ends[2];
	if (resolver->pipe >= 0 || roster_due_ms(roster) > now_ms)
		return;
	roster_ask(roster, now_ms);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	pid_t master = getpid();
	resolver->pid = fork();
	if (resolver->pid == 0)
		ask_all(roster, ends[1], privilege, master);
	close(ends[1]);
	if (resolver->pid < 0) {
		resolver->pid = 0;
		close(ends[0]);
		return;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	resolver->pipe = ends[0];
}

uint64_t resolver_due_ms(const struct resolver *resolver, const struct roster *roster)
{
	return resolver->pipe >= 0 ? UINT64_MAX : roster_due_ms(roster);
}

struct pollfd resolver_poll(const struct resolver *resolver)
{
	return (struct pollfd){ .fd = resolver->pipe, .events = POLLIN };
}

void resolver_hear(struct resolver *resolver, struct roster *roster, const struct log *log)
{
	struct answer answer;
	ssize_t n;
	while ((n = read(resolver->pipe, &answer, sizeof(answer))) == (ssize_t)sizeof(answer)) {
		answer.why[sizeof(answer.why) - 1] = '\0';
		roster_learn(roster, answer.row, &answer.addresses, answer.why, log);
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* All have ended; who has not answered never will. */
	resolver_release(resolver);
	for (uint32_t i = 0; i < SERVERS_MAX; i++)
		roster_learn(roster, i, &(struct server_addresses){ .count = 0 },
			     "no answer in time", log);
}

void resolver_release(struct resolver *resolver)
{
	if (resolver->pipe < 0)
		return;
	close(resolver->pipe);
	kill(resolver->pid, SIGKILL);
	while (waitpid(resolver->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*resolver = (struct resolver)RESOLVER_NONE;
}

void resolver_leave(const struct resolver *resolver)
{
	if (resolver->pipe >= 0)
		close(resolver->pipe);
}
