#include "tests/model/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

static struct unit *now(struct reader *reader)
{
	return &reader->units[reader->count - 1];
}

static struct unit *begin(struct reader *reader, enum unit_kind kind)
{
	assert(reader->count < READER_UNITS);
	reader->units[reader->count++] = (struct unit){ .kind = kind };
	return now(reader);
}

void reader_begin(struct reader *reader, const struct dialect *dialect,
		  unsigned (*decide)(void *, size_t), void *context)
{
	*reader = (struct reader){ .dialect = dialect, .decide = decide, .context = context };
	begin(reader, UNIT_GREETING)->whole = true;
}

void reader_end(struct reader *reader)
{
	for (size_t i = 0; i < reader->count; i++) {
		free(reader->units[i].line.ptr);
		free(reader->units[i].octets.ptr);
	}
}

bool text_has(const struct text_buf *buf, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= buf->len; i++)
		if (memcmp(buf->ptr + i, word, n) == 0)
			return true;
	return false;
}

bool unit_is(const struct unit *unit, const char *verb)
{
	size_t n = strlen(verb);

	return unit->kind == UNIT_LINE && unit->line.len >= n &&
	       strncasecmp(unit->line.ptr, verb, n) == 0 &&
	       (unit->line.len == n || unit->line.ptr[n] == ' ' || unit->line.ptr[n] == '\t');
}

bool unit_is_chunk(const struct unit *unit, uint64_t *octets, bool *last)
{
	size_t at = 5, digits = 0;

	if (!unit_is(unit, "BDAT") || unit->line.len < 6 || unit->line.ptr[4] != ' ')
		return false;
	for (*octets = 0; at < unit->line.len && unit->line.ptr[at] >= '0' &&
			  unit->line.ptr[at] <= '9' && digits < 18;
	     at++, digits++)
		*octets = *octets * 10 + (uint64_t)(unit->line.ptr[at] - '0');
	*last = unit->line.len - at == 5 && strncasecmp(unit->line.ptr + at, " LAST", 5) == 0;
	return digits > 0 && (*last || at == unit->line.len);
}

bool reader_rests(const struct reader *reader)
{
	return reader->mode == READ_LINE && reader->units[reader->count - 1].whole;
}

/* The unit is whole: its reply says how to read on. */
static void whole(struct reader *reader)
{
	struct unit *unit = now(reader);

	unit->whole = true;
	unit->end = reader->offset;
	unit->code = reader->decide(reader->context, reader->count - 1);
	reader->mode = READ_LINE;
	reader->cr = false;
	if (unit_is(unit, "QUIT") && unit->code / 100 == 2)
		reader->mode = READ_NOTHING;
	if (unit_is(unit, "STARTTLS") && unit->code == 220)
		reader->upgraded = reader->count - 1;
	if ((unit->kind == UNIT_SASL || unit_is(unit, "AUTH")) && unit->code == 334)
		reader->mode = READ_SASL;
	if (unit_is(unit, "DATA") && unit->code == 354) {
		begin(reader, UNIT_TEXT);
		reader->mode = READ_TEXT;
		reader->at = AT_START;
	}
}

static void line_whole(struct reader *reader)
{
	struct unit *unit = now(reader);
	bool last;

	reader->cr = false;
	if (unit_is_chunk(unit, &unit->octets_due, &last) && unit->octets_due > 0)
		reader->mode = READ_OCTETS;
	else
		whole(reader);
}

static void line_byte(struct reader *reader, char c)
{
	const struct dialect *dialect = reader->dialect;

	if (now(reader)->whole)
		begin(reader, reader->mode == READ_SASL ? UNIT_SASL : UNIT_LINE);
	if (c == '\n' && reader->cr) {
		line_whole(reader);
		return;
	}
	if (reader->cr) {
		text_add(&now(reader)->line, "\r", 1);
		reader->cr = false;
		if (dialect->cr_is_break) {
			line_whole(reader);
			reader_byte(reader, c);
			return;
		}
	}
	if (c == '\r')
		reader->cr = true;
	else if (c == '\n' && (dialect->lf_is_break || dialect->lf_ends_command))
		line_whole(reader);
	else
		text_add(&now(reader)->line, &c, 1);
}

/* `crlf`, or a bare newline that this dialect takes for a line's end as far as `break_` goes. */
static void text_break(struct reader *reader, const char *bytes, bool crlf, bool is_break)
{
	const struct dialect *dialect = reader->dialect;
	struct unit *unit = now(reader);
	bool dot = reader->at == AT_DOT, dot_bare = reader->at == AT_DOT_BARE;

	if ((crlf && (dot || dot_bare)) || (is_break && (dot || dot_bare)) ||
	    (dialect->crlf_then_any && dot)) {
		whole(reader);
		return;
	}
	/* A dot alone before a bare newline ends nothing, and is kept. */
	if (dot && dialect->mends)
		text_add(&unit->octets, ".", 1);
	text_add(&unit->octets, bytes, strlen(bytes));
	if (crlf)
		reader->at = AT_START;
	else if (is_break || dialect->any_then_crlf || dialect->mends)
		reader->at = AT_START_BARE;
	else
		reader->at = AT_MID;
}

static void text_other(struct reader *reader, char c)
{
	const struct dialect *dialect = reader->dialect;
	struct unit *unit = now(reader);
	bool may_end = dialect->lf_is_break || dialect->any_then_crlf || dialect->cr_is_break;

	unit->nul |= c == 0;
	if (c == '.' && reader->at == AT_START) {
		reader->at = AT_DOT;
	} else if (c == '.' && reader->at == AT_START_BARE && may_end) {
		reader->at = AT_DOT_BARE;
	} else {
		text_add(&unit->octets, &c, 1);
		reader->at = AT_MID;
	}
}

static void bare_cr(struct reader *reader)
{
	now(reader)->bare = true;
	if (reader->dialect->mends)
		text_other(reader, ' ');
	else
		text_break(reader, "\r", false, reader->dialect->cr_is_break);
}

static void text_byte(struct reader *reader, char c)
{
	bool after_cr = reader->cr;

	if (c == 0 && reader->dialect->drops_nul)
		return;
	reader->cr = false;
	if (after_cr && c == '\n') {
		text_break(reader, "\r\n", true, true);
		return;
	}
	if (after_cr)
		bare_cr(reader);
	if (reader->mode != READ_TEXT) {
		line_byte(reader, c);
	} else if (c == '\r') {
		reader->cr = true;
	} else if (c == '\n') {
		now(reader)->bare = true;
		text_break(reader, reader->dialect->mends ? "\r\n" : "\n", false,
			   reader->dialect->lf_is_break);
	} else {
		text_other(reader, c);
	}
}

static void octet(struct reader *reader, char c)
{
	struct unit *unit = now(reader);

	text_add(&unit->octets, &c, 1);
	if (unit->octets.len == unit->octets_due)
		whole(reader);
}

void reader_byte(struct reader *reader, char c)
{
	reader->offset++;
	if (reader->mode == READ_TEXT)
		text_byte(reader, c);
	else if (reader->mode == READ_OCTETS)
		octet(reader, c);
	else if (reader->mode != READ_NOTHING)
		line_byte(reader, c);
}
