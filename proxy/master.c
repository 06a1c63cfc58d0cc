#include "proxy/master.h"
#include "proxy/announce.h"
#include "base/clock.h"
#include "proxy/desk.h"
#include "proxy/guard.h"
#include "proxy/polls.h"
#include "proxy/room.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	GENERATIONS_MAX = 4,
	START_MS = 30 * 1000,     /* for all workers of a new generation to come up */
	STOP_MS = 2 * 1000,       /* for a worker to stop at once */
	DRAIN_SPARE_MS = 5 * 1000 /* beyond its own deadline, for a worker to drain */
};

struct master {
	const struct master_options *options;
	struct crews crews;
	struct guard guard;
	struct crew *current; /* serves; NULL before the first is up */
	struct crew *coming;  /* is being started; NULL otherwise */
	uint32_t generations; /* made so far */
	bool reload_wanted;
	bool renew_wanted; /* with the same configuration: files have changed */
	bool stopping;
	uint64_t files; /* the limit of open files */
	struct polls polls;
	struct desk desk;
};

/* The log of the configuration that counts. */
static const struct log *master_log(const struct master *master)
{
	const struct crew *crew = master->current != NULL ? master->current : master->crews.first;
	return &crew->generation->log;
}

/* ------------------------------------------------------------------------------------- reload */

/* What both the first start and a reload do with a generation that was loaded. */
static struct crew *master_launch(struct master *master, struct generation *generation,
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

static void master_load(struct master *master)
{
	const struct log *log = master_log(master);
	struct complaints complaints = { 0 };
	announce_reloading(log, master->reload_wanted);
	desk_reload_begins(&master->desk);
	struct generation *generation = load_anew(master, &complaints);
	master->reload_wanted = master->renew_wanted = false;
	if (generation != NULL && generation_open_log(generation, &complaints))
		master->coming = master_launch(master, generation, &complaints);
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

/* All workers of the new generation watch their sockets: the old one may go home. */
static void master_promote(struct master *master)
{
	struct crew *old = master->current;
	master->current = master->coming;
	master->coming = NULL;
	keeper_serve(&master->crews.keeper, master->current->generation);
	if (old == NULL)
		announce_sandbox(master->current);
	announce_serving(master->current, old == NULL);
	desk_serves(&master->desk, master->current);
	if (old == NULL && master->options->ready != NULL)
		master->options->ready(master->options->owner, master->current->generation->config);
	if (old != NULL) {
		desk_reload_done(&master->desk);
		crew_order(&master->crews, old, ORDER_RETIRE, 0);
	}
	sockets_keep(&master->crews.sockets, &master->current->entrances, NULL);

	size_t age = 0;
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next) {
		if (age++ >= GENERATIONS_MAX)
			crew_order(&master->crews, crew, ORDER_DRAIN, 0);
	}
}

/* The new generation does not come up. What it has accepted in the meantime it may finish. */
static void master_abandon(struct master *master)
{
	struct crew *failed = master->coming;
	master->coming = NULL;
	desk_reload_failed(&master->desk, master_log(master), "the new workers do not start",
			   &(struct complaints){ 0 });
	keeper_abandon(&master->crews.keeper);
	crew_order(&master->crews, failed, ORDER_RETIRE, 0);
	sockets_keep(&master->crews.sockets, &master->current->entrances, NULL);
}

static bool coming_has_failed(const struct master *master)
{
	return crew_has_failed(master->coming) ||
	       clock_ms() >= master->coming->started_ms + START_MS;
}

static void master_free_crew(struct master *master, struct crew *crew)
{
	if (master->stopping && crew == master->crews.first && crew->next == NULL)
		log_say(&crew->generation->log, LOG_LEVEL_INFO, "stopped",
			"all sessions have ended");
	if (crew == master->current)
		master->current = NULL;
	if (crew == master->coming)
		master->coming = NULL;
	keeper_forget(&master->crews.keeper, crew->generation);
	crew_free(&master->crews, crew);
	if (master->crews.first == NULL)
		keeper_dismiss(&master->crews.keeper);
}

/* Kills, frees and starts what is due. */
static void master_tend(struct master *master)
{
	for (struct crew *crew = master->crews.first; crew != NULL;) {
		struct crew *next = crew->next;
		crew_kill_late(crew);
		crew_start(&master->crews, crew);
		if (crew->order != ORDER_WORK && crew_is_gone(crew))
			master_free_crew(master, crew);
		crew = next;
	}
	keeper_tend(&master->crews.keeper);
	/* Without workers nobody is left who would use what is found. */
	if (master->crews.first == NULL)
		resolver_release(&master->crews.resolver);
	else
		resolver_tend(&master->crews.resolver, &master->crews.roster,
			      &master->crews.first->generation->privilege);
}

/* After whatever has happened: draws the conclusions from how the crews stand. */
static void master_settle(struct master *master)
{
	guard_tend(&master->guard, &master->crews);
	master_tend(master);
	desk_tend(&master->desk);
	if (master->stopping)
		return;
	if (master->coming != NULL && crew_is_up(master->coming))
		master_promote(master);
	else if (master->coming != NULL && master->current != NULL && coming_has_failed(master))
		master_abandon(master);
	if (master->current == NULL)
		return;
	if (upkeep_tend(&master->crews.upkeep, master->current->generation))
		master->renew_wanted = true;
	if ((master->reload_wanted || master->renew_wanted) && master->coming == NULL)
		master_load(master);
}

/* ------------------------------------------------------------------------------------ signals */

static void master_reload(struct master *master)
{
	master->reload_wanted = !master->stopping;
}

static void master_stop(struct master *master)
{
	announce_stopping(master_log(master), true);
	desk_state(&master->desk, BOARD_STOPPING);
	master->stopping = true;
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next)
		crew_order(&master->crews, crew, ORDER_STOP, STOP_MS);
	sockets_close(&master->crews.sockets);
}

