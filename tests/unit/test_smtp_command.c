#include "proxy/smtp/command.h"
#include "proxy/smtp/say.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MOST = COMMAND_AUTH_BYTES + 100 };

struct found {
	enum line_found found;
	size_t len, scanned;
	uint8_t say;
};

static struct found read_line(struct slice waiting, bool sasl, bool mend_lf)
{
	struct found f = { .len = 0 };

	f.found = line_read(waiting, sasl, mend_lf, &f.scanned, &f.len, &f.say);
	return f;
}

static void assert_whole(struct slice waiting, size_t len)
{
	struct found f = read_line(waiting, false, false);

	assert_int_equal(f.found, LINE_WHOLE);
	assert_int_equal(f.len, len);
	assert_int_equal(f.scanned, 0);
}

static void assert_bad(struct slice waiting, bool sasl, bool mend_lf, enum say say)
{
	struct found f = read_line(waiting, sasl, mend_lf);

	assert_int_equal(f.found, LINE_BAD);
	assert_int_equal(f.say, say);
}

static void a_line_ends_with_crlf(void **state)
{
	(void)state;
	assert_whole(SLICE("NOOP\r\n"), 6);
	assert_whole(SLICE("\r\n"), 2);
	assert_whole(SLICE("NOOP\r\nRSET\r\n"), 6);
	assert_whole(SLICE("MAIL FROM:<\xc3\xa4@x>\t\r\n"), 19);
	assert_int_equal(read_line(SLICE(""), false, false).found, LINE_MORE);
	assert_int_equal(read_line(SLICE("NOOP"), false, false).found, LINE_MORE);
	assert_int_equal(read_line(SLICE("NOOP\r"), false, false).found, LINE_MORE);
}

static void other_line_ends_are_bad(void **state)
{
	(void)state;
	assert_bad(SLICE("NOOP\n"), false, false, SAY_BAD_LINE_END);
	assert_bad(SLICE("\n"), false, false, SAY_BAD_LINE_END);
	assert_bad(SLICE("NOOP\rx"), false, false, SAY_BAD_LINE_END);
	assert_bad(SLICE("NOOP\r\r\n"), false, false, SAY_BAD_LINE_END);
	assert_bad(SLICE("NOOP\rx"), false, true, SAY_BAD_LINE_END);
	assert_int_equal(read_line(SLICE("NOOP\n"), false, true).found, LINE_WHOLE);
	assert_int_equal(read_line(SLICE("NOOP\n"), false, true).len, 5);
}

static void control_bytes_are_bad(void **state)
{
	(void)state;
	for (int i = 0; i < 256 * 20; i++) {
		char text[] = "NOOP of two dozen bytes\r\n", c = (char)(i % 256);
		struct slice line = slice_of(text, sizeof text - 1);
		text[1 + i / 256] = c;
		if (c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f))
			assert_whole(line, line.len);
		else
			assert_int_equal(read_line(line, false, false).found, LINE_BAD);
	}
	assert_bad(SLICE("\0"), false, false, SAY_BAD_BYTE);
	assert_bad(SLICE(" NOOP"), false, false, SAY_BAD_BYTE);
	assert_bad(SLICE("\tNOOP"), false, false, SAY_BAD_BYTE);
	assert_bad(SLICE("\t="), true, false, SAY_BAD_BYTE);
	assert_int_equal(read_line(SLICE(" x\r\n"), true, false).found, LINE_WHOLE);
}

static void fill(char *line, size_t len, const char *start)
{
	memset(line, 'a', len);
	memcpy(line, start, strlen(start));
	memcpy(line + len - 2, "\r\n", 2);
}

static void check_limit(const char *start, size_t limit, bool sasl, enum say say)
{
	char *line = malloc(MOST);

	fill(line, limit, start);
	assert_int_equal(read_line(slice_of(line, limit), sasl, false).found, LINE_WHOLE);
	assert_int_equal(read_line(slice_of(line, limit), sasl, false).len, limit);
	fill(line, limit + 1, start);
	assert_int_equal(read_line(slice_of(line, limit), sasl, false).found, LINE_MORE);
	assert_bad(slice_of(line, limit + 1), sasl, false, say);
	/* Without waiting for its end. */
	memset(line + limit - 2, 'a', 50);
	assert_int_equal(read_line(slice_of(line, limit), sasl, false).found, LINE_MORE);
	assert_bad(slice_of(line, limit + 1), sasl, false, say);
	free(line);
}

