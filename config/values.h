/* The values of options: from text into the structs of config.h, and back. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "config/arena.h"
#include "config/options.h"

/* What a value's meaning depends on beside its text. */
struct value_source {
	struct arena *arena;   /* for strings and lists */
	const char *directory; /* absolute; where relative paths start */
	bool sealed;           /* nothing outside is asked: the system's name is not */
};

/* What is wrong with a value. */
struct value_error {
	struct slice item; /* the part of the text that is wrong */
	char why[256];     /* what was expected */
	struct slice rest; /* of a list, behind the item: to go on with */
};

/*
 * Puts the value to its place in `values`, the struct of the option's section; items of a list are
 * added to it. False with *error; the good items of a list may have been added then.
 */
bool value_parse(const struct option *option, struct slice text, const struct value_source *source,
		 void *values, struct value_error *error);

/* Empties a list; a string is not there any more, a number is 0. */
void value_clear(const struct option *option, void *values);

/* Items of a list; else 1, or 0 for a string that is not there. */
size_t value_count(const struct option *option, const void *values);

enum { VALUE_TEXT_BYTES = 8192 };

/* An item as value_parse() reads it, cut to `size`. */
void value_format(const struct option *option, const void *values, size_t index, char *text,
		  size_t size);

/* Cuts the first item off a list by comma, without the blanks around it. */
struct slice value_item(struct slice *rest);

/* At least one byte, at most `most`, each a letter, a digit or one of `others`. */
bool value_is_made_of(struct slice text, const char *others, size_t most);

/* Letters, digits, `.`, `_` and `-`, at most 64: what sections can be called. */
bool value_is_name(struct slice text);

/* RFC 5321 section 4.1.2, with `_`, which is seen: labels of letters, digits and inner hyphens. */
bool value_is_domain(struct slice text);

#endif
