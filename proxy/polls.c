#include "proxy/polls.h"
#include "base/clock.h"

#include <stdlib.h>
#include <sys/signalfd.h>

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
	*poll++ = resolver_poll(&crews->resolver);
	*poll++ = (struct pollfd){ .fd = crews->succession.heir, .events = POLLIN };
	*poll++ = (struct pollfd){ .fd = crews->succession.ancestor, .events = POLLIN };
	for (const struct crew *crew = crews->first; crew != NULL; crew = crew->next) {
		for (size_t i = 0; i < crew->count; i++)
			*poll++ =
				(struct pollfd){ .fd = crew->members[i].channel, .events = POLLIN };
	}
	return count;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t polls_due_ms(const struct crews *crews)
{
	uint64_t due_ms = upkeep_due_ms(&crews->upkeep);
	const struct succession *succession = &crews->succession;
	due_ms = sooner(due_ms, keeper_due_ms(&crews->keeper));
	due_ms = sooner(due_ms, resolver_due_ms(&crews->resolver, &crews->roster));
	if (succession->heir >= 0 && !succession->left)
		due_ms = sooner(due_ms, succession->due_ms);
	for (const struct crew *crew = crews->first; crew != NULL; crew = crew->next)
		due_ms = sooner(due_ms, crew_due_ms(crew));
	return due_ms;
}

bool polls_take_signals(struct crews *crews, const sigset_t *mask)
{
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, mask, NULL);
	crews->signals = signalfd(-1, mask, SFD_NONBLOCK | SFD_CLOEXEC);
	return crews->signals >= 0;
}

void polls_hear_members(const struct polls *polls, struct crews *crews)
{
	const struct pollfd *news = polls->item + POLL_MEMBERS;
	for (struct crew *crew = crews->first; crew != NULL; crew = crew->next) {
		for (size_t i = 0; i < crew->count; i++, news++) {
			if (news->revents != 0)
				crew_hear(crews, crew, i);
		}
	}
}

int polls_wait_ms(uint64_t due_ms)
{
	uint64_t now_ms = clock_ms();
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms < INT32_MAX ? (int)(due_ms - now_ms) : -1;
}
