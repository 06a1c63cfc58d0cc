/* Any bytes as a report to compare: read within its bounds, and what is found lies in it. */
#include "bench/json.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "a", "a/b", "latency_us/message/p50", "" };
	char *copy = malloc(size + 1);

	assert(copy);
	if (size > 0)
		memcpy(copy, data, size);
	struct slice text = slice_of(copy, size), value;
	bool is_valid = json_is_valid(text);
	for (size_t i = 0; is_valid && i < sizeof paths / sizeof *paths; i++)
		if (json_find(text, paths[i], &value))
			assert(value.ptr >= copy && value.ptr + value.len <= copy + size);
	free(copy);
	return 0;
}
