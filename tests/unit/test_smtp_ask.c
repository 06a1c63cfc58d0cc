/* What the monitor asks a server: the same in any cut of the server's bytes. */
#include "proxy/smtp/ask.h"
#include "proxy/smtp/ehlo.h"

#include "proxy/monitor/health.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ask_plan health = { .hostname = { "mail.test", 9 } };
static const struct ask_plan relay = {
	.hostname = { "mail.test", 9 },
	.from = { "a@from.test", 11 },
	.to = { "b@to.test", 9 },
};

struct talk {
	struct ask ask;
	char said[4096];
	size_t len;
	char waits[4096];
	size_t waiting;
};

/* Goes on with what waits; no more than `most` bytes of a text are taken at once. */
static void go_on(struct talk *talk, size_t most)
{
	char room[ASK_ROOM_BYTES];
	struct ask_step step = { .room = room };

	for (;;) {
		ask_step(&talk->ask, slice_of(talk->waits, talk->waiting), &step);
		talk->waiting -= step.drop;
		memmove(talk->waits, talk->waits + step.drop, talk->waiting);
		if (step.act == ASK_WAIT || step.act == ASK_DONE)
			return;
		if (step.act != ASK_SAY)
			continue;
		struct slice text = slice_head(step.text, most);
		memcpy(talk->said + talk->len, text.ptr, text.len);
		talk->len += text.len;
		ask_said(&talk->ask, text.len);
	}
}

static void hear(struct talk *talk, const char *text, size_t cut)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		size_t piece = len - at < cut ? len - at : cut;
		memcpy(talk->waits + talk->waiting, text + at, piece);
		talk->waiting += piece;
		at += piece;
		go_on(talk, cut);
	}
}

/* The server's side in one piece, since each reply is read only when it is its turn. */
static struct talk told(const struct ask_plan *plan, const char *text, size_t cut)
{
	struct talk talk = { .len = 0 };

	ask_init(&talk.ask, plan);
	hear(&talk, text, cut);
	talk.said[talk.len] = '\0';
	return talk;
}

static const size_t cuts[] = { 1, 2, 7, 4000 };

#define EACH_CUT(i) for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)

static void a_server_that_is_well(void **state)
{
	(void)state;
	EACH_CUT(i)
	{
		struct talk talk =
			told(&health,
			     "220-mx\r\n220 ESMTP\r\n250-mx\r\n250-size 1000\r\n250-X-FOO\r\n"
			     "250-AUTH PLAIN CRAM-MD5 X-MINE\r\n250-XCLIENT NAME ADDR\r\n"
			     "250 8BITMIME\r\n221 bye\r\n",
			     cuts[i]);
		assert_string_equal(talk.said, "EHLO mail.test\r\nQUIT\r\n");
		assert_int_equal(talk.ask.at, ASK_END);
		assert_true(ask_went_well(&talk.ask));
		assert_false(ask_was_busy(&talk.ask));
		assert_int_equal(ask_answer(&talk.ask), ASK_UNDECIDED);
		assert_int_equal(talk.ask.offer.keywords, KEYWORD_BIT(KEYWORD_SIZE) |
								  KEYWORD_BIT(KEYWORD_AUTH) |
								  KEYWORD_BIT(KEYWORD_8BITMIME));
		assert_int_equal(talk.ask.offer.size, 1000);
		assert_true(talk.ask.xclient);
		assert_string_equal(talk.ask.words, "");
	}
}

static void offers_in_words(void **state)
{
	struct talk talk = told(&health,
				"220 mx\r\n250-mx\r\n250-SIZE 1000\r\n250-AUTH=LOGIN\r\n"
				"250 AUTH PLAIN X-MINE\r\n",
				4000);
	struct offer other = talk.ask.offer;
	char text[200];
	struct writer w = { .to = text, .size = sizeof text };

	(void)state;
	offer_write(&talk.ask.offer, &w);
	assert_memory_equal(text, "SIZE=1000 AUTH=PLAIN,LOGIN,others", w.len);
	assert_int_equal(w.len, strlen("SIZE=1000 AUTH=PLAIN,LOGIN,others"));
	assert_true(offer_eq(&other, &talk.ask.offer));
	other.size++;
	assert_false(offer_eq(&other, &talk.ask.offer));
}

