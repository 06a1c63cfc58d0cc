#include "proxy/relay/backend.h"

#include "proxy/relay/identity.h"
#include "proxy/relay/introduce.h"
#include "proxy/relay/route.h"

void backend_fail(struct session *s, enum ending reason, const char *detail)
{
	if (s->reason == END_NONE) {
		s->reason = reason;
		s->detail = detail;
	}
	route_close(s, false);
	buf_take(&s->client.in, buf_leaving(&s->client.in).len);
	s->dialing = DIALING_DONE;
	smtp_event(&s->smtp, SMTP_SERVER_LOST);
}

/* Where it was found out that the server knows PROXY, it may be an Exim. */
static size_t header_most(const struct backend_config *backend)
{
	uint64_t most = backend->proxy_header_size_bytes;

	return backend->identity == IDENTITY_AUTO && most > TELL_V2_EXIM ? TELL_V2_EXIM : most;
}

struct dialer_way backend_way(const struct relay *relay, const struct backend_config *backend,
			      const struct server_config *server)
{
	return (struct dialer_way){
		.plan = { .tls = identity_tls(backend->tls),
			  .header_most = header_most(backend),
			  .hostname = slice_str(relay->config->hostname) },
		.tls = relay->server_tls[backend - relay->config->backends],
		.server = (size_t)(server - backend->server.item),
	};
}

static const struct identity *identify(struct session *s)
{
	identity_fill(&s->journey.approach->identity, s);
	return &s->journey.approach->identity;
}

static void begin_dial(struct session *s)
{
	const struct backend_config *backend = s->service->listener->backend;
	struct dialer_way way = backend_way(s->relay, backend, s->journey.chosen);

	way.plan.way = introduce_way(s);
	dialer_begin(&s->journey.approach->dialer, &way,
		     way.plan.way == DIAL_SILENT ? NULL : identify(s));
}

void backend_open(struct session *s, int fd, bool is_near)
{
	s->dialed = session_now(s);
	s->dialing = DIALING_CONNECT;
	s->journey.adopted = false;
	peer_open(&s->server, fd, false, is_near);
	begin_dial(s);
}

void backend_adopt(struct session *s)
{
	struct dialer *dialer = &s->journey.approach->dialer;

	s->journey.adopted = true;
	s->dialed = session_now(s);
	s->dialing = DIALING_CONNECT;
	dialer_identify(dialer, dialer->way.plan.way == DIAL_SILENT ? NULL : identify(s));
}

bool backend_goes_on(const struct session *s)
{
	return s->dialing == DIALING_CONNECT &&
	       (s->journey.approach->dialer.stage != DIALER_CONNECTING || s->server.writable);
}

static void ready(struct session *s)
{
	const struct dialer *dialer = &s->journey.approach->dialer;
	unsigned code = dialer->reason == END_NONE ? dialer->dial.code : 0;

	if (introduce_ready(s))
		return;
	if (!route_greeted(s, code, buf_waiting(&s->server.in)))
		return;
	if (dialer->reason != END_NONE && s->reason == END_NONE) {
		s->reason = dialer->reason;
		s->detail = dialer->detail;
	}
	route_arrived(s);
	smtp_event(&s->smtp, SMTP_CONNECTED);
}

static bool dial(struct session *s)
{
	struct dialer *dialer = &s->journey.approach->dialer;
	bool moved = dialer_move(dialer, &s->server, &s->relay->pool);

	if (dialer->stage == DIALER_FAILED) {
		if (dialer->reason != END_BACKEND_DOWN)
			introduce_failed(s);
		route_lost(s, dialer->reason, dialer->detail);
		return moved;
	}
	if (s->dialing == DIALING_CONNECT && dialer->stage != DIALER_CONNECTING) {
		route_connected(s);
		s->dialing = DIALING_GREETING;
	}
	if (dialer->stage == DIALER_READY)
		ready(s);
	return moved;
}

bool backend_read(struct session *s)
{
	if (s->dialing == DIALING_CONNECT || s->dialing == DIALING_GREETING)
		return dial(s);
	return s->dialing == DIALING_DONE && peer_read(&s->server, &s->relay->pool);
}
