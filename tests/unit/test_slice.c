#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct slice s(const char *text)
{
	return slice_str(text);
}

static void head_and_skip_stop_at_the_end(void **state)
{
	(void)state;
	assert_true(slice_eq(slice_head(s("abc"), 2), SLICE("ab")));
	assert_true(slice_eq(slice_head(s("abc"), 3), SLICE("abc")));
	assert_true(slice_eq(slice_head(s("abc"), 9), SLICE("abc")));
	assert_true(slice_eq(slice_skip(s("abc"), 2), SLICE("c")));
	assert_int_equal(slice_skip(s("abc"), 3).len, 0);
	assert_int_equal(slice_skip(s("abc"), 9).len, 0);
}

static void a_literal_keeps_its_nul_bytes(void **state)
{
	(void)state;
	assert_int_equal(SLICE("a\0b").len, 3);
	assert_int_equal(SLICE("").len, 0);
}

static void equality_is_exact(void **state)
{
	(void)state;
	assert_true(slice_eq(s(""), slice_of(NULL, 0)));
	assert_false(slice_eq(s("a"), s("A")));
	assert_false(slice_eq(s("a"), s("ab")));
	assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
}

static void case_is_that_of_ascii_alone(void **state)
{
	(void)state;
	assert_true(slice_eq_nocase(s("EhLo"), s("eHlO")));
	assert_false(slice_eq_nocase(s("EHLO"), s("EHL")));
	/* 0x20 apart, and no letters. */
	assert_false(slice_eq_nocase(s("["), s("{")));
	assert_false(slice_eq_nocase(s("@"), s("`")));
	assert_false(slice_eq_nocase(s("\xc4"), s("\xe4")));
	for (int c = 0; c < 256; c++)
		assert_int_equal(slice_upper((char)c),
				 c >= 'a' && c <= 'z' ? (char)(c - 32) : (char)c);
}

static void starts_compares_a_prefix(void **state)
{
	(void)state;
	assert_true(slice_starts_nocase(s("mail from:<>"), s("MAIL FROM:")));
	assert_true(slice_starts_nocase(s("x"), s("")));
	assert_false(slice_starts_nocase(s("MAI"), s("MAIL")));
	assert_false(slice_starts_nocase(s("RCPT"), s("MAIL")));
}

static void find_gives_the_length_when_there_is_none(void **state)
{
	(void)state;
	assert_int_equal(slice_find(s("a:b:c"), ':', 0), 1);
	assert_int_equal(slice_find(s("a:b:c"), ':', 1), 1);
	assert_int_equal(slice_find(s("a:b:c"), ':', 2), 3);
	assert_int_equal(slice_find(s("a:b:c"), ':', 4), 5);
	assert_int_equal(slice_find(s("abc"), 'a', 99), 3);
	assert_int_equal(slice_find(slice_of(NULL, 0), 'a', 0), 0);
	assert_int_equal(slice_find(SLICE("a\0b"), 'b', 0), 2);
}

static void trim_takes_blanks_and_tabs_only(void **state)
{
	(void)state;
	assert_true(slice_eq(slice_trim(s(" \t a b\t ")), SLICE("a b")));
	assert_int_equal(slice_trim(s(" \t ")).len, 0);
	assert_true(slice_eq(slice_trim(s("\r a\n")), SLICE("\r a\n")));
}

static void words_come_one_by_one(void **state)
{
	struct slice rest = SLICE("  MAIL\t FROM:<a b> ");

	(void)state;
	assert_true(slice_eq(slice_word(&rest), SLICE("MAIL")));
	assert_true(slice_eq(slice_word(&rest), SLICE("FROM:<a")));
	assert_true(slice_eq(slice_word(&rest), SLICE("b>")));
	assert_int_equal(slice_word(&rest).len, 0);
	assert_int_equal(rest.len, 0);
}

static void numbers_fit_64_bits_or_fail(void **state)
{
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "0x1",
					   "1.0",
					   "12a",
					   "18446744073709551616",
					   "99999999999999999999" };
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(slice_number(s(bad[i]), &value));
		assert_int_equal(value, 7);
	}
	assert_true(slice_number(s("18446744073709551615"), &value));
	assert_true(value == UINT64_MAX);
	assert_true(slice_number(s("000"), &value));
	assert_int_equal(value, 0);
	assert_true(slice_number(slice_of("123", 2), &value));
	assert_int_equal(value, 12);
}

static void stars_match_any_bytes(void **state)
{
	static const struct {
		const char *text, *pattern;
		bool matches;
	} rows[] = {
		{ "SCRAM-SHA-1-PLUS", "*-plus", true },
		{ "SCRAM-SHA-1", "*-PLUS", false },
		{ "-PLUS", "*-PLUS", true },
		{ "GSSAPI", "GSSAPI", true },
		{ "GSSAPIX", "GSSAPI", false },
		{ "GSS-X", "GSS-*", true },
		{ "GSS-", "GSS-*", true },
		{ "GSS", "GSS-*", false },
		{ "", "*", true },
		{ "", "", true },
		{ "a", "", false },
		{ "", "a", false },
		{ "abcabd", "*abd", true },
		{ "aXbXc", "a*b*c", true },
		{ "aXbX", "a*b*c", false },
		{ "abc", "***", true },
		{ "ab", "a*b*", true },
		{ "mississippi", "*iss*ip*i", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(slice_match_nocase(s(rows[i].text), s(rows[i].pattern)),
				 rows[i].matches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_and_skip_stop_at_the_end),
		cmocka_unit_test(a_literal_keeps_its_nul_bytes),
		cmocka_unit_test(equality_is_exact),
		cmocka_unit_test(case_is_that_of_ascii_alone),
		cmocka_unit_test(starts_compares_a_prefix),
		cmocka_unit_test(find_gives_the_length_when_there_is_none),
		cmocka_unit_test(trim_takes_blanks_and_tabs_only),
		cmocka_unit_test(words_come_one_by_one),
		cmocka_unit_test(numbers_fit_64_bits_or_fail),
		cmocka_unit_test(stars_match_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
