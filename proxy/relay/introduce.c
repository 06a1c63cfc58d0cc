#include "proxy/relay/introduce.h"

#include "proxy/relay/identity.h"
#include "proxy/relay/route.h"

#include <math.h>

static const double SILENCE_SECONDS = 5;

/* What is tried, one after the other. */
static const struct {
	enum dial_way way;
	bool confirm;
	bool patient;             /* it may take all the time there is */
	enum identity_mode found; /* where it went well; IDENTITY_AUTO: as was told in the end */
} questions[] = {
	{ DIAL_XCLIENT, false, false, IDENTITY_AUTO },
	{ DIAL_PROXY_V2, true, false, IDENTITY_PROXY_V2 },
	{ DIAL_PROXY_V1, true, false, IDENTITY_PROXY_V1 },
	{ DIAL_XCLIENT, false, true, IDENTITY_AUTO },
};

enum { QUESTIONS = sizeof questions / sizeof *questions };

static const struct backend_config *backend_of(const struct session *s)
{
	return s->service->listener->backend;
}

/* What is known of the server; IDENTITY_AUTO: nothing. What stands there may be anything. */
static enum identity_mode known(const struct session *s)
{
	if (backend_of(s)->identity != IDENTITY_AUTO)
		return backend_of(s)->identity;
	uint8_t found = s->journey.place.member->record->identity;
	return found <= IDENTITY_XCLIENT ? (enum identity_mode)found : IDENTITY_AUTO;
}

static void say_untold(const struct session *s, const char *detail)
{
	struct log_line line;

	if (!log_begin(&line, s->relay->log, LOG_LEVEL_WARNING, "no-identity"))
		return;
	log_str(&line, "id", s->id);
	log_str(&line, "backend", backend_of(s)->name);
	log_str(&line, "server", s->journey.chosen->written);
	log_str(&line, "detail", detail);
	log_end(&line);
}

static void remember(struct session *s, enum identity_mode found)
{
	static const char *const words[] = {
		[IDENTITY_NONE] = "none",
		[IDENTITY_PROXY_V1] = "proxy-v1",
		[IDENTITY_PROXY_V2] = "proxy-v2",
		[IDENTITY_XCLIENT] = "xclient",
	};
	struct log_line line;

	if (known(s) == found)
		return;
	s->journey.place.member->record->identity = (uint8_t)found;
	if (found == IDENTITY_NONE) {
		say_untold(s, "the server greets by itself and announces no XCLIENT: it sees "
			      "Postern's address in place of all clients'");
	} else if (log_begin(&line, s->relay->log, LOG_LEVEL_INFO, "identity-found")) {
		log_str(&line, "backend", backend_of(s)->name);
		log_str(&line, "server", s->journey.chosen->written);
		log_str(&line, "identity", words[found]);
		log_end(&line);
	}
}

enum dial_way introduce_way(struct session *s, bool *confirm)
{
	if (s->finding.member != s->journey.place.member)
		s->finding = (struct finding){ .member = s->journey.place.member };
	*confirm = false;
	s->finding.asks = !s->finding.untold && known(s) == IDENTITY_AUTO;
	if (s->finding.untold)
		return DIAL_SILENT;
	if (!s->finding.asks)
		return identity_way(known(s));
	*confirm = questions[s->finding.question].confirm;
	return questions[s->finding.question].way;
}

static bool ask_next(struct session *s)
{
	if (s->finding.question + 1 == QUESTIONS)
		return false;
	s->finding.question++;
	route_again(s, false);
	return true;
}

/* No PROXY header is for a server that has greeted, unless it says itself that it wants one. */
static bool may_go_on(const struct session *s)
{
	const struct dial *dial = &s->dialer.dial;

	return dial->code == 0 || s->finding.question > 0 || dial->wants_header;
}

/* It did not come to a greeting. What was found before is no longer so, perhaps. */
static bool went_wrong(struct session *s)
{
	if (s->finding.asks && known(s) != IDENTITY_AUTO) {
		/* Another session or the monitor knows by now. */
		route_again(s, false);
		return true;
	}
	if (s->finding.asks)
		return may_go_on(s) && ask_next(s);
	if (backend_of(s)->identity == IDENTITY_AUTO)
		s->journey.place.member->record->identity = IDENTITY_AUTO;
	return false;
}

bool introduce_late(struct session *s)
{
	return s->dialing == DIALING_GREETING && went_wrong(s);
}

bool introduce_failed(struct session *s)
{
	return s->dialer.reason != END_BACKEND_DOWN && went_wrong(s);
}

/* A server that announces no XCLIENT has had our EHLO, and may take no other. */
static bool untold(struct session *s)
{
	if (s->finding.asks)
		remember(s, IDENTITY_NONE);
	else
		say_untold(s, "the server announces no XCLIENT, and sees Postern's own address");
	s->finding.untold = true;
	route_again(s, true);
	return true;
}

bool introduce_ready(struct session *s)
{
	const struct dialer *dialer = &s->dialer;

	/* It greets with a refusal, or refuses XCLIENT: nothing is found by that. */
	if (dialer->dial.code >= 400 || dialer->reason != END_NONE)
		return false;
	if (dialer->way.plan.way == DIAL_XCLIENT && dial_told(&dialer->dial) == DIAL_SILENT)
		return untold(s);
	if (!s->finding.asks)
		return false;
	if (questions[s->finding.question].found == IDENTITY_AUTO) {
		remember(s, IDENTITY_XCLIENT);
		return false;
	}
	remember(s, questions[s->finding.question].found);
	route_again(s, true);
	return true;
}

double introduce_patience(const struct session *s, double whole)
{
	if (!s->finding.asks || questions[s->finding.question].patient)
		return whole;
	return fmin(whole, SILENCE_SECONDS);
}
