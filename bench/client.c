#include "bench/client_steps.h"
#include "base/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void client_show(const struct client *client, const char *mark, struct slice line)
{
	if (client->is_verbose)
		fprintf(stderr, "%s %.*s\n", mark, (int)line.len, line.ptr);
}

static enum step step_of(const struct client *client)
{
	switch (client->stage) {
	case CLIENT_CONNECT:
		return STEP_CONNECT;
	case CLIENT_HANDSHAKE:
		return STEP_HANDSHAKE;
	case CLIENT_HELD:
		return STEP_HOLD;
	default:
		return client->owed_count ? client->owed[0] : client->step;
	}
}

void client_fail_message(struct client *client)
{
	client->load->stats->failed += client->has_message;
	client->has_message = false;
	if (client->has_next && client->stage == CLIENT_OVER) {
		client->load->stats->failed++;
		client->has_next = false;
	}
}

void client_fail(struct client *client, enum failure_kind kind, unsigned code, struct slice why)
{
	client_show(client, "!", why);
	load_failed(client->load, kind, step_of(client), code, why);
	client->stage = CLIENT_OVER;
	client_fail_message(client);
}

static void fail_wire(struct client *client, enum failure_kind kind)
{
	char why[TLS_WHY_BYTES];

	wire_why(&client->wire, why, sizeof why);
	client_fail(client, kind, 0, slice_str(why));
}

static void link_client(struct client *client)
{
	struct load *load = client->load;

	client->next = load->clients;
	if (client->next)
		client->next->previous = client;
	load->clients = client;
}

static void unlink_client(struct client *client)
{
	if (client->previous)
		client->previous->next = client->next;
	else
		client->load->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
}

void client_park(struct client *client)
{
	client->stage = CLIENT_HELD;
	client->is_parked = true;
	load_park(client->load, client, &client->next_parked);
}

static void unpark(struct client *client)
{
	struct client **at = &client->load->parked;

	if (!client->is_parked)
		return;
	while (*at != client)
		at = &(*at)->next_parked;
	*at = client->next_parked;
	client->is_parked = false;
}

static void free_client(struct client *client)
{
	struct load *load = client->load;

	if (!client->has_opened)
		load_opened(load);
	unpark(client);
	unlink_client(client);
	loop_watch_free(client->watch);
	wire_close(&client->wire);
	free(client);
	load_gone(load);
}

/* Secure, or as it is to stay: what the run calls connected. */
static void connected(struct client *client)
{
	struct load *load = client->load;

	struct stats *stats = load->stats;

	if (load_is_measured(load))
		hist_add(&stats->connect_us, loop_clock_us() - client->began_us);
	if (client->wire.tls && bench_tls_is_resumed(client->wire.tls))
		stats->resumed++;
	if (client->wire.tls && !*stats->tls_note)
		bench_tls_describe(client->wire.tls, stats->tls_note, sizeof stats->tls_note);
}

static void on_connected(struct client *client)
{
	enum load_tls tls = client->load->options.tls;
	int error = net_connected(client->wire.fd);

	if (error != 0) {
		client_fail(client, FAILURE_CONNECT, 0, slice_str(strerror(error)));
		return;
	}
	if (tls == LOAD_TLS_IMPLICIT) {
		client->stage = CLIENT_HANDSHAKE;
		return;
	}
	if (tls == LOAD_TLS_NONE)
		connected(client);
	client_steps_await_greeting(client);
}

static void shake_hands(struct client *client)
{
	if (!client->wire.tls &&
	    !wire_secure(&client->wire, client->load->tls, client->script.resume)) {
		client_fail(client, FAILURE_SYSTEM, 0, SLICE("out of memory"));
		return;
	}
	ssize_t n = bench_tls_handshake(client->wire.tls);
	if (n == IO_ERROR)
		fail_wire(client, FAILURE_TLS);
	if (n < 0)
		return;
	connected(client);
	client->stage = CLIENT_SMTP;
	if (client->load->options.tls == LOAD_TLS_IMPLICIT)
		client_steps_await_greeting(client);
	else
		client_say_ehlo(client);
}

static void take_reply(struct client *client, unsigned code, struct slice text)
{
	struct slice rest = text;

	while (rest.len > 0)
		client_show(client, "<", reply_line(&rest));
	if (client->owed_count > 0)
		client_steps_reply(client, code, text);
	else
		client_fail(client, code == 421 ? FAILURE_REFUSED : FAILURE_PROTOCOL, code, text);
}

static void take_input(struct client *client)
{
	while (client->stage == CLIENT_SMTP || client->stage == CLIENT_HELD) {
		struct slice in = slice_of(client->in, client->in_len);
		enum reply_found found = reply_read(&client->reply, in);
		char text[CLIENT_IN_BYTES];

		if (found == REPLY_MORE && in.len < CLIENT_IN_BYTES)
			return;
		if (found != REPLY_WHOLE || client->reply.bare_lf) {
			client_fail(client, FAILURE_PROTOCOL, 0, in);
			return;
		}
		/* Cut off first: what is left then is what came behind the reply. */
		size_t len = client->reply.scanned;
		unsigned code = client->reply.code;
		memcpy(text, client->in, len);
		client->reply = (struct reply){ 0 };
		client->in_len -= len;
		memmove(client->in, client->in + len, client->in_len);
		take_reply(client, code, slice_of(text, len));
	}
}

