/* Any bytes as a line on the control socket: read in bounds, and what is taken are strings of it.
 */
#include "proxy/monitor/control_line.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_line line;
	char *text = malloc(size + 1);

	assert(text);
	memcpy(text, data, size);
	if (control_line_read(&line, text, size) == NULL) {
		assert(line.command >= text && line.command + strlen(line.command) <= text + size);
		assert(line.count <= CONTROL_WORDS);
		for (size_t i = 0; i < CONTROL_WORDS; i++)
			assert(strlen(line.words[i]) <= size &&
			       strchr(line.words[i], '\t') == NULL);
	}
	free(text);
	return 0;
}
