/*
 * The name that a client gives itself with EHLO or HELO. Who calls the inspector keeps it, at its
 * own length: most are short, and a session has it for as long as it lasts.
 */
#ifndef PROXY_SMTP_HELO_H
#define PROXY_SMTP_HELO_H

#include "proxy/smtp/command.h"

/*
 * There is a new one, smtp->helo, that stands among the client's waiting bytes. Before anything is
 * done with these helo_lend() is called, with a copy that is there until the next one, or the end;
 * NULL: it cannot be kept, and is as if it had not been said.
 */
bool helo_is_new(const struct smtp *smtp);
void helo_lend(struct smtp *smtp, const char *copy);

/* ----------------------------------------------------------- used inside the inspector alone */

void helo_take(struct smtp *smtp, const struct command *command);

#endif
