/* The client's bytes: commands, continuations of AUTH, message text, octets of BDAT. */
#include "proxy/smtp/command.h"
#include "proxy/smtp/ehlo.h"
#include "proxy/smtp/helo.h"
#include "proxy/smtp/message.h"
#include "proxy/smtp/owed.h"
#include "proxy/smtp/say.h"
#include "proxy/smtp/smtp.h"
#include "proxy/smtp/tally.h"
#include "proxy/smtp/verbs.h"
#include "proxy/smtp/writer.h"

static void pass(struct smtp_step *step, size_t len)
{
	step->act = SMTP_PASS;
	step->len = len;
}

static void swap(struct smtp_step *step, size_t len, struct slice text)
{
	step->act = SMTP_SWAP;
	step->len = len;
	step->text = text;
}

/* The first line of a session shows who speaks: HTTP and TLS are no SMTP (ALPACA). */
static bool is_foreign(struct smtp *smtp, struct slice waiting, bool *maybe)
{
	enum http_found http = http_match(waiting);

	*maybe = http == HTTP_MAYBE;
	if (!smtp->secured && waiting.ptr[0] == 0x16)
		end_next(smtp, SAY_TLS_ON_PLAIN);
	else if (http == HTTP_YES)
		end_next(smtp, SAY_HTTP);
	else
		return false;
	return true;
}

static void before_greeting(struct smtp *smtp, struct slice waiting)
{
	bool maybe;

	if (is_foreign(smtp, waiting, &maybe))
		return;
	smtp->talked = true;
	if (!maybe && !smtp->policy->tolerate_early_talker)
		end_next(smtp, SAY_EARLY_TALKER);
}

/* Postern answers instead of the server; octets behind a refused BDAT are swallowed. */
static void refuse(struct smtp *smtp, const struct command *command, uint8_t say,
		   struct smtp_step *step)
{
	uint64_t limit = smtp->policy->message_size;
	bool chunk = command->verb == VERB_BDAT && !command->bad_chunk;

	swap(step, command->len, SLICE(""));
	if (command->verb == VERB_EHLO || command->verb == VERB_HELO)
		helo_take(smtp, command);
	/* What ends the session ends it behind the octets, too, where these are not too many. */
	bool ends = say_ending(say) != END_NONE && say != SAY_TEXT_SIZE;
	if (chunk && command->chunk > 0 && !ends && (limit == 0 || command->chunk <= limit)) {
		smtp->skip_say = say;
		smtp->skip_late_say = say == SAY_TEXT_SIZE ? say : SAY_IDLE;
		smtp->mode = SMTP_MODE_SKIP_CHUNK;
		smtp->chunk_left = command->chunk;
		return;
	}
	owed_say(smtp, (uint8_t)command->verb, say);
	if (chunk && command->chunk > 0 && say_ending(say) == END_NONE)
		owed_say(smtp, VERB_BDAT, SAY_CHUNK_HUGE);
}

enum size_edit { SIZE_KEEP, SIZE_STRIP, SIZE_RAISE };

/* SIZE that the server did not offer is taken out; where a field is put in, it counts. */
static enum size_edit size_edit(const struct smtp *smtp, const struct command *command)
{
	bool strip = !(smtp->server_keywords & KEYWORD_BIT(KEYWORD_SIZE)) &&
		     (smtp->client_keywords & KEYWORD_BIT(KEYWORD_SIZE));

	if (command->verb != VERB_MAIL)
		return SIZE_KEEP;
	return strip ? SIZE_STRIP : smtp->policy->trace ? SIZE_RAISE : SIZE_KEEP;
}

/* Writes the line from `from` on up to behind SIZE's parameter, with what becomes of that. */
static void edit_parameter(struct writer *w, enum size_edit edit, const char *from,
			   struct slice parameter)
{
	struct slice value = slice_skip(parameter, slice_find(parameter, '=', 0) + 1);
	const char *end = parameter.ptr + parameter.len;
	uint64_t size = 0;

	if (edit == SIZE_STRIP) {
		for (end = parameter.ptr; end > from && (end[-1] == ' ' || end[-1] == '\t');)
			end--;
		write_slice(w, slice_of(from, (size_t)(end - from)));
	} else if (slice_number(value, &size) && size <= UINT64_MAX - TRACE_MOST_BYTES) {
		write_slice(w, slice_of(from, (size_t)(value.ptr - from)));
		write_number(w, size + TRACE_MOST_BYTES);
	} else {
		write_slice(w, slice_of(from, (size_t)(end - from)));
	}
}

