/*
 * Replays dialogues: whole, byte by byte, in every two-way split of each segment, and on random
 * schedules. What is said to each side and what happens is compared after each segment.
 */
#include "tests/dialogs/story.h"

#include <stdlib.h>

enum { SPLITS_PER_SEGMENT = 600, RANDOM_SCHEDULES = 25 };

/* How segments are cut: one is split at one place, or all at random, or all into bytes. */
struct cutting {
	enum { CUT_WHOLE, CUT_BYTES, CUT_SPLIT, CUT_RANDOM } how;
	size_t segment;
	size_t at;
	unsigned seed;
};

static size_t piece(struct cutting *cutting, size_t segment, size_t done, size_t len)
{
	size_t left = len - done;

	switch (cutting->how) {
	case CUT_BYTES:
		/* Long texts by larger primes: each byte of them alone teaches nothing new. */
		return len < 20000 ? 1 : left < 97 ? left : 97;
	case CUT_SPLIT:
		if (segment == cutting->segment && done < cutting->at)
			return cutting->at;
		return left;
	case CUT_RANDOM: {
		size_t n = 1 + (size_t)rand_r(&cutting->seed) % (len > 2000 ? 3000 : 9);
		return n < left ? n : left;
	}
	default:
		return left;
	}
}

/* `words`: `expect` may hold 0x01, which stands for any bytes up to CR LF. */
static bool matches(const char *said, size_t said_len, const struct text_buf *expect, bool words)
{
	size_t at = 0;

	for (size_t i = 0; i < expect->len; i++) {
		if (words && expect->ptr[i] == 1) {
			while (at < said_len && said[at] != '\r')
				at++;
		} else if (at >= said_len || said[at++] != expect->ptr[i]) {
			return false;
		}
	}
	return at == said_len;
}

static void print_bytes(const char *label, const char *ptr, size_t len)
{
	printf("    %s", label);
	for (size_t i = 0; i < len && i < 700; i++) {
		unsigned char c = (unsigned char)ptr[i];
		if (c == '\n')
			printf("\\n\n%*s", 4 + (int)strlen(label), "");
		else if (c == '\r')
			printf("\\r");
		else if (c == 1)
			printf("~");
		else if (c < 32 || c > 126)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	printf("%s\n", len > 700 ? "..." : "");
}

static bool check(struct play *play, const struct story *story, const struct segment *segment,
		  const struct cutting *cutting, size_t seen[3])
{
	static const char *const names[] = { "to the client", "to the server", "events" };
	static const char *const hows[] = { "whole", "byte by byte", "split", "at random" };
	const struct text_buf *expects[] = { &segment->expect[0], &segment->expect[1],
					     &segment->events };
	struct text_buf *saids[] = { &play->said[0], &play->said[1], &play->events };
	bool good = true;

	for (size_t i = 0; i < 3; i++) {
		const char *said = saids[i]->ptr + seen[i];
		size_t len = saids[i]->len - seen[i];
		seen[i] = saids[i]->len;
		if (matches(said, len, expects[i], i == CLIENT))
			continue;
		if (good)
			printf("%s:%d: %s\n  %s (%s, segment %zu at %zu, seed %u)\n", story->file,
			       abs(segment->line), story->title, "differs", hows[cutting->how],
			       cutting->segment, cutting->at, cutting->seed);
		printf("  %s\n", names[i]);
		print_bytes("expected ", expects[i]->ptr, expects[i]->len);
		print_bytes("was      ", said, len);
		good = false;
	}
	return good;
}

static void feed(struct play *play, const struct segment *segment, size_t index,
		 struct cutting *cutting)
{
	enum side side = segment->kind == SEGMENT_CLIENT ? CLIENT : SERVER;
	size_t done = 0;

	if (segment->kind == SEGMENT_EVENT)
		play_event(play, segment->event);
	while (done < segment->bytes.len) {
		size_t n = piece(cutting, index, done, segment->bytes.len);
		play_feed(play, side, segment->bytes.ptr + done, n, segment->bytes.len - done - n);
		done += n;
	}
}

static bool replay(const struct story *story, struct cutting cutting)
{
	struct play *play = malloc(sizeof *play);
	size_t seen[3] = { 0, 0, 0 };
	bool good = true;

	play_begin(play, &story->policy, SLICE("ID"), slice_str(story->refused));
	if (story->pool)
		play_lack(play, &story->lack);
	for (size_t i = 0; i < story->count && good; i++) {
		feed(play, &story->segments[i], i, &cutting);
		good = check(play, story, &story->segments[i], &cutting, seen);
	}
	play_end(play);
	free(play);
	return good;
}

static bool replay_splits(const struct story *story, size_t *runs)
{
	for (size_t i = 0; i < story->count; i++) {
		size_t len = story->segments[i].bytes.len;
		size_t step = len / SPLITS_PER_SEGMENT + 1;
		for (size_t at = 1; at < len; at += step, ++*runs)
			if (!replay(story, (struct cutting){ CUT_SPLIT, i, at, 0 }))
				return false;
	}
	return true;
}

static bool replay_all(const struct story *story, size_t *runs)
{
	*runs += 2 + RANDOM_SCHEDULES;
	if (!replay(story, (struct cutting){ CUT_WHOLE, 0, 0, 0 }) ||
	    !replay(story, (struct cutting){ CUT_BYTES, 0, 0, 0 }))
		return false;
	for (unsigned seed = 1; seed <= RANDOM_SCHEDULES; seed++)
		if (!replay(story, (struct cutting){ CUT_RANDOM, 0, 0, seed }))
			return false;
	return replay_splits(story, runs);
}

static bool replay_file(const char *name, size_t *stories, size_t *failed, size_t *runs)
{
	FILE *file = fopen(name, "r");
	struct story *story = malloc(sizeof *story);
	char title[sizeof story->title] = "";
	int line = 0, got = -1;

	if (!file)
		perror(name);
	while (file && (got = story_read(story, file, name, &line, title)) > 0) {
		++*stories;
		*failed += !replay_all(story, runs);
		story_release(story);
	}
	if (got <= 0)
		story_release(story);
	free(story);
	if (file)
		fclose(file);
	return file && got == 0;
}

int main(int argc, char **argv)
{
	size_t stories = 0, failed = 0, runs = 0;
	bool good = true;

	for (int i = 1; i < argc; i++)
		good &= replay_file(argv[i], &stories, &failed, &runs);
	printf("dialogues: %zu replays\n%zu passed, %zu failed\n", runs, stories - failed, failed);
	return good && failed == 0 && stories > 0 ? 0 : 1;
}
