/* Bytes as the choices of a model client, a model server and the order of what they say. */
#include "tests/model/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_sum sum = { 0 };

	session_run(data, size, &sum);
	return 0;
}
