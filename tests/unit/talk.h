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
#include <sys/socket.h>

enum { MAIL_EC, MAIL_RSA, WILD_EC, OTHER_EC, SECTIONS };

static struct {
	struct pki_dir dir;
	struct certificate_config section[SECTIONS];
} pki;

static inline void talk_section(int place, const char *title, const char *names, EVP_PKEY *key)
{
	struct pki_cert cert =
		pki_make((struct pki_wish){ .title = title, .names = names, .key = key });
	const struct pki_cert *chain[] = { &cert };

	pki.section[place] = pki_section(&pki.dir, title, chain, 1, cert.key);
	pki_drop(&cert);
}

static inline int talk_setup(void **state)
{
	(void)state;
	pki_dir_make(&pki.dir);
	talk_section(MAIL_EC, "mail-ec", "DNS:mail.example,DNS:Alias.Example", NULL);
	talk_section(MAIL_RSA, "mail-rsa", "DNS:mail.example,DNS:only-rsa.example",
		     EVP_RSA_gen(2048));
	talk_section(WILD_EC, "wild", "DNS:*.example,DNS:*.sub.example", NULL);
	talk_section(OTHER_EC, "other", "DNS:other.test,DNS:mail.example", NULL);
	return 0;
}

static inline int talk_teardown(void **state)
{
	(void)state;
	for (int i = 0; i < SECTIONS; i++)
		pki_section_drop(&pki.section[i]);
	pki_dir_drop(&pki.dir);
	return 0;
}

struct offer {
	enum tls_policy policy;
	int tickets;
	const char *listener;
	int order[SECTIONS];
	size_t count;
	size_t warnings; /* expected */
};

static inline struct cert_store *open_store(struct offer offer)
{
	struct certificate_config *sections[SECTIONS];
	struct complaints said = { 0 };
	struct listener_config listener = {
		.name = offer.listener ? offer.listener : "smtps",
		.place = "postern.ini:1",
		.certificates = sections,
		.certificate_count = offer.count,
		.tls_policy = offer.policy,
		.tickets = offer.tickets,
	};

	for (size_t i = 0; i < offer.count; i++)
		sections[i] = &pki.section[offer.order[i]];
	struct cert_store *store = cert_store_load(&listener, &said);
	if (!store || said.warnings != offer.warnings)
		fail_msg("%s", said.text);
	complaints_release(&said);
	return store;
}

static inline struct cert_store *open_all(void)
{
	return open_store((struct offer){ .policy = TLS_INTERMEDIATE,
					  .tickets = TICKETS_AUTO,
					  .order = { MAIL_EC, MAIL_RSA, WILD_EC },
					  .count = 3 });
}

/* What the client can and wants; what is zero is OpenSSL's default. */
struct wish {
	const char *sni;
	int lowest, highest;
	const char *sigalgs;
	const char *ciphers;
	const char *groups;
	const char *alpn; /* as on the wire */
	const char *ca;
	const char *host; /* to verify */
	SSL_SESSION *session;
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
	struct tls_facts facts;
};

static inline int talk_session(SSL *ssl, SSL_SESSION *session)
{
	struct talk *talk = SSL_get_app_data(ssl);

	SSL_SESSION_free(talk->session);
	talk->session = session;
	talk->tickets++;
	return 1;
}

static inline void talk_client(struct talk *talk, const struct wish *wish)
{
	talk->context = SSL_CTX_new(TLS_client_method());
	/* The system's configuration and level are not what is tested. */
	SSL_CTX_set_security_level(talk->context, 0);
	SSL_CTX_set_min_proto_version(talk->context, wish->lowest);
	SSL_CTX_set_max_proto_version(talk->context, wish->highest);
	SSL_CTX_set_session_cache_mode(talk->context, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(talk->context, talk_session);
	SSL_CTX_set1_sigalgs_list(talk->context, "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256");
	if (wish->sigalgs)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(talk->context, wish->sigalgs), 1);
	if (wish->ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(talk->context, wish->ciphers), 1);
	if (wish->groups)
		assert_int_equal(SSL_CTX_set1_groups_list(talk->context, wish->groups), 1);
	if (wish->ca) {
		assert_int_equal(SSL_CTX_load_verify_file(talk->context, wish->ca), 1);
		SSL_CTX_set_verify(talk->context, SSL_VERIFY_PEER, NULL);
	}
	talk->client = SSL_new(talk->context);
	SSL_set_app_data(talk->client, talk);
	SSL_set_fd(talk->client, talk->fds[0]);
	SSL_set_connect_state(talk->client);
	if (wish->sni)
		SSL_set_tlsext_host_name(talk->client, wish->sni);
	if (wish->alpn)
		SSL_set_alpn_protos(talk->client, (const unsigned char *)wish->alpn,
				    (unsigned)strlen(wish->alpn));
	if (wish->host)
		SSL_set1_host(talk->client, wish->host);
	if (wish->session) {
		/* A copy, because a client marks as used up what it has used. */
		SSL_SESSION *copy = SSL_SESSION_dup(wish->session);
		SSL_set_session(talk->client, copy);
		SSL_SESSION_free(copy);
	}
}

/* Moves one side; true while it goes on, or is done. */
static inline bool talk_step(SSL *ssl, bool *done)
{
	int result = SSL_do_handshake(ssl);
	int error = SSL_get_error(ssl, result);

	*done = result == 1;
	return result == 1 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* A reply of the server brings the tickets behind the handshake with it. */
static inline void talk_exchange(struct talk *talk)
{
	char byte = 'x';

	assert_int_equal(SSL_write(talk->server, &byte, 1), 1);
	assert_int_equal(SSL_read(talk->client, &byte, 1), 1);
}

static inline void talk_handshake(struct talk *talk)
{
	bool client_done = false;
	bool server_done = false;
	bool on = true;

	for (int turns = 0; turns < 50 && on && !(client_done && server_done); turns++) {
		ERR_clear_error();
		on = talk_step(talk->client, &client_done);
		talk->client_error = ERR_GET_REASON(ERR_peek_error());
		ERR_clear_error();
		/* A refusing server is let say so. */
		bool server_on = talk_step(talk->server, &server_done);
		on = on || (server_on && client_done);
	}
	ERR_clear_error();
	talk->done = client_done && server_done;
}

static inline void talk_to(const struct cert_store *store, struct wish wish, struct talk *talk)
{
	*talk = (struct talk){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, talk->fds), 0);
	talk_client(talk, &wish);
	talk->server = cert_store_ssl(store, talk->fds[1]);
	assert_non_null(talk->server);
	talk_handshake(talk);
	if (talk->done) {
		talk_exchange(talk);
		tls_facts(talk->server, &talk->facts);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static inline void talk_end(struct talk *talk)
{
	SSL_SESSION_free(talk->session);
	SSL_free(talk->client);
	SSL_free(talk->server);
	SSL_CTX_free(talk->context);
	close(talk->fds[0]);
	close(talk->fds[1]);
	*talk = (struct talk){ 0 };
}

#endif
