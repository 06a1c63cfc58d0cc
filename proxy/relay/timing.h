/* Durations by size, as metrics tell them. Pure. */
#ifndef PROXY_RELAY_TIMING_H
#define PROXY_RELAY_TIMING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Bucket i has those of up to timing_bound_us(i), the last one all others. */
enum { TIMING_BOUNDS = 17 };

/* Written by one process. */
struct timing {
	uint64_t sum_us;
	uint64_t buckets[TIMING_BOUNDS + 1];
};

/* Written by all workers. */
struct shared_timing {
	_Atomic uint64_t sum_us;
	_Atomic uint64_t buckets[TIMING_BOUNDS + 1];
};

uint64_t timing_bound_us(size_t bucket);
void timing_add(struct timing *timing, uint64_t us);
uint64_t timing_count(const struct timing *timing);
/* In milliseconds; 0 where there are none. */
double timing_mean_ms(const struct timing *timing);

/* The duration that `fraction` of all are at or below, in microseconds: a bucket's bound. */
uint64_t timing_quantile_us(const struct timing *timing, double fraction);

/* Less than none is none. */
void shared_timing_add(struct shared_timing *timing, double seconds);
struct timing shared_timing_take(const struct shared_timing *timing);

#endif
