/* One item that is being parsed: of a list, or the value as a whole. Private to the parsers. */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include "config/values.h"

struct parse {
	const struct option *option;
	const struct value_source *source;
	struct slice text;
	void *at; /* the field */
	struct value_error *error;
};

/* Says what was expected; false. */
__attribute__((format(printf, 2, 3))) bool parse_refuse(const struct parse *parse,
							const char *format, ...);

/* The one word that stands for an empty list of this option. */
bool parse_is_none(const struct parse *parse);

/* Each puts the item to its place; false after parse_refuse(). */
bool parse_network(const struct parse *parse);
bool parse_host(const struct parse *parse);
bool parse_address(const struct parse *parse);
bool parse_server(const struct parse *parse);

#endif
