/* The mail server that the demo has behind it: postern-sink, as a process of ours. */
#ifndef PROXY_SINK_H
#define PROXY_SINK_H

#include "base/addr.h"

#include <sys/types.h>

struct sink_process {
	pid_t pid; /* 0: none */
	char address[ADDR_TEXT_BYTES];
};

/*
 * Starts the one that stands beside our own program, or is in PATH, and waits until it listens.
 * False after a sentence on stderr; sink_stop() is due all the same.
 */
bool sink_start(struct sink_process *sink);
void sink_stop(struct sink_process *sink);

#endif
