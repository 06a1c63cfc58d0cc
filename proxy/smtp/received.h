/*
 * The text of a Received: field (RFC 5321 section 4.4): who brought the message, by what protocol,
 * over which TLS, with which verified certificate, and when.
 */
#ifndef PROXY_SMTP_RECEIVED_H
#define PROXY_SMTP_RECEIVED_H

#include "proxy/smtp/identity.h"
#include "proxy/smtp/trace.h"
#include "proxy/smtp/writer.h"

struct received {
	const struct identity *identity;
	struct slice helo; /* as the client said it: any bytes; empty: it said nothing */
	struct slice hostname;
	struct slice protocol; /* trace_protocol() */
	struct slice date;     /* RFC 5322 section 3.3 */
};

/*
 * Writes the field, TRACE_MOST_BYTES at most, of which `w` has room for all. Lines have at most 78
 * characters where their words allow it, and never more than 998. What a stranger chose is as it is
 * where it can be a host's name; elsewhere it stands in a comment, as xtext (RFC 3461 section 4);
 * what is too long is left out.
 */
void received_write(struct writer *w, const struct received *received);

#endif
