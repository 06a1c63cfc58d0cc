#include "bench/sink_conn.h"
#include "base/net.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	REPLIES_BYTES = 16 * 1024, /* waiting to be written: more commands are not read before */
	LINGER_US = 2000000,       /* how long the client may take to close after the last reply */
	TICK_US = 50000,           /* how often a slow reader reads */
};

/* Why it ended, in the transcript's words. */
enum end { END_NONE, END_EOF, END_RESET, END_DROPPED, END_LINGERED };

static const char *const end_words[] = {
	[END_NONE] = "open at the end of the sink",
	[END_EOF] = "closed by the client",
	[END_RESET] = "reset",
	[END_DROPPED] = "dropped on request",
	[END_LINGERED] = "closed",
};

struct sink_conn {
	struct sink *sink;
	struct sink_conn *next;
	struct sink_conn *previous;
	uint64_t number;
	int fd;
	struct loop_watch *watch;
	struct buf in;  /* all of it waits for the dialogue */
	struct buf out; /* all of it may leave */
	struct dialog dialog;
	struct mail mail;
	bool misbehaves;
	bool has_waited;  /* for the moment that comes next */
	bool is_finished; /* the last reply has left */
	bool has_eof;
	uint64_t due_us; /* nothing is handled before; LOOP_NEVER: now */
	enum end end;
};

static void log_text(const struct sink_conn *conn, char mark, struct slice text)
{
	sink_server_log(conn->sink, conn->number, mark, text);
}

static void log_replies(const struct sink_conn *conn, struct slice text)
{
	while (conn->sink->log && text.len > 0) {
		size_t lf = slice_find(text, '\n', 0);
		log_text(conn, 'S', slice_head(text, lf > 0 ? lf - 1 : 0));
		text = slice_skip(text, lf + 1);
	}
}

static void unlink_conn(struct sink_conn *conn)
{
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		conn->sink->conns = conn->next;
	if (conn->next)
		conn->next->previous = conn->previous;
}

uint64_t sink_conn_errors(const struct sink *sink)
{
	uint64_t errors = 0;

	for (const struct sink_conn *conn = sink->conns; conn; conn = conn->next)
		errors += conn->dialog.errors;
	return errors;
}

void sink_conn_close(struct sink_conn *conn)
{
	struct sink *sink = conn->sink;

	if (conn->mail.has_text && conn->end != END_DROPPED) {
		sink->box.incomplete++;
		log_text(conn, '-', SLICE("incomplete message dropped"));
	}
	log_text(conn, '-', slice_str(end_words[conn->end]));
	sink->resets += conn->end == END_RESET;
	sink->dropped += conn->end == END_DROPPED;
	sink->errors += conn->dialog.errors;
	sink->open--;
	unlink_conn(conn);
	mail_release(&conn->mail);
	buf_drop(&conn->in);
	buf_drop(&conn->out);
	buf_return(&conn->in, &sink->pool);
	buf_return(&conn->out, &sink->pool);
	loop_watch_free(conn->watch);
	close(conn->fd);
	free(conn);
	sink_server_settle(sink);
}

static bool is_slow(const struct sink_conn *conn)
{
	return conn->misbehaves && conn->sink->options.slow_bytes > 0 &&
	       dialog_in_text(&conn->dialog);
}

/* A slow reader takes `quota` bytes and then waits `tick_us`. */
static size_t slow_quota(const struct sink_conn *conn, uint64_t *tick_us)
{
	uint64_t rate = conn->sink->options.slow_bytes;
	uint64_t quota = rate * TICK_US / 1000000;

	if (quota == 0)
		quota = 1;
	*tick_us = quota * 1000000 / rate;
	return (size_t)quota;
}

static bool wants_input(const struct sink_conn *conn)
{
	size_t held = buf_waiting(&conn->in).len;

	if (conn->has_eof)
		return false;
	return is_slow(conn) ? held == 0 && conn->due_us == LOOP_NEVER : held < BUF_WAIT_BYTES;
}

