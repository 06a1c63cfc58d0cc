/* The sink's side of SMTP: whole sessions, in every split, with the same outcome. */
#include "bench/dialog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define HELLO "220 postern-sink ESMTP\r\n"
#define BRIEF \
	"250-postern-sink\r\n250-SIZE 100\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH " \
	"PLAIN LOGIN\r\n"

/* One session: what the client says, what it is told, and what the mailbox has then. */
struct story {
	const char *name;
	struct slice said;
	struct slice told;
	uint64_t messages;
	uint64_t bytes;
	uint64_t errors;
	bool incomplete;
	unsigned refuse_dot, refuse_bdat, refuse_connect, refuse_rcpt;
	const char *auth;
};

#define ENVELOPE       "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n"
#define ENVELOPE_TAKEN "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n"
#define GO_ON          "354 end with a dot on a line of its own\r\n"
#define TAKEN          "250 2.0.0 message taken\r\n"
#define OCTETS         "250 2.0.0 octets taken\r\n"
#define BYE            "221 2.0.0 bye\r\n"
#define EHLO           "EHLO x\r\n"

static const struct story stories[] = {
	{ "nothing", SLICE(""), SLICE(HELLO), .messages = 0 },
	{ "a message by DATA",
	  SLICE(EHLO ENVELOPE "DATA\r\n..a\r\n.\n.\r\r\n\r\n.\r\nQUIT\r\nNOOP\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN GO_ON TAKEN BYE), .messages = 1, .bytes = 11 },
	{ "an empty message, then another",
	  SLICE(EHLO ENVELOPE "DATA\r\n.\r\n" ENVELOPE "data\r\nx\r\n.\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN GO_ON TAKEN ENVELOPE_TAKEN GO_ON TAKEN), .messages = 2,
	  .bytes = 3 },
	{ "text without an end", SLICE(EHLO ENVELOPE "DATA\r\na\n.\r\nb\r\n.\nc\r.\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN GO_ON), .incomplete = true },
	{ "chunks, with dots and commands in them",
	  SLICE(EHLO ENVELOPE "BDAT 5\r\n\r\n.\r\nBDAT 0\r\nBDAT 6 last\r\nQUIT\r\nNOOP\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN OCTETS OCTETS TAKEN "250 2.0.0 ok\r\n"), .messages = 1,
	  .bytes = 11 },
	{ "an empty last chunk", SLICE(EHLO ENVELOPE "BDAT 0 LAST\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN TAKEN), .messages = 1 },
	{ "a chunk out of order is taken and refused",
	  SLICE(EHLO "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"),
	  SLICE(HELLO BRIEF "503 5.5.1 RCPT comes first\r\n250 2.0.0 ok\r\n"), .errors = 1 },
	{ "chunks forgotten by RSET", SLICE(EHLO ENVELOPE "BDAT 3\r\nabcRSET\r\nDATA\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN OCTETS
		"250 2.0.0 forgotten\r\n503 5.5.1 RCPT comes first\r\n"),
	  .errors = 1 },
	{ "DATA behind chunks", SLICE(EHLO ENVELOPE "BDAT 1\r\nxDATA\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN OCTETS "503 5.5.1 DATA cannot follow BDAT\r\n"),
	  .errors = 1, .incomplete = true },
	{ "order", SLICE("MAIL FROM:<>\r\n" EHLO "RCPT TO:<a@b>\r\nDATA\r\nMAIL FROM\r\nEHLO\r\n"),
	  SLICE(HELLO "503 5.5.1 HELO or EHLO comes first\r\n" BRIEF
		      "503 5.5.1 MAIL comes first\r\n503 5.5.1 RCPT comes first\r\n"
		      "501 5.5.4 expected MAIL FROM:<address>\r\n501 5.5.4 EHLO needs a name\r\n"),
	  .errors = 5 },
	{ "lines that are none", SLICE("NOOP\nFOO\r\n\r\nN\0P\r\n"),
	  SLICE(HELLO
		"500 5.5.2 a line must end in CR LF\r\n500 5.5.2 there is no such command\r\n"
		"500 5.5.2 there is no such command\r\n500 5.5.2 there is no such command\r\n"),
	  .errors = 4 },
	{ "sizes",
	  SLICE(EHLO "MAIL FROM:<a@b> BODY=8BITMIME SIZE=101\r\nMAIL FROM:<a@b> SIZE=100\r\n"),
	  SLICE(HELLO BRIEF "552 5.3.4 the message is too large\r\n250 2.1.0 sender ok\r\n"),
	  .messages = 0 },
	{ "verdict refused", SLICE(EHLO ENVELOPE "DATA\r\nx\r\n.\r\nNOOP\r\n"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN GO_ON
		"451 4.0.0 refused on request\r\n250 2.0.0 ok\r\n"),
	  .refuse_dot = 451 },
	{ "chunk refused", SLICE(EHLO ENVELOPE "BDAT 6\r\nQUIT\r\nBDAT 1 LAST\r\nx"),
	  SLICE(HELLO BRIEF ENVELOPE_TAKEN
		"452 4.0.0 refused on request\r\n503 5.5.1 RCPT comes first\r\n"),
	  .errors = 1, .refuse_bdat = 452 },
	{ "session refused", SLICE(EHLO "QUIT\r\n"),
	  SLICE("554 postern-sink refuses on request\r\n"
		"503 5.5.1 this session was refused\r\n" BYE),
	  .errors = 1, .refuse_connect = 554 },
	{ "closed by a refusal", SLICE(EHLO ENVELOPE "QUIT\r\n"),
	  SLICE(HELLO BRIEF "250 2.1.0 sender ok\r\n421 4.0.0 refused on request\r\n"),
	  .refuse_rcpt = 421 },
	{ "AUTH PLAIN and LOGIN",
	  SLICE(EHLO "AUTH PLAIN AHUAdw==\r\nAUTH PLAIN\r\n*\r\nAUTH LOGIN\r\ndQ==\r\ncA==\r\n"),
	  SLICE(HELLO BRIEF
		"535 5.7.8 credentials not accepted\r\n334 \r\n501 5.5.2 that cannot be read\r\n"
		"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 2.7.0 welcome\r\n"),
	  .errors = 1, .auth = "u:p" },
	{ "AUTH once, in its place",
	  SLICE("AUTH PLAIN AHUAcA==\r\n" EHLO
		"AUTH GSSAPI\r\nAUTH PLAIN AHUAcA==\r\nAUTH LOGIN\r\n"),
	  SLICE(HELLO "503 5.5.1 AUTH has no place here\r\n" BRIEF
		      "504 5.5.4 there is no such mechanism\r\n235 2.7.0 welcome\r\n"
		      "503 5.5.1 AUTH has no place here\r\n"),
	  .errors = 3 },
};

struct session {
	struct dialog_rules rules;
	struct mailbox box;
	struct mail mail;
	struct dialog dialog;
	size_t said_len;
	char said[4096];
	size_t in_len;
	char in[4096];
};

static void begin(struct session *session, const struct story *story)
{
	*session = (struct session){ .rules = { .auth = story->auth,
						.size_bytes = 100,
						.hide = { .item = { "pipelining", "8BITMIME",
								    "SMTPUTF8", "DSN", "HELP" },
							  .count = 5 } } };
	session->rules.refuse[MOMENT_DOT] = story->refuse_dot;
	session->rules.refuse[MOMENT_BDAT] = story->refuse_bdat;
	session->rules.refuse[MOMENT_CONNECT] = story->refuse_connect;
	session->rules.refuse[MOMENT_RCPT] = story->refuse_rcpt;
	assert_true(mailbox_init(&session->box, NULL));
	mail_init(&session->mail, &session->box, 1, MAIL_HONEST);
	dialog_init(&session->dialog, &session->rules, &session->mail, true);
}

/* As much as can be handled of what has come. */
static void handle(struct session *session)
{
	struct dialog_reply reply;

	for (;;) {
		struct slice in = slice_of(session->in, session->in_len);
		struct dialog_look look = dialog_look(&session->dialog, in);
		if (look.moment == MOMENT_NONE)
			return;
		size_t n = dialog_take(&session->dialog, &look, &reply);
		assert_true(n <= session->in_len);
		session->in_len -= n;
		memmove(session->in, session->in + n, session->in_len);
		assert_true(session->said_len + reply.len <= sizeof session->said);
		memcpy(session->said + session->said_len, reply.text, reply.len);
		session->said_len += reply.len;
	}
}

static void hear(struct session *session, struct slice bytes)
{
	assert_true(session->in_len + bytes.len <= sizeof session->in);
	if (bytes.len > 0)
		memcpy(session->in + session->in_len, bytes.ptr, bytes.len);
	session->in_len += bytes.len;
	handle(session);
}

static void end(struct session *session, const struct story *story)
{
	struct slice said = slice_of(session->said, session->said_len);

	if (!slice_eq(said, story->told))
		fail_msg("%s: told\n%.*s", story->name, (int)said.len, said.ptr);
	assert_int_equal(session->box.messages, story->messages);
	assert_int_equal(session->box.bytes, story->bytes);
	assert_int_equal(session->dialog.errors, story->errors);
	assert_int_equal(session->mail.has_text, story->incomplete);
	mail_release(&session->mail);
	mailbox_release(&session->box);
}

static void test_stories_in_every_split(void **state)
{
	struct session *session = malloc(sizeof *session);

	(void)state;
	assert_non_null(session);
	for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
		const struct story *story = &stories[i];
		for (size_t cut = 0; cut <= story->said.len; cut++) {
			begin(session, story);
			hear(session, slice_head(story->said, cut));
			hear(session, slice_skip(story->said, cut));
			end(session, story);
		}
		begin(session, story);
		for (size_t at = 0; at < story->said.len; at++)
			hear(session, slice_head(slice_skip(story->said, at), 1));
		handle(session);
		end(session, story);
	}
	free(session);
}

/* A line without end is answered once, and then nothing more is heard. */
static void test_long_line(void **state)
{
	struct mailbox box = { 0 };
	struct dialog_rules rules = { 0 };
	struct dialog_reply reply;
	struct mail mail;
	struct dialog dialog;
	char *line = malloc(DIALOG_LINE_BYTES);

	(void)state;
	assert_non_null(line);
	memset(line, 'x', DIALOG_LINE_BYTES);
	mail_init(&mail, &box, 1, MAIL_HONEST);
	dialog_init(&dialog, &rules, &mail, false);
	struct dialog_look look = dialog_look(&dialog, SLICE(""));
	dialog_take(&dialog, &look, &reply);
	look = dialog_look(&dialog, slice_of(line, DIALOG_LINE_BYTES - 1));
	assert_int_equal(look.moment, MOMENT_NONE);
	look = dialog_look(&dialog, slice_of(line, DIALOG_LINE_BYTES));
	assert_int_equal(look.moment, MOMENT_LONG);
	dialog_take(&dialog, &look, &reply);
	assert_memory_equal(reply.text, "500 ", 4);
	assert_int_equal(dialog_look(&dialog, SLICE("NOOP\r\n")).moment, MOMENT_NONE);
	mail_release(&mail);
	free(line);
}

static void test_moments_by_name(void **state)
{
	(void)state;
	assert_int_equal(moment_named(SLICE("RCPT")), MOMENT_RCPT);
	assert_int_equal(moment_code(MOMENT_RCPT), 550);
	assert_int_equal(moment_code(MOMENT_TEXT), 0);
	assert_int_equal(moment_named(SLICE("rcp")), MOMENT_NONE);
	assert_int_equal(moment_named(SLICE("")), MOMENT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories_in_every_split),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_moments_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
