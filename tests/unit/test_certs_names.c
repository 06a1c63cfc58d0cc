/* Names as certificates and clients write them. */
#include "certs/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void names_are_normalized(void **state)
{
	static const struct {
		const char *text, *name;
	} good[] = { { "Mail.Example.ORG.", "mail.example.org" },
		     { "localhost", "localhost" },
		     { "*.Example", "*.example" },
		     { "a_b.x-y", "a_b.x-y" },
		     { "1.2.3.x4", "1.2.3.x4" } };
	static const char *bad[] = { "",           ".",         "*",     "*.",
				     "a..b",       ".a",        "a b",   "a*.b",
				     "a.*.b",      "192.0.2.1", "[::1]", "b\xc3\xbc.example",
				     "*.*.example" };
	char name[NAME_BYTES];
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(name_normalize(slice_str(good[i].text), name));
		assert_string_equal(name, good[i].name);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (name_normalize(slice_str(bad[i]), name))
			fail_msg("\"%s\" was taken for a name", bad[i]);
	assert_false(name_normalize(slice_of("a\0b", 3), name));

	memset(longest, 'a', sizeof longest);
	for (size_t i = 63; i < sizeof longest; i += 64)
		longest[i] = '.';
	assert_true(name_normalize(slice_of(longest, 253), name));
	assert_false(name_normalize(slice_of(longest, 254), name));
	longest[63] = 'a';
	assert_false(name_normalize(slice_of(longest, 100), name));
}

static void wildcards_cover_one_label(void **state)
{
	char wildcard[NAME_BYTES];

	(void)state;
	assert_true(name_covers("a.example", "a.example"));
	assert_true(name_covers("*.example", "a.example"));
	assert_true(name_covers("*.example", "*.example"));
	assert_false(name_covers("*.example", "example"));
	assert_false(name_covers("*.example", "a.b.example"));
	assert_false(name_covers("a.example", "*.example"));
	assert_false(name_covers("*.b.example", "*.example"));
	assert_true(name_wildcard("a.b.example", wildcard));
	assert_string_equal(wildcard, "*.b.example");
	assert_false(name_wildcard("example", wildcard));
	assert_false(name_wildcard("", wildcard));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_normalized),
		cmocka_unit_test(wildcards_cover_one_label),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
