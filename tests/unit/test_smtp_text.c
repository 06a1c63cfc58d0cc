/*
 * Message text against a naive reading of it: a byte at a time, with all of the text known. The
 * inspector's own reading has fast paths and must not hang on how the text was cut.
 */
#include "proxy/smtp/message.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MOST = 1700, ROOM = 64 };

/* What was made of a text, and why it went no further. */
struct reading {
	char out[4 * MOST];
	size_t len;
	size_t read; /* bytes of the text that were taken */
	uint64_t bytes;
	enum text_found found;
};

static void put(struct reading *r, const char *text, size_t len)
{
	memcpy(r->out + r->len, text, len);
	r->len += len;
}

/* One byte or CR LF that counts and begins or does not begin a line: false when over the limit. */
static bool naive_take(struct reading *r, const char *text, size_t made, size_t read,
		       uint64_t limit)
{
	if (r->bytes + made > limit) {
		r->found = TEXT_OVER;
		return false;
	}
	put(r, text, made);
	r->bytes += made;
	r->read += read;
	return true;
}

static void naive_scan(struct reading *r, struct slice s, uint64_t limit)
{
	enum { START, DOT, MID } at = START;

	*r = (struct reading){ .found = TEXT_MORE };
	while (r->found == TEXT_MORE && r->read < s.len) {
		const char *p = s.ptr + r->read;
		bool more = r->read + 1 < s.len;
		if (*p == '\r' && !more)
			return;
		if (*p == '\r' && p[1] == '\n' && at == DOT) {
			put(r, p, 2);
			r->read += 2;
			r->found = TEXT_END;
		} else if (*p == '\r' && p[1] == '\n') {
			if (naive_take(r, p, 2, 2, limit))
				at = START;
		} else if (*p == '\r' || *p == '\n') {
			r->found = TEXT_BARE;
		} else if (*p == 0) {
			r->found = TEXT_NUL;
		} else if (*p == '.' && at == START) {
			put(r, p, 1);
			r->read++;
			at = DOT;
		} else if (naive_take(r, p, 1, 1, limit)) {
			at = MID;
		}
	}
}

/* A dot at a line's start behind CR LF (`bare`: behind LF): what it becomes; 0: who knows. */
static size_t naive_dot(const char *p, size_t left, bool bare, const char **made)
{
	*made = ".";
	if (left < 2 || (p[1] == '\r' && left < 3))
		return 0;
	if (!bare && p[1] == '\r' && p[2] == '\n') {
		*made = ".\r\n";
		return 3;
	}
	if (bare || p[1] == '\n')
		*made = "..";
	return 1;
}

static void naive_mend(struct reading *r, struct slice s, uint64_t limit)
{
	enum { START, START_BARE, MID } at = START;
	const char *made;

	*r = (struct reading){ .found = TEXT_MORE };
	while (r->found == TEXT_MORE && r->read < s.len) {
		const char *p = s.ptr + r->read;
		size_t left = s.len - r->read;
		if (*p == '.' && at != MID) {
			size_t n = naive_dot(p, left, at == START_BARE, &made);
			/* The dot that is doubled is text, and counts once. */
			uint64_t counts = strlen(made) == 2;
			if (n == 0)
				return;
			if (r->bytes + counts > limit) {
				r->found = TEXT_OVER;
				return;
			}
			put(r, made, strlen(made));
			r->bytes += counts;
			r->read += n;
			at = MID;
			if (n == 3)
				r->found = TEXT_END;
		} else if (*p == '\r' && left < 2) {
			return;
		} else if (*p == '\r' && p[1] == '\n') {
			if (naive_take(r, "\r\n", 2, 2, limit))
				at = START;
		} else if (*p == '\n') {
			if (naive_take(r, "\r\n", 2, 1, limit))
				at = START_BARE;
		} else if (*p == 0) {
			r->found = TEXT_NUL;
		} else if (naive_take(r, *p == '\r' ? " " : p, 1, 1, limit)) {
			at = MID;
		}
	}
}

