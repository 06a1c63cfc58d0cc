/*
 * The master's list of servers: which records of the table are whose, and how many crews use them.
 * A record lives from the first generation that names its server to the end of the last.
 */
#ifndef PROXY_ROSTER_H
#define PROXY_ROSTER_H

#include "config/config.h"
#include "proxy/relay/servers.h"

/* What the master knows of a record, as what is in shared memory is not believed. */
struct roster_row {
	uint32_t users; /* crews; 0: the record is free */
	char backend[SERVER_BACKEND_BYTES];
	char name[SERVER_NAME_BYTES];
};

struct roster {
	struct server_table table;
	struct roster_row rows[SERVERS_MAX];
};

/* False when the table has no room for all servers of the configuration: then none is taken. */
bool roster_join(struct roster *roster, const struct config *config);

/* The last worker of the configuration is gone: what nobody else uses is free again. */
void roster_leave(struct roster *roster, const struct config *config);

#endif
