#include "proxy/smtp/verbs.h"

#include "proxy/smtp/ehlo.h"
#include "proxy/smtp/helo.h"
#include "proxy/smtp/message.h"
#include "proxy/smtp/owed.h"
#include "proxy/smtp/say.h"

static void forget_mail(struct smtp *smtp, const struct command *mail)
{
	smtp->mail = SMTP_MAIL_NONE;
	trace_begin(smtp, mail);
	smtp->transaction++;
	smtp->recipients = 0;
	text_begin(&smtp->text);
}

static void hold_passed(struct smtp *smtp, const struct command *command)
{
	(void)command;
	smtp->mode = SMTP_MODE_HOLD;
	smtp->held_input = false;
}

static void hello_passed(struct smtp *smtp, const struct command *command)
{
	helo_take(smtp, command);
	hold_passed(smtp, command);
}

static void hello_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	smtp->mode = SMTP_MODE_COMMAND;
	if (code >= 400)
		return;
	forget_mail(smtp, NULL); /* RFC 5321 section 4.1.4 */
	smtp->helloed = true;
	smtp->trace.esmtp = owed->verb == VERB_EHLO;
	smtp->helo_only = owed->flags & OWED_HELO;
	if (owed->verb == VERB_HELO)
		smtp->server_keywords = smtp->client_keywords = 0;
}

static void mail_passed(struct smtp *smtp, const struct command *command)
{
	forget_mail(smtp, command);
	owed_tail(smtp)->transaction = smtp->transaction;
	smtp->mail = SMTP_MAIL_OPEN;
	smtp->messages_begun++;
}

static void mail_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	if (code < 400 || owed->transaction != smtp->transaction || smtp->mail == SMTP_MAIL_NONE)
		return;
	smtp->mail = SMTP_MAIL_NONE;
	smtp->messages_begun--;
}

static void rcpt_passed(struct smtp *smtp, const struct command *command)
{
	(void)command;
	smtp->recipients++;
}

static void rcpt_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	if (code < 400)
		smtp->recipients_taken++;
	else if (owed->transaction == smtp->transaction && smtp->recipients > 0)
		smtp->recipients--;
}

static void data_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	(void)owed;
	if (code == 354) {
		text_begin(&smtp->text);
		smtp->mode = SMTP_MODE_TEXT;
		smtp->unfinished = true;
	} else if (smtp->held_input) {
		/* What was held may be message text: it is never run as commands. */
		smtp->mode = SMTP_MODE_DISCARD;
		smtp->end_say = SAY_DATA_REFUSED;
	} else {
		smtp->mode = SMTP_MODE_COMMAND;
	}
}

static void bdat_passed(struct smtp *smtp, const struct command *command)
{
	struct owed *owed = owed_tail(smtp);

	smtp->text.bytes += command->chunk;
	smtp->chunk_left = command->chunk;
	smtp->mail = command->last ? SMTP_MAIL_NONE : SMTP_MAIL_CHUNKS;
	smtp->mode = command->chunk > 0 ? SMTP_MODE_CHUNK : SMTP_MODE_COMMAND;
	smtp->unfinished = command->chunk > 0 || !command->last;
	if (smtp->trace.at == TRACE_PUT) {
		owed->flags |= OWED_TRACE;
		smtp->trace.at = TRACE_NONE;
	}
	if (!command->last)
		return;
	owed->flags |= OWED_LAST;
	if (command->chunk == 0)
		owed->flags |= OWED_WHOLE;
	owed->bytes = smtp->text.bytes < UINT32_MAX ? (uint32_t)smtp->text.bytes : UINT32_MAX;
}

/* The field went with a chunk that is no part of the message: the next one takes another. */
static void chunk_refused(struct smtp *smtp, const struct owed *owed)
{
	if ((owed->flags & OWED_TRACE) && owed->transaction == smtp->transaction)
		smtp->trace.at = TRACE_DUE;
}

static void message_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	if (code >= 400)
		chunk_refused(smtp, owed);
	if (owed->verb == VERB_BDAT && !(owed->flags & OWED_LAST))
		return;
	smtp->verdict = (struct smtp_verdict){
		.code = code,
		.whole = owed->flags & OWED_WHOLE,
		.bytes = owed->bytes,
	};
	if (code >= 400)
		return;
	smtp->messages++;
	smtp->errors = 0;
}

static void rset_passed(struct smtp *smtp, const struct command *command)
{
	(void)command;
	forget_mail(smtp, NULL);
	smtp->unfinished = false;
}

static void auth_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	(void)owed;
	smtp->mode = code == 334 ? SMTP_MODE_SASL : SMTP_MODE_COMMAND;
	if (code == 235)
		smtp->authenticated = true;
}

static void quit_passed(struct smtp *smtp, const struct command *command)
{
	(void)command;
	smtp->mode = SMTP_MODE_HOLD_QUIT;
}

static void quit_answered(struct smtp *smtp, const struct owed *owed, uint16_t code)
{
	(void)owed;
	smtp->mode = code < 400 ? SMTP_MODE_DISCARD : SMTP_MODE_COMMAND;
	if (code < 400)
		smtp->end_say = SAY_SERVER_BYE;
}

