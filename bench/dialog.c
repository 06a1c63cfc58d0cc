#include "bench/dialog_verbs.h"

void dialog_init(struct dialog *dialog, const struct dialog_rules *rules, struct mail *mail,
		 bool misbehaves)
{
	*dialog = (struct dialog){ .rules = rules, .mail = mail, .misbehaves = misbehaves };
}

bool dialog_in_text(const struct dialog *dialog)
{
	return dialog->at == DIALOG_TEXT || dialog->at == DIALOG_CHUNK;
}

static struct dialog_look look_at_line(struct slice in, bool is_answer)
{
	struct dialog_look look = { .moment = MOMENT_NONE };
	size_t lf = slice_find(in, '\n', 0);

	if (lf == in.len || lf >= DIALOG_LINE_BYTES) {
		if (in.len >= DIALOG_LINE_BYTES)
			look.moment = MOMENT_LONG;
		return look;
	}
	look.bytes = slice_head(in, lf + 1);
	look.line = slice_head(in, lf > 0 && in.ptr[lf - 1] == '\r' ? lf - 1 : lf);
	look.moment = is_answer ? MOMENT_ANSWER : dialog_verb(look.line);
	return look;
}

static struct dialog_look look_at_text(struct slice in, uint64_t most)
{
	struct dialog_look look = { .moment = in.len > 0 ? MOMENT_TEXT : MOMENT_NONE };

	look.bytes = slice_head(in, most < in.len ? (size_t)most : in.len);
	return look;
}

struct dialog_look dialog_look(const struct dialog *dialog, struct slice in)
{
	switch (dialog->at) {
	case DIALOG_CONNECT:
		return (struct dialog_look){ .moment = MOMENT_CONNECT };
	case DIALOG_COMMAND:
		return look_at_line(in, false);
	case DIALOG_AUTH_PLAIN:
	case DIALOG_AUTH_USER:
	case DIALOG_AUTH_PASSWORD:
		return look_at_line(in, true);
	case DIALOG_TEXT:
		return look_at_text(in, SIZE_MAX);
	case DIALOG_CHUNK:
		return look_at_text(in, dialog->chunk_left);
	case DIALOG_DOT:
		return (struct dialog_look){ .moment = MOMENT_DOT };
	case DIALOG_CHUNK_END:
		return (struct dialog_look){ .moment = dialog->chunk_last ? MOMENT_DOT
									  : MOMENT_CHUNK };
	case DIALOG_END:
		break;
	}
	return (struct dialog_look){ .moment = MOMENT_NONE };
}

static unsigned refusal(const struct dialog *dialog, enum moment moment)
{
	return dialog->misbehaves ? dialog->rules->refuse[moment] : 0;
}

static void greet(struct dialog *dialog, struct dialog_reply *reply)
{
	unsigned code = refusal(dialog, MOMENT_CONNECT);

	dialog->at = DIALOG_COMMAND;
	if (code) {
		dialog->is_refused = true;
		dialog_line(reply, "%u postern-sink refuses on request\r\n", code);
		if (code == 421)
			dialog->at = DIALOG_END;
	} else {
		dialog_line(reply, "220 postern-sink ESMTP\r\n");
	}
}

static void command(struct dialog *dialog, const struct dialog_look *look,
		    struct dialog_reply *reply)
{
	struct slice args = look->line;
	enum moment verb = look->moment;
	unsigned code = refusal(dialog, verb);

	slice_word(&args);
	if (look->bytes.len - look->line.len != 2)
		dialog_error(dialog, reply, 500, "5.5.2", "a line must end in CR LF");
	else if (dialog->is_refused && verb != MOMENT_QUIT)
		dialog_error(dialog, reply, 503, "5.5.1", "this session was refused");
	else if (!dialog_verb_is_there(dialog, verb))
		dialog_error(dialog, reply, 502, "5.5.1", "this command is not there");
	else if (code && verb != MOMENT_BDAT) /* which is refused behind its octets */
		dialog_refuse(dialog, reply, code);
	else
		dialog_verb_run(dialog, verb, slice_trim(args), reply);
}

static size_t take_data(struct dialog *dialog, struct slice in)
{
	struct slice run;
	size_t at = 0;

	while (at < in.len && dialog->undot != UNDOT_END) {
		at += undot(&dialog->undot, slice_skip(in, at), &run);
		mail_text(dialog->mail, run);
	}
	if (dialog->undot == UNDOT_END)
		dialog->at = DIALOG_DOT;
	return at;
}

static size_t take_text(struct dialog *dialog, struct slice in)
{
	if (dialog->at == DIALOG_TEXT)
		return take_data(dialog, in);
	if (!dialog->chunk_code)
		mail_text(dialog->mail, in);
	dialog->chunk_left -= in.len;
	if (dialog->chunk_left == 0)
		dialog->at = DIALOG_CHUNK_END;
	return in.len;
}

static void refuse_chunk(struct dialog *dialog, struct dialog_reply *reply)
{
	if (dialog->chunk_code == 503)
		dialog_error(dialog, reply, 503, "5.5.1", "RCPT comes first");
	else
		dialog_refuse(dialog, reply, dialog->chunk_code);
	dialog_forget(dialog);
	dialog->chunk_code = 0;
}

static void end_chunk(struct dialog *dialog, struct dialog_reply *reply)
{
	dialog->at = DIALOG_COMMAND;
	if (dialog->chunk_code)
		refuse_chunk(dialog, reply);
	else
		dialog_say(dialog, reply, 250, "2.0.0", "octets taken");
}

static void verdict(struct dialog *dialog, struct dialog_reply *reply)
{
	unsigned code = refusal(dialog, MOMENT_DOT);

	dialog->at = DIALOG_COMMAND;
	if (dialog->chunk_code)
		refuse_chunk(dialog, reply);
	else if (code)
		dialog_refuse(dialog, reply, code);
	else if (dialog->mail->bytes > dialog->rules->size_bytes)
		dialog_say(dialog, reply, 552, "5.3.4", "the message is too large");
	else if (!mail_accept(dialog->mail))
		dialog_say(dialog, reply, 451, "4.3.0", "the message cannot be kept");
	else
		dialog_say(dialog, reply, 250, "2.0.0", "message taken");
	dialog_forget(dialog);
}

static void too_long(struct dialog *dialog, struct dialog_reply *reply)
{
	dialog_error(dialog, reply, 500, "5.5.6", "the line is too long");
	dialog->at = DIALOG_END;
}

static void answer(struct dialog *dialog, struct slice line, struct dialog_reply *reply)
{
	unsigned code = refusal(dialog, MOMENT_ANSWER);

	if (!code) {
		dialog_auth_answer(dialog, line, reply);
		return;
	}
	dialog->at = DIALOG_COMMAND;
	dialog_refuse(dialog, reply, code);
}

size_t dialog_take(struct dialog *dialog, const struct dialog_look *look,
		   struct dialog_reply *reply)
{
	reply->len = 0;
	switch (look->moment) {
	case MOMENT_CONNECT:
		greet(dialog, reply);
		break;
	case MOMENT_TEXT:
		return take_text(dialog, look->bytes);
	case MOMENT_DOT:
		verdict(dialog, reply);
		break;
	case MOMENT_CHUNK:
		end_chunk(dialog, reply);
		break;
	case MOMENT_ANSWER:
		answer(dialog, look->line, reply);
		break;
	case MOMENT_LONG:
		too_long(dialog, reply);
		break;
	default:
		command(dialog, look, reply);
	}
	return look->bytes.len;
}
