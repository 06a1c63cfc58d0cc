/*
 * Whether a worker still turns its loop: it beats once in BEAT_MS, and the master looks. Pure.
 */
#ifndef PROXY_PULSE_H
#define PROXY_PULSE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PULSE_BEAT_MS = 1000,
	PULSE_LOOK_MS = 1000,      /* from one look of the master's to the next */
	PULSE_LATE_MS = 2 * 1000,  /* over that, the master itself stood still: nobody is blamed */
	PULSE_STALL_MS = 3 * 1000, /* without a beat: siblings watch its sockets, too */
	PULSE_DEAD_MS = 10 * 1000, /* it is to go */
	PULSE_STACK_MS = 2 * 1000, /* to note its stack; then it is killed outright */
};

struct pulse {
	uint32_t beats; /* at the last look; 0: it never beat, and is not judged */
	uint64_t since_ms;
	bool stalled;
	uint64_t kill_ms; /* 0: it was not told to go */
};

enum pulse_news {
	PULSE_NOTHING,
	PULSE_STALLED, /* begins: see `stalled` */
	PULSE_RECOVERED,
	PULSE_DEAD, /* once: it is to note its stack and go */
	PULSE_KILL, /* it did not */
};

/* What a look at the worker's count of beats tells. `late`: the clock starts anew. */
enum pulse_news pulse_look(struct pulse *pulse, uint32_t beats, uint64_t now_ms, bool late);

#endif
