#include "proxy/relay/servers.h"

#include <string.h>

enum { ENTER_TRIES = 8 };

size_t servers_find(const struct server_table *table, const char *backend, const char *name)
{
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server_record *record = &table->records[i];
		if (atomic_load_explicit(&record->used, memory_order_acquire) != 0 &&
		    strncmp(record->backend, backend, SERVER_BACKEND_BYTES) == 0 &&
		    strncmp(record->name, name, SERVER_NAME_BYTES) == 0)
			return i;
	}
	return SIZE_MAX;
}

static _Atomic uint32_t *cell(const struct server_table *table, size_t row, size_t server)
{
	return &table->cells[row * SERVERS_MAX + server];
}

uint32_t servers_present(const struct server_table *table, size_t server)
{
	uint32_t present = 0;

	for (size_t row = 0; row < table->rows; row++)
		present += *cell(table, row, server);
	return present;
}

/*
 * First it counts itself, then it looks. All of these are sequentially consistent: of those that
 * stay, the one that came last has seen all others, so there are never more than `most`.
 */
bool servers_enter(const struct server_table *table, size_t row, size_t server, uint32_t most)
{
	_Atomic uint32_t *own = cell(table, row, server);

	for (int tries = 0; tries < ENTER_TRIES; tries++) {
		++*own;
		if (most == 0 || servers_present(table, server) <= most)
			return true;
		--*own;
		/* Others may have reached for it, too, and have stepped back as we did. */
		if (servers_present(table, server) >= most)
			return false;
	}
	return false;
}

void servers_leave(const struct server_table *table, size_t row, size_t server)
{
	--*cell(table, row, server);
}

void servers_bury(const struct server_table *table, size_t row)
{
	for (size_t server = 0; server < SERVERS_MAX; server++)
		*cell(table, row, server) = 0;
}
