/*
 * One certificate as its section names it: its chain, its key and the names it is served for.
 *
 * Everything that is wrong with it is found in one run and told with the remedy, at most once
 * however many listeners use it.
 */
#ifndef CERTS_CERT_H
#define CERTS_CERT_H

#include "certs/authorities.h"
#include "config/config.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* The kinds of keys that stand side by side in one SSL context, one certificate of each. */
enum cert_kind { CERT_RSA, CERT_RSA_PSS, CERT_ECDSA, CERT_ED25519, CERT_ED448, CERT_KINDS };

struct cert {
	const struct certificate_config *config; /* used while loading only */
	STACK_OF(X509) * chain;                  /* as in the file: the leaf first */
	EVP_PKEY *key;
	enum cert_kind kind;
	char **names; /* normalized; may be none */
	size_t name_count;
	unsigned char *staple; /* an OCSP response; NULL: none */
	int staple_len;
	int64_t staple_until; /* seconds since 1970 */
	char *path;           /* of the chain, and */
	char *place;          /* of the section: for what is told later */
	bool complete;        /* the chain leads to a root, or to what the system trusts */
	bool shadowed;        /* it was told that one before it has the same name and kind of key */
};

/* A certificate being loaded. */
struct cert_load {
	struct cert *cert;
	const struct certificate_config *config; /* NULL: it is about a [clients] */
	const char *place;                       /* of the section */
	struct complaints *complaints;
	bool failed;
};

void cert_error(struct cert_load *load, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cert_warn(struct cert_load *load, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What is wrong with a file, by pem_read()'s errno. */
void cert_unreadable(struct cert_load *load, const char *option, const char *path, int error);

/*
 * Reads and checks it. `system` are the CAs that the system trusts, for the question whether the
 * chain is complete. NULL when there are errors. To be freed with cert_free().
 */
struct cert *cert_load(const struct certificate_config *config, struct authorities *system,
		       struct complaints *complaints);
void cert_free(struct cert *cert);

X509 *cert_leaf(const struct cert *cert);

/* "RSA", "ECDSA" and so on, for sentences. */
const char *cert_kind_name(enum cert_kind kind);

/*
 * The parts of cert_load(), each in a file of its own. They want the chain, not empty, and the key
 * if it could be read. False when the file is in such disorder that the rest would only mislead.
 */
bool cert_check_chain(struct cert_load *load, struct authorities *system);
void cert_check_quality(struct cert_load *load);
void cert_find_names(struct cert_load *load);
void cert_load_staple(struct cert_load *load);

enum { CERT_TITLE_BYTES = 160 };

/* The certificate's subject, in printable characters. Returns `title`. */
const char *cert_title(const X509 *x509, char title[static CERT_TITLE_BYTES]);

#endif
