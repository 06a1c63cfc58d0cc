#include "bench/base64.h"
#include "bench/client_steps.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void opened(struct client *client)
{
	if (!client->has_opened)
		load_opened(client->load);
	client->has_opened = true;
}

/* Adds a command, and the reply that is owed for it. */
static void command(struct client *client, enum step step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void command(struct client *client, enum step step, const char *format, ...)
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

/* Lets what was put into the text leave. */
static void send_group(struct client *client)
{
	client->out[0] = slice_of(client->text, client->text_len);
	client->text_len = 0;
	client->group_us = loop_clock_us();
}

static void send_command(struct client *client, enum step step, const char *text)
{
	command(client, step, "%s", text);
	send_group(client);
}

void client_steps_ehlo(struct client *client)
{
	client->offers_starttls = client->offers_chunking = client->offers_pipelining = false;
	command(client, STEP_EHLO, "EHLO %s", client->load->options.helo);
	send_group(client);
}

static void say_mail(struct client *client)
{
	command(client, STEP_MAIL, "MAIL FROM:<%s>", client->load->options.from);
}

static void say_rcpt(struct client *client)
{
	command(client, STEP_RCPT, "RCPT TO:<%s>", client->load->options.to);
}

/* The message itself leaves with the command before it, if there is one. */
static void add_message(struct client *client, size_t head_len, struct slice end)
{
	const struct message_plan *plan = &client->load->plan;

	client->text_len += head_len;
	client->out[1] = slice_of(plan->body, plan->body_len);
	client->out[2] = end;
	client_show(client, ">", SLICE("(the message)"));
}

static size_t write_head(struct client *client, char *to)
{
	return message_head(&client->load->plan, client->number, to);
}

static void say_data(struct client *client)
{
	command(client, STEP_DATA, "DATA");
}

static void say_text(struct client *client)
{
	assert(client->text_len == 0);
	add_message(client, write_head(client, client->text), SLICE(".\r\n"));
	client->owed[client->owed_count++] = STEP_DOT;
	send_group(client);
}

static void say_bdat(struct client *client)
{
	char head[MESSAGE_HEAD_BYTES];
	size_t len = write_head(client, head);

	command(client, STEP_BDAT, "BDAT %zu LAST", len + client->load->plan.body_len);
	assert(client->text_len + len <= CLIENT_TEXT_BYTES);
	memcpy(client->text + client->text_len, head, len);
	add_message(client, len, SLICE(""));
}

static void say_content(struct client *client)
{
	if (client->load->options.bdat)
		say_bdat(client);
	else
		say_data(client);
}

static void begin_message(struct client *client)
{
	client->sent++;
	say_mail(client);
	if (client->load->options.pipeline) {
		say_rcpt(client);
		say_content(client);
	}
	send_group(client);
	client->message_us = client->group_us;
}

static void next_message(struct client *client)
{
	const struct load_options *options = &client->load->options;
	bool full = options->per_connection > 0 && client->sent >= options->per_connection;

	if (!client->has_message && !full)
		client->has_message = load_claim(client->load, &client->number);
	if (client->has_message)
		begin_message(client);
	else
		send_command(client, STEP_QUIT, "QUIT");
}

/* TLS, AUTH and all that is asked for is done. */
static void ready(struct client *client)
{
	const struct load_options *options = &client->load->options;

	opened(client);
	if (options->idle) {
		client->stage = CLIENT_HELD;
	} else if (options->bdat && !client->offers_chunking) {
		client_fail(client, FAILURE_OFFER, 0, SLICE("CHUNKING is not announced"));
	} else if (options->pipeline && !client->offers_pipelining) {
		client_fail(client, FAILURE_OFFER, 0, SLICE("PIPELINING is not announced"));
	} else {
		next_message(client);
	}
}

static void say_auth(struct client *client)
{
	struct slice pair = slice_str(client->load->options.auth);
	size_t colon = slice_find(pair, ':', 0);
	char secret[512], text[1024];

	/* NUL user NUL password (RFC 4616); measured before the run. */
	int len = snprintf(secret, sizeof secret, "%c%.*s%c%s", '\0', (int)colon, pair.ptr, '\0',
			   pair.ptr + colon + 1);
	base64_encode(text, sizeof text, slice_of(secret, (size_t)len));
	client->has_auth = true;
	command(client, STEP_AUTH, "AUTH PLAIN %s", text);
	send_group(client);
}

static void after_ehlo(struct client *client)
{
	const struct load_options *options = &client->load->options;

	if (options->tls == LOAD_TLS_STARTTLS && !client->wire.tls) {
		if (client->offers_starttls)
			send_command(client, STEP_STARTTLS, "STARTTLS");
		else
			client_fail(client, FAILURE_OFFER, 0, SLICE("STARTTLS is not announced"));
	} else if (options->auth && !client->has_auth) {
		say_auth(client);
	} else {
		ready(client);
	}
}

static void after_starttls(struct client *client)
{
	/* What came in the clear behind the reply would be taken for secure (RFC 3207). */
	if (client->in_len > 0)
		client_fail(client, FAILURE_PROTOCOL, 0,
			    SLICE("bytes behind the reply to STARTTLS"));
	else
		client->stage = CLIENT_HANDSHAKE;
}

static void after_mail(struct client *client)
{
	if (client->load->options.pipeline)
		return;
	say_rcpt(client);
	send_group(client);
}

static void after_rcpt(struct client *client)
{
	if (client->load->options.pipeline)
		return;
	say_content(client);
	send_group(client);
}

static void after_message(struct client *client)
{
	struct load *load = client->load;

	hist_add(&load->message_us, loop_clock_us() - client->message_us);
	load->accepted++;
	client->has_message = false;
	next_message(client);
}

static void after_noop(struct client *client)
{
	client->load->survived++;
	client->load->accepted++;
	client->has_message = false;
	send_command(client, STEP_QUIT, "QUIT");
}

static void after_quit(struct client *client)
{
	client->stage = CLIENT_LEAVING;
	wire_finish(&client->wire);
}

static void after_data(struct client *client)
{
	say_text(client);
}

/* What a positive reply is, and what comes after it. */
static const struct row {
	unsigned wanted; /* the reply code's first digit */
	void (*then)(struct client *client);
} rows[] = {
	[STEP_GREETING] = { 2, client_steps_ehlo },
	[STEP_EHLO] = { 2, after_ehlo },
	[STEP_STARTTLS] = { 2, after_starttls },
	[STEP_AUTH] = { 2, after_ehlo },
	[STEP_MAIL] = { 2, after_mail },
	[STEP_RCPT] = { 2, after_rcpt },
	[STEP_DATA] = { 3, after_data },
	[STEP_DOT] = { 2, after_message },
	[STEP_BDAT] = { 2, after_message },
	[STEP_RSET] = { 2, next_message },
	[STEP_NOOP] = { 2, after_noop },
	[STEP_QUIT] = { 2, after_quit },
};

static bool is_of_message(enum step step)
{
	return step >= STEP_MAIL && step <= STEP_BDAT;
}

/* After a refusal inside a group the other replies are awaited, and then all is forgotten. */
static void refused(struct client *client, enum step step, unsigned code, struct slice text)
{
	if (code == 421 || !is_of_message(step)) {
		client_fail(client, FAILURE_REFUSED, code, text);
		return;
	}
	if (!client->must_reset)
		failure_add(&client->load->failures, FAILURE_REFUSED, step, code, text);
	client_fail_message(client);
	client->must_reset = true;
}

bool client_steps_has_output(const struct client *client)
{
	for (int i = 0; i < CLIENT_PIECES; i++)
		if (client->out[i].len > 0)
			return true;
	return false;
}

static void note_keywords(struct client *client, struct slice text)
{
	while (text.len > 0) {
		struct slice line = slice_skip(reply_line(&text), 4);
		struct slice keyword = slice_word(&line);
		if (slice_eq_nocase(keyword, SLICE("STARTTLS")))
			client->offers_starttls = true;
		else if (slice_eq_nocase(keyword, SLICE("CHUNKING")))
			client->offers_chunking = true;
		else if (slice_eq_nocase(keyword, SLICE("PIPELINING")))
			client->offers_pipelining = true;
	}
}

static void time_reply(const struct client *client, enum step step)
{
	if (step != STEP_GREETING && step != STEP_DOT && step != STEP_BDAT)
		hist_add(&client->load->command_us, loop_clock_us() - client->group_us);
}

/* What a refusal, or a reply that has no place here, leads to. */
static void judge(struct client *client, enum step step, unsigned code, struct slice text)
{
	bool good = code / 100 == rows[step].wanted;

	if (client->owed_count == 1 && client_steps_has_output(client))
		/* The verdict on a message that is not whole: whatever follows would be text. */
		client_fail(client, good ? FAILURE_PROTOCOL : FAILURE_REFUSED, code, text);
	else if (!good)
		refused(client, step, code, text);
	else if (client->must_reset && step == STEP_DATA)
		/* Text is awaited for nobody: there is no way out of that but to go. */
		client_fail(client, FAILURE_PROTOCOL, code, text);
	else if (step == STEP_EHLO)
		note_keywords(client, text);
}

void client_steps_reply(struct client *client, unsigned code, struct slice text)
{
	enum step step = client->owed[0];

	time_reply(client, step);
	judge(client, step, code, text);
	if (client->stage == CLIENT_OVER)
		return;
	client->step = step;
	client->owed_count--;
	memmove(client->owed, client->owed + 1, client->owed_count * sizeof *client->owed);
	if (!client->must_reset) {
		rows[step].then(client);
	} else if (client->owed_count == 0) {
		client->must_reset = false;
		send_command(client, STEP_RSET, "RSET");
	}
}

void client_steps_await_greeting(struct client *client)
{
	client->stage = CLIENT_SMTP;
	client->owed[client->owed_count++] = STEP_GREETING;
}

void client_steps_noop(struct client *client)
{
	client->stage = CLIENT_SMTP;
	send_command(client, STEP_NOOP, "NOOP");
}
