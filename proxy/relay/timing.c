#include "proxy/relay/timing.h"

static const uint64_t bounds_us[TIMING_BOUNDS] = {
	100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

uint64_t timing_bound_us(size_t bucket)
{
	return bounds_us[bucket];
}

static size_t bucket_of(uint64_t us)
{
	size_t bucket = 0;

	while (bucket < TIMING_BOUNDS && us > bounds_us[bucket])
		bucket++;
	return bucket;
}

void timing_add(struct timing *timing, uint64_t us)
{
	timing->buckets[bucket_of(us)]++;
	timing->sum_us += us;
}

uint64_t timing_count(const struct timing *timing)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= TIMING_BOUNDS; i++)
		count += timing->buckets[i];
	return count;
}

double timing_mean_ms(const struct timing *timing)
{
	uint64_t count = timing_count(timing);

	return count == 0 ? 0 : (double)timing->sum_us / 1000 / (double)count;
}

uint64_t timing_quantile_us(const struct timing *timing, double fraction)
{
	double rank = fraction * (double)timing_count(timing);
	uint64_t below = 0;

	for (size_t i = 0; i < TIMING_BOUNDS; i++) {
		below += timing->buckets[i];
		if (below > 0 && (double)below >= rank)
			return timing_bound_us(i);
	}
	return below > 0 ? timing_bound_us(TIMING_BOUNDS - 1) : 0;
}

void shared_timing_add(struct shared_timing *timing, double seconds)
{
	uint64_t us = seconds > 0 ? (uint64_t)(seconds * 1e6) : 0;

	timing->buckets[bucket_of(us)]++;
	timing->sum_us += us;
}

struct timing shared_timing_take(const struct shared_timing *timing)
{
	struct timing taken = { .sum_us = timing->sum_us };

	for (size_t i = 0; i <= TIMING_BOUNDS; i++)
		taken.buckets[i] = timing->buckets[i];
	return taken;
}
