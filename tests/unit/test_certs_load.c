/* Every complaint about a certificate, a chain or a key; and the development certificate. */
#include "certs/cert.h"
#include "certs/authorities.h"
#include "certs/certs.h"
#include "tests/unit/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHAIN(...) \
	(const struct pki_cert *const[]) \
	{ \
		__VA_ARGS__ \
	}

static struct {
	struct pki_dir dir;
	struct pki_cert root, inter, leaf; /* the root is the system's */
	struct pki_cert private_root, private_leaf;
} pki;

static int setup(void **state)
{
	(void)state;
	pki_dir_make(&pki.dir);
	pki.root = pki_make((struct pki_wish){ .title = "Root", .ca = true });
	pki.inter =
		pki_make((struct pki_wish){ .title = "Inter", .ca = true, .issuer = &pki.root });
	pki.leaf = pki_make((struct pki_wish){
		.title = "leaf", .names = "DNS:mail.example", .issuer = &pki.inter });
	pki.private_root = pki_make((struct pki_wish){ .title = "Private", .ca = true });
	pki.private_leaf = pki_make((struct pki_wish){
		.title = "private leaf", .names = "DNS:in.example", .issuer = &pki.private_root });
	char *roots = pki_path(&pki.dir, "roots.pem");
	pki_write_chain(roots, CHAIN(&pki.root), 1);
	setenv("SSL_CERT_FILE", roots, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	free(roots);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pki_drop(&pki.root);
	pki_drop(&pki.inter);
	pki_drop(&pki.leaf);
	pki_drop(&pki.private_root);
	pki_drop(&pki.private_leaf);
	pki_dir_drop(&pki.dir);
	return 0;
}

static struct cert_store *load_sections(struct certificate_config **sections, size_t count,
					struct complaints *said)
{
	struct listener_config listener = {
		.name = "smtps",
		.place = "postern.ini:1",
		.certificates = sections,
		.certificate_count = count,
		.tls_policy = TLS_INTERMEDIATE,
		.tickets = TICKETS_AUTO,
	};
	struct cert_store *store = cert_store_load(&listener, NULL, NULL, said);

	assert_int_equal(ERR_peek_error(), 0);
	return store;
}

/* Loads one certificate and looks for exactly these numbers of complaints, and for the words. */
static void expect(struct certificate_config *section, size_t errors, size_t warnings,
		   const char *words)
{
	struct complaints said = { 0 };
	struct cert_store *store = load_sections(&section, 1, &said);

	if (said.count != errors || said.warnings != warnings ||
	    (words && !strstr(said.text ? said.text : "", words)))
		fail_msg("wanted %zu errors, %zu warnings, \"%s\"; got %zu, %zu:\n%s", errors,
			 warnings, words, said.count, said.warnings, said.text);
	assert_int_equal(store == NULL, errors > 0);
	if (said.text)
		assert_non_null(strstr(said.text, "postern.ini:7"));
	cert_store_free(store);
	complaints_release(&said);
}

static void expect_chain(const struct pki_cert *const *chain, size_t count, EVP_PKEY *key,
			 size_t errors, size_t warnings, const char *words)
{
	struct certificate_config section = pki_section(&pki.dir, "one", chain, count, key);

	expect(&section, errors, warnings, words);
	pki_section_drop(&section);
}

/* A certificate of the intermediate with something odd, which goes away. */
static void expect_leaf(struct pki_wish wish, size_t errors, size_t warnings, const char *words)
{
	wish.title = "odd";
	wish.issuer = &pki.inter;
	if (!wish.names)
		wish.names = "DNS:odd.example";
	struct pki_cert odd = pki_make(wish);
	expect_chain(CHAIN(&odd, &pki.inter), 2, odd.key, errors, warnings, words);
	pki_drop(&odd);
}

static void good_chains_are_taken_in_silence(void **state)
{
	(void)state;
	expect_chain(CHAIN(&pki.leaf, &pki.inter), 2, pki.leaf.key, 0, 0, NULL);
	expect_chain(CHAIN(&pki.leaf, &pki.inter, &pki.root), 3, pki.leaf.key, 0, 0, NULL);
	expect_chain(CHAIN(&pki.private_leaf, &pki.private_root), 2, pki.private_leaf.key, 0, 0,
		     NULL);

	struct pki_cert self =
		pki_make((struct pki_wish){ .title = "s", .names = "DNS:s.example" });
	expect_chain(CHAIN(&self), 1, self.key, 0, 0, NULL);
	pki_drop(&self);
	struct pki_cert direct = pki_make((struct pki_wish){
		.title = "direct", .names = "DNS:d.example", .issuer = &pki.root });
	expect_chain(CHAIN(&direct), 1, direct.key, 0, 0, NULL);
	pki_drop(&direct);
}

/* The list is long: who comes second is given what the first has read. */
static void what_the_system_trusts_is_read_once(void **state)
{
	struct pki_cert other = pki_make((struct pki_wish){ .title = "Other", .ca = true });
	struct authorities system = { 0 };
	char *roots = pki_path(&pki.dir, "roots.pem");
	(void)state;

	X509_STORE *bundle = authorities_bundle(&system);
	assert_non_null(bundle);
	assert_string_equal(system.path, roots);
	pki_write_chain(roots, CHAIN(&other), 1);
	assert_ptr_equal(authorities_bundle(&system), bundle);
	assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(bundle)), 1);
	X509_STORE *all = authorities_all(&system);
	assert_ptr_equal(
		X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(all), 0)),
		X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(bundle), 0)));
	authorities_release(&system);
	pki_write_chain(roots, CHAIN(&pki.root), 1);
	pki_drop(&other);
	free(roots);
}

