#include "proxy/reign.h"
#include "base/clock.h"
#include "proxy/announce.h"

#include <inttypes.h>

enum { START_MS = 30 * 1000 }; /* for all workers of a new generation to come up */

const struct log *reign_log(const struct master *master)
{
	const struct crew *crew = master->current != NULL ? master->current : master->crews.first;
	return &crew->generation->log;
}

struct crew *reign_launch(struct master *master, struct generation *generation,
			  struct complaints *complaints)
{
	struct entrances entrances = { 0 };
	struct crews *crews = &master->crews;
	if (!sockets_open(&crews->sockets, generation->config, &entrances, complaints))
		return NULL;
	if (!keeper_prepare(&crews->keeper, generation, complaints)) {
		entrances_release(&entrances);
		return NULL;
	}
	struct crew *crew = crew_new(crews, generation, &entrances, ++master->generations);
	if (crew == NULL) {
		complain(complaints, generation->config->path,
			 "workers = %" PRIu64
			 ": there is no room for so many more, or for more than %d servers, "
			 "before a restart",
			 generation->config->workers, SERVERS_MAX);
		entrances_release(&entrances);
		keeper_abandon(&crews->keeper);
		return NULL;
	}
	announce_complaints(&generation->log, complaints);
	announce_listening(crew);
	announce_few_files(crew, crews->shared.plan.slots_each, master->files);
	crew_start(crews, crew);
	return crew;
}

static struct generation *load_anew(struct master *master, struct complaints *complaints)
{
	const struct master_options *options = master->options;
	const struct ticket_keys *keys = master->crews.upkeep.keys;
	const struct generation *old = master->current->generation;
	struct generation *fresh =
		master->reload_wanted
			? generation_load(options->path, &options->overrides, keys, complaints)
			: generation_renew(old, keys, complaints);
	if (fresh != NULL)
		generation_compare(fresh, old, complaints);
	return fresh;
}

void reign_load(struct master *master)
{
	const struct log *log = reign_log(master);
	struct complaints complaints = { 0 };
	announce_reloading(log, master->reload_wanted);
	desk_reload_begins(&master->desk);
	struct generation *generation = load_anew(master, &complaints);
	master->reload_wanted = master->renew_wanted = false;
	if (generation != NULL && generation_open_log(generation, &complaints))
		master->coming = reign_launch(master, generation, &complaints);
	if (master->coming != NULL) {
		upkeep_loaded(&master->crews.upkeep, generation);
	} else {
		upkeep_failed(&master->crews.upkeep, master->current->generation);
		desk_reload_failed(&master->desk, log, "the new configuration has errors",
				   &complaints);
		generation_free(generation);
		sockets_keep(&master->crews.sockets, &master->current->entrances, NULL);
	}
	complaints_release(&complaints);
}

void reign_promote(struct master *master)
{
	struct crew *old = master->current;
	master->current = master->coming;
	master->coming = NULL;
	succession_take_over(&master->crews);
	/* First: where it is said that this one serves, nobody comes to the old one any more. */
	if (old != NULL)
		crew_order(&master->crews, old, ORDER_RETIRE, 0);
	keeper_serve(&master->crews.keeper, master->current->generation);
	if (old == NULL)
		announce_sandbox(master->current);
	announce_serving(master->current, old == NULL);
	desk_serves(&master->desk, master->current);
	if (old == NULL && master->options->ready != NULL)
		master->options->ready(master->options->owner, master->current->generation->config);
	if (old != NULL)
		desk_reload_done(&master->desk);
	sockets_keep(&master->crews.sockets, &master->current->entrances, NULL);

	size_t age = 0;
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next) {
		if (age++ >= GENERATIONS_MAX)
			crew_order(&master->crews, crew, ORDER_DRAIN, 0);
	}
}

void reign_abandon(struct master *master)
{
	struct crew *failed = master->coming;
	master->coming = NULL;
	desk_reload_failed(&master->desk, reign_log(master), "the new workers do not start",
			   &(struct complaints){ 0 });
	keeper_abandon(&master->crews.keeper);
	crew_order(&master->crews, failed, ORDER_RETIRE, 0);
	sockets_keep(&master->crews.sockets, &master->current->entrances, NULL);
}

bool reign_has_failed(const struct master *master)
{
	return crew_has_failed(master->coming) ||
	       clock_ms() >= master->coming->started_ms + START_MS;
}

uint64_t reign_due_ms(const struct master *master)
{
	bool starting = master->coming != NULL && master->current != NULL;
	return starting ? master->coming->started_ms + START_MS : UINT64_MAX;
}
