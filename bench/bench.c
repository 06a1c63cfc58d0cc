/* postern-bench: sends mail over many connections and says how that went. */
#include "bench/report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* The place of `text` among `count` names; false when it is none of them. */
static bool is_one_of(const char *const *names, size_t count, const char *text, size_t *place)
{
	for (*place = 0; *place < count; ++*place)
		if (strcmp(text, names[*place]) == 0)
			return true;
	return false;
}

static bool read_tls(void *at, const char *text, const char **why)
{
	static const char *const names[] = {
		[LOAD_TLS_NONE] = "none",
		[LOAD_TLS_IMPLICIT] = "implicit",
		[LOAD_TLS_STARTTLS] = "starttls",
	};
	size_t place;

	*why = "expected implicit, starttls or none";
	bool found = is_one_of(names, sizeof names / sizeof *names, text, &place);
	if (found)
		*(enum load_tls *)at = (enum load_tls)place;
	return found;
}

static bool read_scenario(void *at, const char *text, const char **why)
{
	static const char *const names[SCENARIOS] = {
		[SCENARIO_HANDSHAKE] = "handshake", [SCENARIO_SESSION] = "session",
		[SCENARIO_MESSAGES] = "messages",   [SCENARIO_BULK] = "bulk",
		[SCENARIO_IDLE] = "idle",
	};
	size_t place;

	*why = "expected handshake, session, messages, bulk or idle";
	bool found = is_one_of(names, SCENARIOS, text, &place);
	if (found)
		*(enum scenario *)at = (enum scenario)place;
	return found;
}

static bool read_idle(void *at, const char *text, const char **why)
{
	return read_scenario(at, "idle", why) && !text;
}

static bool read_version(void *at, const char *text, const char **why)
{
	*why = "expected 1.2 or 1.3";
	*(const char **)at = text;
	return strcmp(text, "1.2") == 0 || strcmp(text, "1.3") == 0;
}

/* What goes into a command: no line ends, no blanks, no brackets. */
static bool is_word(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == '<' || *text == '>')
			return false;
	return true;
}

static bool read_address(void *at, const char *text, const char **why)
{
	*why = "expected an address of at most 200 octets, without brackets";
	*(const char **)at = text;
	return strlen(text) <= 200 && is_word(text);
}

static bool read_auth(void *at, const char *text, const char **why)
{
	*why = "expected USER:PASSWORD, of at most 400 octets together";
	*(const char **)at = text;
	return strlen(text) <= 400 && strchr(text, ':');
}

#define AT(member) offsetof(struct load_options, member)

static const struct arg rows[] = {
	{ .value = "TARGET",
	  .read = args_text,
	  .offset = AT(target),
	  .help = "host:port, v4:port, [v6]:port or unix:/path" },
	{ .heading = "What is sent" },
	{ .name = "scenario",
	  .value = "NAME",
	  .read = read_scenario,
	  .offset = AT(scenario),
	  .help = "handshake, session (one message, from connecting to QUIT), messages\n"
		  "(over kept connections), bulk (large ones) or idle (messages)" },
	{ .letter = 'n',
	  .name = "messages",
	  .value = "N",
	  .read = args_number,
	  .offset = AT(messages),
	  .help = "messages (100)" },
	{ .letter = 's',
	  .name = "size",
	  .value = "BYTES",
	  .read = args_bytes,
	  .offset = AT(size_bytes),
	  .help = "of a message with its headers, which are about 350 (4K; bulk: 64M)" },
	{ .letter = 'c',
	  .name = "connections",
	  .value = "C",
	  .read = args_number,
	  .offset = AT(connections),
	  .help = "connections at a time (1)" },
	{ .letter = 'm',
	  .name = "per-connection",
	  .value = "M",
	  .read = args_number,
	  .offset = AT(per_connection),
	  .help = "messages over one connection, then QUIT and a new one (all)" },
	{ .name = "pipeline",
	  .read = args_flag,
	  .offset = AT(pipeline),
	  .help = "MAIL, RCPT and DATA in one write, behind the message before (RFC 2920)" },
	{ .name = "bdat",
	  .read = args_flag,
	  .offset = AT(bdat),
	  .help = "BDAT in place of DATA (RFC 3030)" },
	{ .name = "helo",
	  .value = "NAME",
	  .read = read_address,
	  .offset = AT(helo),
	  .help = "said in EHLO (bench.invalid)" },
	{ .name = "from",
	  .value = "ADDRESS",
	  .read = read_address,
	  .offset = AT(from),
	  .help = "the sender (sender@bench.invalid)" },
	{ .name = "to",
	  .value = "ADDRESS",
	  .read = read_address,
	  .offset = AT(to),
	  .help = "the recipient (recipient@bench.invalid)" },
	{ .name = "auth",
	  .value = "USER:PASSWORD",
	  .read = read_auth,
	  .offset = AT(auth),
	  .help = "AUTH PLAIN in every session" },
	{ .heading = "How it connects" },
	{ .name = "tls",
	  .value = "HOW",
	  .read = read_tls,
	  .offset = AT(tls),
	  .help = "implicit, starttls or none (none)" },
	{ .name = "ca",
	  .value = "FILE",
	  .read = args_text,
	  .offset = AT(certificate.ca),
	  .help = "checks the server's certificate against those in FILE; without it a\n"
		  "server on this machine is not checked, any other against the system's" },
	{ .name = "no-check",
	  .read = args_flag,
	  .offset = AT(no_check),
	  .help = "checks no certificate, wherever the server is" },
	{ .name = "name",
	  .value = "NAME",
	  .read = args_text,
	  .offset = AT(certificate.name),
	  .help = "the server's name, for SNI and the check (the host, if it is a name)" },
	{ .name = "tls-version",
	  .value = "VERSION",
	  .read = read_version,
	  .offset = AT(certificate.version),
	  .help = "1.2 or 1.3 and no other" },
	{ .name = "ciphers",
	  .value = "LIST",
	  .read = args_text,
	  .offset = AT(certificate.ciphers),
	  .help = "for TLS 1.2, by OpenSSL's names with colons between" },
	{ .name = "groups",
	  .value = "LIST",
	  .read = args_text,
	  .offset = AT(certificate.groups),
	  .help = "for the key exchange, the best first" },
	{ .name = "resume",
	  .read = args_flag,
	  .offset = AT(certificate.resume),
	  .help = "goes on with the TLS session of a connection before" },
	{ .name = "cert",
	  .value = "FILE",
	  .read = args_text,
	  .offset = AT(certificate.cert),
	  .help = "shows the certificate, with its chain, of this PEM file" },
	{ .name = "key",
	  .value = "FILE",
	  .read = args_text,
	  .offset = AT(certificate.key),
	  .help = "its key (in the same file)" },
	{ .name = "source",
	  .value = "ADDRESS,...",
	  .read = args_text,
	  .offset = AT(source),
	  .help = "connects from these in turn, such as 127.0.0.2,127.0.0.3: one gives\n"
		  "about 28000 connections to one target" },
	{ .heading = "Idle sessions" },
	{ .name = "idle",
	  .read = read_idle,
	  .offset = AT(scenario),
	  .help = "sends nothing: opens C sessions up to EHLO, prints 'holding C', waits,\n"
		  "and asks each with NOOP whether it is still there" },
	{ .name = "hold",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(hold_us),
	  .help = "how long they are held (10s)" },
	{ .heading = "The run" },
	{ .name = "timeout",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(timeout_us),
	  .help = "then it ends, whatever is not done counts as failed (10m)" },
	{ .name = "json",
	  .value = "FILE",
	  .read = args_text,
	  .offset = AT(json),
	  .help = "writes the results there, too" },
	{ .letter = 'v',
	  .name = "verbose",
	  .read = args_flag,
	  .offset = AT(verbose),
	  .help = "shows the dialogue of the first connection on stderr" },
};

