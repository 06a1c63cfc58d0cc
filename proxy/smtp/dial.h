/*
 * Opens a server's side before anything of it is shown: a PROXY header, TLS, the greeting, EHLO,
 * STARTTLS, XCLIENT, as far as the plan asks for them. Pure, as the inspector is: the caller moves
 * the bytes, and calls dial_step() until it waits.
 *
 * What the server says waits with the caller. Its greeting stays in front of the waiting bytes,
 * and what comes behind it is taken out from there as it is read. In the end the last greeting (to
 * XCLIENT a server answers with a new one), or the refusal that stands for it, is all that waits.
 */
#ifndef PROXY_SMTP_DIAL_H
#define PROXY_SMTP_DIAL_H

#include "proxy/smtp/reply.h"
#include "proxy/smtp/tell.h"

/* How the server is told whose session it is. */
enum dial_way {
	DIAL_SILENT, /* it is not */
	DIAL_PROXY_V1,
	DIAL_PROXY_V2,
	DIAL_XCLIENT, /* where the server announces it; otherwise it is not told */
};

enum dial_tls { DIAL_PLAIN, DIAL_STARTTLS, DIAL_IMPLICIT };

/* What is to be done; it outlives the dial. */
struct dial_plan {
	enum dial_way way;
	enum dial_tls tls;
	size_t header_most;    /* the most bytes of a PROXY header of version 2 */
	struct slice hostname; /* what Postern calls itself in EHLO */
};

enum dial_act {
	DIAL_WAIT,   /* nothing can be done before more has come */
	DIAL_MOVE,   /* something was done: step again */
	DIAL_SAY,    /* send `text`; dial_said() how much of it went */
	DIAL_SECURE, /* begin TLS, then dial_secured() */
	DIAL_HOLD,   /* all is done that can be without an identity: dial_identify() */
	DIAL_READY,  /* the greeting, or the refusal that stands for it, is all that waits */
	DIAL_FAILED, /* the server is not to be used: dial_failure() */
};

enum dial_failure {
	DIAL_FINE,
	DIAL_PROTOCOL,         /* what came is no SMTP; a refusal of Postern's own waits */
	DIAL_NO_STARTTLS,      /* it is not offered, or was refused */
	DIAL_INJECTED,         /* bytes came behind the answer to STARTTLS (CVE-2021-38371) */
	DIAL_EHLO_REFUSED,     /* Postern's own */
	DIAL_IDENTITY_REFUSED, /* XCLIENT was; a refusal of Postern's own waits */
};

struct dial_step {
	char *room; /* lent for text, DIAL_ROOM_BYTES or more */
	size_t room_size;

	enum dial_act act;
	size_t keep;       /* of the waiting bytes these stay in front, */
	size_t drop;       /* and so many behind them go, before anything else is done */
	struct slice text; /* to be sent; with DIAL_READY, if not empty, it is what waits then */
};

enum { DIAL_ROOM_BYTES = 1024 };

struct dial {
	const struct dial_plan *plan;
	const struct identity *identity; /* NULL: not known yet */
	uint8_t at;                      /* what is done next */
	enum dial_failure failure;
	size_t kept;        /* bytes of the greeting */
	size_t said;        /* of the text that is being sent */
	struct reply reply; /* what has been read of that which waits behind the greeting */
	uint16_t code;      /* of the last reply */
	bool starttls;      /* announced */
	bool secured;
	unsigned announced; /* attributes of XCLIENT, */
	unsigned untold;    /* and those still to be told */
};

/* `identity` outlives the dial. NULL: it goes as far as it can without. */
void dial_init(struct dial *dial, const struct dial_plan *plan, const struct identity *identity);

/* The next step with all that waits from the server. */
void dial_step(struct dial *dial, struct slice waiting, struct dial_step *step);

void dial_said(struct dial *dial, size_t len);
void dial_secured(struct dial *dial);

/* Whose session it becomes: after DIAL_HOLD, or DIAL_READY of a server that is not told. */
void dial_identify(struct dial *dial, const struct identity *identity);

/* A sentence, static; NULL for DIAL_FINE. */
const char *dial_complaint(enum dial_failure failure);

/* The way on which the server was told in the end: DIAL_SILENT where it announced no XCLIENT. */
enum dial_way dial_told(const struct dial *dial);

#endif
