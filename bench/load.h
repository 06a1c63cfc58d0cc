/*
 * One loop of a run: what was asked for, what is left to do, what came of it. The connections
 * (client.h) take their work from here and bring their results here. Several loops, each a process
 * of its own, take from the same work (run.h).
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/loop.h"
#include "bench/message.h"
#include "bench/options.h"
#include "bench/script.h"
#include "bench/stats.h"
#include "bench/target.h"

#include <stdatomic.h>

/* What all loops share. */
struct load_shared {
	_Atomic uint64_t claimed; /* units that were begun */
	_Atomic uint64_t holding; /* idle sessions that are there */
	_Atomic uint64_t holders; /* loops that have all of theirs */
	size_t told_bytes;        /* of `told` */
	_Atomic uint8_t *told;    /* one bit for each message that was said 250 to, from 1 */
	struct stats *stats;      /* one for each loop */
};

/* One unit of work. */
struct unit {
	uint64_t number;
	uint64_t due_us; /* when it should have begun */
	const struct message_plan *plan;
	unsigned recipients;
};

struct client;

struct load {
	struct load_options options;
	struct target target;
	struct tls_plan *tls; /* NULL: plain */
	struct message_plan plans[SCRIPT_SIZES];
	size_t plan_count;
	uint64_t run; /* in every message */

	struct load_shared *shared;
	struct stats *stats; /* of this loop */
	struct loop *loop;
	struct dice dice;
	unsigned index;
	uint64_t share;   /* connections at a time */
	uint64_t begun;   /* units, by this loop */
	uint64_t opening; /* of those that are open: not yet ready for mail */
	double expected;  /* arrivals, up to the next */
	uint64_t next_due_us;
	uint64_t begun_us;
	uint64_t measure_us; /* the warm-up is over */
	uint64_t end_us;     /* no unit begins after it */
	bool is_exhausted;
	bool is_holding; /* all idle sessions are there */
	struct client *clients;
	struct client *parked; /* ready, and no unit is due */

	struct loop_watch *opener;
	struct loop_watch *holder;
	struct loop_watch *limit;
	struct loop_watch *ender;
};

/* Units in all; UINT64_MAX: as many as there is time for. */
uint64_t load_wanted(const struct load_options *options);

/* Before there are loops. False after a sentence on stderr. `load` is then to be released, too. */
bool load_init(struct load *load, const struct load_options *options);
void load_release(struct load *load);

/* One of the loops. Returns when all is done, the time is up, or SIGTERM came. */
bool load_run(struct load *load, unsigned index);

/* For clients. */

/* The next unit, when there is one and it is due. */
bool load_claim(struct load *load, struct unit *unit);
/* There will be no more. */
bool load_is_over(const struct load *load);
/* The unit is done. */
void load_done(struct load *load, const struct unit *unit, uint64_t since_us);
void load_failed(struct load *load, enum failure_kind kind, enum step step, unsigned code,
		 struct slice why);
/* What ended now counts as measured. */
bool load_is_measured(const struct load *load);
/* The client waits until a unit is due; *next is its place in the list. */
void load_park(struct load *load, struct client *client, struct client **next);
/* The client is ready for mail for the first time, or will never be. */
void load_opened(struct load *load);
/* The client is being freed: another one may take its place. */
void load_gone(struct load *load);

#endif
