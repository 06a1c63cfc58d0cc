/* The log line of a process that has ended: how, and what it noted of that itself. */
#ifndef PROXY_OBITUARY_H
#define PROXY_OBITUARY_H

#include "base/log.h"
#include "proxy/crash.h"

#include <sys/types.h>

struct obituary {
	size_t worker;
	uint32_t generation;
	pid_t pid;
	int status;        /* wait(2) */
	bool asked;        /* it was ordered to go */
	uint64_t sessions; /* that were lost with it */
	uint64_t lived_ms;
	const struct crash_note *note;
};

/* `worker-ended`: an error, unless it went as it was asked. */
void obituary(const struct log *log, const struct obituary *dead);

#endif
