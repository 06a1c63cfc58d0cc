/*
 * The pump: runs both directions of a session until nothing moves or its turn is over. Backpressure
 * is nothing more than that: no room, no read.
 */
#include "proxy/relay/admission.h"
#include "proxy/relay/backend.h"
#include "proxy/relay/route.h"
#include "proxy/relay/session.h"
#include "proxy/relay/stamp.h"
#include "proxy/relay/tls.h"
#include "proxy/smtp/helo.h"

#include <stdlib.h>

enum { PUMP_TURNS = 8 };

/* `len` waiting bytes become `text`. There is room: nothing is inspected where there might not be.
 */
static void put(struct session *s, struct buf *buf, size_t len, struct slice text)
{
	if ((len == 0 && text.len == 0) || !buf_borrow(buf, &s->relay->pool))
		return;
	buf_swap(buf, len, text);
}

static void cut_server(struct session *s)
{
	route_close(s, true);
	buf_take(&s->client.in, buf_leaving(&s->client.in).len);
}

/* At its own length: most are short. Where memory is short, too, it is as if nothing was said. */
static void keep_helo(struct session *s)
{
	free(s->helo);
	s->helo = malloc(s->smtp.helo_len);
	if (s->helo && s->smtp.helo_len > 0)
		memcpy(s->helo, s->smtp.helo, s->smtp.helo_len);
	helo_lend(&s->smtp, s->helo);
}

/* One step with what waits from the client. */
static bool to_server(struct session *s)
{
	struct buf *buf = &s->client.in;
	struct smtp_step step = { .room = s->relay->room, .room_size = SMTP_ROOM_BYTES };

	if (!buf_has_spare(buf))
		return false;
	smtp_to_server(&s->smtp, buf_waiting(buf), &step);
	if (helo_is_new(&s->smtp))
		keep_helo(s);
	switch (step.act) {
	case SMTP_PASS:
		buf_pass(buf, step.len);
		return true;
	case SMTP_SWAP:
		put(s, buf, step.len, step.text);
		return true;
	case SMTP_CUT:
		cut_server(s);
		put(s, buf, step.len, SLICE(""));
		return true;
	default:
		return stamp_message(s);
	}
}

/*
 * The answer to STARTTLS is due. Anything that came before it was said must not be taken for what
 * comes after (RFC 3207, CVE-2011-0411): the socket itself is asked, not the buffer alone.
 */
static void begin_upgrade(struct session *s, const struct smtp_step *step)
{
	struct buf *buf = &s->server.in;

	if (!buf_empty(&s->client.in) || net_has_input(s->client.fd)) {
		smtp_event(&s->smtp, SMTP_EARLY_INPUT);
		return;
	}
	put(s, buf, buf_waiting(buf).len, step->text);
	/* It is closed after the handshake: by then its 221 is there, and read, or it would get
	 * RST. */
	if (step->note == SMTP_NOTE_QUIT_SERVER)
		peer_say(&s->server, SLICE("QUIT\r\n"));
	peer_watch(&s->server, s->relay->loop, false, false);
	s->dialing = DIALING_NOT;
	s->stage = STAGE_UPGRADE;
	s->deadline = session_now(s) + (double)s->relay->config->timeouts.handshake_ms / 1000;
}

static void end(struct session *s, const struct smtp_step *step)
{
	struct buf *buf = &s->server.in;

	put(s, buf, buf_waiting(buf).len, step->text);
	session_close(s, step->ending);
}

static bool may_speak(const struct session *s)
{
	return s->greet_at == 0 || smtp_is_ending(&s->smtp);
}