/* Where CR LF . CR LF ends, the text's start being a line's; SIZE_MAX: nowhere. */
static size_t naive_end(struct slice s)
{
	for (size_t i = 0; i + 3 <= s.len; i++) {
		bool line = i == 0 || (i >= 2 && memcmp(s.ptr + i - 2, "\r\n", 2) == 0);
		if (line && memcmp(s.ptr + i, ".\r\n", 3) == 0)
			return i + 3;
	}
	return SIZE_MAX;
}

/* Reads it in pieces of at most `piece` bytes; each lies in a block of its own. */
static void read_cut(struct reading *r, struct slice s, uint64_t limit, bool mends, size_t piece,
		     unsigned *seed)
{
	struct text text;
	size_t arrived = 0;

	*r = (struct reading){ .found = TEXT_MORE };
	text_begin(&text);
	while (r->found == TEXT_MORE) {
		size_t waits = arrived - r->read, n, made = SIZE_MAX;
		char room[ROOM], *block = malloc(waits + 1);
		memcpy(block, s.ptr + r->read, waits);
		if (mends)
			n = text_mend(&text, slice_of(block, waits), limit, room, sizeof room,
				      &made, &r->found);
		else
			n = text_scan(&text, slice_of(block, waits), limit, &r->found);
		assert_true(n <= waits && (made == SIZE_MAX || made <= sizeof room));
		put(r, made == SIZE_MAX ? block : room, made == SIZE_MAX ? n : made);
		r->read += n;
		r->bytes = text.bytes;
		free(block);
		if (n > 0)
			continue;
		if (arrived == s.len)
			break;
		arrived += 1 + (size_t)rand_r(seed) % piece;
		arrived = arrived < s.len ? arrived : s.len;
	}
}

static void assert_same(const struct reading *a, const struct reading *b)
{
	assert_int_equal(a->found, b->found);
	assert_int_equal(a->read, b->read);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->out, b->out, a->len);
}

/* Lines as they ought to be, a share of them with a dot, and at most one thing that is amiss. */
static size_t random_lines(char *text, unsigned *seed)
{
	size_t len = (size_t)rand_r(seed) % MOST, most = 4 + (size_t)rand_r(seed) % 200;
	unsigned share = 1 + (unsigned)rand_r(seed) % 9;

	for (size_t i = 0, ends = 0; i < len; i++) {
		bool begins = i == ends;
		if (begins)
			ends += 4 + (size_t)rand_r(seed) % most;
		text[i] = begins && (unsigned)rand_r(seed) % share == 0 ? '.' : 'x';
		text[i] = i + 2 == ends ? '\r' : i + 1 == ends ? '\n' : text[i];
	}
	if (len > 0 && rand_r(seed) % 2)
		text[(size_t)rand_r(seed) % len] = "\r\n.\0"[rand_r(seed) % 4];
	return len;
}

/* A text of ordinary lines with, now and then, what makes a difference. */
static size_t random_text(char *text, unsigned *seed)
{
	static const char special[] = "\r\n.\r\n.\0\r\n..\n\r.x";

	if (rand_r(seed) % 2)
		return random_lines(text, seed);
	size_t len = (size_t)rand_r(seed) % MOST, seldom = 1 + (size_t)rand_r(seed) % 120;

	for (size_t i = 0; i < len; i++) {
		if ((size_t)rand_r(seed) % seldom > 0) {
			text[i] = "abc \xe4."[rand_r(seed) % 6];
			continue;
		}
		size_t from = (size_t)rand_r(seed) % (sizeof special - 1);
		if (rand_r(seed) % 3)
			from = 0;
		for (; from < 2 + (size_t)rand_r(seed) % 14 && i < len; from++, i++)
			text[i] = special[from % (sizeof special - 1)];
		i--;
	}
	/* NULs and bare ones end most texts early: most have none. */
	for (size_t i = 0; rand_r(seed) % 4 && i < len; i++)
		if (text[i] == 0)
			text[i] = 'n';
	return len;
}

