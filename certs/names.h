/*
 * DNS names as certificates and SNI carry them (RFC 6125 section 6.4, RFC 6066 section 3): compared
 * without case, a trailing dot ignored, a wildcard only as the whole first label and for one label.
 */
#ifndef CERTS_NAMES_H
#define CERTS_NAMES_H

#include "base/slice.h"

enum { NAME_BYTES = 254 }; /* RFC 1035: 253, and the NUL */

/*
 * The name in the one form in which all are compared: lower case, no trailing dot. A first label of
 * `*` stays as it is. False for what is no host name, an IPv4 address among it; `name` is undefined
 * then.
 */
bool name_normalize(struct slice text, char name[static NAME_BYTES]);

/* The normalized name `pattern` is `name`, or is a wildcard that covers it. */
bool name_covers(const char *pattern, const char *name);

/* The wildcard that would cover the normalized `name`; false when that has a single label. */
bool name_wildcard(const char *name, char wildcard[static NAME_BYTES]);

#endif
