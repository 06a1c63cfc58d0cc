/*
 * Any bytes as a configuration: read without harm, and if nothing was wrong with them, what is
 * printed reads back to the same.
 */
#include "config/reader.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

static struct config *read_bytes(const char *bytes, size_t size, struct complaints *complaints)
{
	FILE *stream = fmemopen((void *)(uintptr_t)bytes, size, "r");
	assert(stream);
	struct config *config = config_read_stream(stream, "fuzz.ini", NULL, complaints);

	fclose(stream);
	return config;
}

static char *print(const struct config *config, size_t *size)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, size);

	assert(to);
	config_print(config, CONFIG_EFFECTIVE, to);
	fclose(to);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints complaints = { 0 };
	char *first, *second;
	size_t first_size, second_size;

	/* fmemopen() has no empty files. */
	if (size == 0)
		return 0;
	struct config *config = read_bytes((const char *)data, size, &complaints);
	assert((config != NULL) == (complaints.count == 0));
	if (config) {
		first = print(config, &first_size);
		struct config *again = read_bytes(first, first_size, &complaints);
		assert(again);
		second = print(again, &second_size);
		assert(first_size == second_size && memcmp(first, second, first_size) == 0);
		config_free(again);
		free(first);
		free(second);
	}
	config_free(config);
	complaints_release(&complaints);
	return 0;
}
