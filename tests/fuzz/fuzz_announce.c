/*
 * Any bytes as a PROXY header: what the first bytes decide, more bytes do not change; addresses of
 * version 1 are what inet_pton(3) takes them for.
 */
#include "proxy/smtp/announce.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void check(enum announce_found found, const struct announce *announce, size_t waiting)
{
	assert(found != ANNOUNCE_MORE || waiting < ANNOUNCE_MAX_BYTES);
	assert((found == ANNOUNCE_BAD) == (announce->why != NULL));
	if (found == ANNOUNCE_WHOLE)
		assert(announce->len >= 15 && announce->len <= waiting &&
		       announce->len <= ANNOUNCE_MAX_BYTES);
}

/* Byte by byte, each prefix in memory of its own size. */
static void read_prefixes(const uint8_t *data, size_t size)
{
	enum announce_found found = ANNOUNCE_MORE, first = ANNOUNCE_MORE;
	struct announce announce, decided = { 0 };

	for (size_t n = 0; n <= size; n += n < 300 ? 1 : 61) {
		char *part = malloc(n + 1);
		if (n > 0)
			memcpy(part, data, n);
		found = announce_read(slice_of(part, n), &announce);
		check(found, &announce, n);
		if (first != ANNOUNCE_MORE)
			assert(found == first && announce.len == decided.len &&
			       announce.kind == decided.kind && announce.port == decided.port &&
			       announce.why == decided.why &&
			       memcmp(announce.source, decided.source, 16) == 0);
		first = found;
		decided = announce;
		free(part);
	}
}

static void compare(const char *text, int family, const char *word, const char *other)
{
	struct announce announce;
	uint8_t bytes[16] = { 0 };
	char line[256];
	bool is = inet_pton(family, text, bytes) == 1;
	int n = snprintf(line, sizeof line, "PROXY %s %s %s 1 2\r\n", word, text, other);
	bool whole = announce_read(slice_of(line, (size_t)n), &announce) == ANNOUNCE_WHOLE;

	assert(whole == is);
	if (is)
		assert(memcmp(announce.source, bytes, 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[48];
	size_t len = 0;

	read_prefixes(data, size);
	/* Texts that could be an address. */
	for (; len < size && len < sizeof text - 1; len++) {
		if (data[len] <= ' ' || data[len] > '~')
			break;
		text[len] = (char)data[len];
	}
	text[len] = '\0';
	compare(text, AF_INET, "TCP4", "0.0.0.0");
	compare(text, AF_INET6, "TCP6", "::");
	return 0;
}
