/*
 * The monitor's questions to a server that says anything: the first byte is the plan, the second
 * how what follows is cut. They come to an end or wait, say nothing that is not on the list (never
 * DATA), and a yes is a 2yz to RCPT.
 */
#include "proxy/smtp/ask.h"

#include <stdlib.h>

enum { STEPS_MOST = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ask_plan plans[] = {
	{ .hostname = { "mail.test", 9 } },
	{ .hostname = { "mail.test", 9 }, .from = { "a@from.test", 11 }, .to = { "b@to.test", 9 } },
};

/* Each may be said once, in this order; all end in LF, which nothing else holds. */
static const struct slice lines[] = {
	{ "EHLO mail.test\r\n", 16 },
	{ "HELO mail.test\r\n", 16 },
	{ "MAIL FROM:<a@from.test>\r\n", 25 },
	{ "RCPT TO:<b@to.test>\r\n", 21 },
	{ "RSET\r\n", 6 },
	{ "QUIT\r\n", 6 },
};

struct story {
	struct ask ask;
	char *waiting;
	size_t waits;
	char said[256];
	size_t len;
};

static void take(struct story *story, struct slice text)
{
	if (text.len > sizeof story->said - story->len)
		abort();
	memcpy(story->said + story->len, text.ptr, text.len);
	story->len += text.len;
	ask_said(&story->ask, text.len);
}

/* Steps until it waits; false when it has come to its end. */
static bool move(struct story *story, size_t piece)
{
	char room[ASK_ROOM_BYTES];
	struct ask_step step = { .room = room };

	for (size_t i = 0; i < STEPS_MOST; i++) {
		ask_step(&story->ask, slice_of(story->waiting, story->waits), &step);
		if (step.drop > story->waits)
			abort();
		story->waits -= step.drop;
		memmove(story->waiting, story->waiting + step.drop, story->waits);
		if (step.act == ASK_SAY)
			take(story, slice_head(step.text, piece));
		else if (step.act != ASK_MOVE)
			return step.act == ASK_WAIT;
	}
	abort();
}

static void check(const struct story *story, bool relay)
{
	struct slice left = slice_of(story->said, story->len);

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (left.len >= lines[i].len && slice_eq(slice_head(left, lines[i].len), lines[i]))
			left = slice_skip(left, lines[i].len);
	if (left.len > 0 || strnlen(story->ask.words, ASK_WORDS_BYTES) == ASK_WORDS_BYTES)
		abort();
	if (ask_answer(&story->ask) == ASK_TAKEN &&
	    (!relay || !ask_went_well(&story->ask) || story->ask.code[ASK_RCPT] / 100 != 2))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	bool relay = data[0] & 1;
	size_t piece = data[1] ? data[1] : 1;
	struct story story = { .waiting = malloc(size) };

	ask_init(&story.ask, &plans[relay]);
	bool goes_on = story.waiting && move(&story, piece);
	for (size_t at = 2; goes_on && at < size; at += piece) {
		size_t n = piece < size - at ? piece : size - at;
		memcpy(story.waiting + story.waits, data + at, n);
		story.waits += n;
		goes_on = move(&story, piece);
	}
	if (story.waiting)
		check(&story, relay);
	free(story.waiting);
	return 0;
}
