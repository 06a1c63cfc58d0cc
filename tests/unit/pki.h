/* Certificates made at run time, in a directory that goes away with the test. */
#ifndef TESTS_UNIT_PKI_H
#define TESTS_UNIT_PKI_H

#include "base/slice.h"
#include "config/config.h"

#include <openssl/x509.h>
#include <sys/types.h>

/* What a certificate is to be like; what is zero is as it usually is. */
struct pki_wish {
	const char *title;
	const char *names; /* "DNS:a.example,IP:..."; NULL: none */
	const char *usage; /* extendedKeyUsage */
	EVP_PKEY *key;     /* owned by the certificate then; NULL: a new P-256 key */
	const struct pki_cert *issuer;
	bool ca;
	int from_days, to_days; /* -1 and 90 */
	const EVP_MD *digest;   /* SHA-256 */
	struct slice raw_dns;   /* a DNS name in place of `names`, whatever its bytes */
	struct slice raw_cn;    /* a CN in place of `title`, the same */
	const char *second_cn;  /* beside it */
};

struct pki_cert {
	X509 *x509;
	EVP_PKEY *key;
};

struct pki_cert pki_make(struct pki_wish wish);
void pki_drop(struct pki_cert *cert);

/* The issuer's revocation list, written as PEM or DER. It is stale with -1. */
void pki_write_crl(const char *path, const struct pki_cert *issuer,
		   const struct pki_cert *const *revoked, size_t count, int to_days, bool der);

/* "sha256:..." or "spki:..." of the certificate. */
const char *pki_pin(const struct pki_cert *cert, bool key, char text[static 112]);

/* A directory of the test's own, and paths in it. */
struct pki_dir {
	char path[64];
};

void pki_dir_make(struct pki_dir *dir);
void pki_dir_drop(struct pki_dir *dir);

/* The path of a file in it, to be freed. */
char *pki_path(const struct pki_dir *dir, const char *name);

void pki_write_text(const char *path, const char *text, mode_t mode);
void pki_write_chain(const char *path, const struct pki_cert *const *certs, size_t count);

/* Encrypted where there is a passphrase. */
void pki_write_key(const char *path, EVP_PKEY *key, const char *passphrase);

/* A certificate's section, with the files written; to be dropped. */
struct certificate_config pki_section(const struct pki_dir *dir, const char *name,
				      const struct pki_cert *const *chain, size_t count,
				      EVP_PKEY *key);
void pki_section_drop(struct certificate_config *section);

#endif
