#include "certs/policy.h"

#include <openssl/evp.h>

struct row {
	int lowest;
	const char *ciphers; /* up to TLS 1.2 */
	bool finite_field;   /* there are DHE ciphers among them */
};

static const struct row rows[] = {
	[TLS_MODERN] = {
		.lowest = TLS1_3_VERSION,
		.ciphers = "",
	},
	[TLS_INTERMEDIATE] = {
		.lowest = TLS1_2_VERSION,
		.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
		           "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
		           "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
		           "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"
		           "DHE-RSA-CHACHA20-POLY1305",
		.finite_field = true,
	},
};

static const char suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
			     "TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";
static const char signatures[] =
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:"
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
	"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

/*
 * Not SSL_CTX_set_dh_auto(): with a long RSA key it takes a group just as long, and what a client
 * then can make this server compute has no measure.
 */
static bool set_ffdhe2048(SSL_CTX *context)
{
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY *group = NULL;
	bool done = maker && EVP_PKEY_paramgen_init(maker) == 1 &&
		    EVP_PKEY_CTX_set_group_name(maker, "ffdhe2048") == 1 &&
		    EVP_PKEY_paramgen(maker, &group) == 1 &&
		    SSL_CTX_set0_tmp_dh_pkey(context, group) == 1;

	if (!done)
		EVP_PKEY_free(group);
	EVP_PKEY_CTX_free(maker);
	return done;
}

static void set_manners(SSL_CTX *context)
{
	/* openssl.cnf may have set others for all programs. */
	SSL_CTX_clear_options(context, SSL_CTX_get_options(context));
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	/* The chain is sent as it was checked; OpenSSL would search anew for each handshake. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(context, 2);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_max_early_data(context, 0);
}

static bool set_algorithms(SSL_CTX *context, const struct row *row)
{
	return SSL_CTX_set_min_proto_version(context, row->lowest) == 1 &&
	       SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
	       (row->ciphers[0] == '\0' || SSL_CTX_set_cipher_list(context, row->ciphers) == 1) &&
	       SSL_CTX_set_ciphersuites(context, suites) == 1 &&
	       SSL_CTX_set1_groups_list(context, groups) == 1 &&
	       SSL_CTX_set1_sigalgs_list(context, signatures) == 1 &&
	       (!row->finite_field || set_ffdhe2048(context));
}

SSL_CTX *policy_context(enum tls_policy policy)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context)
		return NULL;
	set_manners(context);
	if (set_algorithms(context, &rows[policy]))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

void policy_set_tickets(SSL_CTX *context, int tickets, bool dear)
{
	if (tickets == 0)
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	if (tickets == TICKETS_AUTO)
		tickets = dear ? 1 : 0;
	SSL_CTX_set_num_tickets(context, (size_t)tickets);
}
