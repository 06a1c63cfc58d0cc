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

#include "proxy/smtp/state.h"

enum smtp_act {
	SMTP_WAIT, /* nothing can be done before more has come, from either side */
	SMTP_PASS, /* the first `len` waiting bytes go on as they are */
	SMTP_SWAP, /* the first `len` waiting bytes become `text`; both may be empty */
	SMTP_CUT,  /* cut the server, its connection reset; what it has said still waits */
	SMTP_TLS,  /* say `text`, then upgrade the client, then SMTP_SECURED */
	SMTP_END,  /* say `text`, then end the session with `ending`; said again on every call */
};

/* What the caller should note of a step. */
enum smtp_note {
	SMTP_NOTE_NONE,
	SMTP_NOTE_VERDICT,     /* smtp->verdict is that of a message */
	SMTP_NOTE_UNKNOWN,     /* with SMTP_END: smtp->unknown messages stay without one */
	SMTP_NOTE_QUIT_SERVER, /* with SMTP_TLS: say QUIT to the server and leave it */
	SMTP_NOTE_AUTH_TAKEN,
	SMTP_NOTE_AUTH_FAILED, /* the server refused the credentials, with `code` */
};

struct smtp_step {
	char *room; /* lent by the caller for text, SMTP_ROOM_BYTES or more */
	size_t room_size;
	enum smtp_act act;
	size_t len;
	struct slice text; /* in room, or constant */
	enum ending ending;
	enum smtp_note note;
	uint16_t code;
};

enum { SMTP_ROOM_BYTES = 16 * 1024 };

enum smtp_event {
	SMTP_SECURED,     /* the client's TLS is up: forget everything (RFC 3207 section 4.2) */
	SMTP_CONNECTED,   /* the server that was wanted is there; its greeting is its first reply */
	SMTP_SERVER_LOST, /* the server is gone, or could not be had; what it said is all waiting */
	SMTP_EARLY_INPUT, /* at SMTP_TLS, before its text was said, input was there already */
	SMTP_DRAIN,       /* end between two transactions: Postern stops */
	SMTP_EXPIRED,     /* the same: the session has lasted its time */
	SMTP_BANNED,      /* end now: the client has failed AUTH too often */
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

/*
 * Begins a session. `secured`: implicit TLS is up already. `refused`: a sentence where policy
 * refuses the client. All that is pointed to must outlive the session.
 */
void smtp_init(struct smtp *smtp, const struct smtp_policy *policy, bool secured, struct slice id,
	       struct slice refused);

/* Instead of the greeting the client gets this `enum say`, which ends the session. No server then.
 */
void smtp_refuse(struct smtp *smtp, uint8_t say);

/*
 * The client is refused for its certificate, with a sentence that outlives the session: over
 * implicit TLS instead of the greeting, after STARTTLS (call it before SMTP_SECURED) at EHLO.
 */
void smtp_refuse_client(struct smtp *smtp, struct slice refused);

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

/* The i-th of them. */
struct smtp_verdict smtp_unknown(const struct smtp *smtp, size_t i);

/* The client is owed a reply. */
bool smtp_owes(const struct smtp *smtp);

/* The next step to the client is the end. */
bool smtp_is_ending(const struct smtp *smtp);

/* Nothing is owed to the client, and no transaction is open. */
bool smtp_idle(const struct smtp *smtp);

#endif
