/*
 * A histogram of durations with a relative error under 1 %, from 1 to 2^40: buckets grow with the
 * value, 128 to each power of two.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include "base/slice.h"

enum { HIST_SUB_BITS = 7, HIST_BUCKETS = (40 - HIST_SUB_BITS + 2) << HIST_SUB_BITS };

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t buckets[HIST_BUCKETS];
};

void hist_init(struct hist *hist);
/* Values over 2^40 count as that. */
void hist_add(struct hist *hist, uint64_t value);
void hist_merge(struct hist *into, const struct hist *from);
/* The value that `fraction` (0 to 1) of all are at or below; 0 when there are none. */
uint64_t hist_quantile(const struct hist *hist, double fraction);

#endif
