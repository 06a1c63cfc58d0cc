/* Distinguished names in a form in which they can be compared (RFC 4514, RFC 5280 section 7.1). */
#ifndef CERTS_DN_H
#define CERTS_DN_H

#include "base/slice.h"

#include <openssl/x509.h>

enum { DN_BYTES = 1024 };

/* As `openssl x509 -subject -nameopt RFC2253` has it, but UTF-8 as it is; cut to `size`. */
void dn_print(const X509_NAME *name, char *text, size_t size);

/*
 * Letters in lower case, blanks that mean nothing left out, others one at a time. The length; 0
 * when it does not fit.
 */
size_t dn_fold(struct slice text, char folded[static DN_BYTES]);

/* Both at once: 0 for a name that is empty, or too long to be compared. */
size_t dn_of(const X509_NAME *name, char folded[static DN_BYTES]);

#endif
