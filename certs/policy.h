/*
 * The named TLS policies, after Mozilla's server side TLS guidelines 5.7: what they say is set on
 * every SSL context, whatever openssl.cnf says.
 */
#ifndef CERTS_POLICY_H
#define CERTS_POLICY_H

#include "config/config.h"

#include <openssl/ssl.h>

/* A server's context without a certificate. NULL when OpenSSL cannot. */
SSL_CTX *policy_context(enum tls_policy policy);

/*
 * How many session tickets a TLS 1.3 handshake gives out. With an explicit 0, TLS 1.2 has none
 * either. A full handshake that signs with RSA, or looks at a client's certificate, is `dear`;
 * others are not worth a ticket.
 */
void policy_set_tickets(SSL_CTX *context, int tickets, bool dear);

#endif
