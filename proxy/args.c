#include "proxy/args.h"
#include "config/suggest.h"

#include <stdarg.h>
#include <stdlib.h>

/* A command line while it is read. */
struct reading {
	struct args *args;
	const char *command; /* as written; NULL: not yet */
	const char *instead; /* what --help or --version asks for */
	char **rest;         /* what follows; the last is NULL */
	bool literal;        /* behind a `--` */
	char *why;
	size_t why_size;
};

static void set_path(struct reading *reading, const char *value)
{
	reading->args->path = value;
}

static void add_override(struct reading *reading, const char *value)
{
	struct strings *overrides = &reading->args->overrides;
	overrides->item[overrides->count++] = value;
}

static void set_strict(struct reading *reading, const char *value)
{
	(void)value;
	reading->args->strict = true;
}

static void set_json(struct reading *reading, const char *value)
{
	(void)value;
	reading->args->json = true;
}

static void print_defaults(struct reading *reading, const char *value)
{
	(void)value;
	reading->args->print = CONFIG_DEFAULTS;
}

static void print_changed(struct reading *reading, const char *value)
{
	(void)value;
	reading->args->print = CONFIG_CHANGED;
}

static void say_help(struct reading *reading, const char *value)
{
	(void)value;
	reading->instead = "help";
}

static void say_version(struct reading *reading, const char *value)
{
	(void)value;
	reading->instead = "version";
}

struct option {
	const char *brief;   /* "-c"; NULL: none */
	const char *name;    /* "--config" */
	const char *value;   /* what it takes, for --help; NULL: nothing */
	const char *command; /* whose it is; NULL: of all, but --json */
	const char *summary;
	void (*apply)(struct reading *reading, const char *value);
};

static const struct option options[] = {
	{ "-c", "--config", "FILE", NULL, "the configuration (" ARGS_PATH ")", set_path },
	{ "-D", "--define", "'KIND NAME.OPTION=VALUE'", NULL, "overrides the file; may be repeated",
	  add_override },
	{ NULL, "--strict", NULL, "check", "warnings count as well", set_strict },
	{ NULL, "--json", NULL, NULL,
	  "for programs to read: certs, and all that ask a running Postern", set_json },
	{ "-d", "--defaults", NULL, "config", "all defaults, with comments", print_defaults },
	{ "-n", "--changed", NULL, "config", "only what differs from the defaults", print_changed },
	{ "-h", "--help", NULL, NULL, "this text", say_help },
	{ NULL, "--version", NULL, NULL, "the version", say_version },
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static bool refuse(const struct reading *reading, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(const struct reading *reading, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(reading->why, reading->why_size, format, list);
	va_end(list);
	return false;
}

/*
 * The option that `word` is, written as `-c FILE`, `-cFILE`, `--config FILE` or `--config=FILE`.
 * *value is what is joined to it, or NULL.
 */
static const struct option *option_find(const char *word, const char **value)
{
	size_t name_len = strcspn(word, "=");
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &options[i];
		*value = word[name_len] == '=' ? word + name_len + 1 : NULL;
		if (slice_eq(slice_of(word, name_len), slice_str(option->name)))
			return option;
		if (option->brief == NULL || strncmp(word, option->brief, 2) != 0)
			continue;
		*value = word[2] != '\0' ? word + 2 : NULL;
		if (option->value != NULL || *value == NULL)
			return option;
	}
	return NULL;
}

static bool refuse_option(const struct reading *reading, const char *word)
{
	char hint[SUGGEST_BYTES];
	struct suggest suggest = { .word = slice_of(word, strcspn(word, "=")) };
	for (size_t i = 0; i < OPTIONS; i++)
		suggest_offer(&suggest, options[i].name);
	return refuse(reading, "unknown option `%s`%s", word, suggest_text(&suggest, hint));
}

static bool read_option(struct reading *reading, const char *word, bool *used)
{
	const char *value;
	const struct option *option = option_find(word, &value);
	if (option == NULL)
		return refuse_option(reading, word);
	if (option->value == NULL && value != NULL)
		return refuse(reading, "option `%s` takes no value", option->name);
	if (option->value != NULL && value == NULL) {
		if (*reading->rest == NULL)
			return refuse(reading, "option `%s` needs a value: %s", word,
				      option->value);
		value = *reading->rest++;
	}
	used[option - options] = true;
	option->apply(reading, value);
	return true;
}

static bool read_word(struct reading *reading, const char *word, bool *used)
{
	if (!reading->literal && strcmp(word, "--") == 0) {
		reading->literal = true;
		return true;
	}
	if (!reading->literal && word[0] == '-')
		return read_option(reading, word, used);
	if (reading->command == NULL) {
		reading->command = word;
		return true;
	}
	struct args *args = reading->args;
	if (args->word_count == ARGS_WORDS)
		return refuse(reading, "`%s` is one word too many behind `%s`", word,
			      reading->command);
	args->words[args->word_count++] = word;
	return true;
}

static bool choose_command(struct reading *reading, const struct command *commands)
{
	char hint[SUGGEST_BYTES];
	if (reading->instead != NULL)
		reading->command = reading->instead;
	if (reading->command == NULL)
		reading->command = commands->name;
	struct suggest suggest = { .word = slice_str(reading->command) };
	for (const struct command *command = commands; command->name != NULL; command++) {
		suggest_offer(&suggest, command->name);
		if (strcmp(command->name, reading->command) == 0) {
			reading->args->command = command;
			return true;
		}
	}
	return refuse(reading, "unknown command `%s`%s", reading->command,
		      suggest_text(&suggest, hint));
}

static bool options_belong(const struct reading *reading, const bool *used)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const char *owner = options[i].command;
		if (used[i] && owner != NULL && reading->instead == NULL &&
		    strcmp(owner, reading->command) != 0)
			return refuse(reading, "option `%s` belongs to the command `%s`",
				      options[i].name, owner);
	}
	if (reading->args->json && !reading->args->command->json && reading->instead == NULL)
		return refuse(reading, "option `--json` does not belong to the command `%s`",
			      reading->command);
	return true;
}

