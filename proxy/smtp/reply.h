/* Replies (RFC 5321 section 4.2): one or many lines with the same code. */
#ifndef PROXY_SMTP_REPLY_H
#define PROXY_SMTP_REPLY_H

#include "base/slice.h"

enum {
	REPLY_LINE_BYTES = 4096,
	REPLY_CHALLENGE_BYTES = 12288, /* a line with code 334 (RFC 4954 section 4) */
	REPLY_BYTES = 128 * 1024,
};

enum { REPLY_ENHANCED_BYTES = sizeof "5.999.999" };

/* What the server made of a message. */
struct smtp_verdict {
	uint16_t code; /* 0: unknown */
	bool whole;    /* it had all of it: the final dot, or the last chunk */
	char enhanced[REPLY_ENHANCED_BYTES];
	uint64_t bytes;
};

enum reply_found { REPLY_MORE, REPLY_WHOLE, REPLY_BAD };

/* What has been read of a reply; all zero before its first byte. */
struct reply {
	size_t scanned; /* bytes of whole lines; of the whole reply when that is found */
	uint16_t code;
	bool bare_lf; /* a line ended without CR */
};

/* Reads on in `waiting`, which holds the reply from its first byte on. */
enum reply_found reply_read(struct reply *reply, struct slice waiting);

/*
 * The enhanced code behind a reply's own (RFC 2034 section 4, RFC 3463 section 2), such as "2.0.0",
 * NUL-terminated; empty where there is none, or one of another class.
 */
void reply_enhanced(struct slice reply, char *to);

/* Cuts the first line off *rest; without its line end. */
struct slice reply_line(struct slice *rest);

#endif
