#include "tests/dialogs/play.h"

#include "proxy/smtp/helo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void text_add(struct text_buf *buf, const char *ptr, size_t len)
{
	if (len == 0)
		return;
	if (buf->len + len > buf->size) {
		buf->size = (buf->len + len) * 2;
		buf->ptr = realloc(buf->ptr, buf->size);
		assert(buf->ptr);
	}
	memcpy(buf->ptr + buf->len, ptr, len);
	buf->len += len;
}

void text_drop(struct text_buf *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len -= len;
	if (buf->len > 0 && len > 0)
		memmove(buf->ptr, buf->ptr + len, buf->len);
}

static void event(struct play *play, const char *word, const char *arg)
{
	char line[128];
	int n = snprintf(line, sizeof line, "%s%s%s\n", word, *arg ? " " : "", arg);

	text_add(&play->events, line, (size_t)n);
}

static struct slice waiting(const struct play *play, enum side side)
{
	return slice_of(play->waiting[side].ptr ? play->waiting[side].ptr : "",
			play->waiting[side].len);
}

static void connect_server(struct play *play)
{
	if (!smtp_wants_server(&play->smtp) || play->connected)
		return;
	if (!play->connect_implied)
		event(play, "connect", "");
	play->connect_implied = false;
	play->connected = true;
	play->connections++;
	play->connected_at = play->said[SERVER].len;
	ehlo_set_lack(&play->smtp, play->lack);
	smtp_event(&play->smtp, SMTP_CONNECTED);
}

static void upgrade(struct play *play, const struct smtp_step *step)
{
	if (play->undelivered > 0 || play->waiting[CLIENT].len > 0) {
		smtp_event(&play->smtp, SMTP_EARLY_INPUT);
		return;
	}
	text_add(&play->said[CLIENT], step->text.ptr, step->text.len);
	if (step->note == SMTP_NOTE_QUIT_SERVER) {
		text_add(&play->said[SERVER], "QUIT\r\n", 6);
		event(play, "quit", "");
	}
	event(play, "tls", "");
	play->waiting[SERVER].len = 0;
	play->connected = play->connect_implied = false;
	smtp_event(&play->smtp, SMTP_SECURED);
}

static void note(struct play *play, const struct smtp_step *step)
{
	char code[16];

	for (size_t i = 0; step->note == SMTP_NOTE_UNKNOWN && i < play->smtp.unknown; i++)
		event(play, "verdict", "0");
	if (step->note == SMTP_NOTE_VERDICT) {
		snprintf(code, sizeof code, "%u", play->smtp.verdict.code);
		event(play, "verdict", code);
	}
}

/* Does one step with what waits from `from`. */
static void apply(struct play *play, enum side from, const struct smtp_step *step)
{
	enum side to = from == CLIENT ? SERVER : CLIENT;
	struct slice bytes = waiting(play, from);

	assert(step->len <= bytes.len && ++play->steps < 10 * 1000 * 1000);
	if (step->act != SMTP_TLS && step->act != SMTP_PASS)
		text_add(&play->said[to], step->text.ptr, step->text.len);
	note(play, step);
	switch (step->act) {
	case SMTP_WAIT:
		break;
	case SMTP_PASS:
		assert(step->len > 0);
		text_add(&play->said[to], bytes.ptr, step->len);
		text_drop(&play->waiting[from], step->len);
		break;
	case SMTP_SWAP:
		text_drop(&play->waiting[from], step->len);
		break;
	case SMTP_CUT:
		text_drop(&play->waiting[from], step->len);
		event(play, "cut", "");
		break;
	case SMTP_TLS:
		upgrade(play, step);
		break;
	case SMTP_END:
		event(play, "end", ending_word(step->ending));
		play->ended = true;
		break;
	}
}

/* Each is another, as their dates are. */
static bool give_field(struct play *play)
{
	struct slice protocol = trace_protocol(&play->smtp);
	int n;

	if (!trace_wanted(&play->smtp))
		return false;
	n = snprintf(play->field, sizeof play->field, "Received: with %.*s;\r\n\t%03zu\r\n",
		     (int)protocol.len, protocol.ptr, ++play->fields);
	trace_give(&play->smtp, slice_of(play->field, (size_t)n));
	return true;
}

/* The inspector's own must not be needed once the bytes are gone. */
static void keep_helo(struct play *play)
{
	struct smtp *smtp = &play->smtp;

	if (!helo_is_new(smtp))
		return;
	if (smtp->helo_len > 0)
		memcpy(play->helo, smtp->helo, smtp->helo_len);
	helo_lend(smtp, play->helo);
}

static bool step_once(struct play *play, enum side from)
{
	struct smtp_step step = { .room = play->room, .room_size = sizeof play->room };

	if (from == CLIENT)
		smtp_to_server(&play->smtp, waiting(play, CLIENT), &step);
	else
		smtp_to_client(&play->smtp, waiting(play, SERVER), &step);
	keep_helo(play);
	if (play->watch)
		play->watch(play, from, &step);
	if (step.act != SMTP_WAIT)
		apply(play, from, &step);
	return step.act != SMTP_WAIT || (from == CLIENT && give_field(play));
}

void play_pump(struct play *play)
{
	bool moved = true;

	while (moved && !play->ended) {
		moved = false;
		if (!play->connect_late)
			connect_server(play);
		while (!play->ended && step_once(play, CLIENT))
			moved = true;
		moved |= step_once(play, SERVER);
	}
}

void play_begin(struct play *play, const struct smtp_policy *policy, struct slice id,
		struct slice refused)
{
	*play = (struct play){ .connect_implied = true };
	smtp_init(&play->smtp, policy, policy->kind == SMTP_IMPLICIT, id, refused);
	play_pump(play);
}

void play_end(struct play *play)
{
	for (size_t i = 0; i < 2; i++) {
		free(play->waiting[i].ptr);
		free(play->said[i].ptr);
	}
	free(play->events.ptr);
}

void play_feed(struct play *play, enum side side, const char *ptr, size_t n, size_t later)
{
	if (play->ended)
		return;
	/* Nobody reads what a server says that is not, or no longer, connected. */
	if (side == SERVER && !play->connected)
		return;
	play->undelivered = side == CLIENT ? later : 0;
	text_add(&play->waiting[side], ptr, n);
	play_pump(play);
	play->undelivered = 0;
}

void play_lack(struct play *play, const struct lack *lack)
{
	play->lack = lack;
	ehlo_set_lack(&play->smtp, lack);
}

void play_event(struct play *play, enum smtp_event what)
{
	if (play->ended)
		return;
	if (what == SMTP_CONNECTED)
		connect_server(play);
	else
		smtp_event(&play->smtp, what);
	play_pump(play);
}
