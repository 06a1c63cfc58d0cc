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
