/* Every complaint about a [clients] section and the files that it names. */
#include "certs/clients.h"
#include "tests/unit/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static struct pki_dir dir;
static struct pki_cert root, other;
static char *ca, *file;
static char pin[112];

static int setup(void **state)
{
	(void)state;
	pki_dir_make(&dir);
	root = pki_make((struct pki_wish){ .title = "Root", .ca = true });
	other = pki_make((struct pki_wish){ .title = "Root", .ca = true });
	ca = pki_path(&dir, "ca.pem");
	file = pki_path(&dir, "file");
	pki_write_chain(ca, (const struct pki_cert *const[]){ &root }, 1);
	pki_pin(&root, false, pin);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pki_drop(&root);
	pki_drop(&other);
	pki_dir_drop(&dir);
	free(ca);
	free(file);
	return 0;
}

static void expect(struct clients_config config, size_t errors, size_t warnings, const char *words)
{
	struct complaints said = { 0 };

	config.name = "devices";
	config.place = "postern.ini:7";
	config.verify = CLIENTS_REQUIRE;
	config.depth = 5;
	struct client_policy *policy = client_policy_load(&config, &said);
	if (said.count != errors || said.warnings != warnings || !policy != (errors > 0) ||
	    (words && !strstr(said.text ? said.text : "", words)))
		fail_msg("wanted %zu errors, %zu warnings, \"%s\"; got %zu, %zu:\n%s", errors,
			 warnings, words ? words : "", said.count, said.warnings,
			 said.text ? said.text : "");
	client_policy_free(policy);
	complaints_release(&said);
}

static void authorities_are_needed(void **state)
{
	const char *pinned[] = { pin, "dns:a.example" };

	(void)state;
	expect((struct clients_config){ .ca = ca }, 0, 0, NULL);
	expect((struct clients_config){ 0 }, 1, 0, "`ca` is needed, or sha256: or spki:");
	expect((struct clients_config){ .allow = { pinned, 1 } }, 0, 0, NULL);
	expect((struct clients_config){ .allow = { pinned, 2 } }, 1, 0,
	       "postern.ini:7: `ca` is needed for `dns:a.example`");
	expect((struct clients_config){ .ca = "/nonexistent" }, 1, 0,
	       "ca: /nonexistent cannot be read");
	pki_write_text(file, "nothing\n", 0600);
	expect((struct clients_config){ .ca = file, .allow = { pinned, 1 } }, 1, 0,
	       "has no PEM certificate");
	struct pki_cert old = pki_make(
		(struct pki_wish){ .title = "Old", .ca = true, .from_days = -9, .to_days = -1 });
	pki_write_chain(file, (const struct pki_cert *const[]){ &root, &old }, 2);
	expect((struct clients_config){ .ca = file }, 0, 1, "number 2 in");
	pki_drop(&old);
}

static void revocation_lists_must_fit(void **state)
{
	const char *paths[] = { file };
	struct clients_config config = { .ca = ca, .crl = { paths, 1 } };

	(void)state;
	pki_write_crl(file, &root, NULL, 0, 9, true);
	expect(config, 0, 0, NULL);
	pki_write_crl(file, &root, NULL, 0, 0, true);
	expect(config, 0, 1, "becomes stale within a day: fetch the next one");
	pki_write_crl(file, &root, NULL, 0, -1, false);
	expect(config, 0, 1, "is stale: clients of its authority are refused");
	config.crl_missing_accept = true;
	expect(config, 0, 1, "are not asked about revocation");
	pki_write_crl(file, &other, NULL, 0, 9, false);
	expect(config, 1, 0, "is not signed by the /CN=Root that is in `ca`");
	struct pki_cert third = pki_make((struct pki_wish){ .title = "Third", .ca = true });
	pki_write_crl(file, &third, NULL, 0, 9, false);
	expect(config, 0, 2, "(/CN=Third) is not in `ca`");
	expect(config, 0, 2, "crl: there is none of /CN=Root, which is in `ca`");
	pki_drop(&third);
	pki_write_text(file, "nothing\n", 0600);
	expect(config, 1, 0, "has no revocation list, neither PEM nor DER");
	pki_write_text(file, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", 0600);
	expect(config, 2, 0, "list number 1 in");
	paths[0] = "/nonexistent";
	expect(config, 1, 0, "crl: /nonexistent cannot be read");
}

static void lists_are_read_line_by_line(void **state)
{
	struct clients_config config = { .ca = ca, .allow_file = file };

	(void)state;
	pki_write_text(file, "# nobody yet\n", 0600);
	expect(config, 0, 0, NULL);
	pki_write_text(file, "dns:a.example\ncn:b\n email:x = y\n", 0600);
	expect(config, 2, 0, "/file:2: `cn:b` cannot be allowed: expected dns:, email:");
	expect(config, 2, 0, "/file:3: `email:x` cannot be allowed");
	pki_write_text(file, "subject:CN = a\n", 0600);
	expect(config, 1, 0, "`subject:CN` cannot be allowed");
	config.allow_file = "/nonexistent";
	expect(config, 1, 0, "[clients devices] allow_file: /nonexistent cannot be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_are_needed),
		cmocka_unit_test(revocation_lists_must_fit),
		cmocka_unit_test(lists_are_read_line_by_line),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
