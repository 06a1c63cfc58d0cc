/*
 * Message text behind DATA (RFC 5321 section 4.1.1.4), read in place. The end is CR LF . CR LF
 * alone; nothing else may end it on any server, so no bare CR, bare LF or NUL passes.
 */
#ifndef PROXY_SMTP_MESSAGE_H
#define PROXY_SMTP_MESSAGE_H

#include "proxy/smtp/smtp.h"

enum text_at {
	TEXT_LINE,    /* at the start of a line, behind CR LF or the 354 */
	TEXT_LINE_LF, /* at the start of a line, behind a bare LF that became CR LF */
	TEXT_MID,
	TEXT_DOT, /* behind a dot at a line's start */
	/* For text_skip() alone: elsewhere these bytes are not consumed before the next is known.
	 */
	TEXT_CR,
	TEXT_DOT_CR,
};

enum text_found {
	TEXT_MORE, /* nothing yet */
	TEXT_END,  /* the bytes returned end with the end of data */
	TEXT_BARE, /* a bare CR or LF is next */
	TEXT_NUL,  /* a NUL is next */
	TEXT_OVER, /* the next bytes are over the limit */
	TEXT_FOUND_COUNT,
};

void text_begin(struct text *text);

/*
 * Reads on: how many bytes may pass. A CR at the end stays, until the byte behind it is known.
 * `limit`: of the message, in bytes.
 */
size_t text_scan(struct text *text, struct slice bytes, uint64_t limit, enum text_found *found);

/*
 * The same, mending bare newlines: each bare LF becomes CR LF and a dot at such a line's start is
 * doubled, each bare CR becomes a blank. Returns how many bytes were read; what they become is in
 * `room`, *made bytes, or *made is SIZE_MAX: they may pass as they are. A dot at a line's start
 * stays until it is known what follows.
 */
size_t text_mend(struct text *text, struct slice bytes, uint64_t limit, char *room,
		 size_t room_size, size_t *made, enum text_found *found);

/* Reads over text that nobody takes: how many bytes, up to and with the end of data (*ended). */
size_t text_skip(struct text *text, struct slice bytes, bool *ended);

#endif
