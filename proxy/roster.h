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
	/* Of a server that is written as a name and a port: */
	bool named;
	bool asked;          /* the name is being looked up */
	bool missing;        /* the last time it was not found */
	uint64_t resolve_ms; /* how often it is looked up */
	uint64_t due_ms;     /* when it is next, by clock_ms() */
	struct server_addresses known;
};

struct roster {
	struct server_table table;
	struct roster_row rows[SERVERS_MAX];
};

/* False when the table has no room for all servers of the configuration: then none is taken. */
bool roster_join(struct roster *roster, const struct config *config);

/* The last worker of the configuration is gone: what nobody else uses is free again. */
void roster_leave(struct roster *roster, const struct config *config);

/* When a name is to be looked up next, by clock_ms(); UINT64_MAX: never. */
uint64_t roster_due_ms(const struct roster *roster);

/* All names that are due are being asked for from now on. */
void roster_ask(struct roster *roster, uint64_t now_ms);

/*
 * What has been found for a row, for which it was asked: nothing else is taken. Where nothing was
 * found, `why` says so, what was known before is kept, and it is asked again soon.
 */
void roster_learn(struct roster *roster, uint32_t row, const struct server_addresses *found,
		  const char *why, const struct log *log);

#endif