static void lines_have_limits(void **state)
{
	(void)state;
	check_limit("NOOP ", COMMAND_LINE_BYTES, false, SAY_LINE_LONG);
	check_limit("AUTH", COMMAND_LINE_BYTES, false, SAY_LINE_LONG);
	check_limit("AUTHX ", COMMAND_LINE_BYTES, false, SAY_LINE_LONG);
	check_limit("AUTH ", COMMAND_AUTH_BYTES, false, SAY_AUTH_LONG);
	check_limit("auth\t", COMMAND_AUTH_BYTES, false, SAY_AUTH_LONG);
	check_limit("", COMMAND_AUTH_BYTES, true, SAY_AUTH_LONG);
}

/* However the bytes come, and whatever was scanned before, it is the same line. */
static void what_was_scanned_changes_nothing(void **state)
{
	static const struct slice parts[] = { { "A", 1 },    { "\r\n", 2 }, { "\n", 1 },
					      { "\r", 1 },   { " x", 2 },   { "\0", 1 },
					      { "AUTH ", 5 } };
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[80];
		size_t len = 0, scanned = 0, got = 0;
		uint8_t say = SAY_NONE;
		bool sasl = rand_r(&seed) % 2, mend = rand_r(&seed) % 2;
		while (len < 60) {
			struct slice p =
				parts[(unsigned)rand_r(&seed) % (rand_r(&seed) % 4 ? 2 : 7)];
			memcpy(text + len, p.ptr, p.len);
			len += p.len;
		}
		struct found whole = read_line(slice_of(text, len), sasl, mend);
		enum line_found found = LINE_MORE;
		for (size_t n = 0; n < len && found == LINE_MORE;
		     n += 1 + (size_t)rand_r(&seed) % 4)
			found = line_read(slice_of(text, n), sasl, mend, &scanned, &got, &say);
		if (found == LINE_MORE)
			found = line_read(slice_of(text, len), sasl, mend, &scanned, &got, &say);
		assert_int_equal(found, whole.found);
		if (found == LINE_WHOLE)
			assert_int_equal(got, whole.len);
		if (found == LINE_BAD)
			assert_int_equal(say, whole.say);
	}
}

static struct command command_of(const char *line)
{
	static const struct slice passed[] = { { "XFOO", 4 } };
	static const struct smtp_policy policy = { .verbs_pass = { passed, 1 } };
	struct command command;

	command_read(&command, &policy, slice_str(line), strlen(line));
	return command;
}

static void verbs_come_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(command_of("mAiL FROM:<>\r\n").verb, VERB_MAIL);
	assert_int_equal(command_of("QUIT\r\n").verb, VERB_QUIT);
	assert_int_equal(command_of("QUIT \t \r\n").verb, VERB_QUIT);
	assert_int_equal(command_of("QUITE\r\n").verb, VERB_UNKNOWN);
	assert_int_equal(command_of("xfoo bar\r\n").verb, VERB_PASSED);
	assert_int_equal(command_of("XBAR\r\n").verb, VERB_UNKNOWN);
	assert_int_equal(command_of("\r\n").verb, VERB_UNKNOWN);
	assert_int_equal(command_of("XCLIENT A=b\r\n").verb, VERB_XCLIENT);
}

static void line_and_arguments_are_cut_out(void **state)
{
	struct command command = command_of("RCPT \t TO:<a@b> X=1 \r\n");

	(void)state;
	assert_true(slice_eq(command.line, SLICE("RCPT \t TO:<a@b> X=1 ")));
	assert_true(slice_eq(command.word, SLICE("RCPT")));
	assert_true(slice_eq(command.args, SLICE("TO:<a@b> X=1")));
	assert_false(command.bare_lf);
	assert_int_equal(command.len, 22);
	command = command_of("NOOP\n");
	assert_true(slice_eq(command.line, SLICE("NOOP")));
	assert_true(command.bare_lf);
}

