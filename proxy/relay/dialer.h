/*
 * A connection to a server, from connect() until its greeting waits: moves the bytes for the pure
 * dial. For sessions, for connections opened ahead, and for whoever asks a server anything.
 *
 * After each event of the peer's socket dialer_move() is called until it is done.
 */
#ifndef PROXY_RELAY_DIALER_H
#define PROXY_RELAY_DIALER_H

#include "proxy/relay/peer.h"
#include "proxy/smtp/dial.h"
#include "proxy/smtp/ending.h"

enum dialer_stage {
	DIALER_IDLE, /* not begun */
	DIALER_CONNECTING,
	DIALER_TALKING,
	DIALER_SECURING,
	DIALER_HELD,   /* it wants an identity: dialer_identify() */
	DIALER_READY,  /* the greeting, or the refusal that stands for it, waits in the peer */
	DIALER_FAILED, /* `reason` and `detail` say why */
};

struct server_tls;

/* How a server is come to. */
struct dialer_way {
	struct dial_plan plan;
	struct server_tls *tls; /* NULL where the plan has none */
	size_t server;          /* its index in the backend's configuration */
};

struct dialer {
	enum dialer_stage stage;
	struct dialer_way way;
	struct dial dial;
	bool blocked;       /* the server takes no more for now */
	enum ending reason; /* why it failed, or is ready with a refusal of Postern's own */
	const char *detail; /* a sentence beside it, or NULL: static */
};

/*
 * The peer has a socket that net_connect() has made. The way is copied, what it points to is not.
 * `identity` outlives the dialer; NULL where it is not known yet.
 */
void dialer_begin(struct dialer *dialer, const struct dialer_way *way,
		  const struct identity *identity);

/* Goes on; `pool` lends memory for what the server says. False: nothing moved. */
bool dialer_move(struct dialer *dialer, struct peer *peer, struct pool *pool);

/* Whose session the connection becomes. */
void dialer_identify(struct dialer *dialer, const struct identity *identity);

/* The same connection goes on as `to`. */
void dialer_move_to(const struct dialer *from, struct dialer *to);

/* It is waiting for the socket to be writable, or to be readable. */
bool dialer_wants_write(const struct dialer *dialer);
bool dialer_wants_read(const struct dialer *dialer);

#endif
