#include "certs/policy.h"

#include <openssl/err.h>
#include <openssl/evp.h>

struct row {
	int lowest;
	const char *ciphers; /* up to TLS 1.2 */
	bool finite_field;   /* there are DHE ciphers among them */
};

#define INTERMEDIATE \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:" \
	"DHE-RSA-CHACHA20-POLY1305"

static const struct row rows[] = {
	[TLS_MODERN] = {
		.lowest = TLS1_3_VERSION,
		.ciphers = "",
	},
	[TLS_INTERMEDIATE] = {
		.lowest = TLS1_2_VERSION,
		.ciphers = INTERMEDIATE,
		.finite_field = true,
	},
	/* What it has more is set on the connections that may have it: policy_relax(). */
	[TLS_LEGACY] = {
		.lowest = TLS1_2_VERSION,
		.ciphers = INTERMEDIATE,
		.finite_field = true,
	},
};

static const char default_suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
				     "TLS_CHACHA20_POLY1305_SHA256";
#define GROUPS "X25519:P-256:P-384"
#define SIGNATURES \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:" \
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:" \
	"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

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

/* One name after the other, since of a whole list OpenSSL minds only that nothing is left of it. */
static bool for_each(SSL_CTX *context, const char *list, bool (*take)(SSL_CTX *, const char *))
{
	char name[64];

	for (const char *at = list;; at += strcspn(at, ":") + 1) {
		size_t len = strcspn(at, ":");
		if (len == 0 || len >= sizeof name)
			return false;
		memcpy(name, at, len);
		name[len] = '\0';
		if (!take(context, name))
			return false;
		if (at[len] == '\0')
			return true;
	}
}

static bool is_suite(const char *name)
{
	return strncmp(name, "TLS_", 4) == 0;
}

static bool knows_cipher(SSL_CTX *context, const char *name)
{
	return (is_suite(name) ? SSL_CTX_set_ciphersuites : SSL_CTX_set_cipher_list)(context,
										     name) == 1;
}

/* Those of TLS 1.3, or the others, of a list of both. */
static void pick(const char *list, bool suites, char *picked)
{
	*picked = '\0';
	for (const char *at = list; *at; at += strcspn(at, ":"), at += *at == ':') {
		if (is_suite(at) != suites)
			continue;
		if (*picked)
			strcat(picked, ":");
		strncat(picked, at, strcspn(at, ":"));
	}
}

static bool set_own_ciphers(SSL_CTX *context, const char *list)
{
	char picked[1024];

	if (strlen(list) >= sizeof picked || !for_each(context, list, knows_cipher))
		return false;
	pick(list, true, picked);
	if (SSL_CTX_set_ciphersuites(context, picked[0] ? picked : default_suites) != 1)
		return false;
	pick(list, false, picked);
	return picked[0] == '\0' || SSL_CTX_set_cipher_list(context, picked) == 1;
}

static bool set_ciphers(SSL_CTX *context, const struct row *row)
{
	return (row->ciphers[0] == '\0' || SSL_CTX_set_cipher_list(context, row->ciphers) == 1) &&
	       SSL_CTX_set_ciphersuites(context, default_suites) == 1;
}

/* OpenSSL 3.5 has a hybrid with ML-KEM; those before know no such name. */
static bool set_groups(SSL_CTX *context)
{
	ERR_set_mark();
	bool hybrid = SSL_CTX_set1_groups_list(context, "X25519MLKEM768:" GROUPS) == 1;
	ERR_pop_to_mark();
	return hybrid || SSL_CTX_set1_groups_list(context, GROUPS) == 1;
}

static enum policy_fault set_algorithms(SSL_CTX *context, const struct listener_config *listener)
{
	const struct row *row = &rows[listener->tls_policy];

	if (!set_ciphers(context, row) ||
	    SSL_CTX_set_min_proto_version(context, row->lowest) != 1 ||
	    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 || !set_groups(context) ||
	    SSL_CTX_set1_sigalgs_list(context, SIGNATURES) != 1 ||
	    (row->finite_field && !set_ffdhe2048(context)))
		return POLICY_FAILED;
	if (listener->ciphers && !set_own_ciphers(context, listener->ciphers))
		return POLICY_CIPHERS;
	if (listener->groups && SSL_CTX_set1_groups_list(context, listener->groups) != 1)
		return POLICY_GROUPS;
	return POLICY_GOOD;
}

SSL_CTX *policy_context(const struct listener_config *listener, enum policy_fault *fault)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	*fault = POLICY_FAILED;
	if (!context)
		return NULL;
	set_manners(context);
	*fault = set_algorithms(context, listener);
	if (*fault == POLICY_GOOD)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

#define RELAXED \
	INTERMEDIATE ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:" \
		     "ECDHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA"

/* What an old server may need beside that: long out of date, and still in use within a network. */
static bool relax_client(SSL_CTX *context)
{
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
	return SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(context, RELAXED ":DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:"
							"AES128-GCM-SHA256:AES256-GCM-SHA384:"
							"AES128-SHA256:AES256-SHA256") == 1 &&
	       SSL_CTX_set1_sigalgs_list(context, SIGNATURES ":ECDSA+SHA1:RSA+SHA1") == 1;
}

SSL_CTX *policy_client_context(enum tls_policy policy)
{
	const struct row *row = &rows[policy];
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	set_manners(context);
	if (set_ciphers(context, row) && SSL_CTX_set_min_proto_version(context, row->lowest) == 1 &&
	    set_groups(context) && SSL_CTX_set1_sigalgs_list(context, SIGNATURES) == 1 &&
	    (policy != TLS_LEGACY || relax_client(context)))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

bool policy_relax(SSL *ssl)
{
	SSL_set_security_level(ssl, 0);
	return SSL_set_min_proto_version(ssl, TLS1_VERSION) == 1 &&
	       SSL_set_cipher_list(ssl, RELAXED) == 1 &&
	       SSL_set1_sigalgs_list(ssl, SIGNATURES ":ECDSA+SHA1:RSA+SHA1") == 1;
}

void policy_set_tickets(SSL_CTX *context, int tickets, bool dear)
{
	if (tickets == 0)
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	if (tickets == TICKETS_AUTO)
		tickets = dear ? 1 : 0;
	SSL_CTX_set_num_tickets(context, (size_t)tickets);
}
