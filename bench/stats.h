/* What one loop of a run counts, in memory that the process which reports shares with it. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include "base/hist.h"
#include "bench/failure.h"

enum { STATS_SECONDS = 3600, STATS_NOTE_BYTES = 128 };

struct stats_second {
	uint64_t done;
	uint64_t errors;
};

struct stats {
	uint64_t accepted; /* units of work done */
	uint64_t measured; /* of those: after the warm-up */
	uint64_t octets;   /* of messages, after the warm-up */
	uint64_t failed;
	uint64_t connections; /* tried */
	uint64_t resumed;     /* of those: with a TLS session of before */
	uint64_t active;      /* open now */
	uint64_t survived;    /* idle sessions that were still there */
	struct failures failures;
	struct hist connect_us; /* durations are of what ended after the warm-up */
	struct hist command_us;
	struct hist message_us;
	struct stats_second seconds[STATS_SECONDS]; /* since the run began; more are not kept */
	char tls_note[STATS_NOTE_BYTES];            /* version and cipher of the first session */
};

void stats_merge(struct stats *into, const struct stats *from);

#endif