static const struct {
	const struct ask_plan *plan;
	const char *server, *said, *words;
	bool well, busy, over;
	enum ask_answer answer;
} rows[] = {
	/* What it is to be told, and nothing more: never DATA. */
	{ &relay, "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\nRCPT TO:<b@to.test>\r\nRSET\r\nQUIT\r\n",
	  "", true, false, true, ASK_TAKEN },
	{ &relay, "220 mx\r\n250 mx\r\n250 ok\r\n554 5.7.1 no relay\r\n250 ok\r\n221 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\nRCPT TO:<b@to.test>\r\nRSET\r\nQUIT\r\n",
	  "554 5.7.1 no relay", true, false, true, ASK_REFUSED },
	{ &relay, "220 mx\r\n250 mx\r\n250 ok\r\n451 later\r\n250 ok\r\n221 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\nRCPT TO:<b@to.test>\r\nRSET\r\nQUIT\r\n",
	  "451 later", true, false, true, ASK_UNDECIDED },
	/* As Postfix has it by default: no, and no greylist either. */
	{ &relay,
	  "220 mx\r\n250 mx\r\n250 ok\r\n454 4.7.1 <b@to.test>: Relay access denied\r\n250 ok\r\n"
	  "221 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\nRCPT TO:<b@to.test>\r\nRSET\r\nQUIT\r\n",
	  "454 4.7.1 <b@to.test>: Relay access denied", true, false, true, ASK_REFUSED },
	{ &relay, "220 mx\r\n250 mx\r\n530 5.7.0 log in\r\n221 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\nQUIT\r\n", "530 5.7.0 log in", true, false,
	  true, ASK_REFUSED },
	{ &relay, "220 mx\r\n250 mx\r\n450 who?\r\n221 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\nQUIT\r\n", "450 who?", true, false, true,
	  ASK_UNDECIDED },
	/* A server that is going away closes by itself. */
	{ &relay, "220 mx\r\n250 mx\r\n421 bye\r\n",
	  "EHLO mail.test\r\nMAIL FROM:<a@from.test>\r\n", "421 bye", true, false, true,
	  ASK_UNDECIDED },
	{ &health, "421 4.7.0 too many\r\n", "", "421 4.7.0 too many", false, true, true,
	  ASK_UNDECIDED },
	{ &health, "450 not now\r\n221 bye\r\n", "QUIT\r\n", "450 not now", false, true, true,
	  ASK_UNDECIDED },
	{ &relay, "554 go away\r\n221 bye\r\n", "QUIT\r\n", "554 go away", false, false, true,
	  ASK_UNDECIDED },
	{ &health, "220 mx\r\n550 no\r\n221 bye\r\n", "EHLO mail.test\r\nQUIT\r\n", "550 no", false,
	  false, true, ASK_UNDECIDED },
	/* One that knows HELO alone. */
	{ &health, "220 mx\r\n502 what\r\n250 mx\r\n221 bye\r\n",
	  "EHLO mail.test\r\nHELO mail.test\r\nQUIT\r\n", "502 what", true, false, true,
	  ASK_UNDECIDED },
	{ &health, "220 mx\r\n", "EHLO mail.test\r\n", "", false, false, false, ASK_UNDECIDED },
};

static void what_is_said_and_made_of_it(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		EACH_CUT(i)
		{
			struct talk talk = told(rows[n].plan, rows[n].server, cuts[i]);
			assert_string_equal(talk.said, rows[n].said);
			assert_string_equal(talk.ask.words, rows[n].words);
			assert_int_equal(talk.ask.at == ASK_END, rows[n].over);
			assert_int_equal(ask_went_well(&talk.ask), rows[n].well);
			assert_int_equal(ask_was_busy(&talk.ask), rows[n].busy);
			assert_int_equal(ask_answer(&talk.ask), rows[n].answer);
		}
	}
}

static void what_is_no_smtp_ends_it(void **state)
{
	struct talk talk = told(&health, "HTTP/1.1 400 Bad\r\n", 3);

	(void)state;
	assert_true(talk.ask.garbled);
	assert_string_equal(talk.said, "");
}

/* g: a good probe, b: a bad one; what it is after each. */
static void up_and_down(void **state)
{
	static const char *const stories[][2] = {
		{ "g", "U" },         { "bbb", "??D" },         { "bbg", "??U" },
		{ "gbbg", "UUUU" },   { "gbbb", "UUUD" },       { "bbbg", "??DD" },
		{ "bbbgg", "??DDU" }, { "bbbgbgg", "??DDDDU" }, { "gbbbbggbb", "UUUDDDUUU" },
	};

	(void)state;
	for (size_t n = 0; n < sizeof stories / sizeof *stories; n++) {
		struct health now = { 0 };
		enum server_health is = SERVER_UNKNOWN;
		for (size_t i = 0; stories[n][0][i] != '\0'; i++) {
			is = health_next(&now, is, stories[n][0][i] == 'g');
			assert_int_equal("?UD"[is], stories[n][1][i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_well),
		cmocka_unit_test(offers_in_words),
		cmocka_unit_test(what_is_said_and_made_of_it),
		cmocka_unit_test(what_is_no_smtp_ends_it),
		cmocka_unit_test(up_and_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
