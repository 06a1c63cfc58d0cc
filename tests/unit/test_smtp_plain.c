/*
 * What is beyond doubt in a text, found many bytes at a time, against a reading byte by byte: by
 * the code for any processor, and by what this one runs. Each text lies in a block of its own, so
 * that a sanitizer sees what is read behind it.
 */
#include "proxy/smtp/plain.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum {
	MOST = 2000,  /* longer than what is judged at once */
	SHORT = 131,  /* a run may end so many bytes before the doubtful one, or the last */
	ALIGNED = 64, /* a cache line */
};

static bool begins_line(struct slice s, size_t dot)
{
	return dot > 0 && s.ptr[dot] == '.' && s.ptr[dot - 1] == '\n';
}

/* The first byte that must be looked at, the text's start being the middle of a line. */
static size_t naive_doubt(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool cr = s.ptr[i] == '\r', lf = s.ptr[i] == '\n';
		if (s.ptr[i] == 0 || (lf && (i == 0 || s.ptr[i - 1] != '\r')))
			return i;
		if (cr && (i + 1 == s.len || s.ptr[i + 1] != '\n'))
			return i;
		if (cr && i > 0 && begins_line(s, i - 1))
			return i;
	}
	return s.len;
}

static size_t naive_dots(struct slice s)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.len; i++)
		dots += begins_line(s, i);
	return dots;
}

static void check_run(struct slice s, struct plain run)
{
	size_t doubt = naive_doubt(s);

	assert_true(run.len <= doubt && run.len + SHORT >= doubt);
	assert_int_equal(run.dots, naive_dots(slice_head(s, run.len)));
	if (run.len > 0) {
		assert_int_not_equal(s.ptr[run.len - 1], '\r');
		assert_false(begins_line(s, run.len - 1));
	}
}

/* Both ways, at that place in a cache line. */
static void check(struct slice text, size_t offset)
{
	char *block = aligned_alloc(ALIGNED, (offset + text.len) / ALIGNED * ALIGNED + ALIGNED);
	char *exact = malloc(text.len + !text.len);
	struct slice s = slice_of(block + offset, text.len);

	assert_non_null(block);
	assert_non_null(exact);
	memcpy(block + offset, text.ptr, text.len);
	memcpy(exact, text.ptr, text.len);
	/* What is behind the text is not of it, and decides nothing. */
	block[offset + text.len] = '\r';
	struct plain run = plain_run(s), narrow = plain_run_narrow(s);
	check_run(s, run);
	check_run(s, narrow);
	assert_int_equal(run.len, narrow.len);
	assert_int_equal(plain_run(slice_of(exact, text.len)).len, run.len);
	assert_int_equal(plain_run_narrow(slice_of(exact, text.len)).len, run.len);
	free(block);
	free(exact);
}

/* Lines of `least` to `most` bytes with CR LF, one in `share` of them with a dot; 0: none. */
static void make_lines(char *text, size_t len, size_t least, size_t most, unsigned share,
		       unsigned *seed)
{
	size_t at = 0;

	while (at < len) {
		size_t left = least + (size_t)rand_r(seed) % (most - least + 1) - 2;
		if (share && (unsigned)rand_r(seed) % share == 0) {
			text[at++] = '.';
			left -= left > 1;
		}
		for (; left > 0 && at < len; left--)
			text[at++] = "ab.\t\x0b\x0c\x0e\x8d\x8a\xae\xff\x01"[rand_r(seed) % 12];
		if (at < len)
			text[at++] = '\r';
		if (at < len)
			text[at++] = '\n';
	}
}

static void every_length_at_every_place(void **state)
{
	static const size_t lines[][2] = {
		{ 4, 4 }, { 3, 9 }, { 20, 80 }, { 78, 78 }, { 998, 1000 }
	};
	static const unsigned shares[] = { 0, 1, 8 };
	char *text = malloc(MOST);
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		for (size_t k = 0; k < 3; k++) {
			make_lines(text, MOST, lines[i][0], lines[i][1], shares[k], &seed);
			for (size_t len = 0; len < MOST - 1; len++)
				check(slice_of(text + 1, len), (len + i) % ALIGNED);
		}
	}
	free(text);
}

/* Each thing that must be seen, and each that looks like it, at every position. */
static void nothing_is_missed_anywhere(void **state)
{
	static const struct slice things[] = {
		{ "\0", 1 },        { "\r", 1 },       { "\n", 1 },          { ".", 1 },
		{ "\n.\n", 3 },     { "\r.\r", 3 },    { "\r\n.\r", 4 },     { "\r\n.\n", 4 },
		{ "\r\n.\r\n", 5 }, { "\n.\r\n", 4 },  { "\r\n..\r\n", 6 },  { "\r\n\r\n.", 5 },
		{ "\r\r\n", 3 },    { "\r\n\n", 3 },   { "\r\n.\0", 4 },     { "\r\nx\r\n", 5 },
		{ "\r\n", 2 },      { "\x0c\x0b", 2 }, { "\x8d\x8a.", 3 },   { "\r\n.x", 4 },
		{ "\n\r", 2 },      { "\r\0\n", 3 },   { "\r\n.\r\r\n", 6 }, { "..\r\n", 4 },
	};
	char *lines = malloc(MOST), *text = malloc(MOST);
	unsigned seed = 2;

	(void)state;
	make_lines(lines, MOST, 4, 90, 2, &seed);
	for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
		for (size_t at = 0; at + things[i].len <= MOST; at++) {
			memcpy(text, lines, MOST);
			memcpy(text + at, things[i].ptr, things[i].len);
			check(slice_of(text, MOST), at % 3);
		}
	}
	free(lines);
	free(text);
}

static void any_bytes(void **state)
{
	char *text = malloc(MOST);
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		size_t len = (size_t)rand_r(&seed) % MOST, most = 4 + (size_t)rand_r(&seed) % 300;
		make_lines(text, len, 4, most, (unsigned)rand_r(&seed) % 10, &seed);
		for (int k = rand_r(&seed) % 3; k > 0 && len > 0; k--)
			text[(size_t)rand_r(&seed) % len] = "\r\n.\0x"[rand_r(&seed) % 5];
		check(slice_of(text, len), (size_t)rand_r(&seed) % ALIGNED);
	}
	free(text);
}

/* More dots at lines' starts than a byte can count. */
static void as_many_dots_as_there_can_be(void **state)
{
	char *text = malloc(MOST);

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		text[i] = "\r\n.x"[i % 4];
	for (size_t from = 0; from < 4; from++)
		check(slice_of(text + from, MOST - 4), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_at_every_place),
		cmocka_unit_test(nothing_is_missed_anywhere),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(as_many_dots_as_there_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
