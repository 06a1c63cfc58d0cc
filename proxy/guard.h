/*
 * The watchdog: the master looks whether each worker turns its loop, and tells systemd that it
 * turns its own.
 */
#ifndef PROXY_GUARD_H
#define PROXY_GUARD_H

#include "proxy/crew.h"

struct guard {
	uint64_t look_ms;        /* when the next look is due, by clock_ms() */
	uint64_t notify_ms;      /* and the next word to systemd */
	uint64_t notify_each_ms; /* 0: systemd does not ask */
};

void guard_begin(struct guard *guard);

/* When something is due, by clock_ms(). */
uint64_t guard_due_ms(const struct guard *guard);

/* Does what is due. */
void guard_tend(struct guard *guard, struct crews *crews);

#endif
