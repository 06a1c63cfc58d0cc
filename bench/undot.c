#include "bench/undot.h"

/* As far as no dot begins a line. */
static size_t plain(enum undot *state, struct slice in)
{
	bool behind_cr = *state == UNDOT_CR;
	size_t at = 0;

	while (at < in.len) {
		size_t lf = slice_find(in, '\n', at);
		if (lf == in.len)
			break;
		bool line = lf > 0 ? in.ptr[lf - 1] == '\r' : behind_cr;
		at = lf + 1;
		*state = line ? UNDOT_LINE : UNDOT_TEXT;
		if (line && at < in.len && in.ptr[at] == '.')
			return at;
	}
	if (at < in.len)
		*state = in.ptr[in.len - 1] == '\r' ? UNDOT_CR : UNDOT_TEXT;
	return in.len;
}

/* Takes the first byte, which goes nowhere. */
static size_t swallow(enum undot *state, enum undot next)
{
	*state = next;
	return 1;
}

size_t undot(enum undot *state, struct slice in, struct slice *run)
{
	char first = in.ptr[0];

	*run = slice_head(in, 0);
	if (*state == UNDOT_END)
		return 0;
	if (*state == UNDOT_LINE && first == '.')
		return swallow(state, UNDOT_DOT);
	if (*state == UNDOT_DOT && first == '\r')
		return swallow(state, UNDOT_DOT_CR);
	if (*state == UNDOT_DOT_CR && first == '\n')
		return swallow(state, UNDOT_END);
	if (*state == UNDOT_DOT_CR) {
		*run = SLICE("\r");
		*state = UNDOT_CR;
		return 0;
	}
	run->len = plain(state, in);
	return run->len;
}
