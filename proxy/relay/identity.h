/* Whose session it is, from what is known of its client. */
#ifndef PROXY_RELAY_IDENTITY_H
#define PROXY_RELAY_IDENTITY_H

#include "base/addr.h"
#include "proxy/smtp/identity.h"

struct session;

/*
 * All that is known now, TLS included once it is up. It points into the session, and changes with
 * the next handshake. It asks the kernel where the client came to.
 */
void identity_fill(struct identity *identity, const struct session *session);

/* Client and local end; an IPv4 address mapped into IPv6 is the IPv4 one. */
void identity_set_ends(struct identity *identity, const struct addr *client,
		       const struct addr *local);

#endif
