/* The server's side of a session: connecting, and what comes before the inspector sees it. */
#ifndef PROXY_RELAY_BACKEND_H
#define PROXY_RELAY_BACKEND_H

#include "proxy/relay/session.h"

/* Begins to connect where the inspector wants a server and none is coming. */
void backend_connect(struct session *session);

/* Goes on with connecting, dialling and reading; false where nothing moved. */
bool backend_read(struct session *session);

/* The server could not be had, or is given up: with this reason in the log. */
void backend_fail(struct session *session, enum ending reason, const char *detail);

#endif