#define NAME(text) \
	{ \
		text, sizeof(text) - 1 \
	}
#define BIT(name) KEYWORD_BIT(KEYWORD_##name)
#define NEVER(text) \
	{ \
		NAME(text), WHEN_NEVER, SAY_NEVER, SAY_NEVER, 0, NULL, NULL \
	}
#define OFF(text) \
	{ \
		NAME(text), WHEN_OFF, SAY_TLS_FIRST, SAY_OFF, 0, NULL, NULL \
	}
/* What is owed but no verb of a client's. */
#define OWED_ONLY(answered) \
	{ \
		NAME(""), WHEN_ALWAYS, SAY_TLS_FIRST, SAY_UNKNOWN, 0, NULL, answered \
	}

/* name, when, in front of TLS, switched off, keyword, passed, answered */
const struct verb_row verbs[VERB_COUNT] = {
	[VERB_UNKNOWN] = OWED_ONLY(NULL),
	[VERB_HELO] = { NAME("HELO"), WHEN_ALWAYS, SAY_HELO, SAY_OFF, 0, hello_passed,
			hello_answered },
	[VERB_EHLO] = { NAME("EHLO"), WHEN_ALWAYS, SAY_EHLO, SAY_OFF, 0, hello_passed,
			hello_answered },
	[VERB_MAIL] = { NAME("MAIL"), WHEN_NO_MAIL, SAY_TLS_FIRST, SAY_OFF, 0, mail_passed,
			mail_answered },
	[VERB_RCPT] = { NAME("RCPT"), WHEN_MAIL, SAY_TLS_FIRST, SAY_OFF, 0, rcpt_passed,
			rcpt_answered },
	[VERB_DATA] = { NAME("DATA"), WHEN_MAIL, SAY_TLS_FIRST, SAY_OFF, 0, hold_passed,
			data_answered },
	[VERB_BDAT] = { NAME("BDAT"), WHEN_MAIL, SAY_TLS_FIRST, SAY_BDAT_OFF, BIT(CHUNKING),
			bdat_passed, message_answered },
	[VERB_RSET] = { NAME("RSET"), WHEN_ALWAYS, SAY_OK, SAY_OFF, 0, rset_passed, NULL },
	[VERB_NOOP] = { NAME("NOOP"), WHEN_ALWAYS, SAY_OK, SAY_OFF, 0, NULL, NULL },
	[VERB_QUIT] = { NAME("QUIT"), WHEN_ALWAYS, SAY_BYE, SAY_OFF, 0, quit_passed,
			quit_answered },
	[VERB_VRFY] = { NAME("VRFY"), WHEN_ALWAYS, SAY_TLS_FIRST, SAY_VRFY, BIT(VRFY), NULL, NULL },
	[VERB_EXPN] = { NAME("EXPN"), WHEN_ALWAYS, SAY_TLS_FIRST, SAY_OFF, BIT(EXPN), NULL, NULL },
	[VERB_HELP] = { NAME("HELP"), WHEN_ALWAYS, SAY_TLS_FIRST, SAY_OFF, BIT(HELP), NULL, NULL },
	[VERB_AUTH] = { NAME("AUTH"), WHEN_ALWAYS, SAY_TLS_FIRST, SAY_OFF, BIT(AUTH), hold_passed,
			auth_answered },
	[VERB_STARTTLS] = { NAME("STARTTLS"), WHEN_ALWAYS, SAY_NONE, SAY_OFF, BIT(STARTTLS), NULL,
			    NULL },
	[VERB_ETRN] = { NAME("ETRN"), WHEN_ALWAYS, SAY_TLS_FIRST, SAY_OFF, BIT(ETRN), NULL, NULL },
	[VERB_XCLIENT] = NEVER("XCLIENT"),
	[VERB_XFORWARD] = NEVER("XFORWARD"),
	[VERB_PROXY] = NEVER("PROXY"),
	[VERB_TURN] = OFF("TURN"),
	[VERB_ATRN] = OFF("ATRN"),
	[VERB_SEND] = OFF("SEND"),
	[VERB_SOML] = OFF("SOML"),
	[VERB_SAML] = OFF("SAML"),
	[VERB_DEBUG] = OFF("DEBUG"),
	[VERB_WIZ] = OFF("WIZ"),
	[VERB_XEXCH50] = OFF("XEXCH50"),
	[VERB_PASSED] = OWED_ONLY(NULL),
	[VERB_GREETING] = OWED_ONLY(NULL),
	[VERB_TEXT] = OWED_ONLY(message_answered),
};

_Static_assert(VERB_COUNT <= 32, "VERB_BIT() has a bit for each");

enum verb verb_find(struct slice word)
{
	for (size_t i = 0; word.len > 0 && i < VERB_COUNT; i++)
		if (slice_eq_nocase(word, verbs[i].name))
			return (enum verb)i;
	return VERB_UNKNOWN;
}
