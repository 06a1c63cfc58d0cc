#include "bench/options.h"

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

static const struct {
	const char *name;
	const char *unit;
} scenarios[SCENARIOS] = {
	[SCENARIO_UNSET] = { "", "" },
	[SCENARIO_MIX] = { "mix", "messages" },
	[SCENARIO_HANDSHAKE] = { "handshake", "handshakes" },
	[SCENARIO_SESSION] = { "session", "sessions" },
	[SCENARIO_MESSAGES] = { "messages", "messages" },
	[SCENARIO_BULK] = { "bulk", "messages" },
	[SCENARIO_IDLE] = { "idle", "sessions" },
};

const char *scenario_name(enum scenario scenario)
{
	return scenarios[scenario].name;
}

const char *scenario_unit(enum scenario scenario)
{
	return scenarios[scenario].unit;
}

static bool read_scenario(void *at, const char *text, const char **why)
{
	*why = "expected mix, handshake, session, messages, bulk or idle";
	for (int i = SCENARIO_MIX; i < SCENARIOS; i++) {
		if (strcmp(text, scenarios[i].name) != 0)
			continue;
		*(enum scenario *)at = (enum scenario)i;
		return true;
	}
	return false;
}

static bool read_idle(void *at, const char *text, const char **why)
{
	(void)text;
	return read_scenario(at, "idle", why);
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

static bool read_loops(void *at, const char *text, const char **why)
{
	uint64_t *loops = at;

	return args_number(at, text, why) && *loops <= OPTIONS_LOOPS_MAX;
}

static bool read_pid(void *at, const char *text, const char **why)
{
	struct options_pids *pids = at;

	*why = "expected the number of a process, at most 8 times";
	return pids->count < OPTIONS_OBSERVED_MAX &&
	       args_number(&pids->pid[pids->count++], text, why);
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
	  .help = "mix (of sizes and behaviours, as mail is), handshake, session (one\n"
		  "message, from connecting to QUIT), messages (over kept connections),\n"
		  "bulk (large ones) or idle (mix; messages where an option of theirs is\n"
		  "given: -s, -m, --pipeline, --bdat)" },
	{ .letter = 'n',
	  .name = "messages",
	  .value = "N",
	  .read = args_number,
	  .offset = AT(messages),
	  .help = "messages, handshakes or sessions (100; with --duration any number)" },
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
	  .help = "connections at a time (1; with --rate at most 1000)" },
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
	{ .name = "suites",
	  .value = "LIST",
	  .read = args_text,
	  .offset = AT(certificate.suites),
	  .help = "the same for TLS 1.3" },
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
	{ .name = "rate",
	  .value = "N",
	  .read = args_number,
	  .offset = AT(rate),
	  .help = "begins N a second, at random times that are kept whatever the answers;\n"
		  "durations count from then (as fast as -c connections can)" },
	{ .name = "duration",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(duration_us),
	  .help = "begins nothing more after it" },
	{ .name = "warmup",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(warmup_us),
	  .help = "comes before; nothing of it is measured (0s)" },
	{ .name = "ramp",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(ramp_us),
	  .help = "until the rate, or the connections, are what they shall be (0s)" },
	{ .name = "loops",
	  .value = "N",
	  .read = read_loops,
	  .offset = AT(loops),
	  .help = "processes that share the work, for several cores (1)" },
	{ .name = "seed",
	  .value = "N",
	  .read = args_number,
	  .offset = AT(seed),
	  .help = "of the mix and of the times: the same seed, the same dice (random)" },
	{ .name = "sink",
	  .value = "ADDRESS",
	  .read = args_text,
	  .offset = AT(sink),
	  .help = "asks postern-sink there in the end: lost, doubled or damaged messages\n"
		  "make the run a failure" },
	{ .name = "observe",
	  .value = "PID",
	  .read = read_pid,
	  .offset = AT(observe),
	  .help = "measures CPU time and memory of that process and its children; may be\n"
		  "repeated" },
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
	{ .name = "html",
	  .value = "FILE",
	  .read = args_text,
	  .offset = AT(html),
	  .help = "writes a page with plots" },
	{ .letter = 'v',
	  .name = "verbose",
	  .read = args_flag,
	  .offset = AT(verbose),
	  .help = "shows the dialogue of the first connection on stderr" },
};

static const struct args args = {
	.program = "postern-bench",
	.version = POSTERN_VERSION,
	.synopsis = "[OPTIONS] TARGET\n       postern-bench compare A.json B.json",
	.intro = "Sends messages to a mail server over many connections and reports rate,\n"
		 "errors and latencies. Every message carries a number and a checksum, which\n"
		 "postern-sink checks.\n",
	.notes = "Sizes are 512, 4K, 50M; times are 250ms, 2s, 1m. 'connect' is the time until\n"
		 "the connection is there, and secure where --tls asks for it; 'command' that\n"
		 "from a command, or a group of them, to each reply; 'message' that from MAIL\n"
		 "to the reply to the whole message; of --scenario handshake and session the\n"
		 "whole from connecting on; with --rate all from when it was due.\n\n"
		 "Exit status: 0 when all that was begun was done, nothing went wrong, and the\n"
		 "sink has every message that was said 250 to once and whole; else 1; 2 for a\n"
		 "wrong command line.",
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
	if (options->scenario == SCENARIO_IDLE && (options->rate || options->duration_us))
		return "--scenario idle has no --rate and no --duration: it has --hold";
	if (options->size_bytes > UINT32_MAX)
		return "--size: at most 4G";
	return NULL;
}

static bool has_sort(const struct load_options *options)
{
	return options->size_bytes || options->per_connection || options->pipeline || options->bdat;
}

/* What one option says of others. */
static void complete(struct load_options *options)
{
	if (options->scenario == SCENARIO_UNSET)
		options->scenario = has_sort(options) ? SCENARIO_MESSAGES : SCENARIO_MIX;
	if (options->scenario == SCENARIO_SESSION)
		options->per_connection = 1;
	if (options->scenario == SCENARIO_MIX)
		options->certificate.resume = true;
	else if (options->size_bytes == 0)
		options->size_bytes = options->scenario == SCENARIO_BULK ? 64 << 20 : 4096;
	if (options->messages == 0 && options->duration_us == 0)
		options->messages = 100;
	if (options->connections == 0)
		options->connections = options->rate ? 1000 : 1;
	if (options->loops > options->connections)
		options->loops = options->connections;
}

enum args_end options_read(struct load_options *options, int argc, char **argv)
{
	*options = (struct load_options){
		.loops = 1,
		.helo = "bench.invalid",
		.from = "sender@bench.invalid",
		.to = "recipient@bench.invalid",
		.timeout_us = 600000000,
		.hold_us = 10000000,
	};
	enum args_end end = args_read(&args, argc, argv, options);
	const char *why = end == ARGS_RUN ? contradiction(options) : NULL;
	if (why) {
		args_complain(&args, why);
		return ARGS_BAD;
	}
	complete(options);
	return end;
}
