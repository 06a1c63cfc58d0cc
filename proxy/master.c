#include "proxy/master.h"
#include "proxy/announce.h"
#include "base/clock.h"
#include "proxy/reign.h"
#include "proxy/room.h"
#include "proxy/upgrade.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	STOP_MS = 2 * 1000,       /* for a worker to stop at once */
	DRAIN_SPARE_MS = 5 * 1000 /* beyond its own deadline, for a worker to drain */
};

/* The bans are the successor's, where there is one. */
static void master_end(struct master *master, struct generation *last)
{
	if (!master->crews.succession.left)
		state_write(&master->state, last->config, &master->crews.shared.addresses,
			    &last->log);
	log_say(&last->log, LOG_LEVEL_INFO, "stopped", "all sessions have ended");
}

static void master_free_crew(struct master *master, struct crew *crew)
{
	if (master->stopping && crew == master->crews.first && crew->next == NULL)
		master_end(master, crew->generation);
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
		reign_promote(master);
	else if (master->coming != NULL && master->current != NULL && reign_has_failed(master))
		reign_abandon(master);
	if (master->current == NULL)
		return;
	state_tend(&master->state, master->current->generation->config,
		   &master->crews.shared.addresses, reign_log(master));
	if (upkeep_tend(&master->crews.upkeep, master->current->generation))
		master->renew_wanted = true;
	if (master->coming != NULL || master->crews.succession.heir >= 0)
		return;
	if (master->upgrade_wanted)
		upgrade_begin(&master->crews, master->options->argv, reign_log(master));
	else if (master->reload_wanted || master->renew_wanted)
		reign_load(master);
	master->upgrade_wanted = false;
}

/* ------------------------------------------------------------------------------------ signals */

static void master_reload(struct master *master)
{
	master->reload_wanted = !master->stopping;
}

static void master_upgrade(struct master *master)
{
	master->upgrade_wanted = !master->stopping && master->options->argv != NULL;
}

static void master_stop(struct master *master)
{
	announce_stopping(reign_log(master), true);
	desk_state(&master->desk, BOARD_STOPPING);
	succession_cancel(&master->crews.succession);
	master->stopping = true;
	for (struct crew *crew = master->crews.first; crew != NULL; crew = crew->next)
		crew_order(&master->crews, crew, ORDER_STOP, STOP_MS);
	sockets_close(&master->crews.sockets);
}

static void master_drain(struct master *master)
{
	if (master->draining) {
		master_stop(master);
		return;
	}
	announce_stopping(reign_log(master), false);
	desk_state(&master->desk, BOARD_DRAINING);
	succession_cancel(&master->crews.succession);
	master->stopping = master->draining = true;
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
	log_say(reign_log(master), LOG_LEVEL_INFO, "log", "opened anew");
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
	{ SIGINT, master_stop },   { SIGUSR1, master_reopen_log }, { SIGUSR2, master_upgrade },
	{ SIGCHLD, master_reap },
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

static void master_handle(struct master *master, int number)
{
	succession_pass_on(&master->crews.succession, number);
	for (size_t i = 0; i < SIGNALS; i++) {
		/* The last that goes is the monitor: then there is nothing else to do. */
		if (signals[i].number == number &&
		    (master->crews.first != NULL || number == SIGCHLD))
			signals[i].handle(master);
	}
}

static void master_handle_signals(struct master *master)
{
	struct signalfd_siginfo info;
	while (read(master->crews.signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		master_handle(master, (int)info.ssi_signo);
}

/* The masters before and behind us. */
static void master_hear_others(struct master *master)
{
	struct succession *succession = &master->crews.succession;
	if (master->polls.item[POLL_ANCESTOR].revents != 0)
		succession_bury(succession);
	if (succession->left && master->polls.item[POLL_HEIR].revents != 0)
		master_handle(master, succession_signal(succession));
	if (succession->heir < 0 || succession->left || master->crews.first == NULL)
		return;
	if (upgrade_hear(&master->crews, reign_log(master)))
		master->stopping = true;
}

/* --------------------------------------------------------------------------------------- loop */

static int master_wait_ms(const struct master *master)
{
	uint64_t due_ms = polls_due_ms(&master->crews);
	if (guard_due_ms(&master->guard) < due_ms)
		due_ms = guard_due_ms(&master->guard);
	if (reign_due_ms(master) < due_ms)
		due_ms = reign_due_ms(master);
	if (master->current != NULL && !master->stopping && master->state.due_ms < due_ms)
		due_ms = master->state.due_ms;
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
		resolver_hear(&master->crews.resolver, &master->crews.roster, reign_log(master));
	polls_hear_members(&master->polls, &master->crews);
	if (polls[POLL_SIGNALS].revents != 0)
		master_handle_signals(master);
	if (asked && master->crews.first != NULL)
		desk_attend(&master->desk);
	master_hear_others(master);
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
	    sockets_init(&master->crews.sockets, generation->config, complaints) &&
	    succession_inherit(&master->crews, complaints)) {
		if (!master->crews.succession.waiting)
			state_read(generation->config, &master->crews.shared.addresses,
				   &generation->log);
		master->coming = reign_launch(master, generation, complaints);
	}
	if (master->coming != NULL) {
		upkeep_loaded(&master->crews.upkeep, generation);
		return EXIT_STOPPED;
	}
	generation_free(generation);
	return EXIT_FAILED;
}

/* Who stops the newer of two stops both: it goes last. */
static bool master_has_company(const struct master *master)
{
	return master->stopping && master->crews.succession.ancestor >= 0;
}

enum exit_status master_run(const struct master_options *options)
{
	struct master master = {
		.options = options,
		.crews = { .signals = -1,
			   .shared = { .fd = -1 },
			   .keeper = KEEPER_NONE,
			   .resolver = RESOLVER_NONE,
			   .succession = SUCCESSION_NONE },
		.files = room_for_files(),
	};
	struct complaints complaints = { 0 };
	enum exit_status status = EXIT_FAILED;
	master.desk.crews = &master.crews;
	master.desk.orders =
		(struct desk_orders){ master_reload, master_drain, master_stop, &master };
	guard_begin(&master.guard);
	privilege_hide();
	if (!upkeep_begin(&master.crews.upkeep))
		fputs("postern: no memory for the keys of session tickets\n", stderr);
	else if (!succession_claim(&master.crews.succession, master.crews.upkeep.keys, &complaints))
		status = EXIT_FAILED;
	else if (master_take_signals(&master))
		status = master_start(&master, &complaints);
	else
		fprintf(stderr, "postern: signals cannot be had: %s\n", strerror(errno));
	if (status != EXIT_STOPPED && complaints.text != NULL)
		fputs(complaints.text, stderr);
	if (status != EXIT_STOPPED)
		succession_refuse(&master.crews.succession, &complaints);
	complaints_release(&complaints);

	while (master.crews.first != NULL || !keeper_is_gone(&master.crews.keeper) ||
	       master_has_company(&master))
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