static void master_drain(struct master *master)
{
	if (master->stopping) {
		master_stop(master);
		return;
	}
	announce_stopping(master_log(master), false);
	desk_state(&master->desk, BOARD_DRAINING);
	master->stopping = true;
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next) {
		const struct timeouts_config *timeouts = &crew->generation->config->timeouts;
		crew_order(&master->crews, crew, ORDER_END,
			   timeouts->drain_ms + timeouts->data_end_ms + DRAIN_SPARE_MS);
	}
	/* Who connects from now on is refused at once, and finds another server the sooner. */
	sockets_close(&master->crews.sockets);
}

static void master_reopen_log(struct master *master)
{
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next)
		crew_reopen_log(crew);
	keeper_reopen_log(&master->crews.keeper);
	log_say(master_log(master), LOG_LEVEL_INFO, "log", "opened anew");
}

static void master_reap(struct master *master)
{
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next)
		crew_reap(&master->crews, crew);
	keeper_reap(&master->crews.keeper);
}

static const struct {
	int number;
	void (*handle)(struct master *master);
} signals[] = {
	{ SIGHUP, master_reload }, { SIGTERM, master_drain },      { SIGQUIT, master_drain },
	{ SIGINT, master_stop },   { SIGUSR1, master_reopen_log }, { SIGCHLD, master_reap },
};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static bool master_take_signals(struct master *master)
{
	sigset_t mask;
	sigemptyset(&mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&mask, signals[i].number);
	return polls_take_signals(&master->crews, &mask);
}

