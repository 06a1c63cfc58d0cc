/*
 * A client made of choices: honest, hasty, or an attacker. It waits for replies as RFC 2920 says,
 * mostly, and numbers what it sends, so that each command and message can be known again.
 */
#ifndef TESTS_MODEL_CLIENT_H
#define TESTS_MODEL_CLIENT_H

#include "tests/dialogs/play.h"
#include "tests/model/choice.h"

enum { CLIENT_HONEST = 64 };

struct client {
	struct choice *choice;
	unsigned number;  /* of the next command or message */
	size_t expects;   /* replies, to all that it sent */
	unsigned manners; /* how seldom it has none */
	bool waits;       /* what it sent last ends a group */
	enum { SENT_OTHER, SENT_DATA, SENT_AUTH } sent;
	bool in_text;
	bool helloed, may_chunk; /* it has said EHLO; the answer had CHUNKING */
	bool in_mail;
	/* Messages that were sent without tricks: their text, as the receiver should have it. */
	struct text_buf honest[CLIENT_HONEST];
	unsigned honest_number[CLIENT_HONEST];
	size_t honest_count;
};

void client_begin(struct client *client, struct choice *choice);
void client_end(struct client *client);

/* It was told this. */
void client_told(struct client *client, struct slice reply);

/* What it sends next, behind `replies` replies, the last of which was `code`. May be nothing. */
void client_next(struct client *client, size_t replies, unsigned code, struct text_buf *out);

#endif
