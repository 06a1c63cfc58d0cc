/* The client's TLS: the handshake, at once or behind the answer to STARTTLS. */
#include "proxy/relay/session.h"
#include "proxy/relay/tls.h"

struct ssl_st *session_tls(struct session *s)
{
	const struct listener_config *listener = s->service->listener;
	struct addr client = session_client(s);
	bool legacy = networks_contain(&listener->legacy_networks, &client);

	return cert_store_ssl(s->service->certs, s->client.fd, legacy, &s->tls);
}

static void count(const struct session *s)
{
	struct listener_counters *counters = s->service->counters;
	struct tls_facts facts;

	tls_facts(s->client.ssl, &s->tls, &facts);
	counters->handshakes[tls_version_find(facts.version)]++;
	counters->groups[tls_group_find(facts.group)]++;
	counters->resumed += facts.resumed;
	timing_add(&counters->handshake, (uint64_t)((session_now(s) - s->tls_began) * 1e6));
}

static void handshake_failed(struct session *s, enum tls_handshake outcome, const char *why)
{
	static const enum ending endings[] = {
		[TLS_PLAIN] = END_PLAIN_ON_TLS,      [TLS_FOREIGN] = END_FOREIGN_ALPN,
		[TLS_REFUSED] = END_CLIENT_REFUSED,  [TLS_CLOSED] = END_HANDSHAKE_FAILED,
		[TLS_FAILED] = END_HANDSHAKE_FAILED,
	};

	if (outcome == TLS_REFUSED)
		why = cert_judge(s->client.ssl, &s->tls);
	s->detail = outcome == TLS_FOREIGN ? NULL : why;
	if (endings[outcome] == END_HANDSHAKE_FAILED)
		s->service->counters->handshake_failures[tls_failure_find(why)]++;
	session_close(s, endings[outcome]);
}

static void handshake_done(struct session *s)
{
	bool upgraded = s->stage == STAGE_UPGRADE;
	const char *refused = cert_judge(s->client.ssl, &s->tls);

	s->client.readable = !tls_is_dry(s->client.ssl);
	s->client.writable = true;
	s->secured = session_now(s);
	count(s);
	s->stage = STAGE_RELAY;
	s->deadline = 0;
	if (refused) {
		s->detail = refused;
		smtp_refuse_client(&s->smtp, slice_str(refused));
	}
	if (!upgraded)
		return;
	if (s->server.fd >= 0)
		net_read(s->server.fd, s->relay->room, SMTP_ROOM_BYTES);
	peer_close(&s->server, s->relay->loop);
	smtp_event(&s->smtp, SMTP_SECURED);
}

bool session_handshake(struct session *s)
{
	const char *why = NULL;
	enum tls_handshake outcome;

	if (!s->client.readable && !s->client.writable)
		return false;
	outcome = tls_accept(s->client.ssl, &why);
	s->client.readable = s->client.writable = false;
	s->client.wants_write = outcome == TLS_WANTS_WRITE;
	if (outcome == TLS_WANTS_READ || outcome == TLS_WANTS_WRITE)
		return false;
	if (outcome == TLS_DONE)
		handshake_done(s);
	else
		handshake_failed(s, outcome, why);
	return true;
}

/* The 220 goes out in plain, and not a byte is read before; then TLS begins on the socket. */
bool session_upgrade(struct session *s)
{
	if (s->client.ssl)
		return session_handshake(s);
	peer_write(&s->client, &s->server.in);
	if (s->client.broken) {
		session_close(s, END_CLIENT_LOST);
		return true;
	}
	if (buf_leaving(&s->server.in).len > 0)
		return false;
	s->client.ssl = session_tls(s);
	if (!s->client.ssl) {
		session_close(s, END_NO_MEMORY);
		return true;
	}
	/* Nothing had come when the 220 was said, and what comes now, an event tells. */
	s->client.readable = s->client.writable = false;
	s->tls_began = session_now(s);
	return false;
}
