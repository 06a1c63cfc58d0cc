#include "config/lines.h"

size_t lines_comment(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.ptr[i] == ';' || text.ptr[i] == '#') &&
		    (i == 0 || text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
			return i;
	return text.len;
}

/* Reads up to a newline or the end; the length, which counts what found no room too. */
static size_t read_line(struct lines *lines)
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(lines->stream)) != EOF && c != '\n') {
		if (len < sizeof lines->bytes)
			lines->bytes[len] = (char)c;
		len++;
	}
	return len;
}

/* UTF-8's byte order mark, which some editors put in front, and the CR of a DOS line end. */
static struct slice without_marks(const struct lines *lines, struct slice line)
{
	struct slice mark = SLICE("\xef\xbb\xbf");

	if (lines->number == 1 && slice_eq(slice_head(line, mark.len), mark))
		line = slice_skip(line, mark.len);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static const char *wrong_with(struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];
		if (c == '\0')
			return "a NUL byte; expected a text file";
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return "a control byte; expected text";
	}
	return NULL;
}

bool lines_next(struct lines *lines, struct slice *line)
{
	lines->wrong = NULL;
	do {
		size_t len = read_line(lines);
		if (len == 0 && (feof(lines->stream) || ferror(lines->stream))) {
			lines->wrong = ferror(lines->stream) ? "cannot be read" : NULL;
			return false;
		}
		lines->number++;
		if (len > sizeof lines->bytes) {
			lines->wrong =
				"a line has at most 8192 bytes; a long list goes into several "
				"lines, each with the option in front";
			return true;
		}
		*line = without_marks(lines, slice_of(lines->bytes, len));
		lines->wrong = wrong_with(*line);
		*line = slice_trim(slice_head(*line, lines_comment(*line)));
	} while (!lines->wrong && line->len == 0);
	return true;
}
