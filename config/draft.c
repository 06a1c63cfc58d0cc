#include "config/draft.h"

#include "config/lines.h"
#include "config/suggest.h"

#include <stdlib.h>
#include <unistd.h>

const char *draft_directory(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct slice directory = slice_of(path, slash ? (size_t)(slash - path) : 0);

	if (path[0] == '/')
		return arena_string(arena, directory);
	char *here = getcwd(NULL, 0);
	const char *absolute = arena_format(arena, "%s%s%.*s", here ? here : "", slash ? "/" : "",
					    (int)directory.len, directory.ptr);
	free(here);
	return absolute;
}

void draft_begin(struct draft *draft, const char *path, bool sealed, struct complaints *complaints)
{
	struct arena *arena = calloc(1, sizeof *arena);

	if (!arena)
		abort();
	*draft = (struct draft){ .complaints = complaints };
	draft->end = &draft->first;
	draft->config = arena_alloc(arena, sizeof *draft->config);
	draft->config->memory = arena;
	draft->config->path = arena_string(arena, slice_str(path));
	draft->source.arena = arena;
	draft->source.directory = draft_directory(arena, path);
	draft->source.sealed = sealed;
}

struct section *draft_find(const struct draft *draft, enum section_kind kind, struct slice name)
{
	for (struct section *section = draft->first; section; section = section->next)
		if (section->kind == kind && !section->again &&
		    (!section->name || slice_eq(name, slice_str(section->name))))
			return section;
	return NULL;
}

static void set_presets(struct draft *draft, struct section *section)
{
	struct value_error error;

	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section->kind && options[i].preset)
			value_parse(&options[i], slice_str(options[i].preset), &draft->source,
				    section->values, &error);
}

struct section *draft_open(struct draft *draft, enum section_kind kind, struct slice name,
			   const char *place)
{
	const struct section_row *row = &section_rows[kind];
	const struct section *earlier = draft_find(draft, kind, name);
	struct arena *arena = draft->source.arena;
	struct section *section = arena_alloc(arena, sizeof *section);

	section->kind = kind;
	section->place = place;
	section->again = earlier != NULL;
	if (earlier)
		complain(draft->complaints, place,
			 "[%s%s%s] is there already, at %s; put all its options into one section",
			 row->word, earlier->name ? " " : "", earlier->name ? earlier->name : "",
			 earlier->place);
	if (row->sample) {
		section->name = arena_string(arena, name);
		section->values = arena_alloc(arena, row->size);
		memcpy(section->values, &(struct section_head){ section->name, place },
		       sizeof(struct section_head));
	} else {
		section->values =
			earlier ? arena_alloc(arena, sizeof *draft->config) : draft->config;
	}
	set_presets(draft, section);
	*draft->end = section;
	draft->end = &section->next;
	return section;
}

/* An option of other sections is told so; else the nearest of this one. */
static void complain_unknown(struct draft *draft, const struct section *section, struct slice name,
			     const char *place)
{
	struct suggest suggest = { .word = name };
	const struct section_row *owner = NULL;
	char hint[SUGGEST_BYTES];

	for (size_t i = 0; i < option_count; i++) {
		if (options[i].section == section->kind)
			suggest_offer(&suggest, options[i].name);
		else if (slice_eq(name, slice_str(options[i].name)))
			owner = &section_rows[options[i].section];
	}
	suggest_text(&suggest, hint);
	if (owner)
		complain(draft->complaints, place,
			 "`%.*s` is no option of [%s]; it belongs into [%s%s]", (int)name.len,
			 name.ptr, section_rows[section->kind].word, owner->word,
			 owner->sample ? " NAME" : "");
	else
		complain(draft->complaints, place, "`%.*s` is no option of [%s]%s",
			 (int)slice_head(name, 80).len, name.ptr, section_rows[section->kind].word,
			 *hint ? hint : "; `postern config -d` prints all of them");
}

const struct option *draft_option(struct draft *draft, const struct section *section,
				  struct slice name, const char *place)
{
	const struct option *option = option_find(section->kind, name);

