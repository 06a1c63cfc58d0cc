#include "config/values.h"

#include "config/allow.h"
#include "config/lines.h"
#include "config/numbers.h"
#include "config/suggest.h"

#include <limits.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>

/* One item that is being parsed: of a list, or the value as a whole. */
struct parse {
	const struct option *option;
	const struct value_source *source;
	struct slice text;
	void *at; /* the field */
	struct value_error *error;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct parse *parse,
							 const char *format, ...)
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
		return refuse(parse, "expected a host name such as mail.example.org");
	return keep_string(parse);
}

static bool parse_user(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, "._-", 32) || parse->text.ptr[0] == '-')
		return refuse(parse, "expected the name of a user");
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
		refuse(parse, "expected a path without a `;` or `#` that follows a blank");
	else if (strlen(path) >= PATH_MAX)
		refuse(parse, "a path has at most %d bytes", PATH_MAX - 1);
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

	return allow_parse(parse->text, &rule, &why) ? add_string(parse) : refuse(parse, "%s", why);
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

/* A file's path has a slash, so that a mistyped word does not become a file. */
static bool parse_log(const struct parse *parse)
{
	char hint[SUGGEST_BYTES];
	struct suggest suggest;

	if (find_word(parse, &suggest))
		return keep_string(parse);
	if (slice_find(parse->text, '/', 0) == parse->text.len)
		return refuse(parse, "expected stderr, syslog or a path with a slash%s",
			      suggest_text(&suggest, hint));
	return parse_path(parse);
}

static bool parse_reference(const struct parse *parse)
{
	if (!value_is_name(parse->text))
		return refuse(parse, "expected the name of a section");
	return keep_string(parse);
}

static bool parse_algorithms(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, ":-_", 1000))
		return refuse(parse, "expected names with colons between them");
	return keep_string(parse);
}

static bool add_reference(const struct parse *parse)
{
	if (!value_is_name(parse->text))
		return refuse(parse, "expected names of sections, separated by commas");
	return add_string(parse);
}

static bool add_domain(const struct parse *parse)
{
	struct slice wild = SLICE("*.");
	bool is_wild = slice_eq(slice_head(parse->text, wild.len), wild);

	if (!value_is_domain(slice_skip(parse->text, is_wild ? wild.len : 0)))
		return refuse(parse, "expected a host name, or `*.` and a domain");
	return add_string(parse);
}

static bool add_token(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, "-", 64))
		return refuse(parse, "expected words of letters, digits and hyphens");
	return add_string(parse);
}

static bool add_pattern(const struct parse *parse)
{
	if (!value_is_made_of(parse->text, "-_*", 64))
		return refuse(parse, "expected words of letters, digits, hyphens, `_` and `*`");
	return add_string(parse);
}

/* -------------------------------------------------------------------------- words and numbers */

static void list_words(const struct option *option, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (const struct option_word *row = option->words; row->word && len < size; row++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
					row == option->words ? ""
					: row[1].word        ? ", "
							     : " or ",
					row->word);
}

