#include "proxy/smtp/policy.h"

#include "proxy/smtp/command.h"
#include "proxy/smtp/ehlo.h"
#include "proxy/smtp/say.h"
#include "proxy/smtp/verbs.h"

bool smtp_list_has(const struct smtp_list *list, struct slice word)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_eq_nocase(list->item[i], word))
			return true;
	return false;
}

bool smtp_list_matches(const struct smtp_list *list, struct slice word)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_match_nocase(word, list->item[i]))
			return true;
	return false;
}

/* A keyword goes with its verb: what would be refused is not announced. */
void smtp_policy_settle(struct smtp_policy *policy)
{
	policy->keywords_hidden = policy->verbs_hidden = 0;
	for (enum keyword k = 0; k < KEYWORD_COUNT; k++)
		if (smtp_list_has(&policy->keywords_hide, keyword_name(k)))
			policy->keywords_hidden |= KEYWORD_BIT(k);
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (smtp_list_has(&policy->verbs_off, verbs[i].name))
			policy->keywords_hidden |= verbs[i].keyword;
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (smtp_list_has(&policy->verbs_off, verbs[i].name) ||
		    verbs[i].keyword & policy->keywords_hidden)
			policy->verbs_hidden |= VERB_BIT(i);
}

static uint8_t refuse_never(const struct smtp *smtp, const struct command *command)
{
	(void)smtp;
	return verbs[command->verb].when == WHEN_NEVER ? SAY_NEVER : SAY_NONE;
}

/* BDAT that cannot be counted leaves octets that nobody could tell from commands. */
static uint8_t refuse_bad_chunk(const struct smtp *smtp, const struct command *command)
{
	(void)smtp;
	return command->verb == VERB_BDAT && command->bad_chunk ? SAY_BDAT_SYNTAX : SAY_NONE;
}

static uint8_t refuse_starttls(const struct smtp *smtp, const struct command *command)
{
	if (command->verb != VERB_STARTTLS)
		return SAY_NONE;
	if (smtp->secured)
		return SAY_STARTTLS_TWICE;
	if (smtp->policy->kind == SMTP_IMPLICIT)
		return SAY_OFF;
	if (command->args.len > 0)
		return SAY_STARTTLS_ARGUMENT;
	return smtp->mail != SMTP_MAIL_NONE ? SAY_STARTTLS_IN_MAIL : SAY_NONE;
}

/* Before TLS where TLS is required, and to a client whom no server will serve. */
static uint8_t refuse_front(const struct smtp *smtp, const struct command *command)
{
	if (smtp->server == SMTP_SERVER_READY || command->verb == VERB_STARTTLS)
		return SAY_NONE;
	if (!smtp->secured) {
		bool bare = command->verb == VERB_EHLO && command->args.len == 0;
		return bare ? SAY_EHLO_ARGUMENT : verbs[command->verb].front;
	}
	if (command->verb == VERB_EHLO || command->verb == VERB_HELO) {
		if (smtp->refused.len > 0)
			return SAY_CLIENT_REFUSED;
		return smtp->server == SMTP_SERVER_REFUSING ? SAY_NONE : SAY_DOWN;
	}
	return verbs[command->verb].front == SAY_TLS_FIRST ? SAY_EHLO_FIRST
							   : verbs[command->verb].front;
}

static uint8_t refuse_unknown(const struct smtp *smtp, const struct command *command)
{
	(void)smtp;
	return command->verb == VERB_UNKNOWN ? SAY_UNKNOWN : SAY_NONE;
}

static uint8_t refuse_off(const struct smtp *smtp, const struct command *command)
{
	const struct smtp_policy *policy = smtp->policy;
	bool off = policy->verbs_hidden & VERB_BIT(command->verb);

	/* What policy lets pass is in no table of ours. */
	if (command->verb == VERB_PASSED)
		off = smtp_list_has(&policy->verbs_off, command->word);
	return off || verbs[command->verb].when == WHEN_OFF ? verbs[command->verb].off : SAY_NONE;
}

static uint8_t refuse_unhelloed(const struct smtp *smtp, const struct command *command)
{
	return command->verb == VERB_MAIL && smtp->upgraded && !smtp->helloed ? SAY_EHLO_FIRST
									      : SAY_NONE;
}

static uint8_t refuse_auth(const struct smtp *smtp, const struct command *command)
{
	struct slice args = command->args;

	if (command->verb != VERB_AUTH)
		return SAY_NONE;
	if (smtp->policy->auth == SMTP_AUTH_NEVER)
		return SAY_OFF;
	if (smtp->policy->auth == SMTP_AUTH_TLS && !smtp->secured)
		return SAY_AUTH_TLS;
	return mechanism_hidden(smtp, slice_word(&args)) ? SAY_AUTH_MECHANISM : SAY_NONE;
}

