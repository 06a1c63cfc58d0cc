/* postern-bench: sends mail over many connections and says how that went. */
#include "bench/report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static bool read_tls(void *at, const char *text, const char **why)
{
	static const char *const names[] = {
		[LOAD_TLS_NONE] = "none",
		[LOAD_TLS_IMPLICIT] = "implicit",
		[LOAD_TLS_STARTTLS] = "starttls",
	};

	*why = "expected implicit, starttls or none";
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*(enum load_tls *)at = (enum load_tls)i;
		return true;
	}
	return false;
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
	  .help = "of a message with its headers, which are about 350 (4K)" },
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
	  .help = "MAIL, RCPT and DATA in one write (RFC 2920)" },
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
	{ .name = "source",
	  .value = "ADDRESS,...",
	  .read = args_text,
	  .offset = AT(source),
	  .help = "connects from these in turn, such as 127.0.0.2,127.0.0.3: one gives\n"
		  "about 28000 connections to one target" },
	{ .heading = "Idle sessions" },
	{ .name = "idle",
	  .read = args_flag,
	  .offset = AT(idle),
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
		.size_bytes = 4096,
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
