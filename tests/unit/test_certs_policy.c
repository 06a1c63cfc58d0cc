/* What the policies allow, session tickets and resumption, and the facts for the log. */
#include "certs/socket.h"
#include "certs/tickets.h"
#include "proxy/relay/tls.h"
#include "tests/unit/talk.h"

#include <strings.h>

static void expect_refused(const struct cert_store *store, struct wish wish)
{
	struct talk talk;

	talk_to(store, wish, &talk);
	assert_false(talk.done);
	assert_false(cert_foreign_alpn(talk.server));
	talk_end(&talk);
}

static void expect_facts(const struct cert_store *store, struct wish wish, const char *version,
			 const char *cipher, const char *group)
{
	struct talk talk;

	talk_to(store, wish, &talk);
	assert_true(talk.done);
	assert_string_equal(talk.facts.version, version);
	assert_string_equal(talk.facts.cipher, cipher);
	assert_string_equal(talk.facts.group, group);
	assert_false(talk.facts.resumed);
	talk_end(&talk);
}

static void policies_set_versions_and_ciphers(void **state)
{
	struct cert_store *modern = talk_store(
		(struct offer){ .policy = TLS_MODERN, .order = { MAIL_EC, MAIL_RSA }, .count = 2 });
	struct cert_store *middle = talk_store((struct offer){
		.policy = TLS_INTERMEDIATE, .order = { MAIL_EC, MAIL_RSA }, .count = 2 });

	(void)state;
	expect_refused(modern, (struct wish){ .highest = TLS1_2_VERSION });
	expect_refused(modern, (struct wish){ .highest = TLS1_1_VERSION });
	expect_refused(middle, (struct wish){ .highest = TLS1_1_VERSION });
	expect_refused(middle,
		       (struct wish){ .highest = TLS1_2_VERSION,
				      .ciphers = "ECDHE-RSA-AES128-SHA:AES128-GCM-SHA256" });
	expect_refused(middle, (struct wish){ .groups = "P-521" });
	expect_facts(modern, (struct wish){ .lowest = TLS1_3_VERSION, .groups = "X25519" },
		     "TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519");
	expect_facts(middle,
		     (struct wish){ .highest = TLS1_2_VERSION,
				    .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:"
					       "ECDHE-ECDSA-AES128-GCM-SHA256",
				    .groups = "P-384:P-256" },
		     "TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", "secp384r1");
	expect_facts(middle,
		     (struct wish){ .highest = TLS1_2_VERSION,
				    .ciphers = "DHE-RSA-AES128-GCM-SHA256" },
		     "TLSv1.2", "DHE-RSA-AES128-GCM-SHA256", "");
	cert_store_free(modern);
	cert_store_free(middle);
}

static void listeners_may_have_their_own_lists(void **state)
{
	struct offer offer = { .policy = TLS_INTERMEDIATE,
			       .ciphers = "TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384",
			       .groups = "P-384:P-521",
			       .order = { MAIL_EC },
			       .count = 1 };
	struct cert_store *store = talk_store(offer);

	(void)state;
	expect_facts(store, (struct wish){ 0 }, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "secp384r1");
	expect_facts(store, (struct wish){ .highest = TLS1_2_VERSION }, "TLSv1.2",
		     "ECDHE-ECDSA-AES256-GCM-SHA384", "secp521r1");
	expect_refused(store, (struct wish){ .groups = "X25519" });
	cert_store_free(store);
}

static void unknown_names_are_told(void **state)
{
	static const struct {
		const char *ciphers, *groups, *words;
	} rows[] = {
		{ "ECDHE-ECDSA-AES256-GCM-SHA384:NONSENSE", NULL, "[listener smtps] ciphers:" },
		{ "TLS_NONSENSE", NULL, "has a name that this OpenSSL does not know" },
		{ "TLS_AES_256_GCM_SHA384::", NULL, "[listener smtps] ciphers:" },
		{ NULL, "P-256:NONSENSE", "[listener smtps] groups: `P-256:NONSENSE`" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct certificate_config *section = &talk_pki.section[MAIL_EC];
		struct complaints said = { 0 };
		struct listener_config listener = { .name = "smtps",
						    .place = "postern.ini:1",
						    .certificates = &section,
						    .certificate_count = 1,
						    .tls_policy = TLS_INTERMEDIATE,
						    .ciphers = rows[i].ciphers,
						    .groups = rows[i].groups };
		assert_null(cert_store_load(&listener, NULL, NULL, &said));
		assert_int_equal(said.count, 1);
		assert_non_null(strstr(said.text, rows[i].words));
		complaints_release(&said);
	}
}

/* By SNI too: another context takes the level of security with it. */
static void legacy_is_for_its_networks(void **state)
{
	struct cert_store *store =
		talk_store((struct offer){ .policy = TLS_LEGACY,
					   .tickets = 1,
					   .order = { MAIL_EC, MAIL_RSA, WILD_EC },
					   .count = 3 });
	struct wish old = { .highest = TLS1_VERSION,
			    .sigalgs = "ECDSA+SHA1:RSA+SHA1",
			    .sni = "any.example" };
	struct wish weak = { .highest = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA" };
	struct talk talk, again;

	(void)state;
	expect_refused(store, old);
	expect_refused(store, weak);
	old.legacy = weak.legacy = true;
	expect_facts(store, old, "TLSv1", "ECDHE-ECDSA-AES256-SHA", "x25519");
	talk_to(store, weak, &talk);
	assert_true(talk.done);
	weak.session = talk.session;
	talk_to(store, weak, &again);
	assert_true(again.facts.resumed);
	talk_end(&again);
	/* Nor does a ticket get around it. */
	weak.legacy = false;
	expect_refused(store, weak);
	talk_end(&talk);
	expect_facts(store, (struct wish){ .legacy = true }, "TLSv1.3", "TLS_AES_256_GCM_SHA384",
		     "x25519");
	cert_store_free(store);
}

static void expect_ciphers(enum tls_policy policy, const char *wanted)
{
	struct cert_store *store =
		talk_store((struct offer){ .policy = policy, .order = { MAIL_EC }, .count = 1 });
	struct tls_client whom;
	SSL *ssl = cert_store_ssl(store, 0, false, &whom);
	STACK_OF(SSL_CIPHER) *all = SSL_get1_supported_ciphers(ssl);
	char got[1024] = "";

	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		strcat(got, SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)));
		strcat(got, " ");
	}
	assert_string_equal(got, wanted);
	sk_SSL_CIPHER_free(all);
	cert_ssl_free(ssl);
	cert_store_free(store);
}

