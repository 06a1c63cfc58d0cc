#include "bench/dialog_verbs.h"

#include <stdarg.h>
#include <stdio.h>

typedef void handler(struct dialog *dialog, struct slice args, struct dialog_reply *reply);

static handler do_helo, do_ehlo, do_mail, do_rcpt, do_data, do_bdat, do_rset, do_noop, do_quit;
static handler do_vrfy, do_help, do_other, do_tally;

/* One row says all there is to say of a moment. */
static const struct row {
	const char *name;        /* on the command line, and of a verb on the wire */
	enum moment_delay delay; /* which option delays it */
	unsigned code;           /* the reply when it is refused; 0: cannot be refused */
	handler *handle;         /* NULL: no verb */
	const char *keyword;     /* the verb is there only where EHLO announces this */
} rows[MOMENTS] = {
	[MOMENT_CONNECT] = { "connect", DELAY_GREETING, 554, NULL, NULL },
	[MOMENT_HELO] = { "helo", DELAY_REPLY, 502, do_helo, NULL },
	[MOMENT_EHLO] = { "ehlo", DELAY_REPLY, 502, do_ehlo, NULL },
	[MOMENT_MAIL] = { "mail", DELAY_REPLY, 450, do_mail, NULL },
	[MOMENT_RCPT] = { "rcpt", DELAY_REPLY, 550, do_rcpt, NULL },
	[MOMENT_DATA] = { "data", DELAY_REPLY, 554, do_data, NULL },
	[MOMENT_BDAT] = { "bdat", DELAY_NONE, 554, do_bdat, "CHUNKING" },
	[MOMENT_RSET] = { "rset", DELAY_REPLY, 502, do_rset, NULL },
	[MOMENT_NOOP] = { "noop", DELAY_REPLY, 502, do_noop, NULL },
	[MOMENT_QUIT] = { "quit", DELAY_REPLY, 502, do_quit, NULL },
	[MOMENT_VRFY] = { "vrfy", DELAY_REPLY, 502, do_vrfy, NULL },
	[MOMENT_HELP] = { "help", DELAY_REPLY, 502, do_help, "HELP" },
	[MOMENT_AUTH] = { "auth", DELAY_REPLY, 535, dialog_auth_begin, "AUTH" },
	[MOMENT_TALLY] = { "xtally", DELAY_NONE, 0, do_tally, NULL },
	[MOMENT_TEXT] = { "text", DELAY_NONE, 0, NULL, NULL },
	[MOMENT_DOT] = { "dot", DELAY_VERDICT, 451, NULL, NULL },
	[MOMENT_CHUNK] = { "chunk", DELAY_REPLY, 0, NULL, NULL },
	[MOMENT_ANSWER] = { "answer", DELAY_REPLY, 535, NULL, NULL },
	[MOMENT_OTHER] = { "other", DELAY_REPLY, 500, NULL, NULL },
	[MOMENT_LONG] = { "long", DELAY_NONE, 0, NULL, NULL },
};

static const char *const keywords[] = {
	"PIPELINING",       "SIZE", "8BITMIME", "CHUNKING",
	"SMTPUTF8",         "DSN",  "HELP",     "ENHANCEDSTATUSCODES",
	"AUTH PLAIN LOGIN",
};

enum moment_delay moment_delay(enum moment moment)
{
	return rows[moment].delay;
}

enum moment moment_named(struct slice name)
{
	for (int i = 0; i < MOMENTS; i++)
		if (slice_eq_nocase(name, slice_str(rows[i].name)))
			return (enum moment)i;
	return MOMENT_NONE;
}

unsigned moment_code(enum moment moment)
{
	return rows[moment].code;
}

static bool is_hidden(const struct dialog *dialog, struct slice keyword)
{
	for (size_t i = 0; i < dialog->rules->hide.count; i++)
		if (slice_eq_nocase(keyword, slice_str(dialog->rules->hide.item[i])))
			return true;
	return false;
}

enum moment dialog_verb(struct slice line)
{
	enum moment moment = moment_named(slice_word(&line));

	return moment != MOMENT_NONE && rows[moment].handle ? moment : MOMENT_OTHER;
}

void dialog_line(struct dialog_reply *reply, const char *format, ...)
{
	size_t room = sizeof reply->text - reply->len;
	va_list args;

	va_start(args, format);
	int len = vsnprintf(reply->text + reply->len, room, format, args);
	va_end(args);
	if ((size_t)len < room)
		reply->len += (size_t)len;
}

