/*
 * A crew: the workers of one generation, as the master keeps them. It starts them, hears from them,
 * replaces those that die, and tells them what to do.
 */
#ifndef PROXY_CREW_H
#define PROXY_CREW_H

#include "proxy/generation.h"
#include "proxy/keeper.h"
#include "proxy/resolver.h"
#include "proxy/roster.h"
#include "proxy/pulse.h"
#include "proxy/shared.h"
#include "proxy/sockets.h"
#include "proxy/succession.h"
#include "proxy/upkeep.h"

struct member {
	pid_t pid;   /* 0: none runs */
	int channel; /* -1: none */
	bool up;     /* it watches its sockets */
	bool failed; /* it ended before it ever was up */
	bool due;    /* to be started at due_ms */
	uint64_t due_ms;
	uint64_t started_ms;
	uint64_t next_delay_ms; /* backoff() */
	struct pulse pulse;
};

struct crew {
	struct crew *next;
	struct generation *generation; /* owned */
	struct entrances entrances;    /* owned */
	uint32_t number;               /* of the generation, from 1 */
	enum order order;
	struct member *members;
	size_t *records; /* of the members in shared memory */
	size_t count;
	uint64_t started_ms;
	uint64_t kill_ms; /* from then on what still runs is killed; 0: never */
};

/* All crews, the newest first, and what a new worker has to let go of. */
struct crews {
	struct crew *first;
	struct shared shared;
	struct roster roster;
	struct resolver resolver;
	struct sockets sockets;
	int signals; /* the master's signalfd */
	struct upkeep upkeep;
	struct succession succession;
	struct keeper keeper;
};

/*
 * A crew of workers, none started yet, that owns the generation. NULL when there is no memory, or
 * no room in shared memory (for workers or servers): then the generation and the entrances are
 * still the caller's.
 */
struct crew *crew_new(struct crews *crews, struct generation *generation,
		      const struct entrances *entrances, uint32_t number);

/* Takes a crew without workers out of the list and frees it, generation and all. */
void crew_free(struct crews *crews, struct crew *crew);

/* Starts those that are due; the others whose time has not come stay. */
void crew_start(struct crews *crews, struct crew *crew);

/* When the next is due, or is to be killed, by clock_ms(); UINT64_MAX when none is. */
uint64_t crew_due_ms(const struct crew *crew);

/* Hears what a member has to say: that it is up, or no more. */
void crew_hear(struct crews *crews, struct crew *crew, size_t index);

/* Buries members that have ended, and plans their replacement while the order is to work. */
void crew_reap(struct crews *crews, struct crew *crew);

/* Orders all members; `patience_ms` (0: any) after which those still there are killed. */
void crew_order(struct crews *crews, struct crew *crew, enum order order, uint64_t patience_ms);

/* Kills those whose time is over. */
void crew_kill_late(struct crew *crew);

/*
 * Looks whether each member turns its loop. The sockets of one that does not are watched by others;
 * when it stays so, it is ended, with its stack in the log. `late`: the master itself stood still.
 */
void crew_look(struct crews *crews, struct crew *crew, bool late);

/* Opens the log anew and hands it to the members. */
void crew_reopen_log(struct crew *crew);

bool crew_is_up(const struct crew *crew);
bool crew_has_failed(const struct crew *crew); /* one of it never came up */
bool crew_is_gone(const struct crew *crew);    /* none runs, none will */

#endif
