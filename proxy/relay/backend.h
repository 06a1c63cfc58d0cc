/* The server's side of a session: connecting, and what comes before the inspector sees it. */
#ifndef PROXY_RELAY_BACKEND_H
#define PROXY_RELAY_BACKEND_H

#include "proxy/relay/session.h"

/* Takes over a socket that is being connected. */
void backend_open(struct session *session, int fd);

/* Goes on with connecting, dialling and reading; false where nothing moved. */
bool backend_read(struct session *session);

/* The server could not be had, or is given up: with this reason in the log. */
void backend_fail(struct session *session, enum ending reason, const char *detail);

#endif
