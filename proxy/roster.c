#include "proxy/roster.h"

#include <stdio.h>

/* A server of the configuration, by a number that counts through all backends. */
static const struct server_config *roster_pick(const struct config *config, size_t number,
					       const char **backend)
{
	for (size_t i = 0; i < config->backend_count; i++) {
		const struct servers *servers = &config->backends[i].server;
		*backend = config->backends[i].name;
		if (number < servers->count)
			return &servers->item[number];
		number -= servers->count;
	}
	return NULL;
}

static size_t roster_find(const struct roster *roster, const char *backend, const char *name)
{
	size_t i = 0;
	while (i < SERVERS_MAX &&
	       (roster->rows[i].users == 0 || strcmp(roster->rows[i].backend, backend) != 0 ||
		strcmp(roster->rows[i].name, name) != 0))
		i++;
	return i;
}

static size_t roster_free(const struct roster *roster)
{
	size_t i = 0;
	while (i < SERVERS_MAX && roster->rows[i].users != 0)
		i++;
	return i;
}

static bool join_one(struct roster *roster, const char *backend, const struct server_config *server)
{
	const char *name = server->written;
	size_t i = roster_find(roster, backend, name);
	if (i == SERVERS_MAX) {
		i = roster_free(roster);
		if (i == SERVERS_MAX)
			return false;
		struct roster_row *row = &roster->rows[i];
		snprintf(row->backend, sizeof(row->backend), "%s", backend);
		snprintf(row->name, sizeof(row->name), "%s", name);
		server_begin(&roster->table.records[i], backend, name);
		server_set_addresses(&roster->table.records[i],
				     &(struct server_addresses){ .count = 1,
								 .item = { server->addr } });
	}
	roster->rows[i].users++;
	return true;
}

static void leave_first(struct roster *roster, const struct config *config, size_t count)
{
	const struct server_config *server;
	const char *backend;
	for (size_t n = 0; n < count && (server = roster_pick(config, n, &backend)) != NULL; n++) {
		size_t i = roster_find(roster, backend, server->written);
		if (--roster->rows[i].users == 0)
			server_end(&roster->table.records[i]);
	}
}

bool roster_join(struct roster *roster, const struct config *config)
{
	const struct server_config *server;
	const char *backend;
	for (size_t n = 0; (server = roster_pick(config, n, &backend)) != NULL; n++) {
		if (join_one(roster, backend, server))
			continue;
		leave_first(roster, config, n);
		return false;
	}
	return true;
}

void roster_leave(struct roster *roster, const struct config *config)
{
	leave_first(roster, config, SIZE_MAX);
}
