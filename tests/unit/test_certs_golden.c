/*
 * What each policy comes to: every protocol, cipher, group and signature that a client alone can
 * get through with. It must be what tests/unit/tls-policies says, so that no change goes unseen.
 * Names that the OpenSSL at hand does not know are passed over.
 */
#include "tests/unit/talk.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	enum tls_policy policy;
	bool legacy;
} policies[] = {
	{ "modern", TLS_MODERN, false },
	{ "intermediate", TLS_INTERMEDIATE, false },
	{ "legacy, for others than legacy_networks", TLS_LEGACY, false },
	{ "legacy, for legacy_networks", TLS_LEGACY, true },
};

static const struct {
	const char *name;
	int version;
} protocols[] = { { "TLSv1", TLS1_VERSION },
		  { "TLSv1.1", TLS1_1_VERSION },
		  { "TLSv1.2", TLS1_2_VERSION },
		  { "TLSv1.3", TLS1_3_VERSION } };

static const char *const groups[] = {
	"X25519MLKEM768", "SecP256r1MLKEM768", "X25519",    "X448",      "P-256",          "P-384",
	"P-521",          "ffdhe2048",         "ffdhe3072", "secp256k1", "brainpoolP256r1"
};
static const char *const signatures[] = { "ecdsa_secp256r1_sha256",
					  "ecdsa_secp384r1_sha384",
					  "ECDSA+SHA1",
					  "ECDSA+SHA224",
					  "rsa_pss_rsae_sha256",
					  "rsa_pss_rsae_sha384",
					  "rsa_pss_rsae_sha512",
					  "RSA+SHA1",
					  "RSA+SHA224",
					  "RSA+SHA256",
					  "RSA+SHA384",
					  "RSA+SHA512",
					  "DSA+SHA256" };

static bool knows(int (*set)(SSL_CTX *context, const char *list), const char *name)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_security_level(context, 0);
	bool known = set(context, name) == 1;
	SSL_CTX_free(context);
	ERR_clear_error();
	return known;
}

static int set_groups(SSL_CTX *context, const char *list)
{
	return (int)SSL_CTX_set1_groups_list(context, list);
}

static int set_signatures(SSL_CTX *context, const char *list)
{
	return (int)SSL_CTX_set1_sigalgs_list(context, list);
}

static bool passes(const struct cert_store *store, struct wish wish)
{
	struct talk talk;

	talk_to(store, wish, &talk);
	bool done = talk.done;
	talk_end(&talk);
	return done;
}

static const char everything[] = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";

static void print_ciphers(const struct cert_store *store, struct wish wish, FILE *to)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_cipher_list(context, everything);
	SSL_CTX_set_min_proto_version(context, 0);
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(context);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);

		if (strncmp(SSL_CIPHER_get_name(cipher), "TLS_", 4) == 0)
			wish.suites = SSL_CIPHER_get_name(cipher);
		else
			wish.ciphers = SSL_CIPHER_get_name(cipher);
		wish.lowest = wish.suites ? TLS1_3_VERSION : 0;
		wish.highest = wish.suites ? 0 : TLS1_2_VERSION;
		if (passes(store, wish))
			fprintf(to, "  cipher     %s\n", SSL_CIPHER_get_name(cipher));
		wish.ciphers = wish.suites = NULL;
	}
	SSL_CTX_free(context);
}

static void print_policy(size_t i, FILE *to)
{
	struct cert_store *store = talk_store((struct offer){
		.policy = policies[i].policy, .order = { MAIL_EC, MAIL_RSA }, .count = 2 });
	struct wish wish = { .legacy = policies[i].legacy,
			     .sigalgs = "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256:"
					"RSA+SHA1:ECDSA+SHA1" };
	const char *all = wish.sigalgs;

	fprintf(to, "%s\n", policies[i].name);
	for (size_t j = 0; j < sizeof protocols / sizeof *protocols; j++) {
		wish.lowest = wish.highest = protocols[j].version;
		wish.ciphers = everything;
		if (passes(store, wish))
			fprintf(to, "  protocol   %s\n", protocols[j].name);
	}
	wish.lowest = wish.highest = 0;
	wish.ciphers = NULL;
	print_ciphers(store, wish, to);
	wish.lowest = TLS1_3_VERSION;
	for (size_t j = 0; j < sizeof groups / sizeof *groups; j++) {
		wish.groups = groups[j];
		if (knows(set_groups, groups[j]) && passes(store, wish))
			fprintf(to, "  group      %s\n", groups[j]);
	}
	wish.groups = NULL;
	for (size_t j = 0; j < sizeof signatures / sizeof *signatures; j++) {
		/* PKCS #1 v1.5 is for TLS 1.2 alone. */
		wish.lowest = 0;
		wish.highest = policies[i].policy == TLS_MODERN ? 0 : TLS1_2_VERSION;
		wish.sigalgs = signatures[j];
		if (knows(set_signatures, signatures[j]) && passes(store, wish))
			fprintf(to, "  signature  %s\n", signatures[j]);
	}
	wish.sigalgs = all;
	cert_store_free(store);
}

/* Both without what only newer versions of OpenSSL have. */
static void policies_are_as_written(void **state)
{
	char *got, *wanted = calloc(1, 64 * 1024);
	size_t size;
	FILE *to = open_memstream(&got, &size);
	FILE *golden = fopen("tests/unit/tls-policies", "r");

	(void)state;
	assert_non_null(golden);
	assert_true(fread(wanted, 1, 64 * 1024 - 1, golden) > 0);
	fclose(golden);
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
		print_policy(i, to);
	fclose(to);
	for (char *hybrid; (hybrid = strstr(got, "  group      X25519MLKEM768\n"));)
		memmove(hybrid, hybrid + 28, strlen(hybrid + 28) + 1);
	/* fail_msg() would cut it. */
	if (strcmp(got, wanted) != 0)
		printf("%s----\n", got);
	assert_true(strcmp(got, wanted) == 0);
	free(got);
	free(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(policies_are_as_written) };

	return cmocka_run_group_tests(tests, talk_setup, talk_teardown);
}
