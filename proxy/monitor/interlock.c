/*
 * Would the server relay for strangers, if Postern let them to it? Most do for the address that
 * Postern has, unless they are told whose client it is. It is asked with mailboxes of elsewhere,
 * on the way that sessions take, and told 192.0.2.1 (RFC 5737) where it is told anything.
 */
#include "proxy/monitor/target.h"
#include "proxy/relay/identity.h"

enum { HOUR_MS = 60 * 60 * 1000, FIRST_WAIT_MS = 1000, MOST_WAIT_MS = 60 * 1000 };

void target_doubt_verdict(struct target *target)
{
	if (target->guarded)
		target_hasten(target, ERRAND_RELAY, 0);
}

static void plan(struct target *target, struct call_plan *plan)
{
	plan->identity = &target->probes->stranger;
	plan->ask.from = slice_str(target->backend->relay_from);
	plan->ask.to = slice_str(target->backend->relay_to);
}

/* Listeners that let anybody in, without address, login or certificate. */
static bool is_for_strangers(const struct listener_config *listener)
{
	return listener->networks.count == 0 && !listener->policy->require_auth &&
	       (listener->clients == NULL || listener->clients->verify != CLIENTS_REQUIRE);
}

static void name_listeners(struct log_line *line, const struct target *target)
{
	const struct config *config = target->probes->monitor->config;
	char names[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener_config *listener = &config->listeners[i];
		if (listener->backend == target->backend && is_for_strangers(listener) &&
		    len < sizeof names)
			len += (size_t)snprintf(names + len, sizeof names - len, "%s%s",
						len > 0 ? "," : "", listener->name);
	}
	log_str(line, "listeners", len > 0 ? names : NULL);
}

static const char *remedy(const struct target *target)
{
	enum dial_way way = identity_way(target_identity(target));

	if (way == DIAL_SILENT)
		return "it relays for strangers that come through Postern, whose address it "
		       "trusts: take that out of what it trusts (Postfix: mynetworks), or let it "
		       "be told of clients (identity = xclient, proxy-v2 or proxy-v1), or set "
		       "`require_auth = yes` in the policy of these listeners, which are closed "
		       "to all until then; `open_relay = accept` does not ask";
	return "it relays for strangers: set it right, or set `require_auth = yes` in the policy "
	       "of these listeners, which are closed to all until then; `open_relay = accept` "
	       "does not ask";
}

/* Each answer that is another than before is told. */
static void say(struct target *target, enum log_level level, const char *verdict,
		const char *message)
{
	const struct ask *ask = &target->call.ask;
	uint16_t code = ask->code[ASK_RCPT] != 0 ? ask->code[ASK_RCPT] : ask->code[ASK_MAIL];
	struct log_line line;

	if (target->relay_code == code || !target_say(&line, target, level, "open-relay"))
		return;
	target->relay_code = code;
	log_str(&line, "verdict", verdict);
	name_listeners(&line, target);
	log_str(&line, "reply", ask->words[0] != '\0' ? ask->words : NULL);
	log_str(&line, "message", message);
	log_end(&line);
}

static void decided(struct target *target, enum server_verdict verdict)
{
	target->record->verdict = (uint8_t)verdict;
	target->relay_wait_ms = 0;
	if (verdict == SERVER_RELAYS)
		say(target, LOG_LEVEL_ERROR, "relays", remedy(target));
	else
		say(target, LOG_LEVEL_INFO, "closed", NULL);
	target_plan(target, ERRAND_RELAY, HOUR_MS);
}

/* What was known holds; until something is, strangers are told to come later. */
static void undecided(struct target *target)
{
	uint64_t wait_ms = target->relay_wait_ms == 0 ? FIRST_WAIT_MS : 2 * target->relay_wait_ms;

	target->relay_wait_ms = wait_ms < MOST_WAIT_MS ? wait_ms : MOST_WAIT_MS;
	if (target->call.ask.code[ASK_MAIL] != 0)
		say(target, LOG_LEVEL_WARNING, "unknown",
		    "it put the question off, and what was known of it holds: nothing, at first, "
		    "and then strangers get 421. It is asked again; let it answer 192.0.2.1, or "
		    "Postern's own address where it is told no other, or set `open_relay = accept` "
		    "when it is known not to relay");
	target_plan(target, ERRAND_RELAY, target->relay_wait_ms);
}

static void ended(struct target *target, enum call_end end, const char *why)
{
	static const enum server_verdict verdicts[] = {
		[ASK_TAKEN] = SERVER_RELAYS,
		[ASK_REFUSED] = SERVER_CLOSED,
	};
	enum ask_answer answer = ask_answer(&target->call.ask);

	(void)why;
	if (end == CALL_DOWN || answer == ASK_UNDECIDED)
		undecided(target);
	else
		decided(target, verdicts[answer]);
}

const struct errand errand_relay = { plan, ended };
