/* How long the turns of a worker's loop last: whatever is ready meanwhile has to wait. */
#ifndef PROXY_RELAY_TURN_H
#define PROXY_RELAY_TURN_H

#include "base/log.h"
#include "proxy/relay/counters.h"

struct ev_loop;
struct turns;

/* The longest turn of a minute and of the one before it; by clock_ms(), counted in minutes. */
struct turn_record {
	uint64_t minute;
	uint64_t longest_us[2]; /* by the minute's lowest bit */
};

/*
 * Measures from now on; it costs a look at the clock for each turn, at whose end the lines of `log`
 * are written. NULL when out of memory.
 */
struct turns *turns_new(struct ev_loop *loop, const struct log *log, struct timing *timing,
			struct turn_record *record);
void turns_free(struct turns *turns);

void turn_note(struct turn_record *record, uint64_t minute, uint64_t us);

/* The longest of this minute and the last one. */
uint64_t turn_longest_us(const struct turn_record *record, uint64_t minute);

#endif
