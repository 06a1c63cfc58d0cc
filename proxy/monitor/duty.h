/*
 * What the monitor does, one row each: a duty runs on the monitor's loop, and the main program
 * starts them all, tells them to finish, and frees them.
 */
#ifndef PROXY_MONITOR_DUTY_H
#define PROXY_MONITOR_DUTY_H

#include "base/ev.h"
#include "config/config.h"
#include "proxy/handed.h"
#include "proxy/shared.h"

struct monitor {
	struct config *config;
	struct shared shared;
	struct log log; /* level and format are the configuration's; the file may change */
	struct log_drops drops;
	struct ev_loop *loop;
	int channel;                     /* to the master: channel_wake() */
	int control;                     /* listening; -1: off */
	int metrics[HANDED_METRICS_MAX]; /* listening, the first `metrics_count` of them */
	size_t metrics_count;
};

struct duty {
	const char *name;

	/*
	 * Its state, owned by the caller; NULL with errno when it cannot be: the monitor ends then,
	 * and a new one is tried later. Files are to be opened here, or never.
	 */
	void *(*start)(struct monitor *monitor);

	/* The master has woken us: there may be something to see in shared memory. May be NULL. */
	void (*hear)(void *state);

	/*
	 * Time to go: nothing new is begun. True when nothing is left to be finished, which is
	 * asked again after each monitor_settle(); after a second it ends all the same.
	 */
	bool (*finish)(void *state);

	void (*free)(void *state);
};

/* All of them, ended by NULL. */
extern const struct duty *const duties[];

/* For a duty whose answer to finish() may have changed. */
void monitor_settle(struct monitor *monitor);

#endif
