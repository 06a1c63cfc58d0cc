/*
 * The server's EHLO reply: which keywords it has (RFC 5321 section 4.1.1.1), which of them a client
 * is shown, and the reply as the client gets it.
 */
#ifndef PROXY_SMTP_EHLO_H
#define PROXY_SMTP_EHLO_H

#include "proxy/smtp/offer.h"
#include "proxy/smtp/smtp.h"

enum keyword {
	KEYWORD_SIZE,
	KEYWORD_PIPELINING,
	KEYWORD_8BITMIME,
	KEYWORD_BINARYMIME,
	KEYWORD_CHUNKING,
	KEYWORD_SMTPUTF8,
	KEYWORD_DSN,
	KEYWORD_ENHANCEDSTATUSCODES,
	KEYWORD_AUTH,
	KEYWORD_DELIVERBY,
	KEYWORD_MT_PRIORITY,
	KEYWORD_FUTURERELEASE,
	KEYWORD_LIMITS,
	KEYWORD_NO_SOLICITING,
	KEYWORD_RRVS,
	KEYWORD_CONPERM,
	KEYWORD_HELP,
	KEYWORD_VRFY,
	KEYWORD_EXPN,
	KEYWORD_ETRN,
	KEYWORD_REQUIRETLS,
	KEYWORD_STARTTLS,
	KEYWORD_COUNT, /* any other */
};

#define KEYWORD_BIT(keyword) (UINT32_C(1) << (keyword))

/* A line of the reply behind the first: its keyword, and what stands behind that. */
enum keyword ehlo_line(struct slice text, struct slice *args);

/* The next mechanism of an AUTH line's rest; empty at the end. The old spelling's `=` is no part.
 */
struct slice ehlo_mechanism(struct slice *rest);

/*
 * Before each SMTP_CONNECTED: what other servers have not that might serve the client as well, so
 * that it is not told of. It outlives the session. NULL: nothing.
 */
void ehlo_set_lack(struct smtp *smtp, const struct lack *lack);

/*
 * The next piece of the reply as the client gets it: how much of `left`, what is left of the reply
 * as received, becomes the text in `room`, *made bytes. `whole`: nothing of it has been said yet;
 * then all of it is read, too, for server_keywords, and client_keywords as they will be shown. The
 * first line of a reply to HELO will do: the server's words, our keywords.
 */
size_t ehlo_write(struct smtp *smtp, struct slice left, bool whole, char *room, size_t room_size,
		  size_t *made);

/* The keyword of a parameter of MAIL or RCPT (`SIZE`, `RET`...); KEYWORD_COUNT where none is known.
 */
enum keyword keyword_of_parameter(struct slice name);

/* The keyword as the RFCs spell it. */
struct slice keyword_name(enum keyword keyword);

/* The policy hides this mechanism of AUTH, or some server of the pool has it not. */
bool mechanism_hidden(const struct smtp *smtp, struct slice mechanism);

#endif
