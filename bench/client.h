/*
 * One connection of the load tool: connects, shakes hands, and sends messages until the run has no
 * more for it, or is held idle.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "bench/load.h"

struct client;

/*
 * Opens one for message (or idle session) `number`. It frees itself, with load_gone(). False when
 * there is none, which then has been counted as a failure.
 */
bool client_open(struct load *load, uint64_t number);

/* Says NOOP on one that is held. */
void client_probe(struct client *client);

/* Gives up, for want of time. Frees it. */
void client_expire(struct client *client);

/* In the order of load->clients, which the caller walks when it frees none but the last seen. */
struct client *client_next(const struct client *client);

#endif
