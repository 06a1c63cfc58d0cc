#include "bench/script.h"

#include <math.h>

void dice_init(struct dice *dice, uint64_t seed, uint64_t stream)
{
	dice->state = (seed ^ stream * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	for (int i = 0; i < 8; i++)
		dice_roll(dice);
}

/* xorshift64* (Marsaglia 2003, Vigna 2016). */
double dice_roll(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (double)(dice->state * UINT64_C(0x2545f4914f6cdd1d) >> 11) * 0x1p-53;
}

double dice_wait(struct dice *dice)
{
	return -log(1. - dice_roll(dice));
}

/* Shares of 1000. */
static const struct share {
	uint64_t value;
	unsigned share;
} sizes[SCRIPT_SIZES] = {
	{ 1 << 10, 150 },   { 4 << 10, 250 },  { 12 << 10, 250 },  { 40 << 10, 180 },
	{ 120 << 10, 110 }, { 512 << 10, 45 }, { 2048 << 10, 13 }, { 8192 << 10, 2 },
}, messages[] = { { 1, 700 }, { 2, 150 }, { 4, 100 }, { 10, 50 } },
  recipients[] = { { 1, 750 }, { 2, 150 }, { SCRIPT_RECIPIENTS, 100 } };

static size_t choose(const struct share *shares, size_t count, struct dice *dice)
{
	double roll = dice_roll(dice) * 1000;
	size_t i = 0;

	while (i + 1 < count && roll >= shares[i].share)
		roll -= shares[i++].share;
	return i;
}

static bool happens(struct dice *dice, double chance)
{
	return dice_roll(dice) < chance;
}

void script_mix(struct script *script, struct dice *dice)
{
	size_t which = choose(messages, sizeof messages / sizeof *messages, dice);

	script->messages = messages[which].value;
	script->pipeline = happens(dice, .8);
	script->bdat = happens(dice, .25);
	script->resume = happens(dice, .4);
	script->rset = happens(dice, .02);
	script->drop = happens(dice, .03);
}

uint64_t script_size_bytes(size_t size)
{
	return sizes[size].value;
}

size_t script_mix_size(struct dice *dice)
{
	return choose(sizes, SCRIPT_SIZES, dice);
}

unsigned script_mix_recipients(struct dice *dice)
{
	size_t which = choose(recipients, sizeof recipients / sizeof *recipients, dice);

	return (unsigned)recipients[which].value;
}
