/*
 * Whose session it is, as far as the server may be told: in a PROXY header, by XCLIENT, in a
 * Received: field. What a stranger chose is in here only when it is fit to be told: names are UTF-8
 * without control characters, at most IDENTITY_NAME_BYTES long; what is not is left out, never
 * mended, since a mended name is another's. Slices are lent, and live as long as the session does.
 */
#ifndef PROXY_SMTP_IDENTITY_H
#define PROXY_SMTP_IDENTITY_H

#include "base/slice.h"

enum { IDENTITY_NAME_BYTES = 255 };

enum identity_family {
	FAMILY_NONE, /* a unix socket: there is no address to tell */
	FAMILY_V4,
	FAMILY_V6,
};

enum { IDENTITY_HOST_BYTES = 46 };

/* An end of a connection. */
struct identity_end {
	uint8_t host[16];               /* 4 or 16 octets, in network order */
	char text[IDENTITY_HOST_BYTES]; /* the same as text, without port and brackets */
	uint16_t port;
};

enum identity_certificate {
	CERTIFICATE_NONE,
	CERTIFICATE_SHOWN,    /* not verified, or not allowed: nothing in it is to be believed */
	CERTIFICATE_VERIFIED, /* in this TLS session or in the one that it resumes */
};

struct identity {
	bool is_own; /* no client: Postern itself asks. PROXY says LOCAL, XCLIENT nothing */
	enum identity_family family; /* of both ends; an IPv4 client of a dual-stack socket is V4 */
	struct identity_end client;
	struct identity_end local; /* where it came to */
	struct slice session;      /* the session's id */

	bool secured; /* by TLS; what follows is empty otherwise */
	bool resumed;
	struct slice version; /* "TLSv1.3" */
	struct slice cipher;  /* "TLS_AES_256_GCM_SHA384" */
	struct slice group;   /* "x25519"; empty where OpenSSL does not tell */
	struct slice sni;
	struct slice alpn;
	enum identity_certificate certificate;
	struct slice common_name; /* of a certificate that was shown, the CN of its subject */
	struct slice login; /* that the certificate stands for, by `login`; verified ones only */
};

/* Fit to be told: not empty, not too long, UTF-8, no control character (C0, DEL, C1). */
bool identity_fits(struct slice name);

#endif
