/*
 * Stores made of a few certificates, and handshakes with them over a socket pair: what the tests of
 * TLS have in common.
 */
#ifndef TESTS_UNIT_TALK_H
#define TESTS_UNIT_TALK_H

#include "certs/certs.h"
#include "tests/unit/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/err.h>

enum { MAIL_EC, MAIL_RSA, WILD_EC, OTHER_EC, SECTIONS };

/* In this order: ECDSA and RSA for the same name, wildcards, and one in common with the first. */
extern struct talk_pki {
	struct pki_dir dir;
	struct certificate_config section[SECTIONS];
} talk_pki;

/* Makes a self-signed certificate, and its section. */
void talk_section(int place, const char *title, const char *names, EVP_PKEY *key);

int talk_setup(void **state);
int talk_teardown(void **state);

/* What a listener is to have. */
struct offer {
	enum tls_policy policy;
	int tickets;
	const char *listener;
	const char *ciphers, *groups;
	const struct clients_config *clients;
	const struct ticket_keys *keys;
	int order[SECTIONS];
	size_t count;
	size_t warnings; /* expected */
};

struct cert_store *talk_store(struct offer offer);

/* The first three sections, with the policy `intermediate`. */
struct cert_store *talk_store_all(void);

/* What the client can and wants; what is zero is OpenSSL's default. */
struct wish {
	const char *sni;
	int lowest, highest;
	const char *sigalgs;
	const char *ciphers;
	const char *suites; /* of TLS 1.3 */
	const char *groups;
	const char *alpn; /* as on the wire */
	const char *ca;
	const char *host; /* to verify */
	bool legacy;      /* from legacy_networks */
	bool status;      /* asks for a staple */
	SSL_SESSION *session;
	const struct pki_cert *const *chain; /* the client's certificate, and its issuers */
	size_t chain_count;
};

/* How it went. Released with talk_end(). */
struct talk {
	bool done;
	SSL_CTX *context;
	SSL *client, *server;
	int fds[2];
	size_t tickets;
	SSL_SESSION *session; /* the last one given */
	int client_error;     /* reason of the client's failure */
	struct tls_client whom;
	const char *refused; /* the sentence, or NULL */
	struct tls_facts facts;
};

/* The client alone, on fds[0]. */
void talk_client(struct talk *talk, const struct wish *wish);

/* A whole handshake, or what there is of it, and a byte to the client after it. */
void talk_to(const struct cert_store *store, struct wish wish, struct talk *talk);
void talk_end(struct talk *talk);

#endif
