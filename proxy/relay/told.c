#include "proxy/relay/told.h"

enum { TOLD_BITS = 0xff };

void server_set_told(struct server_record *record, uint64_t mark, unsigned identity)
{
	record->told = mark | identity;
}

bool server_told(const struct server_record *record, uint64_t mark, unsigned *identity)
{
	uint64_t told = record->told;
	unsigned read = (unsigned)(told & TOLD_BITS);

	if ((told & ~(uint64_t)TOLD_BITS) != mark)
		return false;
	*identity = read <= IDENTITY_TRANSPARENT ? read : IDENTITY_AUTO;
	return true;
}
