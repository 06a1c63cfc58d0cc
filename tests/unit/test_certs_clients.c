/* Whose certificates let in: every kind of certificate against every kind of policy. */
#include "certs/tickets.h"
#include "tests/unit/talk.h"
#include "tests/unit/visitors.h"

#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------- policies */

enum { CA, LIST, CRL, STALE, STALE_ACCEPT, NO_CRL_ACCEPT, PIN, POLICIES };
static struct clients_config policies[POLICIES];
static const char *rules[16];
static char pins[8][112];

static void write_files(void)
{
	const struct pki_cert *anchors[] = { &visitors_root },
			      *revoked[] = { &visitor_find("revoked")->cert };
	const char *ca = pki_path(&talk_pki.dir, "ca.pem");
	const char **crls = calloc(5, sizeof *crls);

	pki_write_chain(ca, anchors, 1);
	for (int i = 0; i < 4; i++) {
		char name[] = "0.crl";
		name[0] = (char)('0' + i);
		crls[i] = pki_path(&talk_pki.dir, name);
	}
	pki_write_crl(crls[0], &visitors_root, NULL, 0, 10, false);
	pki_write_crl(crls[1], &visitors_inter, revoked, 1, 10, true);
	pki_write_crl(crls[2], &visitors_root, NULL, 0, -1, false);
	pki_write_crl(crls[3], &visitors_inter, revoked, 1, -1, true);
	for (int i = 0; i < POLICIES; i++)
		policies[i] = (struct clients_config){ .name = "devices",
						       .place = "postern.ini:9",
						       .verify = CLIENTS_REQUIRE,
						       .depth = 5,
						       .ca = ca };
	policies[CRL].crl = (struct strings){ crls, 2 };
	policies[STALE].crl = policies[STALE_ACCEPT].crl = (struct strings){ crls + 2, 2 };
	policies[NO_CRL_ACCEPT].crl = (struct strings){ crls, 1 };
	policies[STALE_ACCEPT].crl_missing_accept = policies[NO_CRL_ACCEPT].crl_missing_accept =
		true;
}

static void write_rules(void)
{
	static const char file[] = "email:Box@a.example = boxer # that one\n\n"
				   "uri:spiffe://a.example/x\n"
				   "subject:CN=BY Subject = by, subject\n";
	const char *pinned[] = { "self", "self-expired", "self-weak", "fingerprint", "revoked" };
	char *path = pki_path(&talk_pki.dir, "allowed");
	size_t count = 0;

	pki_write_text(path, file, 0600);
	for (size_t i = 0; i < sizeof pinned / sizeof *pinned; i++)
		rules[count++] = pki_pin(&visitor_find(pinned[i])->cert, false, pins[i]);
	rules[count++] = pki_pin(&visitor_find("self-key")->cert, true, pins[5]);
	rules[count++] = pki_pin(&visitor_find("key")->cert, true, pins[6]);
	policies[PIN].allow = (struct strings){ rules, count };
	policies[PIN].ca = NULL;
	rules[count++] = "dns:a.example";
	policies[LIST].allow = (struct strings){ rules, count };
	policies[LIST].allow_file = path;
}

static int setup(void **state)
{
	talk_setup(state);
	visitors_make();
	write_files();
	write_rules();
	return 0;
}

static int teardown(void **state)
{
	visitors_drop();
	free((char *)policies[CA].ca);
	for (int i = 0; i < 4; i++)
		free((char *)policies[CRL].crl.item[i]);
	free(policies[CRL].crl.item);
	free((char *)policies[LIST].allow_file);
	return talk_teardown(state);
}

/* ----------------------------------------------------------------------------------- the table */

/* clang-format off */
#define V  CLIENT_VERIFIED
#define NO CLIENT_NONE
#define EX CLIENT_EXPIRED
#define NY CLIENT_NOT_YET
#define RV CLIENT_REVOKED
#define CM CLIENT_CRL_MISSING
#define UI CLIENT_UNKNOWN_ISSUER
#define WP CLIENT_WRONG_PURPOSE
#define CL CLIENT_CHAIN_LONG
#define WK CLIENT_WEAK
#define NL CLIENT_NOT_LISTED

