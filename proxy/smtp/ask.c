#include "proxy/smtp/ask.h"

#include "proxy/smtp/tell.h"

static struct slice hostname(const struct ask_plan *plan)
{
	return plan->hostname;
}

static struct slice from(const struct ask_plan *plan)
{
	return plan->from;
}

static struct slice to(const struct ask_plan *plan)
{
	return plan->to;
}

/* What is said at each stage, and where its reply leads: `yes` after 2yz. */
static const struct {
	const char *verb;
	struct slice (*argument)(const struct ask_plan *plan);
	const char *tail;
	enum ask_at yes, no;
} rows[] = {
	[ASK_GREETING] = { NULL, NULL, NULL, ASK_EHLO, ASK_QUIT },
	[ASK_EHLO] = { "EHLO ", hostname, "\r\n", ASK_MAIL, ASK_QUIT },
	[ASK_HELO] = { "HELO ", hostname, "\r\n", ASK_MAIL, ASK_QUIT },
	[ASK_MAIL] = { "MAIL FROM:<", from, ">\r\n", ASK_RCPT, ASK_QUIT },
	[ASK_RCPT] = { "RCPT TO:<", to, ">\r\n", ASK_RSET, ASK_RSET },
	[ASK_RSET] = { "RSET\r\n", NULL, "", ASK_QUIT, ASK_QUIT },
	[ASK_QUIT] = { "QUIT\r\n", NULL, "", ASK_END, ASK_END },
};

void ask_init(struct ask *ask, const struct ask_plan *plan)
{
	*ask = (struct ask){ .plan = plan };
}

void ask_said(struct ask *ask, size_t len)
{
	ask->said += len;
}

static void enter(struct ask *ask, enum ask_at at)
{
	ask->at = at;
	ask->saying = at < ASK_END;
	ask->said = 0;
	ask->reply = (struct reply){ 0 };
}

/* The text is made anew on every call, and what went of it already left out. */
static void say(struct ask *ask, struct ask_step *step)
{
	struct writer w = { .to = step->room, .size = ASK_ROOM_BYTES };

	write_str(&w, rows[ask->at].verb);
	if (rows[ask->at].argument)
		write_slice(&w, rows[ask->at].argument(ask->plan));
	write_str(&w, rows[ask->at].tail);
	step->text = slice_skip(slice_of(w.to, w.len), ask->said);
	if (step->text.len > 0)
		step->act = ASK_SAY;
	else
		ask->saying = false;
}

static void keep_words(struct ask *ask, struct slice reply)
{
	struct slice line = slice_head(reply_line(&reply), ASK_WORDS_BYTES - 1);

	memcpy(ask->words, line.ptr, line.len);
	ask->words[line.len] = '\0';
}

/* A server that knows no EHLO (RFC 5321 section 3.2) is as well as it can be. */
static bool knows_no_ehlo(const struct ask *ask)
{
	return ask->at == ASK_EHLO && (ask->reply.code == 500 || ask->reply.code == 502);
}

static enum ask_at next(const struct ask *ask)
{
	enum ask_at at = ask->reply.code < 300 ? rows[ask->at].yes : rows[ask->at].no;

	if (ask->reply.code == 421)
		return ASK_END; /* it closes by itself */
	if (knows_no_ehlo(ask))
		return ASK_HELO;
	return at == ASK_MAIL && ask->plan->from.len == 0 ? ASK_QUIT : at;
}

static void take_offer(struct ask *ask, struct slice reply)
{
	offer_read(&ask->offer, reply);
	reply_line(&reply);
	while (reply.len > 0) {
		struct slice line = slice_skip(reply_line(&reply), 4);
		if (slice_eq_nocase(slice_word(&line), SLICE("XCLIENT")))
			ask->xclient = (tell_announced(line) & TELL_ADDR) != 0;
	}
}

static void hear(struct ask *ask, struct slice reply)
{
	ask->code[ask->at] = ask->reply.code;
	if (ask->at == ASK_EHLO && ask->reply.code < 300)
		take_offer(ask, reply);
	if (ask->reply.code >= 300 && ask->at < ASK_RSET)
		keep_words(ask, reply);
	enter(ask, next(ask));
}

void ask_step(struct ask *ask, struct slice waiting, struct ask_step *step)
{
	step->act = ASK_MOVE;
	step->drop = 0;
	if (ask->at == ASK_END || ask->garbled) {
		step->act = ASK_DONE;
		return;
	}
	if (ask->saying && rows[ask->at].verb) {
		say(ask, step);
		return;
	}
	switch (reply_read(&ask->reply, waiting)) {
	case REPLY_MORE:
		step->act = ASK_WAIT;
		break;
	case REPLY_BAD:
		ask->garbled = true;
		break;
	case REPLY_WHOLE:
		step->drop = ask->reply.scanned;
		hear(ask, slice_head(waiting, ask->reply.scanned));
		break;
	}
}

bool ask_went_well(const struct ask *ask)
{
	return ask->code[ASK_EHLO] / 100 == 2 || ask->code[ASK_HELO] / 100 == 2;
}

bool ask_was_busy(const struct ask *ask)
{
	return ask->code[ASK_GREETING] / 100 == 4;
}

static bool has_words(struct slice text, struct slice words)
{
	for (size_t i = 0; i + words.len <= text.len; i++)
		if (slice_eq_nocase(slice_head(slice_skip(text, i), words.len), words))
			return true;
	return false;
}

/* It is the wording of a denial, and not of a greylist, which would take the next try. */
static bool denies_relay(const struct ask *ask)
{
	return ask->code[ASK_RCPT] == 454 &&
	       has_words(slice_str(ask->words), SLICE("relay access denied"));
}

enum ask_answer ask_answer(const struct ask *ask)
{
	uint16_t rcpt = ask->code[ASK_RCPT];

	if (rcpt / 100 == 2)
		return ASK_TAKEN;
	if (rcpt / 100 == 5 || ask->code[ASK_MAIL] / 100 == 5 || denies_relay(ask))
		return ASK_REFUSED;
	return ASK_UNDECIDED;
}
