#include "proxy/relay/introduce.h"

#include "base/clock.h"
#include "proxy/relay/identity.h"
#include "proxy/relay/route.h"

enum { SAY_AGAIN_MS = 60 * 1000 };

static const struct backend_config *backend_of(const struct session *s)
{
	return s->service->listener->backend;
}

enum dial_way introduce_way(const struct session *s)
{
	const struct member *member = s->journey.place.member;

	if (s->journey.untold == member)
		return DIAL_SILENT;
	return identity_way((enum identity_mode)member->identity);
}

static void doubt(struct session *s)
{
	if (backend_of(s)->identity == IDENTITY_AUTO)
		s->journey.place.member->record->doubts++;
}

void introduce_failed(struct session *s)
{
	doubt(s);
}

/* The monitor says it, if it asks the server at all. */
static void say_untold(const struct session *s)
{
	struct member *member = s->journey.place.member;
	uint64_t now_ms = clock_ms();
	struct log_line line;

	if (backend_of(s)->probe_ms > 0 || backend_of(s)->identity == IDENTITY_AUTO ||
	    (member->untold_said_ms != 0 && now_ms - member->untold_said_ms < SAY_AGAIN_MS) ||
	    !log_begin(&line, s->relay->log, LOG_LEVEL_WARNING, "no-identity"))
		return;
	member->untold_said_ms = now_ms;
	log_str(&line, "id", s->id);
	log_str(&line, "backend", backend_of(s)->name);
	log_str(&line, "server", member->config->written);
	log_str(&line, "detail",
		"the server announces no XCLIENT: it sees Postern's address in place of all "
		"clients'");
	log_end(&line);
}

/* It has had our EHLO, and may take no other. */
bool introduce_ready(struct session *s)
{
	const struct dialer *dialer = &s->journey.approach->dialer;

	/* It greets with a refusal, or refuses XCLIENT: that says nothing of what it announces. */
	if (dialer->dial.code >= 400 || dialer->reason != END_NONE ||
	    dialer->way.plan.way != DIAL_XCLIENT || dial_told(&dialer->dial) != DIAL_SILENT)
		return false;
	doubt(s);
	say_untold(s);
	s->journey.untold = s->journey.place.member;
	route_again(s, true);
	return true;
}