#define SUITES_1_3 "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 "

static void cipher_lists_are_mozillas(void **state)
{
	(void)state;
	expect_ciphers(TLS_MODERN, SUITES_1_3);
	expect_ciphers(TLS_INTERMEDIATE,
		       SUITES_1_3 "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 "
				  "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 "
				  "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 "
				  "DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384 "
				  "DHE-RSA-CHACHA20-POLY1305 ");
}

static void expect_tickets(struct offer offer, int version, const char *sni, size_t wanted)
{
	struct cert_store *store = talk_store(offer);
	struct talk talk;

	talk_to(store, (struct wish){ .highest = version, .sni = sni }, &talk);
	assert_true(talk.done);
	size_t got = talk.tickets;
	/* TLS 1.2 tells of a session that nobody could resume, too. */
	if (version == TLS1_2_VERSION && !SSL_SESSION_has_ticket(SSL_get_session(talk.client)))
		got = 0;
	if (got != wanted)
		fail_msg("%zu tickets, wanted %zu", got, wanted);
	talk_end(&talk);
	cert_store_free(store);
}

static void tickets_are_counted(void **state)
{
	static const struct {
		int tickets, first, version;
		size_t wanted;
	} rows[] = {
		{ TICKETS_AUTO, MAIL_EC, TLS1_3_VERSION, 0 },
		{ TICKETS_AUTO, MAIL_EC, TLS1_2_VERSION, 1 },
		{ TICKETS_AUTO, MAIL_RSA, TLS1_3_VERSION, 1 },
		{ 0, MAIL_RSA, TLS1_3_VERSION, 0 },
		{ 0, MAIL_RSA, TLS1_2_VERSION, 0 },
		{ 1, MAIL_EC, TLS1_3_VERSION, 1 },
		{ 2, MAIL_EC, TLS1_3_VERSION, 2 },
		{ 2, MAIL_EC, TLS1_2_VERSION, 1 },
	};
	struct offer offer = { .policy = TLS_INTERMEDIATE, .count = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		offer.tickets = rows[i].tickets;
		offer.order[0] = rows[i].first;
		expect_tickets(offer, rows[i].version, NULL, rows[i].wanted);
	}
	/* By the certificates of the name, not by those of the fallback. */
	offer = (struct offer){ .policy = TLS_INTERMEDIATE,
				.tickets = TICKETS_AUTO,
				.order = { WILD_EC, MAIL_RSA },
				.count = 2 };
	expect_tickets(offer, TLS1_3_VERSION, "mail.example", 1);
	expect_tickets(offer, TLS1_3_VERSION, "any.example", 0);
}

static void expect_resumed(const struct cert_store *store, SSL_SESSION *session, int version,
			   const char *sni, bool wanted)
{
	struct talk talk;

	talk_to(store, (struct wish){ .sni = sni, .highest = version, .session = session }, &talk);
	assert_true(talk.done);
	if (talk.facts.resumed != wanted)
		fail_msg("%s: resumed %d, wanted %d", sni ? sni : "no name", talk.facts.resumed,
			 wanted);
	if (sni && strcasecmp(talk.facts.sni, sni) != 0)
		fail_msg("%s became %s", sni, talk.facts.sni);
	talk_end(&talk);
}

