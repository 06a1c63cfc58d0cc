/* The life of a session on the loop: its callbacks, its timer, what it watches. */
#include "proxy/relay/session.h"

#include "proxy/relay/admission.h"
#include "proxy/relay/life.h"
#include "proxy/relay/route.h"
#include "proxy/relay/rules.h"
#include "proxy/relay/tls.h"
#include "proxy/smtp/say.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const double ANNOUNCE_SECONDS = 5;

double session_now(const struct session *s)
{
	return ev_now(s->relay->loop);
}

struct addr session_client(const struct session *s)
{
	return endpoint_addr(&s->address);
}

static void set_timer(struct session *s)
{
	struct ev_loop *loop = s->relay->loop;
	double due = s->more ? ev_now(loop) : session_due(s);

	/* Later than before needs no call: the timer finds out when it fires, and goes on. */
	if (ev_is_active(&s->timer) && ev_now(loop) + ev_timer_remaining(loop, &s->timer) <= due)
		return;
	ev_timer_stop(loop, &s->timer);
	ev_timer_set(&s->timer, due > ev_now(loop) ? due - ev_now(loop) : 0, 0);
	ev_timer_start(loop, &s->timer);
}

static bool wants_bytes(const struct buf *buf)
{
	size_t held = buf->tail - buf->head;

	return held < BUF_READ_BYTES || (buf->head == buf->clear && held < BUF_WAIT_BYTES);
}

static void watch_server(struct session *s, bool to_server)
{
	bool dials = s->dialing == DIALING_CONNECT || s->dialing == DIALING_GREETING;
	const struct approach *approach = s->journey.approach;
	bool read = !dials || dialer_wants_read(&approach->dialer);
	bool write = dials ? dialer_wants_write(&approach->dialer) : to_server;

	peer_watch(&s->server, s->relay->loop, read && wants_bytes(&s->server.in), write);
}

/* What is watched follows from stage and buffers, here and nowhere else. */
static void watch(struct session *s)
{
	struct ev_loop *loop = s->relay->loop;
	bool to_client = buf_leaving(&s->server.in).len > 0;
	bool to_server = buf_leaving(&s->client.in).len > 0;

	switch (s->stage) {
	case STAGE_ANNOUNCE:
	case STAGE_HANDSHAKE:
		peer_watch(&s->client, loop, true, false);
		break;
	case STAGE_UPGRADE:
		peer_watch(&s->client, loop, s->client.ssl != NULL, to_client);
		break;
	case STAGE_RELAY:
		peer_watch(&s->client, loop, wants_bytes(&s->client.in), to_client);
		watch_server(s, to_server);
		break;
	default:
		s->client.eof = s->client.wants_write = false;
		peer_watch(&s->client, loop, s->finished, to_client);
		break;
	}
}

static enum session_doing doing(const struct session *s)
{
	static const uint8_t awaited[] = {
		[SMTP_AWAIT_GREETING] = DOING_GREETING,  [SMTP_AWAIT_COMMAND] = DOING_COMMAND,
		[SMTP_AWAIT_REPLY] = DOING_REPLY,        [SMTP_AWAIT_DATA_START] = DOING_DATA_START,
		[SMTP_AWAIT_DATA_BLOCK] = DOING_MESSAGE, [SMTP_AWAIT_DATA_END] = DOING_VERDICT,
	};

	if (s->stage == STAGE_ANNOUNCE || s->stage == STAGE_HANDSHAKE || s->stage == STAGE_UPGRADE)
		return DOING_HANDSHAKE;
	if (s->stage != STAGE_RELAY)
		return DOING_FLUSH;
	if (s->dialing == DIALING_WAIT)
		return DOING_WAIT;
	return s->dialing == DIALING_CONNECT ? DOING_CONNECT : awaited[s->waiting.await];
}

/* What others see of the session, and the bytes since they last could. */
static void show(struct session *s)
{
	struct session_slot *slot = s->slot;
	struct listener_counters *counters = s->service->counters;

	counters->bytes_to_server += s->server.sent - slot->bytes_to_server;
	counters->bytes_to_client += s->client.sent - slot->bytes_to_client;
	slot->bytes_to_server = s->server.sent;
	slot->bytes_to_client = s->client.sent;
	slot->doing = (uint8_t)doing(s);
}

static void session_free(struct session *s)
{
	struct relay *relay = s->relay;
	struct ev_loop *loop = relay->loop;

	ledger_end(s);
	session_log_end(s, ev_now(loop));
	show(s);
	s->service->counters->ended[s->reason]++;
	s->service->counters->open--;
	relay->counters->open--;
	admit_leave(relay->admit, &s->visit);
	ev_timer_stop(loop, &s->timer);
	peer_close(&s->client, loop);
	route_close(s, false);
	*s->slot = (struct session_slot){ 0 };
	free(s->via);
	free(s->helo);
	buf_drop(&s->client.in);
	buf_drop(&s->server.in);
	buf_return(&s->client.in, &relay->pool);
	buf_return(&s->server.in, &relay->pool);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		relay->sessions = s->next;
	relay->open--;
	free(s);
	if (relay->changed)
		relay->changed(relay->owner);
}