/* clang-format off */
static const struct row {
	const char *visitor;
	enum client_why why[POLICIES];
} table[] = {
	/*                CA  LIST CRL STALE +accept no+accept PIN */
	{ "good",         { V,  V,  V,  CM, V,  V,  NL } },
	{ "none",         { NO, NO, NO, NO, NO, NO, NO } },
	{ "plain",        { V,  NL, V,  CM, V,  V,  NL } },
	{ "expired",      { EX, EX, EX, CM, EX, EX, NL } },
	{ "early",        { NY, NY, NY, CM, NY, NY, NL } },
	{ "stranger",     { UI, UI, UI, UI, UI, UI, NL } },
	{ "server",       { WP, WP, WP, WP, WP, WP, NL } },
	{ "revoked",      { V,  V,  RV, CM, RV, V,  V } },
	{ "headless",     { UI, UI, UI, UI, UI, UI, NL } },
	{ "self",         { UI, V,  UI, UI, UI, UI, V } },
	{ "self-key",     { UI, V,  UI, UI, UI, UI, V } },
	{ "self-expired", { UI, EX, UI, UI, UI, UI, EX } },
	{ "self-weak",    { WK, WK, WK, WK, WK, WK, WK } },
	{ "weak",         { WK, WK, WK, WK, WK, WK, NL } },
	{ "sha1",         { WK, WK, WK, WK, WK, WK, NL } },
	{ "deep",         { CL, CL, CL, CL, CL, CL, NL } },
	{ "rsa2048",      { V,  NL, V,  CM, V,  V,  NL } },
	{ "rsa4096",      { V,  NL, V,  CM, V,  V,  NL } },
	{ "p384",         { V,  NL, V,  CM, V,  V,  NL } },
	{ "ed25519",      { V,  NL, V,  CM, V,  V,  NL } },
	{ "dns",          { V,  V,  V,  CM, V,  V,  NL } },
	{ "wild",         { V,  V,  V,  CM, V,  V,  NL } },
	{ "partial",      { V,  NL, V,  CM, V,  V,  NL } },
	{ "parent",       { V,  NL, V,  CM, V,  V,  NL } },
	{ "nul",          { V,  NL, V,  CM, V,  V,  NL } },
	{ "odd",          { V,  NL, V,  CM, V,  V,  NL } },
	{ "email",        { V,  V,  V,  CM, V,  V,  NL } },
	{ "email-case",   { V,  NL, V,  CM, V,  V,  NL } },
	{ "uri",          { V,  V,  V,  CM, V,  V,  NL } },
	{ "uri-case",     { V,  NL, V,  CM, V,  V,  NL } },
	{ "a.example",    { V,  NL, V,  CM, V,  V,  NL } },
	{ "by  Subject",  { V,  V,  V,  CM, V,  V,  NL } },
	{ "fingerprint",  { V,  V,  V,  CM, V,  V,  V } },
	{ "key",          { V,  V,  V,  CM, V,  V,  V } },
};

/* clang-format on */

static struct cert_store *open_store(const struct clients_config *config, size_t warnings)
{
	return talk_store((struct offer){ .policy = TLS_INTERMEDIATE,
					  .tickets = TICKETS_AUTO,
					  .clients = config,
					  .order = { MAIL_EC },
					  .count = 1,
					  .warnings = warnings });
}

static size_t warnings_of(int policy)
{
	return policy == STALE || policy == STALE_ACCEPT ? 3 : policy == CRL ? 1 : 0;
}

static struct wish wish_of(const struct visitor *visitor, int version)
{
	return (struct wish){ .highest = version,
			      .lowest = version,
			      .sni = "mail.example",
			      .sigalgs = "ECDSA+SHA256:ECDSA+SHA384:ed25519:RSA-PSS+SHA256:"
					 "RSA+SHA256:RSA+SHA1:ECDSA+SHA1",
			      .chain = visitor->chain,
			      .chain_count = visitor->count };
}

static void expect(const struct talk *talk, const struct row *row, int policy, int version,
		   bool resumed, bool request)
{
	enum client_why why = row->why[policy];

	if (!talk->done || talk->whom.why != why || talk->facts.resumed != resumed ||
	    !talk->refused != (request || why == CLIENT_VERIFIED))
		fail_msg("%s, policy %d, TLS %x: done %d, %s, refused \"%s\", resumed %d",
			 row->visitor, policy, version, talk->done, cert_word(&talk->whom),
			 talk->refused ? talk->refused : "", talk->facts.resumed);
}

/* Full, then with the ticket that came of it, if any. */
static void meet(const struct cert_store *store, const struct row *row, int policy, int version,
		 bool request)
{
	const struct visitor *visitor = visitor_find(row->visitor);
	bool keeps = row->why[policy] == CLIENT_VERIFIED || (row->why[policy] == CLIENT_NONE);
	struct wish wish = wish_of(visitor, version);
	struct talk first, second;

	talk_to(store, wish, &first);
	expect(&first, row, policy, version, false, request);
	wish.session = first.session;
	if (first.session) {
		talk_to(store, wish, &second);
		expect(&second, row, policy, version, keeps, request);
		if (first.whom.listed)
			assert_string_equal(first.whom.listed, second.whom.listed);
		talk_end(&second);
	}
	talk_end(&first);
}

static void everybody_meets_every_policy(void **state)
{
	(void)state;
	for (int policy = 0; policy < POLICIES; policy++) {
		size_t warnings = warnings_of(policy);
		struct cert_store *store = open_store(&policies[policy], warnings);

		for (size_t i = 0; i < sizeof table / sizeof *table; i++)
			for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
				meet(store, &table[i], policy, version, false);
		cert_store_free(store);
	}
}

static void request_refuses_nobody(void **state)
{
	struct clients_config request = policies[CRL];

	(void)state;
	request.verify = CLIENTS_REQUEST;
	struct cert_store *store = open_store(&request, warnings_of(CRL));
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
			meet(store, &table[i], CRL, version, true);
	cert_store_free(store);
}

