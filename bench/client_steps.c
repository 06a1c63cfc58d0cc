#include "bench/client_steps.h"

static void opened(struct client *client)
{
	if (!client->has_opened)
		load_opened(client->load);
	client->has_opened = true;
}

/* What a unit's duration counts from. */
static uint64_t unit_since_us(const struct client *client)
{
	const struct load_options *options = &client->load->options;

	if (options->rate)
		return client->unit.due_us;
	if (options->scenario == SCENARIO_HANDSHAKE || options->scenario == SCENARIO_SESSION)
		return client->began_us;
	return client->message_us;
}

static void done(struct client *client)
{
	load_done(client->load, &client->unit, unit_since_us(client));
	client->has_message = false;
}

static void begin_message(struct client *client)
{
	client->sent++;
	client_say_message(client);
	client->message_us = client->group_us;
}

/* Its work is done, without QUIT: close_notify, FIN, and the server closes. */
static void leave(struct client *client)
{
	client->stage = CLIENT_LEAVING;
	wire_finish(&client->wire);
}

static void next_message(struct client *client)
{
	bool full = client_is_full(client);

	if (!client->has_message && !full)
		client->has_message = load_claim(client->load, &client->unit);
	if (client->has_message)
		begin_message(client);
	else if (!full && !load_is_over(client->load))
		client_park(client);
	else if (client->script.drop)
		leave(client);
	else
		client_say_one(client, STEP_QUIT, "QUIT");
}

void client_steps_go_on(struct client *client)
{
	client->stage = CLIENT_SMTP;
	next_message(client);
}

static void begin_mail(struct client *client)
{
	struct script *script = &client->script;
	bool is_mix = client->load->options.scenario == SCENARIO_MIX;

	/* A mix asks for no more than is offered. */
	script->bdat &= client->offers_chunking || !is_mix;
	script->pipeline &= client->offers_pipelining || !is_mix;
	if (script->bdat && !client->offers_chunking)
		client_fail(client, FAILURE_OFFER, 0, SLICE("CHUNKING is not announced"));
	else if (script->pipeline && !client->offers_pipelining)
		client_fail(client, FAILURE_OFFER, 0, SLICE("PIPELINING is not announced"));
	else if (script->rset)
		client_say_one(client, STEP_RSET, "RSET");
	else
		next_message(client);
}

/* TLS, AUTH and all that is asked for is done. */
static void ready(struct client *client)
{
	enum scenario scenario = client->load->options.scenario;

	opened(client);
	if (scenario == SCENARIO_IDLE) {
		client->stage = CLIENT_HELD;
	} else if (scenario == SCENARIO_HANDSHAKE) {
		done(client);
		leave(client);
	} else {
		begin_mail(client);
	}
}

static void after_ehlo(struct client *client)
{
	const struct load_options *options = &client->load->options;

	if (options->tls == LOAD_TLS_STARTTLS && !client->wire.tls) {
		if (client->offers_starttls)
			client_say_one(client, STEP_STARTTLS, "STARTTLS");
		else
			client_fail(client, FAILURE_OFFER, 0, SLICE("STARTTLS is not announced"));
	} else if (options->auth && !client->has_auth) {
		client_say_auth(client);
	} else {
		ready(client);
	}
}

static void after_greeting(struct client *client)
{
	const struct load_options *options = &client->load->options;

	if (options->scenario == SCENARIO_HANDSHAKE && options->tls == LOAD_TLS_IMPLICIT)
		ready(client);
	else
		client_say_ehlo(client);
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
	if (client->script.pipeline)
		return;
	client_say_rcpt(client);
	client_say_leave(client);
}

static void after_rcpt(struct client *client)
{
	if (client->script.pipeline)
		return;
	if (client->rcpts < client->unit.recipients)
		client_say_rcpt(client);
	else
		client_say_content(client);
	client_say_leave(client);
}

/* The commands of the next message have left already. */
static void promote(struct client *client)
{
	client->unit = client->next_unit;
	client->has_message = true;
	client->has_next = false;
	client->sent++;
	client->message_us = client->group_us;
}

static void after_message(struct client *client)
{
	done(client);
	if (client->has_next)
		promote(client);
	else
		next_message(client);
}

static void after_noop(struct client *client)
{
	client->load->stats->survived++;
	done(client);
	client_say_one(client, STEP_QUIT, "QUIT");
}

static void after_quit(struct client *client)
{
	leave(client);
}

static void after_data(struct client *client)
{
	client_say_text(client);
}

/* What a positive reply is, and what comes after it. */
static const struct row {
	unsigned wanted; /* the reply code's first digit */
	void (*then)(struct client *client);
} rows[] = {
	[STEP_GREETING] = { 2, after_greeting }, [STEP_EHLO] = { 2, after_ehlo },
	[STEP_STARTTLS] = { 2, after_starttls }, [STEP_AUTH] = { 2, after_ehlo },
	[STEP_MAIL] = { 2, after_mail },         [STEP_RCPT] = { 2, after_rcpt },
	[STEP_DATA] = { 3, after_data },         [STEP_DOT] = { 2, after_message },
	[STEP_BDAT] = { 2, after_message },      [STEP_RSET] = { 2, next_message },
	[STEP_NOOP] = { 2, after_noop },         [STEP_QUIT] = { 2, after_quit },
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
		load_failed(client->load, FAILURE_REFUSED, step, code, text);
	client_fail_message(client);
	if (client->has_next && step == STEP_DOT)
		promote(client);
	else
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
	if (step != STEP_GREETING && step != STEP_DOT && step != STEP_BDAT &&
	    load_is_measured(client->load))
		hist_add(&client->load->stats->command_us, loop_clock_us() - client->group_us);
}

/* What a refusal, or a reply that has no place here, leads to. True: the step is done. */
static bool judge(struct client *client, enum step step, unsigned code, struct slice text)
{
	bool good = code / 100 == rows[step].wanted;
	bool is_last = step == STEP_DOT || client->owed_count == 1;

	if (is_last && client_steps_has_output(client))
		/* The verdict on a message that is not whole: whatever follows would be text. */
		client_fail(client, good ? FAILURE_PROTOCOL : FAILURE_REFUSED, code, text);
	else if (!good)
		refused(client, step, code, text);
	else if (client->must_reset && step == STEP_DATA)
		/* Text is awaited for nobody: there is no way out of that but to go. */
		client_fail(client, FAILURE_PROTOCOL, code, text);
	else if (step == STEP_EHLO)
		note_keywords(client, text);
	return good;
}

void client_steps_reply(struct client *client, unsigned code, struct slice text)
{
	enum step step = client->owed[0];

	time_reply(client, step);
	bool good = judge(client, step, code, text);
	if (client->stage == CLIENT_OVER)
		return;
	client->step = step;
	client->owed_count--;
	memmove(client->owed, client->owed + 1, client->owed_count * sizeof *client->owed);
	if (!client->must_reset && good) {
		rows[step].then(client);
	} else if (client->must_reset && client->owed_count == 0) {
		client->must_reset = false;
		client_say_one(client, STEP_RSET, "RSET");
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
	client_say_one(client, STEP_NOOP, "NOOP");
}
