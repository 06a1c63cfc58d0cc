#include "config/numbers.h"
#include "config/print.h"

enum { TEXT_COLUMNS = 80 };

/* A comment, broken between words. */
static void print_text(struct slice text, FILE *to)
{
	size_t column = 0;

	while (text.len > 0) {
		struct slice word = slice_word(&text);
		if (column == 0 || column + 1 + word.len > TEXT_COLUMNS)
			column = (size_t)fprintf(to, "%s; %.*s", column ? "\n" : "", (int)word.len,
						 word.ptr);
		else
			column += (size_t)fprintf(to, " %.*s", (int)word.len, word.ptr);
	}
	fputc('\n', to);
}

/* The values that a word can have, or the bounds of a number. */
static void print_allowed(const struct option *option, FILE *to)
{
	char min[32], max[32];

	if (option->type == OPTION_WORD) {
		fputs(";", to);
		for (const struct option_word *row = option->words; row->word; row++)
			fprintf(to, "%s %s", row == option->words ? "" : " |", row->word);
		fputs("\n", to);
	} else if (option_shape(option) == SHAPE_NUMBER && option->type != OPTION_WAIT) {
		number_format(option->type, option->min, min, sizeof min);
		number_format(option->type, option->max, max, sizeof max);
		fprintf(to, "; %s to %s\n", min, max);
	}
}

static void print_option(const struct option *option, FILE *to)
{
	fputc('\n', to);
	print_text(slice_str(option->help), to);
	print_allowed(option, to);
	if (option->note)
		fprintf(to, "; Default: %s.\n", option->note);
	if (!option->preset)
		fprintf(to, "%s = %s\n", option->name, option->sample);
	else
		fprintf(to, ";%s =%s%s\n", option->name, *option->preset ? " " : "",
			option->preset);
}

static void print_section(enum section_kind kind, FILE *to)
{
	const struct section_row *row = &section_rows[kind];

	fputs("\n; "
	      "------------------------------------------------------------------------------\n",
	      to);
	print_text(slice_str(row->help), to);
	fprintf(to, "\n[%s%s%s]\n", row->word, row->sample ? " " : "",
		row->sample ? row->sample : "");
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == kind)
			print_option(&options[i], to);
}

void print_sample(FILE *to)
{
	fputs("; Postern's configuration: all options there are, each with its default.\n"
	      ";\n"
	      "; What is commented out is the default; take away the `;` and change it. What is "
	      "not\n"
	      "; is needed: where to listen, a certificate, and the mail server behind. To have "
	      "more\n"
	      "; of [listener], [certificate], [backend] or [policy], repeat the section under "
	      "another\n"
	      "; name.\n"
	      ";\n"
	      "; A comment starts with `;` or `#`, in front of a line or after a blank. Lists go "
	      "by\n"
	      "; comma, or with the option in front of each item. Times are 500ms, 30s, 5m, 1h, "
	      "sizes\n"
	      "; 64K, 50M, 1G. Relative paths start at this file's directory.\n"
	      ";\n"
	      "; `postern check` tells what is wrong, `postern config -n` what differs from "
	      "this.\n",
	      to);
	for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
		print_section(kind, to);
}
