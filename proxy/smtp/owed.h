/* The queue of owed replies. Used inside the inspector alone. */
#ifndef PROXY_SMTP_OWED_H
#define PROXY_SMTP_OWED_H

#include "proxy/smtp/smtp.h"

enum owed_flag {
	OWED_LAST = 1,     /* the answer to BDAT LAST */
	OWED_WHOLE = 2,    /* ... or to the final dot, and all of the message was passed */
	OWED_SWALLOW = 4,  /* a greeting that the client does not see */
	OWED_HELO = 8,     /* the answer to our HELO, for the client's EHLO */
	OWED_TRACE = 32,   /* the answer to BDAT that the Received: field went with */
	OWED_REFUSAL = 16, /* the server's greeting that refused, kept for the client's EHLO */
};

/* There is room for what one command may add. */
bool owed_has_room(const struct smtp *smtp);

/* The oldest, that is said next; NULL: nothing is owed. */
struct owed *owed_head(struct smtp *smtp);
struct owed *owed_tail(struct smtp *smtp);

/* The server owes the answer to this verb. */
struct owed *owed_add(struct smtp *smtp, uint8_t verb);

/*
 * Postern owes this. Where an end follows it, nothing more is read from the client. A refusal
 * counts as an error here, not when it is said, so that what is read behind it does not hang on
 * timing.
 */
void owed_say(struct smtp *smtp, uint8_t verb, uint8_t say);

void owed_pop(struct smtp *smtp);
void owed_drop_tail(struct smtp *smtp);
void owed_clear(struct smtp *smtp);

/*
 * The session ends next with this, whatever is owed: a message whose verdict is owed is noted as
 * unknown.
 */
void end_next(struct smtp *smtp, uint8_t say);

/* One error more of the client; true when that is one too many. */
bool error_count(struct smtp *smtp);

#endif
