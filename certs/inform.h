/* What there is to say of the certificates of a listener, for reports. */
#ifndef CERTS_INFORM_H
#define CERTS_INFORM_H

#include "certs/certs.h"

enum { INFORM_DIGEST_BYTES = 65 };

struct cert_facts {
	const char *path; /* of the chain */
	char subject[256];
	char issuer[256];
	const char *kind; /* of the key: "ECDSA" */
	int bits;
	const char *const *names; /* that it is served for */
	size_t name_count;
	int64_t begins, ends; /* seconds since 1970 */
	bool complete;        /* the chain leads to a root, or to what this system trusts */
	bool has_staple;
	int64_t staple_until;
	/* SHA-256 of public keys, in hexadecimal: what TLSA records (RFC 6698) 3 1 1 and 2 1 1
	 * hold.
	 */
	char own_key[INFORM_DIGEST_BYTES];
	char issuer_key[INFORM_DIGEST_BYTES]; /* "" when the chain has no issuer */
};

size_t cert_store_count(const struct cert_store *store);

/* Strings live as long as the store. */
void cert_store_facts(const struct cert_store *store, size_t index, struct cert_facts *facts);

#endif
