#include "proxy/smtp/helo.h"

bool helo_is_new(const struct smtp *smtp)
{
	return smtp->helo_is_new;
}

void helo_lend(struct smtp *smtp, const char *copy)
{
	smtp->helo = copy;
	smtp->helo_len = copy ? smtp->helo_len : 0;
	smtp->helo_is_new = false;
}

void helo_take(struct smtp *smtp, const struct command *command)
{
	/* A name too long to keep is no name of a host: HELO cannot be tried with it. */
	struct slice name = command->args.len <= SMTP_HELO_BYTES ? command->args : SLICE("");

	smtp->helo = name.ptr;
	smtp->helo_len = (uint8_t)name.len;
	smtp->helo_is_new = true;
}
