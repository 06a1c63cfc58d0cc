/*
 * Where a session goes: which of the backend's servers it is connected to, what becomes of it while
 * none has room, and how it goes on to another while the client has been told nothing of this one.
 */
#ifndef PROXY_RELAY_ROUTE_H
#define PROXY_RELAY_ROUTE_H

#include "proxy/relay/session.h"

/* Begins to connect, or to wait, where the inspector wants a server and none is coming. */
void route_connect(struct session *session);

/*
 * The server that is being dialled cannot be had: on to its next address, or the next server. Where
 * none is left the session learns that it gets none, for this reason.
 */
void route_lost(struct session *session, enum ending reason, const char *detail);

/* The same address once more, on a new connection; QUIT is said before, where `quit`. */
void route_again(struct session *session, bool quit);

/* The connection is made. */
void route_connected(struct session *session);

/*
 * The server has greeted, with this code (0: with what is no SMTP). False where that was a refusal
 * for now, and another server is being dialled in its place; what it said is forgotten then.
 */
bool route_greeted(struct session *session, unsigned code, struct slice greeting);

/* The server is there, and its greeting is the inspector's to read. */
void route_arrived(struct session *session);

/* Closes the server's side, by a reset or not, and gives the place there to who waits for one. */
void route_close(struct session *session, bool reset);

/* How long the step that the dialling is at may take, in seconds; and what follows on that. */
double route_patience(const struct session *session);
void route_late(struct session *session);

/* When a session that waits is to look again, by the loop's clock. */
double route_look_at(const struct session *session);

#endif
