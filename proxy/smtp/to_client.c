/* What the client is told: the server's replies and Postern's own, in the order they are owed. */
#include "proxy/smtp/command.h"
#include "proxy/smtp/ehlo.h"
#include "proxy/smtp/message.h"
#include "proxy/smtp/owed.h"
#include "proxy/smtp/say.h"
#include "proxy/smtp/smtp.h"
#include "proxy/smtp/tally.h"
#include "proxy/smtp/verbs.h"
#include "proxy/smtp/writer.h"

enum emit { EMIT_NONE, EMIT_CRLF, EMIT_EHLO };

static void pass(struct smtp *smtp, struct smtp_step *step)
{
	step->act = SMTP_PASS;
	step->len = smtp->reply.scanned;
	smtp->reply = (struct reply){ 0 };
}

/* The whole reply becomes this text. */
static void swap(struct smtp *smtp, struct smtp_step *step, struct slice text)
{
	step->act = SMTP_SWAP;
	step->len = smtp->reply.scanned;
	step->text = text;
	smtp->reply = (struct reply){ 0 };
}

/* Also of nothing, where what has changed lets the client's bytes move on. */
static void drop(struct smtp_step *step, size_t len)
{
	step->act = SMTP_SWAP;
	step->len = len;
}

static void end(struct smtp *smtp, struct smtp_step *step)
{
	step->act = SMTP_END;
	if (smtp->ending == END_NONE) {
		smtp->ending = say_ending(smtp->end_say);
		step->text = say_text(smtp, smtp->end_say, step->room, step->room_size);
		tally_own(smtp, step->text);
		if (smtp->unknown > 0)
			step->note = SMTP_NOTE_UNKNOWN;
	}
	step->ending = smtp->ending;
}

/* Postern's own reply at the head of the queue. */
static void say(struct smtp *smtp, struct smtp_step *step)
{
	struct owed owed = *owed_head(smtp);

	owed_pop(smtp);
	if (say_ending(owed.say) != END_NONE) {
		end_next(smtp, owed.say);
		end(smtp, step);
		return;
	}
	step->act = owed.say == SAY_STARTTLS ? SMTP_TLS : SMTP_SWAP;
	step->text = say_text(smtp, owed.say, step->room, step->room_size);
	tally_own(smtp, step->text);
	if (owed.verb == VERB_GREETING)
		smtp->greeted = true;
	if (owed.say == SAY_STARTTLS && smtp->server == SMTP_SERVER_READY)
		step->note = SMTP_NOTE_QUIT_SERVER;
}

/* Goes on with a reply that is not passed as it is; it was whole when this began. */
static void emit(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct slice left = slice_head(waiting, smtp->emit_left);
	bool whole = smtp->emit_left == smtp->reply.scanned;
	size_t made = 0, n = 0;

	if (smtp->emit == EMIT_EHLO) {
		n = ehlo_write(smtp, left, whole, step->room, step->room_size, &made);
	} else {
		struct writer w = { .to = step->room, .size = step->room_size };
		struct slice rest = left;
		while (rest.len > 0 && w.len + REPLY_CHALLENGE_BYTES + 2 < w.size) {
			write_slice(&w, reply_line(&rest));
			write_str(&w, "\r\n");
		}
		n = left.len - rest.len;
		made = w.len;
	}
	step->act = SMTP_SWAP;
	step->len = n;
	step->text = slice_of(step->room, made);
	smtp->emit_left -= n;
	if (smtp->emit_left == 0)
		smtp->reply = (struct reply){ 0 };
}

static void emit_begin(struct smtp *smtp, struct slice waiting, struct smtp_step *step,
		       enum emit how)
{
	smtp->emit = (uint8_t)how;
	smtp->emit_left = smtp->reply.scanned;
	emit(smtp, waiting, step);
}

static void deliver(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	if (smtp->reply.bare_lf)
		emit_begin(smtp, waiting, step, EMIT_CRLF);
	else
		pass(smtp, step);
}

/* The server does not know EHLO; its name for the client is asked for by HELO (RFC 5321 3.2). */
static bool try_helo(struct smtp *smtp, struct owed *owed, struct smtp_step *step)
{
	uint16_t code = smtp->reply.code;

	if (owed->verb != VERB_EHLO || (owed->flags & OWED_HELO) || (code != 500 && code != 502) ||
	    smtp->helo_len == 0)
		return false;
	owed->flags |= OWED_HELO;
	smtp->helo_due = true;
	swap(smtp, step, SLICE(""));
	return true;
}

/* The server's words for HELO, as the first line of an EHLO reply with Postern's own keywords. */
static void deliver_helo(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	size_t made = 0;
	struct slice rest = waiting, line = reply_line(&rest);

	ehlo_write(smtp, slice_head(waiting, line.len), true, step->room, step->room_size, &made);
	swap(smtp, step, slice_of(step->room, made));
}

