/*
 * The ledger: one record in the log for each message that the server has judged, or had whole
 * without a verdict; with what became of the verdict on its way to the client. A message that was
 * taken, and whose client did not hear so, will most likely be sent again.
 */
#ifndef PROXY_RELAY_LEDGER_H
#define PROXY_RELAY_LEDGER_H

#include "proxy/smtp/reply.h"

struct session;

enum { LEDGER_MAX = 8 };

/* A verdict on its way. */
struct telling {
	struct smtp_verdict verdict;
	uint64_t mark;     /* it is out when this many bytes have gone to the client */
	uint64_t received; /* of the client's when it went out: anything more shows that it was
			      heard */
	uint32_t number;   /* of the message in its session */
	bool out;
	bool deaf; /* the client had ended by then: what it heard cannot be known */
};

struct ledger {
	struct telling *item; /* owned; NULL: none is on its way, or memory was short */
	uint32_t count;
	uint32_t numbered;
};

/* No room for one more, as none of those that are due has gone out. */
bool ledger_full(const struct session *session);

/* A verdict, or that there is none, whose reply stands last in what is to go to the client. */
void ledger_note(struct session *session, struct smtp_verdict verdict);

/* Bytes have gone to the client or come from it: those that it has heard are logged. */
void ledger_turn(struct session *session);

/* Something came from the client, or its end in order, behind all that it was told. */
void ledger_heard(struct session *session);

/* The session is over: the rest is logged. */
void ledger_end(struct session *session);

#endif
