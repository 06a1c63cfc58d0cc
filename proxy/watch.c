#include "proxy/watch.h"

static bool watch_owns(size_t slot, size_t slots, size_t worker, size_t workers)
{
	return slot % workers == worker % slots;
}

bool watch_is_mine(size_t slot, size_t slots, size_t worker, size_t workers, const bool *up)
{
	if (watch_owns(slot, slots, worker, workers))
		return true;
	for (size_t other = 0; other < workers; other++) {
		if (up[other] && watch_owns(slot, slots, other, workers))
			return false;
	}
	/* An orphan: the first that is up, counted from where its own worker would be. */
	size_t heir = slot % workers;
	while (!up[heir])
		heir = (heir + 1) % workers;
	return heir == worker;
}
