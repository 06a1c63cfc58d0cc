/* Which certificate is shown to whom, and who is turned away by ALPN. */
#include "tests/unit/talk.h"

#include "certs/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void expect_title(const struct cert_store *store, struct wish wish, const char *title)
{
	struct talk talk;
	char got[64] = "";

	talk_to(store, wish, &talk);
	if (!talk.done)
		fail_msg("no handshake for %s", wish.sni ? wish.sni : "no name");
	X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(talk.client)),
				  NID_commonName, got, sizeof got);
	if (strcmp(got, title) != 0)
		fail_msg("for %s wanted %s, got %s", wish.sni ? wish.sni : "no name", title, got);
	if (wish.sni)
		assert_string_equal(talk.facts.sni, wish.sni);
	else
		assert_null(talk.facts.sni);
	talk_end(&talk);
}

static void names_choose_the_certificate(void **state)
{
	static const struct {
		const char *sni, *title;
	} rows[] = {
		{ "mail.example", "mail-ec" },
		{ "MAIL.Example", "mail-ec" },
		{ "mail.example.", "mail-ec" },
		{ "alias.example", "mail-ec" },
		{ "only-rsa.example", "mail-rsa" },
		{ "any.example", "wild" },
		{ "ANY.example.", "wild" },
		{ "a.sub.example", "wild" },
		{ "sub.example", "wild" },
		{ "a.b.example", "mail-ec" },
		{ "example", "mail-ec" },
		{ "stranger.test", "mail-ec" },
		{ "*.example", "mail-ec" },
		{ "_", "mail-ec" },
		{ "192.0.2.1", "mail-ec" },
		{ "no name", "mail-ec" },
		{ NULL, "mail-ec" },
	};
	struct cert_store *store = talk_store_all();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_title(store, (struct wish){ .sni = rows[i].sni }, rows[i].title);
		expect_title(store, (struct wish){ .sni = rows[i].sni, .highest = TLS1_2_VERSION },
			     rows[i].title);
	}
	/* A HelloRetryRequest brings a second ClientHello. */
	expect_title(store, (struct wish){ .sni = "any.example", .groups = "P-521:P-256" }, "wild");
	cert_store_free(store);
}

static void the_clients_abilities_choose_the_key(void **state)
{
	const char *rsa = "RSA-PSS+SHA256:RSA+SHA256";
	struct cert_store *store = talk_store_all();
	struct talk talk;

	(void)state;
	expect_title(store, (struct wish){ .sni = "mail.example", .sigalgs = rsa }, "mail-rsa");
	expect_title(store, (struct wish){ .sigalgs = rsa }, "mail-rsa");
	expect_title(store,
		     (struct wish){ .sni = "mail.example",
				    .ciphers = "ECDHE-RSA-AES128-GCM-SHA256",
				    .highest = TLS1_2_VERSION },
		     "mail-rsa");
	talk_to(store, (struct wish){ .sni = "any.example", .sigalgs = rsa }, &talk);
	assert_false(talk.done);
	assert_false(cert_foreign_alpn(talk.server));
	talk_end(&talk);
	cert_store_free(store);
}

static void the_first_of_a_kind_is_used(void **state)
{
	struct cert_store *store = talk_store((struct offer){ .policy = TLS_INTERMEDIATE,
							      .order = { OTHER_EC, MAIL_EC },
							      .count = 2,
							      .warnings = 1 });

	(void)state;
	expect_title(store, (struct wish){ .sni = "mail.example" }, "other");
	expect_title(store, (struct wish){ .sni = "alias.example" }, "mail-ec");
	expect_title(store, (struct wish){ .sni = "stranger.example" }, "other");
	cert_store_free(store);
}

static void expect_alpn(const struct cert_store *store, int version, const char *list,
			const char *chosen)
{
	const unsigned char *got;
	unsigned len;
	struct talk talk;

	talk_to(store, (struct wish){ .highest = version, .alpn = list }, &talk);
	assert_int_equal(talk.done, chosen != NULL);
	assert_int_equal(cert_foreign_alpn(talk.server), chosen == NULL);
	if (chosen) {
		SSL_get0_alpn_selected(talk.client, &got, &len);
		assert_int_equal(len, strlen(chosen));
		assert_memory_equal(got, chosen, len);
	} else {
		assert_int_equal(talk.client_error, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	}
	talk_end(&talk);
}

static void alpn_tells_mail_from_the_web(void **state)
{
	struct cert_store *store = talk_store_all();

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		expect_alpn(store, version, NULL, "");
		expect_alpn(store, version, "\4smtp", "smtp");
		expect_alpn(store, version, "\2h2\4smtp", "smtp");
		expect_alpn(store, version, "\2h2\10http/1.1\4smtp", "smtp");
		expect_alpn(store, version, "\2h2", NULL);
		expect_alpn(store, version, "\2h2\10http/1.1", NULL);
		expect_alpn(store, version, "\10http/1.0", NULL);
		expect_alpn(store, version, "\4imap", "");
		expect_alpn(store, version, "\2h2\4imap", "");
		expect_alpn(store, version, "\4SMTP", "");
		expect_alpn(store, version, "\4http", "");
	}
	cert_store_free(store);
}

static void expect_verified(const struct cert_store *store, const char *ca, const char *host,
			    bool wanted)
{
	struct talk talk;

	talk_to(store, (struct wish){ .sni = host, .ca = ca, .host = host }, &talk);
	assert_int_equal(talk.done, wanted);
	talk_end(&talk);
}

