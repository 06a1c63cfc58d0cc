#include "proxy/smtp/ending.h"

static const struct {
	const char *word;
	const char *sentence;
} rows[END_COUNT] = {
#define ROW(name, word, sentence) [END_##name] = { word, sentence },
	ENDINGS(ROW)
#undef ROW
};

const char *ending_word(enum ending ending)
{
	return rows[ending].word;
}

const char *ending_sentence(enum ending ending)
{
	return rows[ending].sentence;
}
