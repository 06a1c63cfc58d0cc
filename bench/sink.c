/* postern-sink: a mail server that takes everything, keeps nothing, and misbehaves on request. */
#include "base/addr.h"
#include "bench/sink_server.h"

#include <signal.h>
#include <stdlib.h>

/* `VERB[:CODE]` into the table of replies. */
static bool read_refuse(void *at, const char *text, const char **why)
{
	unsigned *refuse = at;
	size_t colon = strcspn(text, ":");
	enum moment moment = moment_named(slice_of(text, colon));
	uint64_t code;

	*why = "expected a verb that can be refused and perhaps a code, such as rcpt:550";
	if (moment == MOMENT_NONE || moment_code(moment) == 0)
		return false;
	refuse[moment] = moment_code(moment);
	if (text[colon] == '\0')
		return true;
	if (!slice_number(slice_str(text + colon + 1), &code) || code < 400 || code > 599)
		return false;
	refuse[moment] = (unsigned)code;
	return true;
}

static bool read_drop(void *at, const char *text, const char **why)
{
	bool *drop = at;
	enum moment moment = moment_named(slice_str(text));

	*why = "expected connect, text, dot, or a verb such as ehlo, mail, rcpt, data, bdat, quit";
	if (moment == MOMENT_NONE)
		return false;
	drop[moment] = true;
	return true;
}

#define AT(member) offsetof(struct sink_options, member)

static const struct arg rows[] = {
	{ .value = "ADDRESS",
	  .read = args_text,
	  .offset = AT(address),
	  .help = "where to listen: v4:port, [v6]:port, unix:/path (127.0.0.1:2525);\n"
		  "port 0 lets the system choose one" },
	{ .name = "count",
	  .value = "N",
	  .read = args_number,
	  .offset = AT(count),
	  .help = "exits after so many messages" },
	{ .name = "store",
	  .value = "DIR",
	  .read = args_text,
	  .offset = AT(store),
	  .help = "keeps message N in DIR/00000N.eml, without stuffed dots, and its\n"
		  "envelope in DIR/00000N.env, which appears when both are whole" },
	{ .name = "log",
	  .value = "FILE",
	  .read = args_text,
	  .offset = AT(log),
	  .help = "appends a transcript without message text: the connection's\n"
		  "number, then C for the client, S for the sink, or - and what happened" },
	{ .heading = "What is accepted" },
	{ .name = "auth",
	  .value = "USER:PASSWORD",
	  .read = args_text,
	  .offset = AT(rules.auth),
	  .help = "AUTH succeeds with these only (any)" },
	{ .name = "size",
	  .value = "BYTES",
	  .read = args_bytes,
	  .offset = AT(rules.size_bytes),
	  .help = "of the longest message (1G)" },
	{ .name = "hide",
	  .value = "KEYWORD",
	  .read = args_more,
	  .offset = AT(rules.hide),
	  .help = "is not announced, and its verb is refused; may be repeated" },
	{ .name = "announce",
	  .value = "'KEYWORD ARGS'",
	  .read = args_more,
	  .offset = AT(rules.announce),
	  .help = "one more line in the reply to EHLO; may be repeated" },
	{ .heading = "Misbehaviour" },
	{ .name = "every",
	  .value = "N",
	  .read = args_number,
	  .offset = AT(every),
	  .help = "only in every Nth session (in all)" },
	{ .name = "greeting-delay",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(greeting_delay_us),
	  .help = "before the greeting" },
	{ .name = "reply-delay",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(reply_delay_us),
	  .help = "before every reply" },
	{ .name = "verdict-delay",
	  .value = "TIME",
	  .read = args_time,
	  .offset = AT(verdict_delay_us),
	  .help = "before the reply to a whole message, which is kept only then" },
	{ .name = "slow",
	  .value = "BYTES",
	  .read = args_bytes,
	  .offset = AT(slow_bytes),
	  .help = "of message text are read a second" },
	{ .name = "silent",
	  .read = args_flag,
	  .offset = AT(silent),
	  .help = "accepts connections and never greets" },
	{ .name = "refuse",
	  .value = "VERB[:CODE]",
	  .read = read_refuse,
	  .offset = AT(rules.refuse),
	  .help = "connect, dot (the whole message), or a verb; 421 also closes;\n"
		  "may be repeated, for other verbs" },
	{ .name = "drop",
	  .value = "VERB",
	  .read = read_drop,
	  .offset = AT(drop),
	  .help = "closes the connection at connect, at a verb, at text (when some of\n"
		  "a message has come), or at dot (when all has); may be repeated" },
	{ .name = "lose",
	  .read = args_flag,
	  .offset = AT(lose),
	  .help = "says 250 to messages and forgets them" },
	{ .name = "double",
	  .read = args_flag,
	  .offset = AT(twice),
	  .help = "takes every message twice" },
	{ .name = "damage",
	  .read = args_flag,
	  .offset = AT(damage),
	  .help = "changes one octet of every message's body" },
};

static const struct args args = {
	.program = "postern-sink",
	.version = POSTERN_VERSION,
	.synopsis = "[OPTIONS] [ADDRESS]",
	.intro = "A mail server that accepts everything and delivers nothing, to test against.\n"
		 "It speaks plain SMTP, counts, and checks what postern-bench sends. The first\n"
		 "line it prints is 'listening on ADDRESS'.\n",
	.notes = "Times are 250ms, 2s, 1m; sizes are 512, 4K, 50M.\n\n"
		 "SIGUSR1 prints the counts as one line of JSON; SIGTERM and SIGINT do, too, and\n"
		 "end the sink. 'missing' counts the messages that a run of postern-bench said\n"
		 "it would send and that have not come, 'doubled' those that came again,\n"
		 "'damaged' those that differ from what was sent, 'incomplete' those that the\n"
		 "client did not end, 'errors' the commands that had to be refused.\n\n"
		 "Exit status: 0, or 1 when it cannot start, 2 for a wrong command line.",
	.rows = rows,
	.count = sizeof rows / sizeof *rows,
};

static void on_end(void *of, unsigned events)
{
	struct sink *sink = of;

	(void)events;
	loop_stop(sink->loop);
}

static void on_summary(void *of, unsigned events)
{
	(void)events;
	sink_server_summary(of, stdout);
}

static void run(struct sink *sink)
{
	char address[ADDR_TEXT_BYTES];

	loop_signal(sink->loop, SIGTERM, on_end, sink);
	loop_signal(sink->loop, SIGINT, on_end, sink);
	loop_signal(sink->loop, SIGUSR1, on_summary, sink);
	sink_server_address(sink, address, sizeof address);
	printf("listening on %s\n", address);
	fflush(stdout);
	loop_run(sink->loop);
	sink_server_summary(sink, stdout);
}

int main(int argc, char **argv)
{
	struct sink_options options = { .address = "127.0.0.1:2525", .rules.size_bytes = 1 << 30 };
	struct sink sink;

	switch (args_read(&args, argc, argv, &options)) {
	case ARGS_HELP:
		return EXIT_SUCCESS;
	case ARGS_BAD:
		return 2;
	case ARGS_RUN:
		break;
	}
	if (options.lose + options.twice + options.damage > 1) {
		args_complain(&args, "--lose, --double and --damage exclude each other");
		return 2;
	}
	loop_raise_files();
	bool started = sink_server_init(&sink, &options);
	if (started)
		run(&sink);
	sink_server_release(&sink);
	return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
