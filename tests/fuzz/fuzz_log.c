/*
 * Any bytes as the value of a field of the log: they stay in their field and on their line, and as
 * text they can be read back.
 */
#include "base/log.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

static struct slice build(struct log_line *line, const struct log *log, struct slice value)
{
	assert(log_begin(line, log, LOG_LEVEL_INFO, "event"));
	log_slice(line, "key", value);
	log_str(line, "after", "x");
	log_end(line);
	return slice_of(line->text, line->len);
}

static size_t find(struct slice text, const char *what)
{
	size_t len = strlen(what);

	for (size_t at = 0; at + len <= text.len; at++)
		if (memcmp(text.ptr + at, what, len) == 0)
			return at;
	abort();
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* One byte of a quoted value, as text has it. */
static char unquote(struct slice *rest)
{
	char c = rest->ptr[0];

	*rest = slice_skip(*rest, 1);
	if (c != '\\')
		return c;
	c = rest->ptr[0];
	if (c == 'x')
		c = (char)(hex(rest->ptr[1]) << 4 | hex(rest->ptr[2]));
	*rest = slice_skip(*rest, rest->ptr[0] == 'x' ? 3 : 1);
	return c;
}

static void check_text(struct slice line, struct slice value)
{
	struct slice rest = slice_skip(line, find(line, " key=") + 5);
	bool quoted = rest.ptr[0] == '"';

	for (size_t i = 0; i + 1 < line.len; i++)
		assert(line.ptr[i] >= ' ' && line.ptr[i] <= '~');
	assert(line.ptr[line.len - 1] == '\n');
	rest = slice_skip(rest, quoted);
	for (size_t i = 0; i < value.len; i++) {
		assert(quoted || rest.ptr[0] != ' ');
		assert(!quoted || rest.ptr[0] != '"');
		assert(unquote(&rest) == value.ptr[i]);
	}
	assert(slice_eq(slice_skip(rest, quoted), SLICE(" after=x\n")));
}

static void check_json(struct slice line)
{
	struct slice rest = slice_skip(line, find(line, ",\"key\":\"") + 8);

	for (size_t i = 0; i + 1 < line.len; i++)
		assert((unsigned char)line.ptr[i] >= ' ' && line.ptr[i] != '\x7f');
	while (rest.ptr[0] != '"')
		rest = slice_skip(rest, rest.ptr[0] == '\\' ? 2 : 1);
	assert(slice_eq(rest, SLICE("\",\"after\":\"x\"}\n")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log text = { .fd = 1 << 20, .level = LOG_LEVEL_INFO }, json = text;
	struct slice value = slice_of((const char *)data, size < 500 ? size : 500);
	struct log_line line;

	json.format = LOG_FORMAT_JSON;
	check_text(build(&line, &text, value), value);
	check_json(build(&line, &json, value));
	/* Cut, and still one line. */
	value = slice_of((const char *)data, size);
	struct slice cut = build(&line, size % 2 ? &text : &json, value);
	assert(cut.len <= LOG_LINE_BYTES && slice_find(cut, '\n', 0) == cut.len - 1);
	return 0;
}
