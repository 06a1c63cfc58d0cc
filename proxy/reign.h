/*
 * Which generation serves: the part of the master that loads one, starts it beside the one before,
 * and lets it take over, or gives it up. What a master is stands here, for that and for master.c.
 */
#ifndef PROXY_REIGN_H
#define PROXY_REIGN_H

#include "proxy/crew.h"
#include "proxy/desk.h"
#include "proxy/guard.h"
#include "proxy/master.h"
#include "proxy/polls.h"
#include "proxy/state.h"

enum { GENERATIONS_MAX = 4 };

struct master {
	const struct master_options *options;
	struct crews crews;
	struct guard guard;
	struct crew *current; /* serves; NULL before the first is up */
	struct crew *coming;  /* is being started; NULL otherwise */
	uint32_t generations; /* made so far */
	bool reload_wanted;
	bool renew_wanted; /* with the same configuration: files have changed */
	bool upgrade_wanted;
	bool stopping;
	bool draining;  /* a second order to stop is meant so */
	uint64_t files; /* the limit of open files */
	struct polls polls;
	struct desk desk;
	struct state state;
};

/* The log of the configuration that counts. */
const struct log *reign_log(const struct master *master);

/* What both the first start and a reload do with a generation that was loaded. NULL when it cannot
 * be started: then it is still the caller's. */
struct crew *reign_launch(struct master *master, struct generation *generation,
			  struct complaints *complaints);

/* Loads a generation beside the one that serves, and starts its workers. */
void reign_load(struct master *master);

/* All workers of the new generation watch their sockets: the old one may go home. */
void reign_promote(struct master *master);

/* The new generation does not come up. What it has accepted in the meantime it may finish. */
bool reign_has_failed(const struct master *master);
void reign_abandon(struct master *master);

/* When it will have failed, by clock_ms(). */
uint64_t reign_due_ms(const struct master *master);

#endif
