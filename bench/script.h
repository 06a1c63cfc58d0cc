/*
 * What a connection does, and of what sort its messages are: the same for all, or by the dice of a
 * mix that resembles what mail servers see. The same seed rolls the same dice.
 */
#ifndef BENCH_SCRIPT_H
#define BENCH_SCRIPT_H

#include "base/slice.h"

struct dice {
	uint64_t state; /* never 0 */
};

/* `stream` tells loops with the same seed apart. */
void dice_init(struct dice *dice, uint64_t seed, uint64_t stream);
/* From 0 up to, but not, 1. */
double dice_roll(struct dice *dice);
/* Exponential with the mean 1: the time between arrivals that know nothing of each other. */
double dice_wait(struct dice *dice);

struct script {
	uint64_t messages; /* before QUIT; 0: as many as there are */
	bool pipeline;     /* where it is offered */
	bool bdat;
	bool resume;
	bool rset; /* before the first message */
	bool drop; /* goes without QUIT */
};

void script_mix(struct script *script, struct dice *dice);

enum { SCRIPT_SIZES = 8, SCRIPT_RECIPIENTS = 5 };

/* Octets of the sizes that a mix has. */
uint64_t script_size_bytes(size_t size);
/* Which of them the next message has. */
size_t script_mix_size(struct dice *dice);
/* 1 to SCRIPT_RECIPIENTS. */
unsigned script_mix_recipients(struct dice *dice);

#endif
