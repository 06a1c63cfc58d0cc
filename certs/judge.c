/*
 * The judgement of a client's certificate: by its chain, its authority's revocation lists and the
 * allow lists, once in each full handshake. A resumed session has that of the handshake it comes
 * from, which its ticket carries until a date in it is over.
 */
#include "certs/cert.h"
#include "certs/clients.h"
#include "certs/crl.h"
#include "certs/dn.h"
#include "certs/login.h"
#include "certs/socket.h"
#include "certs/store.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

static const struct {
	const char *word;
	const char *sentence;
	int error; /* what makes OpenSSL choose the alert */
} rows[CLIENT_WHYS] = {
	[CLIENT_NOT_ASKED] = { NULL, NULL, X509_V_OK },
	[CLIENT_VERIFIED] = { "verified", NULL, X509_V_OK },
	[CLIENT_NONE] = { "none", "A client certificate is required", X509_V_ERR_CERT_REJECTED },
	[CLIENT_EXPIRED] = { "expired", "Your certificate has expired",
			     X509_V_ERR_CERT_HAS_EXPIRED },
	[CLIENT_NOT_YET] = { "not-yet-valid", "Your certificate is not valid yet",
			     X509_V_ERR_CERT_NOT_YET_VALID },
	[CLIENT_REVOKED] = { "revoked", "Your certificate has been revoked",
			     X509_V_ERR_CERT_REVOKED },
	[CLIENT_CRL_MISSING] = { "crl-missing",
				 "It cannot be found out whether your certificate was revoked",
				 X509_V_ERR_UNABLE_TO_GET_CRL },
	[CLIENT_UNKNOWN_ISSUER] = { "unknown-issuer",
				    "Your certificate is not from an authority that is known here",
				    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	[CLIENT_WRONG_PURPOSE] = { "wrong-purpose", "Your certificate is not for TLS clients",
				   X509_V_ERR_INVALID_PURPOSE },
	[CLIENT_CHAIN_LONG] = { "chain-too-long", "Your certificate's chain is too long",
				X509_V_ERR_CERT_CHAIN_TOO_LONG },
	[CLIENT_WEAK] = { "weak", "Your certificate has a weak key or signature",
			  X509_V_ERR_EE_KEY_TOO_SMALL },
	[CLIENT_NOT_LISTED] = { "not-listed", "Your certificate is not on the list",
				X509_V_ERR_CERT_REJECTED },
	[CLIENT_INVALID] = { "invalid", "Your certificate is not valid", X509_V_ERR_CERT_REJECTED },
};

/* A judgement being made. */
struct judging {
	const struct client_policy *policy;
	X509 *leaf;
	int64_t until;
};

static enum client_why why_of(int error)
{
	switch (error) {
	case X509_V_OK:
		return CLIENT_VERIFIED;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CLIENT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CLIENT_NOT_YET;
	case X509_V_ERR_CERT_REVOKED:
		return CLIENT_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
		return CLIENT_CRL_MISSING;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return CLIENT_UNKNOWN_ISSUER;
	case X509_V_ERR_INVALID_PURPOSE:
		return CLIENT_WRONG_PURPOSE;
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return CLIENT_CHAIN_LONG;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return CLIENT_WEAK;
	default:
		return CLIENT_INVALID;
	}
}

/*
 * Nobody revokes what is trusted without a question, so the last of a chain needs no list. For the
 * others a gap may be accepted; what an old list says holds all the same.
 */
static int forgive(int good, X509_STORE_CTX *context)
{
	const struct judging *judging = X509_STORE_CTX_get_app_data(context);
	int last = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;

	if (good || why_of(X509_STORE_CTX_get_error(context)) != CLIENT_CRL_MISSING)
		return good;
	return judging->policy->crl_missing_accept ||
	       X509_STORE_CTX_get_error_depth(context) == last;
}

static void note_until(struct judging *judging, const X509 *x509)
{
	int64_t end = crl_time(X509_get0_notAfter(x509));

	if (end < judging->until)
		judging->until = end;
}

static enum client_why judge_chain(struct judging *judging, STACK_OF(X509) * shown)
{
	const struct client_policy *policy = judging->policy;
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	enum client_why why = CLIENT_INVALID;

	if (context && X509_STORE_CTX_init(context, policy->store, judging->leaf, shown) == 1 &&
	    X509_STORE_CTX_set_default(context, "ssl_client") == 1) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);

		/* What stands in `ca` is trusted, be it a root or not. */
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		if (policy->checks_crl)
			X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK |
								   X509_V_FLAG_CRL_CHECK_ALL);
		X509_VERIFY_PARAM_set_depth(param, policy->depth);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		X509_STORE_CTX_set_app_data(context, judging);
		X509_STORE_CTX_set_verify_cb(context, forgive);
		bool good = X509_verify_cert(context) == 1;
		why = good ? CLIENT_VERIFIED : why_of(X509_STORE_CTX_get_error(context));
		if (!good && why == CLIENT_VERIFIED)
			why = CLIENT_INVALID;
		STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
		for (int i = 0; i < sk_X509_num(chain); i++)
			note_until(judging, sk_X509_value(chain, i));
	}
	X509_STORE_CTX_free(context);
	return why;
}

