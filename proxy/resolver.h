/*
 * Looks up the names of servers, in processes of their own that live as long as that takes: the
 * master never waits for an answer. What they find comes through a pipe.
 */
#ifndef PROXY_RESOLVER_H
#define PROXY_RESOLVER_H

#include "proxy/privilege.h"
#include "proxy/roster.h"

#include <poll.h>

struct resolver {
	pid_t pid; /* 0: nothing is asked */
	int pipe;  /* -1: the same */
};

#define RESOLVER_NONE \
	{ \
		.pipe = -1 \
	}

/* Asks for all names of the roster that are due, without the master's privileges. */
void resolver_tend(struct resolver *resolver, struct roster *roster,
		   const struct privilege *privilege);

/* When it is to be called again, by clock_ms(); UINT64_MAX: never. */
uint64_t resolver_due_ms(const struct resolver *resolver, const struct roster *roster);

/* What poll(2) is to ask for, and what to do when there is something. */
struct pollfd resolver_poll(const struct resolver *resolver);
void resolver_hear(struct resolver *resolver, struct roster *roster, const struct log *log);

/* Gives up what is being asked. */
void resolver_release(struct resolver *resolver);

/* In a worker: closes its copy. */
void resolver_leave(const struct resolver *resolver);

/*
 * All addresses of `host:port`, in the order in which to try them; count 0 with *why, static, where
 * none is found. It may take long.
 */
void resolver_ask(const char *name, struct server_addresses *found, const char **why);

#endif
