/*
 * `identity = auto`: on which way a server can be told of clients. One that greets by itself is
 * never sent a PROXY header, but where it asks for one: it would take it for an attack.
 */
#include "proxy/monitor/target.h"
#include "proxy/relay/identity.h"
#include "base/clock.h"

enum {
	WAIT_MS = 5 * 1000,   /* for a greeting, before it counts as silent */
	NEARLY_MS = 4 * 1000, /* a server that waits for a header may give up as soon as we do */
	PATIENT_MS = 60 * 1000,
	AGAIN_MS = 10 * 1000,
};

/* Tried in turn; the last is for servers that greet late. */
static const struct {
	enum identity_mode mode;
	uint64_t wait_ms;
} ways[] = {
	{ IDENTITY_NONE, WAIT_MS },
	{ IDENTITY_PROXY_V2, WAIT_MS },
	{ IDENTITY_PROXY_V1, WAIT_MS },
	{ IDENTITY_NONE, PATIENT_MS },
};

enum { WAYS = sizeof ways / sizeof *ways };

static void plan(struct target *target, struct call_plan *plan)
{
	plan->way.plan.way = identity_way(ways[target->way_tried].mode);
	if (plan->greeting_ms > ways[target->way_tried].wait_ms || target->way_tried == WAYS - 1)
		plan->greeting_ms = ways[target->way_tried].wait_ms;
}

/* As sessions tell it that find it out by themselves. */
static void say_found(const struct target *target, enum identity_mode mode)
{
	static const char *const words[] = {
		[IDENTITY_PROXY_V1] = "proxy-v1",
		[IDENTITY_PROXY_V2] = "proxy-v2",
		[IDENTITY_XCLIENT] = "xclient",
	};
	bool none = mode == IDENTITY_NONE;
	struct log_line line;

	if (!target_say(&line, target, none ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
			none ? "no-identity" : "identity-found"))
		return;
	if (none)
		log_str(&line, "detail",
			"the server greets by itself and announces no XCLIENT: it sees Postern's "
			"address in place of all clients'");
	else
		log_str(&line, "identity", words[mode]);
	log_end(&line);
}

static void found(struct target *target, enum identity_mode mode)
{
	if (mode == IDENTITY_NONE && target->call.ask.xclient)
		mode = IDENTITY_XCLIENT;
	if (target->record->identity != mode)
		say_found(target, mode);
	target->record->identity = (uint8_t)mode;
	target->way_tried = 0;
	target_is_well(target);
	target_doubt_verdict(target);
	if (target->backend->probe_ms > 0)
		target_plan(target, ERRAND_HEALTH, target->backend->probe_ms);
}

/* Nothing was said in time; or what is said to one that should have sent a header first. */
static bool waits_for_header(const struct target *target, enum call_end end)
{
	const struct ask *ask = &target->call.ask;
	bool late = clock_ms() >= target->begun_ms + NEARLY_MS;

	if (ask->code[ASK_GREETING] == 0)
		return end == CALL_SILENT || (end == CALL_BROKEN && late);
	return (ask_was_busy(ask) && late) || ask->code[ASK_EHLO] == 503;
}

static void not_found(struct target *target, const char *why)
{
	target->way_tried = 0;
	if (ask_was_busy(&target->call.ask))
		why = target->call.ask.words;
	target_is_unwell(target, why);
	target_plan(target, ERRAND_FIND, AGAIN_MS);
}

static void ended(struct target *target, enum call_end end, const char *why)
{
	unsigned way = target->way_tried;
	bool first = way == 0;

	if (end != CALL_DOWN && ask_went_well(&target->call.ask)) {
		found(target, ways[way].mode);
	} else if (end == CALL_DOWN || way == WAYS - 1 ||
		   (first && !waits_for_header(target, end))) {
		not_found(target, why);
	} else {
		target->way_tried++;
		target_plan(target, ERRAND_FIND, 0);
	}
}

const struct errand errand_find = { plan, ended };
