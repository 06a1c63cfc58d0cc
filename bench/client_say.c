#include "bench/base64.h"
#include "bench/client_steps.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* Adds a command, and the reply that is owed for it. */
static void say(struct client *client, enum step step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct client *client, enum step step, const char *format, ...)
{
	char *at = client->text + client->text_len;
	size_t room = CLIENT_TEXT_BYTES - client->text_len;
	va_list args;

	va_start(args, format);
	int len = vsnprintf(at, room, format, args);
	va_end(args);
	/* Names and addresses were measured before the run. */
	assert((size_t)len + 2 < room && client->owed_count < CLIENT_OWED_MAX);
	client_show(client, ">",
		    step == STEP_AUTH ? SLICE("AUTH PLAIN (not shown)")
				      : slice_of(at, (size_t)len));
	memcpy(at + len, "\r\n", 2);
	client->text_len += (size_t)len + 2;
	client->owed[client->owed_count++] = step;
}

void client_say_leave(struct client *client)
{
	client->out[0] = slice_of(client->text, client->text_len);
	client->text_len = 0;
	client->group_us = loop_clock_us();
}

void client_say_one(struct client *client, enum step step, const char *text)
{
	say(client, step, "%s", text);
	client_say_leave(client);
}

void client_say_ehlo(struct client *client)
{
	client->offers_starttls = client->offers_chunking = client->offers_pipelining = false;
	say(client, STEP_EHLO, "EHLO %s", client->load->options.helo);
	client_say_leave(client);
}

static void say_mail(struct client *client)
{
	say(client, STEP_MAIL, "MAIL FROM:<%s>", client->load->options.from);
}

/* More than one go to the same mailbox under several names (RFC 5233). */
void client_say_rcpt(struct client *client)
{
	const char *to = client->load->options.to;
	int name_len = (int)strcspn(to, "@");

	if (client->rcpts == 0)
		say(client, STEP_RCPT, "RCPT TO:<%s>", to);
	else
		say(client, STEP_RCPT, "RCPT TO:<%.*s+%u%s>", name_len, to, client->rcpts,
		    to + name_len);
	client->rcpts++;
}

static void say_rcpts(struct client *client, unsigned count)
{
	client->rcpts = 0;
	while (client->rcpts < count)
		client_say_rcpt(client);
}

/* The message itself leaves with the command before it, if there is one. */
static void add_message(struct client *client, size_t head_len, struct slice end)
{
	const struct message_plan *plan = client->unit.plan;

	client->text_len += head_len;
	client->out[1] = end.len ? slice_of(plan->stuffed, plan->stuffed_len)
				 : slice_of(plan->body, plan->body_len);
	client->out[2] = end;
	client_show(client, ">", SLICE("(the message)"));
}

static size_t write_head(struct client *client, char *to)
{
	return message_head(client->unit.plan, client->unit.number, to);
}

static void say_data(struct client *client)
{
	say(client, STEP_DATA, "DATA");
}

bool client_is_full(const struct client *client)
{
	return client->script.messages > 0 && client->sent >= client->script.messages;
}

/* The commands of the next message, behind the end of this one (RFC 2920 section 3.1). */
static void add_next(struct client *client, size_t head_len)
{
	if (!client->script.pipeline || client_is_full(client) ||
	    !load_claim(client->load, &client->next_unit))
		return;
	client->has_next = true;
	client->text_len = head_len;
	say_mail(client);
	say_rcpts(client, client->next_unit.recipients);
	say_data(client);
	client->out[3] = slice_of(client->text + head_len, client->text_len - head_len);
	client->text_len = 0;
}

void client_say_text(struct client *client)
{
	assert(client->text_len == 0);
	size_t head_len = write_head(client, client->text);
	add_message(client, head_len, SLICE(".\r\n"));
	client->owed[client->owed_count++] = STEP_DOT;
	client_say_leave(client);
	add_next(client, head_len);
}

static void say_bdat(struct client *client)
{
	char head[MESSAGE_HEAD_BYTES];
	size_t len = write_head(client, head);

	say(client, STEP_BDAT, "BDAT %zu LAST", len + client->unit.plan->body_len);
	assert(client->text_len + len <= CLIENT_TEXT_BYTES);
	memcpy(client->text + client->text_len, head, len);
	add_message(client, len, SLICE(""));
}

void client_say_content(struct client *client)
{
	if (client->script.bdat)
		say_bdat(client);
	else
		say_data(client);
}

void client_say_auth(struct client *client)
{
	struct slice pair = slice_str(client->load->options.auth);
	size_t colon = slice_find(pair, ':', 0);
	char secret[512], text[1024];

	/* NUL user NUL password (RFC 4616); measured before the run. */
	int len = snprintf(secret, sizeof secret, "%c%.*s%c%s", '\0', (int)colon, pair.ptr, '\0',
			   pair.ptr + colon + 1);
	base64_encode(text, sizeof text, slice_of(secret, (size_t)len));
	client->has_auth = true;
	say(client, STEP_AUTH, "AUTH PLAIN %s", text);
	client_say_leave(client);
}

void client_say_message(struct client *client)
{
	say_mail(client);
	client->rcpts = 0;
	if (client->script.pipeline) {
		say_rcpts(client, client->unit.recipients);
		client_say_content(client);
	}
	client_say_leave(client);
}
