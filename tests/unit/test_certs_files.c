/* Directories of certificates, staples, and what is told before things become old. */
#include "certs/certs.h"
#include "tests/unit/talk.h"

#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 24 * 60 * 60 };

static struct pki_cert root, leaf, other;

static int setup(void **state)
{
	talk_setup(state);
	root = pki_make((struct pki_wish){ .title = "Root", .ca = true });
	leaf = pki_make((struct pki_wish){
		.title = "leaf", .names = "DNS:staple.example", .issuer = &root });
	other = pki_make((struct pki_wish){ .title = "other", .issuer = &root });
	return 0;
}

static int teardown(void **state)
{
	pki_drop(&root);
	pki_drop(&leaf);
	pki_drop(&other);
	return talk_teardown(state);
}

static struct cert_store *load(struct certificate_config *section, struct complaints *said)
{
	struct listener_config listener = { .name = "smtps",
					    .place = "postern.ini:1",
					    .certificates = &section,
					    .certificate_count = 1,
					    .tls_policy = TLS_INTERMEDIATE,
					    .tickets = TICKETS_AUTO };

	return cert_store_load(&listener, NULL, NULL, said);
}

/* ---------------------------------------------------------------------------------- directories */

static void write_pair(const char *chain, const char *key, const char *title)
{
	char names[80];
	char *chain_path = pki_path(&talk_pki.dir, chain), *key_path = pki_path(&talk_pki.dir, key);

	snprintf(names, sizeof names, "DNS:%s", title);
	struct pki_cert cert = pki_make((struct pki_wish){ .title = title, .names = names });
	pki_write_chain(chain_path, (const struct pki_cert *const[]){ &cert }, 1);
	pki_write_key(key_path, cert.key, NULL);
	pki_drop(&cert);
	free(chain_path);
	free(key_path);
}

static void expect_shown(const struct cert_store *store, const char *sni, const char *title)
{
	struct talk talk;
	char got[64];

	talk_to(store, (struct wish){ .sni = sni }, &talk);
	assert_true(talk.done);
	X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(talk.client)),
				  NID_commonName, got, sizeof got);
	assert_string_equal(got, title);
	talk_end(&talk);
}

static void a_directory_has_many(void **state)
{
	static const char *const folders[] = { "live", "live/b.example", "live/empty" };
	struct certificate_config section = { .name = "all", .place = "postern.ini:7" };
	struct complaints said = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *path = pki_path(&talk_pki.dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		free(path);
	}
	char *dir = pki_path(&talk_pki.dir, "live");
	section.dir = dir;
	assert_null(load(&section, &said));
	assert_non_null(strstr(said.text, "live has no certificates: expected NAME/fullchain.pem"));
	write_pair("live/b.example/fullchain.pem", "live/b.example/privkey.pem", "b.example");
	write_pair("live/a.example.crt", "live/a.example.key", "a.example");
	write_pair("live/c.example.pem", "live/c.example.key", "c.example");
	write_pair("live/issuer.crt", "elsewhere", "issuer.example");
	struct cert_store *store = load(&section, &said);
	assert_non_null(store);
	expect_shown(store, "a.example", "a.example");
	expect_shown(store, "b.example", "b.example");
	expect_shown(store, "c.example", "c.example");
	expect_shown(store, "issuer.example", "a.example");
	cert_store_free(store);
	complaints_release(&said);
	section.dir = "/nonexistent";
	assert_null(load(&section, &said));
	complaints_release(&said);
	free(dir);
}

/* -------------------------------------------------------------------------------------- staples */

/* A response about `about`, of the issuer `by`; to_days as of a certificate. */
static void write_staple(const char *path, const struct pki_cert *about, const struct pki_cert *by,
			 int status, int to_days)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, about->x509, root.x509);
	ASN1_TIME *from = X509_gmtime_adj(NULL, -2L * DAY), *next = ASN1_TIME_new();
	FILE *file = fopen(path, "w");

	X509_time_adj_ex(next, to_days, 60, NULL);
	OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_NOSTATUS, from, from, next);
	assert_int_equal(OCSP_basic_sign(basic, by->x509, by->key, EVP_sha256(), NULL, 0), 1);
	OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	unsigned char *der = NULL;
	int len = i2d_OCSP_RESPONSE(response, &der);
	assert_int_equal(fwrite(der, 1, (size_t)len, file), len);
	OPENSSL_free(der);
	fclose(file);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(next);
}

/* What the client is given. */
static long stapled(const struct cert_store *store, int version)
{
	const unsigned char *response;
	struct talk talk;

	talk_to(store, (struct wish){ .highest = version, .status = true }, &talk);
	assert_true(talk.done);
	long len = SSL_get_tlsext_status_ocsp_resp(talk.client, &response);
	talk_end(&talk);
	return len;
}

