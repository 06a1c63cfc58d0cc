/* The command line. */
#include "proxy/args.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum exit_status nothing(const struct args *args)
{
	(void)args;
	return EXIT_STOPPED;
}

#define PLAIN false, 0, 0, NULL

static const struct command commands[] = {
	{ "run", "", nothing, PLAIN },
	{ "check", "", nothing, PLAIN },
	{ "config", "", nothing, PLAIN },
	{ "ban", "", nothing, true, 1, 2, "ADDRESS [TIME]" },
	{ "help", "", nothing, PLAIN },
	{ "version", "", nothing, PLAIN },
	{ 0 },
};

struct outcome {
	struct args args;
	char why[256];
	bool good;
};

enum { WORDS_MAX = 12 };

/* Words are separated by a blank; the first is the program's name. */
static struct outcome parse(char *line)
{
	char *argv[WORDS_MAX + 1] = { NULL };
	int argc = 0;
	struct outcome outcome = { .good = false };

	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = word;
	}
	outcome.good =
		args_parse(&outcome.args, commands, argc, argv, outcome.why, sizeof(outcome.why));
	return outcome;
}

static void expect_refusal(const char *line, const char *why)
{
	char words[128];

	snprintf(words, sizeof(words), "%s", line);
	struct outcome outcome = parse(words);
	assert_false(outcome.good);
	assert_string_equal(outcome.why, why);
	args_release(&outcome.args);
}

static void defaults(void **state)
{
	char line[] = "postern";
	struct outcome outcome = parse(line);

	(void)state;
	assert_true(outcome.good);
	assert_string_equal(outcome.args.command->name, "run");
	assert_string_equal(outcome.args.path, "/etc/postern/postern.ini");
	assert_int_equal(outcome.args.overrides.count, 0);
	assert_int_equal(outcome.args.print, CONFIG_EFFECTIVE);
	assert_false(outcome.args.strict);
	args_release(&outcome.args);
}

static void options_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"postern -c FILE -D a=1 check --strict -D b=2",
		"postern check --define=a=1 --strict --config FILE --define b=2",
		"postern --strict -cFILE -Da=1 -Db=2 -- check",
		"postern -D a=1 check -D b=2 --config=FILE --strict",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[128];
		snprintf(line, sizeof(line), "%s", lines[i]);
		struct outcome outcome = parse(line);
		assert_true(outcome.good);
		assert_string_equal(outcome.args.command->name, "check");
		assert_string_equal(outcome.args.path, "FILE");
		assert_int_equal(outcome.args.overrides.count, 2);
		assert_string_equal(outcome.args.overrides.item[0], "a=1");
		assert_string_equal(outcome.args.overrides.item[1], "b=2");
		assert_true(outcome.args.strict);
		args_release(&outcome.args);
	}
}

static void expect_command(const char *line, const char *command, enum config_print print)
{
	char words[128];

	snprintf(words, sizeof(words), "%s", line);
	struct outcome outcome = parse(words);
	assert_true(outcome.good);
	assert_string_equal(outcome.args.command->name, command);
	assert_int_equal(outcome.args.print, print);
	args_release(&outcome.args);
}

static void commands_and_theirs(void **state)
{
	(void)state;
	expect_command("postern config", "config", CONFIG_EFFECTIVE);
	expect_command("postern config -d", "config", CONFIG_DEFAULTS);
	expect_command("postern -n config", "config", CONFIG_CHANGED);
	expect_command("postern --help", "help", CONFIG_EFFECTIVE);
	expect_command("postern check -h", "help", CONFIG_EFFECTIVE);
	expect_command("postern --help check --strict", "help", CONFIG_EFFECTIVE);
	expect_command("postern --version", "version", CONFIG_EFFECTIVE);
	expect_command("postern version", "version", CONFIG_EFFECTIVE);
}

static void refusals(void **state)
{
	(void)state;
	expect_refusal("postern chekc", "unknown command `chekc`; did you mean `check`?");
	expect_refusal("postern frobnicate", "unknown command `frobnicate`");
	expect_refusal("postern check --strct",
		       "unknown option `--strct`; did you mean `--strict`?");
	expect_refusal("postern check --strict=yes", "option `--strict` takes no value");
	expect_refusal("postern -x", "unknown option `-x`");
	expect_refusal("postern -dn config", "unknown option `-dn`");
	expect_refusal("postern -c", "option `-c` needs a value: FILE");
	expect_refusal("postern --strict", "option `--strict` belongs to the command `check`");
	expect_refusal("postern ban", "`ban` needs: ADDRESS [TIME]");
	expect_refusal("postern ban a b c", "`c` is one word too many behind `ban`");
	expect_refusal("postern check --json",
		       "option `--json` does not belong to the command `check`");
	expect_refusal("postern check config", "`config` is one word too many behind `check`");
	expect_refusal("postern -- --help", "unknown command `--help`; did you mean `help`?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(commands_and_theirs),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
