#include "config/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	max_align_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = calloc(1, sizeof *block + size);

	if (!block)
		abort();
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

const char *arena_string(struct arena *arena, struct slice text)
{
	char *copy = arena_alloc(arena, text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	return copy;
}

const char *arena_format(struct arena *arena, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	const char *copy = arena_string(arena, slice_str(text));
	free(text);
	return copy;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_size)
{
	/* Full at each power of two, so that a list needs no capacity beside its count. */
	if ((count & (count - 1)) != 0)
		return items;
	void *moved = arena_alloc(arena, (count ? 2 * count : 1) * item_size);
	if (count > 0)
		memcpy(moved, items, count * item_size);
	return moved;
}

void arena_release(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;
		free(arena->blocks);
		arena->blocks = next;
	}
}
