/* How the relay begins sessions and makes them go on. */
#ifndef PROXY_RELAY_LIFE_H
#define PROXY_RELAY_LIFE_H

#include "proxy/relay/relay.h"

/* A new session over `fd`, in a slot that has its id. False when out of memory: nothing is taken.
 */
bool session_open(struct relay *relay, const struct service *service, struct session_slot *slot,
		  int fd, const struct addr *client);

/* Something has changed: moves what moves. The session may be gone afterwards. */
void session_turn(struct session *session);

#endif