static bool parse_word(const struct parse *parse)
{
	struct suggest suggest;
	char words[64], hint[SUGGEST_BYTES];
	const struct option_word *row = find_word(parse, &suggest);

	if (!row) {
		list_words(parse->option, words, sizeof words);
		return refuse(parse, "expected %s%s", words, suggest_text(&suggest, hint));
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

static bool parse_workers(const struct parse *parse)
{
	if (!slice_eq(parse->text, SLICE("auto")))
		return parse_number(parse);
	*(uint64_t *)parse->at = number_of_cores();
	return true;
}

/* ---------------------------------------------------------------------------------- addresses */

static bool add_network(const struct parse *parse)
{
	struct networks *list = parse->at;
	struct network network;
	const char *why;

	if (!network_parse(parse->text, &network, &why))
		return refuse(parse, "%s", why);
	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = network;
	return true;
}

static bool add_addr(const struct parse *parse, const struct addr *addr)
{
	struct addrs *list = parse->at;

	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = *addr;
	return true;
}

static bool add_address(const struct parse *parse)
{
	struct addr addr;
	const char *why;

	if (!addr_parse(parse->text, &addr, &why))
		return refuse(parse, "%s", why);
	/* A socket that is for IPv6 alone cannot be bound to one. */
	if (addr.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr.v6.sin6_addr))
		return refuse(parse, "expected the IPv4 address itself in place of the mapped one");
	return add_addr(parse, &addr);
}

/*
 * The first IPv4 address, where there is one: only one address is ever tried, and an old server
 * that `localhost` means is more often found there than on ::1.
 */
static bool look_up(const struct parse *parse, const char *host, in_port_t port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *best;
	struct addr addr = { .len = 0 };
	int error = getaddrinfo(host, NULL, &hints, &found);

	if (error != 0)
		return refuse(parse, "the name is not found (%s); write an address in its place",
			      gai_strerror(error));
	for (best = found; best->ai_next && best->ai_family != AF_INET;)
		best = best->ai_next;
	if (best->ai_family != AF_INET)
		best = found;
	addr.len = best->ai_addrlen;
	memcpy(&addr.any, best->ai_addr, best->ai_addrlen);
	freeaddrinfo(found);
	if (addr.any.sa_family == AF_INET)
		addr.v4.sin_port = port;
	else
		addr.v6.sin6_port = port;
	return add_addr(parse, &addr);
}

/* Digits and dots alone are an address with a mistake, not a name. */
static bool is_host_name(struct slice host)
{
	for (size_t i = 0; i < host.len; i++)
		if (slice_upper(host.ptr[i]) >= 'A' && slice_upper(host.ptr[i]) <= 'Z')
			return value_is_domain(host);
	return false;
}

static bool add_server(const struct parse *parse)
{
	size_t colon = slice_find(parse->text, ':', 0);
	struct slice host = slice_head(parse->text, colon);
	struct addr addr;
	uint64_t port;
	const char *why;

	if (((struct addrs *)parse->at)->count > 0)
		return refuse(parse, "expected one server only; make a [backend NAME] for each");
	if (addr_parse(parse->text, &addr, &why)) {
		/* To listen on port 0 is to have the kernel choose; there is no such server. */
		if (addr.any.sa_family != AF_UNIX && addr_port(&addr) == 0)
			return refuse(parse, "expected a port from 1 to 65535");
		return add_addr(parse, &addr);
	}
	if (!is_host_name(host) || slice_eq(host, SLICE("unix")))
		return refuse(parse, "%s", why);
	if (!slice_number(slice_skip(parse->text, colon + 1), &port) || port == 0 ||
	    port > UINT16_MAX)
		return refuse(parse, "expected a port from 1 to 65535 after the colon");
	if (parse->source->sealed)
		return refuse(parse, "names are not looked up here");
	return look_up(parse, arena_string(parse->source->arena, host), htons((uint16_t)port));
}

/* ------------------------------------------------------------------------------- all the types */

static bool (*const parsers[])(const struct parse *) = {
	[OPTION_HOSTNAME] = parse_hostname,
	[OPTION_USER] = parse_user,
	[OPTION_LOG] = parse_log,
	[OPTION_PATH] = parse_path,
	[OPTION_REFERENCE] = parse_reference,
	[OPTION_ALGORITHMS] = parse_algorithms,
	[OPTION_WORD] = parse_word,
	[OPTION_WORKERS] = parse_workers,
	[OPTION_NUMBER] = parse_number,
	[OPTION_SIZE] = parse_number,
	[OPTION_TIME] = parse_number,
	[OPTION_REFERENCES] = add_reference,
	[OPTION_PATHS] = add_path,
	[OPTION_ALLOW] = add_allow,
	[OPTION_DOMAINS] = add_domain,
	[OPTION_TOKENS] = add_token,
	[OPTION_PATTERNS] = add_pattern,
	[OPTION_NETWORKS] = add_network,
	[OPTION_ADDRESSES] = add_address,
	[OPTION_SERVER] = add_server,
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
			return refuse(&parse, "expected a value between commas");
		if (!parsers[option->type](&parse))
			return false;
	}
	return true;
}
