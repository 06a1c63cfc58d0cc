#include "bench/load.h"
#include "bench/client.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	OPENING_MAX = 256, /* handshakes at a time: more would only overflow the server's queue */
	RAMP_STEP_US = 10000,
};

static void schedule(struct loop_watch *watch, uint64_t after_us)
{
	loop_watch_until(watch, loop_clock_us() + after_us);
}

/* ---- the work ---- */

/* How far the ramp has gone, from nearly 0 to 1. */
static double ramped(const struct load *load, uint64_t at_us)
{
	uint64_t ramp_us = load->options.ramp_us, passed_us = at_us - load->begun_us;

	if (ramp_us == 0 || passed_us >= ramp_us)
		return 1.;
	return ((double)passed_us + 1000.) / ((double)ramp_us + 1000.);
}

/*
 * Arrivals know nothing of answers, nor of each other: a Poisson process. While the rate ramps up
 * to r over the time p, the arrivals to expect until t are r t^2 / 2p; behind that, r (t - p/2).
 */
static void plan_next(struct load *load)
{
	double rate = (double)load->options.rate / (double)load->options.loops / 1e6;
	double ramp_us = (double)load->options.ramp_us, at_us;

	load->expected += dice_wait(&load->dice);
	if (load->expected < rate * ramp_us / 2)
		at_us = sqrt(2 * load->expected * ramp_us / rate);
	else
		at_us = ramp_us / 2 + load->expected / rate;
	load->next_due_us = load->begun_us + (uint64_t)at_us;
}

static bool take_number(struct load *load, uint64_t *number)
{
	uint64_t wanted = load_wanted(&load->options);
	uint64_t claimed = atomic_load(&load->shared->claimed);

	do {
		if (claimed >= wanted)
			return false;
	} while (!atomic_compare_exchange_weak(&load->shared->claimed, &claimed, claimed + 1));
	*number = claimed + 1;
	return true;
}

static void describe(struct load *load, struct unit *unit)
{
	bool is_mix = load->options.scenario == SCENARIO_MIX;

	unit->plan = load->plans;
	if (load->plan_count > 1)
		unit->plan += script_mix_size(&load->dice);
	unit->recipients = is_mix ? script_mix_recipients(&load->dice) : 1;
}

/* Idle sessions are begun once, by each loop its share. */
static bool is_held_whole(const struct load *load)
{
	return load->options.scenario == SCENARIO_IDLE && load->begun == load->share;
}

bool load_claim(struct load *load, struct unit *unit)
{
	uint64_t now_us = loop_clock_us();

	if (now_us >= load->end_us)
		load->is_exhausted = true;
	if (load->is_exhausted || (load->options.rate && load->next_due_us > now_us))
		return false;
	if (!take_number(load, &unit->number)) {
		load->is_exhausted = true;
		schedule(load->opener, 0);
		return false;
	}
	load->begun++;
	if (unit->number == load_wanted(&load->options) || is_held_whole(load))
		load->is_exhausted = true;
	unit->due_us = now_us;
	if (load->options.rate) {
		unit->due_us = load->next_due_us;
		plan_next(load);
	}
	describe(load, unit);
	return true;
}

bool load_is_over(const struct load *load)
{
	return load->is_exhausted;
}

bool load_is_measured(const struct load *load)
{
	return loop_clock_us() >= load->measure_us;
}

static struct stats_second *second(struct load *load)
{
	uint64_t passed = (loop_clock_us() - load->begun_us) / 1000000;

	return &load->stats->seconds[passed < STATS_SECONDS ? passed : STATS_SECONDS - 1];
}

static void note_told(struct load *load, uint64_t number)
{
	size_t byte = (size_t)(number / 8);

	if (byte < load->shared->told_bytes)
		atomic_fetch_or(&load->shared->told[byte], (uint8_t)(1 << number % 8));
}

void load_done(struct load *load, const struct unit *unit, uint64_t since_us)
{
	struct stats *stats = load->stats;

	stats->accepted++;
	second(load)->done++;
	note_told(load, unit->number);
	if (!load_is_measured(load))
		return;
	stats->measured++;
	stats->octets += unit->plan->size;
	hist_add(&stats->message_us, loop_clock_us() - since_us);
}

void load_failed(struct load *load, enum failure_kind kind, enum step step, unsigned code,
		 struct slice why)
{
	second(load)->errors++;
	failure_add(&load->stats->failures, kind, step, code, why);
}

/* ---- connections ---- */

static void on_probe(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	for (struct client *c = load->clients; c; c = client_next(c))
		client_probe(c);
}