void dialog_say(struct dialog *dialog, struct dialog_reply *reply, unsigned code,
		const char *enhanced, const char *text)
{
	if (is_hidden(dialog, SLICE("ENHANCEDSTATUSCODES")))
		dialog_line(reply, "%u %s\r\n", code, text);
	else
		dialog_line(reply, "%u %s %s\r\n", code, enhanced, text);
	if (code == 421)
		dialog->at = DIALOG_END;
}

void dialog_error(struct dialog *dialog, struct dialog_reply *reply, unsigned code,
		  const char *enhanced, const char *text)
{
	dialog->errors++;
	dialog_say(dialog, reply, code, enhanced, text);
}

void dialog_refuse(struct dialog *dialog, struct dialog_reply *reply, unsigned code)
{
	dialog_say(dialog, reply, code, code < 500 ? "4.0.0" : "5.0.0", "refused on request");
}

void dialog_forget(struct dialog *dialog)
{
	mail_forget(dialog->mail);
	dialog->has_from = false;
}

static void do_helo(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	if (args.len == 0) {
		dialog_error(dialog, reply, 501, "5.5.4", "HELO needs a name");
		return;
	}
	dialog_forget(dialog);
	dialog->has_helo = true;
	mail_helo(dialog->mail, args);
	dialog_line(reply, "250 postern-sink\r\n");
}

/* SIZE says the limit, AUTH what it is asked for with. */
static void announce(const struct dialog *dialog, struct dialog_reply *reply, const char *keyword)
{
	struct slice rest = slice_str(keyword);
	struct slice word = slice_word(&rest);

	if (is_hidden(dialog, word))
		return;
	if (slice_eq(word, SLICE("SIZE")))
		dialog_line(reply, "250-SIZE %llu\r\n",
			    (unsigned long long)dialog->rules->size_bytes);
	else
		dialog_line(reply, "250-%s\r\n", keyword);
}

static void do_ehlo(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	const struct args_list *more = &dialog->rules->announce;
	size_t last = 0;

	if (args.len == 0) {
		dialog_error(dialog, reply, 501, "5.5.4", "EHLO needs a name");
		return;
	}
	dialog_forget(dialog);
	dialog->has_helo = true;
	mail_helo(dialog->mail, args);
	dialog_line(reply, "250-postern-sink\r\n");
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		announce(dialog, reply, keywords[i]);
	for (size_t i = 0; i < more->count; i++)
		announce(dialog, reply, more->item[i]);
	for (size_t i = 0; i + 2 < reply->len; i++)
		if (reply->text[i] == '\n')
			last = i + 1;
	reply->text[last + 3] = ' ';
}

/* What follows `name` when that begins the arguments and a path in brackets comes next. */
static bool has_path(struct slice args, struct slice name, struct slice *path)
{
	if (!slice_starts_nocase(args, name))
		return false;
	*path = slice_trim(slice_skip(args, name.len));
	return path->len > 0 && path->ptr[0] == '<' && slice_find(*path, '>', 0) < path->len;
}

static bool is_too_large(const struct dialog *dialog, struct slice path)
{
	uint64_t size;

	slice_word(&path);
	for (;;) {
		struct slice word = slice_word(&path);
		if (word.len == 0)
			return false;
		if (slice_starts_nocase(word, SLICE("SIZE=")) &&
		    slice_number(slice_skip(word, 5), &size))
			return size > dialog->rules->size_bytes;
	}
}

static void do_mail(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	struct slice path;

	if (!dialog->has_helo)
		dialog_error(dialog, reply, 503, "5.5.1", "HELO or EHLO comes first");
	else if (dialog->has_from)
		dialog_error(dialog, reply, 503, "5.5.1", "there is a sender already");
	else if (!has_path(args, SLICE("FROM:"), &path))
		dialog_error(dialog, reply, 501, "5.5.4", "expected MAIL FROM:<address>");
	else if (is_too_large(dialog, path))
		dialog_say(dialog, reply, 552, "5.3.4", "the message is too large");
	else if (!mail_from(dialog->mail, path))
		dialog_error(dialog, reply, 452, "4.3.1", "no room");
	else {
		dialog->has_from = true;
		dialog_say(dialog, reply, 250, "2.1.0", "sender ok");
	}
}

