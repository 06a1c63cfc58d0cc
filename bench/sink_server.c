#include "bench/sink_server.h"
#include "base/net.h"
#include "bench/sink_conn.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	ACCEPTS = 64,          /* at most so many before the connections get their turn */
	IDLE_PIECES = 256,     /* of memory for buffers, kept */
	SLOW_BUFFER = 32768,   /* the kernel's, so that a slow reader is felt at the other end */
	PAUSE_US = 100000,     /* when there are no descriptors left */
	FAREWELL_US = 1000000, /* for the connections that are open when the count is reached */
};

static void on_connection(void *of, unsigned events)
{
	struct sink *sink = of;
	struct addr client;

	(void)events;
	loop_watch_fd(sink->accepting, sink->listener, LOOP_READ);
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = net_accept(sink->listener, &client);
		if (fd == IO_ERROR && (errno == EMFILE || errno == ENFILE)) {
			loop_watch_fd(sink->accepting, -1, 0);
			loop_watch_until(sink->accepting, loop_clock_us() + PAUSE_US);
		}
		if (fd < 0)
			return;
		sink_conn_open(sink, fd, &client);
	}
}

static void on_farewell(void *of, unsigned events)
{
	struct sink *sink = of;

	(void)events;
	loop_stop(sink->loop);
}

static bool complain(const char *what, const char *of, const char *why)
{
	fprintf(stderr, "postern-sink: %s %s: %s\n", what, of, why);
	return false;
}

static bool start_listening(struct sink *sink)
{
	const char *why, *text = sink->options.address;
	int bytes = SLOW_BUFFER;
	struct addr addr;

	if (!addr_parse(slice_str(text), &addr, &why))
		return complain("cannot read the address", text, why);
	sink->listener = net_listen(&addr, BACKLOG, false);
	if (sink->listener < 0)
		return complain("cannot listen on", text, strerror(errno));
	if (sink->options.slow_bytes > 0)
		setsockopt(sink->listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	loop_watch_fd(sink->accepting, sink->listener, LOOP_READ);
	return true;
}

bool sink_server_init(struct sink *sink, const struct sink_options *options)
{
	*sink = (struct sink){ .options = *options, .listener = -1 };
	if (!pool_init(&sink->pool, IDLE_PIECES))
		return complain("cannot start", "", strerror(ENOMEM));
	if (!mailbox_init(&sink->box, options->store))
		return complain("cannot store messages in", options->store, strerror(errno));
	if (options->log) {
		sink->log = fopen(options->log, "a");
		if (!sink->log)
			return complain("cannot write", options->log, strerror(errno));
		setvbuf(sink->log, NULL, _IOLBF, 0);
	}
	sink->loop = loop_new();
	if (sink->loop) {
		sink->accepting = loop_watch_new(sink->loop, on_connection, sink);
		sink->ending = loop_watch_new(sink->loop, on_farewell, sink);
	}
	if (!sink->accepting || !sink->ending)
		return complain("cannot start", "", strerror(ENOMEM));
	return start_listening(sink);
}

void sink_server_release(struct sink *sink)
{
	while (sink->conns)
		sink_conn_close(sink->conns);
	loop_watch_free(sink->accepting);
	loop_watch_free(sink->ending);
	if (sink->listener >= 0)
		close(sink->listener);
	loop_free(sink->loop);
	if (sink->log)
		fclose(sink->log);
	mailbox_release(&sink->box);
	pool_release(&sink->pool);
}

void sink_server_address(const struct sink *sink, char *text, size_t size)
{
	struct addr addr = { .len = sizeof addr.local };

	if (getsockname(sink->listener, &addr.any, &addr.len) == 0)
		addr_format(&addr, text, size);
	else
		snprintf(text, size, "%s", sink->options.address);
}

void sink_server_settle(struct sink *sink)
{
	if (sink->options.count == 0 || sink->box.messages < sink->options.count)
		return;
	if (!sink->is_ending) {
		sink->is_ending = true;
		loop_watch_fd(sink->accepting, -1, 0);
		loop_watch_until(sink->accepting, LOOP_NEVER);
		loop_watch_until(sink->ending, loop_clock_us() + FAREWELL_US);
	}
	if (sink->open == 0)
		loop_stop(sink->loop);
}

void sink_server_summary(const struct sink *sink, FILE *to)
{
	const struct mailbox *box = &sink->box;
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{ "sessions", sink->sessions },
		{ "open", sink->open },
		{ "messages", box->messages },
		{ "recipients", box->recipients },
		{ "bytes", box->bytes },
		{ "errors", sink->errors + sink_conn_errors(sink) },
		{ "resets", sink->resets },
		{ "dropped", sink->dropped },
		{ "incomplete", box->incomplete },
		{ "checked", box->checked },
		{ "damaged", box->damaged },
		{ "doubled", tally_doubled(&box->tally) },
		{ "missing", tally_missing(&box->tally) },
		{ "untracked", box->tally.untracked },
	};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		fprintf(to, "%s\"%s\": %" PRIu64, i ? ", " : "{", counts[i].name, counts[i].value);
	fputs("}\n", to);
	fflush(to);
}

void sink_server_log(const struct sink *sink, uint64_t connection, char mark, struct slice text)
{
	if (!sink->log)
		return;
	fprintf(sink->log, "%" PRIu64 " %c ", connection, mark);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < ' ' || c == 127)
			fprintf(sink->log, "\\x%02x", c);
		else
			putc(c, sink->log);
	}
	putc('\n', sink->log);
}
