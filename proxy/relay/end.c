/*
 * The orderly end: write what is due, close_notify, FIN, then read and discard until the other has
 * closed. A close with unread input would send RST and destroy the last reply on its way.
 */
#include "proxy/relay/life.h"
#include "proxy/relay/route.h"
#include "proxy/relay/tls.h"

enum { DISCARD_BYTES = 64 * 1024 };
static const double FLUSH_SECONDS = 30, DISCARD_SECONDS = 2;

void session_close(struct session *s, enum ending reason)
{
	if (s->stage == STAGE_FLUSH || s->stage == STAGE_DONE)
		return;
	if (s->reason == END_NONE)
		s->reason = reason;
	route_close(s, smtp_in_message(&s->smtp));
	buf_drop(&s->client.in);
	/* The last reply, close_notify and FIN are one segment. */
	if (s->client.ssl)
		tls_cork(s->client.ssl);
	else
		net_cork(s->client.fd);
	s->stage = STAGE_FLUSH;
	s->flush_by = session_now(s) + FLUSH_SECONDS;
}

void session_kill(struct session *s)
{
	if (s->stage == STAGE_RELAY && smtp_owes_verdict(&s->smtp)) {
		s->reason = s->reason == END_NONE ? END_KILLED : s->reason;
		smtp_event(&s->smtp, SMTP_DRAIN);
	} else
		session_close(s, END_KILLED);
	session_turn(s);
}

static void finish(struct session *s)
{
	net_finish(s->client.fd);
	s->finished = true;
	s->flush_by = session_now(s) + DISCARD_SECONDS;
}

static bool discard(struct session *s)
{
	ssize_t n;

	while ((n = net_read(s->client.fd, s->relay->room, SMTP_ROOM_BYTES)) > 0) {
		ledger_heard(s);
		s->discarded += (size_t)n;
		if (s->discarded >= DISCARD_BYTES)
			return true;
	}
	s->client.readable = false;
	if (n == IO_EOF)
		ledger_heard(s);
	return n != IO_AGAIN;
}

bool session_flush(struct session *s)
{
	size_t before = buf_leaving(&s->server.in).len;

	peer_write(&s->client, &s->server.in);
	s->queued += before - buf_leaving(&s->server.in).len;
	if (buf_leaving(&s->server.in).len > 0 && !s->client.broken)
		return false;
	ledger_turn(s);
	if (!s->finished && s->client.ssl)
		tls_finish(s->client.ssl);
	/* Its own end was there before ours: nothing can come any more, and to close sends FIN. */
	bool gone = s->client.broken || (s->client.eof && !s->client.clean);
	/* Nothing of it waits, as far as is known: what comes, an event tells. */
	bool silent = !s->finished && !s->client.readable && !s->client.eof;
	if (gone || (!silent && discard(s)))
		s->stage = STAGE_DONE;
	else if (!s->finished)
		finish(s);
	return s->stage == STAGE_DONE;
}
