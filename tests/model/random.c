/*
 * Model sessions of random choices: `random SEED SECONDS [SESSIONS]`. The same seed makes the same
 * sessions; the time only says when to stop. With the last the endings are told, too.
 */
#include "tests/model/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_CHOICES = 1200 };

/* xorshift64* */
static uint64_t next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	double until = now() + (argc > 2 ? atof(argv[2]) : 10);
	size_t most = argc > 3 ? strtoull(argv[3], NULL, 10) : SIZE_MAX;
	struct session_sum sum = { 0 };
	uint8_t choices[MOST_CHOICES];

	while (sum.sessions < most && now() < until) {
		uint64_t state = (seed + sum.sessions) * UINT64_C(0x9e3779b97f4a7c15) + 1;
		size_t size = 20 + next(&state) % (MOST_CHOICES - 20);
		for (size_t i = 0; i < size; i++)
			choices[i] = (uint8_t)(next(&state) >> 56);
		session_run(choices, size, &sum);
	}
	printf("model: %zu sessions from seed %llu: %zu commands, %zu messages and %zu chunks "
	       "taken, "
	       "%zu upgrades, %zu cuts\n",
	       sum.sessions, (unsigned long long)seed, sum.commands, sum.messages, sum.chunks,
	       sum.upgrades, sum.cuts);
	for (size_t i = 0; i < END_COUNT && argc > 3; i++)
		if (sum.endings[i])
			printf("%8zu %s\n", sum.endings[i], ending_word((enum ending)i));
	return 0;
}
