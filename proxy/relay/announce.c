/*
 * A balancer's PROXY header in front of all else. It is looked at where it lies, and then exactly
 * its bytes are read: those behind it stay in the socket for whoever is next, TLS or SMTP.
 */
#include "proxy/smtp/announce.h"

#include "base/net.h"
#include "proxy/relay/admission.h"
#include "proxy/relay/session.h"

#include <arpa/inet.h>
#include <stdlib.h>

static struct endpoint client_of(const struct announce *announce)
{
	struct endpoint client = { .family = AF_UNIX, .port = htons(announce->port) };

	if (announce->kind == ANNOUNCE_IPV4) {
		client.family = AF_INET;
		memcpy(client.bytes, announce->source, 4);
	} else if (announce->kind == ANNOUNCE_IPV6) {
		client.family = AF_INET6;
		memcpy(client.bytes, announce->source, 16);
	}
	return client;
}

/* The limits are for those who are announced: what a balancer does for itself never counts. */
static void take(struct session *s, const struct announce *announce)
{
	bool announced = announce->kind != ANNOUNCE_NOTHING;

	if (announced) {
		s->via = malloc(sizeof *s->via);
		if (!s->via) {
			session_close(s, END_NO_MEMORY);
			return;
		}
		*s->via = s->address;
		s->address = s->slot->client = client_of(announce);
	}
	if (!session_meet(s))
		session_close(s, END_NO_MEMORY);
	else if (announced)
		admission_of_address(s);
}

static void refuse(struct session *s, enum ending reason, const char *detail)
{
	s->detail = detail;
	session_close(s, reason);
}

/* `held` bytes of the header are there, and `n` more lie at `at`, still in the socket. */
static void look(struct session *s, char *at, size_t held, size_t n)
{
	struct buf *buf = &s->client.in;
	struct announce announce;
	enum announce_found found = announce_read(slice_of(at - held, held + n), &announce);

	if (found == ANNOUNCE_MISSING || found == ANNOUNCE_BAD) {
		refuse(s, found == ANNOUNCE_BAD ? END_PROXY_MALFORMED : END_PROXY_MISSING,
		       announce.why);
		return;
	}
	if (found == ANNOUNCE_WHOLE)
		n = announce.len - held;
	if (net_read(s->client.fd, at, n) != (ssize_t)n) {
		refuse(s, END_PROXY_MALFORMED, "the PROXY header could not be read");
	} else if (found == ANNOUNCE_MORE) {
		buf_fill(buf, n);
	} else {
		buf_drop(buf);
		take(s, &announce);
	}
}

bool session_announce(struct session *s)
{
	struct buf *buf = &s->client.in;
	size_t held, room;

	while (s->stage == STAGE_ANNOUNCE && s->client.readable) {
		if (!buf_borrow(buf, &s->relay->pool))
			return false;
		held = buf_waiting(buf).len;
		char *at = buf_room(buf, &room);
		ssize_t n = net_peek(s->client.fd, at, ANNOUNCE_MAX_BYTES - held);
		if (n > 0)
			look(s, at, held, (size_t)n);
		else if (n == IO_AGAIN)
			s->client.readable = false;
		else
			refuse(s, held > 0 ? END_PROXY_MALFORMED : END_PROXY_MISSING,
			       "the connection ended before its PROXY header");
	}
	return s->stage != STAGE_ANNOUNCE;
}
