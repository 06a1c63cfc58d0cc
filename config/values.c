#include "config/values.h"

#include "config/allow.h"
#include "config/lines.h"
#include "config/numbers.h"
#include "config/parse.h"
#include "config/suggest.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

bool parse_refuse(const struct parse *parse, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->error->why, sizeof parse->error->why, format, args);
	va_end(args);
	parse->error->item = parse->text;
	return false;
}

/* ------------------------------------------------------------------------------------ strings */

static bool keep_string(const struct parse *parse)
{
	*(const char **)parse->at = arena_string(parse->source->arena, parse->text);
	return true;
}

static bool add_string(const struct parse *parse)
{
	struct strings *list = parse->at;

	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = arena_string(parse->source->arena, parse->text);
	return true;
}

static bool parse_hostname(const struct parse *parse)
{
	if (!value_is_domain(parse->text))
		return parse_refuse(parse, "expected a host name such as mail.example.org");
	return keep_string(parse);
}

/* What RFC 5321 section 4.1.2 calls a Dot-string, and a domain. */
static bool parse_mailbox(const struct parse *parse)
{
	size_t at = slice_find(parse->text, '@', 0);

	if (!value_is_made_of(slice_head(parse->text, at), ".!#$%&'*+-/=?^_`{|}~", 64) ||
	    !value_is_domain(slice_skip(parse->text, at + 1)))
		return parse_refuse(parse, "expected a mailbox such as postmaster@example.org");
	return keep_string(parse);
}

static bool parse_user(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, "._-", 32) || parse->text.ptr[0] == '-')
		return parse_refuse(parse, "expected the name of a user");
	return keep_string(parse);
}

/* NULL after a refusal. */
static const char *make_path(const struct parse *parse)
{
	bool absolute = parse->text.ptr[0] == '/';
	const char *path = arena_format(parse->source->arena, "%s%s%.*s",
					absolute ? "" : parse->source->directory,
					absolute ? "" : "/", (int)parse->text.len, parse->text.ptr);

	/* The directory's name too must be one that can be written into a file and read back. */
	if (lines_comment(slice_str(path)) < strlen(path))
		parse_refuse(parse, "expected a path without a `;` or `#` that follows a blank");
	else if (strlen(path) >= PATH_MAX)
		parse_refuse(parse, "a path has at most %d bytes", PATH_MAX - 1);
	else
		return path;
	return NULL;
}

static bool parse_path(const struct parse *parse)
{
	*(const char **)parse->at = make_path(parse);
	return *(const char **)parse->at != NULL;
}

static bool add_path(const struct parse *parse)
{
	struct parse item = *parse;
	const char *path = make_path(parse);

	item.text = slice_str(path ? path : "");
	return path && add_string(&item);
}

static bool add_allow(const struct parse *parse)
{
	struct allow_rule rule;
	const char *why;

	return allow_parse(parse->text, &rule, &why) ? add_string(parse)
						     : parse_refuse(parse, "%s", why);
}

static bool add_pin(const struct parse *parse)
{
	struct allow_rule rule;
	const char *why;

	if (allow_parse(parse->text, &rule, &why) && rule.kind == ALLOW_SPKI)
		return add_string(parse);
	return parse_refuse(parse, "expected spki: and the 64 hexadecimal digits of a SHA-256");
}

static const struct option_word *find_word(const struct parse *parse, struct suggest *suggest)
{
	*suggest = (struct suggest){ .word = parse->text };
	for (const struct option_word *row = parse->option->words; row->word; row++) {
		if (slice_eq(parse->text, slice_str(row->word)))
			return row;
		suggest_offer(suggest, row->word);
	}
	return NULL;
}

/* All words that there are, with `last` before the last one. */
static void list_words(const struct option *option, const char *last, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (const struct option_word *row = option->words; row->word && len < size; row++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
					row == option->words ? ""
					: row[1].word        ? ", "
							     : last,
					row->word);
}

/* A file's path has a slash, so that a mistyped word does not become a file. */
static bool parse_word_or_path(const struct parse *parse)
{
	char words[64], hint[SUGGEST_BYTES];
	struct suggest suggest;

	if (find_word(parse, &suggest))
		return keep_string(parse);
	if (slice_find(parse->text, '/', 0) < parse->text.len)
		return parse_path(parse);
	list_words(parse->option, ", ", words, sizeof words);
	return parse_refuse(parse, "expected %s or a path with a slash%s", words,
			    suggest_text(&suggest, hint));
}

static bool parse_domain(const struct parse *parse)
{
	if (!value_is_domain(parse->text))
		return parse_refuse(parse, "expected a host name");
	return keep_string(parse);
}

static bool parse_reference(const struct parse *parse)
{
	if (!value_is_name(parse->text))
		return parse_refuse(parse, "expected the name of a section");
	return keep_string(parse);
}

static bool parse_algorithms(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, ":-_", 1000))
		return parse_refuse(parse, "expected names with colons between them");
	return keep_string(parse);
}

