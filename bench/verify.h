/* What a sink has got of a run, beside what the run was told: the verdict on the server between. */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include "bench/dialog.h"
#include "bench/load.h"

struct verify {
	bool is_asked;    /* a sink was to be asked */
	bool is_answered; /* and it answered; else `why` */
	const char *why;
	uint64_t told;        /* messages that were said 250 to */
	uint64_t lost;        /* of those: the sink has none */
	uint64_t unconfirmed; /* the sink has it, and the run was told no 250 for it */
	uint64_t doubled;
	uint64_t damaged;
};

/* Asks the sink at `address`; blocks, a few seconds at most. */
void verify_ask(struct verify *verify, const struct addr *address, const struct load *load);

bool verify_is_good(const struct verify *verify);

#endif
