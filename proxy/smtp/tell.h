/*
 * An identity in the words of the servers: the PROXY protocol's headers (the HAProxy project's
 * proxy-protocol.txt, versions 1 and 2) and Postfix' XCLIENT command (its XCLIENT_README). What is
 * written is never longer than the room; a value that does not fit is left out as a whole.
 */
#ifndef PROXY_SMTP_TELL_H
#define PROXY_SMTP_TELL_H

#include "proxy/smtp/identity.h"
#include "proxy/smtp/writer.h"

enum {
	TELL_V1_BYTES = 107,   /* the longest header of version 1 */
	TELL_V2_LEAST = 52,    /* of version 2 with IPv6 addresses and nothing else */
	TELL_V2_EXIM = 231,    /* Exim takes less than 232 */
	TELL_V2_MOST = 536,    /* and no longer than this */
	TELL_LINE_BYTES = 512, /* of XCLIENT, CR LF included */
};

/* Attributes of XCLIENT, as bits: those that a server announces. */
enum tell_attribute {
	TELL_NAME = 1,
	TELL_PORT = 2,
	TELL_DESTADDR = 4,
	TELL_DESTPORT = 8,
	TELL_LOGIN = 16,
	TELL_ADDR = 32,
};

void tell_proxy_v1(struct writer *w, const struct identity *identity);

/*
 * At most `most` bytes (TELL_V2_LEAST or more) in all. With them, in this order, while they fit:
 * TLS version, cipher and whether the client's certificate is good; the certificate's CN; the
 * session's id; SNI; ALPN.
 */
void tell_proxy_v2(struct writer *w, const struct identity *identity, size_t most);

/* The attributes that an EHLO line of XCLIENT announces, from behind the keyword. */
unsigned tell_announced(struct slice arguments);

/*
 * An XCLIENT command with these attributes, less those that cannot be told: one line, under
 * TELL_LINE_BYTES with all of them. False where nothing was written.
 */
bool tell_xclient(struct writer *w, const struct identity *identity, unsigned attributes);

#endif
