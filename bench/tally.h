/*
 * Which numbers of which runs of the load tool have been seen: what is doubled, what is missing.
 * One bit a message, so the memory is bounded by the limits below.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "bench/message.h"

enum {
	TALLY_RUNS = 64,
	TALLY_NUMBERS = 1 << 26, /* of one run: 8 MB of bits */
};

struct tally_run {
	uint64_t run;
	uint64_t total;   /* how many the messages say there are */
	uint64_t seen;    /* different numbers */
	uint64_t doubled; /* messages with a number seen before */
	uint64_t damaged;
	uint8_t *bits; /* owned; by number, from 1 */
	size_t bits_len;
};

struct tally {
	struct tally_run runs[TALLY_RUNS];
	size_t count;
	uint64_t untracked; /* of more runs, or with higher numbers, than are tracked */
};

void tally_init(struct tally *tally);
void tally_release(struct tally *tally);

/* Counts a message that has come, with a number from 1. */
void tally_see(struct tally *tally, const struct message_id *id);

/* It was one whose checksum is wrong; it counts as seen all the same. */
void tally_damage(struct tally *tally, const struct message_id *id);

/* NULL: none of it has come. */
const struct tally_run *tally_find(const struct tally *tally, uint64_t run);
bool tally_has(const struct tally_run *run, uint64_t number);

/* Numbers not seen, of all runs together. */
uint64_t tally_missing(const struct tally *tally);
uint64_t tally_doubled(const struct tally *tally);

#endif
