#include "proxy/relay/dialer.h"

#include "base/net.h"
#include "certs/server_tls.h"
#include "proxy/relay/tls.h"

#include <errno.h>
#include <string.h>

void dialer_begin(struct dialer *dialer, const struct dialer_way *way,
		  const struct identity *identity)
{
	*dialer = (struct dialer){ .stage = DIALER_CONNECTING, .way = *way };
	dial_init(&dialer->dial, &dialer->way.plan, identity);
}

void dialer_identify(struct dialer *dialer, const struct identity *identity)
{
	dial_identify(&dialer->dial, identity);
	if (dialer->stage == DIALER_HELD)
		dialer->stage = DIALER_TALKING;
}

void dialer_move_to(const struct dialer *from, struct dialer *to)
{
	*to = *from;
	to->dial.plan = &to->way.plan;
}

bool dialer_wants_write(const struct dialer *dialer)
{
	return dialer->stage == DIALER_CONNECTING || dialer->blocked;
}

bool dialer_wants_read(const struct dialer *dialer)
{
	return dialer->stage > DIALER_CONNECTING;
}

static void fail(struct dialer *dialer, enum ending reason, const char *detail)
{
	dialer->stage = DIALER_FAILED;
	dialer->reason = reason;
	dialer->detail = detail;
}

/* The socket is writable, in error, or may be so: the connection is there, refused, or to come. */
static bool connected(struct dialer *dialer, struct peer *peer)
{
	if (!peer->writable)
		return false;
	int error = net_connected(peer->fd);
	if (error == EINPROGRESS) {
		peer->writable = false;
		return false;
	}
	if (error != 0)
		fail(dialer, END_BACKEND_DOWN, strerror(error));
	else
		dialer->stage = DIALER_TALKING;
	return true;
}

/* False: the server takes nothing for now. */
static bool say(struct dialer *dialer, struct peer *peer, struct slice text)
{
	ssize_t n = peer->writable ? peer_say(peer, text) : IO_AGAIN;

	dialer->blocked = n == IO_AGAIN;
	if (n > 0)
		dial_said(&dialer->dial, (size_t)n);
	else if (n == IO_ERROR)
		fail(dialer, END_BACKEND_LOST, strerror(errno));
	return n != IO_AGAIN;
}

/* What the pure dial ends with, as an end of the session. */
static enum ending ending_of(enum dial_failure failure)
{
	static const uint8_t endings[] = {
		[DIAL_FINE] = END_NONE,
		[DIAL_PROTOCOL] = END_BACKEND_PROTOCOL,
		[DIAL_NO_STARTTLS] = END_BACKEND_TLS,
		[DIAL_INJECTED] = END_BACKEND_TLS,
		[DIAL_EHLO_REFUSED] = END_BACKEND_REFUSED,
		[DIAL_IDENTITY_REFUSED] = END_BACKEND_IDENTITY,
	};

	return endings[failure];
}

static void finish(struct dialer *dialer, enum dialer_stage stage)
{
	enum dial_failure failure = dialer->dial.failure;

	dialer->stage = stage;
	dialer->reason = ending_of(failure);
	dialer->detail = dial_complaint(failure);
}

static void put(struct buf *buf, struct slice text)
{
	size_t room;
	char *to = buf_room(buf, &room);

	text = slice_head(text, room);
	memcpy(to, text.ptr, text.len);
	buf_fill(buf, text.len);
}

/* TLS begins on a socket from which all that came in plain was read, and dealt with. */
static void begin_tls(struct dialer *dialer, struct peer *peer)
{
	peer->ssl = server_tls_ssl(dialer->way.tls, dialer->way.server, peer->fd);
	peer->readable = true;
	dialer->stage = DIALER_SECURING;
	if (!peer->ssl)
		fail(dialer, END_NO_MEMORY, NULL);
}

static bool secure(struct dialer *dialer, struct peer *peer)
{
	const char *why = NULL;

	if (!peer->readable)
		return false;
	enum tls_handshake outcome = tls_connect(peer->ssl, &why);
	peer->wants_write = outcome == TLS_WANTS_WRITE;
	if (outcome == TLS_WANTS_READ || outcome == TLS_WANTS_WRITE) {
		peer->readable = false;
		return false;
	}
	if (outcome != TLS_DONE) {
		fail(dialer, END_BACKEND_TLS, why);
		return true;
	}
	peer->readable = !tls_is_dry(peer->ssl);
	peer->writable = true;
	dialer->stage = DIALER_TALKING;
	dial_secured(&dialer->dial);
	return true;
}

/* One step of the pure dial; false when it waits. */
static bool talk(struct dialer *dialer, struct peer *peer, struct pool *pool)
{
	char room[DIAL_ROOM_BYTES];
	struct dial_step step = { .room = room, .room_size = sizeof room };

	dial_step(&dialer->dial, buf_waiting(&peer->in), &step);
	buf_cut(&peer->in, step.keep, step.drop);
	switch (step.act) {
	case DIAL_SAY:
		return say(dialer, peer, step.text);
	case DIAL_SECURE:
		begin_tls(dialer, peer);
		break;
	case DIAL_HOLD:
		dialer->stage = DIALER_HELD;
		break;
	case DIAL_READY:
		if (step.text.len > 0 && buf_borrow(&peer->in, pool))
			put(&peer->in, step.text);
		finish(dialer, DIALER_READY);
		break;
	case DIAL_FAILED:
		finish(dialer, DIALER_FAILED);
		break;
	default:
		return step.act == DIAL_MOVE;
	}
	return true;
}

/* Talks until it waits, or has come to its end. */
static bool talk_on(struct dialer *dialer, struct peer *peer, struct pool *pool)
{
	bool moved = peer_read(peer, pool);

	while (dialer->stage == DIALER_TALKING && talk(dialer, peer, pool))
		moved = true;
	/* What it said last is read by now; it may have been a refusal. */
	if (dialer->stage == DIALER_TALKING && peer->eof)
		fail(dialer, END_BACKEND_LOST, "the server closed the connection");
	return moved;
}

bool dialer_move(struct dialer *dialer, struct peer *peer, struct pool *pool)
{
	bool moved = dialer->stage == DIALER_CONNECTING && connected(dialer, peer);

	if (dialer->stage == DIALER_TALKING)
		moved |= talk_on(dialer, peer, pool);
	if (dialer->stage == DIALER_SECURING && secure(dialer, peer))
		moved = true;
	return moved;
}
