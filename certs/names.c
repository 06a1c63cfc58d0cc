#include "certs/names.h"

enum { LABEL_BYTES = 63 };

/* The underscore is no letter of a host name (RFC 952), but certificates and DNS have it. */
static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_label(struct slice label)
{
	if (label.len == 0 || label.len > LABEL_BYTES)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_name_byte(label.ptr[i]))
			return false;
	return true;
}

static bool is_digits(struct slice label)
{
	for (size_t i = 0; i < label.len; i++)
		if (label.ptr[i] < '0' || label.ptr[i] > '9')
			return false;
	return true;
}

static bool are_labels(struct slice rest)
{
	for (;;) {
		size_t dot = slice_find(rest, '.', 0);
		struct slice label = slice_head(rest, dot);

		if (!is_label(label))
			return false;
		/* No top-level domain is a number: this is an IPv4 address. */
		if (dot == rest.len)
			return !is_digits(label);
		rest = slice_skip(rest, dot + 1);
	}
}

bool name_normalize(struct slice text, char name[static NAME_BYTES])
{
	if (text.len > 0 && text.ptr[text.len - 1] == '.')
		text.len--;
	if (text.len >= NAME_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	name[text.len] = '\0';

	struct slice labels = slice_of(name, text.len);
	if (slice_starts_nocase(labels, SLICE("*.")))
		labels = slice_skip(labels, 2);
	return are_labels(labels);
}

bool name_covers(const char *pattern, const char *name)
{
	if (strcmp(pattern, name) == 0)
		return true;

	const char *dot = strchr(name, '.');
	return dot && dot != name && name[0] != '*' && pattern[0] == '*' &&
	       strcmp(pattern + 1, dot) == 0;
}

bool name_wildcard(const char *name, char wildcard[static NAME_BYTES])
{
	const char *dot = strchr(name, '.');
	if (!dot)
		return false;

	/* Never longer than the name: its first label has at least one byte. */
	wildcard[0] = '*';
	memcpy(wildcard + 1, dot, strlen(dot) + 1);
	return true;
}