static void any_text_is_read_as_by_the_naive(bool mends, unsigned seed, int texts)
{
	static const size_t pieces[] = { 1, 3, 70, MOST };
	struct reading *naive = malloc(sizeof *naive), *cut = malloc(sizeof *cut);
	char text[MOST];

	for (int i = 0; i < texts; i++) {
		struct slice s = slice_of(text, random_text(text, &seed));
		uint64_t limit = rand_r(&seed) % 3 ? UINT64_MAX : (uint64_t)rand_r(&seed) % MOST;
		if (mends)
			naive_mend(naive, s, limit);
		else
			naive_scan(naive, s, limit);
		for (size_t p = 0; p < 4; p++) {
			read_cut(cut, s, limit, mends, pieces[p], &seed);
			assert_same(naive, cut);
		}
	}
	free(naive);
	free(cut);
}

static void text_is_scanned_as_by_the_naive(void **state)
{
	(void)state;
	any_text_is_read_as_by_the_naive(false, 1, 8000);
}

static void text_is_mended_as_by_the_naive(void **state)
{
	(void)state;
	any_text_is_read_as_by_the_naive(true, 2, 8000);
}

static void what_was_mended_needs_no_mending(void **state)
{
	struct reading *once = malloc(sizeof *once), *twice = malloc(sizeof *twice);
	unsigned seed = 3;
	char text[MOST];

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct slice s = slice_of(text, random_text(text, &seed));
		read_cut(once, s, UINT64_MAX, true, MOST, &seed);
		if (once->found == TEXT_NUL)
			continue;
		naive_scan(twice, slice_of(once->out, once->len), UINT64_MAX);
		assert_int_equal(twice->found, once->found);
		assert_int_equal(twice->read, once->len);
	}
	free(once);
	free(twice);
}

static void the_limit_holds_at_every_position(void **state)
{
	struct reading *naive = malloc(sizeof *naive), *cut = malloc(sizeof *cut);
	char text[1000];
	unsigned seed = 4;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : i % 78 == 0 ? '.' : 'x';
	for (uint64_t limit = 0; limit <= sizeof text; limit++) {
		for (int mends = 0; mends < 2; mends++) {
			struct slice s = slice_of(text, sizeof text);
			if (mends)
				naive_mend(naive, s, limit);
			else
				naive_scan(naive, s, limit);
			read_cut(cut, s, limit, mends, sizeof text, &seed);
			assert_same(naive, cut);
			read_cut(cut, s, limit, mends, 1, &seed);
			assert_same(naive, cut);
		}
	}
	free(naive);
	free(cut);
}

static void skipping_finds_the_end_alone(void **state)
{
	unsigned seed = 5;
	char text[MOST];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct slice s = slice_of(text, random_text(text, &seed));
		size_t end = naive_end(s), at = 0, piece = 1 + (size_t)rand_r(&seed) % 40;
		struct text skip;
		bool ended = false;
		text_begin(&skip);
		while (at < s.len && !ended) {
			struct slice part = slice_head(slice_skip(s, at), piece);
			size_t n = text_skip(&skip, part, &ended);
			assert_int_equal(ended ? n : part.len, n);
			at += n;
		}
		assert_int_equal(ended, end != SIZE_MAX);
		assert_int_equal(at, ended ? end : s.len);
	}
}

/* Where a scan stopped a skip goes on: the end is the one that there is in all of the text. */
static void skipping_goes_on_where_scanning_stopped(void **state)
{
	unsigned seed = 6;
	char text[MOST];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct slice s = slice_of(text, random_text(text, &seed));
		size_t end = naive_end(s);
		enum text_found found;
		struct text both;
		bool ended = false;
		text_begin(&both);
		size_t at = text_scan(&both, s, UINT64_MAX, &found);
		if (found == TEXT_END) {
			assert_int_equal(at, end);
			continue;
		}
		at += text_skip(&both, slice_skip(s, at), &ended);
		assert_int_equal(ended, end != SIZE_MAX);
		if (ended)
			assert_int_equal(at, end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_scanned_as_by_the_naive),
		cmocka_unit_test(text_is_mended_as_by_the_naive),
		cmocka_unit_test(what_was_mended_needs_no_mending),
		cmocka_unit_test(the_limit_holds_at_every_position),
		cmocka_unit_test(skipping_finds_the_end_alone),
		cmocka_unit_test(skipping_goes_on_where_scanning_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
