/*
 * One side of a session: a socket, TLS over it or none, what is known of its readiness, and the
 * buffer of bytes read from it. Two of them, `client` and `server`, make a session.
 *
 * Readiness is cleared only by "would block", so bytes that OpenSSL already holds are never
 * forgotten, and what the event loop watches follows from it alone.
 */
#ifndef PROXY_RELAY_PEER_H
#define PROXY_RELAY_PEER_H

#include "base/buf.h"
#include "base/ev.h"
#include "base/net.h"

struct ssl_st;

struct peer {
	int fd;             /* -1: not connected */
	struct ssl_st *ssl; /* NULL: plain */
	struct buf in;      /* read from it; what may leave is for the other side */
	struct ev_io io;
	bool readable;
	bool writable;
	bool wants_write;  /* OpenSSL must write before it can read on */
	bool eof;          /* nothing more will come */
	bool clean;        /* ... and it said so: close_notify, or a plain FIN */
	bool fin;          /* ... and that was no reset: close_notify or FIN */
	bool failed;       /* ... and TLS itself had an error */
	bool broken;       /* nothing more can be sent */
	uint64_t received; /* bytes, of the SMTP stream */
	uint64_t sent;
};

typedef void peer_callback(struct ev_loop *loop, struct ev_io *io, int events);

/* `data` is the callback's. */
void peer_init(struct peer *peer, peer_callback *callback, void *data);

/* Takes the socket over. */
void peer_open(struct peer *peer, int fd, bool readable, bool writable);

/* The loop says what the socket is ready for: EV_READ, EV_WRITE, EV_ERROR. */
void peer_event(struct peer *peer, int events);

/*
 * Reads what there is and there is room for, but not much more than a TLS record: so that it is
 * inspected while it is in the processor's cache. False: nothing came, not even an end. Memory is
 * borrowed from `pool`; without any, nothing is read.
 */
bool peer_read(struct peer *peer, struct pool *pool);

/* Writes what may leave `from`. False: nothing went. Broken: it is thrown away. */
bool peer_write(struct peer *peer, struct buf *from);

/* Writes of `text` what goes at once: how much that was, IO_AGAIN or IO_ERROR. */
ssize_t peer_say(struct peer *peer, struct slice text);

/*
 * Watches for what would make it ready: to read where there is room, to write where bytes wait. The
 * one place that tells the loop.
 */
void peer_watch(struct peer *peer, struct ev_loop *loop, bool read, bool write);

/* The connection becomes that of `to`, which has none; what was read stays. */
void peer_move(struct peer *to, struct peer *from, struct ev_loop *loop);

/* Stops watching and closes; with a reset, so that the other cannot take what it has for a whole.
 */
void peer_close(struct peer *peer, struct ev_loop *loop);
void peer_reset(struct peer *peer, struct ev_loop *loop);

#endif
