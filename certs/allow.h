/* Lists of client certificates: the rules of [clients] `allow` and its allow_file, and who matches.
 */
#ifndef CERTS_ALLOW_H
#define CERTS_ALLOW_H

#include "config/allow.h"
#include "config/config.h"

#include <openssl/x509.h>

struct allow_entry {
	struct allow_rule rule; /* its value is in `text`; a subject's is folded */
	char *text;
	const char *login; /* in `text`, or NULL */
};

struct allow_list {
	struct allow_entry *entries;
	size_t count;
	size_t room;
	bool pins; /* there is a rule that names a certificate or a key */
};

/* Reads both. False with complaints; what was read is there all the same. */
bool allow_load(struct allow_list *list, const struct clients_config *config,
		struct complaints *complaints);
void allow_release(struct allow_list *list);

/* The first entry that the certificate matches, of the pins or of all; NULL for none. */
const struct allow_entry *allow_find(const struct allow_list *list, X509 *x509, bool pins_only);

/* The SHA-256 of the certificate's subjectPublicKeyInfo. */
bool allow_digest_key(X509 *x509, unsigned char *digest);

#endif
