/*
 * Asks a server whether it is well, or whether it would take a stranger's mail to a stranger, from
 * its greeting on to QUIT: never DATA, so nothing is ever sent. Pure, as the inspector is: the
 * caller moves the bytes, and calls ask_step() until it waits or is done.
 */
#ifndef PROXY_SMTP_ASK_H
#define PROXY_SMTP_ASK_H

#include "proxy/smtp/offer.h"
#include "proxy/smtp/reply.h"

/* It outlives the asking. */
struct ask_plan {
	struct slice hostname; /* what we call ourselves */
	struct slice from, to; /* mailboxes to ask with; `from` empty: they are not asked with */
};

enum ask_at {
	ASK_GREETING,
	ASK_EHLO,
	ASK_HELO, /* where the server does not know EHLO */
	ASK_MAIL,
	ASK_RCPT,
	ASK_RSET,
	ASK_QUIT,
	ASK_END,
};

enum ask_act { ASK_WAIT, ASK_MOVE, ASK_SAY, ASK_DONE };

enum { ASK_ROOM_BYTES = 2048, ASK_WORDS_BYTES = 200 };

struct ask_step {
	char *room; /* lent for text, ASK_ROOM_BYTES */
	enum ask_act act;
	size_t drop;       /* so many of the waiting bytes go, before anything else is done */
	struct slice text; /* to be sent; ask_said() how much of it went */
};

struct ask {
	const struct ask_plan *plan;
	enum ask_at at;
	bool saying;
	bool garbled; /* what came is no SMTP */
	size_t said;
	struct reply reply;
	uint16_t code[ASK_END];      /* of the reply to each; 0: none came */
	char words[ASK_WORDS_BYTES]; /* first line of the last reply that was no 2yz; else "" */
	struct offer offer;          /* of its reply to EHLO, */
	bool xclient;                /* ... which has XCLIENT with ADDR, too */
};

void ask_init(struct ask *ask, const struct ask_plan *plan);

/* The next step with all that waits from the server. */
void ask_step(struct ask *ask, struct slice waiting, struct ask_step *step);
void ask_said(struct ask *ask, size_t len);

/* It greeted, and took EHLO or HELO: mail can be given to it. */
bool ask_went_well(const struct ask *ask);

/* It greeted with 4yz: it is there, and has no room for now. */
bool ask_was_busy(const struct ask *ask);

enum ask_answer { ASK_UNDECIDED, ASK_REFUSED, ASK_TAKEN };

/*
 * Of a plan with mailboxes: only a 2yz to RCPT is a yes; a no is a 5yz to it or to MAIL, and the
 * 454 with which Postfix, as it comes (`defer_unauth_destination`), denies to relay. What else was
 * put off, or not said, decides nothing.
 */
enum ask_answer ask_answer(const struct ask *ask);

#endif