static void expect_staple(struct certificate_config *section, const char *wrong, bool used)
{
	struct complaints said = { 0 };
	struct cert_store *store = load(section, &said);

	if (!strstr(said.text ? said.text : "", wrong ? wrong : "staple") != !wrong)
		fail_msg("wanted \"%s\", got %s", wrong ? wrong : "", said.text);
	for (int version = TLS1_2_VERSION; store && version <= TLS1_3_VERSION; version++)
		assert_int_equal(stapled(store, version) > 0, used);
	cert_store_free(store);
	complaints_release(&said);
}

static void staples_are_checked(void **state)
{
	const struct pki_cert *chain[] = { &leaf, &root };
	struct certificate_config section =
		pki_section(&talk_pki.dir, "stapled", chain, 2, leaf.key);
	char *path = pki_path(&talk_pki.dir, "staple");

	(void)state;
	section.staple = path;
	write_staple(path, &leaf, &root, V_OCSP_CERTSTATUS_GOOD, 3);
	expect_staple(&section, NULL, true);
	write_staple(path, &leaf, &root, V_OCSP_CERTSTATUS_GOOD, -1);
	expect_staple(&section, "is stale and not used", false);
	write_staple(path, &leaf, &root, V_OCSP_CERTSTATUS_REVOKED, 3);
	expect_staple(&section, "says that the certificate is revoked", false);
	write_staple(path, &leaf, &root, V_OCSP_CERTSTATUS_UNKNOWN, 3);
	expect_staple(&section, "does not know the certificate", false);
	write_staple(path, &other, &root, V_OCSP_CERTSTATUS_GOOD, 3);
	expect_staple(&section, "is for another certificate", false);
	write_staple(path, &leaf, &other, V_OCSP_CERTSTATUS_GOOD, 3);
	expect_staple(&section, "is not signed by the certificate's issuer", false);
	pki_write_text(path, "nothing", 0600);
	expect_staple(&section, "is no OCSP response in DER", false);
	section.staple = "/nonexistent";
	expect_staple(&section, "staple: /nonexistent cannot be read", false);
	pki_section_drop(&section);
	free(path);
}

/* ---------------------------------------------------------------------------------------- dates */

static void expect_reminder(const struct cert_store *store, int64_t from, int64_t to,
			    const char *words)
{
	struct complaints said = { 0 };

	cert_store_remind(store, from, to, &said);
	assert_int_equal(said.warnings, words ? 1 : 0);
	if (words && !strstr(said.text, words))
		fail_msg("wanted \"%s\", got %s", words, said.text);
	complaints_release(&said);
}

static void the_end_is_told_before(void **state)
{
	struct complaints said = { 0 };
	struct cert_store *store = load(&talk_pki.section[MAIL_EC], &said);
	int64_t end = (int64_t)time(NULL) + 90 * DAY + 60;

	(void)state;
	/* A minute to each side, since the certificate is some seconds old. */
	expect_reminder(store, 0, end - 21 * DAY - 60, NULL);
	expect_reminder(store, end - 21 * DAY - 60, end - 21 * DAY, "expires in 21 days: renew it");
	expect_reminder(store, end - 7 * DAY - 60, end - 7 * DAY, "expires in 7 days: renew it");
	expect_reminder(store, end - DAY - 60, end - DAY, "expires in 1 day: renew it");
	expect_reminder(store, end - 60, end, "has expired: renew it");
	expect_reminder(store, end, end + 90 * DAY, NULL);
	cert_store_free(store);
	complaints_release(&said);
}

static void an_older_one_is_told(void **state)
{
	const struct pki_cert *chain[] = { &leaf, &root };
	struct certificate_config section = pki_section(&talk_pki.dir, "aged", chain, 2, leaf.key);
	struct pki_cert old = pki_make((struct pki_wish){
		.title = "leaf", .names = "DNS:staple.example", .issuer = &root, .from_days = -9 });
	struct complaints said = { 0 };
	struct cert_store *fresh = load(&section, &said);

	(void)state;
	chain[0] = &old;
	pki_write_chain(section.chain, chain, 2);
	pki_write_key(section.key, old.key, NULL);
	struct cert_store *aged = load(&section, &said);
	cert_store_compare(fresh, aged, &said);
	assert_int_equal(said.warnings, 0);
	cert_store_compare(aged, fresh, &said);
	assert_non_null(strstr(said.text, "is older than the one it replaces"));
	complaints_release(&said);
	cert_store_free(fresh);
	cert_store_free(aged);
	pki_drop(&old);
	pki_section_drop(&section);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_has_many),
		cmocka_unit_test(staples_are_checked),
		cmocka_unit_test(the_end_is_told_before),
		cmocka_unit_test(an_older_one_is_told),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