static void deliver_hello(struct smtp *smtp, const struct owed *owed, struct slice waiting,
			  struct smtp_step *step)
{
	if (smtp->reply.code >= 400 || owed->verb == VERB_HELO)
		deliver(smtp, waiting, step);
	else if (owed->flags & OWED_HELO)
		deliver_helo(smtp, waiting, step);
	else
		emit_begin(smtp, waiting, step, EMIT_EHLO);
}

/* A greeting is passed on, or kept from a client that has had one before STARTTLS. */
static void greeting(struct smtp *smtp, struct owed owed, struct slice waiting,
		     struct smtp_step *step)
{
	uint16_t code = smtp->reply.code;

	if (owed.flags & OWED_SWALLOW) {
		owed_pop(smtp);
		if (code < 400)
			swap(smtp, step, SLICE(""));
		else
			smtp->server = SMTP_SERVER_REFUSING, drop(step, 0);
		return;
	}
	if (smtp->talked && !smtp->policy->tolerate_early_talker) {
		end_next(smtp, SAY_EARLY_TALKER);
		end(smtp, step);
		return;
	}
	owed_pop(smtp);
	smtp->greeted = true;
	if (code >= 400)
		end_next(smtp, SAY_REFUSED_GREETING);
	deliver(smtp, waiting, step);
}

/* Codes that are out of place in answer to this would leave both sides with different ideas. */
static bool is_legal(const struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	bool tail = smtp->queue_count == 1;
	bool text = owed->verb == VERB_TEXT || owed->verb == VERB_BDAT;
	bool flows = tail && (smtp->mode == SMTP_MODE_TEXT || smtp->mode == SMTP_MODE_CHUNK);

	if (code >= 300 && code < 400)
		return (owed->verb == VERB_DATA && code == 354) ||
		       (owed->verb == VERB_AUTH && code == 334);
	if (owed->verb == VERB_DATA)
		return code >= 400;
	return !(text && flows && code < 300);
}

/*
 * The server refuses a message before its end: what it said waits, and is said at the client's own
 * end of data, since a client reads nothing before.
 */
static void verdict_early(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	smtp->verdict =
		(struct smtp_verdict){ .code = smtp->reply.code, .bytes = smtp->text.bytes };
	reply_enhanced(waiting, smtp->verdict.enhanced);
	smtp->verdict_early = true;
	smtp->mode = SMTP_MODE_SKIP_TEXT;
	smtp->server = SMTP_SERVER_GONE;
	owed_clear(smtp);
	drop(step, 0);
}

static void verdict_said(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	smtp->verdict_early = smtp->verdict_due = false;
	step->note = SMTP_NOTE_VERDICT;
	end_next(smtp, smtp->reply.code == 421 ? SAY_EARLY_CLOSING : SAY_EARLY_VERDICT);
	deliver(smtp, waiting, step);
}

/* One error too many: said behind refusals of our own that count, too, and are still to be said. */
static void too_many_errors(struct smtp *smtp)
{
	bool own = false;

	for (size_t i = 0; i < smtp->queue_count; i++)
		own |= say_is_error(smtp->queue[(smtp->queue_head + i) % SMTP_OWED_MAX].say);
	if (own)
		owed_say(smtp, VERB_UNKNOWN, SAY_ERRORS);
	else
		end_next(smtp, SAY_ERRORS);
}

/*
 * 535 and its kin (RFC 4954 section 6). What is wrong with the command itself (500 to 504: syntax,
 * cancelled, mechanism) is no wrong password, and 4yz is the server's own trouble.
 */
static void note_auth(uint16_t code, struct smtp_step *step)
{
	if (code == 235)
		step->note = SMTP_NOTE_AUTH_TAKEN;
	if (code < 505)
		return;
	step->note = SMTP_NOTE_AUTH_FAILED;
	step->code = code;
}

static void answered(struct smtp *smtp, struct owed owed, uint16_t code, struct slice waiting,
		     struct smtp_step *step)
{
	bool is_verdict =
		owed.verb == VERB_TEXT || (owed.verb == VERB_BDAT && owed.flags & OWED_LAST);

	if (verbs[owed.verb].answered)
		verbs[owed.verb].answered(smtp, &owed, code);
	if (owed.verb == VERB_DATA && code == 354)
		owed_add(smtp, VERB_TEXT);
	if (is_verdict) {
		step->note = SMTP_NOTE_VERDICT;
		reply_enhanced(waiting, smtp->verdict.enhanced);
	}
	if (owed.verb == VERB_AUTH)
		note_auth(code, step);
	if (code == 421)
		end_next(smtp, SAY_CLOSING);
	else if (code >= 500 && code <= 503 && owed.verb != VERB_RCPT && error_count(smtp) &&
		 smtp->end_say == SAY_NONE && smtp->mode != SMTP_MODE_DISCARD)
		too_many_errors(smtp);
}

