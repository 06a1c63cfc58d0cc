/* What a client is called by its certificate: good names alone, and of good certificates alone. */
#include "certs/allow.h"
#include "certs/login.h"
#include "tests/unit/talk.h"

#include <stdio.h>
#include <stdlib.h>

static struct pki_cert root;
static const char *ca_path, *list_path;

static int setup(void **state)
{
	const struct pki_cert *anchors[] = { &root };

	talk_setup(state);
	root = pki_make((struct pki_wish){ .title = "Root", .ca = true });
	ca_path = pki_path(&talk_pki.dir, "login-ca.pem");
	list_path = pki_path(&talk_pki.dir, "login-list");
	pki_write_chain(ca_path, anchors, 1);
	pki_write_text(list_path,
		       "dns:a.example = Anna\nemail:box@a.example = b=x\n"
		       "subject:CN=unnamed\n",
		       0600);
	return 0;
}

static int teardown(void **state)
{
	pki_drop(&root);
	free((char *)ca_path);
	free((char *)list_path);
	return talk_teardown(state);
}

#define LONG "0123456789012345678901234567890123456789"

static void a_login_is_a_single_good_name(void **state)
{
	static const struct {
		struct pki_wish wish;
		enum clients_login how;
		const char *login; /* NULL: none */
	} rows[] = {
		{ { .title = "scanner 12" }, LOGIN_CN, "scanner 12" },
		{ { .raw_cn = { "J\xc3\xbcrgen = x", 11 } }, LOGIN_CN, "J\xc3\xbcrgen = x" },
		{ { .raw_cn = { "a\r\nMAIL", 7 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { "a\0b", 3 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { "a\x7f", 2 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { "a\xc2\x85", 3 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { "\xff\xfe", 2 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { " a", 2 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { "a ", 2 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { "", 0 } }, LOGIN_CN, NULL },
		{ { .raw_cn = { LONG LONG LONG LONG, 160 } }, LOGIN_CN, LONG LONG LONG LONG },
		{ { .raw_cn = { LONG LONG LONG LONG "0", 161 } }, LOGIN_CN, NULL },
		{ { .title = "one", .second_cn = "two" }, LOGIN_CN, NULL },
		{ { .title = "x", .names = "email:e@x.example,DNS:A.Example,DNS:b.example" },
		  LOGIN_DNS,
		  "a.example" },
		{ { .title = "x", .names = "DNS:*.example" }, LOGIN_DNS, NULL },
		{ { .title = "x", .names = "email:e@x.example" }, LOGIN_DNS, NULL },
		{ { .title = "a.example" }, LOGIN_DNS, NULL },
		{ { .title = "x", .raw_dns = { "a.example\0.evil", 15 } }, LOGIN_DNS, NULL },
		{ { .title = "x", .raw_dns = { "a\r\nb.example", 12 } }, LOGIN_DNS, NULL },
		{ { .title = "x", .names = "DNS:b.example,email:Box@a.example,email:o@a.example" },
		  LOGIN_EMAIL,
		  "Box@a.example" },
		{ { .title = "x", .names = "email:@a.example" }, LOGIN_EMAIL, NULL },
		{ { .title = "x", .names = "email:a@" }, LOGIN_EMAIL, NULL },
		{ { .title = "x", .names = "email:a@b@c.example" }, LOGIN_EMAIL, NULL },
		{ { .title = "x", .names = "email:a b@c.example" }, LOGIN_EMAIL, NULL },
		{ { .title = "x", .names = "email:a" }, LOGIN_EMAIL, NULL },
		{ { .title = "e@x.example", .names = "DNS:x.example" }, LOGIN_EMAIL, NULL },
		{ { .title = "x" }, LOGIN_MAP, "listed" },
		{ { .title = "x" }, LOGIN_NONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pki_cert cert = pki_make(rows[i].wish);
		char *login = login_of(cert.x509, rows[i].how, "listed");

		if (!login != !rows[i].login || (login && strcmp(login, rows[i].login) != 0))
			fail_msg("row %zu: %s", i, login ? login : "none");
		free(login);
		pki_drop(&cert);
	}
	struct pki_cert cert = pki_make((struct pki_wish){ .title = "x" });
	assert_null(login_of(cert.x509, LOGIN_MAP, NULL));
	pki_drop(&cert);
}

static const struct pki_wish anna = { .title = "anna", .names = "DNS:a.example" };

static struct cert_store *open_store(struct clients_config config)
{
	config.name = "devices";
	config.place = "postern.ini:9";
	config.depth = 5;
	config.ca = ca_path;
	return talk_store((struct offer){ .policy = TLS_INTERMEDIATE,
					  .tickets = 1,
					  .clients = &config,
					  .order = { MAIL_EC },
					  .count = 1 });
}

/* Full, and then resumed: the login, or NULL, is to be this in both. */
static void meet(const struct cert_store *store, const struct pki_cert *cert, int version,
		 const char *login)
{
	struct wish wish = { .highest = version,
			     .lowest = version,
			     .sni = "mail.example",
			     .chain = &cert,
			     .chain_count = 1 };
	struct talk first, second;

	talk_to(store, wish, &first);
	wish.session = first.session;
	assert_true(first.done && first.session);
	talk_to(store, wish, &second);
	assert_true(second.done);
	for (int i = 0; i < 2; i++) {
		const struct tls_client *whom = i ? &second.whom : &first.whom;
		assert_true(!login || whom->why == CLIENT_VERIFIED);
		if (!whom->login != !login || (login && strcmp(whom->login, login) != 0))
			fail_msg("TLS %x, talk %d: %s", version, i,
				 whom->login ? whom->login : "none");
	}
	assert_true(second.facts.resumed || !login);
	talk_end(&second);
	talk_end(&first);
}

static void a_verified_client_keeps_its_login_when_resumed(void **state)
{
	static const struct {
		enum clients_login how;
		const char *login;
	} rows[] = {
		{ LOGIN_NONE, NULL },  { LOGIN_CN, "anna" },  { LOGIN_DNS, "a.example" },
		{ LOGIN_EMAIL, NULL }, { LOGIN_MAP, "Anna" },
	};
	struct pki_wish wish = anna;

	(void)state;
	wish.issuer = &root;
	struct pki_cert cert = pki_make(wish);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cert_store *store = open_store((struct clients_config){
			.verify = CLIENTS_REQUIRE,
			.allow_file = list_path,
			.login = rows[i].how,
		});
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
			meet(store, &cert, version, rows[i].login);
		cert_store_free(store);
	}
	pki_drop(&cert);
}

/* With `request` nobody is refused, and who is not verified and allowed is called nothing. */
static void nobody_else_has_a_login(void **state)
{
	struct pki_wish wish = anna;
	struct pki_cert certs[3];

	(void)state;
	certs[0] = pki_make(wish); /* self-signed */
	wish.issuer = &root;
	wish.from_days = -9;
	wish.to_days = -1;
	certs[1] = pki_make(wish);
	certs[2] = pki_make((struct pki_wish){ .title = "eve", .issuer = &root }); /* not listed */
	for (enum clients_login how = LOGIN_NONE; how <= LOGIN_MAP; how++) {
		struct cert_store *store = open_store((struct clients_config){
			.verify = CLIENTS_REQUEST, .allow_file = list_path, .login = how });
		for (size_t i = 0; i < 3; i++)
			for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
				meet(store, &certs[i], version, NULL);
		cert_store_free(store);
	}
	for (size_t i = 0; i < 3; i++)
		pki_drop(&certs[i]);
}

static void a_list_with_a_login_that_cannot_be_told(void **state)
{
	struct complaints complaints = { 0 };
	struct allow_list list = { 0 };
	struct clients_config config = { .name = "devices", .place = "postern.ini:9" };
	char text[400];

	(void)state;
	snprintf(text, sizeof text, "dns:a.example = %0160d\ndns:b.example = %0161d\n", 0, 0);
	config.allow_file = pki_path(&talk_pki.dir, "long-logins");
	pki_write_text(config.allow_file, text, 0600);
	assert_false(allow_load(&list, &config, &complaints));
	assert_int_equal(complaints.count, 1);
	assert_non_null(strstr(complaints.text, "long-logins:2: a login has at most 160 bytes and "
						"no control characters"));
	allow_release(&list);
	complaints_release(&complaints);
	free((char *)config.allow_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_is_a_single_good_name),
		cmocka_unit_test(a_verified_client_keeps_its_login_when_resumed),
		cmocka_unit_test(nobody_else_has_a_login),
		cmocka_unit_test(a_list_with_a_login_that_cannot_be_told),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
