#include "proxy/bans.h"
#include "proxy/admit/admit.h"

#include <inttypes.h>

/*
 *   postern bans 1 1790000000000                 the version, and when it was written
 *   0000ffffc0000207 1790000600000 192.0.2.7     the table's key, until when, and for the reader
 *   end 1                                        how many these were
 */
enum { VERSION = 1, LINE_BYTES = 160 };

/* No command bans for longer. */
static const uint64_t MOST_MS = UINT64_C(3650) * 24 * 60 * 60 * 1000;

static uint64_t wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The next ban behind *at that has not ended; false behind the last. */
static bool next_ban(const struct addresses *table, uint32_t *at, uint64_t now_us, uint64_t *key,
		     uint64_t *until_us)
{
	while ((*key = addresses_next(table, at)) != 0) {
		*until_us = addresses_get(table, *at, *key, ADDRESS_BAN);
		if (*until_us > now_us)
			return true;
	}
	return false;
}

size_t bans_count(const struct addresses *table, uint64_t *number)
{
	uint64_t now_us = admit_now_us(), key, until_us;
	size_t count = 0;
	*number = 1;
	for (uint32_t at = 0; next_ban(table, &at, now_us, &key, &until_us); count++)
		*number = (*number * UINT64_C(0x100000001b3) ^ key ^ until_us << 1) | 1;
	return count;
}

void bans_write(const struct addresses *table, FILE *to)
{
	uint64_t now_us = admit_now_us(), now_ms = wall_ms(), key, until_us;
	size_t count = 0;
	fprintf(to, "postern bans %d %" PRIu64 "\n", VERSION, now_ms);
	for (uint32_t at = 0; next_ban(table, &at, now_us, &key, &until_us); count++) {
		char address[ADDR_TEXT_BYTES];
		address_key_format(key, address, sizeof(address));
		fprintf(to, "%016" PRIx64 " %" PRIu64 " %s\n", key,
			now_ms + (until_us - now_us + 999) / 1000, address);
	}
	fprintf(to, "end %zu\n", count);
}

static bool read_head(const char *line, uint64_t *written_ms)
{
	int version, end = -1;
	return sscanf(line, "postern bans %d %" SCNu64 "\n%n", &version, written_ms, &end) == 2 &&
	       version == VERSION && end >= 0 && line[end] == '\0';
}

static bool read_ban(const char *line, uint64_t *key, uint64_t *until_ms)
{
	int end = -1;
	return sscanf(line, "%16" SCNx64 " %" SCNu64 " %*s\n%n", key, until_ms, &end) == 2 &&
	       end >= 0 && line[end] == '\0' && *key != 0;
}

static bool read_end(const char *line, size_t count)
{
	size_t said;
	int end = -1;
	return sscanf(line, "end %zu\n%n", &said, &end) == 1 && end >= 0 && line[end] == '\0' &&
	       said == count;
}

enum bans_found bans_look(FILE *from)
{
	char line[LINE_BYTES];
	uint64_t key, ms;
	size_t count = 0;
	rewind(from);
	if (fgets(line, sizeof(line), from) == NULL)
		return ferror(from) ? BANS_DAMAGED : BANS_EMPTY;
	if (!read_head(line, &ms))
		return BANS_FOREIGN;
	while (fgets(line, sizeof(line), from) != NULL) {
		if (read_end(line, count))
			return fgetc(from) == EOF ? BANS_READ : BANS_DAMAGED;
		if (!read_ban(line, &key, &ms))
			return BANS_DAMAGED;
		count++;
	}
	return BANS_DAMAGED;
}

/* False: it has ended by now, or there is no room for it. */
static bool ban_again(const struct addresses *table, uint64_t key, uint64_t left_ms)
{
	uint64_t now_us = admit_now_us();
	if (left_ms > MOST_MS)
		left_ms = MOST_MS;
	uint32_t entry = left_ms > 0 ? addresses_place(table, key, now_us) : ADDRESS_NONE;
	if (entry == ADDRESS_NONE)
		return false;
	addresses_set(table, entry, key, ADDRESS_BAN, now_us + left_ms * 1000);
	return true;
}

enum bans_found bans_read(const struct addresses *table, FILE *from, size_t *count)
{
	char line[LINE_BYTES];
	uint64_t key, until_ms, written_ms = 0, now_ms = wall_ms();
	enum bans_found found = bans_look(from);
	*count = 0;
	if (found != BANS_READ)
		return found;
	rewind(from);
	if (fgets(line, sizeof(line), from) != NULL)
		read_head(line, &written_ms);
	if (now_ms < written_ms)
		now_ms = written_ms;
	while (fgets(line, sizeof(line), from) != NULL && read_ban(line, &key, &until_ms))
		*count += until_ms > now_ms && ban_again(table, key, until_ms - now_ms);
	return found;
}
