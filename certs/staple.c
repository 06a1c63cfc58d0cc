/*
 * OCSP responses that are stapled (RFC 6066 section 8), from a file that somebody else renews: they
 * are checked against the certificate when they are loaded, and left out once they are stale.
 */
#include "certs/cert.h"
#include "certs/crl.h"
#include "certs/pem.h"
#include "certs/store.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <time.h>

static const char again[] = "fetch it anew";

static bool check_signature(const struct cert *cert, OCSP_BASICRESP *basic)
{
	X509_STORE *store = X509_STORE_new();
	bool good = store != NULL;

	/* Whoever issued the certificate is trusted with this, be it a root or not. */
	for (int i = 1; good && i < sk_X509_num(cert->chain); i++)
		good = X509_STORE_add_cert(store, sk_X509_value(cert->chain, i)) == 1;
	if (good) {
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
		good = OCSP_basic_verify(basic, cert->chain, store, 0) == 1;
	}
	X509_STORE_free(store);
	return good;
}

/* What is wrong with the response; NULL for nothing. *next is its nextUpdate. */
static const char *check_response(const struct cert *cert, OCSP_BASICRESP *basic,
				  ASN1_GENERALIZEDTIME **next)
{
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert_leaf(cert), sk_X509_value(cert->chain, 1));
	ASN1_GENERALIZEDTIME *revoked, *this_update;
	int status, reason;
	bool found = id && OCSP_resp_find_status(basic, id, &status, &reason, &revoked,
						 &this_update, next) == 1;

	OCSP_CERTID_free(id);
	if (!found)
		return "is for another certificate";
	if (!check_signature(cert, basic))
		return "is not signed by the certificate's issuer";
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return "says that the certificate is revoked";
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return "does not know the certificate";
	return NULL;
}

static const char *check_file(struct cert *cert, const struct pem_file *file)
{
	const unsigned char *at = (const unsigned char *)file->text;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)file->len);
	OCSP_BASICRESP *basic = NULL;
	ASN1_GENERALIZEDTIME *next = NULL;
	const char *why = "is no OCSP response in DER";

	if (response && OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		why = "is a responder's error";
	else if (response && (basic = OCSP_response_get1_basic(response)))
		why = check_response(cert, basic, &next);
	if (!why) {
		cert->staple_until = crl_time(next);
		cert->staple_len = i2d_OCSP_RESPONSE(response, &cert->staple);
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return why;
}

/* The certificate asks clients to refuse it without a staple (RFC 7633). */
static bool must_staple(const struct cert *cert)
{
	return X509_get_ext_by_NID(cert_leaf(cert), NID_tlsfeature, -1) >= 0;
}

void cert_load_staple(struct cert_load *load)
{
	struct cert *cert = load->cert;
	const char *path = load->config->staple;
	struct pem_file file;

	if (!path) {
		if (must_staple(cert))
			cert_warn(load,
				  "chain: the certificate in %s demands a stapled OCSP response, "
				  "and there is no `staple`: clients may refuse it",
				  load->config->chain);
		return;
	}
	int error = pem_read(&file, path, PEM_FILE_BYTES);
	if (error != 0) {
		cert_unreadable(load, "staple", path, error);
		return;
	}
	const char *why = sk_X509_num(cert->chain) < 2
				  ? "cannot be checked without the issuer, which `chain` lacks"
				  : check_file(cert, &file);
	pem_release(&file);
	if (why)
		cert_error(load, "staple: %s %s: %s", path, why, again);
	else if (cert->staple_until <= (int64_t)time(NULL))
		cert_warn(load, "staple: %s is stale and not used: %s", path, again);
}

static int on_status(SSL *ssl, void *arg)
{
	const struct cert_context *context = arg;
	const X509 *shown = SSL_get_certificate(ssl);
	const struct cert *cert = NULL;

	for (enum cert_kind kind = 0; kind < CERT_KINDS; kind++)
		if (context->of[kind] && cert_leaf(context->of[kind]) == shown)
			cert = context->of[kind];
	if (!cert || cert->staple_len <= 0 || cert->staple_until <= (int64_t)time(NULL))
		return SSL_TLSEXT_ERR_NOACK;
	unsigned char *copy = OPENSSL_memdup(cert->staple, (size_t)cert->staple_len);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, cert->staple_len);
	return SSL_TLSEXT_ERR_OK;
}

void staple_install(struct cert_context *context)
{
	SSL_CTX_set_tlsext_status_cb(context->context, on_status);
	SSL_CTX_set_tlsext_status_arg(context->context, context);
}
