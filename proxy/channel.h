/*
 * Between master and worker: a pair of sockets. A message is one byte without meaning; it says that
 * there is something to see. What that is stands in shared memory, so a message that finds the
 * channel full may be dropped: others before it will say the same.
 */
#ifndef PROXY_CHANNEL_H
#define PROXY_CHANNEL_H

#include <stdbool.h>

/* The two ends, non-blocking and close-on-exec; false with errno. */
bool channel_open(int ends[2]);

/* Wakes the other end, and passes a descriptor (-1: none). False when that could not be sent. */
bool channel_wake(int end, int fd);

enum channel_news { CHANNEL_NOTHING, CHANNEL_WOKEN, CHANNEL_CLOSED };

/* One message; *fd is the descriptor that came with it, or -1. */
enum channel_news channel_read(int end, int *fd);

#endif
