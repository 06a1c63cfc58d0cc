#include "base/hist.h"

static const uint64_t value_max = (uint64_t)1 << 40;

static const size_t sub_buckets = (size_t)1 << HIST_SUB_BITS;

void hist_init(struct hist *hist)
{
	*hist = (struct hist){ 0 };
}

/* How far a value is shifted so that HIST_SUB_BITS bits are left below its highest one. */
static unsigned shift_of(uint64_t value)
{
	unsigned highest_bit = value ? 63 - (unsigned)__builtin_clzll(value) : 0;

	return highest_bit > HIST_SUB_BITS ? highest_bit - HIST_SUB_BITS : 0;
}

/*
 * Values under 2 * sub_buckets have a bucket each. From there each power of two has sub_buckets,
 * and a shifted value is its bucket's number plus sub_buckets.
 */
static size_t bucket_of(uint64_t value)
{
	unsigned shift = shift_of(value);

	return shift * sub_buckets + (size_t)(value >> shift);
}

/* The highest value that falls into the bucket. */
static uint64_t bucket_top(size_t bucket)
{
	if (bucket < 2 * sub_buckets)
		return bucket;
	unsigned shift = (unsigned)(bucket / sub_buckets) - 1;
	uint64_t shifted = bucket - shift * sub_buckets;
	return ((shifted + 1) << shift) - 1;
}

void hist_add(struct hist *hist, uint64_t value)
{
	if (value > value_max)
		value = value_max;
	if (hist->count == 0 || value < hist->min)
		hist->min = value;
	if (value > hist->max)
		hist->max = value;
	hist->count++;
	hist->sum += value;
	hist->buckets[bucket_of(value)]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (from->count == 0)
		return;
	if (into->count == 0 || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

uint64_t hist_quantile(const struct hist *hist, double fraction)
{
	double rank = fraction * (double)hist->count;
	uint64_t below = 0;

	if (hist->count == 0)
		return 0;
	if (fraction <= 0)
		return hist->min;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		below += hist->buckets[i];
		if (below > 0 && (double)below >= rank) {
			uint64_t top = bucket_top(i);
			return top < hist->max ? top : hist->max;
		}
	}
	return hist->max;
}