static void sessions_are_for_one_listener_and_name(void **state)
{
	struct offer offer = { .policy = TLS_INTERMEDIATE,
			       .tickets = 2,
			       .order = { MAIL_EC, MAIL_RSA, WILD_EC },
			       .count = 3 };
	struct cert_store *store = talk_store(offer);
	struct cert_store *again = talk_store(offer);
	struct talk talk;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		talk_to(store, (struct wish){ .sni = "a.example", .highest = version }, &talk);
		assert_true(talk.done);
		assert_non_null(talk.session);
		expect_resumed(store, talk.session, version, "a.example", true);
		expect_resumed(store, talk.session, version, "a.example", true);
		expect_resumed(store, talk.session, version, "A.Example", true);
		expect_resumed(store, talk.session, version, "b.example", false);
		expect_resumed(store, talk.session, version, "mail.example", false);
		expect_resumed(store, talk.session, version, NULL, false);
		expect_resumed(again, talk.session, version, "a.example", false);
		talk_end(&talk);
		talk_to(store, (struct wish){ .highest = version }, &talk);
		expect_resumed(store, talk.session, version, NULL, true);
		expect_resumed(store, talk.session, version, "stranger.test", false);
		talk_end(&talk);
	}
	cert_store_free(store);
	cert_store_free(again);
}

/* A reload makes another store, and a worker has been told nothing when the keys turn. */
static void tickets_outlive_reloads_and_two_turns(void **state)
{
	struct ticket_keys *keys = ticket_keys_new();
	struct offer offer = { .policy = TLS_INTERMEDIATE,
			       .tickets = 1,
			       .keys = keys,
			       .order = { MAIL_EC },
			       .count = 1 };
	struct cert_store *store = talk_store(offer);
	struct cert_store *again = talk_store(offer);
	struct talk talk;

	(void)state;
	assert_non_null(keys);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		talk_to(store, (struct wish){ .highest = version }, &talk);
		expect_resumed(store, talk.session, version, NULL, true);
		for (int turn = 0; turn <= 2; turn++) {
			expect_resumed(again, talk.session, version, NULL, true);
			assert_true(ticket_keys_turn(keys));
		}
		expect_resumed(again, talk.session, version, NULL, false);
		expect_resumed(store, talk.session, version, NULL, false);
		talk_end(&talk);
	}
	/* Other listeners have the same keys, and no use for these tickets. */
	offer.listener = "other";
	struct cert_store *other = talk_store(offer);
	talk_to(store, (struct wish){ 0 }, &talk);
	expect_resumed(other, talk.session, TLS1_3_VERSION, NULL, false);
	expect_resumed(again, talk.session, TLS1_3_VERSION, NULL, true);
	talk_end(&talk);
	cert_store_free(other);
	cert_store_free(store);
	cert_store_free(again);
	ticket_keys_free(keys);
}

/* Each costs the server a key, and an answer. */
static void key_updates_have_a_bound(void **state)
{
	struct cert_store *store = talk_store_all();
	struct talk talk;
	char byte = 'x';
	bool clean, wants_write;

	(void)state;
	for (int updates = 60; updates <= 70; updates += 10) {
		talk_to(store, (struct wish){ 0 }, &talk);
		for (int i = 0; i < updates; i++) {
			assert_int_equal(SSL_key_update(talk.client, SSL_KEY_UPDATE_NOT_REQUESTED),
					 1);
			assert_int_equal(SSL_do_handshake(talk.client), 1);
		}
		assert_int_equal(SSL_write(talk.client, &byte, 1), 1);
		ssize_t n = tls_read(talk.server, &byte, 1, &clean, &wants_write);
		if (n == 1 && updates > 64)
			n = tls_read(talk.server, &byte, 1, &clean, &wants_write);
		assert_int_equal(n > 0, updates < 64);
		assert_int_equal(cert_flooded(talk.server), updates > 64);
		ERR_clear_error();
		talk_end(&talk);
	}
	cert_store_free(store);
}

static void nothing_is_negotiated_anew(void **state)
{
	struct cert_store *store = talk_store_all();
	struct talk talk;
	char byte;

	(void)state;
	talk_to(store, (struct wish){ .highest = TLS1_2_VERSION }, &talk);
	assert_true(talk.done);
	SSL_renegotiate(talk.client);
	SSL_do_handshake(talk.client);
	socket_refill(talk.server);
	assert_int_equal(SSL_read(talk.server, &byte, 1), -1);
	assert_int_equal(SSL_do_handshake(talk.client), -1);
	assert_int_equal(SSL_num_renegotiations(talk.server), 0);
	ERR_clear_error();
	talk_end(&talk);
	cert_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_set_versions_and_ciphers),
		cmocka_unit_test(cipher_lists_are_mozillas),
		cmocka_unit_test(listeners_may_have_their_own_lists),
		cmocka_unit_test(unknown_names_are_told),
		cmocka_unit_test(legacy_is_for_its_networks),
		cmocka_unit_test(key_updates_have_a_bound),
		cmocka_unit_test(nothing_is_negotiated_anew),
		cmocka_unit_test(tickets_are_counted),
		cmocka_unit_test(sessions_are_for_one_listener_and_name),
		cmocka_unit_test(tickets_outlive_reloads_and_two_turns),
	};
	return cmocka_run_group_tests(tests, talk_setup, talk_teardown);
}