static bool words_fit(const struct reading *reading)
{
	const struct args *args = reading->args;
	const struct command *command = args->command;
	if (reading->instead != NULL)
		return true;
	if (args->word_count > command->most)
		return refuse(reading, "`%s` is one word too many behind `%s`",
			      args->words[command->most], reading->command);
	if (args->word_count < command->least)
		return refuse(reading, "`%s` needs: %s", reading->command, command->words);
	return true;
}

bool args_parse(struct args *args, const struct command *commands, int argc, char **argv, char *why,
		size_t why_size)
{
	bool used[OPTIONS] = { false };
	struct reading reading = {
		.args = args,
		.rest = argv + (argc > 0),
		.why = why,
		.why_size = why_size,
	};
	*args = (struct args){ .path = ARGS_PATH, .print = CONFIG_EFFECTIVE, .argv = argv };
	args->overrides.item = calloc((size_t)argc + 1, sizeof(char *));
	if (args->overrides.item == NULL)
		return refuse(&reading, "out of memory");
	while (*reading.rest != NULL) {
		const char *word = *reading.rest++;
		if (!read_word(&reading, word, used))
			return false;
	}
	return choose_command(&reading, commands) && options_belong(&reading, used) &&
	       words_fit(&reading);
}

void args_release(struct args *args)
{
	free(args->overrides.item);
	args->overrides = (struct strings){ 0 };
}

void args_print_help(const struct command *commands, FILE *to)
{
	fputs("usage: postern [OPTION]... [COMMAND]\n\n", to);
	for (const struct command *command = commands; command->name != NULL; command++)
		fprintf(to, "  %s%s%-*s %s%s\n", command->name, command->words != NULL ? " " : "",
			(int)(22 - strlen(command->name) - (command->words != NULL)),
			command->words != NULL ? command->words : "", command->summary,
			command == commands ? " (the default)" : "");
	fputc('\n', to);
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &options[i];
		fprintf(to, "  %s%s%s%s%s\n             %s%s%s\n",
			option->brief != NULL ? option->brief : "",
			option->brief != NULL ? ", " : "", option->name,
			option->value != NULL ? " " : "",
			option->value != NULL ? option->value : "",
			option->command != NULL ? option->command : "",
			option->command != NULL ? ": " : "", option->summary);
	}
}
