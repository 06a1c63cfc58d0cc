/*
 * The master: reads configuration and certificates, opens all sockets, starts, watches and replaces
 * the workers. It never reads a byte from the network. It has one thread and no event loop, so that
 * nothing of the kind is inherited across a fork: signals come by signalfd(2), all else by poll(2).
 */
#ifndef PROXY_MASTER_H
#define PROXY_MASTER_H

#include "config/config.h"
#include "proxy/exit.h"

struct master_options {
	const char *path; /* the configuration */
	struct strings overrides;
	/* Called once, when all workers are up for the first time; may be NULL. */
	void (*ready)(void *owner, const struct config *config);
	void *owner;
	char *const *argv; /* of the program, to start it anew (SIGUSR2); NULL: that is ignored */
};

/* Runs until it is asked to stop. Signals stay blocked afterwards: the process should end soon. */
enum exit_status master_run(const struct master_options *options);

#endif
