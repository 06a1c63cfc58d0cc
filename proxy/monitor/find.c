/*
 * In which way a server is told of clients: as configured, where it can be, or, where `identity` is
 * `auto`, as is found out here, for all workers. A server that greets by itself is never sent a
 * PROXY header, but where it asks for one: it would take it for an attack.
 */
#include "proxy/monitor/target.h"
#include "proxy/relay/identity.h"
#include "base/clock.h"
#include "proxy/relay/told.h"

enum {
	WAIT_MS = 5 * 1000,   /* for a greeting, before it counts as silent */
	NEARLY_MS = 4 * 1000, /* a server that waits for a header may give up as soon as we do, */
	WHILE_MS = 2 * 1000,  /* ... or before, without a word: Dovecot after 3 s */
	PATIENT_MS = 60 * 1000,
	FIRST_WAIT_MS = 1000,     /* before it is tried again; doubled each time, */
	MOST_WAIT_MS = 10 * 1000, /* ... up to that */
};

struct way {
	enum identity_mode mode;
	uint64_t wait_ms;
};

enum { WAYS = 4 };

/*
 * Tried in turn; with patience where a server greets late. One that has greeted by itself before
 * hangs more likely than it has come to want a header.
 */
static const struct way ways[WAYS] = {
	{ IDENTITY_NONE, WAIT_MS },
	{ IDENTITY_PROXY_V2, WAIT_MS },
	{ IDENTITY_PROXY_V1, WAIT_MS },
	{ IDENTITY_NONE, PATIENT_MS },
}, ways_of_greeters[WAYS] = {
	{ IDENTITY_NONE, WAIT_MS },
	{ IDENTITY_NONE, PATIENT_MS },
	{ IDENTITY_PROXY_V2, WAIT_MS },
	{ IDENTITY_PROXY_V1, WAIT_MS },
};

static const struct way *way_of(const struct target *target)
{
	enum identity_mode known = target_identity(target);
	bool greets = known == IDENTITY_NONE || known == IDENTITY_XCLIENT;

	return &(greets ? ways_of_greeters : ways)[target->way_tried];
}

static void plan(struct target *target, struct call_plan *plan)
{
	const struct way *way = way_of(target);

	if (target->way_tried == 0)
		target->doubts = target->record->doubts;
	plan->way.plan.way = identity_way(way->mode);
	if (plan->greeting_ms > way->wait_ms || way->wait_ms == PATIENT_MS)
		plan->greeting_ms = way->wait_ms;
}

static void say_found(const struct target *target, enum identity_mode mode)
{
	bool none = mode == IDENTITY_NONE;
	struct log_line line;

	if (!target_say(&line, target, none ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
			none ? "no-identity" : "identity-found"))
		return;
	if (none)
		log_str(&line, "detail",
			"the server announces no XCLIENT: it sees Postern's address in place of "
			"all clients'");
	else
		log_str(&line, "identity", identity_word(mode));
	log_end(&line);
}

/* What a server is told by has one writer, and is said where it is written. */
static void is_told(struct target *target, enum identity_mode mode)
{
	unsigned before = IDENTITY_AUTO;

	/* A monitor with another configuration has taken over. */
	if (target->probes->leaving)
		return;
	server_told(target->record, target->mark, &before);
	if (before == mode)
		return;
	server_set_told(target->record, target->mark, mode);
	say_found(target, mode);
	target_doubt_verdict(target);
}

bool target_meet(struct target *target)
{
	unsigned known;

	target->record->unfound = 0;
	if (!server_told(target->record, target->mark, &known)) {
		known = target->backend->identity;
		server_set_told(target->record, target->mark, known);
	}
	return known == IDENTITY_AUTO;
}

void target_learn(struct target *target)
{
	bool xclient = target->call.ask.xclient;
	enum identity_mode mode = xclient ? IDENTITY_XCLIENT : IDENTITY_NONE;
	unsigned told = IDENTITY_AUTO;

	if (target->backend->identity == IDENTITY_AUTO)
		server_told(target->record, target->mark, &told);
	else
		told = target->backend->identity;
	if (target->backend->identity == IDENTITY_XCLIENT ||
	    (target->backend->identity == IDENTITY_AUTO &&
	     (told == IDENTITY_XCLIENT || told == IDENTITY_NONE)))
		is_told(target, mode);
}

static void found(struct target *target, enum identity_mode mode)
{
	if (mode == IDENTITY_NONE && target->call.ask.xclient)
		mode = IDENTITY_XCLIENT;
	is_told(target, mode);
	target->record->doubts_heard = target->doubts;
	target->record->unfound = 0;
	target->way_tried = 0;
	target->find_wait_ms = 0;
	target_is_well(target);
	target_doubt_verdict(target);
	if (target->backend->probe_ms > 0)
		target_plan(target, ERRAND_HEALTH, target->backend->probe_ms);
}

/* Nothing was said in time; or what is said to one that should have sent a header first. */
static bool waits_for_header(const struct target *target, enum call_end end)
{
	const struct ask *ask = &target->call.ask;
	uint64_t waited_ms = clock_ms() - target->begun_ms;

	if (ask->code[ASK_GREETING] == 0)
		return end == CALL_SILENT || (end == CALL_BROKEN && waited_ms >= WHILE_MS);
	return (ask_was_busy(ask) && waited_ms >= NEARLY_MS) || ask->code[ASK_EHLO] == 503;
}

/* Who takes a header for commands answers them first, and EHLO is not what is answered by that. */
static bool was_understood(const struct target *target)
{
	const struct ask *ask = &target->call.ask;

	if (way_of(target)->mode == IDENTITY_NONE)
		return ask_went_well(ask);
	return ask->code[ASK_EHLO] / 100 == 2;
}

static void not_found(struct target *target, const char *why)
{
	uint64_t wait_ms = target->find_wait_ms == 0 ? FIRST_WAIT_MS : 2 * target->find_wait_ms;

	target->way_tried = 0;
	target->find_wait_ms = wait_ms < MOST_WAIT_MS ? wait_ms : MOST_WAIT_MS;
	target->record->unfound = 1;
	if (ask_was_busy(&target->call.ask))
		why = target->call.ask.words;
	target_is_unwell(target, why);
	target_plan(target, ERRAND_FIND, target->find_wait_ms);
}

static void ended(struct target *target, enum call_end end, const char *why)
{
	enum identity_mode mode = way_of(target)->mode;

	if (end != CALL_DOWN && was_understood(target)) {
		found(target, mode);
	} else if (end == CALL_DOWN || target->way_tried == WAYS - 1 ||
		   (mode == IDENTITY_NONE && !waits_for_header(target, end))) {
		not_found(target, why);
	} else {
		target->way_tried++;
		target_plan(target, ERRAND_FIND, 0);
	}
}

const struct errand errand_find = { plan, ended };
