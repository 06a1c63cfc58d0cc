#include "tests/unit/talk.h"

#include "certs/socket.h"

#include <sys/socket.h>
#include <unistd.h>

struct talk_pki talk_pki;

void talk_section(int place, const char *title, const char *names, EVP_PKEY *key)
{
	struct pki_cert cert =
		pki_make((struct pki_wish){ .title = title, .names = names, .key = key });
	const struct pki_cert *chain[] = { &cert };

	talk_pki.section[place] = pki_section(&talk_pki.dir, title, chain, 1, cert.key);
	pki_drop(&cert);
}

int talk_setup(void **state)
{
	(void)state;
	pki_dir_make(&talk_pki.dir);
	talk_section(MAIL_EC, "mail-ec", "DNS:mail.example,DNS:Alias.Example", NULL);
	talk_section(MAIL_RSA, "mail-rsa", "DNS:mail.example,DNS:only-rsa.example",
		     EVP_RSA_gen(2048));
	talk_section(WILD_EC, "wild", "DNS:*.example,DNS:*.sub.example", NULL);
	talk_section(OTHER_EC, "other", "DNS:other.test,DNS:mail.example", NULL);
	return 0;
}

int talk_teardown(void **state)
{
	(void)state;
	for (int i = 0; i < SECTIONS; i++)
		pki_section_drop(&talk_pki.section[i]);
	pki_dir_drop(&talk_pki.dir);
	return 0;
}

struct cert_store *talk_store(struct offer offer)
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
		.clients = offer.clients,
		.ciphers = offer.ciphers,
		.groups = offer.groups,
	};

	for (size_t i = 0; i < offer.count; i++)
		sections[i] = &talk_pki.section[offer.order[i]];
	struct cert_store *store = cert_store_load(&listener, offer.keys, NULL, &said);
	if (!store || said.warnings != offer.warnings)
		fail_msg("%s", said.text);
	complaints_release(&said);
	return store;
}

struct cert_store *talk_store_all(void)
{
	return talk_store((struct offer){ .policy = TLS_INTERMEDIATE,
					  .tickets = TICKETS_AUTO,
					  .order = { MAIL_EC, MAIL_RSA, WILD_EC },
					  .count = 3 });
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct talk *talk = SSL_get_app_data(ssl);

	SSL_SESSION_free(talk->session);
	talk->session = session;
	talk->tickets++;
	return 1;
}

void talk_client(struct talk *talk, const struct wish *wish)
{
	talk->context = SSL_CTX_new(TLS_client_method());
	/* The system's configuration and level are not what is tested. */
	SSL_CTX_set_security_level(talk->context, 0);
	SSL_CTX_set_min_proto_version(talk->context, wish->lowest);
	SSL_CTX_set_max_proto_version(talk->context, wish->highest);
	SSL_CTX_set_session_cache_mode(talk->context, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(talk->context, on_session);
	SSL_CTX_set1_sigalgs_list(talk->context, "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256");
	if (wish->sigalgs)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(talk->context, wish->sigalgs), 1);
	if (wish->ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(talk->context, wish->ciphers), 1);
	if (wish->suites)
		assert_int_equal(SSL_CTX_set_ciphersuites(talk->context, wish->suites), 1);
	if (wish->groups)
		assert_int_equal(SSL_CTX_set1_groups_list(talk->context, wish->groups), 1);
	if (wish->ca) {
		assert_int_equal(SSL_CTX_load_verify_file(talk->context, wish->ca), 1);
		SSL_CTX_set_verify(talk->context, SSL_VERIFY_PEER, NULL);
	}
	if (wish->chain_count > 0) {
		SSL_CTX_use_certificate(talk->context, wish->chain[0]->x509);
		SSL_CTX_use_PrivateKey(talk->context, wish->chain[0]->key);
	}
	for (size_t i = 1; i < wish->chain_count; i++)
		SSL_CTX_add1_chain_cert(talk->context, wish->chain[i]->x509);
	talk->client = SSL_new(talk->context);
	SSL_set_app_data(talk->client, talk);
	SSL_set_fd(talk->client, talk->fds[0]);
	SSL_set_connect_state(talk->client);
	if (wish->sni)
		SSL_set_tlsext_host_name(talk->client, wish->sni);
	if (wish->alpn)
		SSL_set_alpn_protos(talk->client, (const unsigned char *)wish->alpn,
				    (unsigned)strlen(wish->alpn));
	if (wish->status)
		SSL_set_tlsext_status_type(talk->client, TLSEXT_STATUSTYPE_ocsp);
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
static bool step(SSL *ssl, bool *done)
{
	if (SSL_is_server(ssl))
		socket_refill(ssl);
	int result = SSL_do_handshake(ssl);
	int error = SSL_get_error(ssl, result);

	*done = result == 1;
	return result == 1 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* A reply of the server brings the tickets behind the handshake with it. */
static void exchange(struct talk *talk)
{
	char byte = 'x';

	assert_int_equal(SSL_write(talk->server, &byte, 1), 1);
	assert_int_equal(SSL_read(talk->client, &byte, 1), 1);
}

static void handshake(struct talk *talk)
{
	bool client_done = false;
	bool server_done = false;
	bool on = true;

	for (int turns = 0; turns < 50 && on && !(client_done && server_done); turns++) {
		ERR_clear_error();
		on = step(talk->client, &client_done);
		talk->client_error = ERR_GET_REASON(ERR_peek_error());
		ERR_clear_error();
		/* A refusing server is let say so. */
		bool server_on = step(talk->server, &server_done);
		on = on || (server_on && client_done);
	}
	ERR_clear_error();
	talk->done = client_done && server_done;
}

void talk_to(const struct cert_store *store, struct wish wish, struct talk *talk)
{
	*talk = (struct talk){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, talk->fds), 0);
	talk_client(talk, &wish);
	talk->server = cert_store_ssl(store, talk->fds[1], wish.legacy, &talk->whom);
	assert_non_null(talk->server);
	handshake(talk);
	if (talk->done) {
		exchange(talk);
		talk->refused = cert_judge(talk->server, &talk->whom);
		tls_facts(talk->server, &talk->whom, &talk->facts);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

void talk_end(struct talk *talk)
{
	SSL_SESSION_free(talk->session);
	SSL_free(talk->client);
	cert_ssl_free(talk->server);
	SSL_CTX_free(talk->context);
	close(talk->fds[0]);
	close(talk->fds[1]);
	*talk = (struct talk){ 0 };
}
