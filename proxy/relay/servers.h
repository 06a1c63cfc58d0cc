/*
 * The table of servers, in memory that all processes share: one record for each server of each
 * backend, whatever generation of the configuration names it. It is found by its key, the names of
 * backend and server, so what is known of a server outlives a reload.
 */
#ifndef PROXY_RELAY_SERVERS_H
#define PROXY_RELAY_SERVERS_H

#include "proxy/relay/server.h"

enum { SERVERS_MAX = 128 };

/*
 * The table as a process has it mapped. Beside the records it has cells: how many sessions a worker
 * has with a server is counted where only that worker writes, one row for each worker's record in
 * shared memory. So what a dead worker had counted is undone by clearing its row.
 */
struct server_table {
	struct server_record *records; /* SERVERS_MAX of them */
	_Atomic uint32_t *cells;       /* `rows` times SERVERS_MAX */
	size_t rows;
};

/* The record with this key; SIZE_MAX when there is none. */
size_t servers_find(const struct server_table *table, const char *backend, const char *name);

/* Sessions that all workers have with the server. */
uint32_t servers_present(const struct server_table *table, size_t server);

/*
 * Worker of that row: counts one more session, unless all workers would have more than `most` with
 * it (0: any number). Never are there more; where two reach for the last place in one instant,
 * it may be that neither gets it.
 */
bool servers_enter(const struct server_table *table, size_t row, size_t server, uint32_t most);
void servers_leave(const struct server_table *table, size_t row, size_t server);

/* Master: the row's worker is no more. */
void servers_bury(const struct server_table *table, size_t row);

#endif
