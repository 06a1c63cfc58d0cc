#include "bench/load.h"

#include <stdio.h>
#include <sys/random.h>

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "postern-bench: %s: %s\n", what, why);
	return false;
}

uint64_t load_wanted(const struct load_options *options)
{
	if (options->scenario == SCENARIO_IDLE)
		return options->connections;
	return options->messages ? options->messages : UINT64_MAX;
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

static bool start_plan(struct load *load, uint64_t size_bytes)
{
	struct message_plan *plan = &load->plans[load->plan_count++];
	const struct load_options *options = &load->options;

	*plan = (struct message_plan){ .run = load->run, .from = options->from, .to = options->to };
	plan->total = load_wanted(options) == UINT64_MAX ? 0 : load_wanted(options);
	return message_plan_init(plan, (size_t)size_bytes) ||
	       complain("cannot make a message", "out of memory");
}

static bool start_plans(struct load *load)
{
	if (load->options.scenario != SCENARIO_MIX || load->options.size_bytes)
		return start_plan(load, load->options.size_bytes);
	for (size_t i = 0; i < SCRIPT_SIZES; i++)
		if (!start_plan(load, script_size_bytes(i)))
			return false;
	return true;
}

bool load_init(struct load *load, const struct load_options *options)
{
	const char *why = "";

	*load = (struct load){ .options = *options };
	if (getrandom(&load->run, sizeof load->run, 0) != sizeof load->run)
		load->run = loop_clock_us();
	if (!load->options.seed)
		load->options.seed = load->run;
	if (!target_init(&load->target, options->target, options->source, &why))
		return complain(options->target, why);
	return start_tls(load) && start_plans(load);
}

void load_release(struct load *load)
{
	for (size_t i = 0; i < load->plan_count; i++)
		message_plan_release(&load->plans[i]);
	bench_tls_plan_free(load->tls);
}