static const struct args args = {
	.program = "postern-bench",
	.version = POSTERN_VERSION,
	.synopsis = "[OPTIONS] TARGET",
	.intro = "Sends messages to a mail server over many connections and reports rate,\n"
		 "errors and latencies. Every message carries a number and a checksum, which\n"
		 "postern-sink checks.\n",
	.notes = "Sizes are 512, 4K, 50M; times are 250ms, 2s, 1m. 'connect' is the time until\n"
		 "the connection is there, and secure where --tls asks for it; 'command' that\n"
		 "from a command, or a group of them, to each reply; 'message' that from MAIL\n"
		 "to the reply to the whole message.\n\n"
		 "Exit status: 0 when every message was accepted and nothing went wrong, else 1;\n"
		 "2 for a wrong command line.",
	.rows = rows,
	.count = sizeof rows / sizeof *rows,
};

static const char *contradiction(const struct load_options *options)
{
	if (!options->target)
		return "where to? Give a target such as 127.0.0.1:465";
	if (options->no_check && options->certificate.ca)
		return "--no-check and --ca exclude each other";
	if (options->certificate.key && !options->certificate.cert)
		return "--key needs --cert";
	if (options->scenario == SCENARIO_HANDSHAKE && options->tls == LOAD_TLS_NONE)
		return "--scenario handshake needs --tls implicit or --tls starttls";
	if (options->size_bytes > UINT32_MAX)
		return "--size: at most 4G";
	return NULL;
}

static bool write_json(const struct load *load)
{
	const char *path = load->options.json;

	if (!path)
		return true;
	FILE *file = fopen(path, "w");
	if (file) {
		report_json(load, file);
		if (fclose(file) == 0)
			return true;
	}
	fprintf(stderr, "postern-bench: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

static void on_end(void *of, unsigned events)
{
	(void)events;
	load_stop(of);
}

/* True when all went well. */
static bool run(struct load *load)
{
	loop_signal(load->loop, SIGTERM, on_end, load);
	loop_signal(load->loop, SIGINT, on_end, load);
	load_run(load);
	report_table(load, stdout);
	return write_json(load) && load_is_good(load);
}

int main(int argc, char **argv)
{
	struct load_options options = {
		.messages = 100,
		.connections = 1,
		.helo = "bench.invalid",
		.from = "sender@bench.invalid",
		.to = "recipient@bench.invalid",
		.timeout_us = 600000000,
		.hold_us = 10000000,
	};

	switch (args_read(&args, argc, argv, &options)) {
	case ARGS_HELP:
		return EXIT_SUCCESS;
	case ARGS_BAD:
		return 2;
	case ARGS_RUN:
		break;
	}
	const char *why = contradiction(&options);
	if (why) {
		args_complain(&args, why);
		return 2;
	}
	if (options.scenario == SCENARIO_SESSION)
		options.per_connection = 1;
	if (options.size_bytes == 0)
		options.size_bytes = options.scenario == SCENARIO_BULK ? 64 << 20 : 4096;
	loop_raise_files();
	/* OpenSSL writes with write(2). */
	signal(SIGPIPE, SIG_IGN);
	struct load *load = malloc(sizeof *load);
	bool good = load && load_init(load, &options) && run(load);
	if (load)
		load_release(load);
	free(load);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
