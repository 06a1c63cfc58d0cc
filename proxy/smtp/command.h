/* Command lines (RFC 5321 section 4.1), and the reading of their arguments. */
#ifndef PROXY_SMTP_COMMAND_H
#define PROXY_SMTP_COMMAND_H

#include "proxy/smtp/smtp.h"

enum { COMMAND_LINE_BYTES = 2048, COMMAND_AUTH_BYTES = 12288 };

/* THE list of verbs; verbs.c has a row for each. Those from GREETING on are none, but are owed. */
enum verb {
	VERB_UNKNOWN,
	VERB_HELO,
	VERB_EHLO,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BDAT,
	VERB_RSET,
	VERB_NOOP,
	VERB_QUIT,
	VERB_VRFY,
	VERB_EXPN,
	VERB_HELP,
	VERB_AUTH,
	VERB_STARTTLS,
	VERB_ETRN,
	VERB_XCLIENT,
	VERB_XFORWARD,
	VERB_PROXY,
	VERB_TURN,
	VERB_ATRN,
	VERB_SEND,
	VERB_SOML,
	VERB_SAML,
	VERB_DEBUG,
	VERB_WIZ,
	VERB_XEXCH50,
	VERB_PASSED, /* unknown, but listed in verbs_pass */
	VERB_GREETING,
	VERB_TEXT, /* the answer to the final dot */
	VERB_COUNT,
};

struct command {
	enum verb verb;
	struct slice line;    /* without its line end */
	struct slice word;    /* the verb as received */
	struct slice args;    /* behind the verb, blanks around it cut off */
	struct slice waiting; /* line and all that waits behind it */
	size_t len;           /* with the line end */
	bool bare_lf;         /* the line end is a bare LF, which policy mends */
	uint64_t chunk;       /* BDAT's octets */
	bool last;            /* BDAT LAST */
	bool bad_chunk;       /* BDAT whose argument cannot be read */
};

enum line_found { LINE_MORE, LINE_WHOLE, LINE_BAD };

/*
 * Looks for a whole line in `waiting`, whose first *scanned bytes are known to hold none. The line
 * with its line end is *len bytes. LINE_BAD: *say is the refusal. `sasl`: a continuation of AUTH.
 */
enum line_found line_read(struct slice waiting, bool sasl, bool mend_lf, size_t *scanned,
			  size_t *len, uint8_t *say);

/* Reads verb and arguments of a line of `len` bytes at the start of `waiting`. */
void command_read(struct command *command, const struct smtp_policy *policy, struct slice waiting,
		  size_t len);

/* The parameters behind the path of MAIL or RCPT: what slice_word() then takes one by one. */
struct slice command_parameters(const struct command *command);

/* How the first bytes look: those of HTTP, possibly of HTTP, or not. */
enum http_found { HTTP_NO, HTTP_MAYBE, HTTP_YES };
enum http_found http_match(struct slice waiting);

#endif
