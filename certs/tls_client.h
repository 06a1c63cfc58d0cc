/*
 * The client at the other end of a TLS connection: what its certificate is worth, and what there is
 * to log of it.
 */
#ifndef CERTS_TLS_CLIENT_H
#define CERTS_TLS_CLIENT_H

#include "base/slice.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct cert_store;

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
	const char *listed; /* the allow_file's login, or NULL; lives as long as the store */
	/* What the backend is told by [clients] `login`, NULL for nothing: good (login.h), and of a
	 * certificate that is verified and allowed alone. Freed with the SSL. */
	char *login;
	int64_t until; /* seconds since 1970: when the judgement must be made anew */
	uint32_t key_updates;
	bool legacy;
	X509 *refused; /* what was shown where the handshake fails for it; else NULL */
};

/*
 * After the handshake, whether it was a full one or a resumption: what `client->why` is, and a
 * sentence when the client is to be refused for it; NULL when it may stay.
 */
const char *cert_judge(const SSL *ssl, struct tls_client *client);

/* The judgement in one word, for the log; NULL where nothing was asked. */
const char *cert_word(const struct tls_client *client);

/* The client asked for new keys more often than any honest one does (RFC 8446 section 4.6.3). */
bool cert_flooded(const SSL *ssl);

/*
 * The CN of the subject of the certificate that was shown, as its bytes stand there: from a
 * stranger, of any length, and UTF-8 only where it says so. Empty where there is none or it is in
 * an encoding that is no part of UTF-8. It lives as long as the SSL.
 */
struct slice tls_common_name(const SSL *ssl);

/* The protocol that ALPN chose; empty for none. */
struct slice tls_protocol(const SSL *ssl);

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

#endif
