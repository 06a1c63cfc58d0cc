/*
 * The named TLS policies, after Mozilla's server side TLS guidelines 5.7: what they say is set on
 * every SSL context, whatever openssl.cnf says.
 */
#ifndef CERTS_POLICY_H
#define CERTS_POLICY_H

#include "config/config.h"

#include <openssl/ssl.h>

/* What OpenSSL does not take. */
enum policy_fault { POLICY_GOOD, POLICY_CIPHERS, POLICY_GROUPS, POLICY_FAILED };

/* A server's context without a certificate, with the listener's policy. NULL with the fault. */
SSL_CTX *policy_context(const struct listener_config *listener, enum policy_fault *fault);

/*
 * A client's context for servers of ours, with what a listener's policy of that name lets its
 * clients have; `legacy` adds TLS 1.0 and 1.1, CBC, SHA-1 and short keys for all of them. NULL when
 * out of memory.
 */
SSL_CTX *policy_client_context(enum tls_policy policy);

/*
 * Lets a client of legacy_networks have what the policy `legacy` adds. To be done again when the
 * SSL is given another context, which takes security level and signatures with it.
 */
bool policy_relax(SSL *ssl);

/*
 * How many session tickets a TLS 1.3 handshake gives out. With an explicit 0, TLS 1.2 has none
 * either. A full handshake that signs with RSA, or looks at a client's certificate, is `dear`;
 * others are not worth a ticket.
 */
void policy_set_tickets(SSL_CTX *context, int tickets, bool dear);

#endif
