/*
 * Opens a server's side before anything of it is shown: waits until its greeting is there, whole.
 * Pure, as the inspector is. What the server must be told first (a PROXY header, EHLO, STARTTLS,
 * XCLIENT) is said here; its last greeting stays waiting and becomes the inspector's.
 */
#ifndef PROXY_SMTP_DIAL_H
#define PROXY_SMTP_DIAL_H

#include "proxy/smtp/reply.h"

enum dial_act {
	DIAL_WAIT,  /* more must come */
	DIAL_READY, /* the greeting, or the refusal that stands for it, waits from the first byte on
		     */
	DIAL_BAD,   /* what came is not SMTP */
};

struct dial {
	struct reply greeting;
};

void dial_init(struct dial *dial);

/* With all that waits from the server. */
enum dial_act dial_step(struct dial *dial, struct slice waiting);

#endif
