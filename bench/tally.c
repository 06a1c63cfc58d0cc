#include "bench/tally.h"

#include <stdlib.h>

void tally_init(struct tally *tally)
{
	*tally = (struct tally){ 0 };
}

void tally_release(struct tally *tally)
{
	for (size_t i = 0; i < tally->count; i++)
		free(tally->runs[i].bits);
	tally_init(tally);
}

static struct tally_run *run_of(struct tally *tally, uint64_t run)
{
	for (size_t i = 0; i < tally->count; i++)
		if (tally->runs[i].run == run)
			return &tally->runs[i];
	if (tally->count == TALLY_RUNS)
		return NULL;
	tally->runs[tally->count] = (struct tally_run){ .run = run };
	return &tally->runs[tally->count++];
}

/* Doubles what there is, so that a long run does not move its bits with every message. */
static bool make_room(struct tally_run *run, size_t byte)
{
	size_t len = run->bits_len ? run->bits_len : 128;

	if (byte < run->bits_len)
		return true;
	while (len <= byte)
		len *= 2;
	uint8_t *bits = realloc(run->bits, len);
	if (!bits)
		return false;
	memset(bits + run->bits_len, 0, len - run->bits_len);
	run->bits = bits;
	run->bits_len = len;
	return true;
}

void tally_see(struct tally *tally, const struct message_id *id)
{
	struct tally_run *run = id->number <= TALLY_NUMBERS ? run_of(tally, id->run) : NULL;
	size_t byte = (size_t)(id->number / 8);
	uint8_t bit = (uint8_t)(1 << id->number % 8);

	if (!run || !make_room(run, byte)) {
		tally->untracked++;
		return;
	}
	/* Where the run does not know how many it will be, there are as many as have come. */
	uint64_t total = id->total ? id->total : id->number;
	if (total > run->total)
		run->total = total;
	if (run->bits[byte] & bit) {
		run->doubled++;
		return;
	}
	run->bits[byte] |= bit;
	run->seen++;
}

uint64_t tally_missing(const struct tally *tally)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < tally->count; i++)
		missing += tally->runs[i].total - tally->runs[i].seen;
	return missing;
}

uint64_t tally_doubled(const struct tally *tally)
{
	uint64_t doubled = 0;

	for (size_t i = 0; i < tally->count; i++)
		doubled += tally->runs[i].doubled;
	return doubled;
}

void tally_damage(struct tally *tally, const struct message_id *id)
{
	struct tally_run *run = run_of(tally, id->run);

	if (run)
		run->damaged++;
}

const struct tally_run *tally_find(const struct tally *tally, uint64_t run)
{
	for (size_t i = 0; i < tally->count; i++)
		if (tally->runs[i].run == run)
			return &tally->runs[i];
	return NULL;
}

bool tally_has(const struct tally_run *run, uint64_t number)
{
	size_t byte = (size_t)(number / 8);

	return byte < run->bits_len && run->bits[byte] >> number % 8 & 1;
}
