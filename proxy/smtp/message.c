#include "proxy/smtp/message.h"

#include "proxy/smtp/lane.h"
#include "proxy/smtp/plain.h"

void text_begin(struct text *text)
{
	*text = (struct text){ .at = TEXT_LINE };
}

static size_t run_over(struct text *text, struct slice bytes)
{
	text->bytes += bytes.len;
	text->at = bytes.ptr[bytes.len - 1] == '\n' ? TEXT_LINE : TEXT_MID;
	return bytes.len;
}

/* Over text that is beyond doubt, and within the limit; 0 where none is. */
static size_t run_over_plain(struct text *text, struct slice bytes, uint64_t limit)
{
	uint64_t left = limit - text->bytes;
	struct plain plain =
		plain_run(slice_head(bytes, left < bytes.len ? (size_t)left : bytes.len));

	if (plain.len == 0)
		return 0;
	run_over(text, slice_head(bytes, plain.len));
	text->bytes -= plain.dots;
	return plain.len;
}

/* A line's start is as good as its middle, but for a dot. */
static bool may_run(const struct text *text, struct slice bytes)
{
	return text->at == TEXT_MID ||
	       (text->at == TEXT_LINE && bytes.len > 0 && bytes.ptr[0] != '.');
}

/* How many bytes, `most` at most, are ordinary: no CR, LF or NUL. */
static size_t ordinary(struct slice bytes, uint64_t most)
{
	size_t n = 0;

	bytes = slice_head(bytes, most < bytes.len ? (size_t)most : bytes.len);
	while (n + LANE <= bytes.len) {
		lane l = lane_at(bytes.ptr + n);
		if (lane_any((lane)(l == '\r') | (lane)(l == '\n') | (lane)(l == 0)))
			break;
		n += LANE;
	}
	while (n < bytes.len && bytes.ptr[n] != '\r' && bytes.ptr[n] != '\n' && bytes.ptr[n] != 0)
		n++;
	return n;
}

/* Ordinary bytes, or CR LF: how many bytes pass; 0 where the text must wait or stop. */
static size_t scan_one(struct text *text, struct slice bytes, uint64_t limit,
		       enum text_found *found)
{
	char c = bytes.ptr[0];
	bool pair = c == '\r' && bytes.len > 1 && bytes.ptr[1] == '\n';
	size_t n = pair ? 2 : 1;

	if (c == '\r' && bytes.len == 1)
		return 0;
	if (pair && text->at == TEXT_DOT) {
		*found = TEXT_END;
		return n;
	}
	if (c == '\n' || (c == '\r' && !pair))
		*found = TEXT_BARE;
	else if (c == 0)
		*found = TEXT_NUL;
	else if (c == '.' && text->at <= TEXT_LINE_LF)
		text->at =
			TEXT_DOT; /* stuffing, or the end: not of the message's size either way */
	else if (text->bytes + n > limit)
		*found = TEXT_OVER;
	else
		n = run_over(text,
			     slice_head(bytes, pair ? 2 : ordinary(bytes, limit - text->bytes)));
	return *found == TEXT_MORE ? n : 0;
}

