/* THE table of verbs: one row says all there is to say of each. */
#ifndef PROXY_SMTP_VERBS_H
#define PROXY_SMTP_VERBS_H

#include "proxy/smtp/command.h"

enum verb_when {
	WHEN_ALWAYS,
	WHEN_NO_MAIL, /* only outside a transaction */
	WHEN_MAIL,    /* only inside one */
	WHEN_NEVER,   /* not from clients, whatever policy says */
	WHEN_OFF,     /* not at all */
};

#define VERB_BIT(verb) (UINT32_C(1) << (verb))

struct verb_row {
	struct slice name;
	uint8_t when;
	uint8_t front;    /* what Postern answers before TLS, where it answers itself */
	uint8_t off;      /* ... where policy switched the verb off */
	uint32_t keyword; /* the EHLO keyword without which there is no such verb; 0: none */

	/* What passing the command does to the session; it has been allowed. NULL: nothing. */
	void (*passed)(struct smtp *, const struct command *);
	/* What the server's answer to it does, before it is said. NULL: nothing. */
	void (*answered)(struct smtp *, const struct owed *, uint16_t code);
};

extern const struct verb_row verbs[VERB_COUNT];

/* The verb of a word in any case; VERB_UNKNOWN. */
enum verb verb_find(struct slice word);

#endif
