#include "tests/model/field.h"

#include "proxy/smtp/trace.h"

#include <stdio.h>
#include <stdlib.h>

static struct slice of(const struct text_buf *buf)
{
	return slice_of(buf->ptr ? buf->ptr : "", buf->len);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "Received: with ESMTPS;\r\n\t001\r\n" */
size_t field_len(struct slice octets)
{
	static const struct slice head = { "Received: with ", 15 }, middle = { ";\r\n\t", 4 };
	size_t at = head.len;

	if (!slice_eq(slice_head(octets, head.len), head))
		return 0;
	while (at < octets.len && octets.ptr[at] >= '8' && octets.ptr[at] <= 'Z' &&
	       octets.ptr[at] != ';')
		at++;
	if (!slice_eq(slice_head(slice_skip(octets, at), middle.len), middle))
		return 0;
	for (at += middle.len; at < octets.len && is_digit(octets.ptr[at]);)
		at++;
	return slice_eq(slice_head(slice_skip(octets, at), 2), SLICE("\r\n")) ? at + 2 : 0;
}

bool field_same_mail(struct slice theirs, struct slice ours)
{
	struct text_buf raised = { 0 };
	char number[32];

	for (size_t i = 0; i < ours.len;) {
		bool size = i > 0 && ours.ptr[i - 1] == ' ' &&
			    slice_starts_nocase(slice_skip(ours, i), SLICE("SIZE=")) &&
			    i + 5 < ours.len && is_digit(ours.ptr[i + 5]);
		text_add(&raised, ours.ptr + i, size ? 5 : 1);
		i += size ? 5 : 1;
		if (!size)
			continue;
		unsigned long long value = 0;
		for (; i < ours.len && is_digit(ours.ptr[i]); i++)
			value = value * 10 + (unsigned long long)(ours.ptr[i] - '0');
		int n = snprintf(number, sizeof number, "%llu", value + TRACE_MOST_BYTES);
		text_add(&raised, number, (size_t)n);
	}
	bool same = slice_eq(of(&raised), theirs);
	free(raised.ptr);
	return same;
}

static bool same_chunk(const struct unit *theirs, const struct unit *ours, size_t more)
{
	uint64_t their_octets, our_octets;
	bool their_last, our_last;

	return unit_is_chunk(theirs, &their_octets, &their_last) &&
	       unit_is_chunk(ours, &our_octets, &our_last) && their_last == our_last &&
	       their_octets == our_octets + more &&
	       memcmp(theirs->line.ptr, ours->line.ptr, 4) == 0;
}

bool field_same(const struct unit *theirs, const struct unit *ours)
{
	struct slice octets = of(&theirs->octets), own = of(&ours->octets);
	size_t len = field_len(octets);

	if (len == 0)
		return false;
	if (own.len > 0 && (own.ptr[0] == ' ' || own.ptr[0] == '\t')) {
		if (!slice_eq(slice_head(slice_skip(octets, len), 2), SLICE("\r\n")))
			return false;
		len += 2;
	}
	if (theirs->kind == UNIT_LINE && !same_chunk(theirs, ours, len))
		return false;
	octets = slice_skip(octets, len);
	/* Where it waits for the next byte a dot or a CR may not be counted yet. */
	return slice_eq(octets, theirs->whole ? own : slice_head(own, octets.len));
}

const char *field_next(enum field_state *state, const struct unit *theirs)
{
	uint64_t octets = 0;
	bool last = false, chunk = unit_is_chunk(theirs, &octets, &last);
	bool has = field_len(of(&theirs->octets)) > 0;

	if (unit_is(theirs, "MAIL"))
		*state = FIELD_DUE;
	if (theirs->kind == UNIT_TEXT)
		return has || theirs->octets.len == 0 ? NULL : "a text without its field";
	if (!chunk || (octets == 0 && !last))
		return NULL;
	if (has && *state == FIELD_THERE)
		return "a second field in a message";
	if (!has && *state == FIELD_DUE)
		return "a first chunk without its field";
	if (has)
		*state = theirs->code >= 400 ? FIELD_REFUSED : FIELD_THERE;
	return NULL;
}
