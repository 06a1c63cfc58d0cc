#include "bench/load.h"
#include "bench/client.h"
#include "bench/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	OPENING_MAX = 256, /* handshakes at a time: more would only overflow the server's queue */
	TICK_US = 200000,
};

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "postern-bench: %s: %s\n", what, why);
	return false;
}

static uint64_t wanted(const struct load *load)
{
	const struct load_options *options = &load->options;

	return options->scenario == SCENARIO_IDLE ? options->connections : options->messages;
}

const char *load_unit(const struct load *load)
{
	static const char *const units[SCENARIOS] = {
		[SCENARIO_MESSAGES] = "messages",    [SCENARIO_BULK] = "messages",
		[SCENARIO_HANDSHAKE] = "handshakes", [SCENARIO_SESSION] = "sessions",
		[SCENARIO_IDLE] = "sessions",
	};

	return units[load->options.scenario];
}

bool load_claim(struct load *load, uint64_t *number)
{
	if (load->claimed == wanted(load))
		return false;
	*number = ++load->claimed;
	return true;
}

static void schedule(struct loop_watch *watch, uint64_t after_us)
{
	loop_watch_until(watch, loop_clock_us() + after_us);
}

static void on_probe(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	for (struct client *c = load->clients; c; c = client_next(c))
		client_probe(c);
}

/* All idle sessions are there, or will never be. */
static void hold(struct load *load)
{
	if (load->options.scenario != SCENARIO_IDLE || load->opening > 0 || load->is_holding)
		return;
	load->is_holding = true;
	printf("holding %" PRIu64 "\n", load->active);
	fflush(stdout);
	schedule(load->holder, load->options.hold_us);
}

static void settle(struct load *load)
{
	if (load->claimed < wanted(load))
		return;
	if (load->active == 0)
		loop_stop(load->loop);
	else
		hold(load);
}

static void on_open(void *of, unsigned events)
{
	struct load *load = of;
	uint64_t number;

	(void)events;
	while (load->active < load->options.connections && load->opening < OPENING_MAX &&
	       load_claim(load, &number)) {
		if (client_open(load, number)) {
			load->active++;
			load->opening++;
		}
	}
	settle(load);
}

void load_opened(struct load *load)
{
	load->opening--;
	schedule(load->opener, 0);
}

void load_gone(struct load *load)
{
	load->active--;
	/* Not at once: the one that is gone still has callers. */
	schedule(load->opener, 0);
}

static void on_limit(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	while (load->clients)
		client_expire(load->clients);
	load_stop(load);
}

void load_stop(struct load *load)
{
	uint64_t left = wanted(load) - load->claimed;
	char why[FAILURE_TEXT_BYTES];

	if (left > 0) {
		snprintf(why, sizeof why, "%" PRIu64 " were not begun", left);
		failure_add(&load->failures, FAILURE_TIMEOUT, STEP_CONNECT, 0, slice_str(why));
	}
	load->claimed += left;
	load->failed += left;
	loop_stop(load->loop);
}

static void on_tick(void *of, unsigned events)
{
	struct load *load = of;

	(void)events;
	report_progress(load);
	schedule(load->ticker, TICK_US);
}

static bool start_tls(struct load *load)
{
	struct tls_options *options = &load->options.certificate;
	char why[TLS_WHY_BYTES];

	if (load->options.tls == LOAD_TLS_NONE)
		return true;
	/* A server on this machine is under test, and its certificate made for that. */
	options->check =
		options->ca || !(load->options.no_check || addr_is_loopback(&load->target.addr));
	if (!options->name && *load->target.name)
		options->name = load->target.name;
	load->tls = bench_tls_plan_new(options, why);
	return load->tls || complain("cannot prepare TLS", why);
}

static bool start_plan(struct load *load)
{
	struct message_plan *plan = &load->plan;
	const struct load_options *options = &load->options;

	plan->from = options->from;
	plan->to = options->to;
	plan->total = options->messages;
	if (getrandom(&plan->run, sizeof plan->run, 0) != sizeof plan->run)
		plan->run = loop_clock_us();
	return message_plan_init(plan, (size_t)options->size_bytes, !options->bdat) ||
	       complain("cannot make a message", "out of memory");
}

static bool start_loop(struct load *load)
{
	load->loop = loop_new();
	if (load->loop) {
		load->opener = loop_watch_new(load->loop, on_open, load);
		load->holder = loop_watch_new(load->loop, on_probe, load);
		load->limit = loop_watch_new(load->loop, on_limit, load);
		load->ticker = loop_watch_new(load->loop, on_tick, load);
	}
	return (load->opener && load->holder && load->limit && load->ticker) ||
	       complain("cannot start", "out of memory");
}

bool load_init(struct load *load, const struct load_options *options)
{
	const char *why = "";

	*load = (struct load){ .options = *options };
	hist_init(&load->connect_us);
	hist_init(&load->message_us);
	hist_init(&load->command_us);
	if (!target_init(&load->target, options->target, options->source, &why))
		return complain(options->target, why);
	return start_tls(load) && start_plan(load) && start_loop(load);
}

void load_release(struct load *load)
{
	loop_watch_free(load->opener);
	loop_watch_free(load->holder);
	loop_watch_free(load->limit);
	loop_watch_free(load->ticker);
	loop_free(load->loop);
	message_plan_release(&load->plan);
	bench_tls_plan_free(load->tls);
}

void load_run(struct load *load)
{
	load->started_us = loop_clock_us();
	schedule(load->opener, 0);
	loop_watch_until(load->limit, load->started_us + load->options.timeout_us);
	if (isatty(STDERR_FILENO) && !load->options.verbose)
		schedule(load->ticker, TICK_US);
	loop_run(load->loop);
	load->ended_us = loop_clock_us();
	/* Stopped from outside: these had no chance to end. */
	while (load->clients)
		client_expire(load->clients);
}

bool load_is_good(const struct load *load)
{
	return load->accepted == wanted(load) && load->failures.count == 0;
}
