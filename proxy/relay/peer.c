#include "proxy/relay/peer.h"

#include "proxy/relay/tls.h"

#include <errno.h>
#include <unistd.h>

void peer_init(struct peer *peer, peer_callback *callback, void *data)
{
	*peer = (struct peer){ .fd = -1 };
	ev_init(&peer->io, callback);
	peer->io.data = data;
}

void peer_open(struct peer *peer, int fd, bool readable, bool writable)
{
	peer->fd = fd;
	peer->readable = readable;
	peer->writable = writable;
	peer->eof = peer->clean = peer->fin = peer->failed = peer->broken = peer->wants_write =
		false;
	ev_io_set(&peer->io, fd, EV_READ);
}

void peer_event(struct peer *peer, int events)
{
	/* In error the socket is both: whoever tries learns why. */
	if (events & (EV_READ | EV_ERROR) || (events & EV_WRITE && peer->wants_write)) {
		peer->readable = true;
		if (peer->ssl)
			tls_refill(peer->ssl);
	}
	if (events & (EV_WRITE | EV_ERROR))
		peer->writable = true;
}

/*
 * The socket had less than there was room for: asking again would most likely only say "would
 * block", and if not, the loop tells.
 */
static ssize_t read_some(struct peer *peer, char *to, size_t room)
{
	ssize_t n;

	peer->wants_write = false;
	errno = 0;
	if (peer->ssl) {
		n = tls_read(peer->ssl, to, room, &peer->clean, &peer->wants_write);
		if (n > 0 && tls_is_dry(peer->ssl))
			peer->readable = false;
		return n;
	}
	n = net_read(peer->fd, to, room);
	if (n > 0 && (size_t)n < room)
		peer->readable = false;
	peer->clean = n != IO_ERROR;
	return n;
}

bool peer_read(struct peer *peer, struct pool *pool)
{
	bool moved = false;
	size_t room, got = 0;

	while (peer->fd >= 0 && peer->readable && !peer->eof && got < TLS_RECORD_BYTES &&
	       buf_borrow(&peer->in, pool)) {
		char *to = buf_room(&peer->in, &room);
		if (room == 0)
			break;
		ssize_t n = read_some(peer, to, room);
		if (n == IO_AGAIN) {
			peer->readable = false;
			break;
		}
		moved = true;
		if (n <= 0) {
			peer->eof = true;
			peer->failed = n == IO_ERROR && peer->ssl;
			peer->fin = n == IO_EOF && (peer->clean || errno == 0);
			break;
		}
		buf_fill(&peer->in, (size_t)n);
		peer->received += (uint64_t)n;
		got += (size_t)n;
	}
	return moved;
}

ssize_t peer_say(struct peer *peer, struct slice text)
{
	ssize_t n = peer->ssl ? tls_write(peer->ssl, text) : net_write(peer->fd, text);

	if (n == IO_AGAIN)
		peer->writable = false;
	if (n > 0)
		peer->sent += (uint64_t)n;
	return n;
}

bool peer_write(struct peer *peer, struct buf *from)
{
	bool moved = false;

	while (buf_leaving(from).len > 0 && (peer->writable || peer->broken)) {
		struct slice bytes = buf_leaving(from);
		ssize_t n = peer->broken ? (ssize_t)bytes.len : peer_say(peer, bytes);
		if (n == IO_AGAIN)
			break;
		moved = true;
		if (n < 0) {
			peer->broken = true;
			/* Why, and its last words, are to be had by reading. */
			peer_event(peer, EV_READ);
			continue;
		}
		buf_take(from, (size_t)n);
	}
	return moved;
}

void peer_watch(struct peer *peer, struct ev_loop *loop, bool read, bool write)
{
	int events = 0;

	if (peer->fd < 0)
		return;
	if (read && !peer->readable && !peer->eof)
		events |= peer->wants_write ? EV_WRITE : EV_READ;
	if (write && !peer->writable && !peer->broken)
		events |= EV_WRITE;
	if (ev_is_active(&peer->io) && peer->io.events == events)
		return;
	ev_io_stop(loop, &peer->io);
	if (events == 0)
		return;
	ev_io_set(&peer->io, peer->fd, events);
	ev_io_start(loop, &peer->io);
}

static void forget(struct peer *peer, struct ev_loop *loop)
{
	if (peer->fd >= 0)
		ev_io_stop(loop, &peer->io);
	if (peer->ssl)
		tls_free(peer->ssl);
	peer->ssl = NULL;
}

void peer_move(struct peer *to, struct peer *from, struct ev_loop *loop)
{
	ev_io_stop(loop, &from->io);
	peer_open(to, from->fd, from->readable, from->writable);
	to->ssl = from->ssl;
	to->received += from->received;
	to->sent += from->sent;
	from->ssl = NULL;
	from->fd = -1;
}

void peer_close(struct peer *peer, struct ev_loop *loop)
{
	if (peer->ssl)
		tls_finish(peer->ssl);
	forget(peer, loop);
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

void peer_reset(struct peer *peer, struct ev_loop *loop)
{
	forget(peer, loop);
	if (peer->fd >= 0)
		net_reset(peer->fd);
	peer->fd = -1;
}
