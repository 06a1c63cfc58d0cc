/*
 * The board: what the master tells the monitor, and whoever else looks, in memory that all
 * processes share. Written by the master unless said otherwise, and never believed by it.
 */
#ifndef PROXY_BOARD_H
#define PROXY_BOARD_H

#include "config/config.h"
#include "proxy/relay/counters.h"

#include <stdatomic.h>

enum { BOARD_NAME_BYTES = 65 };

struct board {
	/* As whom listeners are counted; the last stands for all that found no place. A listener
	 * that is configured no more keeps its place, as its totals stay. */
	char listeners[LISTENERS_COUNTED][BOARD_NAME_BYTES];
};

/* Master: all listeners of the configuration have a place, as long as there are any. */
void board_add_listeners(struct board *board, const struct config *config);

/* The listener's place; LISTENER_OTHER when it has none of its own. */
size_t board_listener(const struct board *board, const char *name);

#endif