size_t text_scan(struct text *text, struct slice bytes, uint64_t limit, enum text_found *found)
{
	bool has_run = false;
	size_t at = 0;

	*found = TEXT_MORE;
	while (at < bytes.len && *found == TEXT_MORE) {
		struct slice rest = slice_skip(bytes, at);
		size_t n = 0;

		/* Once: what ends a run ends the text, or these bytes, or the limit is near. */
		if (!has_run && may_run(text, rest)) {
			n = run_over_plain(text, rest, limit);
			has_run = true;
		}
		if (n == 0)
			n = scan_one(text, rest, limit, found);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

struct mending {
	struct text *text;
	struct slice bytes; /* not yet read */
	uint64_t limit;
	char *room;
	size_t room_size;
	size_t made;
	enum text_found found;
};

static void mend_put(struct mending *m, struct slice text)
{
	memcpy(m->room + m->made, text.ptr, text.len);
	m->made += text.len;
}

/* `n` bytes read have become `text`, of which `counts` are of the message's size (RFC 1870). */
static bool mend_step(struct mending *m, size_t n, struct slice text, size_t counts,
		      enum text_at at)
{
	if (m->text->bytes + counts > m->limit) {
		m->found = TEXT_OVER;
		return false;
	}
	mend_put(m, text);
	m->bytes = slice_skip(m->bytes, n);
	m->text->bytes += counts;
	m->text->at = (uint8_t)at;
	return true;
}

/* A dot at the start of a line: false where what follows it is not yet known. */
static bool mend_dot(struct mending *m)
{
	struct slice b = m->bytes;
	bool bare = b.len > 1 && b.ptr[1] == '\n';

	if (b.len < 2 || (b.ptr[1] == '\r' && b.len < 3))
		return false;
	if (m->text->at == TEXT_LINE && b.ptr[1] == '\r' && b.ptr[2] == '\n') {
		m->found = TEXT_END;
		return mend_step(m, 3, SLICE(".\r\n"), 0, TEXT_LINE);
	}
	/* Behind or before a bare LF the dot would become an end of data that the client never
	 * sent. */
	if (m->text->at == TEXT_LINE_LF || bare)
		return mend_step(m, 1, SLICE(".."), 1, TEXT_MID);
	return mend_step(m, 1, SLICE("."), 0, TEXT_MID);
}

static bool mend_special(struct mending *m)
{
	struct slice b = m->bytes;

	if (b.ptr[0] == 0) {
		m->found = TEXT_NUL;
		return false;
	}
	if (b.ptr[0] == '\n')
		return mend_step(m, 1, SLICE("\r\n"), 2, TEXT_LINE_LF);
	if (b.len < 2)
		return false;
	if (b.ptr[1] == '\n')
		return mend_step(m, 2, SLICE("\r\n"), 2, TEXT_LINE);
	return mend_step(m, 1, SLICE(" "), 1, TEXT_MID);
}

static bool mend_run(struct mending *m)
{
	struct slice room_for = slice_head(m->bytes, m->room_size - m->made);
	size_t n = ordinary(room_for, m->limit - m->text->bytes);

	if (n == 0) {
		m->found = TEXT_OVER;
		return false;
	}
	return mend_step(m, n, slice_head(m->bytes, n), n, TEXT_MID);
}

static bool mend_one(struct mending *m)
{
	char c = m->bytes.ptr[0];

	if (c == '.' && m->text->at <= TEXT_LINE_LF)
		return mend_dot(m);
	if (c == '\r' || c == '\n' || c == 0)
		return mend_special(m);
	return mend_run(m);
}

size_t text_mend(struct text *text, struct slice bytes, uint64_t limit, char *room,
		 size_t room_size, size_t *made, enum text_found *found)
{
	struct mending m = { text, bytes, limit, room, room_size, 0, TEXT_MORE };

	if (may_run(text, bytes)) {
		size_t n = run_over_plain(text, bytes, limit);
		if (n > 0) {
			*made = SIZE_MAX;
			*found = TEXT_MORE;
			return n;
		}
	}
	while (m.bytes.len > 0 && m.room_size - m.made >= 3 && m.found == TEXT_MORE && mend_one(&m))
		;
	*made = m.made;
	*found = m.found;
	return bytes.len - m.bytes.len;
}

/* The machine that looks for CR LF . CR LF, one byte. */
static enum text_at skip_one(enum text_at at, char c, bool *ended)
{
	if (c == '\r')
		return at == TEXT_DOT ? TEXT_DOT_CR : TEXT_CR;
	if (c == '\n' && at == TEXT_DOT_CR)
		*ended = true;
	if (c == '\n' && at == TEXT_CR)
		return TEXT_LINE;
	return c == '.' && at == TEXT_LINE ? TEXT_DOT : TEXT_MID;
}

size_t text_skip(struct text *text, struct slice bytes, bool *ended)
{
	enum text_at at = text->at == TEXT_LINE_LF ? TEXT_MID : (enum text_at)text->at;
	size_t n = 0;

	*ended = false;
	while (n < bytes.len && !*ended) {
		if (at == TEXT_MID)
			n = slice_find(bytes, '\r', n);
		if (n < bytes.len)
			at = skip_one(at, bytes.ptr[n++], ended);
	}
	text->at = (uint8_t)at;
	return n;
}
