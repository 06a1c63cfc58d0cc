#include "bench/json.h"

/* What is left to read; `is_bad` once it is no JSON. */
struct reader {
	struct slice left;
	unsigned depth;
	bool is_bad;
};

static struct slice read_value(struct reader *reader);

static char peek(const struct reader *reader)
{
	return reader->left.len > 0 ? reader->left.ptr[0] : '\0';
}

static void skip(struct reader *reader, size_t len)
{
	reader->left = slice_skip(reader->left, len);
}

static void skip_blanks(struct reader *reader)
{
	while (reader->left.len > 0 && memchr(" \t\r\n", peek(reader), 4))
		skip(reader, 1);
}

static bool take(struct reader *reader, char c)
{
	skip_blanks(reader);
	bool is_there = reader->left.len > 0 && peek(reader) == c;
	if (is_there)
		skip(reader, 1);
	return is_there;
}

static void expect(struct reader *reader, char c)
{
	if (!take(reader, c))
		reader->is_bad = true;
}

/* Its quotes aside. */
static struct slice read_string(struct reader *reader)
{
	size_t len = 0;

	expect(reader, '"');
	struct slice left = reader->left;
	while (len < left.len && left.ptr[len] != '"')
		len += left.ptr[len] == '\\' ? 2 : 1;
	if (len >= left.len) {
		reader->is_bad = true;
		return slice_head(left, 0);
	}
	skip(reader, len + 1);
	return slice_head(left, len);
}

/* A number, true, false or null: not looked at more closely. */
static void read_word(struct reader *reader)
{
	static const char letters[] = "0123456789+-.eEtrufalsn";
	size_t len = 0;

	while (len < reader->left.len && memchr(letters, reader->left.ptr[len], sizeof letters - 1))
		len++;
	reader->is_bad |= len == 0;
	skip(reader, len);
}

static void read_array(struct reader *reader)
{
	expect(reader, '[');
	if (take(reader, ']'))
		return;
	do {
		read_value(reader);
	} while (!reader->is_bad && take(reader, ','));
	expect(reader, ']');
}

static void read_object(struct reader *reader)
{
	expect(reader, '{');
	if (take(reader, '}'))
		return;
	do {
		read_string(reader);
		expect(reader, ':');
		read_value(reader);
	} while (!reader->is_bad && take(reader, ','));
	expect(reader, '}');
}

static struct slice read_value(struct reader *reader)
{
	skip_blanks(reader);
	struct slice start = reader->left;

	if (reader->depth++ >= JSON_DEPTH_MAX)
		reader->is_bad = true;
	else if (peek(reader) == '{')
		read_object(reader);
	else if (peek(reader) == '[')
		read_array(reader);
	else if (peek(reader) == '"')
		read_string(reader);
	else
		read_word(reader);
	reader->depth--;
	return slice_head(start, start.len - reader->left.len);
}

bool json_is_valid(struct slice text)
{
	struct reader reader = { .left = text };

	read_value(&reader);
	skip_blanks(&reader);
	return !reader.is_bad && reader.left.len == 0;
}

static bool find_member(struct slice object, struct slice name, struct slice *value)
{
	struct reader reader = { .left = object };

	if (!take(&reader, '{'))
		return false;
	do {
		skip_blanks(&reader);
		struct slice found = read_string(&reader);
		expect(&reader, ':');
		*value = read_value(&reader);
		if (!reader.is_bad && slice_eq(found, name))
			return true;
	} while (!reader.is_bad && take(&reader, ','));
	return false;
}

bool json_find(struct slice text, const char *path, struct slice *value)
{
	struct slice left = slice_str(path);

	*value = text;
	while (left.len > 0) {
		size_t slash = slice_find(left, '/', 0);
		struct slice object = *value;
		if (!find_member(object, slice_head(left, slash), value))
			return false;
		left = slice_skip(left, slash + 1);
	}
	return true;
}
