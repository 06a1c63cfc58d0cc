#include "proxy/relay/backend.h"

#include "base/net.h"

#include <errno.h>
#include <string.h>

void backend_fail(struct session *s, enum ending reason, const char *detail)
{
	if (s->reason == END_NONE) {
		s->reason = reason;
		s->detail = detail;
	}
	peer_close(&s->server, s->relay->loop);
	buf_take(&s->client.in, buf_leaving(&s->client.in).len);
	s->dialing = DIALING_DONE;
	smtp_event(&s->smtp, SMTP_SERVER_LOST);
}

void backend_connect(struct session *s)
{
	if (s->dialing != DIALING_NOT || !smtp_wants_server(&s->smtp))
		return;
	const struct backend_config *backend = s->service->listener->backend;
	int fd = net_connect(&backend->server.item[0].addr);
	s->dialed = session_now(s);
	if (fd < 0) {
		backend_fail(s, END_BACKEND_DOWN, strerror(errno));
		return;
	}
	s->dialing = DIALING_CONNECT;
	peer_open(&s->server, fd, false, false);
}

/* The socket is writable, or in error: the connection is there, or refused. */
static bool connected(struct session *s)
{
	if (!s->server.writable)
		return false;
	int error = net_connected(s->server.fd);
	if (error != 0) {
		backend_fail(s, END_BACKEND_DOWN, strerror(error));
		return true;
	}
	s->connected = session_now(s);
	s->dialing = DIALING_GREETING;
	dial_init(&s->dial);
	return true;
}

bool backend_read(struct session *s)
{
	bool moved = s->dialing == DIALING_CONNECT && connected(s);

	if (s->dialing != DIALING_GREETING && s->dialing != DIALING_DONE)
		return moved;
	moved |= peer_read(&s->server, &s->relay->pool);
	/* What is no SMTP is the inspector's to refuse, as at any other time. */
	if (s->dialing == DIALING_GREETING &&
	    dial_step(&s->dial, buf_waiting(&s->server.in)) != DIAL_WAIT) {
		s->dialing = DIALING_DONE;
		smtp_event(&s->smtp, SMTP_CONNECTED);
		moved = true;
	}
	return moved;
}