static bool add_reference(const struct parse *parse)
{
	if (!value_is_name(parse->text))
		return parse_refuse(parse, "expected names of sections, separated by commas");
	return add_string(parse);
}

static bool add_domain(const struct parse *parse)
{
	struct slice wild = SLICE("*.");
	bool is_wild = slice_eq(slice_head(parse->text, wild.len), wild);

	if (!value_is_domain(slice_skip(parse->text, is_wild ? wild.len : 0)))
		return parse_refuse(parse, "expected a host name, or `*.` and a domain");
	return add_string(parse);
}

static bool add_token(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, "-", 64))
		return parse_refuse(parse, "expected words of letters, digits and hyphens");
	return add_string(parse);
}

static bool add_pattern(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, "-_*", 64))
		return parse_refuse(parse,
				    "expected words of letters, digits, hyphens, `_` and `*`");
	return add_string(parse);
}

/* -------------------------------------------------------------------------- words and numbers */

static bool parse_word(const struct parse *parse)
{
	struct suggest suggest;
	char words[96], hint[SUGGEST_BYTES];
	const struct option_word *row = find_word(parse, &suggest);

	if (!row) {
		list_words(parse->option, " or ", words, sizeof words);
		return parse_refuse(parse, "expected %s%s", words, suggest_text(&suggest, hint));
	}
	if (parse->option->size == sizeof(bool))
		*(bool *)parse->at = row->value;
	else
		memcpy(parse->at, &row->value, sizeof row->value);
	return true;
}

static bool parse_number(const struct parse *parse)
{
	struct value_error *error = parse->error;

	error->item = parse->text;
	return number_parse(parse->option, parse->text, parse->at, error->why, sizeof error->why);
}

static bool parse_wait(const struct parse *parse)
{
	struct parse time = *parse;
	struct slice word;

	*(uint64_t *)parse->at = 0;
	if (slice_eq(parse->text, SLICE("refuse")))
		return true;
	word = slice_word(&time.text);
	time.text = slice_trim(time.text);
	if (!slice_eq(word, SLICE("wait")) || time.text.len == 0)
		return parse_refuse(parse, "expected `wait` and a time, as in wait 30s, or refuse");
	return parse_number(&time);
}

static bool parse_rate(const struct parse *parse)
{
	if (rate_parse(parse->text, parse->at))
		return true;
	return parse_refuse(parse, "expected a number and a time, as in 10/s, 120/m or 60/h, or 0");
}

static bool parse_workers(const struct parse *parse)
{
	if (!slice_eq(parse->text, SLICE("auto")))
		return parse_number(parse);
	*(uint64_t *)parse->at = number_of_cores();
	return true;
}

/* ------------------------------------------------------------------------------- all the types */

static bool (*const parsers[])(const struct parse *) = {
	[OPTION_HOSTNAME] = parse_hostname,
	[OPTION_USER] = parse_user,
	[OPTION_WORD_OR_PATH] = parse_word_or_path,
	[OPTION_DOMAIN] = parse_domain,
	[OPTION_MAILBOX] = parse_mailbox,
	[OPTION_PATH] = parse_path,
	[OPTION_REFERENCE] = parse_reference,
	[OPTION_ALGORITHMS] = parse_algorithms,
	[OPTION_WORD] = parse_word,
	[OPTION_WORKERS] = parse_workers,
	[OPTION_NUMBER] = parse_number,
	[OPTION_SIZE] = parse_number,
	[OPTION_TIME] = parse_number,
	[OPTION_WAIT] = parse_wait,
	[OPTION_RATE] = parse_rate,
	[OPTION_REFERENCES] = add_reference,
	[OPTION_PATHS] = add_path,
	[OPTION_ALLOW] = add_allow,
	[OPTION_DOMAINS] = add_domain,
	[OPTION_TOKENS] = add_token,
	[OPTION_PATTERNS] = add_pattern,
	[OPTION_PINS] = add_pin,
	[OPTION_NETWORKS] = parse_network,
	[OPTION_HOSTS] = parse_host,
	[OPTION_ADDRESSES] = parse_address,
	[OPTION_SERVERS] = parse_server,
};

bool value_parse(const struct option *option, struct slice text, const struct value_source *source,
		 void *values, struct value_error *error)
{
	struct parse parse = { option, source, text, (char *)values + option->offset, error };

	if (text.len == 0)
		return true;
	if (!option_is_list(option))
		return parsers[option->type](&parse);
	/* A comma at the end has an empty item behind it. */
	for (bool more = true; more;) {
		bool rest = option->type == OPTION_ALLOW && allow_is_subject(slice_trim(text));
		more = !rest && slice_find(text, ',', 0) < text.len;
		parse.text = rest ? slice_trim(text) : value_item(&text);
		error->rest = more ? text : SLICE("");
		if (parse.text.len == 0)
			return parse_refuse(&parse, "expected a value between commas");
		if (!parsers[option->type](&parse))
			return false;
	}
	return true;
}
