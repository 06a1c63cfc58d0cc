/* What the master does by itself, by the clock: looks at files, turns keys, reminds of dates. */
#ifndef PROXY_UPKEEP_H
#define PROXY_UPKEEP_H

#include "certs/tickets.h"
#include "proxy/generation.h"

struct upkeep {
	struct ticket_keys *keys; /* owned */
	uint64_t turn_ms;         /* when the next key is due, by clock_ms() */
	uint64_t look_ms;         /* and the next look at the files */
	int64_t reminded;         /* up to when, in seconds since 1970 */
	uint64_t tried;           /* files_mark() of the last load, good or bad */
	uint64_t seen;            /* at the last look */
};

/* False when there is no memory. */
bool upkeep_begin(struct upkeep *upkeep);
void upkeep_end(struct upkeep *upkeep);

uint64_t upkeep_due_ms(const struct upkeep *upkeep);

/*
 * Does what is due. True when files of the generation have changed since it was loaded, or since a
 * load that failed, and have not gone on changing between two looks: chain and key come one after
 * the other.
 */
bool upkeep_tend(struct upkeep *upkeep, const struct generation *generation);

/* The generation is the one that counts now, or, after a load that failed, goes on. */
void upkeep_loaded(struct upkeep *upkeep, const struct generation *generation);
void upkeep_failed(struct upkeep *upkeep, const struct generation *generation);

#endif