/* Reads once: the loop comes back while there is more, and others get their turn. */
static void read_input(struct sink_conn *conn)
{
	uint64_t tick_us;
	size_t room;

	if (!buf_borrow(&conn->in, &conn->sink->pool)) {
		conn->end = END_RESET;
		return;
	}
	char *to = buf_room(&conn->in, &room);
	if (is_slow(conn) && slow_quota(conn, &tick_us) < room)
		room = slow_quota(conn, &tick_us);
	ssize_t n = net_read(conn->fd, to, room);
	if (n > 0)
		buf_fill(&conn->in, (size_t)n);
	else if (n == IO_EOF)
		conn->has_eof = true;
	else if (n == IO_ERROR)
		conn->end = END_RESET;
	if (conn->is_finished)
		buf_drop(&conn->in);
	buf_return(&conn->in, &conn->sink->pool);
}

static void write_output(struct sink_conn *conn)
{
	while (!buf_empty(&conn->out)) {
		ssize_t n = net_write(conn->fd, buf_leaving(&conn->out));
		if (n == IO_ERROR)
			conn->end = END_RESET;
		if (n <= 0)
			return;
		buf_take(&conn->out, (size_t)n);
	}
	buf_return(&conn->out, &conn->sink->pool);
}

static uint64_t delay_us(const struct sink_conn *conn, enum moment moment)
{
	const struct sink_options *options = &conn->sink->options;

	if (!conn->misbehaves)
		return 0;
	switch (moment_delay(moment)) {
	case DELAY_GREETING:
		return options->greeting_delay_us;
	case DELAY_REPLY:
		return options->reply_delay_us;
	case DELAY_VERDICT:
		return options->verdict_delay_us ? options->verdict_delay_us
						 : options->reply_delay_us;
	case DELAY_NONE:
		break;
	}
	return 0;
}

/* True when the moment is not to be handled yet, or never. */
static bool must_wait(struct sink_conn *conn, enum moment moment)
{
	if (conn->misbehaves && conn->sink->options.silent)
		return true;
	uint64_t delay = conn->has_waited ? 0 : delay_us(conn, moment);
	if (delay > 0) {
		conn->has_waited = true;
		conn->due_us = loop_clock_us() + delay;
	}
	return delay > 0;
}

static void say(struct sink_conn *conn, struct slice text)
{
	if (text.len == 0)
		return;
	log_replies(conn, text);
	if (!buf_borrow(&conn->out, &conn->sink->pool) || !buf_swap(&conn->out, 0, text))
		conn->end = END_RESET;
}

static bool has_many_replies(const struct sink_conn *conn)
{
	return buf_leaving(&conn->out).len >= REPLIES_BYTES;
}

static void take(struct sink_conn *conn, struct dialog_look *look)
{
	struct dialog_reply reply;
	uint64_t tick_us;

	if (look->line.ptr)
		log_text(conn, 'C', look->line);
	if (look->moment == MOMENT_TEXT && is_slow(conn)) {
		look->bytes = slice_head(look->bytes, slow_quota(conn, &tick_us));
		conn->due_us = loop_clock_us() + tick_us;
	}
	size_t n = dialog_take(&conn->dialog, look, &reply);
	buf_pass(&conn->in, n);
	buf_take(&conn->in, n);
	conn->has_waited = false;
	say(conn, slice_of(reply.text, reply.len));
}

/* All that has come, or as much as may be handled before replies are written. */
static void handle_input(struct sink_conn *conn)
{
	while (conn->end == END_NONE && conn->due_us == LOOP_NEVER && !has_many_replies(conn)) {
		struct dialog_look look = dialog_look(&conn->dialog, buf_waiting(&conn->in));
		if (look.moment == MOMENT_NONE || must_wait(conn, look.moment))
			break;
		if (conn->misbehaves && conn->sink->options.drop[look.moment])
			conn->end = END_DROPPED;
		else
			take(conn, &look);
	}
	if (conn->dialog.at == DIALOG_END)
		buf_drop(&conn->in);
	buf_return(&conn->in, &conn->sink->pool);
}

