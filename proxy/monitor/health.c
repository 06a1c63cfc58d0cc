#include "proxy/monitor/target.h"
#include "base/clock.h"
#include "proxy/relay/told.h"
#include "proxy/smtp/busy.h"
#include "proxy/smtp/ehlo.h"

enum { DOUBT_MS = 1000 };

/* --------------------------------------------------------------------------------- what it offers
 */

static void say_offer(const struct target *target, const char *event, const struct offer *offer)
{
	char text[1024];
	struct writer w = { .to = text, .size = sizeof text };
	struct log_line line;

	offer_write(offer, &w);
	if (!target_say(&line, target, LOG_LEVEL_INFO, event))
		return;
	log_slice(&line, "offers", slice_of(w.to, w.len));
	log_end(&line);
}

/* Clients could never log in, and the administrator would look for the reason at the wrong end. */
static void warn_no_auth(struct target *target, const struct offer *offer)
{
	uint32_t without = offer->keywords & KEYWORD_BIT(KEYWORD_AUTH);
	uint32_t starttls = offer->keywords & KEYWORD_BIT(KEYWORD_STARTTLS);
	struct log_line line;

	if (target->backend->tls != BACKEND_TLS_OFF || without != 0 || starttls == 0) {
		target->told_no_auth = false;
		return;
	}
	if (target->told_no_auth || !target_say(&line, target, LOG_LEVEL_WARNING, "server-no-auth"))
		return;
	target->told_no_auth = true;
	log_str(&line, "message",
		"it offers no AUTH in plain text: where clients are to log in, set "
		"`tls = starttls` in this backend's section");
	log_end(&line);
}

static void take_offer(struct target *target, const struct offer *offer)
{
	struct server_record *record = target->record;
	struct offer known = server_offer(record);

	if (!record->offered || !offer_eq(offer, &known))
		say_offer(target, record->offered ? "server-changed" : "server-offers", offer);
	server_set_offer(record, offer);
	warn_no_auth(target, offer);
}

/* ------------------------------------------------------------------------------------- up or down
 */

static void say_health(const struct target *target, enum server_health health, const char *why)
{
	bool up = health == SERVER_UP;
	struct log_line line;

	if (!target_say(&line, target, up ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
			up ? "server-up" : "server-down"))
		return;
	log_str(&line, "why", why);
	log_end(&line);
}

static void take_health(struct target *target, bool good, const char *why)
{
	struct server_record *record = target->record;
	enum server_health now = (enum server_health)record->health;
	enum server_health next = health_next(&target->health, now, good);

	server_set_health(record, next, clock_ms());
	if (next != now)
		say_health(target, next, why);
	if (next == SERVER_UP && now != SERVER_UP)
		target_doubt_verdict(target);
	if (next == SERVER_DOWN && target->backend->identity == IDENTITY_AUTO)
		target_hasten(target, ERRAND_FIND, target->backend->probe_ms);
}

void target_is_well(struct target *target)
{
	target->busy_code = 0;
	take_offer(target, &target->call.ask.offer);
	target_learn(target);
	take_health(target, true, NULL);
}

void target_is_unwell(struct target *target, const char *why)
{
	take_health(target, false, why);
}

/* It is there, and refuses for now: no reason to send nobody there, nor to send more. */
static void is_busy(struct target *target)
{
	const struct ask *ask = &target->call.ask;
	struct log_line line;

	server_set_health(target->record, (enum server_health)target->record->health, clock_ms());
	if (target->busy_code == ask->code[ASK_GREETING] ||
	    !target_say(&line, target, LOG_LEVEL_WARNING, "server-busy"))
		return;
	target->busy_code = ask->code[ASK_GREETING];
	log_str(&line, "greeting", ask->words);
	log_str(&line, "cause", busy_cause(slice_str(ask->words)));
	log_end(&line);
}

static void plan(struct target *target, struct call_plan *plan)
{
	(void)target;
	(void)plan;
}

static void ended(struct target *target, enum call_end end, const char *why)
{
	const struct ask *ask = &target->call.ask;
	uint64_t probe_ms = target->backend->probe_ms;

	if (ask_went_well(ask) && end != CALL_DOWN)
		target_is_well(target);
	else if (ask_was_busy(ask) && end != CALL_DOWN)
		is_busy(target);
	else
		target_is_unwell(target, ask->words[0] != '\0' ? ask->words : why);
	bool doubts = health_doubts(&target->health, (enum server_health)target->record->health);
	target_plan(target, ERRAND_HEALTH, doubts && DOUBT_MS < probe_ms ? DOUBT_MS : probe_ms);
}

const struct errand errand_health = { plan, ended };
