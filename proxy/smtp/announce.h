/*
 * What a balancer in front announces of a connection: the header of the PROXY protocol, version 1
 * or 2, before anything else (HAProxy's doc/proxy-protocol.txt, sections 2.1 and 2.2).
 */
#ifndef PROXY_SMTP_ANNOUNCE_H
#define PROXY_SMTP_ANNOUNCE_H

#include "base/slice.h"

/* The longest line of version 1, CR LF included, and what we take of version 2. */
enum { ANNOUNCE_LINE_BYTES = 107, ANNOUNCE_MAX_BYTES = 4096 };

enum announce_found {
	ANNOUNCE_MORE,    /* all that waits is the header's, and more of it must come */
	ANNOUNCE_WHOLE,   /* the header is the first `len` bytes */
	ANNOUNCE_MISSING, /* what waits does not begin as one */
	ANNOUNCE_BAD,     /* it begins as one, and cannot be read: `why` */
};

enum announce_kind {
	ANNOUNCE_NOTHING, /* the connection's own address holds: LOCAL, UNKNOWN, UNSPEC */
	ANNOUNCE_IPV4,
	ANNOUNCE_IPV6,
	ANNOUNCE_UNIX,
};

struct announce {
	enum announce_kind kind;
	uint8_t source[16]; /* the client's address; of IPv4 the first four bytes */
	uint16_t port;      /* the client's */
	size_t len;         /* bytes of the header */
	const char *why;    /* static */
};

/* With all that waits, as often as more has come. Fields of version 2 (TLVs) must be whole, and a
 * checksum among them right; what else they say is not asked. */
enum announce_found announce_read(struct slice waiting, struct announce *announce);

#endif