/* The command as it goes on: SIZE as it must be, a bare LF mended. */
static void pass_line(struct smtp *smtp, const struct command *command, struct smtp_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };
	enum size_edit edit = size_edit(smtp, command);
	struct slice rest = SLICE(""), parameter;
	const char *from = command->line.ptr, *end = command->line.ptr + command->line.len;

	if (edit == SIZE_KEEP && !command->bare_lf) {
		pass(step, command->len);
		return;
	}
	if (edit != SIZE_KEEP)
		rest = command_parameters(command);
	while ((parameter = slice_word(&rest)).len > 0) {
		size_t equals = slice_find(parameter, '=', 0);
		if (keyword_of_parameter(slice_head(parameter, equals)) != KEYWORD_SIZE)
			continue;
		edit_parameter(&w, edit, from, parameter);
		from = parameter.ptr + parameter.len;
	}
	write_slice(&w, slice_of(from, (size_t)(end - from)));
	write_str(&w, "\r\n");
	swap(step, command->len, slice_of(w.to, w.len));
}

/* STARTTLS is Postern's to answer. */
static void starttls(struct smtp *smtp, const struct command *command, struct smtp_step *step)
{
	swap(step, command->len, SLICE(""));
	owed_say(smtp, VERB_STARTTLS, SAY_STARTTLS);
	smtp->mode = SMTP_MODE_HOLD_TLS;
}

static void run_command(struct smtp *smtp, const struct command *command, struct smtp_step *step)
{
	const struct verb_row *row = &verbs[command->verb];
	uint8_t say = policy_refusal(smtp, command);

	smtp->turn++;
	smtp->first = false;
	tally_command(smtp, command->verb);
	if (say != SAY_NONE) {
		refuse(smtp, command, say, step);
	} else if (command->verb == VERB_STARTTLS) {
		starttls(smtp, command, step);
	} else if (smtp->server == SMTP_SERVER_REFUSING) {
		swap(step, command->len, SLICE(""));
		owed_add(smtp, (uint8_t)command->verb)->flags = OWED_REFUSAL;
		smtp->mode = SMTP_MODE_DISCARD;
	} else {
		if (!trace_chunk(smtp, command, step))
			pass_line(smtp, command, step);
		owed_add(smtp, (uint8_t)command->verb);
		if (row->passed)
			row->passed(smtp, command);
	}
}

/* The server takes no command now: it is not there, or knows no PIPELINING and has not answered. */
static bool server_busy(const struct smtp *smtp)
{
	bool pipelines = smtp->server_keywords & KEYWORD_BIT(KEYWORD_PIPELINING);

	return smtp->server == SMTP_SERVER_WANTED || (smtp->owed_by_server > 0 && !pipelines);
}

static void read_command(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct command command;
	uint8_t say = SAY_NONE;
	size_t len = 0;
	bool maybe;

	if (!smtp->greeted) {
		before_greeting(smtp, waiting);
		return;
	}
	if (!owed_has_room(smtp))
		return;
	if (smtp->first && is_foreign(smtp, waiting, &maybe))
		return;
	enum line_found found =
		line_read(waiting, false, smtp->policy->normalize, &smtp->line_scanned, &len, &say);
	if (found == LINE_BAD)
		owed_say(smtp, VERB_UNKNOWN, say);
	if (found != LINE_WHOLE || server_busy(smtp))
		return;
	command_read(&command, smtp->policy, waiting, len);
	if (!trace_waits(smtp, &command))
		run_command(smtp, &command, step);
}

/* RFC 2920 section 3.1: these commands end a group, since their reply decides how to go on. */
static void read_held(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	(void)waiting, (void)step;
	smtp->held_input = true;
	if (smtp->policy->tolerate_pipelining)
		return;
	owed_drop_tail(smtp);
	owed_say(smtp, VERB_UNKNOWN, SAY_PIPELINING);
}

static void read_held_tls(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	(void)waiting, (void)step;
	owed_drop_tail(smtp);
	owed_say(smtp, VERB_UNKNOWN, SAY_STARTTLS_INJECTION);
}

static void read_nothing(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	(void)smtp, (void)waiting, (void)step;
}

static void read_sasl(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct command command = { .verb = VERB_AUTH };
	uint8_t say = SAY_NONE;
	enum line_found found = line_read(waiting, true, smtp->policy->normalize,
					  &smtp->line_scanned, &command.len, &say);

	if (found == LINE_BAD)
		owed_say(smtp, VERB_UNKNOWN, say);
	if (found != LINE_WHOLE)
		return;
	command.line = slice_head(waiting, command.len - 1);
	command.bare_lf = command.line.len == 0 || command.line.ptr[command.line.len - 1] != '\r';
	command.line.len -= command.bare_lf ? 0 : 1;
	pass_line(smtp, &command, step);
	owed_add(smtp, VERB_AUTH);
	smtp->mode = SMTP_MODE_HOLD;
	smtp->turn++;
}

