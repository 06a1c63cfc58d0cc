#include "bench/args.h"

#include <stdio.h>
#include <stdlib.h>

bool args_flag(void *at, const char *text, const char **why)
{
	(void)text;
	(void)why;
	*(bool *)at = true;
	return true;
}

bool args_number(void *at, const char *text, const char **why)
{
	*why = "expected a whole number from 1";
	uint64_t *value = at;
	return slice_number(slice_str(text), value) && *value > 0;
}

/* Digits and a unit; *unit is what follows the digits. */
static bool number_and_unit(const char *text, uint64_t *number, const char **unit)
{
	size_t digits = strspn(text, "0123456789");

	*unit = text + digits;
	return slice_number(slice_of(text, digits), number);
}

struct unit {
	const char *name;
	uint64_t factor;
};

static bool scaled(uint64_t *value, const char *text, const struct unit *units, size_t count)
{
	const char *name;
	uint64_t number;

	if (!number_and_unit(text, &number, &name))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(units[i].name, name) != 0)
			continue;
		*value = number * units[i].factor;
		return number <= UINT64_MAX / units[i].factor;
	}
	return false;
}

bool args_bytes(void *at, const char *text, const char **why)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }
	};

	*why = "expected a size such as 512, 4K, 50M or 1G";
	return scaled(at, text, units, sizeof units / sizeof *units);
}

bool args_time(void *at, const char *text, const char **why)
{
	static const struct unit units[] = {
		{ "", 1000000 },  { "us", 1 },       { "ms", 1000 },
		{ "s", 1000000 }, { "m", 60000000 }, { "h", 3600000000 },
	};

	*why = "expected a time such as 250ms, 2s or 1m";
	return scaled(at, text, units, sizeof units / sizeof *units);
}

bool args_text(void *at, const char *text, const char **why)
{
	*why = "expected a value that is not empty";
	*(const char **)at = text;
	return *text != '\0';
}

bool args_more(void *at, const char *text, const char **why)
{
	struct args_list *list = at;

	*why = "was given too many times";
	if (list->count == ARGS_LIST_MAX)
		return false;
	list->item[list->count++] = text;
	return true;
}

static void print_row(const struct arg *row, FILE *to)
{
	char left[64], letter[8] = "   ";

	if (row->heading) {
		fprintf(to, "\n%s:\n", row->heading);
		return;
	}
	if (row->letter)
		snprintf(letter, sizeof letter, "-%c,", row->letter);
	if (row->name)
		snprintf(left, sizeof left, "%s --%s %s", letter, row->name,
			 row->value ? row->value : "");
	else
		snprintf(left, sizeof left, "%s", row->value);
	fprintf(to, "  %-28s ", left);
	for (const char *c = row->help; *c; c++) {
		putc(*c, to);
		if (*c == '\n')
			fprintf(to, "%31s", "");
	}
	putc('\n', to);
}

static void print_help(const struct args *args, FILE *to)
{
	fprintf(to, "Usage: %s %s\n\n%s\n", args->program, args->synopsis, args->intro);
	for (size_t i = 0; i < args->count; i++)
		print_row(&args->rows[i], to);
	fprintf(to,
		"\nBesides:\n  -h, --help                   prints this\n"
		"      --version                prints the version\n\n%s\n",
		args->notes);
}

