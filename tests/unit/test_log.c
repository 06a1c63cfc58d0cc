#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { TIME_BYTES = sizeof "2026-11-24T09:01:02.345Z" - 1 };

static char path[] = "/tmp/test_log.XXXXXX";
static struct log text_log, json_log;
static char line_read[2 * LOG_LINE_BYTES];

/* What was logged since the last call, the time taken out. */
static const char *logged(void)
{
	FILE *file = fopen(path, "r");
	size_t n = fread(line_read, 1, sizeof line_read - 1, file);

	fclose(file);
	assert_int_equal(truncate(path, 0), 0);
	line_read[n] = '\0';
	if (n == 0)
		return "";
	if (line_read[0] == '{')
		return line_read;
	assert_true(n > TIME_BYTES);
	return line_read + TIME_BYTES;
}

/* One field, as text or JSON. */
static const char *field(const struct log *log, struct slice value)
{
	struct log_line line;
	char *start, *end;

	assert_true(log_begin(&line, log, LOG_LEVEL_INFO, "event"));
	log_slice(&line, "key", value);
	log_end(&line);
	logged();
	start = strstr(line_read, log->format == LOG_FORMAT_JSON ? "\"key\":" : "key=");
	assert_non_null(start);
	end = strrchr(start, log->format == LOG_FORMAT_JSON ? '}' : '\n');
	assert_non_null(end);
	*end = '\0';
	return start + (log->format == LOG_FORMAT_JSON ? 6 : 4);
}

static void a_line_has_time_level_event_and_fields(void **state)
{
	struct log_line line;

	(void)state;
	assert_true(log_begin(&line, &text_log, LOG_LEVEL_WARNING, "session"));
	log_str(&line, "id", "4fGh");
	log_str(&line, "nothing", NULL);
	log_slice(&line, "helo", SLICE("a b"));
	log_num(&line, "bytes", UINT64_MAX);
	log_ms(&line, "seconds", 61007);
	log_ms(&line, "none", 0);
	log_end(&line);
	assert_string_equal(logged(), " warning session id=4fGh helo=\"a b\""
				      " bytes=18446744073709551615 seconds=61.007 none=0.000\n");
	unsigned year, rest[6];
	assert_int_equal(sscanf(line_read, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ ", &year, &rest[0],
				&rest[1], &rest[2], &rest[3], &rest[4], &rest[5]),
			 7);
	assert_true(year >= 2024 && line_read[TIME_BYTES - 1] == 'Z');
}

static void a_line_can_be_a_json_object(void **state)
{
	struct log_line line;

	(void)state;
	assert_true(log_begin(&line, &json_log, LOG_LEVEL_ERROR, "session"));
	log_str(&line, "id", "4fGh");
	log_str(&line, "nothing", NULL);
	log_num(&line, "bytes", 5);
	log_ms(&line, "seconds", 1500);
	log_end(&line);
	const char *text = logged();
	assert_memory_equal(text, "{\"time\":\"", 9);
	assert_string_equal(text + 9 + TIME_BYTES,
			    "\",\"level\":\"error\",\"event\":\"session\",\"id\":\"4fGh\","
			    "\"bytes\":5,\"seconds\":1.500}\n");
}

