/* What is counted of all sessions together, where the caller lends the memory for it. */
#ifndef PROXY_SMTP_TALLY_H
#define PROXY_SMTP_TALLY_H

#include "proxy/smtp/command.h"

enum { SMTP_REPLY_CLASSES = 6 };

struct smtp_tally {
	uint64_t commands[VERB_COUNT];               /* read from clients */
	uint64_t replies_server[SMTP_REPLY_CLASSES]; /* by the first digit */
	uint64_t replies_own[SMTP_REPLY_CLASSES];
};

void tally_command(const struct smtp *smtp, enum verb verb);
void tally_server(const struct smtp *smtp, uint16_t code);

/* A reply of Postern's own, which may be empty. */
void tally_own(const struct smtp *smtp, struct slice text);

#endif
