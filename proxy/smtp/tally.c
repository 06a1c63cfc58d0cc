#include "proxy/smtp/tally.h"

static void count(uint64_t *classes, unsigned class)
{
	if (class < SMTP_REPLY_CLASSES)
		classes[class]++;
}

void tally_command(const struct smtp *smtp, enum verb verb)
{
	if (smtp->tally)
		smtp->tally->commands[verb]++;
}

void tally_server(const struct smtp *smtp, uint16_t code)
{
	if (smtp->tally)
		count(smtp->tally->replies_server, code / 100U);
}

void tally_own(const struct smtp *smtp, struct slice text)
{
	if (smtp->tally && text.len > 0)
		count(smtp->tally->replies_own, (unsigned)text.ptr[0] - '0');
}