static void do_rcpt(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	struct slice path;

	if (!dialog->has_from)
		dialog_error(dialog, reply, 503, "5.5.1", "MAIL comes first");
	else if (!has_path(args, SLICE("TO:"), &path) || path.ptr[1] == '>')
		dialog_error(dialog, reply, 501, "5.5.4", "expected RCPT TO:<address>");
	else if (!mail_to(dialog->mail, path))
		dialog_say(dialog, reply, 452, "4.5.3", "too many recipients");
	else
		dialog_say(dialog, reply, 250, "2.1.5", "recipient ok");
}

static void do_data(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	if (args.len > 0) {
		dialog_error(dialog, reply, 501, "5.5.4", "DATA takes no arguments");
	} else if (dialog->mail->has_text) {
		dialog_error(dialog, reply, 503, "5.5.1", "DATA cannot follow BDAT");
	} else if (dialog->mail->recipients == 0) {
		dialog_error(dialog, reply, 503, "5.5.1", "RCPT comes first");
	} else {
		mail_begin(dialog->mail);
		dialog->at = DIALOG_TEXT;
		dialog->undot = UNDOT_LINE;
		dialog_line(reply, "354 end with a dot on a line of its own\r\n");
	}
}

/* Why the chunk that comes now will be answered with an error, or 0. Its octets are taken anyway.
 */
static unsigned chunk_code(const struct dialog *dialog)
{
	if (dialog->mail->recipients == 0)
		return 503;
	return dialog->misbehaves ? dialog->rules->refuse[MOMENT_BDAT] : 0;
}

static void do_bdat(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	struct slice size = slice_word(&args), last = slice_word(&args);

	if (!slice_number(size, &dialog->chunk_left) || args.len > 0 ||
	    (last.len > 0 && !slice_eq_nocase(last, SLICE("LAST")))) {
		dialog_error(dialog, reply, 501, "5.5.4", "expected BDAT octets [LAST]");
		return;
	}
	dialog->chunk_last = last.len > 0;
	dialog->chunk_code = chunk_code(dialog);
	dialog->at = dialog->chunk_left > 0 ? DIALOG_CHUNK : DIALOG_CHUNK_END;
	if (!dialog->chunk_code && !dialog->mail->has_text)
		mail_begin(dialog->mail);
}

static void do_rset(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	(void)args;
	dialog_forget(dialog);
	dialog_say(dialog, reply, 250, "2.0.0", "forgotten");
}

static void do_noop(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	(void)args;
	dialog_say(dialog, reply, 250, "2.0.0", "ok");
}

static void do_quit(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	(void)args;
	dialog_say(dialog, reply, 221, "2.0.0", "bye");
	dialog->at = DIALOG_END;
}

static void do_vrfy(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	(void)args;
	dialog_say(dialog, reply, 252, "2.5.0", "everybody is welcome");
}

static void do_help(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	(void)args;
	dialog_say(dialog, reply, 214, "2.0.0", "this server keeps no mail");
}

static void say_tally(struct dialog_reply *reply, const struct tally_run *run, uint64_t from)
{
	dialog_line(reply, "250 %llu %llu %llu ", (unsigned long long)run->seen,
		    (unsigned long long)run->doubled, (unsigned long long)run->damaged);
	for (size_t byte = from / 8; byte < from / 8 + DIALOG_TALLY_NUMBERS / 8; byte++)
		dialog_line(reply, "%02x", byte < run->bits_len ? run->bits[byte] : 0u);
	dialog_line(reply, "\r\n");
}

static void do_tally(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	static const struct tally_run none;
	struct slice digits = slice_word(&args), from = slice_word(&args);
	uint64_t run, number;

	if (!message_read_hex(digits, &run) || !slice_number(from, &number) || number % 8 != 0) {
		dialog_error(dialog, reply, 501, "5.5.4", "expected XTALLY run from");
		return;
	}
	const struct tally_run *found = tally_find(&dialog->mail->box->tally, run);
	say_tally(reply, found ? found : &none, number);
}

static void do_other(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	(void)args;
	dialog_error(dialog, reply, 500, "5.5.2", "there is no such command");
}

bool dialog_verb_is_there(const struct dialog *dialog, enum moment verb)
{
	const char *keyword = rows[verb].keyword;

	return !keyword || !is_hidden(dialog, slice_str(keyword));
}

void dialog_verb_run(struct dialog *dialog, enum moment verb, struct slice args,
		     struct dialog_reply *reply)
{
	handler *handle = rows[verb].handle;

	(handle ? handle : do_other)(dialog, args, reply);
}
