/*
 * Memory that is given back all at once: what a configuration's strings, lists and sections live
 * in. Out of memory ends the process: the little that a configuration takes is asked for at
 * start-up and at a reload, where there is nothing sensible to do without it.
 */
#ifndef CONFIG_ARENA_H
#define CONFIG_ARENA_H

#include "base/slice.h"

struct arena {
	struct arena_block *blocks;
};

/* Zeroed, aligned for anything, never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy as a NUL-terminated string. */
const char *arena_string(struct arena *arena, struct slice text);

const char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Room for one more than `count` items, which are moved there from `items` when it takes that. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_size);

void arena_release(struct arena *arena);

#endif