/* What is pinned itself needs no authority; its holder proves by the handshake that it is theirs.
 */
static enum client_why judge_alone(struct judging *judging)
{
	X509 *leaf = judging->leaf;
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	note_until(judging, leaf);
	if (!key || EVP_PKEY_get_security_bits(key) < 112)
		return CLIENT_WEAK;
	if (X509_check_purpose(leaf, X509_PURPOSE_SSL_CLIENT, 0) != 1)
		return CLIENT_WRONG_PURPOSE;
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		return CLIENT_NOT_YET;
	return X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0 ? CLIENT_EXPIRED
								   : CLIENT_VERIFIED;
}

static const struct allow_entry *find_entry(const struct client_policy *policy, X509 *leaf)
{
	const struct allow_entry *pin = allow_find(&policy->allow, leaf, true);

	return pin ? pin : allow_find(&policy->allow, leaf, false);
}

static enum client_why judge(struct judging *judging, STACK_OF(X509) * shown, const char **listed)
{
	const struct client_policy *policy = judging->policy;
	const struct allow_entry *entry = allow_find(&policy->allow, judging->leaf, true);
	enum client_why why;

	if (entry && (!policy->store || X509_self_signed(judging->leaf, 0) == 1))
		why = judge_alone(judging);
	else if (!policy->store)
		return policy->lists ? CLIENT_NOT_LISTED : CLIENT_UNKNOWN_ISSUER;
	else
		why = judge_chain(judging, shown);
	if (why != CLIENT_VERIFIED)
		return why;
	entry = find_entry(policy, judging->leaf);
	*listed = entry ? entry->login : NULL;
	return policy->lists && !entry ? CLIENT_NOT_LISTED : CLIENT_VERIFIED;
}

/* Nobody has a login by a certificate that is not good, or not allowed. */
static void take_login(struct tls_client *client, const struct client_policy *policy, X509 *leaf)
{
	free(client->login);
	client->login = NULL;
	if (client->why == CLIENT_VERIFIED)
		client->login = login_of(leaf, policy->login, client->listed);
}

static int on_certificate(X509_STORE_CTX *context, void *arg)
{
	const struct client_policy *policy = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_client *client = socket_owner(ssl);
	int64_t now = (int64_t)time(NULL);
	struct judging judging = { policy, X509_STORE_CTX_get0_cert(context),
				   crl_next_update(policy, now) };

	client->listed = NULL;
	client->why = judge(&judging, X509_STORE_CTX_get0_untrusted(context), &client->listed);
	take_login(client, policy, judging.leaf);
	client->until = client->why == CLIENT_VERIFIED ? judging.until : 0;
	ERR_clear_error();
	X509_STORE_CTX_set_error(context, rows[client->why].error);
	if (client->why == CLIENT_VERIFIED || !policy->require || !policy->refuse_by_tls)
		return 1;
	/* OpenSSL forgets it. */
	if (!client->refused && X509_up_ref(judging.leaf))
		client->refused = judging.leaf;
	return 0;
}

