#include "config/suggest.h"

#include <stdio.h>

enum { WORD_BYTES = 64, ROW = WORD_BYTES + 1 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return slice_upper(a) == slice_upper(b);
}

/*
 * Edits from a to b, without regard to case: a letter too much, missing, wrong, or two neighbours
 * swapped, which is what fingers do most (optimal string alignment). Three rows of the matrix live.
 */
static size_t distance(struct slice a, struct slice b)
{
	size_t rows[3][ROW] = { { 0 } };

	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_up = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t wrong = same(a.ptr[i - 1], b.ptr[j - 1]) ? 0 : 1;
			row[j] = least(above[j - 1] + wrong, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a.ptr[i - 1], b.ptr[j - 2]) &&
			    same(a.ptr[i - 2], b.ptr[j - 1]))
				row[j] = least(row[j], two_up[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

void suggest_offer(struct suggest *suggest, const char *valid)
{
	struct slice word = suggest->word;

	if (!valid || word.len > WORD_BYTES || strlen(valid) > WORD_BYTES)
		return;
	size_t edits = distance(word, slice_str(valid));
	if (suggest->best && suggest->distance <= edits)
		return;
	suggest->best = valid;
	suggest->distance = edits;
}

const char *suggest_text(const struct suggest *suggest, char text[SUGGEST_BYTES])
{
	/* A third of the letters wrong: beyond that a guess misleads more than it helps. */
	size_t near = suggest->word.len < 6 ? 1 : suggest->word.len / 3;

	text[0] = '\0';
	if (suggest->best && suggest->distance <= near)
		snprintf(text, SUGGEST_BYTES, "; did you mean `%s`?", suggest->best);
	return text;
}
