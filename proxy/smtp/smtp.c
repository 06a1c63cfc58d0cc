/* The life of a session: its beginning, what happens to it from outside, what it waits for. */
#include "proxy/smtp/smtp.h"

#include "proxy/smtp/command.h"
#include "proxy/smtp/message.h"
#include "proxy/smtp/owed.h"
#include "proxy/smtp/say.h"

void smtp_init(struct smtp *smtp, const struct smtp_policy *policy, bool secured, struct slice id,
	       struct slice refused)
{
	*smtp = (struct smtp){ .policy = policy, .secured = secured, .id = id, .refused = refused };
	smtp->first = true;
	text_begin(&smtp->text);
	if (policy->kind == SMTP_REQUIRED && !secured) {
		owed_say(smtp, VERB_GREETING, SAY_GREETING);
	} else if (refused.len > 0 && secured) {
		owed_say(smtp, VERB_GREETING, SAY_CLIENT_REFUSED_GREETING);
	} else {
		smtp->server = SMTP_SERVER_WANTED;
		owed_add(smtp, VERB_GREETING);
	}
}

void smtp_refuse(struct smtp *smtp, uint8_t say)
{
	owed_clear(smtp);
	smtp->server = SMTP_SERVER_NONE;
	owed_say(smtp, VERB_GREETING, say);
}

void smtp_refuse_client(struct smtp *smtp, struct slice refused)
{
	smtp->refused = refused;
	/* Who is refused already is told of that. */
	if (smtp->secured && smtp->server == SMTP_SERVER_WANTED)
		smtp_refuse(smtp, SAY_CLIENT_REFUSED_GREETING);
}

/* RFC 3207 section 4.2: nothing known from before is kept; what is counted for the log stays. */
static void secured(struct smtp *smtp)
{
	struct smtp fresh = { .policy = smtp->policy, .id = smtp->id, .refused = smtp->refused };

	fresh.tally = smtp->tally;
	fresh.secured = fresh.upgraded = fresh.greeted = fresh.first = true;
	fresh.draining = smtp->draining;
	fresh.expired = smtp->expired;
	fresh.turn = smtp->turn + 1;
	fresh.messages = smtp->messages;
	fresh.recipients_taken = smtp->recipients_taken;
	*smtp = fresh;
	text_begin(&smtp->text);
	if (smtp->refused.len > 0)
		return;
	smtp->server = SMTP_SERVER_WANTED;
	owed_add(smtp, VERB_GREETING)->flags = OWED_SWALLOW;
}

static void deadline(struct smtp *smtp)
{
	static const uint8_t says[] = {
		[SMTP_AWAIT_GREETING] = SAY_GREETING_LATE, [SMTP_AWAIT_COMMAND] = SAY_IDLE,
		[SMTP_AWAIT_REPLY] = SAY_REPLY_LATE,       [SMTP_AWAIT_DATA_START] = SAY_REPLY_LATE,
		[SMTP_AWAIT_DATA_BLOCK] = SAY_IDLE,        [SMTP_AWAIT_DATA_END] = SAY_VERDICT_LATE,
	};
	bool skips = smtp->mode == SMTP_MODE_SKIP_TEXT || smtp->mode == SMTP_MODE_SKIP_CHUNK;

	/* With a reply owed it is the server that is late. */
	if (skips && smtp_owes(smtp))
		skips = false;
	if (skips && smtp->verdict_early) {
		smtp->verdict_due = true;
		smtp->mode = SMTP_MODE_DISCARD;
	} else if (skips) {
		end_next(smtp, smtp->skip_late_say);
	} else if (smtp->end_say == SAY_NONE) {
		end_next(smtp, says[smtp_awaits(smtp)]);
	}
}

void smtp_event(struct smtp *smtp, enum smtp_event event)
{
	switch (event) {
	case SMTP_SECURED:
		secured(smtp);
		break;
	case SMTP_CONNECTED:
		if (smtp->server == SMTP_SERVER_WANTED)
			smtp->server = SMTP_SERVER_READY;
		break;
	case SMTP_SERVER_LOST:
		smtp->lost =
			smtp->server == SMTP_SERVER_WANTED || smtp->server == SMTP_SERVER_READY;
		break;
	case SMTP_EARLY_INPUT:
		end_next(smtp, SAY_STARTTLS_INJECTION);
		break;
	case SMTP_BANNED:
		end_next(smtp, SAY_BANNED);
		break;
	case SMTP_DRAIN:
		smtp->draining = true;
		break;
	case SMTP_EXPIRED:
		smtp->expired = true;
		break;
	case SMTP_DEADLINE:
		deadline(smtp);
		break;
	}
}

static enum smtp_await awaited_reply(const struct smtp *smtp, const struct owed *head)
{
	bool flows = smtp->mode == SMTP_MODE_CHUNK && smtp->queue_count == 1;

	switch (head->verb) {
	case VERB_GREETING:
		return SMTP_AWAIT_GREETING;
	case VERB_DATA:
		return SMTP_AWAIT_DATA_START;
	case VERB_TEXT:
		return head->flags & OWED_WHOLE ? SMTP_AWAIT_DATA_END : SMTP_AWAIT_DATA_BLOCK;
	case VERB_BDAT:
		if (flows)
			return SMTP_AWAIT_DATA_BLOCK;
		return head->flags & OWED_WHOLE ? SMTP_AWAIT_DATA_END : SMTP_AWAIT_REPLY;
	default:
		return SMTP_AWAIT_REPLY;
	}
}

enum smtp_await smtp_awaits(const struct smtp *smtp)
{
	const struct owed *head = &smtp->queue[smtp->queue_head];
	bool text = smtp->mode == SMTP_MODE_TEXT || smtp->mode == SMTP_MODE_CHUNK ||
		    smtp->mode == SMTP_MODE_SKIP_TEXT || smtp->mode == SMTP_MODE_SKIP_CHUNK;

	if (smtp->queue_count > 0 && head->say == SAY_NONE)
		return awaited_reply(smtp, head);
	return text ? SMTP_AWAIT_DATA_BLOCK : SMTP_AWAIT_COMMAND;
}

bool smtp_wants_server(const struct smtp *smtp)
{
	return smtp->server == SMTP_SERVER_WANTED && !smtp_is_ending(smtp) && !smtp->lost;
}

bool smtp_owes(const struct smtp *smtp)
{
	return smtp->queue_count > 0;
}

bool smtp_is_ending(const struct smtp *smtp)
{
	return smtp->end_say != SAY_NONE || smtp->ending != END_NONE;
}

bool smtp_in_message(const struct smtp *smtp)
{
	return smtp->unfinished;
}

bool smtp_owes_verdict(const struct smtp *smtp)
{
	for (size_t i = 0; i < smtp->queue_count; i++)
		if (smtp->queue[(smtp->queue_head + i) % SMTP_OWED_MAX].flags & OWED_WHOLE)
			return true;
	return false;
}

struct smtp_verdict smtp_unknown(const struct smtp *smtp, size_t i)
{
	return (struct smtp_verdict){ .whole = true, .bytes = smtp->queue[i].bytes };
}

bool smtp_idle(const struct smtp *smtp)
{
	return smtp->queue_count == 0 && smtp->mail == SMTP_MAIL_NONE &&
	       smtp->mode == SMTP_MODE_COMMAND && smtp->greeted;
}
