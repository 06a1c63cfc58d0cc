/* Dates, strength and purpose of the certificates of a chain. */
#include "certs/cert.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>

enum {
	WARN_DAYS = 7,
	/* What OpenSSL's security level 2 wants of keys and signatures: RSA 2048, SHA-224. */
	STRENGTH_BITS = 112,
};

struct subject {
	X509 *x509;
	int number; /* in the file, from 1 */
	char title[CERT_TITLE_BYTES];
};

static void check_dates(struct cert_load *load, const struct subject *subject)
{
	const char *path = load->config->chain;
	int days = 0;
	int seconds = 0;

	if (X509_cmp_current_time(X509_get0_notBefore(subject->x509)) > 0) {
		cert_error(load,
			   "chain: certificate number %d in %s (%s) is not valid yet: look at its "
			   "dates and at this machine's clock",
			   subject->number, path, subject->title);
		return;
	}
	/* Fails for a date that is no date. */
	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(subject->x509)))
		days = -1;
	if (days < 0 || seconds < 0)
		cert_error(load, "chain: certificate number %d in %s (%s) has expired: renew it",
			   subject->number, path, subject->title);
	else if (days < WARN_DAYS)
		cert_warn(
			load,
			"chain: certificate number %d in %s (%s) expires within %d days: renew it",
			subject->number, path, subject->title, days + 1);
}

static void check_key_strength(struct cert_load *load, const struct subject *subject)
{
	EVP_PKEY *key = X509_get0_pubkey(subject->x509);

	if (!key)
		cert_error(load,
			   "chain: certificate number %d in %s (%s) has a public key of an unknown "
			   "kind: expected ECDSA or RSA",
			   subject->number, load->config->chain, subject->title);
	else if (EVP_PKEY_get_security_bits(key) < STRENGTH_BITS)
		cert_error(load,
			   "chain: certificate number %d in %s (%s) has a weak key of %d bits: "
			   "expected "
			   "ECDSA P-256, or RSA of 2048 bits or more",
			   subject->number, load->config->chain, subject->title,
			   EVP_PKEY_get_bits(key));
}

/*
 * An error, because OpenSSL 3 refuses to send such a chain at every security level but 0, and
 * clients to take it. Nobody looks at the signature of what is self-signed.
 */
static void check_signature(struct cert_load *load, const struct subject *subject)
{
	int digest = NID_undef;
	int bits = 0;

	if (X509_get_extension_flags(subject->x509) & EXFLAG_SS)
		return;
	if (X509_get_signature_info(subject->x509, &digest, NULL, &bits, NULL) &&
	    bits >= STRENGTH_BITS)
		return;
	cert_error(
		load,
		"chain: certificate number %d in %s (%s) is signed with %s, which clients refuse: "
		"have it issued anew with SHA-256",
		subject->number, load->config->chain, subject->title,
		digest == NID_undef ? "an unknown algorithm" : OBJ_nid2sn(digest));
}

static void check_purpose(struct cert_load *load, const struct subject *subject)
{
	if (X509_check_purpose(subject->x509, X509_PURPOSE_SSL_SERVER, 0) != 1)
		cert_warn(load,
			  "chain: the certificate in %s (%s) is not meant for TLS servers (its key "
			  "usage says so): clients may refuse it",
			  load->config->chain, subject->title);
}

/* TLS has no signature for ECDSA on other curves (RFC 8446 section 4.2.3). */
static void check_curve(struct cert_load *load, const struct subject *subject)
{
	char curve[64] = "";
	EVP_PKEY *key = X509_get0_pubkey(subject->x509);

	if (!key || !EVP_PKEY_is_a(key, "EC"))
		return;
	EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL);
	int nid = OBJ_sn2nid(curve);
	if (nid != NID_X9_62_prime256v1 && nid != NID_secp384r1 && nid != NID_secp521r1)
		cert_error(load,
			   "chain: the certificate in %s (%s) has a key on the curve %s, which TLS "
			   "cannot use: expected P-256",
			   load->config->chain, subject->title, curve);
}

void cert_check_quality(struct cert_load *load)
{
	STACK_OF(X509) *chain = load->cert->chain;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		struct subject subject = { .x509 = sk_X509_value(chain, i), .number = i + 1 };

		cert_title(subject.x509, subject.title);
		check_dates(load, &subject);
		check_key_strength(load, &subject);
		check_signature(load, &subject);
		if (i == 0) {
			check_curve(load, &subject);
			check_purpose(load, &subject);
		}
	}
}
