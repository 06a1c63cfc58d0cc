#include "config/numbers.h"
#include "config/values.h"

#include <stdio.h>

static const void *field(const struct option *option, const void *values)
{
	return (const char *)values + option->offset;
}

void value_clear(const struct option *option, void *values)
{
	memset((char *)values + option->offset, 0, option->size);
}

size_t value_count(const struct option *option, const void *values)
{
	const void *at = field(option, values);

	switch (option_shape(option)) {
	case SHAPE_NONE:
		return 0;
	case SHAPE_STRING:
		return *(const char *const *)at ? 1 : 0;
	case SHAPE_WORD:
	case SHAPE_NUMBER:
	case SHAPE_RATE:
		return 1;
	case SHAPE_STRINGS:
		return ((const struct strings *)at)->count;
	case SHAPE_NETWORKS:
		return ((const struct networks *)at)->count;
	case SHAPE_ADDRS:
		return ((const struct addrs *)at)->count;
	case SHAPE_SERVERS:
		return ((const struct servers *)at)->count;
	}
	return 0;
}

static const char *word_of(const struct option *option, const void *at)
{
	const struct option_word *row = option->words;
	int value = 0;

	if (option->size == sizeof(bool))
		value = *(const bool *)at;
	else
		memcpy(&value, at, sizeof value);
	while (row->word && row->value != value)
		row++;
	return row->word ? row->word : "";
}

void value_format(const struct option *option, const void *values, size_t index, char *text,
		  size_t size)
{
	const void *at = field(option, values);

	switch (option_shape(option)) {
	case SHAPE_NONE:
		break;
	case SHAPE_STRING:
		snprintf(text, size, "%s", *(const char *const *)at);
		break;
	case SHAPE_WORD:
		snprintf(text, size, "%s", word_of(option, at));
		break;
	case SHAPE_NUMBER:
		number_format(option->type, *(const uint64_t *)at, text, size);
		break;
	case SHAPE_RATE:
		rate_format(at, text, size);
		break;
	case SHAPE_STRINGS:
		snprintf(text, size, "%s", ((const struct strings *)at)->item[index]);
		break;
	case SHAPE_NETWORKS:
		network_format(&((const struct networks *)at)->item[index], text, size);
		break;
	case SHAPE_ADDRS:
		addr_format(&((const struct addrs *)at)->item[index], text, size);
		break;
	case SHAPE_SERVERS:
		snprintf(text, size, "%s", ((const struct servers *)at)->item[index].written);
		break;
	}
}
