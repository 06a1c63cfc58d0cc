#include "proxy/roster.h"
#include "base/clock.h"

#include <stdio.h>

/* A name that is not found is looked up again before its time. */
enum { AGAIN_MS = 10 * 1000 };

/* A server of the configuration, by a number that counts through all backends. */
static const struct server_config *roster_pick(const struct config *config, size_t number,
					       const struct backend_config **backend)
{
	for (size_t i = 0; i < config->backend_count; i++) {
		const struct servers *servers = &config->backends[i].server;
		*backend = &config->backends[i];
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

static void row_begin(struct roster_row *row, struct server_record *record,
		      const struct backend_config *backend, const struct server_config *server)
{
	*row = (struct roster_row){ .named = server->host != NULL };
	snprintf(row->backend, sizeof(row->backend), "%s", backend->name);
	snprintf(row->name, sizeof(row->name), "%s", server->written);
	server_begin(record, row->backend, row->name);
	if (!row->named) {
		row->known = (struct server_addresses){ .count = 1, .item = { server->addr } };
		server_set_addresses(record, &row->known);
	}
}

static bool join_one(struct roster *roster, const struct backend_config *backend,
		     const struct server_config *server)
{
	size_t i = roster_find(roster, backend->name, server->written);
	if (i == SERVERS_MAX) {
		i = roster_free(roster);
		if (i == SERVERS_MAX)
			return false;
		row_begin(&roster->rows[i], &roster->table.records[i], backend, server);
	}
	roster->rows[i].users++;
	roster->rows[i].resolve_ms = backend->resolve_ms;
	return true;
}

static void leave_first(struct roster *roster, const struct config *config, size_t count)
{
	const struct server_config *server;
	const struct backend_config *backend;
	for (size_t n = 0; n < count && (server = roster_pick(config, n, &backend)) != NULL; n++) {
		size_t i = roster_find(roster, backend->name, server->written);
		if (--roster->rows[i].users == 0)
			server_end(&roster->table.records[i]);
	}
}

bool roster_join(struct roster *roster, const struct config *config)
{
	const struct server_config *server;
	const struct backend_config *backend;
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

/* --------------------------------------------------------------------------------------- names */

uint64_t roster_due_ms(const struct roster *roster)
{
	uint64_t due_ms = UINT64_MAX;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct roster_row *row = &roster->rows[i];
		if (row->users > 0 && row->named && row->due_ms < due_ms)
			due_ms = row->due_ms;
	}
	return due_ms;
}

void roster_ask(struct roster *roster, uint64_t now_ms)
{
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		struct roster_row *row = &roster->rows[i];
		row->asked = row->users > 0 && row->named && row->due_ms <= now_ms;
		/* Should nobody be able to ask, it is soon tried again. */
		if (row->asked)
			row->due_ms = now_ms + AGAIN_MS;
	}
}

static bool has_address(const struct server_addresses *addresses, const struct addr *addr)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (addr_eq(&addresses->item[i], addr))
			return true;
	}
	return false;
}

/* In any order: that of the answers changes each time where a name has several addresses. */
static bool are_same(const struct server_addresses *a, const struct server_addresses *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!has_address(b, &a->item[i]))
			return false;
	}
	return a->count == b->count;
}

static bool is_good(const struct server_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count && i < SERVER_ADDRESSES_MAX; i++) {
		int family = addresses->item[i].any.sa_family;
		if (addresses->item[i].len > sizeof(addresses->item[i].local) ||
		    (family != AF_INET && family != AF_INET6))
			return false;
	}
	return addresses->count <= SERVER_ADDRESSES_MAX;
}

static void say_found(const struct roster_row *row, const struct log *log)
{
	struct log_line line;
	if (!log_begin(&line, log, LOG_LEVEL_INFO, "name-found"))
		return;
	log_str(&line, "backend", row->backend);
	log_str(&line, "server", row->name);
	for (size_t i = 0; i < row->known.count; i++) {
		char text[ADDR_TEXT_BYTES];
		addr_format(&row->known.item[i], text, sizeof(text));
		log_str(&line, "address", text);
	}
	log_end(&line);
}

static void say_missing(const struct roster_row *row, const char *why, const struct log *log)
{
	struct log_line line;
	if (!log_begin(&line, log, LOG_LEVEL_WARNING, "name-missing"))
		return;
	log_str(&line, "backend", row->backend);
	log_str(&line, "server", row->name);
	log_str(&line, "detail", why);
	log_str(&line, "message",
		row->known.count > 0 ? "what was found before is used further"
				     : "no session can go there; it is looked up again every 10 s");
	log_end(&line);
}

void roster_learn(struct roster *roster, uint32_t number, const struct server_addresses *found,
		  const char *why, const struct log *log)
{
	struct roster_row *row = &roster->rows[number % SERVERS_MAX];
	if (number >= SERVERS_MAX || !row->asked || !is_good(found))
		return;
	struct server_record *record = &roster->table.records[number];
	bool news = found->count > 0 ? !are_same(found, &row->known) : !row->missing;
	bool missing = found->count == 0;
	uint64_t wait_ms = missing && row->resolve_ms > AGAIN_MS ? AGAIN_MS : row->resolve_ms;
	row->asked = false;
	row->missing = missing;
	row->due_ms = clock_ms() + wait_ms;
	if (!news)
		return;
	if (!missing)
		row->known = *found;
	server_set_addresses(record, &row->known);
	if (missing)
		say_missing(row, why, log);
	else
		say_found(row, log);
}
