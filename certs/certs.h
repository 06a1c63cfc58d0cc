/*
 * Server certificates: loading and checking them, and the OpenSSL contexts of a listener, with the
 * choice of a certificate by SNI (RFC 6066 section 3; names compared as RFC 6125 says).
 */
#ifndef CERTS_CERTS_H
#define CERTS_CERTS_H

#include "certs/tls_client.h"
#include "config/config.h"

/*
 * All certificates of a listener, ready to serve: SSL contexts by name. Made by the master before
 * workers are forked, so that no worker opens a file, and all of them share ticket keys.
 */
struct cert_store;

struct authorities;
struct ticket_keys;

/*
 * Reads and checks the listener's certificates: each parses, the key matches, the chain is complete
 * and in order, dates are good, the key's file is not readable by others, at least one certificate.
 * Everything wrong goes to *complaints with the place of its section; NULL then. ECDSA and RSA
 * certificates for the same name stand side by side, and OpenSSL chooses by what the client can.
 * `keys` seal the tickets (tickets.h) and outlive the store; NULL: with keys of its own.
 * `system` are the CAs that the system trusts, for the question whether a chain is complete, or
 * NULL.
 */
struct cert_store *cert_store_load(const struct listener_config *listener,
				   const struct ticket_keys *keys, struct authorities *system,
				   struct complaints *complaints);

/* Only when no SSL of it is left. The listener's configuration may go earlier. */
void cert_store_free(struct cert_store *store);

/*
 * Warns of what happens in the time after `from` and up to `to` (seconds since 1970): certificates
 * that are 21, 7 and 1 days from their end, or at it, staples and revocation lists that become
 * stale.
 */
void cert_store_remind(const struct cert_store *store, int64_t from, int64_t to,
		       struct complaints *complaints);

/* Warns of certificates that are older than those that the same files had in `old`. */
void cert_store_compare(const struct cert_store *fresh, const struct cert_store *old,
			struct complaints *complaints);

/*
 * A server-side SSL for a new connection over `fd`, in accept state, non-blocking, with the default
 * certificate until SNI chooses. ALPN: `smtp` is selected; a list of h2 and http/... only ends the
 * handshake with no_application_protocol (ALPACA); anything else is ignored. A client certificate
 * is asked for as the listener's [clients] say. `legacy`: it may have what that policy adds. NULL
 * when out of memory.
 */
SSL *cert_store_ssl(const struct cert_store *store, int fd, bool legacy, struct tls_client *client);

/* Frees it, and what its client has kept; or one of server_tls.h. */
void cert_ssl_free(SSL *ssl);

/* The client offered foreign ALPN only: how the session can tell this failure from others. Good for
 * the life of the SSL, whatever became of OpenSSL's error queue. */
bool cert_foreign_alpn(const SSL *ssl);

/*
 * Makes a self-signed P-256 certificate, valid 90 days, for `localhost`, 127.0.0.1, ::1 and the
 * given host name, and its key (mode 0600), unless both files are there already and still good for
 * a week. False, with a sentence in `why`, when it cannot.
 */
bool cert_make_dev(const char *chain_path, const char *key_path, const char *hostname, char *why,
		   size_t why_size);

#endif
