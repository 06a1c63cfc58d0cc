/* CPU time and memory of other processes and of all that descend from them, over a run (Linux). */
#ifndef BENCH_OBSERVE_H
#define BENCH_OBSERVE_H

#include "bench/options.h"

enum { OBSERVE_SAMPLES = 2400, OBSERVE_FAMILY_MAX = 256 };

struct observe_sample {
	uint64_t at_us; /* since the run began */
	uint64_t cpu_us;
	uint64_t pss_bytes;
};

struct observe {
	struct options_pids pids;
	size_t count;
	struct observe_sample samples[OBSERVE_SAMPLES]; /* when full, every second one is dropped */
	uint64_t every_us;
};

void observe_init(struct observe *observe, const struct options_pids *pids);
/* Takes a sample, when it is time for one or `must`. */
void observe_look(struct observe *observe, uint64_t at_us, bool must);

/* CPU time that all of them have used since they began. */
uint64_t observe_cpu_us(const struct observe *observe);
uint64_t observe_pss_bytes(const struct observe *observe);

#endif
