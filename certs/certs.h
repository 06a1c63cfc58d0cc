/*
 * Server certificates: loading and checking them, and the OpenSSL contexts of a listener, with the
 * choice of a certificate by SNI (RFC 6066 section 3; names compared as RFC 6125 says).
 */
#ifndef CERTS_CERTS_H
#define CERTS_CERTS_H

#include "config/config.h"

#include <openssl/ssl.h>

/*
 * All certificates of a listener, ready to serve: SSL contexts by name. Made by the master before
 * workers are forked, so that no worker opens a file, and all of them share ticket keys.
 */
struct cert_store;

struct ticket_keys;

/*
 * Reads and checks the listener's certificates: each parses, the key matches, the chain is complete
 * and in order, dates are good, the key's file is not readable by others, at least one certificate.
 * Everything wrong goes to *complaints with the place of its section; NULL then. ECDSA and RSA
 * certificates for the same name stand side by side, and OpenSSL chooses by what the client can.
 * `keys` seal the tickets (tickets.h) and outlive the store; NULL: with keys of its own.
 */
struct cert_store *cert_store_load(const struct listener_config *listener,
				   const struct ticket_keys *keys, struct complaints *complaints);

/* Only when no SSL of it is left. The listener's configuration may go earlier. */
void cert_store_free(struct cert_store *store);

/* What became of the client's certificate: each but the first two is a reason to refuse. */
enum client_why {
	CLIENT_NOT_ASKED,
	CLIENT_VERIFIED, /* it is good, and allowed */
	CLIENT_NONE,     /* none was shown */
	CLIENT_EXPIRED,
	CLIENT_NOT_YET,
	CLIENT_REVOKED,
	CLIENT_CRL_MISSING, /* or stale */
	CLIENT_UNKNOWN_ISSUER,
	CLIENT_WRONG_PURPOSE,
	CLIENT_CHAIN_LONG,
	CLIENT_WEAK,
	CLIENT_NOT_LISTED,
	CLIENT_INVALID, /* anything else */
	CLIENT_WHYS,
};

/*
 * What is known of whom a connection is with, beside what OpenSSL keeps. It belongs to whoever has
 * the SSL, and must live as long.
 */
struct tls_client {
	const struct cert_store *store;
	enum client_why why;
	const char *login; /* of the allow_file, or NULL; lives as long as the store */
	int64_t until;     /* seconds since 1970: when the judgement must be made anew */
	uint32_t key_updates;
	bool legacy;
};

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

/*
 * After the handshake, whether it was a full one or a resumption: what `client->why` is, and a
 * sentence when the client is to be refused for it; NULL when it may stay.
 */
const char *cert_judge(const SSL *ssl, struct tls_client *client);

/* The judgement in one word, for the log; NULL where nothing was asked. */
const char *cert_word(const struct tls_client *client);

/* The client asked for new keys more often than any honest one does (RFC 8446 section 4.6.3). */
bool cert_flooded(const SSL *ssl);

/* The client offered foreign ALPN only: how the session can tell this failure from others. Good for
 * the life of the SSL, whatever became of OpenSSL's error queue. */
bool cert_foreign_alpn(const SSL *ssl);

/* Facts of a finished handshake, for the log. Strings live as long as the SSL. */
struct tls_facts {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	const char *group;   /* "x25519"; "" for none, and for TLS 1.2 with DHE */
	bool resumed;
	const char *why; /* of client_why, in one word; NULL: no certificate was asked for */
	const char *sni; /* as the client wrote it: bytes of a stranger; NULL: none was sent */
};
void tls_facts(const SSL *ssl, const struct tls_client *client, struct tls_facts *facts);

enum { CERT_FINGERPRINT_BYTES = 65 };

/* The client's certificate as text, for the log: bytes of a stranger, cut to what fits. */
struct tls_shown {
	char subject[256];
	char issuer[256];
	char fingerprint[CERT_FINGERPRINT_BYTES]; /* SHA-256 */
};

/* False when none was shown. */
bool tls_shown(const SSL *ssl, struct tls_shown *shown);

/*
 * Makes a self-signed P-256 certificate, valid 90 days, for `localhost`, 127.0.0.1, ::1 and the
 * given host name, and its key (mode 0600), unless both files are there already and still good for
 * a week. False, with a sentence in `why`, when it cannot.
 */
bool cert_make_dev(const char *chain_path, const char *key_path, const char *hostname, char *why,
		   size_t why_size);

#endif
