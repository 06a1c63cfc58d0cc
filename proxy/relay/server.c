#include "proxy/relay/server.h"

#include <string.h>

enum { READ_TRIES = 4, FAILING_COUNT = 3, FAILING_MS = 10 * 1000 };
enum { PROBES_MISSED = 3, PROBE_SPARE_MS = 60 * 1000 };

/* ------------------------------------------------------------------------------------ records */

static void put_string(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	memset(to + len, 0, size - len);
}

void server_begin(struct server_record *record, const char *backend, const char *name)
{
	memset(record, 0, sizeof *record);
	put_string(record->backend, backend, sizeof record->backend);
	put_string(record->name, name, sizeof record->name);
	atomic_store_explicit(&record->used, 1, memory_order_release);
}

void server_end(struct server_record *record)
{
	record->used = 0;
}

/* ---------------------------------------------------------------------------------- addresses */

/* A sequence lock, its data atomic words, so that a torn read is no race but only thrown away. */
union words {
	struct server_addresses addresses;
	uint64_t word[SERVER_ADDRESS_WORDS];
};

void server_set_addresses(struct server_record *record, const struct server_addresses *addresses)
{
	uint32_t sequence = (record->sequence | 1) + 2;
	union words words = { .addresses = *addresses };

	atomic_store_explicit(&record->sequence, sequence, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < SERVER_ADDRESS_WORDS; i++)
		atomic_store_explicit(&record->addresses[i], words.word[i], memory_order_relaxed);
	atomic_store_explicit(&record->sequence, sequence + 1, memory_order_release);
}

static bool in_bounds(const struct server_addresses *addresses)
{
	if (addresses->count > SERVER_ADDRESSES_MAX)
		return false;
	for (size_t i = 0; i < addresses->count; i++)
		if (addresses->item[i].len > sizeof addresses->item[i].local)
			return false;
	return true;
}

bool server_get_addresses(const struct server_record *record, uint32_t *sequence,
			  struct server_addresses *addresses)
{
	union words words;

	for (int tries = 0; tries < READ_TRIES; tries++) {
		uint32_t before = atomic_load_explicit(&record->sequence, memory_order_acquire);
		if (before == *sequence || before % 2 != 0)
			return false;
		for (size_t i = 0; i < SERVER_ADDRESS_WORDS; i++)
			words.word[i] =
				atomic_load_explicit(&record->addresses[i], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&record->sequence, memory_order_relaxed) != before)
			continue;
		if (!in_bounds(&words.addresses))
			return false;
		*addresses = words.addresses;
		*sequence = before;
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------------------------- health */

void server_set_health(struct server_record *record, enum server_health health, uint64_t now_ms)
{
	if (record->health != health)
		record->health_ms = now_ms;
	record->health = (uint8_t)health;
	record->probed_ms = now_ms;
}

bool server_is_down(const struct server_record *record, uint64_t probe_ms, uint64_t now_ms)
{
	return record->health == SERVER_DOWN && probe_ms != 0 &&
	       now_ms < record->probed_ms + PROBES_MISSED * probe_ms + PROBE_SPARE_MS;
}

void server_failed(struct server_record *record, uint64_t now_ms)
{
	record->failures++;
	record->failed_ms = now_ms;
	record->failed_in_row++;
}

void server_worked(struct server_record *record)
{
	/* Read first: nearly always it is 0, and then the line stays with all who read it. */
	if (record->failed_in_row != 0)
		record->failed_in_row = 0;
}

bool server_is_failing(const struct server_record *record, uint64_t now_ms)
{
	return record->failed_in_row >= FAILING_COUNT && now_ms < record->failed_ms + FAILING_MS;
}
