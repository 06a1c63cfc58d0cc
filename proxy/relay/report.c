/* What the log says of a session and of its messages. Never a secret, never message text. */
#include "proxy/relay/session.h"

static uint64_t ms(double from, double to)
{
	return from > 0 && to > from ? (uint64_t)((to - from) * 1000) : 0;
}

/* What was shown, be it good or not: so that a list can be made from what comes. */
static void log_certificate(struct log_line *line, const struct session *s, const char *why)
{
	struct tls_shown shown;

	if (!why)
		return;
	log_str(line, "client_certificate", why);
	log_str(line, "login", s->tls.login ? s->tls.login : s->tls.listed);
	if (!tls_shown(s->client.ssl, &shown))
		return;
	log_slice(line, "subject", slice_str(shown.subject));
	log_slice(line, "issuer", slice_str(shown.issuer));
	log_str(line, "sha256", shown.fingerprint);
}

static void log_tls(struct log_line *line, const struct session *s)
{
	struct tls_facts facts;

	if (s->reason == END_CLIENT_REFUSED && s->secured == 0)
		log_certificate(line, s, cert_word(&s->tls));
	if (s->secured == 0)
		return;
	tls_facts(s->client.ssl, &s->tls, &facts);
	log_str(line, "tls", facts.version);
	log_str(line, "cipher", facts.cipher);
	log_str(line, "group", facts.group);
	log_str(line, "resumed", facts.resumed ? "yes" : "no");
	if (facts.sni)
		log_slice(line, "sni", slice_str(facts.sni));
	log_certificate(line, s, facts.why);
	log_ms(line, "tls_seconds", ms(s->started, s->secured));
}

static void log_server(struct log_line *line, const struct session *s)
{
	log_str(line, "server", s->journey.chosen ? s->journey.chosen->written : NULL);
	if (s->journey.failovers > 0)
		log_num(line, "failovers", s->journey.failovers);
	if (s->journey.waited > 0)
		log_ms(line, "waited_seconds", (uint64_t)(s->journey.waited * 1000));
}

void session_log_end(const struct session *s, double now)
{
	struct log_line line;
	char client[ADDR_TEXT_BYTES], via[ADDR_TEXT_BYTES];
	struct addr address = session_client(s);

	/* Of those that were refused at the door there is a line a minute for each address. */
	if (!log_begin(&line, s->relay->log, s->visit.told ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		       "session"))
		return;
	addr_format(&address, client, sizeof client);
	log_str(&line, "id", s->id);
	log_str(&line, "listener", s->service->listener->name);
	log_str(&line, "client", client);
	if (s->via) {
		address = endpoint_addr(s->via);
		addr_format(&address, via, sizeof via);
		log_str(&line, "via", via);
	}
	log_tls(&line, s);
	if (s->smtp.helo_len > 0)
		log_slice(&line, "helo", slice_of(s->smtp.helo, s->smtp.helo_len));
	log_num(&line, "messages", s->smtp.messages);
	log_num(&line, "recipients", s->smtp.recipients_taken);
	log_num(&line, "bytes_in", s->client.received);
	log_num(&line, "bytes_out", s->client.sent);
	log_str(&line, "backend", s->service->listener->backend->name);
	log_server(&line, s);
	if (s->dialed > 0 && s->connected >= s->dialed)
		log_ms(&line, "connect_seconds", ms(s->dialed, s->connected));
	log_str(&line, "reason", ending_word(s->reason));
	if (s->secured > 0 && cert_flooded(s->client.ssl))
		log_str(&line, "detail", "too many TLS key updates");
	else
		log_str(&line, "detail", s->detail);
	log_ms(&line, "seconds", ms(s->started, now));
	log_end(&line);
}