void args_complain(const struct args *args, const char *why)
{
	fprintf(stderr, "%s: %s\nTry '%s --help'.\n", args->program, why, args->program);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The edit distance of Levenshtein, both cut to 31 bytes. */
static size_t distance(struct slice a, struct slice b)
{
	size_t row[32];

	a = slice_head(a, 31);
	b = slice_head(b, 31);
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t swap = corner + (a.ptr[i - 1] != b.ptr[j - 1]);
			corner = row[j];
			row[j] = smaller(swap, smaller(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.len];
}

static const char *nearest(const struct args *args, struct slice name)
{
	const char *best = NULL;
	size_t least = name.len / 2 + 2;

	for (size_t i = 0; i < args->count; i++) {
		const struct arg *row = &args->rows[i];
		if (!row->name)
			continue;
		size_t d = distance(name, slice_str(row->name));
		if (d < least) {
			least = d;
			best = row->name;
		}
	}
	return best;
}

static enum args_end unknown(const struct args *args, const char *word, struct slice name)
{
	const char *near = name.len > 1 ? nearest(args, name) : NULL;

	if (near)
		fprintf(stderr, "%s: there is no option %s; did you mean --%s?\n", args->program,
			word, near);
	else
		fprintf(stderr, "%s: there is no option %s\n", args->program, word);
	fprintf(stderr, "Try '%s --help'.\n", args->program);
	return ARGS_BAD;
}

/* One option as it stands on the line. */
struct given {
	const char *word;  /* the whole of it, for errors */
	struct slice name; /* one letter or a long name; empty: no option */
	bool is_letter;
	const char *value; /* what is stuck to it; NULL: nothing is */
};

static struct given take_apart(const char *word)
{
	struct given given = { .word = word, .name = slice_of(word, 0), .value = word };

	if (word[0] != '-' || word[1] == '\0')
		return given;
	if (word[1] != '-') {
		given.is_letter = true;
		given.name = slice_of(word + 1, 1);
		given.value = word[2] ? word + 2 : NULL;
		return given;
	}
	given.name = slice_of(word + 2, strcspn(word + 2, "="));
	const char *equals = word + 2 + given.name.len;
	given.value = *equals ? equals + 1 : NULL;
	return given;
}

static bool is_row(const struct arg *row, const struct given *given)
{
	if (row->heading)
		return false;
	if (given->name.len == 0)
		return !row->name && given->value == given->word;
	if (given->is_letter)
		return row->letter == given->name.ptr[0];
	return row->name && slice_eq(slice_str(row->name), given->name);
}

static const struct arg *row_of(const struct args *args, const struct given *given)
{
	for (size_t i = 0; i < args->count; i++)
		if (is_row(&args->rows[i], given))
			return &args->rows[i];
	return NULL;
}

static enum args_end help(const struct args *args)
{
	print_help(args, stdout);
	return ARGS_HELP;
}

static enum args_end version(const struct args *args)
{
	printf("%s %s\n", args->program, args->version);
	return ARGS_HELP;
}

/* What stands on the line and in no row. */
static enum args_end no_row(const struct args *args, const struct given *given)
{
	if (given->is_letter && given->name.ptr[0] == 'h')
		return help(args);
	if (!given->is_letter && slice_eq(given->name, SLICE("help")))
		return help(args);
	if (!given->is_letter && slice_eq(given->name, SLICE("version")))
		return version(args);
	return unknown(args, given->word, given->name);
}

static enum args_end bad_value(const struct args *args, const struct given *given,
			       const char *value, const char *why)
{
	size_t len = given->name.len ? (size_t)(given->name.ptr - given->word) + given->name.len
				     : strlen(given->word);

	fprintf(stderr, "%s: %.*s: %s", args->program, (int)len, given->word, why);
	if (value && value != given->word)
		fprintf(stderr, ", not \"%s\"", value);
	fprintf(stderr, "\nTry '%s --help'.\n", args->program);
	return ARGS_BAD;
}

/* Reads what stands at *i, and its value at *i + 1 where that is the next word. */
static enum args_end read_one(const struct args *args, int argc, char **argv, int *i, void *options)
{
	struct given given = take_apart(argv[*i]);
	const struct arg *row = row_of(args, &given);
	const char *value = given.value, *why = "";

	if (!row)
		return no_row(args, &given);
	if (!row->value && value)
		return bad_value(args, &given, value, "takes no value");
	if (row->value && !value && *i + 1 == argc)
		return bad_value(args, &given, NULL, "needs a value");
	if (row->value && !value)
		value = argv[++*i];
	if (!row->read((char *)options + row->offset, value, &why))
		return bad_value(args, &given, value, why);
	return ARGS_RUN;
}

enum args_end args_read(const struct args *args, int argc, char **argv, void *options)
{
	enum args_end end = ARGS_RUN;

	for (int i = 1; i < argc && end == ARGS_RUN; i++)
		end = read_one(args, argc, argv, &i, options);
	return end;
}