static void incomplete_chains_are_a_warning(void **state)
{
	(void)state;
	expect_chain(CHAIN(&pki.leaf), 1, pki.leaf.key, 0, 1,
		     "is incomplete: the issuer /CN=Inter");
	expect_chain(CHAIN(&pki.private_leaf), 1, pki.private_leaf.key, 0, 1, "/CN=Private");
}

static void misplaced_certificates_are_named(void **state)
{
	(void)state;
	expect_chain(CHAIN(&pki.leaf, &pki.root, &pki.inter), 3, pki.leaf.key, 1, 0,
		     "certificate number 2 in");
	expect_chain(CHAIN(&pki.inter, &pki.leaf), 2, pki.leaf.key, 1, 0,
		     "certificate number 2 in");
	expect_chain(CHAIN(&pki.leaf, &pki.inter, &pki.private_root), 3, pki.leaf.key, 1, 0,
		     "(/CN=Private) does not belong");
	expect_chain(CHAIN(&pki.leaf, &pki.private_root, &pki.inter), 3, pki.leaf.key, 1, 0,
		     "certificate number 2 in");
	expect_chain(CHAIN(&pki.leaf, &pki.inter, &pki.inter), 3, pki.leaf.key, 1, 0,
		     "is there twice");
	expect_chain(CHAIN(&pki.leaf, &pki.leaf, &pki.inter), 3, pki.leaf.key, 1, 0,
		     "is there twice");
}

static void another_way_to_a_root_is_taken(void **state)
{
	(void)state;
	/* The same intermediate, certified by another root as well. */
	EVP_PKEY_up_ref(pki.inter.key);
	struct pki_cert cross = pki_make((struct pki_wish){
		.title = "Inter", .ca = true, .key = pki.inter.key, .issuer = &pki.private_root });
	expect_chain(CHAIN(&pki.leaf, &pki.inter, &cross), 3, pki.leaf.key, 0, 0, NULL);
	pki_drop(&cross);
}

static void keys_must_match(void **state)
{
	(void)state;
	expect_chain(CHAIN(&pki.leaf, &pki.inter), 2, pki.private_leaf.key, 1, 0,
		     "is not the key of the first certificate");
}