bool client_policy_install(const struct client_policy *policy, SSL_CTX *context)
{
	int mode = SSL_VERIFY_PEER;

	if (policy->require && policy->refuse_by_tls)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context, mode, NULL);
	SSL_CTX_set_cert_verify_callback(context, on_certificate, (void *)policy);
	if (!policy->ask)
		return true;
	STACK_OF(X509_NAME) *names = SSL_dup_CA_list(policy->ask);
	SSL_CTX_set_client_CA_list(context, names);
	return names != NULL;
}

/* ------------------------------------------------------------------------------------ tickets */

/* What a ticket carries beside OpenSSL's own. It is sealed, and comes back to ourselves. */
struct note {
	int64_t until;
	int64_t why;
};

static int on_seal(SSL *ssl, void *arg)
{
	const struct tls_client *client = socket_owner(ssl);
	struct note note = { client->until, client->why };

	(void)arg;
	/* A resumed session's ticket is followed by another: with the same note, no later date. */
	if (SSL_session_reused(ssl))
		return 1;
	if (client->why == CLIENT_NONE || client->why == CLIENT_NOT_ASKED)
		note.until = INT64_MAX;
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &note, sizeof note);
}

static bool read_note(SSL_SESSION *session, struct note *note)
{
	void *data;
	size_t len;

	if (SSL_SESSION_get0_ticket_appdata(session, &data, &len) != 1 || len != sizeof *note)
		return false;
	memcpy(note, data, sizeof *note);
	return true;
}

/* A judgement that is not good any more has no say: the handshake becomes a full one. */
static SSL_TICKET_RETURN on_open(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
				 size_t key_name_len, SSL_TICKET_STATUS status, void *arg)
{
	struct note note;

	(void)ssl;
	(void)key_name;
	(void)key_name_len;
	(void)arg;
	if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (!read_note(session, &note) || note.until <= (int64_t)time(NULL))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW
						  : SSL_TICKET_RETURN_USE;
}

void client_install_tickets(SSL_CTX *context)
{
	SSL_CTX_set_session_ticket_cb(context, on_seal, on_open, NULL);
}

/* The session's own, since the lists are the same as when it was made. */
static void recall(const SSL *ssl, struct tls_client *client, const struct client_policy *policy)
{
	SSL_SESSION *session = SSL_get_session(ssl);
	X509 *leaf = SSL_SESSION_get0_peer(session);
	const struct allow_entry *entry = NULL;
	struct note note = { 0, CLIENT_INVALID };

	read_note(session, &note);
	client->why = leaf ? (enum client_why)note.why : CLIENT_NONE;
	client->until = note.until;
	if (client->why == CLIENT_VERIFIED)
		entry = find_entry(policy, leaf);
	client->listed = entry ? entry->login : NULL;
	take_login(client, policy, leaf);
}

const char *cert_judge(const SSL *ssl, struct tls_client *client)
{
	const struct client_policy *policy = client->store->clients;

	if (!policy)
		return NULL;
	if (SSL_is_init_finished(ssl) && SSL_session_reused(ssl))
		recall(ssl, client, policy);
	return policy->require ? rows[client->why].sentence : NULL;
}

const char *cert_word(const struct tls_client *client)
{
	return rows[client->why].word;
}

bool tls_shown(const SSL *ssl, struct tls_shown *shown)
{
	const struct tls_client *client = socket_owner(ssl);
	X509 *x509 = client->refused ? client->refused : SSL_get0_peer_certificate(ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!x509)
		return false;
	dn_print(X509_get_subject_name(x509), shown->subject, sizeof shown->subject);
	dn_print(X509_get_issuer_name(x509), shown->issuer, sizeof shown->issuer);
	X509_digest(x509, EVP_sha256(), digest, &len);
	for (unsigned i = 0; i < len && 2 * i + 2 < sizeof shown->fingerprint; i++)
		snprintf(shown->fingerprint + 2 * i, 3, "%02x", digest[i]);
	return true;
}
