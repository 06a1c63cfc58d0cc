#include "proxy/polls.h"

#include <stdlib.h>

size_t polls_gather(struct polls *polls, const struct crews *crews)
{
	size_t count = POLL_MEMBERS;
	for (const struct crew *crew = crews->first; crew != NULL; crew = crew->next)
		count += crew->count;
	if (count > polls->room) {
		struct pollfd *item = realloc(polls->item, count * sizeof(*item));
		if (item == NULL)
			return 0;
		*polls = (struct polls){ item, count };
	}
	struct pollfd *poll = polls->item;
	*poll++ = (struct pollfd){ .fd = crews->signals, .events = POLLIN };
	*poll++ = keeper_poll(&crews->keeper);
	for (const struct crew *crew = crews->first; crew != NULL; crew = crew->next) {
		for (size_t i = 0; i < crew->count; i++)
			*poll++ =
				(struct pollfd){ .fd = crew->members[i].channel, .events = POLLIN };
	}
	return count;
}
