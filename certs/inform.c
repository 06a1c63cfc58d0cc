#include "certs/inform.h"

#include "certs/crl.h"
#include "certs/dn.h"
#include "certs/store.h"

static void digest_key(X509 *x509, char text[static INFORM_DIGEST_BYTES])
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);

	text[0] = '\0';
	if (size > 0 && EVP_Digest(der, (size_t)size, digest, &len, EVP_sha256(), NULL) == 1)
		for (unsigned i = 0; 2 * i + 2 < INFORM_DIGEST_BYTES; i++)
			snprintf(text + 2 * i, 3, "%02x", digest[i]);
	OPENSSL_free(der);
}

size_t cert_store_count(const struct cert_store *store)
{
	return store->cert_count;
}

void cert_store_facts(const struct cert_store *store, size_t index, struct cert_facts *facts)
{
	const struct cert *cert = store->certs[index];
	X509 *leaf = cert_leaf(cert);

	*facts = (struct cert_facts){
		.path = cert->path,
		.kind = cert_kind_name(cert->kind),
		.bits = EVP_PKEY_get_bits(cert->key),
		.names = (const char *const *)cert->names,
		.name_count = cert->name_count,
		.begins = crl_time(X509_get0_notBefore(leaf)),
		.ends = crl_time(X509_get0_notAfter(leaf)),
		.complete = cert->complete,
		.has_staple = cert->staple_len > 0,
		.staple_until = cert->staple_until,
	};
	dn_print(X509_get_subject_name(leaf), facts->subject, sizeof facts->subject);
	dn_print(X509_get_issuer_name(leaf), facts->issuer, sizeof facts->issuer);
	digest_key(leaf, facts->own_key);
	if (sk_X509_num(cert->chain) > 1)
		digest_key(sk_X509_value(cert->chain, 1), facts->issuer_key);
}
