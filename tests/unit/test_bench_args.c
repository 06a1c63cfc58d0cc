/* The bench programs' command line, and base 64. */
#include "bench/args.h"
#include "bench/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void test_base64(void **state)
{
	/* RFC 4648 section 10. */
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct slice plain = slice_str(pairs[i][0]), coded = slice_str(pairs[i][1]);
		assert_int_equal(base64_encode(text, sizeof text, plain), coded.len);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(base64_decode(text, sizeof text, coded), plain.len);
		assert_string_equal(text, pairs[i][0]);
	}
	assert_int_equal(base64_decode(text, sizeof text, SLICE("*")), BASE64_BAD);
	assert_int_equal(base64_decode(text, sizeof text, SLICE("Zm=v")), BASE64_BAD);
	assert_int_equal(base64_decode(text, 3, SLICE("Zm9v")), BASE64_BAD);
	assert_int_equal(base64_encode(text, 4, SLICE("foo")), BASE64_BAD);
}

static void test_args_values(void **state)
{
	struct args_list list = { 0 };
	uint64_t value = 0;
	const char *why;

	(void)state;
	assert_true(args_bytes(&value, "4K", &why));
	assert_int_equal(value, 4096);
	assert_false(args_bytes(&value, "4k", &why));
	assert_false(args_bytes(&value, "", &why));
	assert_false(args_bytes(&value, "99999999999999G", &why));
	assert_true(args_time(&value, "250ms", &why));
	assert_int_equal(value, 250000);
	assert_true(args_time(&value, "2", &why));
	assert_int_equal(value, 2000000);
	assert_false(args_time(&value, "2 s", &why));
	assert_false(args_number(&value, "0", &why));
	for (int i = 0; i < ARGS_LIST_MAX; i++)
		assert_true(args_more(&list, "x", &why));
	assert_false(args_more(&list, "x", &why));
}

struct options {
	const char *where;
	uint64_t count;
	bool flag;
};

static enum args_end read_line(struct options *options, int argc, char **argv)
{
	static const struct arg rows[] = {
		{ .value = "WHERE", .read = args_text, .offset = offsetof(struct options, where) },
		{ .heading = "More" },
		{ .letter = 'n',
		  .name = "count",
		  .value = "N",
		  .read = args_number,
		  .offset = offsetof(struct options, count) },
		{ .name = "flag", .read = args_flag, .offset = offsetof(struct options, flag) },
	};
	static const struct args args = { .program = "test", .rows = rows, .count = 4 };

	*options = (struct options){ 0 };
	return args_read(&args, argc, argv, options);
}

#define READ(...) \
	read_line(&options, (int)(sizeof((char *[]){ "test", __VA_ARGS__ }) / sizeof(char *)), \
		  (char *[]){ "test", __VA_ARGS__ })

static void test_args(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(READ("--flag", "here", "-n3"), ARGS_RUN);
	assert_true(options.flag);
	assert_string_equal(options.where, "here");
	assert_int_equal(options.count, 3);
	assert_int_equal(READ("-n", "4"), ARGS_RUN);
	assert_int_equal(options.count, 4);
	assert_int_equal(READ("--count=5"), ARGS_RUN);
	assert_int_equal(READ("--count", "6"), ARGS_RUN);
	assert_int_equal(options.count, 6);
	assert_int_equal(READ("--count"), ARGS_BAD);
	assert_int_equal(READ("--count="), ARGS_BAD);
	assert_int_equal(READ("--cuont", "1"), ARGS_BAD);
	assert_int_equal(READ("--flag=1"), ARGS_BAD);
	assert_int_equal(READ("-x"), ARGS_BAD);
	assert_int_equal(READ("--"), ARGS_BAD);
	assert_int_equal(READ(""), ARGS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_args_values),
		cmocka_unit_test(test_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
