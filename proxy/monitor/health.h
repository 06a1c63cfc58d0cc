/* When a server is up and when it is down. Pure. */
#ifndef PROXY_MONITOR_HEALTH_H
#define PROXY_MONITOR_HEALTH_H

#include "proxy/relay/servers.h"

enum { HEALTH_GOOD = 2, HEALTH_BAD = 3 };

struct health {
	uint8_t good, bad; /* probes in a row */
};

/*
 * What it is after a probe: up after two good ones, or the first of all; down after three bad ones.
 * So one answer is enough to serve at start, and a server that starts a little later than we do is
 * not given up.
 */
static inline enum server_health health_next(struct health *health, enum server_health now,
					     bool good)
{
	uint8_t *same = good ? &health->good : &health->bad;
	uint8_t *other = good ? &health->bad : &health->good;

	*other = 0;
	if (*same < HEALTH_BAD)
		++*same;
	if (good && (now == SERVER_UNKNOWN || health->good >= HEALTH_GOOD))
		return SERVER_UP;
	return health->bad == HEALTH_BAD ? SERVER_DOWN : now;
}

/* The last probe contradicts what it is said to be: better ask again soon. */
static inline bool health_doubts(const struct health *health, enum server_health now)
{
	return (now != SERVER_DOWN && health->bad > 0) || (now == SERVER_DOWN && health->good > 0);
}

#endif