void session_turn(struct session *s)
{
	static bool (*const run[])(struct session *) = {
		[STAGE_ANNOUNCE] = session_announce, [STAGE_HANDSHAKE] = session_handshake,
		[STAGE_RELAY] = session_pump,        [STAGE_UPGRADE] = session_upgrade,
		[STAGE_FLUSH] = session_flush,
	};

	while (s->stage != STAGE_DONE && run[s->stage](s))
		;
	if (s->stage == STAGE_DONE) {
		session_free(s);
		return;
	}
	buf_return(&s->client.in, &s->relay->pool);
	buf_return(&s->server.in, &s->relay->pool);
	session_set_deadline(s, ev_now(s->relay->loop));
	show(s);
	/* It goes on at once, and is not to be watched for less in between. */
	if (!s->more)
		watch(s);
	set_timer(s);
}

static void on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct session *s = io->data;
	struct peer *peer = io == &s->client.io ? &s->client : &s->server;

	(void)loop;
	peer_event(peer, events);
	session_turn(s);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct session *s = timer->data;

	(void)events;
	session_on_time(s, ev_now(loop));
	session_turn(s);
}

void session_wake(struct session *s)
{
	ev_feed_event(s->relay->loop, &s->timer, EV_TIMER);
}

bool session_meet(struct session *s)
{
	const struct relay *relay = s->relay;
	const struct listener_config *listener = s->service->listener;
	const struct rules *rules = s->service->rules;
	const struct smtp_policy *policy = &rules->strict;
	bool implicit = listener->tls == LISTENER_IMPLICIT;
	struct addr client = session_client(s);

	if (networks_contain(&listener->policy->normalize_networks, &client))
		policy = &rules->normalize;
	smtp_init(&s->smtp, policy, implicit, slice_str(s->id), SLICE(""));
	s->smtp.tally = &relay->counters->tally;
	if (listener->networks.count > 0 && !networks_contain(&listener->networks, &client))
		smtp_refuse(&s->smtp, SAY_NETWORK_REFUSED);
	admission_tell(s);
	if (relay->draining)
		smtp_event(&s->smtp, SMTP_DRAIN);
	if (listener->greet_delay_ms > 0)
		s->greet_at = session_now(s) + (double)listener->greet_delay_ms / 1000;
	s->stage = implicit ? STAGE_HANDSHAKE : STAGE_RELAY;
	s->tls_began = session_now(s);
	s->deadline =
		implicit ? s->started + (double)relay->config->timeouts.handshake_ms / 1000 : 0;
	if (implicit)
		s->client.ssl = session_tls(s);
	return !implicit || s->client.ssl;
}

/* Only a balancer may come, where one must; who it brings is known when it has said so. */
static void await_balancer(struct session *s)
{
	const struct networks *balancers = &s->service->listener->proxy_protocol;
	uint64_t handshake_ms = s->relay->config->timeouts.handshake_ms;
	struct addr client = session_client(s);

	s->stage = STAGE_ANNOUNCE;
	s->deadline = s->started + fmin(ANNOUNCE_SECONDS, (double)handshake_ms / 1000);
	if (!networks_contain(balancers, &client))
		session_close(s, END_PROXY_STRANGER);
}

static bool begin(struct session *s, int fd)
{
	s->started = session_now(s);
	s->expires = s->started + (double)s->relay->config->timeouts.session_ms / 1000;
	peer_init(&s->client, on_io, s);
	peer_init(&s->server, on_io, s);
	ev_init(&s->timer, on_timer);
	s->timer.data = s;
	peer_open(&s->client, fd, true, true);
	if (s->service->listener->proxy_protocol.count == 0)
		return session_meet(s);
	await_balancer(s);
	return true;
}

bool session_open(struct relay *relay, const struct service *service, struct session_slot *slot,
		  int fd, const struct addr *client, const struct visit *visit)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return false;
	s->relay = relay;
	s->service = service;
	s->slot = slot;
	s->address = endpoint_of(client);
	s->visit = *visit;
	s->journey.place.session = s;
	memcpy(s->id, slot->id, sizeof s->id);
	if (!begin(s, fd)) {
		free(s);
		return false;
	}
	s->next = relay->sessions;
	if (s->next)
		s->next->prev = s;
	relay->sessions = s;
	relay->open++;
	relay->counters->open++;
	service->counters->open++;
	session_turn(s);
	return true;
}
