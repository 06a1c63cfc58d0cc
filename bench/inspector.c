/*
 * What the inspector costs for each byte of message text, beside memchr() over the same text in the
 * same run. The status is 1 where it costs more than the bounds below allow.
 *
 * memchr() is measured twice: once over the whole text, looking for a byte that is not there, and
 * line by line, looking for each LF. The second is the work that the scanner's is held against: it
 * has to find the same line ends, and to look at what stands around them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/smtp/message.h"

enum { COLUMNS = 76, ROUNDS = 41, BYTES_A_ROUND = 4 * 1024 * 1024 };

static const double SCAN_MOST = 3., MEND_MOST = 30., TWICE_MOST = 2.2;

/* The relay's buffer, and a text that no first-level cache holds; each is measured twice as long,
 * too. */
static const size_t sizes[] = { 16 * 1024, 1024 * 1024 };

enum { SIZES = sizeof sizes / sizeof *sizes };

/* One pass over the text; what it returns is compared with what the first pass returned. */
typedef size_t pass_over(struct slice text);

static size_t memchr_whole(struct slice text)
{
	const char *hit = memchr(text.ptr, 1, text.len);

	return hit ? (size_t)(hit - text.ptr) : text.len;
}

static size_t memchr_lines(struct slice text)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	size_t lines = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))))
		at++, lines++;
	return lines;
}

static size_t plain_run(struct slice text)
{
	return text_plain_run(text);
}

static size_t scan(struct slice text)
{
	enum text_found found;
	struct text state;

	text_begin(&state);
	return text_scan(&state, text, UINT64_MAX, &found);
}

static size_t mend(struct slice text)
{
	static _Thread_local char room[SMTP_ROOM_BYTES];
	size_t made, n, total = 0;
	enum text_found found;
	struct text state;

	text_begin(&state);
	while ((n = text_mend(&state, text, UINT64_MAX, room, sizeof room, &made, &found)) > 0) {
		text = slice_skip(text, n);
		total += made == SIZE_MAX ? n : made;
	}
	return total;
}

enum work { MEMCHR_WHOLE, MEMCHR_LINES, PLAIN_RUN, SCAN, MEMCHR_BARE, MEND_BARE, MEND_CRLF, WORKS };

static const struct {
	const char *name;
	pass_over *run;
	bool bare; /* its lines end with LF alone */
} works[WORKS] = {
	[MEMCHR_WHOLE] = { "memchr, whole text", memchr_whole, false },
	[MEMCHR_LINES] = { "memchr, each line", memchr_lines, false },
	[PLAIN_RUN] = { "text_plain_run", plain_run, false },
	[SCAN] = { "text_scan", scan, false },
	[MEMCHR_BARE] = { "memchr, each line, bare LF", memchr_lines, true },
	[MEND_BARE] = { "text_mend, bare LF", mend, true },
	[MEND_CRLF] = { "text_mend, CRLF", mend, false },
};
