#include "proxy/smtp/trace.h"

#include <assert.h>

#include "proxy/smtp/command.h"
#include "proxy/smtp/ehlo.h"
#include "proxy/smtp/say.h"
#include "proxy/smtp/writer.h"

bool trace_wanted(const struct smtp *smtp)
{
	return smtp->trace.at == TRACE_WANTED && smtp->trace.field.len == 0;
}

void trace_give(struct smtp *smtp, struct slice field)
{
	assert(trace_wanted(smtp) && field.len > 0 && field.len <= TRACE_MOST_BYTES);
	smtp->trace.field = field;
}

struct slice trace_protocol(const struct smtp *smtp)
{
	static const struct slice names[] = {
		{ "ESMTP", 5 },    { "ESMTPA", 6 },    { "ESMTPS", 6 },    { "ESMTPSA", 7 },
		{ "UTF8SMTP", 8 }, { "UTF8SMTPA", 9 }, { "UTF8SMTPS", 9 }, { "UTF8SMTPSA", 10 },
	};

	/* There are no such words for HELO: TLS is told beside it. */
	if (!smtp->trace.esmtp)
		return SLICE("SMTP");
	return names[smtp->trace.utf8 * 4 + smtp->secured * 2 + smtp->authenticated];
}

static bool has_utf8(const struct command *mail)
{
	struct slice rest = command_parameters(mail);

	for (struct slice p = slice_word(&rest); p.len > 0; p = slice_word(&rest))
		if (keyword_of_parameter(slice_head(p, slice_find(p, '=', 0))) == KEYWORD_SMTPUTF8)
			return true;
	return false;
}

void trace_begin(struct smtp *smtp, const struct command *mail)
{
	if (!smtp->policy->trace)
		return;
	smtp->trace.at = TRACE_DUE;
	smtp->trace.field = SLICE("");
	smtp->trace.utf8 = mail && has_utf8(mail);
}

/* The field, and behind it an empty line where the text would otherwise go on with it. */
static void put(struct smtp *smtp, struct writer *w, bool blank)
{
	write_slice(w, smtp->trace.field);
	if (blank)
		write_str(w, "\r\n");
	smtp->trace.field = SLICE("");
}

/*
 * Whether the first line, as the receiver has it, begins with a blank: it would be more of the
 * field (RFC 5322 section 2.2.3), and a stranger's words in it. A dot in front is taken away there
 * (RFC 5321 section 4.5.2), a bare CR that is mended is a blank. False where that is not known yet.
 */
static bool first_is_known(struct slice text, bool mends, bool *blank)
{
	size_t at = text.len > 0 && text.ptr[0] == '.';
	bool more = at + 1 < text.len, cr = at < text.len && text.ptr[at] == '\r' && mends;

	if (at == text.len || (cr && !more))
		return false;
	*blank = text.ptr[at] == ' ' || text.ptr[at] == '\t' || (cr && text.ptr[at + 1] != '\n');
	return true;
}

void trace_text(struct smtp *smtp, struct slice waiting, struct smtp_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };
	bool blank;

	if (!first_is_known(waiting, smtp->policy->normalize, &blank))
		return;
	smtp->trace.at = TRACE_WANTED;
	if (smtp->trace.field.len == 0)
		return;
	put(smtp, &w, blank);
	smtp->trace.at = TRACE_NONE;
	step->act = SMTP_SWAP;
	step->text = slice_of(w.to, w.len);
}

/* Of an empty chunk that is not the last nothing can be said yet: the next one may do. */
static bool takes_field(const struct smtp *smtp, const struct command *command)
{
	return command->verb == VERB_BDAT && smtp->trace.at != TRACE_NONE &&
	       (command->chunk > 0 || command->last) && policy_refusal(smtp, command) == SAY_NONE;
}

bool trace_waits(struct smtp *smtp, const struct command *command)
{
	if (!takes_field(smtp, command) || smtp->trace.field.len > 0)
		return false;
	if (command->chunk == 0 || command->waiting.len > command->len)
		smtp->trace.at = TRACE_WANTED;
	return true;
}

bool trace_chunk(struct smtp *smtp, const struct command *command, struct smtp_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };
	bool blank = false;

	if (command->verb != VERB_BDAT || smtp->trace.field.len == 0)
		return false;
	if (command->chunk > 0) {
		char first = command->waiting.ptr[command->len];
		blank = first == ' ' || first == '\t';
	}
	write_slice(&w, command->word);
	write_str(&w, " ");
	write_number(&w, command->chunk + smtp->trace.field.len + (blank ? 2 : 0));
	write_str(&w, command->last ? " LAST\r\n" : "\r\n");
	put(smtp, &w, blank);
	smtp->trace.at = TRACE_PUT;
	step->act = SMTP_SWAP;
	step->len = command->len;
	step->text = slice_of(w.to, w.len);
	return true;
}
