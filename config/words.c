/* What the words in values are made of. */
#include "config/values.h"

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (slice_upper(c) >= 'A' && slice_upper(c) <= 'Z');
}

/* At least one byte, at most `most`, each a letter, a digit or one of `others`. */
bool value_is_made_of(struct slice text, const char *others, size_t most)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alnum(text.ptr[i]) && (!text.ptr[i] || !strchr(others, text.ptr[i])))
			return false;
	return text.len > 0 && text.len <= most;
}

bool value_is_name(struct slice text)
{
	return value_is_made_of(text, "._-", 64);
}

bool value_is_domain(struct slice text)
{
	if (!value_is_made_of(text, ".-_", 253))
		return false;
	for (;;) {
		size_t dot = slice_find(text, '.', 0);
		if (dot == 0 || dot > 63 || text.ptr[0] == '-' || text.ptr[dot - 1] == '-')
			return false;
		if (dot == text.len)
			return true;
		text = slice_skip(text, dot + 1);
	}
}

struct slice value_item(struct slice *rest)
{
	size_t comma = slice_find(*rest, ',', 0);
	struct slice item = slice_trim(slice_head(*rest, comma));

	*rest = slice_skip(*rest, comma + 1);
	return item;
}