static void files_must_be_there(void **state)
{
	struct certificate_config section = { .name = "none",
					      .place = "postern.ini:7",
					      .chain = "/nonexistent/chain",
					      .key = pki.dir.path };

	(void)state;
	expect(&section, 2, 0, " is no file");
	expect(&section, 2, 0, "chain: /nonexistent/chain cannot be read: No such file");
	section.key = "/dev/null";
	expect(&section, 2, 0, "key: /dev/null is no file");
}

static void files_must_hold_what_is_expected(void **state)
{
	struct certificate_config section =
		pki_section(&pki.dir, "odd", CHAIN(&pki.leaf, &pki.inter), 2, pki.leaf.key);

	(void)state;
	pki_write_text(section.key, "hello\n", 0600);
	expect(&section, 1, 0, "has no private key in PEM");
	pki_write_key(section.key, pki.leaf.key, "secret");
	expect(&section, 1, 0, "is encrypted");
	pki_write_key(section.key, pki.leaf.key, NULL);
	pki_write_text(section.chain, "", 0644);
	expect(&section, 1, 0, "has no PEM certificate");
	pki_write_text(section.chain,
		       "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0644);
	expect(&section, 1, 0, "certificate number 1 in");
	int cut = truncate(section.chain, 40);
	assert_int_equal(cut, 0);
	expect(&section, 1, 0, "is damaged");
	cut = truncate(section.chain, 2 * 1024 * 1024);
	assert_int_equal(cut, 0);
	expect(&section, 1, 0, "is too long");
	pki_section_drop(&section);
}

static void keys_must_be_private(void **state)
{
	struct certificate_config section =
		pki_section(&pki.dir, "open", CHAIN(&pki.leaf, &pki.inter), 2, pki.leaf.key);

	(void)state;
	chmod(section.key, 0604);
	expect(&section, 1, 0, "is open to everybody (mode 0604)");
	chmod(section.key, 0660);
	expect(&section, 1, 0, "may be written by its group");
	chmod(section.key, 0640);
	expect(&section, 0, 0, NULL);
	pki_section_drop(&section);
}

static void dates_are_looked_at(void **state)
{
	(void)state;
	expect_leaf((struct pki_wish){ .from_days = 1 }, 1, 0, "is not valid yet");
	expect_leaf((struct pki_wish){ .from_days = -9, .to_days = -1 }, 1, 0, "has expired");
	expect_leaf((struct pki_wish){ .to_days = 6 }, 0, 1, "expires within 7 days");
	expect_leaf((struct pki_wish){ .to_days = 7 }, 0, 0, NULL);
}

static void weak_cryptography_is_refused(void **state)
{
	(void)state;
	expect_leaf((struct pki_wish){ .key = EVP_RSA_gen(1024) }, 1, 0,
		    "has a weak key of 1024 bits");
	expect_leaf((struct pki_wish){ .digest = EVP_sha1() }, 1, 0, "is signed with SHA1");
	expect_leaf((struct pki_wish){ .key = EVP_EC_gen("secp256k1") }, 1, 0,
		    "on the curve secp256k1");
	expect_leaf((struct pki_wish){ .key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519") }, 1, 0,
		    "of a kind that TLS cannot use");
	expect_leaf((struct pki_wish){ .key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") }, 0, 0,
		    NULL);
	expect_leaf((struct pki_wish){ .key = EVP_EC_gen("P-521") }, 0, 0, NULL);
	expect_leaf((struct pki_wish){ .usage = "clientAuth" }, 0, 1, "not meant for TLS servers");
	expect_leaf((struct pki_wish){ .usage = "serverAuth" }, 0, 0, NULL);
}

static void names_are_compared_with_the_certificate(void **state)
{
	struct certificate_config section =
		pki_section(&pki.dir, "names", CHAIN(&pki.leaf, &pki.inter), 2, pki.leaf.key);
	const char *names[] = { "MAIL.example.", "other.example" };

	(void)state;
	section.names = (struct strings){ names, 1 };
	expect(&section, 0, 0, NULL);
	section.names.count = 2;
	expect(&section, 0, 1, "is not for other.example");
	names[1] = "no name";
	expect(&section, 1, 0, "names: \"no name\" is no host name");
	pki_section_drop(&section);
	expect_leaf((struct pki_wish){ .names = "IP:192.0.2.1" }, 0, 1, "has no DNS name");
	expect_leaf((struct pki_wish){ .names = "DNS:-" }, 0, 0, NULL);
}

static void all_errors_come_in_one_run_and_once(void **state)
{
	struct pki_cert old = pki_make((struct pki_wish){ .title = "old",
							  .names = "DNS:old.example",
							  .from_days = -9,
							  .to_days = -1,
							  .issuer = &pki.inter });
	struct certificate_config one =
		pki_section(&pki.dir, "one", CHAIN(&old, &pki.inter, &pki.private_root), 3,
			    old.key);
	struct certificate_config two = {
		.name = "two", .place = "postern.ini:70", .chain = "/nonexistent", .key = one.key
	};
	struct complaints said = { 0 };

	(void)state;
	chmod(one.key, 0644);
	for (int round = 0; round < 2; round++) {
		assert_null(load_sections((struct certificate_config *[]){ &one, &two }, 2, &said));
		assert_int_equal(said.count, 5);
	}
	complaints_release(&said);
	pki_section_drop(&one);
	pki_drop(&old);
}

static void a_listener_needs_a_certificate(void **state)
{
	struct complaints said = { 0 };

	(void)state;
	assert_null(load_sections(NULL, 0, &said));
	assert_int_equal(said.count, 1);
	assert_non_null(strstr(said.text, "postern.ini:1"));
	complaints_release(&said);
	cert_store_free(NULL);
	cert_free(NULL);
}

static void dev_certificate_is_kept_while_good(void **state)
{
	char *chain = pki_path(&pki.dir, "dev.pem");
	char *key = pki_path(&pki.dir, "dev.key");
	struct certificate_config section = {
		.name = "dev", .place = "postern.ini:7", .chain = chain, .key = key
	};
	struct stat first, second;
	char why[256] = "";

	(void)state;
	umask(0);
	assert_true(cert_make_dev(chain, key, "host.example", why, sizeof why));
	expect(&section, 0, 0, NULL);
	assert_int_equal(stat(key, &first), 0);
	assert_int_equal(first.st_mode & 07777, 0600);
	assert_true(cert_make_dev(chain, key, "Host.Example", why, sizeof why));
	assert_int_equal(stat(key, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_true(cert_make_dev(chain, key, "other.example", why, sizeof why));
	assert_int_equal(stat(key, &second), 0);
	assert_int_not_equal(first.st_ino, second.st_ino);
	expect(&section, 0, 0, NULL);
	assert_true(cert_make_dev(chain, key, NULL, why, sizeof why));
	assert_string_equal(why, "");

	assert_false(cert_make_dev(chain, key, "no name", why, sizeof why));
	assert_non_null(strstr(why, "no host name"));
	assert_false(cert_make_dev(chain, "/nonexistent/key", "h.example", why, sizeof why));
	assert_non_null(strstr(why, "No such file"));
	assert_int_equal(ERR_peek_error(), 0);
	free(chain);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_chains_are_taken_in_silence),
		cmocka_unit_test(what_the_system_trusts_is_read_once),
		cmocka_unit_test(incomplete_chains_are_a_warning),
		cmocka_unit_test(misplaced_certificates_are_named),
		cmocka_unit_test(another_way_to_a_root_is_taken),
		cmocka_unit_test(keys_must_match),
		cmocka_unit_test(files_must_be_there),
		cmocka_unit_test(files_must_hold_what_is_expected),
		cmocka_unit_test(keys_must_be_private),
		cmocka_unit_test(dates_are_looked_at),
		cmocka_unit_test(weak_cryptography_is_refused),
		cmocka_unit_test(names_are_compared_with_the_certificate),
		cmocka_unit_test(all_errors_come_in_one_run_and_once),
		cmocka_unit_test(a_listener_needs_a_certificate),
		cmocka_unit_test(dev_certificate_is_kept_while_good),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
