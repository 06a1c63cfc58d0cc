/* The control socket's lines, and the mailbox behind them. */
#include "proxy/mailbox.h"
#include "proxy/monitor/control_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *read_text(struct control_line *line, char *text, const char *from)
{
	strcpy(text, from);
	return control_line_read(line, text, strlen(text));
}

static void a_line_is_taken_to_pieces(void **state)
{
	char text[CONTROL_LINE_BYTES + 1];
	struct control_line line;

	(void)state;
	assert_null(read_text(&line, text, "postern/1\tjson\tban\t192.0.2.7\t10m"));
	assert_true(line.json);
	assert_string_equal(line.command, "ban");
	assert_int_equal(line.count, 2);
	assert_string_equal(line.words[0], "192.0.2.7");
	assert_string_equal(line.words[1], "10m");
	assert_string_equal(line.words[2], "");
	assert_null(read_text(&line, text, "postern/1\ttext\tstatus"));
	assert_false(line.json);
	assert_int_equal(line.count, 0);
}

static void what_is_no_line_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"GET / HTTP/1.1\r",
		"postern/2\ttext\tstatus",
		"postern/1",
		"postern/1\txml\tstatus",
		"postern/1\ttext",
		"postern/1\ttext\tban\ta\tb\tc\td",
		"postern/1\ttext\tkill\ta\rb",
	};
	char text[CONTROL_LINE_BYTES + 1];
	struct control_line line;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_non_null(read_text(&line, text, bad[i]));
	assert_non_null(strstr(read_text(&line, text, bad[2]), "version"));
}

static void a_request_goes_there_and_back(void **state)
{
	struct mailbox *mailbox = calloc(1, sizeof *mailbox);
	struct order_form form;
	char text[REQUEST_TEXT_BYTES];

	(void)state;
	assert_non_null(mailbox);
	assert_false(mailbox_take(mailbox, &form));
	uint64_t first = mailbox_ask(mailbox, REQUEST_KILL, "abc", 0);
	uint64_t second = mailbox_ask(mailbox, REQUEST_BAN, "192.0.2.7", 5000);
	assert_true(first != 0 && second != 0 && first != second);
	assert_int_equal(mailbox_outcome(mailbox, first, text), MAILBOX_PENDING);
	assert_true(mailbox_take(mailbox, &form));
	assert_int_equal(form.serial, first);
	assert_int_equal(form.kind, REQUEST_KILL);
	assert_string_equal(form.argument, "abc");
	mailbox_answer(mailbox, first, false, "no such session");
	assert_int_equal(mailbox_outcome(mailbox, first, text), MAILBOX_FAILED);
	assert_string_equal(text, "no such session");
	assert_true(mailbox_take(mailbox, &form));
	assert_int_equal(form.number, 5000);
	mailbox_answer(mailbox, second, true, "done");
	assert_int_equal(mailbox_outcome(mailbox, second, text), MAILBOX_GOOD);
	assert_int_equal(mailbox_outcome(mailbox, 4711, text), MAILBOX_UNKNOWN);
	free(mailbox);
}

/* A monitor that died while it wrote leaves a place that is used again. */
static void no_place_is_lost(void **state)
{
	struct mailbox *mailbox = calloc(1, sizeof *mailbox);
	struct order_form form;

	(void)state;
	assert_non_null(mailbox);
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++)
		assert_true(mailbox_ask(mailbox, REQUEST_RELOAD, "", 0) != 0);
	assert_int_equal(mailbox_ask(mailbox, REQUEST_RELOAD, "", 0), 0);
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++) {
		assert_true(mailbox_take(mailbox, &form));
		mailbox_answer(mailbox, form.serial, true, "");
	}
	mailbox->requests[3].state = REQUEST_FREE;
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++)
		assert_true(mailbox_ask(mailbox, REQUEST_RELOAD, "", 0) != 0);
	free(mailbox);
}

/* Whatever stands there: the master reads it within bounds. */
static void nonsense_is_read_in_bounds(void **state)
{
	struct mailbox *mailbox = malloc(sizeof *mailbox);
	struct order_form form;

	(void)state;
	assert_non_null(mailbox);
	memset(mailbox, 0x5a, sizeof *mailbox);
	mailbox->requests[0].state = REQUEST_ASKED;
	assert_true(mailbox_take(mailbox, &form));
	assert_int_equal(strlen(form.argument), REQUEST_ARGUMENT_BYTES - 1);
	free(mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_to_pieces),
		cmocka_unit_test(what_is_no_line_is_refused),
		cmocka_unit_test(a_request_goes_there_and_back),
		cmocka_unit_test(no_place_is_lost),
		cmocka_unit_test(nonsense_is_read_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
