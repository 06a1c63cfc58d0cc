/* What the master waits for. */
#ifndef PROXY_POLLS_H
#define PROXY_POLLS_H

#include "proxy/crew.h"

#include <signal.h>

enum { POLL_SIGNALS, POLL_MONITOR, POLL_RESOLVER, POLL_HEIR, POLL_ANCESTOR, POLL_MEMBERS };

struct polls {
	struct pollfd *item; /* owned */
	size_t room;
};

/*
 * Signals, the monitor, the names that are looked up, the other masters, then one for each member
 * of each crew, in their order: how many. 0 when there is no memory.
 */
size_t polls_gather(struct polls *polls, const struct crews *crews);

/* When something of theirs is due, by clock_ms(); UINT64_MAX: never. */
uint64_t polls_due_ms(const struct crews *crews);

/* From now on these signals come by the crews' descriptor; false with errno. */
bool polls_take_signals(struct crews *crews, const sigset_t *mask);

/* Hears the members that have something to say. */
void polls_hear_members(const struct polls *polls, struct crews *crews);

/* How long poll(2) is to wait for what is due then, by clock_ms(). */
int polls_wait_ms(uint64_t due_ms);

#endif