static void dev_certificate_is_its_own_anchor(void **state)
{
	struct certificate_config saved = talk_pki.section[OTHER_EC];
	struct certificate_config dev = saved;
	char why[256] = "";

	(void)state;
	dev.chain = pki_path(&talk_pki.dir, "dev.pem");
	dev.key = pki_path(&talk_pki.dir, "dev.key");
	assert_true(cert_make_dev(dev.chain, dev.key, "host.example", why, sizeof why));
	talk_pki.section[OTHER_EC] = dev;
	struct cert_store *store = talk_store(
		(struct offer){ .policy = TLS_MODERN, .order = { OTHER_EC }, .count = 1 });
	expect_verified(store, dev.chain, "localhost", true);
	expect_verified(store, dev.chain, "host.example", true);
	expect_verified(store, dev.chain, "127.0.0.1", true);
	expect_verified(store, dev.chain, "::1", true);
	expect_verified(store, dev.chain, "other.example", false);
	expect_verified(store, saved.chain, "localhost", false);
	cert_store_free(store);
	pki_section_drop(&dev);
	talk_pki.section[OTHER_EC] = saved;
}

/* Every byte of a ClientHello, with SNI and ALPN in it, made another one. */
static void no_hello_does_harm(void **state)
{
	static const unsigned char changes[] = { 0x01, 0x80, 0xff };
	struct cert_store *store = talk_store_all();
	struct talk talk = { .fds = { -1, -1 } };
	unsigned char hello[2048];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, talk.fds), 0);
	talk_client(&talk, &(struct wish){ .sni = "mail.example", .alpn = "\2h2\4smtp" });
	SSL_do_handshake(talk.client);
	ssize_t len = read(talk.fds[1], hello, sizeof hello);
	assert_in_range(len, 100, sizeof hello - 1);
	for (ssize_t i = 0; i < len * (ssize_t)sizeof changes; i++) {
		unsigned char *byte = &hello[i % len];
		char answer[8192];

		*byte ^= changes[i / len];
		assert_int_equal(write(talk.fds[0], hello, (size_t)len), len);
		SSL *ssl = cert_store_ssl(store, talk.fds[1], false, &talk.whom);
		SSL_do_handshake(ssl);
		cert_ssl_free(ssl);
		ERR_clear_error();
		while (read(talk.fds[0], answer, sizeof answer) > 0 ||
		       read(talk.fds[1], answer, sizeof answer) > 0)
			continue;
		*byte ^= changes[i / len];
	}
	talk_end(&talk);
	cert_store_free(store);
}

/* Sixteen kilobytes of an extension, and a ClientHello that comes byte by byte. */
static void a_long_hello_is_borne(void **state)
{
	enum { LONG = 16 * 1024 };
	struct cert_store *store = talk_store_all();
	char *list = calloc(1, LONG + 1), *hello = calloc(1, 2 * LONG);
	struct talk talk = { .fds = { -1, -1 } };

	(void)state;
	for (int i = 0; i < LONG; i += 128) {
		memset(list + i, 'a', 128);
		list[i] = 127;
	}
	talk_to(store, (struct wish){ .sni = "mail.example", .alpn = list }, &talk);
	assert_true(talk.done);
	talk_end(&talk);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, talk.fds), 0);
	talk_client(&talk, &(struct wish){ .sni = "mail.example", .alpn = list });
	SSL_do_handshake(talk.client);
	ssize_t len = read(talk.fds[1], hello, 2 * LONG);
	assert_true(len > LONG);
	talk.server = cert_store_ssl(store, talk.fds[1], false, &talk.whom);
	for (ssize_t i = 0; i < len; i++) {
		socket_refill(talk.server);
		assert_int_equal(SSL_do_handshake(talk.server), -1);
		assert_int_equal(SSL_get_state(talk.server) == TLS_ST_BEFORE ||
					 SSL_get_state(talk.server) == TLS_ST_SR_CLNT_HELLO,
				 true);
		assert_int_equal(write(talk.fds[0], hello + i, 1), 1);
	}
	socket_refill(talk.server);
	assert_int_equal(SSL_do_handshake(talk.server), -1);
	assert_true(SSL_do_handshake(talk.client) == 1);
	socket_refill(talk.server);
	assert_true(SSL_do_handshake(talk.server) == 1);
	talk_end(&talk);
	cert_store_free(store);
	free(list);
	free(hello);
}

static void many_names_are_served(void **state)
{
	enum { MANY = 5000 };
	char *names = calloc(MANY, 32);
	char *end = names;
	struct certificate_config saved = talk_pki.section[OTHER_EC];

	(void)state;
	assert_non_null(names);
	for (int i = 0; i < MANY; i++)
		end += sprintf(end, "%sDNS:n%d.example", i > 0 ? "," : "", i);
	talk_section(OTHER_EC, "many", names, NULL);
	struct cert_store *store = talk_store((struct offer){
		.policy = TLS_INTERMEDIATE, .order = { MAIL_EC, OTHER_EC }, .count = 2 });
	expect_title(store, (struct wish){ .sni = "n0.example" }, "many");
	expect_title(store, (struct wish){ .sni = "n4999.example" }, "many");
	expect_title(store, (struct wish){ .sni = "n5000.example" }, "mail-ec");
	cert_store_free(store);
	free(names);
	pki_section_drop(&talk_pki.section[OTHER_EC]);
	talk_pki.section[OTHER_EC] = saved;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_choose_the_certificate),
		cmocka_unit_test(the_clients_abilities_choose_the_key),
		cmocka_unit_test(the_first_of_a_kind_is_used),
		cmocka_unit_test(alpn_tells_mail_from_the_web),
		cmocka_unit_test(dev_certificate_is_its_own_anchor),
		cmocka_unit_test(no_hello_does_harm),
		cmocka_unit_test(a_long_hello_is_borne),
		cmocka_unit_test(many_names_are_served),
	};
	return cmocka_run_group_tests(tests, talk_setup, talk_teardown);
}
