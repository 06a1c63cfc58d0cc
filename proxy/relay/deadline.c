/* No state is without a deadline (RFC 5321 section 4.5.3.2). */
#include "proxy/relay/backend.h"
#include "proxy/relay/route.h"

#include <math.h>

static const double RATE_SECONDS = 60;

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

static bool dials(const struct session *s)
{
	return s->dialing > DIALING_NOT && s->dialing < DIALING_DONE;
}

static double timeout_of(const struct session *s)
{
	const struct timeouts_config *t = &s->relay->config->timeouts;
	const uint64_t ms[] = {
		[SMTP_AWAIT_GREETING] = t->greeting_ms,
		[SMTP_AWAIT_COMMAND] = t->command_ms,
		[SMTP_AWAIT_REPLY] = t->reply_ms,
		[SMTP_AWAIT_DATA_START] = t->data_start_ms,
		[SMTP_AWAIT_DATA_BLOCK] = t->data_block_ms,
		[SMTP_AWAIT_DATA_END] = t->data_end_ms,
	};

	if (s->waiting.client_takes)
		return seconds(t->command_ms);
	if (s->waiting.server_takes)
		return seconds(t->data_block_ms);
	if (dials(s))
		return route_patience(s);
	return seconds(ms[s->waiting.await]);
}

static struct waiting_for waits_for(const struct session *s)
{
	bool bytes = buf_leaving(&s->client.in).len > 0;
	struct waiting_for w = {
		.await = smtp_awaits(&s->smtp),
		.client_takes = buf_leaving(&s->server.in).len > 0 && !s->client.writable,
		.server_takes = bytes && s->server.fd >= 0 && !s->server.writable,
		.turn = s->smtp.turn,
	};

	if (w.client_takes)
		w.progress = s->client.sent;
	else if (w.server_takes)
		w.progress = s->server.sent;
	else if (w.await == SMTP_AWAIT_DATA_BLOCK)
		w.progress = s->client.received;
	else if (w.await == SMTP_AWAIT_GREETING)
		w.progress = (uint64_t)s->journey.place.attempts << 8 | (uint64_t)s->dialing;
	return w;
}

static bool same(const struct waiting_for *a, const struct waiting_for *b)
{
	return a->await == b->await && a->server_takes == b->server_takes &&
	       a->client_takes == b->client_takes && a->turn == b->turn &&
	       a->progress == b->progress;
}

/* data_rate counts only while we would read: a server that takes nothing is not the client's fault.
 */
static void set_rate(struct session *s, double now)
{
	bool counts = s->waiting.await == SMTP_AWAIT_DATA_BLOCK && !s->waiting.server_takes &&
		      s->relay->config->timeouts.data_rate > 0;

	if (!counts) {
		s->rate_since = 0;
	} else if (s->rate_since == 0) {
		s->rate_since = now;
		s->rate_bytes = s->client.received;
	}
}

void session_set_deadline(struct session *s, double now)
{
	if (s->stage != STAGE_RELAY)
		return;
	struct waiting_for w = waits_for(s);
	if (s->deadline == 0 || !same(&w, &s->waiting)) {
		s->waiting = w;
		s->deadline = now + timeout_of(s);
	}
	set_rate(s, now);
}

double session_due(const struct session *s)
{
	double due = s->deadline;

	if (s->stage == STAGE_FLUSH)
		return s->flush_by;
	if (s->stage != STAGE_RELAY)
		return due;
	due = fmin(due, route_look_at(s));
	if (s->greet_at > 0)
		due = fmin(due, s->greet_at);
	if (!s->smtp.expired)
		due = fmin(due, s->expires);
	if (s->rate_since > 0)
		due = fmin(due, s->rate_since + RATE_SECONDS);
	return due;
}

static void check_rate(struct session *s, double now)
{
	uint64_t least = (uint64_t)RATE_SECONDS * s->relay->config->timeouts.data_rate;

	if (s->rate_since == 0 || now < s->rate_since + RATE_SECONDS)
		return;
	if (s->client.received - s->rate_bytes < least) {
		if (s->reason == END_NONE)
			s->reason = END_CLIENT_SLOW;
		smtp_event(&s->smtp, SMTP_DEADLINE);
	}
	s->rate_since = 0;
}

static void deadline_passed(struct session *s)
{
	s->deadline = 0;
	if (s->waiting.client_takes)
		session_close(s, END_CLIENT_STUCK);
	else if (s->waiting.server_takes)
		backend_fail(s, END_BACKEND_STUCK, NULL);
	else if (dials(s))
		route_late(s);
	else
		smtp_event(&s->smtp, SMTP_DEADLINE);
}

void session_on_time(struct session *s, double now)
{
	if (s->stage == STAGE_FLUSH) {
		if (now >= s->flush_by)
			s->stage = STAGE_DONE;
		return;
	}
	if (s->stage != STAGE_RELAY) {
		if (now >= s->deadline)
			session_close(s, s->stage == STAGE_ANNOUNCE ? END_PROXY_TIMEOUT
								    : END_HANDSHAKE_TIMEOUT);
		return;
	}
	if (s->greet_at > 0 && now >= s->greet_at)
		s->greet_at = 0;
	if (!s->smtp.expired && now >= s->expires)
		smtp_event(&s->smtp, SMTP_EXPIRED);
	check_rate(s, now);
	if (now >= s->deadline)
		deadline_passed(s);
}