/* The server is cut before the doubtful byte; the client is answered at its own end of data. */
static void cut_text(struct smtp *smtp, enum text_found found, struct smtp_step *step)
{
	static const uint8_t says[TEXT_FOUND_COUNT] = {
		[TEXT_BARE] = SAY_TEXT_NEWLINE,
		[TEXT_NUL] = SAY_TEXT_NUL,
		[TEXT_OVER] = SAY_TEXT_SIZE,
	};

	step->act = SMTP_CUT;
	smtp->skip_say = smtp->skip_late_say = says[found];
	smtp->server = SMTP_SERVER_GONE;
	smtp->mode = SMTP_MODE_SKIP_TEXT;
	owed_clear(smtp);
}

static void text_ended(struct smtp *smtp)
{
	struct owed *owed = owed_tail(smtp);

	owed->flags |= OWED_WHOLE;
	owed->bytes = smtp->text.bytes < UINT32_MAX ? (uint32_t)smtp->text.bytes : UINT32_MAX;
	smtp->mail = SMTP_MAIL_NONE;
	smtp->mode = SMTP_MODE_COMMAND;
	smtp->unfinished = false;
	smtp->turn++;
}

static void read_text(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	uint64_t limit = smtp->policy->message_size > 0 ? smtp->policy->message_size : UINT64_MAX;
	enum text_found found = TEXT_MORE;
	size_t n, made = SIZE_MAX;

	if (smtp->trace.at != TRACE_NONE) {
		trace_text(smtp, waiting, step);
		return;
	}
	if (smtp->policy->normalize)
		n = text_mend(&smtp->text, waiting, limit, step->room, step->room_size, &made,
			      &found);
	else
		n = text_scan(&smtp->text, waiting, limit, &found);
	if (n > 0 && made == SIZE_MAX)
		pass(step, n);
	else if (n > 0)
		swap(step, n, slice_of(step->room, made));
	if (found == TEXT_END)
		text_ended(smtp);
	else if (n == 0 && found != TEXT_MORE)
		cut_text(smtp, found, step);
}

static void skip_ended(struct smtp *smtp)
{
	smtp->turn++;
	if (smtp->verdict_early) {
		smtp->verdict_due = true;
		smtp->mode = SMTP_MODE_DISCARD;
	} else {
		smtp->mode = SMTP_MODE_COMMAND;
		owed_say(smtp, VERB_UNKNOWN, smtp->skip_say);
	}
}

static void skip_text(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	bool ended = false;
	size_t n = text_skip(&smtp->text, waiting, &ended);

	if (n > 0)
		swap(step, n, SLICE(""));
	if (ended)
		skip_ended(smtp);
}

static size_t chunk_part(struct smtp *smtp, struct slice waiting)
{
	size_t n = smtp->chunk_left < waiting.len ? (size_t)smtp->chunk_left : waiting.len;

	smtp->chunk_left -= n;
	return n;
}

static void read_chunk(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct owed *owed = owed_tail(smtp);
	size_t n = chunk_part(smtp, waiting);

	if (n > 0)
		pass(step, n);
	if (smtp->chunk_left > 0)
		return;
	if (owed && owed->verb == VERB_BDAT && (owed->flags & OWED_LAST)) {
		owed->flags |= OWED_WHOLE;
		smtp->unfinished = false;
	}
	smtp->mode = SMTP_MODE_COMMAND;
	smtp->turn++;
}

static void skip_chunk(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	size_t n = chunk_part(smtp, waiting);

	if (n > 0)
		swap(step, n, SLICE(""));
	if (smtp->chunk_left == 0)
		skip_ended(smtp);
}

static void send_helo(struct smtp *smtp, struct smtp_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };

	write_str(&w, "HELO ");
	write_slice(&w, slice_of(smtp->helo, smtp->helo_len));
	write_str(&w, "\r\n");
	smtp->helo_due = false;
	swap(step, 0, slice_of(w.to, w.len));
}

void smtp_to_server(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	static void (*const read[])(struct smtp *, struct slice, struct smtp_step *) = {
		[SMTP_MODE_COMMAND] = read_command,   [SMTP_MODE_HOLD] = read_held,
		[SMTP_MODE_HOLD_TLS] = read_held_tls, [SMTP_MODE_HOLD_QUIT] = read_nothing,
		[SMTP_MODE_SASL] = read_sasl,         [SMTP_MODE_TEXT] = read_text,
		[SMTP_MODE_CHUNK] = read_chunk,       [SMTP_MODE_SKIP_TEXT] = skip_text,
		[SMTP_MODE_SKIP_CHUNK] = skip_chunk,  [SMTP_MODE_DISCARD] = read_nothing,
	};

	step->act = SMTP_WAIT;
	step->len = 0;
	step->text = SLICE("");
	step->note = SMTP_NOTE_NONE;
	/* A loss is dealt with where it is known whether the server has said a last word. */
	if (smtp->lost || smtp->end_say != SAY_NONE)
		return;
	if (smtp->helo_due)
		send_helo(smtp, step);
	else if (waiting.len > 0)
		read[smtp->mode](smtp, waiting, step);
}
