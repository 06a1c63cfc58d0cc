/* The state of an SMTP session, as the inspector keeps it; smtp.h says what it does with it. */
#ifndef PROXY_SMTP_STATE_H
#define PROXY_SMTP_STATE_H

#include "proxy/smtp/ending.h"
#include "proxy/smtp/policy.h"
#include "proxy/smtp/reply.h"
#include "proxy/smtp/trace.h"

/* Where the client's bytes stand. */
enum smtp_mode {
	SMTP_MODE_COMMAND,
	SMTP_MODE_HOLD,       /* a reply decides what comes next; input now is unauthorised */
	SMTP_MODE_HOLD_TLS,   /* the same behind STARTTLS, where input is an attack */
	SMTP_MODE_HOLD_QUIT,  /* the same behind QUIT, where input is ignored */
	SMTP_MODE_SASL,       /* one line is a continuation of AUTH (RFC 4954 section 4) */
	SMTP_MODE_TEXT,       /* message text behind DATA */
	SMTP_MODE_CHUNK,      /* octets behind BDAT */
	SMTP_MODE_SKIP_TEXT,  /* text that nobody takes, up to its end */
	SMTP_MODE_SKIP_CHUNK, /* octets that nobody takes */
	SMTP_MODE_DISCARD,    /* an end is owed: nothing is read any more */
};

/* Who answers the client. */
enum smtp_server {
	SMTP_SERVER_NONE,     /* Postern itself: before TLS, or to a refused client */
	SMTP_SERVER_WANTED,   /* nobody yet: it is being connected */
	SMTP_SERVER_READY,    /* the server */
	SMTP_SERVER_REFUSING, /* Postern passes the server's refusal on when EHLO comes */
	SMTP_SERVER_DOWN,     /* Postern says so when EHLO comes */
	SMTP_SERVER_GONE,     /* nobody: cut or lost */
};

/* The mail transaction, judged on commands passed and not yet refused. */
enum smtp_mail { SMTP_MAIL_NONE, SMTP_MAIL_OPEN, SMTP_MAIL_CHUNKS };

/* A reply owed to the client: by the server for `verb`, or Postern's own `say`. */
struct owed {
	uint8_t verb;
	uint8_t say;         /* 0: the server's */
	uint8_t transaction; /* that it belongs to, modulo 256 */
	uint8_t flags;       /* enum owed_flag */
	uint32_t bytes;      /* of the whole message it answers; UINT32_MAX: that or more */
};

enum { SMTP_OWED_MAX = 32, SMTP_HELO_BYTES = 255 };

/* Where message text stands; see message.h. */
struct text {
	uint64_t bytes; /* so far, as RFC 1870 counts them */
	uint8_t at;
};

/* To be read by its owner for log and limits, written by the inspector alone. */
struct smtp {
	const struct smtp_policy *policy;
	const struct lack *lack;  /* of the other servers of a pool; NULL: nothing */
	struct slice id;          /* of the session: lent */
	struct smtp_tally *tally; /* where commands and replies are counted: lent; NULL: nowhere */
	struct slice refused; /* why policy refuses the client's certificate; empty: it does not */

	enum smtp_mode mode;
	enum smtp_server server;
	enum smtp_mail mail;
	enum ending ending;

	bool secured;       /* TLS is on */
	bool upgraded;      /* by STARTTLS */
	bool greeted;       /* the greeting has been said, or none is due */
	bool first;         /* no command line has been read since */
	bool talked;        /* the client talked before the greeting */
	bool helloed;       /* EHLO or HELO was answered 2yz since the last upgrade */
	bool authenticated; /* 235 */
	bool lost;          /* the server; not yet dealt with */
	bool draining;
	bool expired;
	bool held_input;    /* input waits behind a command that a tolerant policy holds it for */
	bool helo_due;      /* HELO goes to the server next: it does not know EHLO */
	bool helo_only;     /* ... and the client was shown Postern's own keywords alone */
	bool unfinished;    /* part of a message was passed, and not its end */
	bool verdict_early; /* the reply that waits is the message's verdict, said at its end */
	bool verdict_due;   /* ... which has come */
	bool helo_is_new;   /* it is among the waiting bytes as yet */
	uint8_t helo_len;   /* SMTP_HELO_BYTES at most */
	uint8_t unknown; /* messages that the end that is due leaves without verdict: in queue[] */
	uint32_t server_keywords; /* announced by the server in its last EHLO reply, as bits */
	uint32_t client_keywords; /* shown to the client */

	struct owed queue[SMTP_OWED_MAX];
	uint8_t queue_head, queue_count;
	uint8_t owed_by_server; /* entries of the queue */
	uint8_t transaction;    /* modulo 256 */

	uint8_t skip_say;      /* what is said when what is skipped is over */
	uint8_t skip_late_say; /* ... or does not end in time */
	uint8_t end_say;       /* the end is next, with this */
	uint8_t emit;          /* how the reply at the head is being said, in pieces */
	size_t emit_left;      /* bytes of it still waiting */
	size_t line_scanned;   /* of the client's waiting bytes: no line end there */
	struct reply reply;    /* what has been read of the server's waiting bytes */

	struct text text;
	struct trace trace;
	uint64_t chunk_left;
	uint32_t turn; /* counts commands, replies, messages: the deadline starts anew with each */
	uint32_t recipients; /* in this transaction, not refused */
	uint32_t errors;     /* since the last message */

	uint32_t messages;         /* taken by the server, in all */
	uint32_t messages_begun;   /* since the last upgrade */
	uint32_t recipients_taken; /* by the server, in all */
	struct smtp_verdict verdict;
	const char *helo; /* argument of EHLO or HELO, as received: lent, by helo_lend() */
};

#endif