/* Whatever a judgement rests on, a ticket from before it changed is not good any more. */
static void any_change_of_policy_ends_resumption(void **state)
{
	struct clients_config changed[9];
	struct ticket_keys *keys = ticket_keys_new();
	struct offer offer = { .policy = TLS_INTERMEDIATE,
			       .tickets = TICKETS_AUTO,
			       .keys = keys,
			       .clients = &policies[CRL],
			       .order = { MAIL_EC },
			       .count = 1,
			       .warnings = warnings_of(CRL) };
	struct cert_store *store = talk_store(offer);
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		changed[i] = policies[CRL];
	changed[count++].verify = CLIENTS_REQUEST;
	changed[count++].depth = 4;
	changed[count++].crl_missing_accept = true;
	changed[count++].refuse_by_tls = true;
	changed[count++].name = "others";
	changed[count++].allow = (struct strings){ rules + 7, 1 };
	changed[count++].allow_file = policies[LIST].allow_file;
	changed[count++].login = LOGIN_CN;
	changed[count++].ca = NULL;
	changed[count - 1].crl.count = 0;
	changed[count - 1].verify = CLIENTS_REQUEST;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct wish wish = wish_of(visitor_find("good"), version);
		struct talk first, second;

		talk_to(store, wish, &first);
		wish.session = first.session;
		for (size_t i = 0; i <= count; i++) {
			offer.clients = i < count ? &changed[i] : &policies[CRL];
			offer.warnings = i == 8 ? 0 : warnings_of(CRL);
			struct cert_store *other = talk_store(offer);
			talk_to(other, wish, &second);
			if (!second.done || second.facts.resumed != (i == count))
				fail_msg("change %zu, TLS %x: done %d, resumed %d", i, version,
					 second.done, second.facts.resumed);
			talk_end(&second);
			cert_store_free(other);
		}
		talk_end(&first);
	}
	cert_store_free(store);
	ticket_keys_free(keys);
}

/* A refused client's handshake ends by an alert that tells why. */
static void refusal_may_be_an_alert(void **state)
{
	static const struct {
		const char *visitor;
		int alert[2]; /* TLS 1.2 and 1.3 */
	} rows[] = {
		{ "expired",
		  { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
		    SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED } },
		{ "revoked",
		  { SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
		    SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED } },
		{ "stranger", { SSL_R_TLSV1_ALERT_UNKNOWN_CA, SSL_R_TLSV1_ALERT_UNKNOWN_CA } },
		{ "none",
		  { SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
		    SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED } },
	};
	struct clients_config config = policies[CRL];

	(void)state;
	config.refuse_by_tls = true;
	struct cert_store *store = open_store(&config, warnings_of(CRL));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int v = 0; v < 2; v++) {
			struct talk talk;
			char byte;

			talk_to(store, wish_of(visitor_find(rows[i].visitor), TLS1_2_VERSION + v),
				&talk);
			assert_false(talk.done);
			if (talk.client_error == 0) {
				SSL_read(talk.client, &byte, 1);
				talk.client_error = ERR_GET_REASON(ERR_peek_error());
				ERR_clear_error();
			}
			assert_int_equal(talk.client_error, rows[i].alert[v]);
			assert_non_null(cert_judge(talk.server, &talk.whom));
			talk_end(&talk);
		}
	struct talk talk;
	talk_to(store, wish_of(visitor_find("good"), TLS1_3_VERSION), &talk);
	assert_true(talk.done);
	talk_end(&talk);
	cert_store_free(store);
}

static void logins_come_from_the_list(void **state)
{
	static const char *const rows[][2] = {
		{ "good", NULL },
		{ "email", "boxer" },
		{ "by  Subject", "by, subject" },
	};
	struct cert_store *store = open_store(&policies[LIST], 0);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct talk talk;

		talk_to(store, wish_of(visitor_find(rows[i][0]), TLS1_3_VERSION), &talk);
		assert_true(talk.done);
		/* "good" is on the list by its DNS name first. */
		if (rows[i][1])
			assert_string_equal(talk.whom.listed, rows[i][1]);
		else
			assert_null(talk.whom.listed);
		talk_end(&talk);
	}
	cert_store_free(store);
}

static void the_request_names_the_authorities(void **state)
{
	struct cert_store *store = open_store(&policies[CA], 0);
	struct talk talk;

	(void)state;
	talk_to(store, wish_of(visitor_find("good"), TLS1_2_VERSION), &talk);
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(talk.client);
	assert_int_equal(sk_X509_NAME_num(names), 1);
	assert_int_equal(X509_NAME_cmp(sk_X509_NAME_value(names, 0),
				       X509_get_subject_name(visitors_root.x509)),
			 0);
	talk_end(&talk);
	cert_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_meets_every_policy),
		cmocka_unit_test(request_refuses_nobody),
		cmocka_unit_test(any_change_of_policy_ends_resumption),
		cmocka_unit_test(refusal_may_be_an_alert),
		cmocka_unit_test(logins_come_from_the_list),
		cmocka_unit_test(the_request_names_the_authorities),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
