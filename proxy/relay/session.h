/*
 * One session: a client, a server, the inspector between them, a stage and one timer. Private to
 * proxy/relay; the world outside sees relay.h.
 */
#ifndef PROXY_RELAY_SESSION_H
#define PROXY_RELAY_SESSION_H

#include "proxy/relay/journey.h"
#include "proxy/relay/ledger.h"
#include "proxy/relay/peer.h"
#include "proxy/relay/relay.h"
#include "proxy/smtp/smtp.h"

enum stage {
	STAGE_ANNOUNCE,  /* a balancer is to say whom it brings */
	STAGE_HANDSHAKE, /* implicit TLS begins */
	STAGE_RELAY,     /* bytes go both ways, or are answered; the server may still be coming */
	STAGE_UPGRADE,   /* the answer to STARTTLS is on its way, then the handshake */
	STAGE_FLUSH,     /* the last words go out; what comes is thrown away */
	STAGE_DONE,      /* to be freed */
};

/* What the deadline that runs is for: it starts anew when any of this changes. */
struct waiting_for {
	enum smtp_await await;
	bool client_takes; /* the client is to take bytes: that goes first */
	bool server_takes; /* the server is */
	uint32_t turn;
	uint64_t progress;
};

struct session {
	struct relay *relay;
	struct session *next;
	struct session *prev;
	const struct service *service;
	struct session_slot *slot;
	struct peer client;
	struct peer server;

	enum stage stage;
	enum dialing dialing;
	const char *detail; /* a sentence beside the reason, or NULL: static */
	enum ending reason; /* the first that was recorded */
	bool more;          /* the turn was over before there was nothing left to do */
	bool finished;      /* STAGE_FLUSH: all was said, and the end announced */
	size_t discarded;   /* ... and this much thrown away since */

	struct smtp smtp;
	struct tls_client tls;  /* whom the client's certificate shows */
	struct journey journey; /* to one of the backend's servers */
	char *helo; /* as the client said it: owned, lent to the inspector; NULL: not yet */
	char id[SESSION_ID_BYTES];
	struct endpoint address; /* of the client, as a balancer in front announced it or not */
	struct endpoint *via;    /* that balancer's, owned; NULL: there is none */
	struct visit visit;      /* how it is counted */

	struct ev_timer timer;
	double deadline; /* of what is waited for */
	double greet_at; /* not before */
	double expires;
	double flush_by;
	struct waiting_for waiting;
	double rate_since; /* when the window of data_rate began; 0: none runs */
	uint64_t rate_bytes;

	double started, tls_began, secured, dialed, connected; /* 0: has not come to that */
	uint64_t queued; /* bytes that were to go to the client, ever */
	struct ledger ledger;
};

/* Records why the session ends, unless a reason was there first, and goes to STAGE_FLUSH. */
void session_close(struct session *session, enum ending reason);

/*
 * It is known who the client is: what hangs on its address is decided, and the first stage but
 * STAGE_ANNOUNCE begins. False when out of memory.
 */
bool session_meet(struct session *session);

/* Has the session move on soon, but not now: it may be called while another moves. */
void session_wake(struct session *session);

/* The client's TLS, for the handshake. NULL when out of memory. */
struct ssl_st *session_tls(struct session *session);

/* The stages: each moves what it can; true when the stage has changed. */
bool session_announce(struct session *session);
bool session_handshake(struct session *session);
bool session_upgrade(struct session *session);
bool session_pump(struct session *session);
bool session_flush(struct session *session);

/* Whose session it is, as far as is known. */
struct addr session_client(const struct session *session);

/* The loop's time, in seconds. */
double session_now(const struct session *session);

/* Sets the deadlines from what is waited for, at `now` (seconds of the loop). */
void session_set_deadline(struct session *session, double now);

/* The next time at which something is due; and what to do when it has come. */
double session_due(const struct session *session);
void session_on_time(struct session *session, double now);

/* A line of the log. */
void session_log_end(const struct session *session, double now);
#endif