static void no_value_forges_a_line_or_a_field(void **state)
{
	static const struct {
		struct slice value;
		const char *text;
	} rows[] = {
		{ { "plain.word-1:/@<>[]'", 20 }, "plain.word-1:/@<>[]'" },
		{ { "", 0 }, "\"\"" },
		{ { "a b", 3 }, "\"a b\"" },
		{ { "a=b", 3 }, "\"a=b\"" },
		{ { "a\"b", 3 }, "\"a\\\"b\"" },
		{ { "a\\b", 3 }, "\"a\\\\b\"" },
		{ { "a\r\nb", 4 }, "\"a\\x0d\\x0ab\"" },
		{ { "\t", 1 }, "\"\\x09\"" },
		{ { "\0", 1 }, "\"\\x00\"" },
		{ { "\x1b[31m", 5 }, "\"\\x1b[31m\"" },
		{ { "\x7f", 1 }, "\"\\x7f\"" },
		{ { "\xc3\xa4", 2 }, "\"\\xc3\\xa4\"" },
		{ { "\xff", 1 }, "\"\\xff\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(field(&text_log, rows[i].value), rows[i].text);
}

static void json_is_valid_whatever_the_bytes_are(void **state)
{
	static const struct {
		struct slice value;
		const char *text;
	} rows[] = {
		{ { "", 0 }, "\"\"" },
		{ { "a b=c", 5 }, "\"a b=c\"" },
		{ { "a\"b\\", 4 }, "\"a\\\"b\\\\\"" },
		{ { "\r\n\t\0", 4 }, "\"\\u000d\\u000a\\u0009\\u0000\"" },
		{ { "\x1b\x7f", 2 }, "\"\\u001b\\u007f\"" },
		{ { "\xc3\xa4", 2 }, "\"\xc3\xa4\"" },
		{ { "\xe2\x82\xac", 3 }, "\"\xe2\x82\xac\"" },
		{ { "\xf0\x9f\x93\xa7", 4 }, "\"\xf0\x9f\x93\xa7\"" },
		/* Alone, cut, overlong, a surrogate, beyond Unicode, a control of C1. */
		{ { "\xa4", 1 }, "\"\\u00a4\"" },
		{ { "\xc3", 1 }, "\"\\u00c3\"" },
		{ { "\xe2\x82", 2 }, "\"\\u00e2\\u0082\"" },
		{ { "\xf0\x9f\x93q", 4 }, "\"\\u00f0\\u009f\\u0093q\"" },
		{ { "\xc0\xaf", 2 }, "\"\\u00c0\\u00af\"" },
		{ { "\xe0\x80\xaf", 3 }, "\"\\u00e0\\u0080\\u00af\"" },
		{ { "\xf0\x80\x80\xaf", 4 }, "\"\\u00f0\\u0080\\u0080\\u00af\"" },
		{ { "\xed\xa0\x80", 3 }, "\"\\u00ed\\u00a0\\u0080\"" },
		{ { "\xf4\x90\x80\x80", 4 }, "\"\\u00f4\\u0090\\u0080\\u0080\"" },
		{ { "\xc2\x9b", 2 }, "\"\\u00c2\\u009b\"" },
		{ { "\xc2\xa0", 2 }, "\"\xc2\xa0\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(field(&json_log, rows[i].value), rows[i].text);
}

/* Values of any length and kind, so that the cut falls everywhere. */
static void long_lines_are_cut_and_still_lines(void **state)
{
	static char value[LOG_LINE_BYTES];
	const struct log *logs[] = { &text_log, &json_log };
	static const char fills[] = { 'x', '\n', '"', '\xc3' };
	struct log_line line;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		const struct log *log = logs[i % 2];
		memset(value, fills[i / 2], sizeof value);
		for (size_t len = 0; len<sizeof value; len += len> 400 ? 1 : 97) {
			assert_true(log_begin(&line, log, LOG_LEVEL_INFO, "event"));
			log_slice(&line, "first", slice_of(value, len));
			log_num(&line, "n", 18446744073709551615u);
			log_slice(&line, "second", slice_of(value, 3000));
			log_str(&line, "third", "3");
			log_end(&line);
			assert_true(line.len <= LOG_LINE_BYTES);
			assert_int_equal(line.text[line.len - 1], '\n');
			assert_null(memchr(line.text, '\n', line.len - 1));
			size_t tail = log == &text_log ? 1 : 2;
			assert_true(tail == 1 || line.text[line.len - 2] == '}');
			if (len < 1200 && fills[i / 2] == 'x')
				continue;
			struct slice all = slice_of(line.text, line.len - tail);
			assert_true(slice_match_nocase(all, SLICE("*...")) ||
				    slice_match_nocase(all, SLICE("*...\"")));
		}
		logged();
		assert_int_equal(truncate(path, 0), 0);
	}
}

static void a_value_that_is_cut_ends_the_line(void **state)
{
	static char value[2 * LOG_LINE_BYTES];

	(void)state;
	memset(value, 'v', sizeof value);
	const char *got = field(&text_log, slice_of(value, sizeof value));
	assert_true(strlen(got) > LOG_LINE_BYTES - 100);
	assert_string_equal(got + strlen(got) - 4, "v...");
	got = field(&json_log, slice_of(value, sizeof value));
	assert_string_equal(got + strlen(got) - 5, "v...\"");
}

static void what_is_below_the_level_is_not_built(void **state)
{
	struct log_line line;
	struct log nowhere = { .fd = -1, .level = LOG_LEVEL_DEBUG };

	(void)state;
	assert_false(log_begin(&line, &text_log, LOG_LEVEL_DEBUG, "event"));
	assert_false(log_begin(&line, &nowhere, LOG_LEVEL_ERROR, "event"));
	log_say(&text_log, LOG_LEVEL_DEBUG, "event", "no");
	assert_string_equal(logged(), "");
	text_log.level = LOG_LEVEL_ERROR;
	assert_false(log_begin(&line, &text_log, LOG_LEVEL_WARNING, "event"));
	assert_true(log_begin(&line, &text_log, LOG_LEVEL_ERROR, "event"));
	text_log.level = LOG_LEVEL_INFO;
}

static void say_is_a_line_of_one_field(void **state)
{
	static char much[2 * LOG_LINE_BYTES];

	(void)state;
	log_say(&text_log, LOG_LEVEL_INFO, "start", "%d workers", 4);
	assert_string_equal(logged(), " info start message=\"4 workers\"\n");
	memset(much, 'm', sizeof much - 1);
	log_say(&text_log, LOG_LEVEL_INFO, "start", "%s", much);
	assert_true(strlen(logged()) > LOG_LINE_BYTES - 100);
}

static void files_are_appended_to_and_not_for_all_to_read(void **state)
{
	char file[64];
	struct log log = { .level = LOG_LEVEL_DEBUG, .format = LOG_FORMAT_JSON };
	struct stat status;

	(void)state;
	snprintf(file, sizeof file, "%s.new", path);
	umask(0);
	assert_true(log_open(&log, file));
	assert_true(log.fd > STDERR_FILENO);
	assert_int_equal(log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(log.format, LOG_FORMAT_JSON);
	assert_null(log.syslog);
	assert_false(log.journal || log.socket);
	assert_int_equal(fstat(log.fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_true(fcntl(log.fd, F_GETFL) & O_APPEND);
	assert_true(fcntl(log.fd, F_GETFD) & FD_CLOEXEC);
	int before = log.fd;
	assert_false(log_open(&log, "/nonexistent/log"));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(log.fd, before);
	assert_int_equal(fcntl(before, F_GETFD), FD_CLOEXEC);
	/* Opened anew: the old file is closed. */
	assert_true(log_open(&log, path));
	assert_int_equal(fcntl(before, F_GETFD), -1);
	log_close(&log);
	assert_int_equal(log.fd, -1);
	log_close(&log);
	unlink(file);
}

/* Runs `check` with standard error replaced by `fd`. */
static void with_stderr(int fd, void (*check)(int other), int other)
{
	int saved = dup(STDERR_FILENO);

	dup2(fd, STDERR_FILENO);
	check(other);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static bool pipe_ok, socket_ok, journal_ok;

static void check_pipe(int other)
{
	struct log log = { .level = LOG_LEVEL_INFO };
	char bytes[4096];

	pipe_ok = log_open(&log, "stderr") && log.fd > STDERR_FILENO && !log.socket &&
		  !log.journal && !(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);
	/* More than a pipe holds; whoever blocks here never ends. */
	for (int i = 0; i < 5000; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "a line that nobody reads: %d", i);
	ssize_t n = read(other, bytes, sizeof bytes);
	pipe_ok = pipe_ok && n > TIME_BYTES && memcmp(bytes + TIME_BYTES, " info event ", 12) == 0;
	log_close(&log);
}

static void check_socket(int other)
{
	struct log log = { .level = LOG_LEVEL_INFO };
	char stream[64], bytes[4096];
	struct stat status;

	fstat(STDERR_FILENO, &status);
	setenv("JOURNAL_STREAM", "1:2", 1);
	socket_ok =
		log_open(&log, "stderr") && log.fd == STDERR_FILENO && log.socket && !log.journal;
	for (int i = 0; i < 20000; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "a line that nobody reads: %d", i);
	while (recv(other, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	journal_ok = log_open(&log, "stderr") && log.journal;
	unsetenv("JOURNAL_STREAM");
	log_say(&log, LOG_LEVEL_ERROR, "event", "x");
	ssize_t n = recv(other, bytes, sizeof bytes, MSG_DONTWAIT);
	journal_ok = journal_ok && n > 3 + TIME_BYTES && memcmp(bytes, "<3>2", 4) == 0 &&
		     memcmp(bytes + 3 + TIME_BYTES, " error event message=x\n", 23) == 0;
	log_close(&log);
}

static void standard_error_never_blocks(void **state)
{
	int pipe_fds[2], sockets[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	with_stderr(pipe_fds[1], check_pipe, pipe_fds[0]);
	assert_true(pipe_ok);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	with_stderr(sockets[1], check_socket, sockets[0]);
	assert_true(socket_ok);
	assert_true(journal_ok);
	for (int i = 0; i < 2; i++) {
		close(pipe_fds[i]);
		close(sockets[i]);
	}
}

static void syslog_is_no_file(void **state)
{
	struct log log = { .level = LOG_LEVEL_INFO };

	(void)state;
	assert_true(log_open(&log, "syslog"));
	assert_string_equal(log.syslog, "/dev/log");
	assert_true(log.fd > STDERR_FILENO);
	log_say(&log, LOG_LEVEL_INFO, "event", "goes nowhere in most tests");
	log_close(&log);
	assert_null(log.syslog);
}

static int set_up(void **state)
{
	(void)state;
	close(mkstemp(path));
	text_log.level = json_log.level = LOG_LEVEL_INFO;
	json_log.format = LOG_FORMAT_JSON;
	return log_open(&text_log, path) && log_open(&json_log, path) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	log_close(&text_log);
	log_close(&json_log);
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_event_and_fields),
		cmocka_unit_test(a_line_can_be_a_json_object),
		cmocka_unit_test(no_value_forges_a_line_or_a_field),
		cmocka_unit_test(json_is_valid_whatever_the_bytes_are),
		cmocka_unit_test(long_lines_are_cut_and_still_lines),
		cmocka_unit_test(a_value_that_is_cut_ends_the_line),
		cmocka_unit_test(what_is_below_the_level_is_not_built),
		cmocka_unit_test(say_is_a_line_of_one_field),
		cmocka_unit_test(files_are_appended_to_and_not_for_all_to_read),
		cmocka_unit_test(standard_error_never_blocks),
		cmocka_unit_test(syslog_is_no_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
