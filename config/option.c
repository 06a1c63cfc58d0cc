/* What the rows of the option table (options.c) are asked for. */
#include "config/options.h"

enum section_kind section_kind_find(struct slice word)
{
	size_t kind = 0;

	while (kind < SECTION_KINDS && !slice_eq(word, slice_str(section_rows[kind].word)))
		kind++;
	return (enum section_kind)kind;
}

const struct option *option_find(enum section_kind section, struct slice name)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section && slice_eq(name, slice_str(options[i].name)))
			return &options[i];
	return NULL;
}

enum option_shape option_shape(const struct option *option)
{
	static const enum option_shape shapes[] = {
		[OPTION_INCLUDE] = SHAPE_NONE,       [OPTION_HOSTNAME] = SHAPE_STRING,
		[OPTION_USER] = SHAPE_STRING,        [OPTION_WORD_OR_PATH] = SHAPE_STRING,
		[OPTION_MAILBOX] = SHAPE_STRING,     [OPTION_DOMAIN] = SHAPE_STRING,
		[OPTION_PATH] = SHAPE_STRING,        [OPTION_REFERENCE] = SHAPE_STRING,
		[OPTION_ALGORITHMS] = SHAPE_STRING,  [OPTION_WORD] = SHAPE_WORD,
		[OPTION_WORKERS] = SHAPE_NUMBER,     [OPTION_NUMBER] = SHAPE_NUMBER,
		[OPTION_SIZE] = SHAPE_NUMBER,        [OPTION_TIME] = SHAPE_NUMBER,
		[OPTION_REFERENCES] = SHAPE_STRINGS, [OPTION_PATHS] = SHAPE_STRINGS,
		[OPTION_ALLOW] = SHAPE_STRINGS,      [OPTION_DOMAINS] = SHAPE_STRINGS,
		[OPTION_TOKENS] = SHAPE_STRINGS,     [OPTION_PATTERNS] = SHAPE_STRINGS,
		[OPTION_NETWORKS] = SHAPE_NETWORKS,  [OPTION_ADDRESSES] = SHAPE_ADDRS,
		[OPTION_SERVERS] = SHAPE_SERVERS,    [OPTION_PINS] = SHAPE_STRINGS,
		[OPTION_HOSTS] = SHAPE_NETWORKS,     [OPTION_WAIT] = SHAPE_NUMBER,
		[OPTION_RATE] = SHAPE_RATE,
	};

	return shapes[option->type];
}

bool option_is_list(const struct option *option)
{
	return option->type == OPTION_INCLUDE || option_shape(option) >= SHAPE_STRINGS;
}
