/*
 * One connection of the load tool: connects, shakes hands, and sends messages until the run has no
 * more for it, or is held idle.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "bench/load.h"

struct client;

/*
 * Opens one for the unit of work. It frees itself, with load_gone(). False when there is none,
 * which then has been counted as a failure.
 */
bool client_open(struct load *load, const struct unit *unit);

/* One of load->parked goes on with another unit, or with QUIT; it is parked no more. */
void client_resume(struct client *client, const struct unit *unit);
void client_retire(struct client *client);

/* Says NOOP on one that is held. */
void client_probe(struct client *client);

/* Gives up, for want of time. Frees it. */
void client_expire(struct client *client);

/* In the order of load->clients, which the caller walks when it frees none but the last seen. */
struct client *client_next(const struct client *client);

#endif
