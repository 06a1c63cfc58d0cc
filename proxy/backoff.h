/* How long to wait before what has failed is tried again. Pure. */
#ifndef PROXY_BACKOFF_H
#define PROXY_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MOST_MS = 10 * 1000, BACKOFF_HEALTH_MS = 60 * 1000 };

/*
 * The delay after a failure, from the delay (*next_ms) that the last one left behind: nothing the
 * first time, then 100 ms, doubling to 10 s. A minute of health makes it the first time again.
 */
static inline uint64_t backoff(uint64_t *next_ms, uint64_t lived_ms)
{
	uint64_t delay_ms = lived_ms >= BACKOFF_HEALTH_MS ? 0 : *next_ms;
	uint64_t doubled_ms = delay_ms < BACKOFF_FIRST_MS ? BACKOFF_FIRST_MS : 2 * delay_ms;
	*next_ms = doubled_ms < BACKOFF_MOST_MS ? doubled_ms : BACKOFF_MOST_MS;
	return delay_ms;
}

#endif