static uint8_t refuse_chunk_not_offered(const struct smtp *smtp, const struct command *command)
{
	bool offered = smtp->server_keywords & KEYWORD_BIT(KEYWORD_CHUNKING);

	return command->verb == VERB_BDAT && !offered ? SAY_BDAT_OFF : SAY_NONE;
}

static uint8_t refuse_order(const struct smtp *smtp, const struct command *command)
{
	const struct verb_row *row = &verbs[command->verb];

	if (row->when == WHEN_NO_MAIL && smtp->mail != SMTP_MAIL_NONE)
		return SAY_IN_MAIL;
	if (row->when == WHEN_MAIL && smtp->mail == SMTP_MAIL_NONE)
		return SAY_NO_MAIL;
	if (command->verb == VERB_DATA && smtp->mail == SMTP_MAIL_CHUNKS)
		return SAY_MIXED;
	return SAY_NONE;
}

static uint8_t refuse_unauthenticated(const struct smtp *smtp, const struct command *command)
{
	bool refused =
		command->verb == VERB_MAIL && smtp->policy->require_auth && !smtp->authenticated;

	return refused ? SAY_AUTH_FIRST : SAY_NONE;
}

static uint8_t refuse_message(const struct smtp *smtp, const struct command *command)
{
	bool over = smtp->policy->messages > 0 && smtp->messages_begun >= smtp->policy->messages;

	return command->verb == VERB_MAIL && over ? SAY_MESSAGES : SAY_NONE;
}

static uint8_t refuse_parameter(const struct smtp *smtp, struct slice parameter)
{
	size_t equals = slice_find(parameter, '=', 0);
	enum keyword keyword = keyword_of_parameter(slice_head(parameter, equals));
	uint64_t limit = smtp->policy->message_size, size = 0;
	bool number = slice_number(slice_skip(parameter, equals + 1), &size);

	if (keyword == KEYWORD_SIZE && limit > 0 && equals < parameter.len) {
		/* More digits than 64 bits hold are over any limit; what is no number is the
		 * server's. */
		bool huge = !number && parameter.len - equals > 20;
		if (huge || (number && size > limit))
			return SAY_SIZE;
	}
	if (keyword == KEYWORD_COUNT)
		return smtp->helo_only ? SAY_PARAMETER : SAY_NONE;
	uint32_t bit = KEYWORD_BIT(keyword);
	bool hidden = (smtp->server_keywords & bit) && !(smtp->client_keywords & bit);
	bool missing = !(smtp->client_keywords & bit);
	if (hidden || (missing && (smtp->helo_only || keyword == KEYWORD_REQUIRETLS)))
		return SAY_PARAMETER;
	return SAY_NONE;
}

static uint8_t refuse_parameters(const struct smtp *smtp, const struct command *command)
{
	uint8_t say = SAY_NONE;

	if (command->verb != VERB_MAIL && command->verb != VERB_RCPT)
		return SAY_NONE;
	struct slice rest = command_parameters(command);
	for (struct slice p = slice_word(&rest); p.len > 0 && say == SAY_NONE;
	     p = slice_word(&rest))
		say = refuse_parameter(smtp, p);
	return say;
}

static uint8_t refuse_recipient(const struct smtp *smtp, const struct command *command)
{
	bool over = smtp->policy->recipients > 0 && smtp->recipients >= smtp->policy->recipients;

	return command->verb == VERB_RCPT && over ? SAY_RECIPIENTS : SAY_NONE;
}

static uint8_t refuse_size(const struct smtp *smtp, const struct command *command)
{
	uint64_t limit = smtp->policy->message_size;
	bool over =
		limit > 0 && (command->chunk > limit || smtp->text.bytes > limit - command->chunk);

	return command->verb == VERB_BDAT && over ? SAY_TEXT_SIZE : SAY_NONE;
}

/* In this order: the first that speaks is heard. Called by name, as the compiler makes one run of
 * comparisons of them. */
uint8_t policy_refusal(const struct smtp *smtp, const struct command *command)
{
	uint8_t say = SAY_NONE;

#define RULE(name) say = say == SAY_NONE ? refuse_##name(smtp, command) : say
	RULE(never);
	RULE(bad_chunk);
	RULE(starttls);
	RULE(front);
	RULE(unknown);
	RULE(off);
	RULE(unhelloed);
	RULE(auth);
	RULE(chunk_not_offered);
	RULE(order);
	RULE(unauthenticated);
	RULE(message);
	RULE(parameters);
	RULE(recipient);
	RULE(size);
#undef RULE
	return say;
}
