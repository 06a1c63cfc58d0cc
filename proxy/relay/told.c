#include "proxy/relay/told.h"

enum { TOLD_BITS = 0xff };

void server_set_told(struct server_record *record, uint64_t mark, unsigned identity)
{
	record->told = mark | identity;
}

static unsigned read_identity(uint64_t told)
{
	unsigned identity = (unsigned)(told & TOLD_BITS);

	return identity <= IDENTITY_TRANSPARENT ? identity : IDENTITY_AUTO;
}

unsigned server_told_last(const struct server_record *record)
{
	return read_identity(record->told);
}

bool server_told(const struct server_record *record, uint64_t mark, unsigned *identity)
{
	uint64_t told = record->told;

	if ((told & ~(uint64_t)TOLD_BITS) != mark)
		return false;
	*identity = read_identity(told);
	return true;
}

void server_set_offer(struct server_record *record, const struct offer *offer)
{
	_Static_assert(sizeof record->limits / sizeof *record->limits == LIMIT_COUNT, "the same");
	record->keywords = offer->keywords;
	record->mechanisms = offer->mechanisms;
	record->size = offer->size;
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		record->limits[i] = offer->limits[i];
	record->offered = 1;
}

struct offer server_offer(const struct server_record *record)
{
	struct offer offer = {
		.keywords = record->keywords,
		.mechanisms = record->mechanisms,
		.size = record->size,
	};

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		offer.limits[i] = record->limits[i];
	return offer;
}
