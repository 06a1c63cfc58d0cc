/* What a server's answer to AUTH says of the client: RFC 4954 section 6. */
#include "tests/dialogs/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct smtp_policy policy = { .kind = SMTP_IMPLICIT, .hostname = SLICE("mail.test") };

static size_t taken, failed;
static uint16_t failed_code;

static void watch(struct play *play, enum side from, const struct smtp_step *step)
{
	(void)play, (void)from;
	taken += step->note == SMTP_NOTE_AUTH_TAKEN;
	failed += step->note == SMTP_NOTE_AUTH_FAILED;
	if (step->note == SMTP_NOTE_AUTH_FAILED)
		failed_code = step->code;
}

static void feed(struct play *play, enum side side, const char *text)
{
	play_feed(play, side, text, strlen(text), 0);
}

/* A session in which AUTH LOGIN is answered so at last. */
static void answer(const char *reply)
{
	struct play *play = malloc(sizeof *play);

	taken = failed = failed_code = 0;
	play_begin(play, &policy, SLICE("ID"), SLICE(""));
	play->watch = watch;
	feed(play, SERVER, "220 mx\r\n");
	feed(play, CLIENT, "EHLO a\r\n");
	feed(play, SERVER, "250-mx\r\n250 AUTH LOGIN\r\n");
	feed(play, CLIENT, "AUTH LOGIN\r\n");
	feed(play, SERVER, "334 user\r\n");
	feed(play, CLIENT, "dXNlcg==\r\n");
	assert_int_equal(taken + failed, 0);
	feed(play, SERVER, reply);
	play_end(play);
	free(play);
}

static void only_refused_credentials_count(void **state)
{
	static const struct {
		const char *reply;
		size_t taken;
		uint16_t failed;
	} rows[] = {
		{ "235 2.7.0 yes\r\n", 1, 0 },
		{ "535 5.7.8 no\r\n", 0, 535 },
		{ "535-5.7.8 no\r\n535 5.7.8 and no\r\n", 0, 535 },
		{ "534 5.7.9 too weak\r\n", 0, 534 },
		{ "538 5.7.11 encrypt\r\n", 0, 538 },
		{ "550 5.7.1 go away\r\n", 0, 550 },
		{ "554 5.7.0 no\r\n", 0, 554 },
		{ "334 next\r\n", 0, 0 },
		{ "454 4.7.0 later\r\n", 0, 0 },
		{ "432 4.7.12 change it\r\n", 0, 0 },
		{ "500 5.5.6 too long\r\n", 0, 0 },
		{ "501 5.0.0 cancelled\r\n", 0, 0 },
		{ "503 5.5.1 not now\r\n", 0, 0 },
		{ "504 5.5.4 no such mechanism\r\n", 0, 0 },
		{ "250 what?\r\n", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		answer(rows[i].reply);
		assert_int_equal(taken, rows[i].taken);
		assert_int_equal(failed, rows[i].failed > 0);
		assert_int_equal(failed_code, rows[i].failed);
	}
}

/* The same code in answer to anything else is no login. */
static void other_commands_are_no_logins(void **state)
{
	struct play *play = malloc(sizeof *play);

	(void)state;
	taken = failed = 0;
	play_begin(play, &policy, SLICE("ID"), SLICE(""));
	play->watch = watch;
	feed(play, SERVER, "220 mx\r\n");
	feed(play, CLIENT, "EHLO a\r\n");
	feed(play, SERVER, "250 mx\r\n");
	feed(play, CLIENT, "MAIL FROM:<a@x>\r\n");
	feed(play, SERVER, "535 5.7.8 no\r\n");
	feed(play, CLIENT, "NOOP\r\n");
	feed(play, SERVER, "235 2.7.0 yes\r\n");
	assert_int_equal(taken + failed, 0);
	play_end(play);
	free(play);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_refused_credentials_count),
		cmocka_unit_test(other_commands_are_no_logins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
