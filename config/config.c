#include "config/reader.h"

#include <stdlib.h>

/* What is left when everything has been read: the configuration, if nothing is wrong with it. */
static struct config *finish(struct draft *draft, const struct strings *overrides, size_t before)
{
	draft_fill(draft);
	for (size_t i = 0; overrides && i < overrides->count; i++)
		draft_override(draft, slice_str(overrides->item[i]));
	draft_finish(draft);
	if (draft->complaints->count == before)
		return draft->config;
	config_free(draft->config);
	return NULL;
}

struct config *config_read(const char *path, const struct strings *overrides,
			   struct complaints *complaints)
{
	size_t before = complaints->count;
	struct draft draft;

	draft_begin(&draft, path, false, complaints);
	if (reader_file(&draft, path))
		return finish(&draft, overrides, before);
	config_free(draft.config);
	return NULL;
}

struct config *config_read_stream(FILE *stream, const char *path, const struct strings *overrides,
				  struct complaints *complaints)
{
	size_t before = complaints->count;
	struct draft draft;

	draft_begin(&draft, path, true, complaints);
	reader_stream(&draft, path, stream);
	return finish(&draft, overrides, before);
}

void config_free(struct config *config)
{
	struct arena *arena = config ? config->memory : NULL;

	if (!arena)
		return;
	arena_release(arena);
	free(arena);
}

bool networks_contain(const struct networks *networks, const struct addr *addr)
{
	for (size_t i = 0; i < networks->count; i++)
		if (network_contains(&networks->item[i], addr))
			return true;
	return false;
}
