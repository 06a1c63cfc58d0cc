/*
 * A token bucket as one number (GCRA, ITU-T I.371): the time at which the bucket would be full
 * again. So many events may come at once, and then one for each that time has given back. Pure.
 */
#ifndef PROXY_ADMIT_RATE_H
#define PROXY_ADMIT_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_bucket {
	uint64_t interval_us; /* in which one event is given back */
	uint64_t burst_us;    /* what a full bucket allows at once, less one event */
};

/* `count` (at least 1) events in `per_ms`. */
static inline struct rate_bucket rate_bucket(uint64_t count, uint64_t per_ms)
{
	uint64_t interval_us = per_ms * 1000 / count;

	if (interval_us == 0)
		interval_us = 1;
	return (struct rate_bucket){ interval_us, (count - 1) * interval_us };
}

/* An event at `now_us`: false, and *full_us stays as it is, when it is one too many. */
static inline bool rate_take(const struct rate_bucket *bucket, uint64_t *full_us, uint64_t now_us)
{
	uint64_t from_us = *full_us > now_us ? *full_us : now_us;

	if (from_us - now_us > bucket->burst_us)
		return false;
	*full_us = from_us + bucket->interval_us;
	return true;
}

/* How many events the bucket has to give back still. */
static inline uint64_t rate_used(const struct rate_bucket *bucket, uint64_t full_us,
				 uint64_t now_us)
{
	if (full_us <= now_us)
		return 0;
	return (full_us - now_us + bucket->interval_us - 1) / bucket->interval_us;
}

#endif
