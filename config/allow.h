/* One rule of a list of client certificates: `kind:value`, as [clients] and its allow_file have it.
 */
#ifndef CONFIG_ALLOW_H
#define CONFIG_ALLOW_H

#include "base/slice.h"

enum allow_kind {
	ALLOW_DNS,     /* subjectAltName; `*.` in front covers one label */
	ALLOW_EMAIL,   /* subjectAltName */
	ALLOW_URI,     /* subjectAltName */
	ALLOW_SUBJECT, /* a distinguished name, RFC 4514 */
	ALLOW_SHA256,  /* the certificate's fingerprint */
	ALLOW_SPKI,    /* that of its public key (subjectPublicKeyInfo) */
};

enum { ALLOW_DIGEST_BYTES = 32 };

struct allow_rule {
	enum allow_kind kind;
	struct slice value; /* in the text that was parsed */
	unsigned char digest[ALLOW_DIGEST_BYTES];
};

/* False with what was expected, a literal, in *why. */
bool allow_parse(struct slice text, struct allow_rule *rule, const char **why);

/* It runs to the end of its line, since distinguished names hold commas. */
bool allow_is_subject(struct slice text);

#endif
