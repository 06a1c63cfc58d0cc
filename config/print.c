#include "config/draft.h"
#include "config/print.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_COLUMNS = 100 };

static const void *section_values(const struct config *config, enum section_kind kind, size_t index)
{
	const struct section_row *row = &section_rows[kind];
	const char *items;

	if (!row->sample)
		return config;
	memcpy(&items, (const char *)config + row->items, sizeof items);
	return items + index * row->size;
}

static size_t section_count(const struct config *config, enum section_kind kind)
{
	const struct section_row *row = &section_rows[kind];
	size_t count = 1;

	if (row->sample)
		memcpy(&count, (const char *)config + row->count, sizeof count);
	return count;
}

/* A list that is longer than a line goes on in the next, with the option in front again. */
static void print_option(const struct option *option, const void *values, FILE *to)
{
	size_t count = value_count(option, values), column = 0;
	char text[VALUE_TEXT_BYTES];

	/* What must have a value is left out where something else stands for it. */
	if (count == 0 && option->preset)
		fprintf(to, "%s =%s%s\n", option->name, option->words ? " " : "",
			option->words ? option->words->word : "");
	for (size_t i = 0; i < count; i++) {
		value_format(option, values, i, text, sizeof text);
		size_t len = strlen(text);
		/* A subject would take what follows for more of it. */
		if (i > 0 && option->type != OPTION_ALLOW && column + len + 2 <= LINE_COLUMNS) {
			column += (size_t)fprintf(to, ", %s", text);
			continue;
		}
		column = (size_t)fprintf(to, "%s%s = %s", i > 0 ? "\n" : "", option->name, text);
	}
	if (count > 0)
		fputc('\n', to);
}

static bool is_same(const struct option *option, const void *a, const void *b)
{
	char a_text[VALUE_TEXT_BYTES], b_text[VALUE_TEXT_BYTES];
	size_t count = value_count(option, a);

	if (count != value_count(option, b))
		return false;
	for (size_t i = 0; i < count; i++) {
		value_format(option, a, i, a_text, sizeof a_text);
		value_format(option, b, i, b_text, sizeof b_text);
		if (strcmp(a_text, b_text) != 0)
			return false;
	}
	return true;
}

static bool is_preset(const struct config *config, const struct option *option, const void *values)
{
	struct arena arena = { NULL };
	struct value_source source = { .arena = &arena, .directory = "" };
	struct value_error error;
	size_t size = section_rows[option->section].size;
	void *presets = arena_alloc(&arena, size ? size : sizeof *config);
	const char *preset = draft_preset(config, option, false, &arena);

	bool same = preset && value_parse(option, slice_str(preset), &source, presets, &error) &&
		    is_same(option, values, presets);
	arena_release(&arena);
	return same;
}

static void print_head(enum section_kind kind, const void *values, FILE *to)
{
	struct section_head head;

	if (section_rows[kind].sample) {
		memcpy(&head, values, sizeof head);
		fprintf(to, "\n[%s %s]\n", section_rows[kind].word, head.name);
	} else {
		fprintf(to, "\n[%s]\n", section_rows[kind].word);
	}
}

/* What is there without being written: the sections without a name, and [policy default]. */
static bool is_always_there(enum section_kind kind, const void *values)
{
	struct section_head head;

	if (!section_rows[kind].sample)
		return true;
	memcpy(&head, values, sizeof head);
	return kind == SECTION_POLICY && strcmp(head.name, "default") == 0;
}

static void print_section(const struct config *config, enum section_kind kind, const void *values,
			  bool changed_only, FILE *to)
{
	bool has_head = !is_always_there(kind, values);

	if (has_head)
		print_head(kind, values, to);
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];
		if (option->section != kind || option->type == OPTION_INCLUDE ||
		    (changed_only && is_preset(config, option, values)))
			continue;
		if (!has_head)
			print_head(kind, values, to);
		has_head = true;
		print_option(option, values, to);
	}
}

void config_print(const struct config *config, enum config_print what, FILE *to)
{
	if (what == CONFIG_DEFAULTS) {
		print_sample(to);
		return;
	}
	fprintf(to,
		what == CONFIG_CHANGED ? "; %s: what differs from the defaults\n"
				       : "; %s, with all that it says and all defaults\n",
		config->path);
	for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
		for (size_t i = 0; i < section_count(config, kind); i++)
			print_section(config, kind, section_values(config, kind, i),
				      what == CONFIG_CHANGED, to);
}

uint64_t config_backend_mark(const struct backend_config *backend)
{
	uint64_t mark = UINT64_C(0xcbf29ce484222325);
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (to) {
		print_section(NULL, SECTION_BACKEND, backend, false, to);
		fclose(to);
	}
	/* FNV-1a. */
	for (size_t i = 0; text && i < len; i++)
		mark = (mark ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	free(text);
	return (mark | UINT64_C(1) << 63) & ~UINT64_C(0xff);
}