/* Replies leave together, when there is nothing more to handle or they have become many. */
static void pump(struct sink_conn *conn)
{
	bool had_many;

	do {
		handle_input(conn);
		had_many = has_many_replies(conn);
		if (conn->end == END_NONE)
			write_output(conn);
	} while (had_many && buf_empty(&conn->out));
}

/* After the last reply: FIN, then whatever still comes is read, for unread input would mean RST. */
static void finish(struct sink_conn *conn)
{
	net_finish(conn->fd);
	conn->is_finished = true;
	conn->due_us = loop_clock_us() + LINGER_US;
}

/* There is nothing more to come and nothing to wait for. */
static bool is_over(const struct sink_conn *conn)
{
	if (conn->is_finished)
		return conn->has_eof || conn->due_us == LOOP_NEVER;
	return conn->has_eof && conn->due_us == LOOP_NEVER && buf_empty(&conn->out);
}

static void watch(struct sink_conn *conn)
{
	unsigned events = 0;

	if (wants_input(conn))
		events |= LOOP_READ;
	if (!buf_empty(&conn->out))
		events |= LOOP_WRITE;
	loop_watch_fd(conn->watch, conn->fd, events);
	loop_watch_until(conn->watch, conn->due_us);
}

static void on_event(void *of, unsigned events)
{
	struct sink_conn *conn = of;

	if (events & LOOP_TIMER)
		conn->due_us = LOOP_NEVER;
	if (events & LOOP_READ)
		read_input(conn);
	if (!conn->is_finished)
		pump(conn);
	if (conn->dialog.at == DIALOG_END && buf_empty(&conn->out) && !conn->is_finished)
		finish(conn);
	if (conn->end == END_NONE && is_over(conn))
		conn->end = conn->is_finished ? END_LINGERED : END_EOF;
	if (conn->end == END_NONE) {
		watch(conn);
		sink_server_settle(conn->sink);
	} else {
		sink_conn_close(conn);
	}
}

static void link_conn(struct sink_conn *conn)
{
	struct sink *sink = conn->sink;

	conn->next = sink->conns;
	if (conn->next)
		conn->next->previous = conn;
	sink->conns = conn;
	sink->open++;
}

static enum mail_lie lie_of(const struct sink_options *options)
{
	if (options->lose)
		return MAIL_LOSE;
	if (options->twice)
		return MAIL_DOUBLE;
	return options->damage ? MAIL_DAMAGE : MAIL_HONEST;
}

static void log_open(const struct sink_conn *conn, const struct addr *client)
{
	char text[ADDR_TEXT_BYTES + 16] = "connected from ";
	size_t len = strlen(text);

	if (!conn->sink->log)
		return;
	addr_format(client, text + len, sizeof text - len);
	log_text(conn, '-', slice_str(text));
}

void sink_conn_open(struct sink *sink, int fd, const struct addr *client)
{
	const struct sink_options *options = &sink->options;
	struct sink_conn *conn = calloc(1, sizeof *conn);
	struct loop_watch *watch = conn ? loop_watch_new(sink->loop, on_event, conn) : NULL;

	if (!watch) {
		free(conn);
		close(fd);
		return;
	}
	conn->sink = sink;
	conn->fd = fd;
	conn->watch = watch;
	conn->number = ++sink->sessions;
	conn->misbehaves = options->every == 0 || conn->number % options->every == 0;
	mail_init(&conn->mail, &sink->box, conn->number,
		  conn->misbehaves ? lie_of(options) : MAIL_HONEST);
	dialog_init(&conn->dialog, &options->rules, &conn->mail, conn->misbehaves);
	link_conn(conn);
	log_open(conn, client);
	on_event(conn, 0);
}
