#include "config/reader.h"

#include <stdlib.h>

static void finish(struct draft *draft, const struct strings *overrides)
{
	draft_fill(draft);
	for (size_t i = 0; overrides && i < overrides->count; i++)
		draft_override(draft, slice_str(overrides->item[i]));
	draft_finish(draft);
}

struct config *config_read_anyway(const char *path, const struct strings *overrides,
				  struct complaints *complaints)
{
	struct draft draft;

	draft_begin(&draft, path, false, complaints);
	if (!reader_file(&draft, path)) {
		config_free(draft.config);
		return NULL;
	}
	finish(&draft, overrides);
	return draft.config;
}

/* The configuration, if nothing is wrong with it. */
static struct config *only_good(struct config *config, const struct complaints *complaints,
				size_t before)
{
	if (complaints->count == before)
		return config;
	config_free(config);
	return NULL;
}

struct config *config_read(const char *path, const struct strings *overrides,
			   struct complaints *complaints)
{
	size_t before = complaints->count;
	struct config *config = config_read_anyway(path, overrides, complaints);

	return only_good(config, complaints, before);
}

struct config *config_read_stream(FILE *stream, const char *path, const struct strings *overrides,
				  struct complaints *complaints)
{
	size_t before = complaints->count;
	struct draft draft;

	draft_begin(&draft, path, true, complaints);
	reader_stream(&draft, path, stream);
	finish(&draft, overrides);
	return only_good(draft.config, complaints, before);
}

struct config *config_read_printed(int fd, const char *path, struct complaints *complaints)
{
	FILE *from = fdopen(fd, "r");
	struct config *config;

	if (!from) {
		complain(complaints, path, "out of memory");
		return NULL;
	}
	/* Others may have read it through the same open file. */
	rewind(from);
	config = config_read_stream(from, path, NULL, complaints);
	fclose(from);
	return config;
}

struct config *config_copy(const struct config *config, struct complaints *complaints)
{
	size_t before = complaints->count, size = 0;
	char *text = NULL;
	struct draft draft;
	FILE *to = open_memstream(&text, &size), *from = NULL;

	if (to) {
		config_print(config, CONFIG_EFFECTIVE, to);
		fclose(to);
		from = fmemopen(text, size, "r");
	}
	draft_begin(&draft, config->path, false, complaints);
	if (from) {
		reader_stream(&draft, config->path, from);
		fclose(from);
		finish(&draft, NULL);
	} else {
		complain(complaints, config->path, "out of memory");
	}
	free(text);
	return only_good(draft.config, complaints, before);
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
