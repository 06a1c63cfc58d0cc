#include "proxy/relay/journey.h"

#include <stdlib.h>

bool approach_begin(struct journey *journey)
{
	if (!journey->approach)
		journey->approach = calloc(1, sizeof *journey->approach);
	return journey->approach != NULL;
}

void approach_end(struct journey *journey)
{
	free(journey->approach);
	journey->approach = NULL;
}
