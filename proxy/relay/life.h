/* How the relay begins sessions and makes them go on. */
#ifndef PROXY_RELAY_LIFE_H
#define PROXY_RELAY_LIFE_H

#include "proxy/relay/relay.h"

/*
 * A new session over `fd`, in a slot that has its id, counted as the visit says; a visit that is
 * refused is told so. False when out of memory: nothing is taken.
 */
bool session_open(struct relay *relay, const struct service *service, struct session_slot *slot,
		  int fd, const struct addr *client, const struct visit *visit);

/* Somebody wants its end: relay_kill(). The session may be gone afterwards. */
void session_kill(struct session *session);

/* Something has changed: moves what moves. The session may be gone afterwards. */
void session_turn(struct session *session);

#endif