	if (!option)
		complain_unknown(draft, section, name, place);
	return option;
}

static bool is_quoted(struct slice value)
{
	return value.len > 1 && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
	       value.ptr[value.len - 1] == value.ptr[0];
}

/* What is wrong with a value whatever its type is; NULL when nothing. */
static const char *wrong_with(const struct option *option, struct slice value)
{
	if (value.len == 0 && (!option->preset || *option->preset) && !option_is_list(option))
		return "expected a value; leave the line out for the default";
	if (value.len == 0 && !option->preset)
		return "expected a value";
	if (is_quoted(value))
		return "expected the value without quotes";
	if (lines_comment(value) < value.len)
		return "expected no `;` or `#` in front or after a blank, as a comment starts "
		       "there";
	return NULL;
}

void draft_set(struct draft *draft, struct section *section, const struct option *option,
	       struct slice value, const char *place, bool override)
{
	const char **set_at = &section->set_at[option - options];
	struct value_error error = { .item = value };

	if (*set_at && !override && !option_is_list(option)) {
		complain(draft->complaints, place, "`%s` is set already, at %s; keep one of them",
			 option->name, *set_at);
		return;
	}
	/* A list replaces its default, and an override the file's; what comes after adds to it. */
	if (!*set_at || (override && strcmp(*set_at, place) != 0))
		value_clear(option, section->values);
	*set_at = place;
	const char *why = wrong_with(option, value);
	/* Of a list each bad item is told. */
	while (why || !value_parse(option, value, &draft->source, section->values, &error)) {
		complain(draft->complaints, place, "`%s` cannot be `%.*s`: %s", option->name,
			 (int)slice_head(error.item, 80).len, error.item.ptr,
			 why ? why : error.why);
		if (why || error.rest.len == 0)
			break;
		value = error.rest;
	}
}

void draft_fill(struct draft *draft)
{
	const char *place = arena_format(draft->source.arena, "%s:1", draft->config->path);
	struct slice name = SLICE("default");

	for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
		if ((!section_rows[kind].sample || kind == SECTION_POLICY) &&
		    !draft_find(draft, kind, name))
			draft_open(draft, kind, name, place);
}

/* The value's option and section; NULL after a complaint. */
static const struct option *override_option(struct draft *draft, struct slice text,
					    struct section **section, const char *place)
{
	size_t equals = slice_find(text, '=', 0), dot = equals;

	/* Names may have dots, options have none. */
	while (dot > 0 && text.ptr[dot - 1] != '.')
		dot--;
	struct slice head = slice_head(text, dot > 0 ? dot - 1 : 0), name = head;
	enum section_kind kind = section_kind_find(slice_word(&name));
	if (equals == text.len || head.len == 0) {
		complain(draft->complaints, place,
			 "`%.*s` cannot be read; expected `section name.option=value`",
			 (int)text.len, text.ptr);
		return NULL;
	}
	*section = kind < SECTION_KINDS ? draft_find(draft, kind, slice_trim(name)) : NULL;
	if (!*section) {
		complain(draft->complaints, place, "there is no section [%.*s] in %s",
			 (int)head.len, head.ptr, draft->config->path);
		return NULL;
	}
	return draft_option(draft, *section, slice_trim(slice_skip(slice_head(text, equals), dot)),
			    place);
}

void draft_override(struct draft *draft, struct slice text)
{
	static const char place[] = "-D";
	struct slice value = slice_skip(text, slice_find(text, '=', 0) + 1);
	struct section *section;
	const struct option *option = override_option(draft, text, &section, place);

	if (option && option->type == OPTION_INCLUDE)
		complain(draft->complaints, place, "`include` works in a file only");
	else if (option)
		draft_set(draft, section, option, slice_trim(value), place, true);
}

const char *draft_place(const struct section *section, const char *name)
{
	const struct option *option = option_find(section->kind, slice_str(name));
	const char *place = section->set_at[option - options];

	return place ? place : section->place;
}