static void master_handle_signals(struct master *master)
{
	struct signalfd_siginfo info;
	while (read(master->crews.signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		for (size_t i = 0; i < SIGNALS; i++) {
			/* The last that goes is the monitor: then there is nothing else to do. */
			if (signals[i].number == (int)info.ssi_signo &&
			    (master->crews.first != NULL || info.ssi_signo == SIGCHLD))
				signals[i].handle(master);
		}
	}
}

/* --------------------------------------------------------------------------------------- loop */

static int master_wait_ms(const struct master *master)
{
	uint64_t due_ms = polls_due_ms(&master->crews);
	if (guard_due_ms(&master->guard) < due_ms)
		due_ms = guard_due_ms(&master->guard);
	if (master->coming != NULL && master->current != NULL &&
	    master->coming->started_ms + START_MS < due_ms)
		due_ms = master->coming->started_ms + START_MS;
	return polls_wait_ms(due_ms);
}

static void master_turn(struct master *master)
{
	size_t count = polls_gather(&master->polls, &master->crews);
	const struct pollfd *polls = master->polls.item;
	if (count == 0 || poll(master->polls.item, count, master_wait_ms(master)) < 0)
		return;
	/* Channels first: the handling of a signal may add crews, or close what is listed. */
	bool asked = polls[POLL_MONITOR].revents != 0 && keeper_hear(&master->crews.keeper);
	if (polls[POLL_RESOLVER].revents != 0 && master->crews.first != NULL)
		resolver_hear(&master->crews.resolver, &master->crews.roster, master_log(master));
	polls_hear_members(&master->polls, &master->crews);
	if (polls[POLL_SIGNALS].revents != 0)
		master_handle_signals(master);
	if (asked && master->crews.first != NULL)
		desk_attend(&master->desk);
	master_settle(master);
}

/* -------------------------------------------------------------------------------------- start */

static bool master_make_shared(struct master *master, const struct config *config,
			       struct complaints *complaints)
{
	struct crews *crews = &master->crews;
	if (!room_make(&crews->shared, config, GENERATIONS_MAX, master->files, complaints))
		return false;
	crews->roster.table = shared_servers(&crews->shared);
	return true;
}

static enum exit_status master_start(struct master *master, struct complaints *complaints)
{
	const struct master_options *options = master->options;
	struct generation *generation = generation_load(options->path, &options->overrides,
							master->crews.upkeep.keys, complaints);
	if (generation == NULL)
		return EXIT_CONFIGURATION;
	if (!generation_open_log(generation, complaints)) {
		generation_free(generation);
		return EXIT_CONFIGURATION;
	}
	if (master_make_shared(master, generation->config, complaints) &&
	    keeper_init(&master->crews.keeper, &master->crews.shared, complaints) &&
	    sockets_init(&master->crews.sockets, generation->config, complaints))
		master->coming = master_launch(master, generation, complaints);
	if (master->coming != NULL) {
		upkeep_loaded(&master->crews.upkeep, generation);
		return EXIT_STOPPED;
	}
	generation_free(generation);
	return EXIT_FAILED;
}

enum exit_status master_run(const struct master_options *options)
{
	struct master master = {
		.options = options,
		.crews = { .signals = -1,
			   .shared = { .fd = -1 },
			   .keeper = KEEPER_NONE,
			   .resolver = RESOLVER_NONE },
		.files = room_for_files(),
	};
	struct complaints complaints = { 0 };
	enum exit_status status = EXIT_FAILED;
	guard_begin(&master.guard);
	privilege_hide();
	master.desk.crews = &master.crews;
	master.desk.orders =
		(struct desk_orders){ master_reload, master_drain, master_stop, &master };
	if (!upkeep_begin(&master.crews.upkeep))
		fputs("postern: no memory for the keys of session tickets\n", stderr);
	else if (master_take_signals(&master))
		status = master_start(&master, &complaints);
	else
		fprintf(stderr, "postern: signals cannot be had: %s\n", strerror(errno));
	if (status != EXIT_STOPPED && complaints.text != NULL)
		fputs(complaints.text, stderr);
	complaints_release(&complaints);

	while (master.crews.first != NULL || !keeper_is_gone(&master.crews.keeper))
		master_turn(&master);

	resolver_release(&master.crews.resolver);
	keeper_release(&master.crews.keeper);
	upkeep_end(&master.crews.upkeep);
	sockets_close(&master.crews.sockets);
	shared_free(&master.crews.shared);
	if (master.crews.signals >= 0)
		close(master.crews.signals);
	free(master.polls.item);
	return status;
}
