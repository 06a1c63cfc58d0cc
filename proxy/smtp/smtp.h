/*
 * The inspector: reads every command and reply of an SMTP session (RFC 5321) in place and says what
 * becomes of the bytes. It is pure: bytes and state, no I/O, memory, clock or log. The same bytes,
 * cut anywhere, give the same output.
 *
 * The caller keeps the waiting bytes of each side and calls, until nothing moves any more: first
 * smtp_to_server() until it waits, then one step of smtp_to_client(). In that order, since the
 * order of client bytes and server replies is what decides, never how they were cut.
 *
 * The queue of owed replies is its heart. Each command adds one entry, "the server answers this
 * verb" or "we answer that", and only smtp_to_client() speaks to the client, and only for the head
 * of the queue. So refusals under PIPELINING, the upgrade and the end come out in order.
 */
#ifndef PROXY_SMTP_SMTP_H
#define PROXY_SMTP_SMTP_H

#include "proxy/smtp/ending.h"
#include "proxy/smtp/policy.h"
#include "proxy/smtp/reply.h"

enum smtp_act {
	SMTP_WAIT, /* nothing can be done before more has come, from either side */
	SMTP_PASS, /* the first `len` waiting bytes go on as they are */
	SMTP_SWAP, /* the first `len` waiting bytes become `text`; both may be empty */
	SMTP_CUT,  /* cut the server's connection so that it cannot take what it has for a whole;
		    * what  it has said still waits, and the client is served on */
	SMTP_TLS,  /* say `text`, then upgrade the client, then SMTP_SECURED */
	SMTP_END,  /* say `text`, then end the session with `ending`; said again on every call */
};

/* What the caller should note of a step. */
enum smtp_note {
	SMTP_NOTE_NONE,
	SMTP_NOTE_VERDICT,     /* smtp->verdict is that of a message */
	SMTP_NOTE_QUIT_SERVER, /* with SMTP_TLS: say QUIT to the server and leave it */
};

struct smtp_step {
	char *room; /* lent by the caller for text, SMTP_ROOM_BYTES or more */
	size_t room_size;

	enum smtp_act act;
	size_t len;
	struct slice text; /* in room, or constant */
	enum ending ending;
	enum smtp_note note;
};

enum { SMTP_ROOM_BYTES = 16 * 1024 };

enum smtp_event {
	SMTP_SECURED,     /* the client's TLS is up: forget everything (RFC 3207 section 4.2) */
	SMTP_CONNECTED,   /* the server that was wanted is there; its greeting is its first reply */
	SMTP_SERVER_LOST, /* the server is gone, or could not be had; what it said is all waiting */
	SMTP_EARLY_INPUT, /* at SMTP_TLS, before its text was said, input was there already */
	SMTP_DRAIN,       /* end between two transactions: Postern stops */
	SMTP_EXPIRED,     /* the same: the session has lasted its time */
	SMTP_DEADLINE,    /* what smtp_awaits() said did not come in time */
};

/* Which deadline runs (RFC 5321 section 4.5.3.2). */
enum smtp_await {
	SMTP_AWAIT_GREETING,   /* of the server */
	SMTP_AWAIT_COMMAND,    /* of the client */
	SMTP_AWAIT_REPLY,      /* of the server */
	SMTP_AWAIT_DATA_START, /* the server's 354 */
	SMTP_AWAIT_DATA_BLOCK, /* more text of the client */
	SMTP_AWAIT_DATA_END,   /* the server's answer to the final dot */
};

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

enum { SMTP_OWED_MAX = 64, SMTP_HELO_BYTES = 255 };

/* Where message text stands; see message.h. */
struct text {
	uint64_t bytes; /* so far, as RFC 1870 counts them */
	uint8_t at;
};

struct smtp_verdict {
	uint16_t code; /* 0: unknown */
	uint64_t bytes;
};

/* To be read by its owner for log and limits, written by the inspector alone. */
struct smtp {
	const struct smtp_policy *policy;
	struct slice id;      /* of the session: lent */
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
	bool held_input;      /* input waits behind a command that a tolerant policy holds it for */
	bool helo_due;        /* HELO goes to the server next: it does not know EHLO */
	bool helo_only;       /* ... and the client was shown Postern's own keywords alone */
	bool unfinished;      /* part of a message was passed, and not its end */
	bool verdict_early;   /* the reply that waits is the message's verdict, said at its end */
	bool verdict_due;     /* ... which has come */
	bool verdict_unknown; /* the end that is due leaves a message without its verdict */

	uint32_t server_keywords; /* announced by the server in its last EHLO reply, as bits */
	uint32_t client_keywords; /* shown to the client */

	struct owed queue[SMTP_OWED_MAX];
	uint8_t queue_head;
	uint8_t queue_count;
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
	uint64_t chunk_left;

	uint32_t turn; /* counts commands, replies, messages: the deadline starts anew with each */
	uint32_t recipients; /* in this transaction, not refused */
	uint32_t errors;     /* since the last message */

	uint32_t messages;         /* taken by the server, in all */
	uint32_t messages_begun;   /* since the last upgrade */
	uint32_t recipients_taken; /* by the server, in all */
	struct smtp_verdict verdict;
	char helo[SMTP_HELO_BYTES + 1]; /* argument of EHLO or HELO, as received */
	uint8_t helo_len;
};

/*
 * Begins a session. `secured`: implicit TLS is up already. `refused`: a sentence where policy
 * refuses the client. All that is pointed to must outlive the session.
 */
void smtp_init(struct smtp *smtp, const struct smtp_policy *policy, bool secured, struct slice id,
	       struct slice refused);

/* Instead of the greeting the client gets this `enum say`, which ends the session. No server then.
 */
void smtp_refuse(struct smtp *smtp, uint8_t say);

/* The next step with what waits from the client, for the server. */
void smtp_to_server(struct smtp *smtp, struct slice waiting, struct smtp_step *step);

/* The next step with what waits from the server, or is Postern's own, for the client. */
void smtp_to_client(struct smtp *smtp, struct slice waiting, struct smtp_step *step);

void smtp_event(struct smtp *smtp, enum smtp_event event);

enum smtp_await smtp_awaits(const struct smtp *smtp);

/* A server is wanted and not yet there: connect to it, then SMTP_CONNECTED or SMTP_SERVER_LOST. */
bool smtp_wants_server(const struct smtp *smtp);

/* Part of a message was passed to the server and not its end: it must see no orderly end now. */
bool smtp_in_message(const struct smtp *smtp);

/* The server has a whole message and has not said what it makes of it. */
bool smtp_owes_verdict(const struct smtp *smtp);

/* The client is owed a reply. */
bool smtp_owes(const struct smtp *smtp);

/* The next step to the client is the end. */
bool smtp_is_ending(const struct smtp *smtp);

/* Nothing is owed to the client, and no transaction is open. */
bool smtp_idle(const struct smtp *smtp);

#endif