static void on_end(struct client *client, ssize_t n)
{
	if (client->stage == CLIENT_LEAVING)
		client->stage = CLIENT_OVER;
	else if (n == IO_EOF)
		client_fail(client, FAILURE_CLOSED, 0, SLICE("the server closed the connection"));
	else
		fail_wire(client, FAILURE_RESET);
}

static bool talks(const struct client *client)
{
	return client->stage == CLIENT_SMTP || client->stage == CLIENT_HELD ||
	       client->stage == CLIENT_LEAVING;
}

static void read_input(struct client *client)
{
	while (talks(client)) {
		char *to = client->in + client->in_len;
		ssize_t n = wire_read(&client->wire, to, CLIENT_IN_BYTES - client->in_len);
		if (n == IO_AGAIN)
			return;
		if (n <= 0) {
			on_end(client, n);
			return;
		}
		if (client->stage == CLIENT_LEAVING)
			continue;
		client->in_len += (size_t)n;
		take_input(client);
	}
}

static void write_output(struct client *client)
{
	while (talks(client) && client_steps_has_output(client)) {
		ssize_t n = wire_write(&client->wire, client->out, CLIENT_PIECES);
		if (n == IO_ERROR)
			fail_wire(client, FAILURE_RESET);
		if (n < 0)
			return;
	}
}

static void watch(struct client *client)
{
	unsigned events = LOOP_READ;

	if (client->stage == CLIENT_CONNECT)
		events = LOOP_WRITE;
	else if (client->stage == CLIENT_HANDSHAKE)
		events = bench_tls_wants_write(client->wire.tls) ? LOOP_WRITE : LOOP_READ;
	else if (client_steps_has_output(client))
		events |= LOOP_WRITE;
	loop_watch_fd(client->watch, client->wire.fd, events);
}

static void on_event(void *of, unsigned events)
{
	struct client *client = of;

	(void)events;
	if (client->stage == CLIENT_CONNECT)
		on_connected(client);
	if (client->stage == CLIENT_HANDSHAKE)
		shake_hands(client);
	if (client->stage != CLIENT_HANDSHAKE)
		read_input(client);
	/* The reply to STARTTLS was read just now. */
	if (client->stage == CLIENT_HANDSHAKE && !client->wire.tls)
		shake_hands(client);
	write_output(client);
	if (client->stage == CLIENT_OVER)
		free_client(client);
	else
		watch(client);
}

static bool start(struct client *client)
{
	struct load *load = client->load;
	const struct addr *source = target_source(&load->target, client->unit.number);

	client->wire.fd = net_connect_from(&load->target.addr, source);
	if (client->wire.fd < 0) {
		fail_wire(client, FAILURE_CONNECT);
		return false;
	}
	client->watch = loop_watch_new(load->loop, on_event, client);
	if (!client->watch)
		client_fail(client, FAILURE_SYSTEM, 0, SLICE("out of memory"));
	return client->watch != NULL;
}

static void set_script(struct client *client)
{
	const struct load_options *options = &client->load->options;
	struct script *script = &client->script;

	script->messages = options->per_connection;
	script->pipeline = options->pipeline;
	script->bdat = options->bdat;
	script->resume = options->certificate.resume;
	if (options->scenario == SCENARIO_MIX)
		script_mix(script, &client->load->dice);
}

static struct client *new_client(struct load *load, const struct unit *unit)
{
	struct client *client = calloc(1, sizeof *client);

	if (!client)
		return NULL;
	client->load = load;
	client->unit = *unit;
	client->has_message = true;
	client->is_verbose = load->options.verbose && load->stats->connections == 1;
	client->began_us = loop_clock_us();
	set_script(client);
	return client;
}

bool client_open(struct load *load, const struct unit *unit)
{
	load->stats->connections++;
	struct client *client = new_client(load, unit);
	if (!client) {
		load->stats->failed++;
		load_failed(load, FAILURE_SYSTEM, STEP_CONNECT, 0, SLICE("out of memory"));
		return false;
	}
	if (!start(client)) {
		wire_close(&client->wire);
		free(client);
		return false;
	}
	link_client(client);
	watch(client);
	return true;
}

/* It has something to say, though nothing came. */
static void go_on(struct client *client)
{
	write_output(client);
	if (client->stage == CLIENT_OVER)
		free_client(client);
	else
		watch(client);
}

void client_resume(struct client *client, const struct unit *unit)
{
	unpark(client);
	client->unit = *unit;
	client->has_message = true;
	client_steps_go_on(client);
	go_on(client);
}

void client_retire(struct client *client)
{
	unpark(client);
	client_steps_go_on(client);
	go_on(client);
}

void client_probe(struct client *client)
{
	client_steps_noop(client);
	write_output(client);
	watch(client);
}

void client_expire(struct client *client)
{
	client_fail(client, FAILURE_TIMEOUT, 0, SLICE("the time is up"));
	free_client(client);
}

struct client *client_next(const struct client *client)
{
	return client->next;
}
