/* What a client is called by its verified certificate: [clients] `login`. */
#ifndef CERTS_LOGIN_H
#define CERTS_LOGIN_H

#include "config/config.h"

#include <openssl/x509.h>

/* So long that it fits a line of XCLIENT (512 octets), whatever must be encoded in it. */
enum { LOGIN_MAX_BYTES = 160 };

/* It may be told: not empty, not too long, no control character, no blank at its ends. */
bool login_is_good(struct slice text);

/*
 * The login of a certificate, to be freed; NULL for none. What of it is no single and good name
 * makes none: two CNs, a wildcard, an address without a domain. `listed` is what the allow_file
 * says.
 */
char *login_of(X509 *x509, enum clients_login how, const char *listed);

#endif