/* A whole reply that is owed. */
static void take_reply(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct owed *head = owed_head(smtp), owed = *head;
	uint16_t code = smtp->reply.code;

	tally_server(smtp, code);
	if (!is_legal(smtp, head, code)) {
		end_next(smtp, SAY_PROTOCOL);
		end(smtp, step);
		return;
	}
	if (owed.verb == VERB_TEXT && !(owed.flags & OWED_WHOLE)) {
		verdict_early(smtp, waiting, step);
		return;
	}
	if (owed.verb == VERB_GREETING) {
		greeting(smtp, owed, waiting, step);
		return;
	}
	if (try_helo(smtp, head, step))
		return;
	owed_pop(smtp);
	if (owed.verb == VERB_EHLO || owed.verb == VERB_HELO)
		deliver_hello(smtp, &owed, waiting, step);
	else
		deliver(smtp, waiting, step);
	answered(smtp, owed, code, waiting, step);
}

/* A whole reply that is not. */
static void take_unowed(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	tally_server(smtp, smtp->reply.code);
	if (smtp->reply.code != 421) {
		end_next(smtp, SAY_PROTOCOL);
		end(smtp, step);
		return;
	}
	end_next(smtp, SAY_CLOSING);
	deliver(smtp, waiting, step);
}

static void skip_after_loss(struct smtp *smtp, enum smtp_mode mode)
{
	smtp->skip_say = SAY_LOST_TEXT;
	smtp->skip_late_say = SAY_DOWN;
	smtp->mode = mode;
	owed_clear(smtp);
}

/* The server is gone, and has said all it will. */
static void lost(struct smtp *smtp)
{
	struct owed *head = owed_head(smtp);
	bool alone = smtp->queue_count == 1;

	smtp->lost = false;
	smtp->reply = (struct reply){ 0 };
	smtp->server = SMTP_SERVER_GONE;
	if (head && head->verb == VERB_GREETING && (head->flags & OWED_SWALLOW)) {
		smtp->server = SMTP_SERVER_DOWN;
		owed_pop(smtp);
	} else if (smtp->mode == SMTP_MODE_TEXT) {
		skip_after_loss(smtp, SMTP_MODE_SKIP_TEXT);
	} else if (smtp->mode == SMTP_MODE_CHUNK && alone && head->verb == VERB_BDAT) {
		skip_after_loss(smtp, SMTP_MODE_SKIP_CHUNK);
	} else {
		end_next(smtp, head && (head->flags & OWED_WHOLE) ? SAY_LOST_TEXT : SAY_DOWN);
	}
}

/* The server's side has bytes, or not yet, or never again. */
static void read_server(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct owed *head = owed_head(smtp);
	enum reply_found found = REPLY_MORE;

	if (waiting.len > smtp->reply.scanned)
		found = reply_read(&smtp->reply, waiting);
	if (found == REPLY_BAD) {
		end_next(smtp, SAY_PROTOCOL);
		end(smtp, step);
	} else if (found == REPLY_WHOLE && head) {
		take_reply(smtp, waiting, step);
	} else if (found == REPLY_WHOLE) {
		take_unowed(smtp, waiting, step);
	} else if (smtp->lost) {
		lost(smtp);
		drop(step, waiting.len);
		if (smtp->end_say != SAY_NONE && waiting.len == 0)
			end(smtp, step);
	}
}

/* Between two transactions, or while nothing has been said yet at all. */
static bool drain_due(struct smtp *smtp)
{
	if (!smtp->draining && !smtp->expired)
		return false;

	struct owed *head = owed_head(smtp);
	bool ungreeted =
		!smtp->greeted && head && head->say == SAY_NONE && smtp->reply.scanned == 0;

	if (!(smtp_idle(smtp) || ungreeted))
		return false;
	end_next(smtp, smtp->draining ? SAY_DRAIN : SAY_EXPIRED);
	return true;
}

void smtp_to_client(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct owed *head = owed_head(smtp);

	step->act = SMTP_WAIT;
	step->len = 0;
	step->text = SLICE("");
	step->note = SMTP_NOTE_NONE;
	if (smtp->emit_left > 0)
		emit(smtp, waiting, step);
	else if (smtp->end_say != SAY_NONE || smtp->ending != END_NONE || drain_due(smtp))
		end(smtp, step);
	else if (smtp->verdict_due)
		verdict_said(smtp, waiting, step);
	else if (head && head->say != SAY_NONE)
		say(smtp, step);
	else if (head && (head->flags & OWED_REFUSAL))
		owed_clear(smtp), end_next(smtp, SAY_REFUSED_GREETING),
			deliver(smtp, waiting, step);
	else if (smtp->server == SMTP_SERVER_READY || smtp->server == SMTP_SERVER_WANTED)
		read_server(smtp, waiting, step);
	else if (smtp->server == SMTP_SERVER_GONE && !smtp->verdict_early && waiting.len > 0)
		drop(step, waiting.len);
}