static void assert_chunk(const char *line, uint64_t octets, bool last)
{
	struct command command = command_of(line);

	assert_int_equal(command.verb, VERB_BDAT);
	assert_false(command.bad_chunk);
	assert_int_equal(command.chunk, octets);
	assert_int_equal(command.last, last);
}

static void a_chunk_has_one_form(void **state)
{
	static const char *const bad[] = {
		"BDAT\r\n",         "BDAT \r\n",
		"BDAT  5\r\n",      "BDAT\t5\r\n",
		"BDAT 5 \r\n",      "BDAT 5  LAST\n",
		"BDAT 5 LAST \n",   "BDAT 5 LAST x\r\n",
		"BDAT 5\tLAST\r\n", "BDAT LAST\r\n",
		"BDAT -5\r\n",      "BDAT +5\r\n",
		"BDAT 0x5\r\n",     "BDAT 5x\r\n",
		"BDAT 5 LASTLY\n",  "BDAT 18446744073709551616\r\n",
	};

	(void)state;
	assert_chunk("BDAT 5\r\n", 5, false);
	assert_chunk("bdat 5 last\r\n", 5, true);
	assert_chunk("BDAT 0 LAST\r\n", 0, true);
	assert_chunk("BDAT 0\r\n", 0, false);
	assert_chunk("BDAT 0005\r\n", 5, false);
	assert_chunk("BDAT 18446744073709551615\r\n", UINT64_MAX, false);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(command_of(bad[i]).verb, VERB_BDAT);
		assert_true(command_of(bad[i]).bad_chunk);
	}
}

static void assert_parameters(const char *line, const char *expected)
{
	struct command command = command_of(line);

	assert_true(slice_eq(slice_trim(command_parameters(&command)), slice_str(expected)));
}

static void parameters_stand_behind_the_path(void **state)
{
	(void)state;
	assert_parameters("MAIL FROM:<a@b> SIZE=1 BODY=7BIT\r\n", "SIZE=1 BODY=7BIT");
	assert_parameters("MAIL FROM: <a@b> SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM:<>\r\n", "");
	assert_parameters("MAIL FROM:<>SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM:a@b SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM:<\"a> SIZE=9\"@b> SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM:<\"a\\\"> \"@b> SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM:<a@b SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM:<\"a> SIZE=1\r\n", "SIZE=1");
	assert_parameters("MAIL FROM\r\n", "");
	assert_parameters("MAIL\r\n", "");
	assert_parameters("MAIL FROM:\r\n", "");
	assert_parameters("MAIL FROM:<\"\\\r\n", "");
}

static void http_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	assert_int_equal(http_match(SLICE("GET / HTTP/1.1")), HTTP_YES);
	assert_int_equal(http_match(SLICE("get ")), HTTP_YES);
	assert_int_equal(http_match(SLICE("host:x")), HTTP_YES);
	assert_int_equal(http_match(SLICE("PRI * HTTP/2.0")), HTTP_YES);
	assert_int_equal(http_match(SLICE("G")), HTTP_MAYBE);
	assert_int_equal(http_match(SLICE("GET")), HTTP_MAYBE);
	assert_int_equal(http_match(SLICE("H")), HTTP_MAYBE);
	assert_int_equal(http_match(SLICE("HELO x")), HTTP_NO);
	assert_int_equal(http_match(SLICE("GETS")), HTTP_NO);
	assert_int_equal(http_match(SLICE("EHLO")), HTTP_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_ends_with_crlf),
		cmocka_unit_test(other_line_ends_are_bad),
		cmocka_unit_test(control_bytes_are_bad),
		cmocka_unit_test(lines_have_limits),
		cmocka_unit_test(what_was_scanned_changes_nothing),
		cmocka_unit_test(verbs_come_in_any_case),
		cmocka_unit_test(line_and_arguments_are_cut_out),
		cmocka_unit_test(a_chunk_has_one_form),
		cmocka_unit_test(parameters_stand_behind_the_path),
		cmocka_unit_test(http_is_known_by_its_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