/* One step with what waits from the server, or is due of our own. */
static bool to_client(struct session *s)
{
	struct buf *buf = &s->server.in;
	struct smtp_step step = { .room = s->relay->room, .room_size = SMTP_ROOM_BYTES };
	bool hidden = s->dialing == DIALING_CONNECT || s->dialing == DIALING_GREETING;

	if (!buf_has_spare(buf) || ledger_full(s) || !may_speak(s))
		return false;
	smtp_to_client(&s->smtp, hidden ? SLICE("") : buf_waiting(buf), &step);
	if (step.act == SMTP_PASS)
		buf_pass(buf, step.len);
	else if (step.act == SMTP_SWAP)
		put(s, buf, step.len, step.text);
	if (step.note == SMTP_NOTE_VERDICT)
		ledger_note(s, s->smtp.verdict);
	if (step.note == SMTP_NOTE_AUTH_TAKEN || step.note == SMTP_NOTE_AUTH_FAILED)
		admission_auth(s, step.note == SMTP_NOTE_AUTH_FAILED ? step.code : 0);
	if (step.act == SMTP_CUT)
		cut_server(s);
	else if (step.act == SMTP_TLS)
		begin_upgrade(s, &step);
	else if (step.act == SMTP_END)
		end(s, &step);
	for (size_t i = 0; step.note == SMTP_NOTE_UNKNOWN && i < s->smtp.unknown; i++)
		ledger_note(s, smtp_unknown(&s->smtp, i));
	return step.act != SMTP_WAIT;
}

/*
 * In this order, which is the inspector's: all of the client's, then one step to it, and again
 * where that may let more of the client's move on. So may a server that is looked for.
 */
static bool inspect(struct session *s)
{
	bool any = false, sent, answered;

	if (s->stage != STAGE_RELAY)
		return false;
	do {
		route_connect(s);
		sent = false;
		while (to_server(s))
			sent = true;
		answered = to_client(s);
		any |= sent || answered;
	} while ((answered || (sent && s->dialing != DIALING_DONE)) && s->stage == STAGE_RELAY);
	return any || backend_goes_on(s);
}

/* What the server has said is all there: the inspector learns that nothing will follow. */
static bool server_ended(struct session *s)
{
	if (s->server.fd < 0 || !s->server.eof)
		return false;
	route_close(s, false);
	buf_take(&s->client.in, buf_leaving(&s->client.in).len);
	s->dialing = DIALING_DONE;
	smtp_event(&s->smtp, SMTP_SERVER_LOST);
	return true;
}

/*
 * The client will send no more, and all it sent has been dealt with as far as can be. A whole
 * message that the server has is still followed to its verdict; part of one is never completed.
 */
static void client_ended(struct session *s)
{
	bool waits = s->client.clean && !s->client.broken && smtp_owes(&s->smtp);

	if (!s->client.eof && !s->client.broken)
		return;
	if (s->client.failed && !smtp_owes_verdict(&s->smtp))
		session_close(s, END_TLS_ERROR);
	else if (smtp_in_message(&s->smtp))
		session_close(s, END_CLIENT_LOST);
	else if (!smtp_owes_verdict(&s->smtp) && !waits)
		session_close(s, s->client.clean ? END_CLIENT_CLOSED : END_CLIENT_LOST);
}

static bool write_client(struct session *s)
{
	size_t before = buf_leaving(&s->server.in).len;
	bool moved = peer_write(&s->client, &s->server.in);

	s->queued += before - buf_leaving(&s->server.in).len;
	if (s->ledger.count > 0)
		ledger_turn(s);
	return moved;
}

/* There is more for the server to be had at once: it goes in one write. */
static bool gathers(const struct session *s)
{
	const struct buf *buf = &s->client.in;

	return s->client.readable && !s->client.eof && buf->tail - buf->head < BUF_READ_BYTES;
}

/*
 * The usual end of a turn: all that came has gone, and no more is there. Another would move
 * nothing.
 */
static bool is_settled(const struct session *s)
{
	return s->dialing == DIALING_DONE && !s->client.readable && !s->server.readable &&
	       buf_empty(&s->client.in) && buf_empty(&s->server.in);
}

bool session_pump(struct session *s)
{
	struct pool *pool = &s->relay->pool;
	bool moved = true;

	for (int turn = 0; turn < PUMP_TURNS && moved && s->stage == STAGE_RELAY; turn++) {
		moved = peer_read(&s->client, pool);
		moved |= backend_read(s);
		moved |= inspect(s);
		if (s->dialing == DIALING_DONE && (turn == PUMP_TURNS - 1 || !gathers(s)))
			moved |= peer_write(&s->server, &s->client.in);
		moved |= write_client(s);
		moved = server_ended(s) || (moved && !is_settled(s));
	}
	s->more = moved && s->stage == STAGE_RELAY;
	if (s->stage == STAGE_RELAY && !moved)
		client_ended(s);
	return s->stage != STAGE_RELAY;
}
