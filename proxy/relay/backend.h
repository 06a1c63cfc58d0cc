/* The server's side of a session: connecting, and what comes before the inspector sees it. */
#ifndef PROXY_RELAY_BACKEND_H
#define PROXY_RELAY_BACKEND_H

#include "proxy/relay/session.h"

/* How the server is come to, and told nothing. */
struct dialer_way backend_way(const struct relay *relay, const struct backend_config *backend,
			      const struct server_config *server);

/* Takes over a socket that is being connected; `is_near`: to this machine, so it may be there. */
void backend_open(struct session *session, int fd, bool is_near);

/* Goes on with a session that was opened ahead: server and dialer have it. */
void backend_adopt(struct session *session);

/* backend_read() is to go on with it though no event will come. */
bool backend_goes_on(const struct session *session);

/* Goes on with connecting, dialling and reading; false where nothing moved. */
bool backend_read(struct session *session);

/* The server could not be had, or is given up: with this reason in the log. */
void backend_fail(struct session *session, enum ending reason, const char *detail);

#endif
