/*
 * A worker: a process with one loop, which accepts connections and runs the relay. It opens no
 * file, resolves no name, starts no process; its configuration never changes.
 *
 * The master tells it what to do by its record in shared memory, and wakes it through the channel.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "proxy/generation.h"
#include "proxy/shared.h"
#include "proxy/sockets.h"

struct worker_setup {
	const struct generation *generation;
	const struct shared *shared;
	struct sockets *sockets;
	const struct entrances *entrances;
	const size_t *records; /* of all workers of the generation, by index */
	size_t workers;
	size_t index;
	int channel;
	pid_t master;
	const struct ticket_keys *keys;
};

/*
 * Runs until ordered to go and done, or until the master is gone. The process' exit status. It is
 * called in a process of its own, which ends with it; the channel is the worker's now.
 */
int worker_run(const struct worker_setup *setup);

#endif
