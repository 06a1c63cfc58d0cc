/* What becomes of a connection by the [limits]: the words for proxy/admit's answers. */
#ifndef PROXY_RELAY_ADMISSION_H
#define PROXY_RELAY_ADMISSION_H

#include "proxy/relay/session.h"

/*
 * A connection that has just come. False: it was refused and is closed, told why where the listener
 * speaks plain SMTP first. Where an address is announced by a PROXY header, only the sum of all
 * sessions is judged here.
 */
bool admission_at_door(struct relay *relay, const struct service *service, int fd,
		       const struct addr *client, struct visit *visit);

/* The client's address has become known after that: false, and the session is ended, when it is not
 * worth an answer. One that is to be told is refused from now on. */
bool admission_of_address(struct session *session);

/* A session whose visit is refused will be told so instead of greeted. */
void admission_tell(struct session *session);

/* There is no room for it: it is told so if that is easy, and closed. */
void admission_no_room(struct relay *relay, const struct service *service, int fd,
		       const struct addr *client, struct visit *visit);

/*
 * The server has refused an AUTH, with this code, or taken it (0): counted, logged, and the session
 * may be over.
 */
void admission_auth(struct session *session, uint16_t refused);

#endif
