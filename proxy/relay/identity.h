/* Whose session it is, from what is known of its client. */
#ifndef PROXY_RELAY_IDENTITY_H
#define PROXY_RELAY_IDENTITY_H

#include "base/addr.h"
#include "config/sections.h"
#include "proxy/smtp/dial.h"
#include "proxy/smtp/identity.h"

struct session;

/*
 * All that is known now, TLS included once it is up. It points into the session, and changes with
 * the next handshake. It asks the kernel where the client came to.
 */
void identity_fill(struct identity *identity, const struct session *session);

/* What an option of the configuration comes to; what is still to be found out tells nothing. */
enum dial_way identity_way(enum identity_mode mode);
/* As in the configuration; "unknown" where that is still to be found out. */
const char *identity_word(unsigned mode);
enum dial_tls identity_tls(enum backend_tls tls);

/* Client and local end; an IPv4 address mapped into IPv6 is the IPv4 one. */
void identity_set_ends(struct identity *identity, const struct addr *client,
		       const struct addr *local);

#endif
