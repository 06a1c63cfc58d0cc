#include "proxy/smtp/reply.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0 for what is no code: replies are 2yz to 5yz. */
static uint16_t line_code(struct slice line)
{
	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5' || !is_digit(line.ptr[1]) ||
	    !is_digit(line.ptr[2]))
		return 0;
	return (uint16_t)((line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 +
			  (line.ptr[2] - '0'));
}

static enum reply_found read_line(struct reply *reply, struct slice line)
{
	bool crlf = line.len > 0 && line.ptr[line.len - 1] == '\r';
	struct slice text = slice_head(line, line.len - (crlf ? 1 : 0));
	uint16_t code = line_code(text);
	char sep = text.len > 3 ? text.ptr[3] : ' ';

	if (code == 0 || (reply->scanned > 0 && code != reply->code) || (sep != ' ' && sep != '-'))
		return REPLY_BAD;
	if (slice_find(text, '\0', 0) < text.len)
		return REPLY_BAD;
	reply->code = code;
	reply->bare_lf |= !crlf;
	reply->scanned += line.len + 1;
	return sep == ' ' ? REPLY_WHOLE : REPLY_MORE;
}

static bool is_too_long(struct slice line, size_t len)
{
	return len > REPLY_LINE_BYTES &&
	       (len > REPLY_CHALLENGE_BYTES || !slice_starts_nocase(line, SLICE("334")));
}

enum reply_found reply_read(struct reply *reply, struct slice waiting)
{
	enum reply_found found = REPLY_MORE;

	while (found == REPLY_MORE) {
		struct slice rest = slice_skip(waiting, reply->scanned);
		size_t lf = slice_find(rest, '\n', 0);
		/* The line with its LF, or as much as has come and one more. */
		if (is_too_long(rest, lf + 1) || reply->scanned + lf + 1 > REPLY_BYTES)
			return REPLY_BAD;
		if (lf == rest.len)
			return REPLY_MORE;
		found = read_line(reply, slice_head(rest, lf));
	}
	return found;
}

struct slice reply_line(struct slice *rest)
{
	size_t lf = slice_find(*rest, '\n', 0);
	struct slice line = slice_head(*rest, lf);

	*rest = slice_skip(*rest, lf + 1);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static size_t digits(struct slice text)
{
	size_t n = 0;

	while (n < text.len && n < 3 && text.ptr[n] >= '0' && text.ptr[n] <= '9')
		n++;
	return n;
}

void reply_enhanced(struct slice reply, char *to)
{
	struct slice text = slice_skip(reply_line(&reply), 4);
	size_t subject = digits(slice_skip(text, 2));
	size_t detail = digits(slice_skip(text, 2 + subject + 1));
	size_t len = 2 + subject + 1 + detail;

	to[0] = '\0';
	if (subject == 0 || detail == 0 || text.ptr[1] != '.' || text.ptr[2 + subject] != '.')
		return;
	struct slice classes = SLICE("245");
	if (slice_find(classes, text.ptr[0], 0) == classes.len ||
	    (len < text.len && text.ptr[len] != ' '))
		return;
	memcpy(to, text.ptr, len);
	to[len] = '\0';
}