/* All idle sessions are there, or will never be: the last loop tells it. */
static void hold(struct load *load)
{
	struct load_shared *shared = load->shared;

	if (load->options.scenario != SCENARIO_IDLE || load->opening > 0 || load->is_holding)
		return;
	load->is_holding = true;
	uint64_t held = atomic_fetch_add(&shared->holding, load->stats->active);
	if (atomic_fetch_add(&shared->holders, 1) + 1 == load->options.loops) {
		printf("holding %" PRIu64 "\n", held + load->stats->active);
		fflush(stdout);
	}
	schedule(load->holder, load->options.hold_us);
}

static void settle(struct load *load)
{
	if (!load->is_exhausted)
		return;
	if (load->stats->active == 0)
		loop_stop(load->loop);
	else
		hold(load);
}

/* The first connection fetches the TLS session that all others go on from. */
static bool is_fetching_session(const struct load *load)
{
	return load->tls && load->stats->connections == 1 && load->opening == 1 &&
	       bench_tls_plan_lacks_session(load->tls);
}

static void open_clients(struct load *load)
{
	double most = (double)load->share;
	struct unit unit;

	if (!load->options.rate)
		most *= ramped(load, loop_clock_us());
	while (load->stats->active < load->share && (double)load->stats->active < most &&
	       load->opening < OPENING_MAX && !is_fetching_session(load) &&
	       load_claim(load, &unit)) {
		if (client_open(load, &unit)) {
			load->stats->active++;
			load->opening++;
		}
	}
}

/* When to look again, though no client comes or goes. */
static void plan_look(struct load *load)
{
	uint64_t now_us = loop_clock_us();

	if (load->is_exhausted)
		return;
	if (load->options.rate && load->next_due_us > now_us)
		loop_watch_until(load->opener, load->next_due_us);
	else if (!load->options.rate && ramped(load, now_us) < 1.)
		loop_watch_until(load->opener, now_us + RAMP_STEP_US);
}

static void on_open(void *of, unsigned events)
{
	struct load *load = of;
	struct unit unit;

	(void)events;
	while (load->parked && load_claim(load, &unit))
		client_resume(load->parked, &unit);
	open_clients(load);
	while (load->is_exhausted && load->parked)
		client_retire(load->parked);
	plan_look(load);
	settle(load);
}

void load_park(struct load *load, struct client *client, struct client **next)
{
	*next = load->parked;
	load->parked = client;
	schedule(load->opener, 0);
}

void load_opened(struct load *load)
{
	load->opening--;
	schedule(load->opener, 0);
}

void load_gone(struct load *load)
{
	load->stats->active--;
	/* Not at once: the one that is gone still has callers. */
	schedule(load->opener, 0);
}

/* ---- the end ---- */

static void on_limit(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	while (load->clients)
		client_expire(load->clients);
	loop_stop(load->loop);
}

static void on_end(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	load->is_exhausted = true;
	on_open(load, 0);
}

static void on_signal(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	loop_stop(load->loop);
}

/* ---- start ---- */

static bool complain(void)
{
	fprintf(stderr, "postern-bench: cannot start: out of memory\n");
	return false;
}

static bool start_loop(struct load *load)
{
	load->loop = loop_new();
	if (load->loop) {
		load->opener = loop_watch_new(load->loop, on_open, load);
		load->holder = loop_watch_new(load->loop, on_probe, load);
		load->limit = loop_watch_new(load->loop, on_limit, load);
		load->ender = loop_watch_new(load->loop, on_end, load);
	}
	return (load->opener && load->holder && load->limit && load->ender) || complain();
}

static void stop_loop(struct load *load)
{
	/* Stopped from outside: these had no chance to end. */
	while (load->clients)
		client_expire(load->clients);
	loop_watch_free(load->opener);
	loop_watch_free(load->holder);
	loop_watch_free(load->limit);
	loop_watch_free(load->ender);
	loop_free(load->loop);
}

static void start_clocks(struct load *load)
{
	const struct load_options *options = &load->options;

	load->measure_us = load->begun_us + options->warmup_us;
	load->end_us = UINT64_MAX;
	if (options->duration_us) {
		load->end_us = load->measure_us + options->duration_us;
		loop_watch_until(load->ender, load->end_us);
	}
	if (options->rate)
		plan_next(load);
	schedule(load->opener, 0);
	loop_watch_until(load->limit, load->begun_us + options->timeout_us);
}

bool load_run(struct load *load, unsigned index)
{
	uint64_t loops = load->options.loops;

	load->index = index;
	load->stats = &load->shared->stats[index];
	load->share =
		load->options.connections / loops + (index < load->options.connections % loops);
	load->options.verbose &= index == 0;
	dice_init(&load->dice, load->options.seed, index);
	if (start_loop(load)) {
		loop_signal(load->loop, SIGTERM, on_signal, load);
		start_clocks(load);
		loop_run(load->loop);
	}
	bool good = load->ender != NULL;
	stop_loop(load);
	return good;
}
